import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement.book_report import (
    BookView,
    Depths,
    depth_near_wad,
    impact_notional_wad,
    report_of,
)
from optimistic.protocol.settlement.markets import MAX_PRICE_WAD
from optimistic.protocol.settlement.orders import Steps
from optimistic.protocol.settlement.types import BookReport
from optimistic.protocol.settlement.units import QUANTUM_WAD, WAD
from scripts.staging.market_terms import LIMITS

STEPS = Steps(tick_wad=WAD // 10, lot_wad=WAD // 1_000)
MINUTE_MS = 60_000
LEVEL = st.tuples(st.integers(1, 10**6), st.integers(1, 10**6))


def report(book: BookView, impact: int) -> BookReport:
    return report_of(book, STEPS, impact * WAD, depth_wad=0, timestamp=7)


def side(levels: list[tuple[int, int]], sign: int) -> list[tuple[int, int]]:
    return sorted(dict(levels).items(), key=lambda level: sign * level[0])


def test_impact__two_levels__is_the_average_of_what_the_notional_buys() -> None:
    asks = [(1_000, 1_000), (2_000, 1_000)]  # a contract at 100, one at 200

    assert report(BookView([], asks), 100).impact_ask_wad == 100 * WAD
    assert (
        report(BookView([], asks), 200).impact_ask_wad
        == -(-200 * WAD * 10 // 15 // QUANTUM_WAD) * QUANTUM_WAD
    )
    assert report(BookView([], asks), 300).impact_ask_wad == 150 * WAD
    assert report(BookView([], asks), 301).impact_ask_wad == 0


def test_impact_notional__by_the_initial_margin__costs_500() -> None:
    assert impact_notional_wad(LIMITS) * LIMITS.initial_pips == 500 * WAD * 10**6


@given(st.lists(LEVEL, max_size=8), st.lists(LEVEL, max_size=8), st.integers(1, 10**9))
def test_report__any_book__prices_lie_within_it(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], impact: int
) -> None:
    book = BookView(side(bids, -1), side(asks, 1))

    found = report(book, impact)

    for levels, best, average, sign in (
        (book.bids, found.best_bid_wad, found.impact_bid_wad, -1),
        (book.asks, found.best_ask_wad, found.impact_ask_wad, 1),
    ):
        notional = sum(ticks * lots for ticks, lots in levels) * STEPS.tick_wad * STEPS.lot_wad
        assert bool(average) == (notional >= impact * WAD * WAD)
        assert best == (levels[0][0] * STEPS.tick_wad if levels else 0)
        if average:
            assert sign * best <= sign * average <= sign * levels[-1][0] * STEPS.tick_wad
        assert average % QUANTUM_WAD == 0


def test_attack__ask_beyond_every_price__is_left_out() -> None:
    absurd = MAX_PRICE_WAD // STEPS.tick_wad + 1

    assert report(BookView([], [(absurd, 1)]), 1).best_ask_wad == 0
    assert report(BookView([], [(absurd - 1, 1)]), 1).best_ask_wad == MAX_PRICE_WAD


def test_depth__orders_near_the_mark__of_the_thinner_side() -> None:
    mark_wad = 1_000 * WAD
    near = [(9_900, 1_000), (9_800, 1_000)]  # contracts at 990 and 980

    assert depth_near_wad(BookView(near, [(10_200, 1_000)]), STEPS, mark_wad) == 1_020 * WAD
    assert depth_near_wad(BookView(near, [(10_200, 5_000)]), STEPS, mark_wad) == 1_970 * WAD
    assert depth_near_wad(BookView(near, [(10_201, 5_000)]), STEPS, mark_wad) == 0
    assert depth_near_wad(BookView([], [(10_200, 5_000)]), STEPS, mark_wad) == 0


def test_depths__a_thin_minute__counts_for_ten() -> None:
    depths = Depths()
    for second in range(60 * 15):
        depths.note(10 if 120 <= second < 180 else 100, second * 1_000)
        if second == 60 * 12 + 30:
            assert depths.least_wad() < 20

    assert depths.least_wad() == 100


def test_depths__hole_of_a_second__weighs_a_second() -> None:
    depths = Depths()
    for second in range(200):
        depths.note(0 if second == 90 else 600, second * 1_000)

    assert depths.least_wad() == 590


def test_depths__gap_of_hours__says_nothing_about_them() -> None:
    depths = Depths()
    depths.note(5, 0)
    depths.note(100, 120 * MINUTE_MS)
    depths.note(100, 120 * MINUTE_MS + 1_000)

    assert depths.least_wad() == 100


@pytest.mark.parametrize("times", [[], [5]])
def test_depths__nothing_lasted_yet__is_zero(times: list[int]) -> None:
    depths = Depths()
    for at in times:
        depths.note(100, at)

    assert depths.least_wad() == 0
