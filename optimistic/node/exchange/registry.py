"""The live orders: by number, by owner, by the owner's own names, and by when they end."""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from optimistic.node.exchange.live import LiveOrder
from optimistic.node.exchange.receipts import Receipt
from optimistic.protocol.types import Address, Hash32

_STALE_ALLOWED = 1_024


class Taken(NamedTuple):
    """What was answered to an order that had a name."""

    digest: Hash32
    number: int
    order_ids: tuple[int, ...]
    receipt: Receipt


class Registry:
    """Live orders; `names` remembers the latest `name_window` names of orders that are over, too."""

    def __init__(self, name_window: int) -> None:
        self.orders: dict[int, LiveOrder] = {}
        self.by_owner: dict[Address, dict[int, LiveOrder]] = {}
        self.live_names: dict[tuple[Address, bytes], int] = {}
        self.names: OrderedDict[tuple[Address, bytes], Taken] = OrderedDict()
        self._name_window = name_window
        self.ends: list[tuple[int, int]] = []
        """Heap of (time in ms, order); orders that ended before may still be in it."""
        self._parents: list[tuple[int, int, LiveOrder]] = []
        """(number, number of the last slice, parent), ascending."""

    def add(self, order: LiveOrder, ends_ms: int, slices: int = 0) -> None:
        """Note a new order."""
        self.orders[order.id] = order
        owned = self.by_owner.get(order.owner)
        if owned is None:
            owned = self.by_owner[order.owner] = {}
        owned[order.id] = order
        if order.client_id:
            self.live_names[order.owner, order.client_id] = order.id
        if slices:
            self._parents.append((order.id, order.id + slices, order))
        heappush(self.ends, (ends_ms, order.id))
        if len(self.ends) > 2 * len(self.orders) + _STALE_ALLOWED:
            self.ends = [entry for entry in self.ends if entry[1] in self.orders]
            heapify(self.ends)

    def remove(self, order: LiveOrder) -> None:
        """Forget an order that is over."""
        del self.orders[order.id]
        owned = self.by_owner[order.owner]
        del owned[order.id]
        if not owned:
            del self.by_owner[order.owner]
        if order.client_id:
            key = (order.owner, order.client_id)
            if self.live_names.get(key) == order.id:
                del self.live_names[key]
        at = bisect_left(self._parents, order.id, key=lambda entry: entry[0])
        if at < len(self._parents) and self._parents[at][2] is order:
            del self._parents[at]

    def find(self, number: int) -> LiveOrder | None:
        """Return the live order with a number; of a slice, its parent."""
        order = self.orders.get(number)
        if order is not None or not self._parents:
            return order
        at = bisect_right(self._parents, number, key=lambda entry: entry[0]) - 1
        if at >= 0 and number <= self._parents[at][1]:
            return self._parents[at][2]
        return None

    def parents(self) -> list[tuple[int, int]]:
        """Return (number, slices) of the parents, ascending."""
        return [(first, last - first) for first, last, _ in self._parents]

    def name(self, owner: Address, client_id: bytes, taken: Taken) -> None:
        """Remember what was answered to a named order."""
        self.names[owner, client_id] = taken
        while len(self.names) > self._name_window:
            self.names.popitem(last=False)

    def pop_ended(self, now_ms: int) -> LiveOrder | None:
        """Take the next live order out of the queue whose time has come; it stays live."""
        while self.ends and self.ends[0][0] <= now_ms:
            order = self.orders.get(heappop(self.ends)[1])
            if order is not None:
                return order
        return None
