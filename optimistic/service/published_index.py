"""Nodes of unit trees that were published on L1, as many as are worth the memory.

Anybody may publish any number of nodes of any assertion, and pays L1 only: what is kept is bounded.
Without them a dispute begins with the walk.
"""

from typing import Final

from optimistic.protocol.commitment import Node, node_hash
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.types import Hash32
from optimistic.service.l1_events import UnitLeaves

MAX_KEPT: Final = 1 << 18
"""Nodes of all assertions together, some 60 MB; later ones are not kept."""

Groups = dict[tuple[int, int, int], PublishedNodes]
"""By level, first index and count: L1 checked them, so equal places hold equal nodes."""


class PublishedIndex:
    """The nodes of the assertions that are not settled.

    Parameters
    ----------
    most : nodes that are kept at the same time
    """

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._room = most
        self.groups: Final[dict[Hash32, Groups]] = {}
        """By assertion."""

    def add(self, event: UnitLeaves) -> None:
        """Keep published nodes if there is room."""
        place = (event.level, event.first_index, len(event.nodes))
        if len(event.nodes) > self._room or place in self.groups.get(event.id, {}):
            return
        self._room -= len(event.nodes)
        self.groups.setdefault(event.id, {})[place] = _published(event)

    def drop(self, assertion: Hash32) -> None:
        """Forget the nodes of an assertion against which no dispute is opened any more."""
        self._room += sum(len(group.nodes) for group in self.groups.pop(assertion, {}).values())


def _published(event: UnitLeaves) -> PublishedNodes:
    nodes = tuple(
        Node(end_state, node_hash(end_state, children) if event.level else end_state)
        for end_state, children in event.nodes
    )
    return PublishedNodes(level=event.level, first_index=event.first_index, nodes=nodes)
