"""How disputes end, and whole ones."""

import pytest

from optimistic.protocol.dispute.actions import Claim, DuelKey, Settle
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.refusals import (
    AlreadyOpen,
    DisputeOpen,
    Undecided,
    WindowOpen,
    WrongStage,
)
from scripts.staging.lies import Fault, StepLie, UnitLie
from tests.helpers.dispute_stage import Stage as Table
from tests.helpers.dispute_stage import account, wrong_step
from tests.unit.protocol.dispute.situations import (
    LIE,
    NEWER,
    OLDER,
    after_windows,
    arities,
    at_the_step,
    opened,
    opposed,
    pinned,
    sides,
    unchanged,
    view_of,
    walk_of,
)

# ------------------------------------------------------------------------------------------ endings


def test_settle__nobody_commits__the_newcomer_dies() -> None:
    table, pair = pinned()
    after_windows(table, pair)

    table.settle(pair)

    assert view_of(table, pair).winner == pair[OLDER]


@sides
def test_settle__only_one_side_commits__wins_when_the_others_window_closes(right: Side) -> None:
    table = Table()
    pair = table.dispute(LIE, right=right, level=0)
    table.commit("honest", pair, right, table.right.trace(3))
    table.now = view_of(table, pair).window_end(right.other) - 1
    unchanged(table, Undecided, table.settle, pair)
    table.now += 1

    table.settle(pair)

    assert view_of(table, pair).winner == pair[right]
    assert table.chain.get(pair[right.other]).status.name == "DEAD"


def test_settle__both_sides_alive__is_undecided() -> None:
    table, key = opposed()
    pair = (key.older, key.newer)
    after_windows(table, pair)

    unchanged(table, Undecided, table.settle, pair)


def test_settle__twice__is_refused() -> None:
    table, pair = pinned()
    after_windows(table, pair)
    table.settle(pair)

    unchanged(table, WrongStage, table.settle, pair)


def test_over__every_other_call__is_refused() -> None:
    table, key = at_the_step()
    pair = (key.older, key.newer)
    step, start = table.proving(key), table.starting(key)
    _, commit = table.commitment(pair, OLDER, table.right.trace(3, depth=4))
    third = table.post("third", table.lie(Fault(unit=1)))
    table.play("third", table.opening(pair[OLDER], third))
    table.now += table.period_s
    table.time_out(walk_of((pair[OLDER], third)))

    table.settle(pair)

    for action in (step, start, table.move(key)):
        unchanged(table, WrongStage, table.play, "x", action)
    unchanged(table, WrongStage, table.play, "x", commit, table.bond_wei)
    unchanged(table, WrongStage, table.time_out, key)
    unchanged(table, WrongStage, table.time_out, walk_of(pair))
    unchanged(table, AlreadyOpen, table.play, "x", table.opening(*pair))


def test_claim__dispute_goes_on__is_refused() -> None:
    table, pair = pinned()
    claim = Claim(reason="", older=pair[0], newer=pair[1], commitments=(), account=account("x"))

    unchanged(table, WrongStage, table.play, "x", claim)


def test_unopened_newcomer__after_the_window__can_be_killed_and_an_opened_one_cannot() -> None:
    table, pair = opened()
    silent = table.post("silent", table.lie(Fault(unit=1)))
    with pytest.raises(WindowOpen):
        table.chain.kill_unopened(table.call("x"), pair[OLDER], silent)
    table.now += table.period_s

    table.chain.kill_unopened(table.call("x"), pair[OLDER], silent)

    with pytest.raises(DisputeOpen):
        table.chain.kill_unopened(table.call("x"), *pair)
    assert table.chain.get(silent).status.name == "DEAD"


# ---------------------------------------------------------------------------------- whole disputes


@arities
@sides
@pytest.mark.parametrize(
    "unit_lie", [UnitLie.RESULT, UnitLie.ONCE, UnitLie.EXTRA, UnitLie.MISSING, UnitLie.ZERO]
)
@pytest.mark.parametrize("step_lie", [StepLie.FALSE, StepLie.ONCE, StepLie.EXTRA, StepLie.ZERO])
def test_dispute__every_kind_of_lie__is_lost(
    log_arity: int, right: Side, unit_lie: UnitLie, step_lie: StepLie
) -> None:
    table = Table(log_arity=log_arity)
    pair = table.dispute(Fault(unit_lie=unit_lie, unit=2), right=right)
    table.walk(pair)
    traces = table.traces(pair, right, wrong_step(0, step_lie))
    ids = (table.commit("a", pair, OLDER, traces[0]), table.commit("b", pair, NEWER, traces[1]))

    table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=ids))
    after_windows(table, pair)
    table.play("anyone", Settle(reason="", older=pair[0], newer=pair[1]))

    assert view_of(table, pair).winner == pair[right]
    parent = table.chain.get(table.chain.get(pair[right]).parent)
    assert parent.live_children == 1
    table.now = parent.sole_since + table.airgap_s
    table.chain.confirm(table.call("anyone"), pair[right])
