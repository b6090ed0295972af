"""Commitments, duels and steps: what each call does and refuses."""

from dataclasses import replace
from typing import Any

import pytest

from optimistic.protocol.dispute.actions import DuelKey, ProveStep
from optimistic.protocol.dispute.divergence import InvalidReveal
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.refusals import (
    ClockExpired,
    ClockRunning,
    CommitmentExists,
    CommitmentNotLive,
    InvalidDepth,
    NoFreeCommitment,
    WindowClosed,
    WrongBond,
    WrongDivergence,
    WrongStage,
)
from optimistic.protocol.dispute.views import Divergence, Life, Stage
from optimistic.protocol.types import ZERO_HASH, Hash32
from scripts.staging.lies import Fault, UnitLie, false_state, lying_units
from tests.helpers.dispute_stage import START_TIME, Computation, wrong_step
from tests.helpers.dispute_stage import Stage as Table
from tests.unit.protocol.dispute.situations import (
    NEWER,
    OLDER,
    arities,
    at_the_step,
    commitment_of,
    duel_of,
    opposed,
    pinned,
    unchanged,
    view_of,
    walk_of,
)

# -------------------------------------------------------------------------------------- commitments


@arities
def test_commit__right_trace__joins_with_its_children(log_arity: int) -> None:
    table, pair = pinned(log_arity)
    table.now += 5
    tree = table.right.trace(3)

    id_ = table.commit("honest", pair, OLDER, tree)

    joined = commitment_of(table, pair, id_)
    assert (joined.no, joined.joined_at, joined.life) == (1, table.now, Life.LIVE)
    assert joined.children == tuple(child.hash for child in tree.children(tree.height, 0))
    assert joined.root == tree.root.hash
    assert table.game.balance_wei == table.bond_wei
    assert view_of(table, pair).live(OLDER) == [id_]


@pytest.mark.parametrize("side", Side)
def test_commit__window__closes_when_the_budget_has_passed(side: Side) -> None:
    table, pair = pinned(late=400)
    budget = view_of(table, pair).walk.clocks.left[side]
    trace = table.traces(pair, OLDER, wrong_step(2))[side]
    _, action = table.commitment(pair, side, trace)
    table.now += budget

    unchanged(table, WindowClosed, table.play, "x", action, table.bond_wei)
    table.now -= 1
    table.play("x", action, table.bond_wei)

    assert len(view_of(table, pair).live(side)) == 1


def test_commit__twice__is_there_already() -> None:
    table, pair = pinned()
    _, action = table.commitment(pair, OLDER, table.right.trace(3))
    table.play("honest", action, table.bond_wei)

    unchanged(table, CommitmentExists, table.play, "other", action, table.bond_wei)


def test_commit__dead_one_again__stays_dead() -> None:
    table, key = opposed()
    table.fight(key)
    assert key.commitments is not None
    tree = table.trees[key.commitments[NEWER]]

    _, action = table.commitment((key.older, key.newer), NEWER, tree)

    unchanged(table, CommitmentExists, table.play, "liar", action, table.bond_wei)


@pytest.mark.parametrize("depth", [0, 6])
def test_commit__depth_of_no_trace__is_refused(depth: int) -> None:
    table, pair = pinned()
    _, action = table.commitment(pair, OLDER, table.right.trace(3))

    unchanged(table, InvalidDepth, table.play, "x", replace(action, depth=depth), table.bond_wei)


def test_commit__another_result_or_divergence__is_refused() -> None:
    table, pair = pinned()
    _, action = table.commitment(pair, OLDER, table.right.trace(3))
    elsewhere = replace(action, divergence=Divergence(pre=ZERO_HASH, nodes=action.divergence.nodes))

    unchanged(table, InvalidReveal, table.play, "x", replace(action, side=NEWER), table.bond_wei)
    unchanged(table, WrongDivergence, table.play, "x", elsewhere, table.bond_wei)


def test_commit__children_of_another_level__are_refused() -> None:
    table, pair = pinned()
    _, action = table.commitment(pair, OLDER, table.right.trace(3))

    unchanged(table, InvalidReveal, table.play, "x", replace(action, depth=1), table.bond_wei)


@pytest.mark.parametrize("extra", [-1, 1])
def test_commit__not_exactly_the_bond__is_refused(extra: int) -> None:
    table, pair = pinned()
    _, action = table.commitment(pair, OLDER, table.right.trace(3))

    unchanged(table, WrongBond, table.play, "x", action, table.bond_wei + extra)
    unchanged(table, WrongBond, table.play, "honest", replace(action, is_free=True), 1)


def test_commit__free__is_for_members_once_per_side_and_dispute() -> None:
    table, pair = pinned()
    _, action = table.commitment(pair, OLDER, table.right.trace(3), is_free=True)
    unchanged(table, NoFreeCommitment, table.play, "stranger", action)
    unchanged(table, NoFreeCommitment, table.play, "liar", action)

    table.play("honest", action)

    _, second = table.commitment(pair, OLDER, table.right.trace(3, depth=4), is_free=True)
    unchanged(table, NoFreeCommitment, table.play, "honest", second)
    assert table.game.balance_wei == 0


def test_commit__free__of_a_backer_counts_too() -> None:
    table, pair = pinned()
    table.chain.back(table.call("backer", table.stake_wei), pair[OLDER])

    id_ = table.commit("backer", pair, OLDER, table.right.trace(3), is_free=True)

    assert commitment_of(table, pair, id_).is_free


def test_commit__free__without_a_stake_any_more__is_refused() -> None:
    table, key = opposed()
    pair = (key.older, key.newer)
    id_ = table.commit("liar", pair, NEWER, table.lying_trace(pair, NEWER, wrong_step(20)), is_free=True)
    assert key.commitments is not None
    table.fight(replace(key, commitments=(key.commitments[OLDER], id_)))
    third = table.post("other", table.lie(Fault(unit=1)))
    table.play("other", table.opening(pair[OLDER], third, 0))
    table.play("other", table.opening(pair[NEWER], third, 0))
    elsewhere = (pair[NEWER], third)

    result = view_of(table, elsewhere).walk.divergence.nodes[OLDER]
    trace = table.right.trace(view_of(table, elsewhere).walk.index)
    assert trace.root.end_state == result

    _, action = table.commitment(elsewhere, OLDER, trace, is_free=True)
    unchanged(table, NoFreeCommitment, table.play, "liar", action)


# -------------------------------------------------------------------------------------------- duels


@arities
@pytest.mark.parametrize("first", Side)
def test_start__clocks__are_those_of_commitments_that_joined_late(log_arity: int, first: Side) -> None:
    table, key = opposed(log_arity, first=first, after=(30, 50))
    table.now += 9

    table.play("anyone", table.starting(key))

    clocks = duel_of(table, key).clocks
    assert clocks.left[first] == table.period_s - 30
    assert clocks.left[first.other] == table.period_s - 80 - 9
    assert (clocks.turn, clocks.since) == (first, table.now)


def test_start__of_different_heights__begins_at_the_greater_one() -> None:
    table, pair = pinned()
    low, high = table.right.trace(3), table.lying_trace(pair, NEWER, replace(wrong_step(2), depth=4))
    ids = table.commit("honest", pair, OLDER, low), table.commit("liar", pair, NEWER, high)
    key = DuelKey(older=pair[0], newer=pair[1], commitments=ids)

    table.play("anyone", table.starting(key))

    assert duel_of(table, key).level == 3
    table.now += 1
    while duel_of(table, key).level:
        table.play("anyone", table.move(key))
    table.play("anyone", table.proving(key))
    assert commitment_of(table, pair, ids[OLDER]).life is Life.LIVE
    assert commitment_of(table, pair, ids[NEWER]).life is Life.DEAD


def test_start__twice__is_refused() -> None:
    table, key = opposed()
    action = table.starting(key)
    table.play("anyone", action)

    unchanged(table, WrongStage, table.play, "anyone", action)


def test_start__unknown_commitment__is_refused() -> None:
    table, key = opposed()
    action = table.starting(key)

    unchanged(table, CommitmentNotLive, table.play, "x", replace(action, roots=(ZERO_HASH, ZERO_HASH)))
    unchanged(table, CommitmentNotLive, table.play, "x", replace(action, depths=(1, action.depths[1])))


def test_start__another_divergence__is_refused() -> None:
    table, key = opposed()
    action = table.starting(key)

    strange = replace(action, divergence=replace(action.divergence, pre=ZERO_HASH))

    unchanged(table, WrongDivergence, table.play, "x", strange)


def test_start__two_of_the_same_side__is_refused() -> None:
    table, key = opposed()
    pair = (key.older, key.newer)
    assert key.commitments is not None
    second = table.commit("helper", pair, OLDER, table.lying_trace(pair, OLDER, wrong_step(4)))
    action = table.starting(key)
    tree = table.trees[second]

    strange = replace(action, roots=(action.roots[0], tree.root.hash), depths=(action.depths[0], tree.height))

    unchanged(table, CommitmentNotLive, table.play, "x", strange)


@pytest.mark.parametrize("first", Side)
def test_start__the_newer_ones_window__is_its_last_chance(first: Side) -> None:
    table, key = opposed(first=first, after=(30, 50))
    action = table.starting(key)
    assert key.commitments is not None
    table.now = START_TIME + table.period_s - 1
    unchanged(table, ClockRunning, table.time_out, key)
    table.now += 1

    unchanged(table, ClockExpired, table.play, "anyone", action)
    table.time_out(key)

    late = commitment_of(table, (key.older, key.newer), key.commitments[first.other])
    assert late.life is Life.DEAD


def test_duel__its_clock_out__kills_the_commitment_on_turn() -> None:
    table, key = opposed(after=(30, 50))
    assert key.commitments is not None
    table.play("anyone", table.starting(key))
    duel = duel_of(table, key)
    table.now = duel.clocks.expires_at - 1
    unchanged(table, ClockRunning, table.time_out, key)
    table.now += 1
    unchanged(table, ClockExpired, table.play, "liar", table.move(key))

    table.time_out(key)

    assert duel_of(table, key).stage is Stage.OVER
    assert commitment_of(table, (key.older, key.newer), key.commitments[NEWER]).life is Life.DEAD
    assert commitment_of(table, (key.older, key.newer), key.commitments[OLDER]).life is Life.LIVE


def test_duel__a_commitment_died_elsewhere__goes_on_no_more() -> None:
    table, key = opposed()
    pair = (key.older, key.newer)
    assert key.commitments is not None
    second = table.commit("helper", pair, OLDER, table.lying_trace(pair, OLDER, wrong_step(4)))
    other = replace(key, commitments=(second, key.commitments[NEWER]))
    table.play("helper", table.starting(other))
    move = table.move(other)
    table.fight(key)
    assert commitment_of(table, pair, key.commitments[NEWER]).life is Life.DEAD

    unchanged(table, CommitmentNotLive, table.play, "x", move)
    unchanged(table, CommitmentNotLive, table.time_out, other)


def test_step__level_above_the_leaves__is_refused() -> None:
    table, key = opposed()
    table.play("anyone", table.starting(key))

    unchanged(table, WrongStage, table.play, "x", table.proving(key))


def test_step__of_a_walk__names_no_commitments() -> None:
    table, pair = pinned()
    step = ProveStep(reason="", key=walk_of(pair), divergence=table.divergence(pair), witness=b"")

    unchanged(table, CommitmentNotLive, table.play, "x", step)


def test_step__another_divergence__is_refused() -> None:
    table, key = at_the_step()
    action = table.proving(key)

    strange = replace(action, divergence=replace(action.divergence, pre=ZERO_HASH))

    unchanged(table, WrongDivergence, table.play, "x", strange)


@arities
def test_step__executed__keeps_the_one_that_is_right(log_arity: int) -> None:
    table, key = at_the_step(log_arity)
    assert key.commitments is not None
    duel = duel_of(table, key)
    assert (duel.index, duel.divergence.pre) == (17, table.right.states(3)[16])

    table.now += 10 * table.period_s  # there is no clock in this rule
    table.play("anyone", table.proving(key))

    lives = [commitment_of(table, (key.older, key.newer), id_).life for id_ in key.commitments]
    assert lives == [Life.LIVE, Life.DEAD]


def test_step__neither_is_right__kills_both() -> None:
    table, pair = pinned()
    ids = (
        table.commit("a", pair, OLDER, table.lying_trace(pair, OLDER, Fault(step=9, salt=b"a"))),
        table.commit("b", pair, NEWER, table.lying_trace(pair, NEWER, Fault(step=9, salt=b"b"))),
    )

    table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=ids))

    assert [commitment_of(table, pair, id_).life for id_ in ids] == [Life.DEAD, Life.DEAD]
    assert table.game.disputes[view_of(table, pair).id].purse.pool_wei == 2 * table.bond_wei


@pytest.mark.parametrize("unit", [0, 5, 6, 1 << 15, (1 << 25) - 1])
def test_step__any_unit__asks_for_the_accumulator_of_its_batch(unit: int) -> None:
    table = Table()
    asked = []

    def step(pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> Hash32:
        asked.append((j, v, acc == ZERO_HASH, witness))
        return Computation.step(table.right, pre, j, v, acc, witness)

    table.inbox.step = step
    leaves = [table.right.leaf(j) for j in range(6)]
    older = table.post("honest", table.right.units())
    newer = table.post("liar", far_lie(table, leaves, unit))
    pair = (older, newer)
    table.play("liar", table.opening(older, newer, 0))
    right = table.right.trace(unit)
    ids = (
        table.commit("honest", pair, OLDER, right),
        table.commit("liar", pair, NEWER, table.lying_trace(pair, NEWER, wrong_step())),
    )

    table.fight(DuelKey(older=older, newer=newer, commitments=ids))

    assert [(j, is_beyond) for j, _, is_beyond, _ in asked] == [(unit, unit >= 1 << 15)]


def far_lie(table: Table, leaves: list[Hash32], unit: int) -> Any:
    """A tree whose first difference may lie behind the batches of the assertion."""
    if unit < 1 << 15:
        return table.lie(Fault(unit=unit))
    last = leaves[-1]
    batches = [leaves] + [[last] for _ in range(unit >> 15)]
    batches[-1] = [last] * (unit % (1 << 15)) + [false_state(last)]
    return lying_units(table.log_arity, batches, Fault(unit_lie=UnitLie.NONE))
