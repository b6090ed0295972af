"""Our own commitment to a range of batches, one batch in memory at a time.

The unit tree of an assertion spans up to 2^10 batches of up to 2^15 units. Replay leaves the
root of each batch's subtree behind; the leaves themselves are read again only where a
comparison descends into a batch.
"""

from collections.abc import Callable, Sequence
from typing import Final

from optimistic.protocol.commitment import CommitmentTree, Node, RangeTree, batch_tree
from optimistic.protocol.types import Hash32

LeavesOf = Callable[[int], Sequence[Hash32]]
"""Batch offset in the range -> its unit leaves."""


class RollupTrace(RangeTree):
    """A range tree that reads leaves when they are asked for and keeps those of one batch.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    tops : root of each batch's subtree, at least one
    leaves_of : reads the leaves of one batch
    """

    def __init__(self, log_arity: int, tops: Sequence[Node], leaves_of: LeavesOf) -> None:
        super().__init__(log_arity, tops)
        self._leaves_of: Final = leaves_of
        self._loaded: tuple[int, CommitmentTree] | None = None

    def batch(self, offset: int) -> CommitmentTree:
        """Return the subtree of batch `offset` of the range."""
        if self._loaded is None or self._loaded[0] != offset:
            self._loaded = (offset, batch_tree(self.log_arity, self._leaves_of(offset)))
        return self._loaded[1]
