"""A copy of a book that knows when it is wrong."""

from collections.abc import Mapping
from typing import Any

from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.matching.depth import Depth, Level


class OutOfStep(TemporaryError):
    """A change is missing, or the checksums differ: subscribe again and start from the snapshot."""


class BookCopy:
    """Levels of one market, kept up by the messages of its channel."""

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.market = int(snapshot["market"])
        self.sequence = int(snapshot["sequence"])
        self._depth = Depth(snapshot["bids"], snapshot["asks"])
        self._check(snapshot)

    def apply(self, change: Mapping[str, Any]) -> None:
        """Take one change over.

        Raises
        ------
        OutOfStep : the copy is no longer what the exchange has; throw it away
        """
        if change["previous"] != self.sequence:
            raise OutOfStep(f"a change after {self.sequence} is missing: got one after {change['previous']}")
        self._depth.apply((0, ticks, lots) for ticks, lots in change["bids"])
        self._depth.apply((1, ticks, lots) for ticks, lots in change["asks"])
        self.sequence = int(change["sequence"])
        self._check(change)

    def best(self, limit: int = 10) -> tuple[list[Level], list[Level]]:
        """Return the best bids and asks in ticks and lots, best first."""
        return self._depth.best(limit)

    def _check(self, message: Mapping[str, Any]) -> None:
        if self._depth.checksum() != message["checksum"]:
            raise OutOfStep(f"the checksum at {self.sequence} differs")
