"""Marks and funding: examples of exchanges with their sources, and the edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement import funding, marks
from optimistic.protocol.settlement.funding import Funding, Premium
from optimistic.protocol.settlement.units import LOT_WAD, PIPS, QUANTUM_WAD, WAD, quantum_toward_zero
from tests.helpers.settlement_states import ALICE, BOB, CAROL, MARKET, state_of, trade

CAP = funding.RATE_CAP_WAD
HOUR = 3_600
START = 472_223 * HOUR
SILENT = Premium(0, 0)
PRICES = st.integers(10**6, 10**20).map(lambda n: n * QUANTUM_WAD)
RATES = st.integers(-CAP, CAP)


@pytest.mark.parametrize(("bid", "ask", "paid"), [(1_506, 1_510, 1), (1_490, 1_494, -1)])
def test_accrual__derive_perp_asset_test__is_three_quarters_per_hour(bid: int, ask: int, paid: int) -> None:
    """Derive v2-core, TestPerpAsset: impact prices 6 away from 1,500, one contract, one hour: 0.75."""
    premium = funding.premium(1_500 * WAD, bid * WAD, ask * WAD)

    assert premium == paid * 4 * WAD // 1_000
    assert funding.accrual(1_500 * WAD, premium, HOUR) == paid * 75 * WAD // 100


def test_rate__no_premium__is_the_baseline_of_hyperliquid() -> None:
    """Hyperliquid documentation, "Funding": 0.00125 % per hour without a premium."""
    assert funding.rate_8h(0, CAP) * HOUR // funding.EIGHT_HOURS_S == 125 * WAD // 10_000_000


def test_accrual__paradex_documentation__is_18_per_eight_hours() -> None:
    """Paradex documentation, "Funding": rate 0.03 % at 60,000: 18 per eight hours, 0.0375 per minute."""
    rate = 3 * WAD // 10_000

    assert funding.accrual(60_000 * WAD, rate, funding.EIGHT_HOURS_S) == 18 * WAD
    assert funding.accrual(60_000 * WAD, rate, 60) == 375 * WAD // 10_000
    assert -funding.accrual(60_000 * WAD, rate, 60) // 2 == -1_875 * WAD // 100_000


def test_accrual__hyperliquid_worked_example__is_a_fifth() -> None:
    """hyperliquid-math, WORKED-EXAMPLES: two contracts at 100, 0.1 %: 0.2. A crossed book says nothing."""
    assert 2 * funding.accrual(100 * WAD, WAD // 1_000, funding.EIGHT_HOURS_S) == WAD // 5
    assert funding.premium(100 * WAD, 110 * WAD, 90 * WAD) == 0


def test_funding__starkex_rounding_example__leaves_nothing_to_round() -> None:
    """StarkEx, perpetual/cairo/position/funding.cairo: of -0.5, -0.5 and +1 it takes 1, 1 and gives 1.

    There the sum of rounded payments only falls. Here the smallest payment is a whole unit, the sum zero.
    """
    state = state_of(0, 0, 0)
    trade(state, ALICE, CAROL, LOT_WAD)
    trade(state, BOB, CAROL, LOT_WAD)
    market = state.markets[MARKET]
    market.settle_index_wad -= quantum_toward_zero(QUANTUM_WAD // 2)
    assert [state.unsettled_wad(id_) for id_ in (ALICE, BOB, CAROL)] == [0, 0, 0]

    market.settle_index_wad -= quantum_toward_zero(QUANTUM_WAD)
    assert [state.unsettled_wad(id_) for id_ in (ALICE, BOB, CAROL)] == [-1, -1, 2]


@pytest.mark.parametrize(
    ("premium", "rate"),
    [(0, 100), (600, 100), (601, 101), (-400, 100), (-401, 99), (20_000, 19_500), (-20_000, -19_500)],
)
def test_rate__premium_in_pips__moves_by_the_damped_interest(premium: int, rate: int) -> None:
    assert funding.rate_8h(premium * WAD // PIPS, WAD) == rate * WAD // PIPS


@pytest.mark.parametrize(
    ("initial", "maintenance", "percent"),
    [(50_000, 500_000, 4), (10_000, 500_000, 3), (10_000, 1_000_000, 0)],
)
def test_rate_cap__margins__is_three_quarters_of_their_distance(
    initial: int, maintenance: int, percent: int
) -> None:
    assert funding.rate_cap(initial, maintenance) == percent * WAD // 100


def test_premium__side_without_depth__says_nothing() -> None:
    assert funding.premium(100 * WAD, 0, 0) == 0
    assert funding.premium(100 * WAD, 0, 99 * WAD) == -WAD // 100
    assert funding.premium(100 * WAD, 101 * WAD, 0) == WAD // 100


def test_advance__within_the_hour__accrues_and_averages() -> None:
    after = funding.advance(
        Funding(0, WAD // 100, 0), 100 * WAD, Premium(WAD // 50, START + 90), (START, START + 60), CAP
    )

    assert after == Funding(100 * WAD // 100 * 60 // 28_800, WAD // 100, 60 * WAD // 50)


def test_advance__over_the_hour__takes_the_rate_of_the_average() -> None:
    before = Funding(0, 0, 3_590 * WAD // 100)
    after = funding.advance(
        before, 100 * WAD, Premium(WAD // 100, START + HOUR), (START + 3_590, START + 3_610), CAP
    )

    assert after.rate_wad == 95 * WAD // 10_000
    assert after.cumulative_wad == funding.accrual(100 * WAD, after.rate_wad, 10)
    assert after.premium_sum_wad == 0


@pytest.mark.parametrize("gap", [600, 601, 3_000, 86_400])
def test_pitfall_25__outage__is_paid_for_ten_minutes(gap: int) -> None:
    """Nobody pays for hours in which nobody could trade: GMX and others pause after an outage."""
    rate = WAD // 100
    after = funding.advance(Funding(0, rate, 0), 100 * WAD, SILENT, (START, START + gap), CAP)

    assert after.cumulative_wad == funding.accrual(100 * WAD, rate, 600)


def test_pitfall_25__hours_without_prices__leave_the_baseline_rate() -> None:
    before = Funding(0, WAD // 100, 3_600 * WAD // 50)
    after = funding.advance(before, 100 * WAD, SILENT, (START + 100, START + 3 * HOUR), CAP)

    assert (after.rate_wad, after.premium_sum_wad) == (funding.INTEREST_WAD, 0)


@given(index=PRICES, rate=RATES, parts=st.lists(st.integers(1, 120), min_size=1, max_size=20))
def test_accrual__in_many_parts__loses_less_than_a_wei_each(index: int, rate: int, parts: list[int]) -> None:
    split = sum(funding.accrual(index, rate, part) for part in parts)

    assert abs(split) <= abs(funding.accrual(index, rate, sum(parts))) < abs(split) + len(parts) + 1


@given(
    index=PRICES,
    basis=st.integers(-marks.BASIS_CAP_WAD, marks.BASIS_CAP_WAD),
    book=st.integers(0, 10**30),
    band=st.integers(1_000, 50_000),
)
def test_pitfall_32__mark__stays_in_the_band_whatever_the_book_says(
    index: int, basis: int, book: int, band: int
) -> None:
    """A liquidation cascade through the mark of one's own thin book."""
    mark = marks.mark(index, basis, book, band)

    assert mark % QUANTUM_WAD == 0
    assert abs(mark - index) * PIPS <= index * band
    low, high = sorted((index, index * (WAD + basis) // WAD))
    assert low - QUANTUM_WAD <= mark <= high + QUANTUM_WAD


def test_mark__book_against_the_basis__is_the_index() -> None:
    assert marks.mark(100 * WAD, WAD // 100, 90 * WAD, 20_000) == 100 * WAD
    assert marks.mark(100 * WAD, WAD // 100, 102 * WAD, 20_000) == 101 * WAD
    assert marks.mark(100 * WAD, WAD // 100, 102 * WAD, 5_000) == 1_005 * WAD // 10


@pytest.mark.parametrize(
    ("bid", "ask", "last", "price"), [(0, 0, 0, 100), (102, 0, 0, 102), (0, 98, 99, 98), (90, 95, 93, 93)]
)
def test_book_price__sides_and_last_trade__holds_it_between(
    bid: int, ask: int, last: int, price: int
) -> None:
    assert marks.book_price(100, bid, ask, last) == price


def test_basis__time_constant__forgets_all_but_e_to_the_minus_one() -> None:
    left = WAD // 100
    for _ in range(10):
        left = marks.moved_basis(left, 0, 15)

    assert abs(left - 3_678_794_411_714_423) < 10**4


@pytest.mark.parametrize("quiet_s", [15, 16, 3_600, 10**9])
def test_attack__one_trade_after_a_quiet_time__counts_fifteen_seconds(quiet_s: int) -> None:
    moved = marks.moved_basis(0, WAD // 100, quiet_s)

    assert abs(moved - 951_625_819_640_404) < 10**4


@pytest.mark.parametrize(("priced", "counts"), [(100, True), (160, True), (161, False), (40, True)])
def test_report__older_than_a_minute__does_not_count(priced: int, counts: bool) -> None:
    assert marks.is_current(100, priced) is counts
    assert not marks.is_current(0, priced)


def test_variance__one_percent_in_an_hour__is_one_percent_of_deviation() -> None:
    variance = 0
    price = 100 * WAD
    for _ in range(40):
        following = price * 101 // 100
        variance = marks.moved_variance(variance, price, following, HOUR)
        price = following

    assert abs(variance - WAD // 10_000) < WAD // 10**9
