"""Our own commitment to a range of batches, one batch in memory at a time.

The unit tree of an assertion spans up to 2^10 batches of up to 2^15 units. Replay leaves the
root of each batch's subtree behind; the leaves themselves are read again only where a
comparison descends into a batch.
"""

from collections.abc import Callable, Sequence
from typing import Final

from optimistic.protocol.commitment import CommitmentTree, Node, Tree, leaf
from optimistic.protocol.constants import BATCH_BITS, UNIT_BITS
from optimistic.protocol.types import Hash32

LeavesOf = Callable[[int], Sequence[Hash32]]
"""Batch offset in the range -> its unit leaves."""


def batch_tree(log_arity: int, leaves: Sequence[Hash32]) -> CommitmentTree:
    """Return the subtree of one batch: 2^15 unit leaves, padded with the last."""
    nodes = [leaf(state) for state in leaves]
    return CommitmentTree(log_arity, UNIT_BITS // log_arity, nodes, nodes[-1])


def batch_pad(log_arity: int, end_leaf: Hash32) -> Node:
    """Return the subtree of a batch position behind the last batch: nothing but its end leaf."""
    return batch_tree(log_arity, [end_leaf]).root


class RollupTrace(Tree):
    """The unit tree of a range of batches; equal to `commitment.UnitTree` of all their leaves.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    tops : root of each batch's subtree, at least one
    leaves_of : reads the leaves of one batch
    """

    def __init__(self, log_arity: int, tops: Sequence[Node], leaves_of: LeavesOf) -> None:
        super().__init__(log_arity, (UNIT_BITS + BATCH_BITS) // log_arity)
        self._batch_height: Final = UNIT_BITS // log_arity
        self._count: Final = len(tops)
        self._pad: Final = batch_tree(log_arity, [tops[-1].end_state])
        self._top: Final = CommitmentTree(log_arity, BATCH_BITS // log_arity, tops, self._pad.root)
        self._leaves_of: Final = leaves_of
        self._loaded: tuple[int, CommitmentTree] | None = None

    @property
    def unit_root(self) -> Hash32:
        """H(TAG_NODE, endLeaf, childrenRoot) over the whole range."""
        return self.root.hash

    @property
    def end_leaf(self) -> Hash32:
        """State after the last batch."""
        return self.root.end_state

    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`; level 0 holds the 2^25 unit leaves."""
        if level >= self._batch_height:
            return self._top.node(level - self._batch_height, index)
        bits = UNIT_BITS - level * self.log_arity
        offset, within = index >> bits, index & ((1 << bits) - 1)
        if offset >= self._count:
            return self._pad.node(level, 0)
        return self._batch(offset).node(level, within)

    def _batch(self, offset: int) -> CommitmentTree:
        if self._loaded is None or self._loaded[0] != offset:
            self._loaded = (offset, batch_tree(self.log_arity, self._leaves_of(offset)))
        return self._loaded[1]
