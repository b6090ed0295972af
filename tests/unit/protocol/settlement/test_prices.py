"""Prices: medians, jumps, ages, half hours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement import oracle
from optimistic.protocol.settlement.oracle import Feed
from optimistic.protocol.settlement.types import PriceUse
from optimistic.protocol.settlement.units import QUANTUM_WAD, WAD

FEED = Feed(quorum=3, max_jump_pips=50_000, max_age_s=(15, 30, 120))
NOW = 1_700_000_000


@pytest.mark.parametrize(
    ("prices", "median"), [([5], 5), ([9, 1], 1), ([3, 1, 2], 2), ([4, 1, 3, 2], 2), ([1, 1, 9, 9, 9], 9)]
)
def test_median__even_count__is_the_lower_one(prices: list[int], median: int) -> None:
    assert oracle.median_down([price * QUANTUM_WAD for price in prices]) == median * QUANTUM_WAD


def test_median__off_the_quantum__is_rounded_down() -> None:
    assert oracle.median_down([3 * QUANTUM_WAD - 1]) == 2 * QUANTUM_WAD
    assert oracle.median_down([QUANTUM_WAD - 1]) == 0


@given(
    honest=st.lists(st.integers(990, 1_010), min_size=3, max_size=7),
    lies=st.lists(st.one_of(st.integers(1, 10), st.integers(10**6, 10**9)), max_size=2),
)
def test_pitfall_15__fewer_liars_than_half__stay_among_the_honest_prices(
    honest: list[int], lies: list[int]
) -> None:
    """One faulty source must not set a price (Moonwell, November 2025)."""
    lies = lies[: (len(honest) - 1) // 2]
    median = oracle.median_down([price * QUANTUM_WAD for price in honest + lies]) // QUANTUM_WAD

    assert min(honest) <= median <= max(honest)


@pytest.mark.parametrize(
    ("price", "jumps"),
    [(100_000, False), (105_000, False), (105_001, True), (95_000, False), (94_999, True), (1, True)],
)
def test_pitfall_16__sudden_price__needs_all_signers(price: int, jumps: bool) -> None:
    """Paradex, January 2026: prices of zero after a migration, and liquidations at them."""
    assert oracle.is_jump(price, 100_000, FEED.max_jump_pips) is jumps


@pytest.mark.parametrize(("price", "breaks"), [(50, False), (49, True), (150, False), (151, True)])
def test_pitfall_01__pumped_price__breaks_out_of_the_average(price: int, breaks: bool) -> None:
    """Mango, October 2022: a thin market was pumped within minutes, and its profits lent against."""
    assert oracle.breaks(price, 100) is breaks


@pytest.mark.parametrize(
    ("use", "age", "fresh"),
    [
        (PriceUse.INCREASE, 14, True),
        (PriceUse.INCREASE, 15, True),
        (PriceUse.INCREASE, 16, False),
        (PriceUse.LIQUIDATE, 30, True),
        (PriceUse.LIQUIDATE, 31, False),
        (PriceUse.REDUCE, 120, True),
        (PriceUse.REDUCE, 121, False),
    ],
)
def test_pitfall_24__age_of_a_price__counts_to_the_second(use: PriceUse, age: int, fresh: bool) -> None:
    """Drift, pull request 2115: a comparison the wrong way round took stale prices for fresh ones."""
    assert oracle.is_fresh(FEED, NOW - age, use, NOW) is fresh
    assert not oracle.is_fresh(FEED, 0, use, 10)


def test_average__five_minutes__takes_over_what_has_stood() -> None:
    assert oracle.moved_average(100, 200, 0) == 100
    assert oracle.moved_average(100, 200, 150) == 150
    assert oracle.moved_average(100, 200, 299) == 199
    assert oracle.moved_average(100, 200, 300) == oracle.moved_average(100, 200, 9_999) == 200


@pytest.mark.parametrize(("time", "end"), [(0, 1_800), (1_799, 1_800), (1_800, 3_600)])
def test_window__multiple_of_half_an_hour__begins_the_next(time: int, end: int) -> None:
    assert oracle.window_end(time) == end


@pytest.mark.parametrize(
    ("n_prices", "gap", "counts"), [(30, 180, True), (29, 180, False), (30, 181, False), (1_800, 1, True)]
)
def test_pitfall_31__half_hour_with_few_prices__settles_nothing(
    n_prices: int, gap: int, counts: bool
) -> None:
    average = oracle.window_average(100 * WAD * 1_800 + 1, n_prices, gap)

    assert average == (100 * WAD if counts else 0)


@pytest.mark.parametrize("gap", [1, 7, 59, 60])
def test_expected_settlement__through_two_half_hours__begins_at_the_price_and_ends_at_what_is_paid(
    gap: int,
) -> None:
    expiry = 2 * oracle.WINDOW_S
    price, time = 1_000 * QUANTUM_WAD, 0
    averages, windows = oracle.first_averages(price, time), dict[int, int]()
    while expiry not in windows:
        expected = oracle.expected_settlement(averages, windows, (price, time), expiry)
        if time % oracle.WINDOW_S == 0:
            assert expected == price
        averages, window = oracle.moved_averages(averages, (price, time), time + gap)
        price, time = (1_000 + time**2 % 97) * QUANTUM_WAD, time + gap
        if window is not None and window[1]:
            assert window == (expiry, expected)
            windows[expiry] = expected
    assert oracle.expected_settlement(averages, windows, (10 * price, time), expiry) == expected


def test_expected_settlement__first_price_of_a_feed__is_that_price() -> None:
    averages = oracle.first_averages(100 * WAD, 2_500)

    assert oracle.expected_settlement(averages, {}, (100 * WAD, 2_500), 3_600) == 100 * WAD


def test_expected_settlement__a_day_without_one_that_counts__is_that_of_the_running_half_hour() -> None:
    last, late = (100 * WAD, 51 * 1_800), {49 * 1_800: 90 * WAD}

    assert oracle.expected_settlement(oracle.Averages(), late, last, 1_800) == 100 * WAD
    assert oracle.expected_settlement(oracle.Averages(), late, last, 3_600) == 90 * WAD
