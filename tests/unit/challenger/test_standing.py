"""How disputes stand, and what alerts and metrics make of it."""

from dataclasses import replace

import pytest

from challenger.alerts import Condition, find_alerts
from challenger.metrics import report_account, report_disputes, report_speed, report_verdicts
from challenger.speed import SpeedMeter
from challenger.standing import DuelCounts, Standing, count_duels, lost_by_right, own_bonds, standings
from optimistic.protocol.derivation import UnitKind, UnitResult
from optimistic.protocol.dispute.actions import Claim
from optimistic.protocol.dispute.forecast import duel_clocks
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Clocks, DisputeView, Life, Stage
from optimistic.protocol.engine import Lane, Outcome
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_HASH
from optimistic.service.clock import FakeClock
from optimistic.service.metrics import PrometheusMetrics
from tests.helpers.crowd import PERIOD_S as CROWD_PERIOD_S
from tests.helpers.crowd import Counted, crowd, id_of, search
from tests.helpers.rollup import make_genesis
from tests.unit.challenger.disputes import TRACE, UNIT, pinned, walk
from tests.unit.challenger.views import EVE, GENESIS, ME, PERIOD_S, STAKE_WEI, T0, TERMS, Story, ident


def story() -> Story:
    """The right child, staked on by us, and after it a wrong one."""
    told = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "right").posted(GENESIS, "wrong")
    return told.staked("right")


def with_walk(turn: Side = Side.OLDER, **options: object) -> Story:
    told = story()
    older, newer = told.ids["right"], told.ids["wrong"]
    return told.disputed(walk(older, newer, right=Side.OLDER, turn=turn, **options))  # type: ignore[arg-type]


def with_unit(**options: object) -> Story:
    told = story().steps(UNIT, TRACE)
    older, newer = told.ids["right"], told.ids["wrong"]
    return told.disputed(pinned(older, newer, right=Side.OLDER, **options))  # type: ignore[arg-type]


def kinds(told: Story, condition: Condition | None = None) -> set[str]:
    view, known = told.view(), told.known()
    found = find_alerts(view, known, standings(view, known), condition)
    return {alert.kind for alert in found} - {"wrong_assertion", "right_assertion_contested"}


def test_standing__our_turn__counts_down() -> None:
    told = with_walk().at(T0 + 30)

    (standing,) = standings(told.view(), told.known())

    assert (standing.left_s, standing.holds, standing.right) == (PERIOD_S - 30, True, Side.OLDER)
    assert standing.ends_by == T0 + 2 * PERIOD_S


def test_standing__their_turn__no_clock_of_ours_runs() -> None:
    told = with_walk(turn=Side.NEWER)

    (standing,) = standings(told.view(), told.known())

    assert standing.left_s is None


def test_standing__neither_side_right__is_nobodys() -> None:
    told = with_walk().unknown(GENESIS)

    assert standings(told.view(), told.known()) == []


def test_standing__several__least_time_first() -> None:
    told = story().posted(GENESIS, "worse")
    for name, left_s in (("wrong", 80), ("worse", 50)):
        older = told.ids["right"]
        dispute = walk(older, told.ids[name], right=Side.OLDER, turn=Side.OLDER, left=(left_s, 90))
        told.disputed(dispute)

    assert [standing.left_s for standing in standings(told.view(), told.known())] == [50, 80]


def test_standing__trace_known__names_its_commitment() -> None:
    without, posted = with_unit(), with_unit(champion_at=T0)

    for told, is_there in ((without, False), (posted, True)):
        (standing,) = standings(told.view(), told.known())
        assert standing.champion is not None
        assert standing.has_champion is is_there


def test_count__walks_and_duels__by_whose_turn_it_is() -> None:
    def counts(told: Story) -> DuelCounts:
        return count_duels(standings(told.view(), told.known()), told.view().now)

    assert counts(with_walk()) == DuelCounts(my_turn=1)
    assert counts(with_walk(turn=Side.NEWER)) == DuelCounts(their_turn=1)
    assert counts(with_walk(turn=Side.NEWER).at(T0 + PERIOD_S)) == DuelCounts(expired_unclaimed=1)
    assert counts(with_unit()).open == 0
    assert counts(with_unit(rival_at=T0, champion_at=T0 + 1)) == DuelCounts(my_turn=1)
    assert counts(with_unit(champion_at=T0, rival_at=T0 + 1)) == DuelCounts(their_turn=1)


def in_crowd(dispute: DisputeView) -> Standing:
    return Standing(dispute=dispute, right=Side.OLDER, champion=None, left_s=None, holds=True, ends_by=0)


@pytest.mark.parametrize("now", [0, CROWD_PERIOD_S])
def test_count__duels_of_a_crowd__as_if_each_was_looked_at(now: int) -> None:
    pairs = [(id_of(Side.OLDER, a), id_of(Side.NEWER, b)) for a, b in ((0, 0), (2, 1), (3, 3))]
    clocks = [Clocks(left=(9, 9), since=0, turn=side) for side in (Side.OLDER, Side.NEWER, Side.NEWER)]
    started = {ids: search(Stage.TRACE, clock) for ids, clock in zip(pairs, clocks, strict=True)}
    alive = crowd(4, started)
    died = {**alive.commitments, pairs[2][0]: replace(alive.commitments[pairs[2][0]], life=Life.DEAD)}
    dispute = replace(alive, commitments=died)
    each = [duel_clocks(dispute, ids) for ids in dispute.pairs()]
    theirs = [clock for clock in each if clock.turn is Side.NEWER]

    found = count_duels([in_crowd(dispute)], now)

    assert found.open == len(each) == 3 * 4
    assert found.my_turn == len(each) - len(theirs)
    assert found.expired_unclaimed == sum(1 for clock in theirs if clock.expires_at <= now)


def test_attack__five_hundred_commitments_on_each_side__are_not_paired_to_count_them() -> None:
    dispute = crowd(500)

    found = count_duels([in_crowd(dispute)], 0)

    assert (found.my_turn, found.their_turn) == (500 * 499 // 2, 500 * 501 // 2)
    assert isinstance(dispute.commitments, Counted)
    assert dispute.commitments.asked < 20 * 1_000


@pytest.mark.parametrize(("winner", "expected"), [("wrong", [("wrong", "right")]), ("right", []), (None, [])])
def test_lost__dispute_is_over__tells_who_won(winner: str | None, expected: list[tuple[str, str]]) -> None:
    told = story().settled("right", "wrong", winner)

    found = lost_by_right(told.view(), told.known())

    assert found == [(told.ids[a], told.ids[b]) for a, b in expected]


def test_bonds__ours_in_open_disputes__are_counted() -> None:
    assert own_bonds(with_unit(champion_at=T0, owner=ME).view()) == 1
    assert own_bonds(with_unit(champion_at=T0, owner=ME, is_free=True).view()) == 0
    assert own_bonds(with_unit(champion_at=T0, owner=EVE).view()) == 0


# ---------------------------------------------------------------------------------- alerts


QUARTER_S = PERIOD_S // 4
CLAIM = Claim(reason="a test", older=ident("older"), newer=ident("newer"), commitments=(), account=ME)
ALERTS: dict[str, tuple[Story, set[str]]] = {
    "fresh_walk": (with_walk(), set()),
    "quarter_left": (with_walk().at(T0 + PERIOD_S - QUARTER_S), set()),
    "less_than_a_quarter_left": (with_walk().at(T0 + PERIOD_S - QUARTER_S + 1), {"clock_low"}),
    "clock_out": (
        with_walk().at(T0 + PERIOD_S),
        {"dispute_forecast_lost"},
    ),
    "their_clock_low": (with_walk(turn=Side.NEWER).at(T0 + PERIOD_S - 1), set()),
    "window_missed": (
        with_unit(left=(50, PERIOD_S), rival_at=T0).at(T0 + 50),
        {"dispute_forecast_lost"},
    ),
    "lost": (story().settled("right", "wrong", "wrong"), {"dispute_resolved_against_right"}),
    "owed": (story().owed(CLAIM), {"credits_unclaimed"}),
    "engines": (story().doubted(GENESIS, "wrong"), {"engines_disagree", "verdict_unknown"}),
}


@pytest.mark.parametrize("name", ALERTS)
def test_alerts__dispute__kinds(name: str) -> None:
    told, expected = ALERTS[name]

    assert kinds(told) == expected


def test_alerts__bond_due_and_no_money__is_critical() -> None:
    told = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "right").posted(GENESIS, "wrong")
    dispute = pinned(told.ids["right"], told.ids["wrong"], right=Side.OLDER)
    rich = told.steps(UNIT, TRACE).disputed(dispute)
    view, known = rich.view(), rich.known()
    assert view.me is not None

    assert "bond_collateral_missing" not in kinds(rich)
    poor = rich.poor(TERMS.bond_wei - 1)
    assert "bond_collateral_missing" in kinds(poor)
    assert standings(view, known)[0].has_champion is False


CONDITIONS: dict[str, tuple[Condition, set[str]]] = {
    "fine": (Condition(replay_lag_s=PERIOD_S // 20, load_percent=50.0), set()),
    "behind": (Condition(replay_lag_s=PERIOD_S // 20 + 1), {"replay_behind"}),
    "too_slow": (Condition(load_percent=50.1), {"replay_too_slow"}),
    "contradiction": (Condition(troubles={ident("d"): "why"}), {"dispute_contradicts_replay"}),
    "failed_twice": (Condition(failing={"job": 2}), set()),
    "failed_thrice": (Condition(failing={"job": 3}), {"traces_failing"}),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_alerts__own_condition__kinds(name: str) -> None:
    condition, expected = CONDITIONS[name]

    assert kinds(story(), condition) == expected


# ---------------------------------------------------------------------------------- metrics


def exposed(told: Story) -> dict[str, float]:
    metrics = PrometheusMetrics("challenger")
    view, known = told.view(), told.known()
    disputes = standings(view, known)
    report_verdicts(metrics, view, known)
    report_disputes(metrics, view, known, disputes)
    report_account(metrics, view, disputes)
    lines = (line.rsplit(" ", 1) for line in metrics.exposition().decode().splitlines() if line[0] != "#")
    return {name.removeprefix("challenger_"): float(value) for name, value in lines}


@pytest.mark.parametrize(("told", "expected"), [(story(), 0), (story().with_broken_precompiles(), 1)])
def test_metrics__guard__tells_whether_precompiles_are_broken(told: Story, expected: int) -> None:
    assert exposed(told)["precompiles_broken"] == expected


def test_metrics__dispute__numbers() -> None:
    found = exposed(with_walk().at(T0 + 30))

    assert found['duels{state="open"}'] == found['duels{state="my_turn"}'] == 1
    assert found["honest_clock_left_min_seconds"] == PERIOD_S - 30
    assert found['games_agreement{completion="in_progress",result_correctness="correct"}'] == 1
    assert (found["forecast_unexpected"], found["claims_resolved_against_honest"]) == (0, 0)
    assert (found["inflight_games"], found["tracked_games"]) == (1, 1)
    assert found["bond_collateral_required_wei"] == 0


def test_metrics__dispute_lost__is_unexpected() -> None:
    running, over = (
        exposed(with_walk().at(T0 + PERIOD_S)),
        exposed(story().settled("right", "wrong", "wrong")),
    )

    assert running["forecast_unexpected"] == 1
    assert over["claims_resolved_against_honest"] == 1
    assert over['games_agreement{completion="complete",result_correctness="incorrect"}'] == 1


def test_metrics__no_stake_and_a_commitment_due__need_both() -> None:
    told = Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "right").posted(GENESIS, "wrong")
    told.steps(UNIT, TRACE).disputed(pinned(told.ids["right"], told.ids["wrong"], right=Side.OLDER))

    assert exposed(told)["bond_collateral_required_wei"] == STAKE_WEI + TERMS.bond_wei


# ---------------------------------------------------------------------------------- speed


def unit_of(kind: UnitKind, lane: Lane, gas: int) -> UnitResult:
    outcome = Outcome(
        tx_hash=ZERO_HASH,
        sender=EVE,
        to=EVE,
        nonce=0,
        status=1,
        gas_used=gas,
        execution_gas=0 if kind is UnitKind.DEPOSIT else gas,
        lane=lane,
        logs=(),
        contract_address=None,
        output=b"",
        effective_gas_price=0,
        state_root=ZERO_HASH,
    )
    unit = make_genesis().state.unit
    return UnitResult(index=0, kind=kind, unit=unit, leaf=ZERO_HASH, raw=None, effect=outcome)


def test_speed__three_lanes__are_measured_apart_and_summed() -> None:
    clock = FakeClock()
    meter = SpeedMeter(DEVNET, clock)
    for kind, lane, gas, seconds in (
        (UnitKind.TRANSACTION, Lane.GENERAL, 40_000_000, 2),
        (UnitKind.TRANSACTION, Lane.SYSTEM, 30_000_000, 1),
        (UnitKind.DEPOSIT, Lane.GENERAL, 20_000_000, 4),
    ):
        meter.start()
        clock.advance(seconds)
        meter.unit(unit_of(kind, lane, gas))

    assert meter.speeds() == {"general": 20_000_000, "system": 30_000_000, "deposit": 5_000_000}
    expected = 100 * (DEVNET.gas_rate / 20e6 + DEVNET.system_gas_rate / 30e6 + DEVNET.deposit_gas_rate / 5e6)
    assert meter.load_percent() == pytest.approx(expected)
    metrics = PrometheusMetrics("challenger")
    report_speed(metrics, meter)
    assert b'challenger_replay_gas_per_second{lane="deposit"} 5e+06' in metrics.exposition()


def test_speed__little_gas__says_nothing() -> None:
    clock = FakeClock()
    meter = SpeedMeter(DEVNET, clock)
    clock.advance(1)
    meter.unit(unit_of(UnitKind.TRANSACTION, Lane.GENERAL, 21_000))

    assert meter.speeds() == {}
    assert meter.load_percent() == 0


def test_speed__old_measurements__fade() -> None:
    clock = FakeClock()
    meter = SpeedMeter(DEVNET, clock)
    for seconds in (1_000, *[1] * 400):
        meter.start()
        clock.advance(seconds)
        meter.unit(unit_of(UnitKind.TRANSACTION, Lane.GENERAL, 20_000_000))

    assert meter.speeds()["general"] > 15_000_000
