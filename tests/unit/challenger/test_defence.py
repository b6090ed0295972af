"""When the watchtower moves in a dispute, for whom, and when it lets others go first."""

from dataclasses import replace

import pytest

from challenger.defence import Played, is_our_turn, play
from challenger.model import ChainView, Identity
from challenger.policy import Policy
from challenger.solver import next_actions
from optimistic.protocol.dispute.actions import Claim, Commit, Move, Settle, Start
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Address
from tests.unit.challenger.disputes import TRACE, UNIT, pinned, walk
from tests.unit.challenger.views import EVE, GENESIS, ME, PERIOD_S, T0, TERMS, Story, ident

POLICY = Policy(assert_after_s=50)
LONG_S = 10 * 86_400
"""A challenge period with time to wait in."""


def story() -> Story:
    """The right child is there, and after it a wrong one."""
    return Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "right").posted(GENESIS, "wrong")


def with_walk(turn: Side = Side.OLDER, **options: object) -> Story:
    told = story()
    older, newer = told.ids["right"], told.ids["wrong"]
    return told.disputed(walk(older, newer, right=Side.OLDER, turn=turn, **options))  # type: ignore[arg-type]


def with_unit(**options: object) -> Story:
    told = story()
    older, newer = told.ids["right"], told.ids["wrong"]
    return told.disputed(pinned(older, newer, right=Side.OLDER, **options))  # type: ignore[arg-type]


def kinds(told: Story, policy: Policy = POLICY, period_s: int = PERIOD_S) -> list[str]:
    return [action.kind for action in play(told.view(period_s=period_s), told.known(), policy).actions]


def test_play__our_turn_in_a_walk__moves() -> None:
    assert kinds(with_walk()) == ["move"]


def test_play__their_turn__waits_until_their_clock_is_out() -> None:
    assert kinds(with_walk(turn=Side.NEWER)) == []
    assert kinds(with_walk(turn=Side.NEWER).at(T0 + PERIOD_S)) == ["timeout"]


def test_play__watch_only__plans_nothing() -> None:
    told = with_walk()

    assert play(told.view(watching=True), told.known(), POLICY) == Played()


def test_play__neither_side_is_right__is_left_alone() -> None:
    told = story().posted(GENESIS, "another lie")
    told.disputed(walk(told.ids["wrong"], told.ids["another lie"], right=Side.OLDER, turn=Side.OLDER))

    assert kinds(told) == []


def test_play__the_other_side_is_unknown__is_left_alone() -> None:
    told = with_walk().doubted(GENESIS, "wrong")

    assert kinds(told) == []


def test_play__right_child_unknown__is_left_alone() -> None:
    assert kinds(with_walk().unknown(GENESIS)) == []


def test_play__unit_pinned_and_trace_unknown__waits() -> None:
    assert kinds(with_unit()) == []


def test_play__unit_pinned_and_trace_known__commits() -> None:
    told = with_unit().steps(UNIT, TRACE)

    (action,) = play(told.view(), told.known(), POLICY).actions

    assert isinstance(action, Commit)
    assert (action.is_free, action.bond_wei, action.depth) == (False, TERMS.bond_wei, TRACE.height)


def test_play__staked_on_the_right_side__commits_for_free() -> None:
    told = with_unit().steps(UNIT, TRACE).staked("right")

    (action,) = play(told.view(), told.known(), POLICY).actions

    assert isinstance(action, Commit)
    assert (action.is_free, action.bond_wei) == (True, 0)


def test_play__free_commitment_used__pays_the_bond() -> None:
    told = with_unit().steps(UNIT, TRACE).staked("right")
    view = told.view()
    assert view.me is not None
    used = replace(view, me=replace(view.me, used_free=frozenset([view.disputes[0].id])))

    (action,) = play(used, told.known(), POLICY).actions

    assert isinstance(action, Commit)
    assert not action.is_free


def test_play__ours_is_the_newer_commitment__starts_the_duel() -> None:
    told = with_unit(rival_at=T0, champion_at=T0 + 1).steps(UNIT, TRACE)

    (action,) = play(told.view(), told.known(), POLICY).actions

    assert isinstance(action, Start)


def test_play__trace_ends_elsewhere__is_trouble_and_no_move() -> None:
    other = TraceTree(TERMS.log_arity, [ident("elsewhere")])
    told = with_unit().steps(UNIT, other)

    played = play(told.view(), told.known(), POLICY)

    assert not played.actions
    assert list(played.troubles) == [told.view().disputes[0].id]


def test_play__several_disputes__least_time_first() -> None:
    told = story().posted(GENESIS, "worse")
    older = told.ids["right"]
    told.disputed(walk(older, told.ids["wrong"], right=Side.OLDER, turn=Side.OLDER, left=(90, 90)))
    told.disputed(walk(older, told.ids["worse"], right=Side.OLDER, turn=Side.OLDER, left=(40, 90)))

    moves = play(told.view(), told.known(), POLICY).actions

    assert all(isinstance(move, Move) for move in moves)
    assert [move.key.newer for move in moves if isinstance(move, Move)] == [
        told.ids["worse"],
        told.ids["wrong"],
    ]


def test_play__dispute_is_moot__settles_only_for_money() -> None:
    bonded = with_unit(champion_at=T0, owner=ME)
    view = bonded.view()
    moot = replace(view, disputes=(replace(view.disputes[0], is_moot=True),))

    actions = play(moot, bonded.known(), POLICY).actions
    nothing = play(replace(moot, me=_somebody_else(bonded)), bonded.known(), POLICY).actions

    assert [type(action) for action in actions] == [Settle]
    assert not nothing


def _somebody_else(told: Story) -> Identity:
    me = told.view().me
    assert me is not None
    return replace(me, stake=replace(me.stake, address=EVE))


def test_play__something_is_owed__claims_it() -> None:
    claim = Claim(reason="a test", older=ident("older"), newer=ident("newer"), commitments=(), account=ME)

    assert kinds(story().owed(claim)) == ["claim"]


# ---------------------------------------------------------------------------------- delays


DELAYED = Policy(assert_after_s=50, max_delay_s=0, response_delay_s=1_000, urgent_s=3_600)


def long_walk(since: int = T0, left_s: int = LONG_S) -> Story:
    return with_walk(since=since, left=(left_s, LONG_S))


@pytest.mark.parametrize(("passed_s", "expected"), [(0, []), (999, []), (1_000, ["move"])])
def test_delay__time_enough__waits_for_people_to_look(passed_s: int, expected: list[str]) -> None:
    assert kinds(long_walk().at(T0 + passed_s), DELAYED, LONG_S) == expected


def test_delay__clock_is_low__moves_at_once() -> None:
    assert kinds(long_walk(left_s=3_599), DELAYED, LONG_S) == ["move"]


def test_delay__half_of_a_short_period_used__moves_at_once() -> None:
    told = with_walk(left=(PERIOD_S // 2 - 1, PERIOD_S))

    assert kinds(told, DELAYED) == ["move"]


def test_delay_after__not_far_down_yet__moves_at_once() -> None:
    policy = replace(DELAYED, response_delay_after=1)

    assert kinds(long_walk(), policy, LONG_S) == ["move"]


def test_delay__timeouts__are_not_delayed() -> None:
    told = with_walk(turn=Side.NEWER, left=(LONG_S, 10)).at(T0 + 10)

    assert kinds(told, DELAYED, LONG_S) == ["timeout"]


def test_spread__watchers__wait_for_different_times_and_never_with_a_low_clock() -> None:
    policy = Policy(assert_after_s=50, max_delay_s=300)
    view = long_walk().view(period_s=LONG_S)
    assert view.me is not None
    waits = []
    for number in range(8):
        stake = replace(view.me.stake, address=Address(bytes([number]) * 20))
        who = replace(view, me=replace(view.me, stake=stake))
        waits.append(
            next(
                seconds
                for seconds in range(301)
                if is_our_turn(_at(who, T0 + seconds), policy, ident("key"), T0, None)
            )
        )

    assert len(set(waits)) > 4
    assert is_our_turn(view, policy, ident("key"), T0, T0 + policy.urgent_s - 1)


def _at(view: ChainView, now: int) -> ChainView:
    return replace(view, block=replace(view.block, timestamp=now))


# ---------------------------------------------------------------------------------- with the rest of the plan


def planned(told: Story, policy: Policy = POLICY) -> list[str]:
    view, known = told.view(), told.known()
    return [action.kind for action in next_actions(view, known, policy, play(view, known, policy).actions)]


def test_plan__stake_on_its_way__the_commitment_waits_to_be_free() -> None:
    assert planned(with_unit().steps(UNIT, TRACE)) == ["back"]


def test_plan__stake_on_its_way_and_little_time__the_commitment_does_not_wait() -> None:
    told = with_unit(left=(40, PERIOD_S)).steps(UNIT, TRACE)

    assert planned(told) == ["commit", "back"]


def test_plan__everything_with_a_deadline__comes_before_the_rest() -> None:
    claim = Claim(reason="a test", older=ident("older"), newer=ident("newer"), commitments=(), account=ME)

    assert planned(with_walk().staked("right").owed(claim)) == ["move", "claim"]


# ---------------------------------------------------------------------------------- two engines


def test_engines__not_both_have_run_it__stakes_nothing_but_opens() -> None:
    alone = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "wrong").unchecked(GENESIS)
    both = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "wrong").posted(GENESIS, "right")

    assert planned(alone) == []
    assert planned(both.unchecked(GENESIS)) == ["open"]


def test_engines__half_of_the_window_is_over__stakes_all_the_same() -> None:
    told = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "wrong").unchecked(GENESIS)

    assert planned(told.at(T0 + PERIOD_S // 2)) == ["assert"]


def test_engines__disagree_and_only_they_are_there__waits() -> None:
    told = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "engine")

    assert planned(told.doubted(GENESIS, "engine")) == []


def test_engines__disagree_and_a_third_opinion_is_there__asserts_at_once() -> None:
    told = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "engine").posted(GENESIS, "lie")

    assert planned(told.doubted(GENESIS, "engine")) == ["assert"]


def test_engines__undecided_rival__is_not_opened_against_and_blocks_the_confirmation() -> None:
    told = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "engine").posted(GENESIS, "right")
    told.staked("right").doubted(GENESIS, "engine")

    assert planned(told) == []
    assert planned(told.at(T0 + 10 * PERIOD_S)) == []
