"""What is kept of published nodes: a bounded number, of assertions that can still be disputed."""

from optimistic.protocol.commitment import Node
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.game_index import GameIndex
from optimistic.service.l1_events import Confirmed, UnitLeaves
from optimistic.service.published_index import MAX_KEPT, PublishedIndex
from tests.unit.service.game_story import LOG_ARITY, NEWER, OLDER, GameStory, ident

PLACE = GameStory().place()
LEAF = ident("leaf")


def leaves(first: int, count: int, assertion: Hash32 = OLDER) -> UnitLeaves:
    return UnitLeaves(
        place=PLACE,
        id=assertion,
        level=0,
        first_index=first,
        nodes=((LEAF, ZERO_HASH),) * count,
    )


def test_attack__nodes_published_without_end__are_not_kept_without_end() -> None:
    index = GameIndex(LOG_ARITY)

    for number in range(2 * MAX_KEPT // 1_024):
        index.apply(leaves(number * 1_024, 1_024, (OLDER, NEWER)[number % 2]))

    kept = [group for groups in index.published.values() for group in groups.values()]
    assert sum(len(group.nodes) for group in kept) == MAX_KEPT


def test_published__room_of_what_is_settled__is_given_back() -> None:
    index = PublishedIndex(most=10)
    index.add(leaves(0, 8))
    index.add(leaves(0, 8))
    index.add(leaves(8, 3))
    index.add(leaves(8, 2))
    full = {id_: list(groups) for id_, groups in index.groups.items()}

    index.drop(OLDER)
    index.drop(NEWER)
    index.add(leaves(0, 10, NEWER))

    assert full == {OLDER: [(0, 0, 8), (0, 8, 2)]}
    assert {id_: list(groups) for id_, groups in index.groups.items()} == {NEWER: [(0, 0, 10)]}
    [group] = index.groups[NEWER].values()
    assert group.nodes == (Node(LEAF, LEAF),) * 10


def test_index__nodes_of_a_confirmed_assertion__are_forgotten() -> None:
    index = GameIndex(LOG_ARITY)
    index.apply(leaves(0, 1))
    before = set(index.published)

    index.apply(Confirmed(place=PLACE, id=OLDER))

    assert (before, set(index.published)) == ({OLDER}, set())
