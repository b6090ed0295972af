"""Proofs of a first difference: one's own tree against what is known of another one.

A proof needs of the other tree only nodes on one path down: for each its end state and its
children. They come from reveals of the game or from published nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from optimistic.protocol.commitment import Node, PathStep, Tree, merkle_root, merkle_siblings
from optimistic.protocol.dispute.actions import DivergenceProof, Opening, Reveal
from optimistic.protocol.dispute.divergence import lift, padding
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import ZERO_HASH, Hash32

_NOTHING = Opening(end_state=ZERO_HASH, children_root=ZERO_HASH)


class NoDifference(InvalidInput):
    """All children of two nodes are equal: one of them has a false end state, and nothing leads on."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A node from within: its end state and the hashes of its k children."""

    end_state: Hash32
    children: tuple[Hash32, ...]


def inside(tree: Tree, level: int, index: int) -> Inside:
    """Return node `index` of `level` (at least 1) of a known tree from within."""
    children = tuple(child.hash for child in tree.children(level, index))
    return Inside(tree.node(level, index).end_state, children)


def reveal(tree: Tree, level: int, index: int) -> Reveal:
    """Return the reveal of node `index` of `level` (at least 1)."""
    children = tree.children(level, index)
    last = ((index + 1) << tree.log_arity) - 1
    return Reveal(
        end_state=tree.node(level, index).end_state,
        children=tuple(child.hash for child in children),
        last_children_root=_children_root(tree, level - 1, last),
    )


def first_difference(mine: Inside, theirs: Inside) -> int:
    """Return the number of the first different child of two nodes.

    Raises
    ------
    NoDifference : all are equal
    """
    pairs = enumerate(zip(mine.children, theirs.children, strict=True))
    found = next((number for number, (own, other) in pairs if own != other), None)
    if found is None:
        raise NoDifference("no child of the two nodes differs")
    return found


def prove_divergence(
    own: Tree, side: Side, level: int, index: int, theirs: Sequence[Inside]
) -> DivergenceProof:
    """Return the proof of the first difference some levels below two nodes.

    Parameters
    ----------
    own : the tree of `side`
    level, index : place of the two upper nodes in their trees
    theirs : the other side's upper node from within, then its first different child, and so
        on: as many as the proof has levels, at least one

    Raises
    ------
    NoDifference : somewhere on the way all children are equal
    """
    mine: list[Inside] = []
    digits: list[int] = []
    below = index
    for depth, other in enumerate(theirs):
        mine.append(inside(own, level - depth, below))
        digits.append(first_difference(mine[-1], other))
        below = (below << own.log_arity) + digits[-1]
    relative = below - (index << own.log_arity * len(theirs))
    left, left_path = _prove_left(own, level - len(theirs), below, relative)
    return DivergenceProof(
        index=relative,
        nodes=side.pair(mine[-1].children[digits[-1]], theirs[-1].children[digits[-1]]),
        paths=side.pair(_path(mine, digits), _path(theirs, digits)),
        left=left,
        left_path=left_path,
    )


def prove_roots(roots: tuple[Hash32, Hash32]) -> DivergenceProof:
    """Return the proof about two whole trees: it has no levels."""
    return DivergenceProof(index=0, nodes=roots, paths=((), ()), left=_NOTHING, left_path=())


def _path(nodes: Sequence[Inside], digits: Sequence[int]) -> tuple[PathStep, ...]:
    """Return the steps from the child numbered by the last digit up to the first node."""
    steps = (
        PathStep(node.end_state, merkle_siblings(node.children, digit))
        for node, digit in zip(nodes, digits, strict=True)
    )
    return tuple(reversed(list(steps)))


def _prove_left(tree: Tree, level: int, index: int, relative: int) -> tuple[Opening, tuple[PathStep, ...]]:
    """Open the left neighbour of a node, if the upper node has it, up to where it is a left sibling.

    Parameters
    ----------
    level, index : place of the node in the tree
    relative : index of the node among those below the upper node
    """
    if relative == 0:
        return _NOTHING, ()
    neighbour = index - 1
    opening = Opening(
        end_state=tree.node(level, neighbour).end_state, children_root=_children_root(tree, level, neighbour)
    )
    height, rest = divmod((relative & -relative).bit_length() - 1, tree.log_arity)
    last = (1 << tree.log_arity) - 1
    steps = []
    for above in range(level + 1, level + 1 + height):
        neighbour >>= tree.log_arity
        around = inside(tree, above, neighbour)
        steps.append(PathStep(around.end_state, merkle_siblings(around.children, last)))
    if rest:
        around = inside(tree, level + height + 1, neighbour >> tree.log_arity)
        siblings = merkle_siblings(around.children, neighbour & last)
        steps.append(PathStep(ZERO_HASH, siblings[:rest]))
    return opening, tuple(steps)


def _children_root(tree: Tree, level: int, index: int) -> Hash32:
    """Return what opens a node besides its end state: zero for a leaf."""
    return merkle_root(inside(tree, level, index).children) if level else ZERO_HASH


class LiftedTree(Tree):
    """A trace tree made higher: behind its end its last state repeats."""

    def __init__(self, tree: Tree, height: int) -> None:
        super().__init__(tree.log_arity, height)
        self._tree: Final = tree
        result = tree.root.end_state
        self._pads: Final = [Node(result, hash_) for hash_ in padding(result, height, tree.log_arity)]
        self._spine: Final = [
            Node(result, lift(tree.root.hash, result, tree.height, level, tree.log_arity))
            for level in range(tree.height, height + 1)
        ]

    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`; level 0 is the base."""
        if level >= self._tree.height and index == 0:
            return self._spine[level - self._tree.height]
        if index < 1 << self.log_arity * max(0, self._tree.height - level):
            return self._tree.node(level, index)
        return self._pads[level]
