"""The tree of a rival as far as its nodes were published.

L1 has checked that published nodes belong to the tree, but what lies around them need not be
published: mostly it is our own tree, or the padding behind the last published node. Such a guess
is as good as knowledge where it hashes to a known node. Without one nothing but the root is known,
and a dispute starts with the walk.

Source: docs/spec/06-assertions.md
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from optimistic.protocol.commitment import CommitmentTree, Node, Tree, merkle_root, node_hash, parent
from optimistic.protocol.dispute.divergence import padding
from optimistic.protocol.dispute.proofs import Inside, NoDifference, first_difference, inside
from optimistic.protocol.types import Hash32

MAX_NODES: Final = 1 << 20
"""Published nodes of one assertion that are worth hashing; with more the walk is quicker."""
_Place = tuple[int, int]
"""(level, index) of a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedNodes:
    """Nodes of a unit tree that somebody published and L1 checked.

    Nodes beyond the given ones, up to the next power of the arity, repeat the last.
    """

    level: int
    first_index: int
    nodes: tuple[Node, ...]


def known_path(own: Tree, root: Node, published: Iterable[PublishedNodes]) -> list[Inside]:
    """Return a rival's nodes on the way to its first difference, from its root as deep as they are known.

    Parameters
    ----------
    own : the right tree, of the same shape
    root : the rival's unit root and end leaf
    published : nodes of the rival's tree; a group that has no place in it is ignored

    Returns
    -------
    Each node from within, proven by its hash; empty if not even the children of the root are known.
    """
    groups = list(published)
    if not 0 < sum(len(group.nodes) for group in groups) <= MAX_NODES:
        return []
    known = _Known(own, groups)
    guesses = [_Guess(own, known, pads_the_rest=choice) for choice in (True, False)]
    path: list[Inside] = []
    node, index = root, 0
    for level in range(own.height, 0, -1):
        step = _step_down(guesses, own, node, level, index)
        if step is None:
            break
        around, node, index = step
        path.append(around)
    return path


def _step_down(
    guesses: Iterable["_Guess"], own: Tree, node: Node, level: int, index: int
) -> tuple[Inside, Node, int] | None:
    """Return the rival's node from within and its first different child with its index, if they are known."""
    for guess in guesses:
        children = guess.children(level, index)
        hashes = tuple(child.hash for child in children)
        if node_hash(node.end_state, merkle_root(hashes)) != node.hash:
            continue
        around = Inside(node.end_state, hashes)
        try:
            digit = first_difference(inside(own, level, index), around)
        except NoDifference:
            return None
        return around, children[digit], (index << own.log_arity) + digit
    return None


class _Known:
    """Published nodes and what follows from them, by place.

    Parameters
    ----------
    shape : a tree of the same shape
    published : nodes of the rival's tree
    """

    def __init__(self, shape: Tree, published: Iterable[PublishedNodes]) -> None:
        self._log_arity: Final = shape.log_arity
        self._height: Final = shape.height
        self._groups: Final[dict[_Place, list[tuple[int, CommitmentTree]]]] = defaultdict(list)
        """By the place of their top: level of the published nodes and the tree above them."""
        self.last_below: Final[dict[_Place, int]] = {}
        """Index of the last child below which something was published, by the place of its parent."""
        for group in published:
            self._add(group)

    def node(self, level: int, index: int) -> Node | None:
        """Return a published node, or one that follows from published ones; the least derived one."""
        found = [
            (base, tree.node(level - base, index % (1 << (top - level) * self._log_arity)))
            for top in range(level, self._height + 1)
            for base, tree in self._groups.get((top, index >> (top - level) * self._log_arity), ())
            if base <= level
        ]
        return max(found, key=lambda entry: entry[0])[1] if found else None

    def _add(self, group: PublishedNodes) -> None:
        """Take in published nodes with the tree above them."""
        height = 0
        while 1 << height * self._log_arity < len(group.nodes):
            height += 1
        top, index = group.level + height, group.first_index >> height * self._log_arity
        if top > self._height or index >> (self._height - top) * self._log_arity or not group.nodes:
            return
        if index << height * self._log_arity != group.first_index:
            return
        tree = CommitmentTree(self._log_arity, height, group.nodes, group.nodes[-1])
        self._groups[top, index].append((group.level, tree))
        for level in range(top + 1, self._height + 1):
            place = level, index >> self._log_arity
            self.last_below[place] = max(index, self.last_below.get(place, 0))
            index >>= self._log_arity


class _Guess(Tree):
    """A rival's tree: what is known of it, and a guess about the rest.

    Parameters
    ----------
    own : the right tree
    known : nodes of the rival's tree
    pads_the_rest : whether nodes right of the last known one below the same parent are guessed to
        repeat its end state; all others are guessed to be those of `own`
    """

    def __init__(self, own: Tree, known: _Known, *, pads_the_rest: bool) -> None:
        super().__init__(own.log_arity, own.height)
        self._own: Final = own
        self._known: Final = known
        self._pads_the_rest: Final = pads_the_rest
        self._made: Final[dict[_Place, Node]] = {}
        self._pads: Final[dict[Hash32, list[Hash32]]] = {}

    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`, known or guessed."""
        place = level, index
        if place not in self._made:
            self._made[place] = self._known.node(level, index) or self._guessed(level, index)
        return self._made[place]

    def _guessed(self, level: int, index: int) -> Node:
        """Return what a node is if the guess is right."""
        last_below = self._known.last_below
        if (level, index) in last_below:
            return parent(self.children(level, index))
        for above in range(level + 1, self.height + 1):
            last = last_below.get((above, index >> (above - level) * self.log_arity))
            if last is None:
                continue
            is_behind = index >> (above - 1 - level) * self.log_arity > last
            if self._pads_the_rest and is_behind:
                return self._pad(level, self.node(above - 1, last).end_state)
            break
        return self._own.node(level, index)

    def _pad(self, level: int, state: Hash32) -> Node:
        """Return the node of `level` below which `state` repeats."""
        if state not in self._pads:
            self._pads[state] = padding(state, self.height, self.log_arity)
        return Node(state, self._pads[state][level])
