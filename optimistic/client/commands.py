"""What a client can have done to orders, over either way in."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optimistic.client.receipts import ReceiptLog, check_results


class Commands(ABC):
    """Commands of whoever is logged in; each returns one result per order.

    They raise Refused or Busy if the message is not taken in, Unreachable if there is no answer, and, with
    `receipts`, BadReceipt, TwoStories or ReceiptsNotKept about the receipt of what was taken.
    """

    receipts: ReceiptLog | None = None
    """Checks the receipt of everything that is placed, if there is one."""

    @abstractmethod
    def _command(self, op: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Send a message and return its results."""

    def place(
        self,
        orders: Sequence[Mapping[str, Any]] = (),
        quotes: Sequence[Mapping[str, Any]] = (),
        *,
        cancel_on_disconnect: bool = False,
    ) -> list[dict[str, Any]]:
        """Send signed orders and trees; those of a stream may end with its connection."""
        body = {"orders": list(orders), "quotes": list(quotes), "cancelOnDisconnect": cancel_on_disconnect}
        return self._checked("place", body)

    def cancel(self, order_ids: Iterable[int]) -> list[dict[str, Any]]:
        """Cancel orders by number."""
        return self._command("cancel", {"orders": [{"orderId": number} for number in order_ids]})

    def cancel_all(self, **which: Any) -> list[dict[str, Any]]:
        """Cancel all orders, or those of a subaccount, market or side."""
        return self._command("cancelAll", which)

    def shrink(self, order_id: int, lots: int) -> list[dict[str, Any]]:
        """Leave an order so many lots; it keeps its place."""
        return self._command("amend", {"amendments": [{"order": {"orderId": order_id}, "lots": lots}]})

    def replace(
        self, order_id: int, replacement: Mapping[str, Any], *, cancel_on_disconnect: bool = False
    ) -> list[dict[str, Any]]:
        """Cancel an order and place another one in one step; that of a stream may end with its connection."""
        return self.replace_all([(order_id, replacement)], cancel_on_disconnect=cancel_on_disconnect)

    def replace_all(
        self, pairs: Iterable[tuple[int, Mapping[str, Any]]], *, cancel_on_disconnect: bool = False
    ) -> list[dict[str, Any]]:
        """Do the same with many, in order; each is a step of its own."""
        amendments = [
            {"order": {"orderId": number}, "replacement": dict(replacement)} for number, replacement in pairs
        ]
        body = {"amendments": amendments, "cancelOnDisconnect": cancel_on_disconnect}
        return self._checked("amend", body)

    def dead_man(self, timeout_ms: int) -> list[dict[str, Any]]:
        """Cancel everything unless this comes again in time; 0 disarms."""
        return self._command("deadMan", {"timeoutMs": timeout_ms})

    def _checked(self, op: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return check_results(self.receipts, self._command(op, body))
