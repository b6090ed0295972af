"""Attacks on games in which a verdict counts beyond the pair of siblings that it was given for."""

from optimistic import artifacts
from optimistic.protocol.dispute.actions import DuelKey
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.refusals import DisputeOpen, RivalsAlive, WindowOpen, WrongStage
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from scripts.staging.lies import Fault
from tests.helpers.dispute_stage import Stage as Table
from tests.helpers.dispute_stage import wrong_step
from tests.unit.protocol.dispute.situations import NEWER, OLDER, unchanged, view_of, walk_of

EARLY, LATE = 2, 4
"""Units."""
CALLS = frozenset({"open", "move", "commitTrace", "start", "proveStep", "timeout", "settle", "claim"})


def status(table: Table, id_: Hash32) -> AssertionStatus:
    return table.chain.get(id_).status


def test_attack__right_result_sabotaged_for_a_wrong_newcomer__right_sibling_does_not_fall_with_it() -> None:
    """In its last second a newcomer is right about the disputed unit, and loses there on purpose."""
    table = Table()
    right = table.post("honest", table.right.units())
    table.now += table.period_s - 2
    wrong = table.post("first", table.lie(Fault(unit=EARLY)))
    table.now += 1
    newcomer = table.post("second", table.lie(Fault(unit=LATE)))
    pair = wrong, newcomer
    table.play("second", table.opening(*pair, level=0))
    commitments = (
        table.commit("first", pair, OLDER, table.lying_trace(pair, OLDER, wrong_step(1))),
        table.commit("second", pair, NEWER, table.lying_trace(pair, NEWER, wrong_step(0))),
    )
    table.now += 1
    table.time_out(DuelKey(older=wrong, newer=newcomer, commitments=commitments))
    table.settle(pair)

    assert view_of(table, pair).walk.divergence.nodes[NEWER] == table.right.leaf(EARLY)
    assert [status(table, id_) for id_ in (right, wrong, newcomer)] == [
        *(AssertionStatus.LIVE, AssertionStatus.LIVE, AssertionStatus.DEAD)
    ]
    unchanged(table, WrongStage, table.settle, (right, wrong))
    table.chain.kill_unopened(table.call("anyone"), right, wrong)
    table.now += table.airgap_s
    table.chain.confirm(table.call("anyone"), right)


def test_attack__wrong_sibling_wins_against_itself_at_once__is_not_confirmed_before_the_window() -> None:
    """The last one standing must stand until the window is closed: the right one may still come."""
    table = Table(airgap_s=0)
    wrong = table.post("eve", table.lie(Fault(unit=EARLY)))
    other = table.post("eves other self", table.lie(Fault(unit=LATE)))
    pair = wrong, other
    table.play("eve", table.opening(*pair))
    while view_of(table, pair).walk.level:
        table.play("eve", table.move(walk_of(pair)))
    ids = (
        table.commit("eve", pair, OLDER, table.lying_trace(pair, OLDER, wrong_step())),
        table.commit("eve", pair, NEWER, table.lying_trace(pair, NEWER, wrong_step(0))),
    )
    table.fight(DuelKey(older=wrong, newer=other, commitments=ids))

    unchanged(table, WindowOpen, table.chain.confirm, table.call("eve"), wrong)
    table.now += 120
    right = table.post("honest", table.right.units())
    table.play("honest", table.opening(wrong, right, level=0))
    table.now += table.period_s - 120

    unchanged(table, RivalsAlive, table.chain.confirm, table.call("eve"), wrong)
    unchanged(table, DisputeOpen, table.chain.kill_unopened, table.call("eve"), wrong, right)


def test_attack__silent_rival_in_the_last_second__delays_nothing() -> None:
    table = Table()
    right = table.post("honest", table.right.units())
    table.now += table.period_s - 1
    silent = table.post("eve", table.lie(Fault(unit=EARLY)))
    table.now += 1

    table.chain.kill_unopened(table.call("anyone"), right, silent)
    table.now += table.airgap_s
    table.chain.confirm(table.call("anyone"), right)

    assert [status(table, id_) for id_ in (right, silent)] == [
        AssertionStatus.CONFIRMED,
        AssertionStatus.DEAD,
    ]


def test_attack__last_commitment_of_both_sides_dies_in_one_step__one_sibling_survives() -> None:
    """Both traces are wrong at the step that is executed; the older sibling stays."""
    table = Table()
    pair = table.dispute(Fault(unit=LATE), right=Side.NEWER, level=0)
    ids = (
        table.commit("liar", pair, OLDER, table.lying_trace(pair, OLDER, wrong_step(0))),
        table.commit("saboteur", pair, NEWER, table.lying_trace(pair, NEWER, Fault(step=0, salt=b"x"))),
    )
    table.fight(DuelKey(older=pair[0], newer=pair[1], commitments=ids))
    table.now += 2 * table.period_s

    table.settle(pair)

    assert view_of(table, pair).live(OLDER) == view_of(table, pair).live(NEWER) == []
    assert [status(table, id_) for id_ in pair] == [AssertionStatus.LIVE, AssertionStatus.DEAD]


def test_attack__poster_gives_up_the_right_side__has_no_way_to() -> None:
    """Nobody speaks for a side: there is no call by which one side gives in."""
    entries = [entry for entry in artifacts.load("DisputeGame").abi if entry["type"] == "function"]
    calls = {entry["name"] for entry in entries if entry["stateMutability"] in ("nonpayable", "payable")}

    assert calls == CALLS
