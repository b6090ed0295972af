"""Standard margin and acceptance, by hand."""

from dataclasses import replace

import pytest

from optimistic.protocol.settlement import margin
from optimistic.protocol.settlement.acceptance import (
    buffer_rate,
    is_accepted,
    is_no_worse,
    is_reducing,
    withdrawable,
)
from optimistic.protocol.settlement.margin import Margin, ratios
from optimistic.protocol.settlement.units import PIPS, WAD
from tests.helpers.settlement_states import LIMITS

SAFE = Margin(100, 100, 50, 30)


def test_ratios__calm_small_position__are_those_of_the_limits() -> None:
    of = ratios(LIMITS, 0)

    assert margin.initial_margin(of, 1_000 * WAD) == 100 * WAD
    assert margin.maintenance_margin(of, 1_000 * WAD) == 50 * WAD


def test_initial_ratio__a_million_of_notional__grows_by_the_size_margin() -> None:
    of = ratios(replace(LIMITS, size_margin_pips=20_000), 0)

    assert margin.initial_ratio(of, 10**6 * WAD) == WAD * 12 // 100
    assert margin.initial_ratio(of, 4 * 10**6 * WAD) == WAD * 14 // 100
    assert margin.initial_ratio(of, 10**12 * WAD) == WAD


def test_volatility__doubled__scales_both_but_never_below_the_limits() -> None:
    wild, calm = (ratios(replace(LIMITS, volatility_pips=pips), 0) for pips in (2_000_000, 500_000))

    assert margin.initial_ratio(wild, WAD) == WAD * 20 // 100
    assert wild.maintenance_wad == WAD * 10 // 100
    assert margin.initial_ratio(calm, WAD) == WAD * 10 // 100
    assert calm.maintenance_wad == WAD * 25 // 1_000


@pytest.mark.parametrize(
    ("open_interest", "percent"), [(0, 10), (10**6, 10), (55 * 10**5, 55), (10**7, 100), (10**9, 100)]
)
def test_pitfall_02__crowded_market__asks_more_initial_margin(open_interest: int, percent: int) -> None:
    """YFI on dYdX v3, November 2023: one crowd held most of a market at the margin of a small position."""
    of = ratios(LIMITS, open_interest * WAD)

    assert margin.initial_ratio(of, WAD) == WAD * percent // 100
    assert margin.maintenance_margin(of, WAD) == WAD * 5 // 100


def test_range_of_open_interest__without_length__does_not_scale() -> None:
    flat = replace(LIMITS, open_interest_high_wad=LIMITS.open_interest_low_wad)

    assert margin.initial_ratio(ratios(flat, 10**9 * WAD), WAD) == WAD // 10


@pytest.mark.parametrize(
    ("notional", "initial_pips", "maintenance_pips", "initial", "maintenance"),
    [
        pytest.param(
            200, 200_000, 250_000, 40, 10, id="hyperliquid-math, WORKED-EXAMPLES: 5x of at most 10x"
        ),
        pytest.param(270_000, 20_000, 500_000, 5_400, 2_700, id="Paradex, Cross Margin Requirement"),
        pytest.param(5_000, 200_000, 500_000, 1_000, 500, id="dYdX v4-chain, TestIsLiquidatable"),
    ],
)
def test_requirements__published_example__are_theirs(
    notional: int, initial_pips: int, maintenance_pips: int, initial: int, maintenance: int
) -> None:
    of = ratios(replace(LIMITS, initial_pips=initial_pips, maintenance_pips=maintenance_pips), 0)

    assert margin.initial_margin(of, notional * WAD) == initial * WAD
    assert margin.maintenance_margin(of, notional * WAD) == maintenance * WAD


@pytest.mark.parametrize(("cash", "is_liquidatable"), [(-4_500, False), (-4_501, True)])
def test_maintenance__dydx_example__is_met_to_the_unit(cash: int, is_liquidatable: bool) -> None:
    """dYdX v4-chain, x/clob/keeper/liquidations_test.go, TestIsLiquidatable: 5,000 of BTC at 10 %."""
    assert Margin(0, cash + 5_000, 1_000, 500).is_maintained is not is_liquidatable


@pytest.mark.parametrize(("minutes", "move_pips"), [(1, 10_780), (5, 22_020), (10, 29_420)])
def test_buffer__bitcoin_in_january_2022__covers_999_of_1000_moves(minutes: int, move_pips: int) -> None:
    """Worst moves of BTC from any minute on, 31 December 2021 to 1 February 2022, at 71.6 % a year."""
    hourly_wad = 716 * WAD // 1_000 * 10_000 // 935_949  # root of the 8,760 hours of a year

    assert buffer_rate(hourly_wad, minutes * 60 - 60) * PIPS >= move_pips * WAD


def test_requirements__one_wei_of_notional__round_up() -> None:
    of = ratios(LIMITS, 0)

    assert margin.initial_margin(of, 1) == margin.maintenance_margin(of, 1) == 1


def test_collateral_value__cap_and_haircut__rounds_down() -> None:
    assert margin.collateral_value(2 * WAD, 10 * WAD, 3_000 * WAD, 200_000) == 4_800 * WAD
    assert margin.collateral_value(20 * WAD, 10 * WAD, 3_000 * WAD, 200_000) == 24_000 * WAD
    assert margin.collateral_value(1, WAD, 3_000 * WAD - 1, 0) == 2_999


@pytest.mark.parametrize(
    ("legs", "expected"),
    [
        ([(10, 5), (-3, 0)], True),
        ([(10, 10)], True),
        ([(10, 11)], False),
        ([(10, -1)], False),
        ([(0, 1)], False),
        ([(-10, -5), (1, 2)], False),
        ([], True),
    ],
)
def test_reducing__growing_or_turning_leg__is_none(legs: list[tuple[int, int]], expected: bool) -> None:
    assert is_reducing(legs) is expected


def test_acceptance__initial_margin_met__asks_nothing_else() -> None:
    assert is_accepted(SAFE, Margin(50, 40, 50, 30), reducing=False)
    assert not is_accepted(SAFE, Margin(49, 49, 50, 30), reducing=False)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (Margin(0, 10, 50, 20), True),
        (Margin(0, 9, 50, 20), False),  # E / MM falls
        (Margin(0, 5, 50, 10), True),
        (Margin(0, 0, 50, 0), True),
        (Margin(0, -1, 50, 0), False),
    ],
)
def test_acceptance__below_initial_margin__takes_only_what_is_safer(after: Margin, expected: bool) -> None:
    before = Margin(0, 15, 60, 30)

    assert is_accepted(before, after, reducing=True) is expected
    assert not is_accepted(before, after, reducing=False)


def test_acceptance__insolvent_close_at_a_bad_price__dumps_no_value() -> None:
    before = Margin(0, -100, 60, 30)

    assert not is_no_worse(before, Margin(0, -101, 50, 25))
    assert not is_no_worse(before, Margin(0, -1, 0, 0))
    assert is_no_worse(before, Margin(0, 0, 0, 0))


def test_acceptance__healthy_close_at_a_bad_price__does_not_hand_over_the_excess() -> None:
    """E / MM rises, but what was above the requirement went to the other side."""
    before, after = Margin(0, 100, 200, 90), Margin(0, 9, 30, 8)

    assert after.equity_wad * before.maintenance_wad >= before.equity_wad * after.maintenance_wad
    assert not is_no_worse(before, after)


def test_acceptance__nothing_held_before__may_not_lose() -> None:
    nothing = Margin(0, 5, 10, 0)

    assert is_no_worse(nothing, Margin(0, 5, 10, 0))
    assert not is_no_worse(nothing, Margin(0, 4, 10, 0))


def test_withdrawable__hyperliquid_worked_example__keeps_forty() -> None:
    """hyperliquid-math, WORKED-EXAMPLES: of 200 of notional at 5x stay max(40, 20)."""
    assert withdrawable(Margin(1_000, 1_000, 40, 10), 200, 0) == 960


def test_pitfall_04__high_leverage__leaves_a_tenth_of_the_notional_in() -> None:
    """Hyperliquid, March 2025: profit was withdrawn until a position of 50x hung at its liquidation price."""
    at_fifty_times = Margin(1_500, 1_500, 200, 100)

    assert withdrawable(at_fifty_times, 10_000, 0) == 500
    assert withdrawable(at_fifty_times, 10_000, 100) == 400
    assert withdrawable(at_fifty_times, 15_001, 0) == 0
