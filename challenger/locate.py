"""Where an assertion goes wrong: its published nodes against our own tree.

An assertion names one root. If nobody publishes more, all that is known of a wrong one is that
some unit is wrong; naming one would be a guess. Every published node, though, was checked by L1
to stand under the asserted root, so each one that equals ours clears its units and each one
that differs holds a wrong unit.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from challenger.model import WrongUnits
from optimistic.protocol.commitment import Tree
from optimistic.protocol.dispute.published import PublishedNodes

Span = tuple[int, int]
"""Units [start, end)."""

MAX_GROUPS: Final = 64
"""Groups of published nodes that are compared for one assertion: each may touch hundreds of batches, and
anybody can publish more."""


class UnitSearch:
    """What the published nodes of one assertion say so far; each group is compared once."""

    def __init__(self) -> None:
        self._right: list[Span] = []
        self._wrong: list[Span] = []
        self._seen: set[tuple[int, int, int]] = set()

    def news(self, published: Iterable[PublishedNodes]) -> list[PublishedNodes]:
        """Return the groups that are still to be compared."""
        fresh = [nodes for nodes in published if _place(nodes) not in self._seen]
        return fresh[: MAX_GROUPS - len(self._seen)]

    def add(self, own: Tree, nodes: PublishedNodes) -> None:
        """Compare one group; L1 has checked it, so what it says stays true."""
        shift = nodes.level * own.log_arity
        for index, is_right in _compare(own, nodes):
            (self._right if is_right else self._wrong).append((index << shift, (index + 1) << shift))
        self._seen.add(_place(nodes))

    def bounds(self, own: Tree) -> WrongUnits:
        """Bound the first wrong unit of an assertion whose root differs from `own.root`.

        Parameters
        ----------
        own : the right tree over the same batches

        Returns
        -------
        The tightest bounds that the nodes allow; all units if nothing was published.
        """
        units = 1 << own.height * own.log_arity
        first = _cleared_up_to(self._right)
        last = min((end for _, end in self._wrong), default=units) - 1
        proven = min((start for start, end in self._wrong if end - start == 1), default=None)
        if first > last:
            # Cleared and wrong at once cannot both stand under one root: the answers contradict each other.
            return WrongUnits(first=0, last=units - 1)
        return WrongUnits(first=first, last=last, proven=proven)


def _place(nodes: PublishedNodes) -> tuple[int, int, int]:
    return nodes.level, nodes.first_index, len(nodes.nodes)


def _compare(own: Tree, published: PublishedNodes) -> Iterator[tuple[int, bool]]:
    """Yield (index in the level, equals ours) for every node and its padding."""
    nodes = published.nodes
    if not nodes or published.level > own.height:
        return
    width = 1
    while width < len(nodes):
        width <<= own.log_arity
    limit = 1 << own.log_arity * (own.height - published.level)
    for offset in range(min(width, limit - published.first_index)):
        index = published.first_index + offset
        yield index, own.node(published.level, index) == nodes[min(offset, len(nodes) - 1)]


def _cleared_up_to(right: Iterable[Span]) -> int:
    """Return the end of the cleared units that start at 0 without a gap."""
    end = 0
    for start, stop in sorted(right):
        if start > end:
            break
        end = max(end, stop)
    return end
