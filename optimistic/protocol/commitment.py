"""Commitment trees: a whole computation behind one hash.

A leaf is a state hash. An inner node with k = 2^a children is::

    node = H(TAG_NODE, endState, merkle_k(children))

where endState is that of the last child and merkle_k the plain binary tree over
the k child hashes. The end of every stretch of the computation can thus be read
off its node, and a move of a dispute reveals one node's k children.

Trees are always full: missing leaves repeat the last one. A subtree that is all
padding is hashed once per level, so a tree costs O(real leaves), not O(2^bits).

Source: docs/spec/05-state-commitments.md
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final

from optimistic.protocol.constants import BATCH_BITS, TAG_ASSERT, TAG_NODE, UNIT_BITS
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.types import Hash32


class InvalidPath(InvalidInput):
    """A path proof of the wrong shape, or one that does not lead to the root."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a commitment tree; for a leaf both hashes are the state's."""

    end_state: Hash32
    hash: Hash32


def leaf(state: Hash32) -> Node:
    """Return the leaf of a state."""
    return Node(state, state)


def parent(children: Sequence[Node]) -> Node:
    """Return the node over `children` (a power of two of them)."""
    end_state = children[-1].end_state
    return Node(end_state, node_hash(end_state, merkle_root([child.hash for child in children])))


def node_hash(end_state: Hash32, children_root: Hash32) -> Hash32:
    """Return H(TAG_NODE, endState, childrenRoot), 32 bytes."""
    return struct_hash(TAG_NODE, end_state, children_root)


def merkle_root(hashes: Sequence[Hash32]) -> Hash32:
    """Return the root of the binary tree over a power of two of hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [keccak256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def merkle_siblings(hashes: Sequence[Hash32], index: int) -> tuple[Hash32, ...]:
    """Return the siblings of entry `index`, from the leaves up."""
    siblings, level = [], list(hashes)
    while len(level) > 1:
        siblings.append(level[index ^ 1])
        level = [keccak256(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
        index //= 2
    return tuple(siblings)


def merkle_climb(hash_: Hash32, index: int, siblings: Sequence[Hash32]) -> Hash32:
    """Return the binary root that `siblings` give for `hash_` at `index`."""
    for sibling in siblings:
        hash_ = keccak256(sibling + hash_) if index & 1 else keccak256(hash_ + sibling)
        index >>= 1
    return hash_


@dataclass(frozen=True, slots=True)
class PathStep:
    """One level of a path: the parent's endState and the child's a binary siblings."""

    end_state: Hash32
    siblings: tuple[Hash32, ...]


class Tree(ABC):
    """A full tree of 2^(log_arity·height) base nodes."""

    def __init__(self, log_arity: int, height: int) -> None:
        self.log_arity: Final = log_arity
        self.height: Final = height

    @abstractmethod
    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`; level 0 is the base, level `height` the root."""

    @property
    def root(self) -> Node:
        """The single node at the top."""
        return self.node(self.height, 0)

    def children(self, level: int, index: int) -> tuple[Node, ...]:
        """Return the k children of node `index` of `level` (level > 0)."""
        first = index << self.log_arity
        return tuple(self.node(level - 1, i) for i in range(first, first + (1 << self.log_arity)))

    def children_root(self) -> Hash32:
        """Return merkle_k of the root's children."""
        return merkle_root([child.hash for child in self.children(self.height, 0)])

    def prove(self, level: int, index: int) -> tuple[PathStep, ...]:
        """Return the path from node `index` of `level` to the root, bottom up."""
        steps = []
        for above in range(level + 1, self.height + 1):
            up = index >> self.log_arity
            hashes = [child.hash for child in self.children(above, up)]
            siblings = merkle_siblings(hashes, index - (up << self.log_arity))
            steps.append(PathStep(self.node(above, up).end_state, siblings))
            index = up
        return tuple(steps)

    def first_difference(self, other: "Tree") -> int | None:
        """Return the lowest base index at which two equally shaped trees differ, if any."""
        if self.root == other.root:
            return None
        index = 0
        for level in range(self.height, 0, -1):
            pairs = zip(self.children(level, index), other.children(level, index), strict=True)
            index = (index << self.log_arity) + next(i for i, (mine, its) in enumerate(pairs) if mine != its)
        return index


class CommitmentTree(Tree):
    """A tree over real base nodes, the rest filled with one padding node.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    height : levels above the base
    base : at least one node; at most 2^(log_arity·height)
    pad : node that fills the rest of the base
    """

    def __init__(self, log_arity: int, height: int, base: Sequence[Node], pad: Node) -> None:
        if not 0 < len(base) <= 1 << (log_arity * height):
            raise InvalidInput(f"a tree of {log_arity}·{height} bits cannot hold {len(base)} nodes")
        super().__init__(log_arity, height)
        self._levels: Final = [list(base)]
        self._pads: Final = [pad]
        for _ in range(height):
            self._levels.append(self._level_above())
            self._pads.append(parent([self._pads[-1]] * (1 << log_arity)))

    def _level_above(self) -> list[Node]:
        """Return the nodes above the highest level, an incomplete group filled with padding."""
        below, pad, arity = self._levels[-1], self._pads[-1], 1 << self.log_arity
        groups = (below[i : i + arity] for i in range(0, len(below), arity))
        return [parent([*group, *repeat(pad, arity - len(group))]) for group in groups]

    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`; level 0 is the base."""
        row = self._levels[level]
        return row[index] if index < len(row) else self._pads[level]

    def pad(self, level: int) -> Node:
        """Return the node of `level` whose base is all padding."""
        return self._pads[level]


def verify_path(root: Hash32, log_arity: int, index: int, node: Hash32, path: Sequence[PathStep]) -> None:
    """Check that `node` stands at `index` of its level under `root`.

    Raises
    ------
    InvalidPath : a level without exactly `log_arity` siblings, an index outside
        the tree, or another root
    """
    if not 0 <= index < 1 << (log_arity * len(path)):
        raise InvalidPath(f"index {index} is outside {len(path)} levels")
    if climb(node, index, path, log_arity) != root:
        raise InvalidPath("the path leads to another root")


def climb(node: Hash32, index: int, path: Sequence[PathStep], log_arity: int) -> Hash32:
    """Return the node that `path` gives above `node` at `index` of its level.

    The end states of the path are only bound by hash: a wrong tree may hold false ones.

    Raises
    ------
    InvalidPath : a level without exactly `log_arity` siblings
    """
    for step in path:
        if len(step.siblings) != log_arity:
            raise InvalidPath(f"a level needs {log_arity} siblings, got {len(step.siblings)}")
        node = node_hash(step.end_state, merkle_climb(node, index % (1 << log_arity), step.siblings))
        index >>= log_arity
    return node


def batch_tree(log_arity: int, leaves: Sequence[Hash32]) -> CommitmentTree:
    """Return the subtree of one batch: 2^15 positions, padded with its own last leaf (IDLE)."""
    nodes = [leaf(state) for state in leaves]
    return CommitmentTree(log_arity, UNIT_BITS // log_arity, nodes, nodes[-1])


class RangeTree(Tree):
    """The commitment of an assertion: unit leaves of up to 2^10 batches.

    The positions of missing batches repeat the last leaf of all. Where the leaves of a
    batch come from is left to subclasses.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    tops : root of each batch's subtree, at least one
    """

    def __init__(self, log_arity: int, tops: Sequence[Node]) -> None:
        super().__init__(log_arity, (UNIT_BITS + BATCH_BITS) // log_arity)
        self._batch_height: Final = UNIT_BITS // log_arity
        self._count: Final = len(tops)
        self._pad: Final = batch_tree(log_arity, [tops[-1].end_state])
        self._top: Final = CommitmentTree(log_arity, BATCH_BITS // log_arity, tops, self._pad.root)

    @abstractmethod
    def batch(self, offset: int) -> CommitmentTree:
        """Return the subtree of batch `offset` of the range."""

    @property
    def unit_root(self) -> Hash32:
        """H(TAG_NODE, endLeaf, childrenRoot): what an assertion commits to."""
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
        tree = self.batch(offset) if offset < self._count else self._pad
        return tree.node(level, within)


class UnitTree(RangeTree):
    """A range tree with all leaves in memory.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    batches : unit leaves of each batch, 32 bytes each, at least one batch and leaf
    """

    def __init__(self, log_arity: int, batches: Sequence[Sequence[Hash32]]) -> None:
        self._batches: Final = [batch_tree(log_arity, leaves) for leaves in batches]
        super().__init__(log_arity, [tree.root for tree in self._batches])

    def batch(self, offset: int) -> CommitmentTree:
        """Return the subtree of batch `offset` of the range."""
        return self._batches[offset]


def assertion_id(parent_id: Hash32, acc: Hash32, unit_root: Hash32, end_leaf: Hash32) -> Hash32:
    """Return the id of an assertion: what it says, below which parent.

    Source: docs/spec/06-assertions.md; twin: AssertionChain.sol
    """
    return struct_hash(TAG_ASSERT, parent_id, acc, unit_root, end_leaf)
