"""Searching for the wrong unit in one go."""

from collections.abc import Iterable

from challenger.locate import UnitSearch
from challenger.model import WrongUnits
from optimistic.protocol.commitment import Tree
from optimistic.protocol.dispute.published import PublishedNodes


def locate_wrong_units(own: Tree, published: Iterable[PublishedNodes]) -> WrongUnits:
    """Compare every group of nodes of an asserted tree with `own`, return what follows."""
    search = UnitSearch()
    for nodes in published:
        search.add(own, nodes)
    return search.bounds(own)
