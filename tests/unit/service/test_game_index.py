from collections.abc import Callable
from dataclasses import replace

import pytest

from optimistic.protocol.commitment import Node, node_hash
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Life, Stage
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.service.game_index import DisputeRecord, GameIndex
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import UnitLeaves
from tests.unit.service.game_story import (
    ALICE,
    BOB,
    DISPUTE,
    EVE,
    NEWER,
    OLDER,
    WALK,
    GameStory,
    ident,
    inner,
)

POSTER = Address(b"\x99" * 20)


def record_of(index: GameIndex) -> DisputeRecord:
    return index.disputes[DISPUTE]


def commitments_of(story: GameStory, depth: int = 1) -> tuple[Hash32, Hash32]:
    right = story.commitment(Side.OLDER, "right", depth)
    return right, story.commitment(Side.NEWER, "wrong", depth)


def duel_story(level: int = 0) -> GameStory:
    """Pinned, both sides committed, the newer one started."""
    story, depth = GameStory().pinned(), level + 1
    story.committed(Side.OLDER, "right", ALICE, depth).committed(Side.NEWER, "wrong", EVE, depth)
    return story.started(commitments_of(story, depth), level)


def test_index__walk__keeps_the_children_of_the_side_that_moved() -> None:
    story = GameStory().walk()

    walk = record_of(story.index()).walk

    assert (walk.stage, walk.turn, walk.level) == (Stage.WALK, Side.OLDER, 1)
    assert walk.children == (None, inner("newer").children)
    assert walk.end_states == (None, inner("newer").end_state)


def test_index__walk_at_level_0__is_pinned_with_its_results() -> None:
    walk = record_of(GameStory().pinned().index()).walk

    assert (walk.stage, walk.level, walk.index) == (Stage.TRACE, 0, 1)
    assert walk.divergence == GameStory.results()
    assert walk.children == (None, None)


def test_index__opening_at_level_0__needs_no_reveal() -> None:
    story = GameStory()

    index = story.opened(0, index=3, divergence=story.results()).pin(3).index()

    assert record_of(index).walk.stage is Stage.TRACE
    assert index.find(OLDER, NEWER) is record_of(index)


def test_index__started_duel__stands_where_its_first_move_led() -> None:
    story = duel_story()

    record = record_of(story.index())

    [(pair, duel)] = record.duels.items()
    assert pair == commitments_of(story)
    assert (duel.stage, duel.turn, duel.level, duel.index) == (Stage.TRACE, Side.OLDER, 0, 1)
    assert record.open_duels() == record.duels


def test_index__proven_step__buries_the_wrong_commitment_and_ends_its_duels() -> None:
    story = duel_story()
    right, wrong = commitments_of(story)

    record = record_of(story.proven((right, wrong)).commitment_died(wrong, stake=9).index())

    assert record.steps == {(right, wrong): ident("older step")}
    assert (record.commitments[wrong].life, record.commitments[wrong].stake_wei) == (Life.DEAD, 9)
    assert (record.live(Side.OLDER), record.live(Side.NEWER)) == (1, 0)
    assert record.open_duels() == {}


def test_index__settled__tells_the_winner_and_is_no_longer_pending() -> None:
    index = GameStory().walk().settled(OLDER).index()

    settlement = record_of(index).settlement
    assert settlement is not None
    assert (settlement.winner, settlement.killed, settlement.pool_wei) == (OLDER, True, 5)
    assert record_of(index).walk.stage is Stage.OVER
    assert index.pending() == []


def test_index__settled_without_a_winner__has_none() -> None:
    settlement = record_of(GameStory().walk().settled(ZERO_HASH).index()).settlement

    assert settlement is not None
    assert settlement.winner is None


@pytest.mark.parametrize(("dead", "n_pending"), [((), 1), ((OLDER,), 1), ((OLDER, NEWER), 0)])
def test_index__siblings_dead__matters_while_one_lives(dead: tuple[Hash32, ...], n_pending: int) -> None:
    story = GameStory().walk()
    for id_ in dead:
        story.died(id_)

    assert len(story.index().pending()) == n_pending


def test_index__interests__name_what_an_account_owns_or_moved_for() -> None:
    story = duel_story()
    right, wrong = commitments_of(story)
    before = story.index()
    index = story.proven((right, wrong), prover=BOB).commitment_died(wrong).index()
    record = record_of(index)

    assert before.interests(record_of(before), EVE) == (wrong,)
    assert index.interests(record, ALICE) == index.interests(record, BOB) == (right,)
    assert index.interests(record, EVE) == ()
    assert index.interests(record, POSTER) is None


def test_index__poster_with_a_share__is_interested() -> None:
    story = GameStory().asserted(OLDER, POSTER).walk()

    without, with_share = story.index(), story.settled(OLDER, to_poster=4).index()

    assert without.interests(record_of(without), POSTER) is None
    assert with_share.interests(record_of(with_share), POSTER) == ()
    assert with_share.memberships[POSTER] == {OLDER}


def test_index__free_commitment__is_used_once() -> None:
    story = GameStory().pinned().committed(Side.OLDER, "right", ALICE, is_free=True)

    index = story.committed(Side.NEWER, "wrong", EVE).index()

    assert index.free_used(ALICE) == {DISPUTE}
    assert index.free_used(EVE) == frozenset()


@pytest.mark.parametrize("level", [0, 2])
def test_index__published_nodes__are_kept_until_their_assertion_dies(level: int) -> None:
    story = GameStory()
    leaves = UnitLeaves(
        place=story.place(), id=OLDER, level=level, first_index=4, nodes=((ident("end"), ident("below")),)
    )
    story.add(leaves).add(leaves)

    [[published]] = [list(groups.values()) for groups in story.index().published.values()]

    hash_ = node_hash(ident("end"), ident("below")) if level else ident("end")
    assert (published.level, published.first_index) == (level, 4)
    assert published.nodes == (Node(ident("end"), hash_),)
    assert not story.died(OLDER).index().published


def test_index__payments__are_remembered_in_order() -> None:
    story = GameStory().paid(ALICE).paid(ALICE)

    assert [place.block_number for place in story.index().payments[ALICE]] == [1, 2]


# ---------------------------------------------------------------------------------- what cannot follow


def _second_opening(story: GameStory) -> GameStory:
    return story.walk().opened(1)


def _move_before_the_reveal(story: GameStory) -> GameStory:
    return story.opened(1).moved(WALK, Side.OLDER, 0, 1, story.results(), None)


def _commitment_before_the_reveal(story: GameStory) -> GameStory:
    return story.opened(1).committed(Side.OLDER, "right", ALICE)


def _skipped_level(story: GameStory) -> GameStory:
    story.opened(2)
    first = story.events[-1]
    story.moved(WALK, Side.NEWER, 2, 0, first.divergence, inner("newer"))  # type: ignore[union-attr]
    return story.moved(WALK, Side.OLDER, 0, 1, story.results(), None)


def _move_out_of_turn(story: GameStory) -> GameStory:
    return story.walk().moved(WALK, Side.NEWER, 0, 1, story.results(), None)


def _move_elsewhere(story: GameStory) -> GameStory:
    return story.walk().moved(WALK, Side.OLDER, 0, 2, story.results(), None)


def _move_in_a_pinned_walk(story: GameStory) -> GameStory:
    return story.pinned().moved(WALK, Side.NEWER, 0, 2, story.results(), None)


def _too_few_children(story: GameStory) -> GameStory:
    story.opened(1)
    first = story.events[-1]
    return story.moved(WALK, Side.NEWER, 1, 0, first.divergence, inner("newer"), children=(OLDER,))  # type: ignore[union-attr]


def _pinned_too_early(story: GameStory) -> GameStory:
    return story.walk().pin(0)


def _pinned_elsewhere(story: GameStory) -> GameStory:
    return story.walk().moved(WALK, Side.OLDER, 0, 1, story.results(), None).pin(0)


def _commitment_before_the_unit(story: GameStory) -> GameStory:
    return story.walk().committed(Side.OLDER, "right", ALICE)


def _commitment_twice(story: GameStory) -> GameStory:
    return story.pinned().committed(Side.OLDER, "right", ALICE).committed(Side.OLDER, "right", ALICE)


def _skipped_commitment(story: GameStory) -> GameStory:
    return story.pinned().committed(Side.OLDER, "right", ALICE, no=2)


def _other_children(story: GameStory) -> GameStory:
    return story.pinned().committed(Side.OLDER, "right", ALICE, children=(OLDER, NEWER))


def _duel_twice(_: GameStory) -> GameStory:
    story = duel_story()
    return story.met(commitments_of(story))


def _duel_of_one_side(story: GameStory) -> GameStory:
    story.pinned().committed(Side.OLDER, "right", ALICE).committed(Side.OLDER, "sabotage", EVE)
    return story.met((story.commitment(Side.OLDER, "right"), story.commitment(Side.OLDER, "sabotage")))


def _duel_of_an_unknown(story: GameStory) -> GameStory:
    return story.pinned().committed(Side.OLDER, "right", ALICE).met(commitments_of(story))


def _duel_of_the_dead(story: GameStory) -> GameStory:
    story.pinned().committed(Side.OLDER, "right", ALICE).committed(Side.NEWER, "wrong", EVE)
    return story.commitment_died(story.commitment(Side.OLDER, "right")).met(commitments_of(story))


def _move_in_no_duel(story: GameStory) -> GameStory:
    return story.pinned().moved(ident("duel"), Side.OLDER, 0, 1, story.results(), None)


def _step_too_early(_: GameStory) -> GameStory:
    story = duel_story(level=1)
    return story.proven(commitments_of(story, depth=2))


def _step_of_no_duel(story: GameStory) -> GameStory:
    return story.pinned().proven((OLDER, NEWER))


def _second_death(story: GameStory) -> GameStory:
    right = story.commitment(Side.OLDER, "right")
    return story.pinned().committed(Side.OLDER, "right", ALICE).commitment_died(right).commitment_died(right)


def _death_of_an_unknown(story: GameStory) -> GameStory:
    return story.pinned().commitment_died(OLDER)


def _settled_twice(story: GameStory) -> GameStory:
    return story.walk().settled().settled()


def _third_winner(story: GameStory) -> GameStory:
    return story.walk().settled(ident("third"))


def _settled_before_the_opening(story: GameStory) -> GameStory:
    return story.settled()


IMPOSSIBLE = (
    _second_opening,
    _move_before_the_reveal,
    _commitment_before_the_reveal,
    _skipped_level,
    _move_out_of_turn,
    _move_elsewhere,
    _move_in_a_pinned_walk,
    _too_few_children,
    _pinned_too_early,
    _pinned_elsewhere,
    _commitment_before_the_unit,
    _commitment_twice,
    _skipped_commitment,
    _other_children,
    _duel_twice,
    _duel_of_one_side,
    _duel_of_an_unknown,
    _duel_of_the_dead,
    _move_in_no_duel,
    _step_too_early,
    _step_of_no_duel,
    _second_death,
    _death_of_an_unknown,
    _settled_twice,
    _third_winner,
    _settled_before_the_opening,
)


@pytest.mark.parametrize("tell", IMPOSSIBLE, ids=lambda tell: tell.__name__.strip("_"))
def test_index__order_no_game_has__is_a_lie(tell: Callable[[GameStory], GameStory]) -> None:
    story = tell(GameStory())
    last = story.events.pop()
    story.index()  # everything before is in order

    with pytest.raises(L1Lied):
        replace(story, events=[*story.events, last]).index()
