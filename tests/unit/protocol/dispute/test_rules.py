"""Opening and walk: what each call does and refuses; times are checked to the second."""

from dataclasses import replace
from typing import Any

import pytest

from optimistic.protocol.dispute.actions import ProveStep
from optimistic.protocol.dispute.divergence import InvalidDivergence, InvalidReveal
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.proofs import prove_roots, reveal
from optimistic.protocol.dispute.refusals import (
    AlreadyOpen,
    ClockExpired,
    ClockRunning,
    NotLiveSiblings,
    NotOnTurn,
    Undecided,
    WindowClosed,
    WrongDivergence,
    WrongStage,
)
from optimistic.protocol.dispute.views import Stage
from optimistic.protocol.types import ZERO_HASH
from scripts.staging.lies import Fault
from tests.helpers.dispute_stage import START_TIME
from tests.helpers.dispute_stage import Stage as Table
from tests.unit.protocol.dispute.situations import (
    LIE,
    NEWER,
    OLDER,
    arities,
    duel_of,
    opened,
    pinned,
    sides,
    unchanged,
    view_of,
    walk_of,
)

# ------------------------------------------------------------------------------------------ opening


@arities
def test_open__at_the_top__waits_for_the_older_side(log_arity: int) -> None:
    table, pair = opened(log_arity, late=100)

    walk = view_of(table, pair).walk

    assert (walk.stage, walk.level, walk.index) == (Stage.WALK, table.height, 0)
    assert walk.clocks.left == (table.period_s, table.period_s - 100)
    assert (walk.clocks.turn, walk.clocks.since) == (OLDER, START_TIME + 100)
    assert walk.divergence.nodes == tuple(table.trees[id_].root.hash for id_ in pair)
    newer = walk.children[NEWER]
    assert walk.children[OLDER] is None
    assert newer is not None
    assert len(newer) == 1 << log_arity


@arities
def test_open__at_the_leaves__pins_the_unit(log_arity: int) -> None:
    table, pair = pinned(log_arity, late=70)

    walk = view_of(table, pair).walk

    assert (walk.stage, walk.level, walk.index) == (Stage.TRACE, 0, 3)
    assert walk.divergence.pre == table.right.leaf(2)
    assert walk.divergence.nodes[OLDER] == table.right.leaf(3)
    assert walk.clocks.left == (table.period_s, table.period_s - 70)


@arities
@pytest.mark.parametrize("level", range(1, 5))
def test_open__in_between__leads_to_the_same_unit(log_arity: int, level: int) -> None:
    table, pair = opened(log_arity, level=level)

    assert table.walk(pair) == 3
    assert view_of(table, pair).walk.divergence.pre == table.right.leaf(2)


def test_open__twice__is_refused() -> None:
    table, pair = opened()

    unchanged(table, AlreadyOpen, table.play, "liar", table.opening(*pair))


def test_open__in_the_wrong_order__is_refused() -> None:
    table = Table()
    older, newer = table.post("honest", table.right.units()), table.post("liar", table.lie(LIE))

    unchanged(table, NotLiveSiblings, table.play, "liar", table.opening(newer, older))


def test_open__parent_and_child__is_refused() -> None:
    table = Table()
    parent = table.post("honest", table.right.units())
    child = table.post("honest", table.lie(LIE), parent)

    unchanged(table, NotLiveSiblings, table.play, "liar", table.opening(parent, child))


def test_open__the_last_second__leaves_the_newcomer_one() -> None:
    table = Table()
    older, newer = table.post("honest", table.right.units()), table.post("liar", table.lie(LIE))
    table.now += table.period_s
    unchanged(table, WindowClosed, table.play, "liar", table.opening(older, newer))

    table.now -= 1
    table.play("liar", table.opening(older, newer))

    assert view_of(table, (older, newer)).walk.clocks.left == (table.period_s, 1)


def test_open__roots_of_other_trees__is_refused() -> None:
    table = Table()
    older, newer = table.post("honest", table.right.units()), table.post("liar", table.lie(LIE))
    other = table.lie(Fault(unit=2))
    action = table.opening(older, newer)
    proof = prove_roots((table.trees[older].root.hash, other.root.hash))

    strange = replace(action, proof=proof, reveal=reveal(other, table.height, 0))

    unchanged(table, InvalidDivergence, table.play, "liar", strange)


@pytest.mark.parametrize("level", [-1, 6])
def test_open__at_no_level__is_refused(level: int) -> None:
    table = Table()
    older, newer = table.post("honest", table.right.units()), table.post("liar", table.lie(LIE))

    strange = replace(table.opening(older, newer), level=level)

    unchanged(table, InvalidDivergence, table.play, "liar", strange)


@pytest.mark.parametrize("level", [0, 2, 5])
def test_open__a_reveal_too_many_or_missing__is_refused(level: int) -> None:
    table = Table()
    older, newer = table.post("honest", table.right.units()), table.post("liar", table.lie(LIE))
    action = table.opening(older, newer, level)
    other = table.opening(older, newer, 0 if level else 1)

    unchanged(table, InvalidReveal, table.play, "liar", replace(action, reveal=other.reveal))


# --------------------------------------------------------------------------------------------- walk


@arities
@sides
def test_walk__to_the_unit__pins_what_is_left(log_arity: int, right: Side) -> None:
    table = Table(log_arity=log_arity)
    pair = table.dispute(LIE, right=right)
    key, spent = walk_of(pair), [0, 0]

    while duel_of(table, key).level:
        turn = duel_of(table, key).clocks.turn
        spent[turn] += 7 + turn
        table.now += 7 + turn
        table.play("anyone", table.move(key))

    walk = view_of(table, pair).walk
    assert (walk.stage, walk.index) == (Stage.TRACE, 3)
    assert walk.clocks.left == (table.period_s - spent[OLDER], table.period_s - spent[NEWER])
    assert walk.clocks.since == table.now
    assert walk.divergence.nodes[right] == table.right.leaf(3)


def test_walk__its_last_second__is_in_time() -> None:
    table, pair = opened()
    key = walk_of(pair)
    table.now += table.period_s - 1
    unchanged(table, ClockRunning, table.time_out, key)

    table.play("honest", table.move(key))

    assert duel_of(table, key).clocks.left == (1, table.period_s)


def test_walk__clock_exhausted__refuses_the_move_and_ends_against_the_side_on_turn() -> None:
    table, pair = opened()
    key = walk_of(pair)
    table.now += table.period_s

    unchanged(table, ClockExpired, table.play, "honest", table.move(key))
    table.time_out(key)

    assert view_of(table, pair).winner == pair[NEWER]
    assert table.chain.get(pair[OLDER]).status.name == "DEAD"


@pytest.mark.parametrize("changes", [{"side": NEWER}, {"level": 4}], ids=["turn", "level"])
def test_move__made_before__is_not_on_turn(changes: dict[str, Any]) -> None:
    table, pair = opened()

    stale = replace(table.move(walk_of(pair)), **changes)

    unchanged(table, NotOnTurn, table.play, "anyone", stale)


def test_move__other_agreed_state__is_refused() -> None:
    table, pair = opened()

    strange = replace(table.move(walk_of(pair)), pre=table.right.leaf(0))

    unchanged(table, WrongDivergence, table.play, "anyone", strange)


def test_move__under_other_nodes__is_refused() -> None:
    table, pair = opened()
    other = Table()
    elsewhere = other.dispute(Fault(unit=4))

    proof = other.move(walk_of(elsewhere)).proof

    unchanged(table, WrongDivergence, table.play, "anyone", replace(table.move(walk_of(pair)), proof=proof))


def test_move__without_the_children__is_refused() -> None:
    table, pair = opened()

    unchanged(table, InvalidReveal, table.play, "anyone", replace(table.move(walk_of(pair)), reveal=None))


def test_move__sibling_died_elsewhere__is_refused_and_the_dispute_is_moot() -> None:
    table, pair = opened()
    third = table.post("third", table.lie(Fault(unit=1)))
    table.play("third", table.opening(pair[NEWER], third))
    action = table.move(walk_of(pair))
    table.now += table.period_s - 1
    table.play("honest", table.move(walk_of(pair)))
    table.now += 1
    table.time_out(walk_of((pair[NEWER], third)))

    unchanged(table, NotLiveSiblings, table.play, "anyone", replace(action, side=NEWER, level=4))
    table.settle(pair)

    assert view_of(table, pair).winner == pair[OLDER]
    assert table.chain.get(pair[OLDER]).status.name == "LIVE"


def test_walk__dispute_unknown__is_in_the_wrong_stage() -> None:
    table, pair = opened()
    strange = walk_of((pair[OLDER], ZERO_HASH))

    unchanged(table, WrongStage, table.time_out, strange)
    unchanged(table, WrongStage, table.settle, (strange.older, strange.newer))
    unchanged(table, WrongStage, table.play, "x", replace(table.move(walk_of(pair)), key=strange))


def test_walk__not_pinned__takes_no_commitment_and_is_undecided() -> None:
    table, pair = opened()
    divergence = view_of(table, pair).walk.divergence

    _, action = table.commitment(pair, OLDER, table.right.trace(3))

    unchanged(table, WrongStage, table.play, "honest", action, table.bond_wei)
    unchanged(table, Undecided, table.settle, pair)
    step = ProveStep(reason="", key=walk_of(pair), divergence=divergence, witness=b"")
    unchanged(table, WrongStage, table.play, "honest", step)
