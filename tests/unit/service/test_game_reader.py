from dataclasses import replace
from typing import Any

import pytest

from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Stage
from optimistic.protocol.types import ZERO_HASH, Address
from optimistic.service.game_index import GameIndex
from optimistic.service.game_reader import GameReader, payable_wei
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_types import Header
from tests.unit.service.game_l1 import T0, FakeGameL1, dispute_state
from tests.unit.service.game_story import ALICE, DISPUTE, EVE, LEFT, NEWER, OLDER, GameStory, ident


def block(number: int = 99) -> Header:
    return Header(
        number=number,
        hash=ident(f"block {number}"),
        parent_hash=ZERO_HASH,
        timestamp=T0,
        base_fee_wei=1,
        gas_limit=30_000_000,
    )


def pair_of(story: GameStory) -> tuple[Any, Any]:
    return story.commitment(Side.OLDER, "right"), story.commitment(Side.NEWER, "wrong")


def duel_story() -> GameStory:
    story = GameStory().pinned().committed(Side.OLDER, "right", ALICE).committed(Side.NEWER, "wrong", EVE)
    return story.started(pair_of(story))


def test_reader__duel__joins_events_and_storage() -> None:
    l1, story = FakeGameL1(), duel_story()
    index = l1.mirror(story)

    [view] = l1.reader().disputes(index, block())

    assert (view.older, view.newer, view.id) == (OLDER, NEWER, DISPUTE)
    assert view.opened_at == T0
    assert view.stage is Stage.TRACE
    assert view.walk.clocks.left == LEFT
    assert [commitment.joined_at for commitment in view.commitments.values()] == [T0, T0]
    assert view.live(Side.NEWER) == [pair_of(story)[Side.NEWER]]
    assert view.duels[pair_of(story)].index == 1
    assert view.winner is None


def test_reader__duel_with_a_dead_commitment__is_left_out() -> None:
    l1, story = FakeGameL1(), duel_story()
    story.proven(pair_of(story)).commitment_died(pair_of(story)[Side.NEWER])

    [view] = l1.reader().disputes(l1.mirror(story), block())

    assert not view.duels
    assert view.live(Side.NEWER) == []


def test_reader__over__names_the_winner() -> None:
    l1 = FakeGameL1()
    index = l1.mirror(GameStory().walk().settled(OLDER))

    view = l1.reader().view(index, index.disputes[DISPUTE], block())

    assert (view.stage, view.winner) == (Stage.OVER, OLDER)
    assert l1.reader().disputes(index, block()) == []


@pytest.mark.parametrize("dead", [False, True])
def test_reader__sibling_died_elsewhere__dispute_is_moot(dead: bool) -> None:
    l1, story = FakeGameL1(), GameStory().walk()
    index = l1.mirror(story.died(NEWER) if dead else story)

    [view] = l1.reader().disputes(index, block())

    assert view.is_moot is dead


@pytest.mark.parametrize(("about", "n_read"), [({OLDER}, 1), ({NEWER}, 1), ({ident("third")}, 0), (None, 1)])
def test_reader__about__reads_only_disputes_of_these(about: Any, n_read: int) -> None:
    l1 = FakeGameL1()
    index = l1.mirror(GameStory().walk())

    assert len(l1.reader().disputes(index, block(), about)) == n_read
    assert l1.requests["dispute"] == n_read


def test_reader__nothing_happened__asks_nothing_again() -> None:
    l1, story = FakeGameL1(), duel_story()
    index, reader = l1.mirror(story), l1.reader()
    first = reader.disputes(index, block(99))
    l1.requests.clear()

    assert reader.disputes(index, block(100)) == first
    assert not l1.requests


def test_reader__one_more_event__asks_once_for_what_it_changed() -> None:
    l1, story = FakeGameL1(), duel_story()
    reader = l1.reader()
    reader.disputes(l1.mirror(story), block())
    l1.requests.clear()

    reader.disputes(l1.mirror(story.committed(Side.NEWER, "another", EVE)), block())

    assert l1.requests == {"dispute": 1, "header": 1}


def test_reader__event_moved_to_another_block__is_read_again() -> None:
    l1, story = FakeGameL1(), GameStory().walk()
    reader = l1.reader()
    reader.disputes(l1.mirror(story), block())
    l1.requests.clear()
    last = story.events[-1]
    story.events[-1] = replace(last, place=replace(last.place, block_hash=ident("other branch")))

    reader.disputes(l1.mirror(story), block())

    assert l1.requests["dispute"] == 1


# ---------------------------------------------------------------------------------- contradictions


def test_attack__divergence_in_events_is_not_the_stored_one__is_a_lie() -> None:
    l1 = FakeGameL1()
    index = l1.mirror(GameStory().walk())
    state = l1.disputes[OLDER, NEWER]
    other = replace(state, duel=replace(state.duel, divergence=ident("other")))
    reader = l1.reader()
    l1.disputes[OLDER, NEWER] = other

    with pytest.raises(L1Lied):
        reader.disputes(index, block())
    l1.disputes[OLDER, NEWER] = state
    assert len(reader.disputes(index, block())) == 1, "a lie is not remembered"


@pytest.mark.parametrize(
    "change",
    [{"level": 0}, {"index": 1}, {"stage": Stage.TRACE}, {"stage": Stage.NONE}, {"turn": Side.NEWER}],
    ids=str,
)
def test_reader__stored_walk_stands_elsewhere__is_a_lie(change: dict[str, Any]) -> None:
    l1 = FakeGameL1()
    index = l1.mirror(GameStory().walk())
    state = l1.disputes[OLDER, NEWER]
    l1.disputes[OLDER, NEWER] = replace(state, duel=replace(state.duel, **change))

    with pytest.raises(L1Lied):
        l1.reader().disputes(index, block())


def test_reader__stored_duel_stands_elsewhere__is_a_lie() -> None:
    l1, story = FakeGameL1(), duel_story()
    index = l1.mirror(story)
    l1.duels.clear()

    with pytest.raises(L1Lied):
        l1.reader().disputes(index, block())


@pytest.mark.parametrize("live", [(0, 1), (1, 0), (1, 2)])
def test_attack__commitment_events_withheld__is_a_lie(live: tuple[int, int]) -> None:
    l1, story = FakeGameL1(), duel_story()
    index = l1.mirror(story)
    l1.disputes[OLDER, NEWER] = dispute_state(l1.disputes[OLDER, NEWER].duel, live, 2)

    with pytest.raises(L1Lied):
        l1.reader().disputes(index, block())


def test_attack__opening_withheld__is_a_lie() -> None:
    l1 = FakeGameL1()
    l1.mirror(GameStory().walk())
    reader, blind = l1.reader(), GameStory().index()

    reader.check_openings(blind, block(), [(NEWER, OLDER)])
    with pytest.raises(L1Lied):
        reader.check_openings(blind, block(), [(OLDER, NEWER)])


# ---------------------------------------------------------------------------------- accounts


@pytest.mark.parametrize("stake", [0, 2])
def test_reader__player__has_memberships_only_with_a_stake(stake: int) -> None:
    l1, story = FakeGameL1(stakes={ALICE: stake}), GameStory().asserted(OLDER, ALICE)
    story.pinned().committed(Side.OLDER, "right", ALICE, is_free=True)

    player = l1.reader().player(story.index(), block(), ALICE)

    assert player.staked_on == (frozenset({OLDER}) if stake else frozenset())
    assert player.used_free == {DISPUTE}


def claim_story() -> GameStory:
    return GameStory().pinned().committed(Side.OLDER, "right", ALICE).settled(OLDER)


def claims(l1: FakeGameL1, reader: GameReader, index: GameIndex) -> list[tuple[Any, ...]]:
    return [claim.commitments for claim in reader.claims(index, block(), ALICE)]


def test_reader__something_to_claim__names_the_commitments() -> None:
    l1, story = FakeGameL1(claims={(OLDER, NEWER): 7}), claim_story()

    [claim] = l1.reader().claims(l1.mirror(story), block(), ALICE)

    assert claim.commitments == (story.commitment(Side.OLDER, "right"),)
    assert (claim.older, claim.newer, claim.account) == (OLDER, NEWER, ALICE)


def test_reader__no_part_in_it__asks_nothing() -> None:
    l1 = FakeGameL1(claims={(OLDER, NEWER): 7})

    assert l1.reader().claims(claim_story().index(), block(), Address(b"\x77" * 20)) == []
    assert not l1.requests


def test_reader__nothing_left_to_claim__is_not_asked_again() -> None:
    l1 = FakeGameL1()
    reader, index = l1.reader(), l1.mirror(claim_story().paid(ALICE))
    assert claims(l1, reader, index) == []
    l1.requests.clear()

    assert claims(l1, reader, index) == []
    assert l1.requests == {"owed": 1}


def test_reader__payment_reorganised_away__is_asked_again() -> None:
    l1 = FakeGameL1()
    reader = l1.reader()
    assert claims(l1, reader, l1.mirror(claim_story().paid(ALICE))) == []
    l1.claims[OLDER, NEWER] = 7

    assert len(claims(l1, reader, l1.mirror(claim_story()))) == 1


def test_reader__only_a_share_is_owed__one_claim_collects_it() -> None:
    l1 = FakeGameL1(shares={ALICE: 5}, claims={(OLDER, NEWER): 5})

    assert len(claims(l1, l1.reader(), l1.mirror(claim_story()))) == 1
    l1.shares.clear()
    l1.claims.clear()
    assert claims(l1, l1.reader(), l1.mirror(claim_story())) == []


def test_reader__two_claims_of_one_account__pay_its_share_once() -> None:
    l1, story = FakeGameL1(shares={ALICE: 5}, claims={(OLDER, NEWER): 7}), claim_story()
    [claim] = l1.reader().claims(l1.mirror(story), block(), ALICE)
    game = l1.contracts().game
    stranger = replace(claim, account=Address(b"\x77" * 20))

    assert payable_wei(game, [], at="latest") == 0
    assert payable_wei(game, [claim], at="latest") == 7
    assert payable_wei(game, [claim, claim], at="latest") == (7 - 5) + (7 - 5) + 5
    assert payable_wei(game, [claim, stranger], at="latest") == 7 + 7


def test_reader__share_and_own_part__one_claim_collects_both() -> None:
    l1 = FakeGameL1(shares={ALICE: 5}, claims={(OLDER, NEWER): 7})

    assert len(claims(l1, l1.reader(), l1.mirror(claim_story()))) == 1
