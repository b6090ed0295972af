"""Liquidation prices, sizes and penalties: published examples, and what must hold of any."""

from decimal import Decimal
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from optimistic.protocol.settlement import liquidation
from optimistic.protocol.settlement.liquidation import Situation
from optimistic.protocol.settlement.units import LOT_WAD, PIPS, QUANTUM_WAD, WAD, exact

CENT = WAD // 100
SIZES = st.integers(1, 10**15).map(lambda lots: lots * LOT_WAD)
PRICES = st.integers(1, 10**17).map(lambda n: n * QUANTUM_WAD)
EQUITIES = st.integers(0, 10**30)
SIGNS = st.sampled_from([-1, 1])
NOTIONALS = st.integers(0, 10**27)
VOLATILITIES = st.integers(0, WAD)


def wad(value: str) -> int:
    """A decimal as it is computed with."""
    return int(Decimal(value) * WAD)


DYDX: Final = [
    (WAD // 10, -4_501, 4_501),
    (-WAD // 10, 5_499, -5_499),
    (WAD // 10, -5_000, 5_000),
    (-WAD // 10, 5_000, -5_000),
    (WAD // 10, -5_100, 5_100),
    (-WAD // 10, 4_900, -4_900),
    (WAD, 1, -1),
]
"""dYdX v4-chain, x/clob/keeper/liquidations_test.go, TestGetBankruptcyPriceInQuoteQuantums at 50,000: size,
cash, quote that the whole size is closed for."""


@pytest.mark.parametrize(("size", "cash", "quote"), DYDX)
def test_bankruptcy_price__dydx_liquidations_test__is_theirs(size: int, cash: int, quote: int) -> None:
    equity = cash * WAD + exact(size, 50_000 * WAD)
    price = liquidation.bankruptcy_price(size, 50_000 * WAD, equity, CENT)

    assert exact(size, price) == quote * WAD


@pytest.mark.parametrize(("size", "price"), [(1, 2_776), (-1, 2_775)])
def test_bankruptcy_price__dydx_rounding_example__is_rounded_against_the_account(
    size: int, price: int
) -> None:
    """The same test: 21,347 quantums of BTC against 2,775.11 of quote, long 2,776 and short 2,775."""
    mark, owed = 10_673_500 * WAD, 277_511 * CENT

    assert liquidation.bankruptcy_price(size * WAD, mark, size * (mark - owed), WAD) == price * WAD


def test_bankruptcy_price__worked_example__is_where_equity_is_spent() -> None:
    assert liquidation.bankruptcy_price(2 * WAD, 100 * WAD, 50 * WAD, CENT) == 75 * WAD


@pytest.mark.parametrize(
    ("size", "cash", "btc", "quote"), [(1, -490, 4, 294), (-1, 510, -4, -306), (-1, 110, 4, -306)]
)
def test_limit_price__dydx_bankruptcy_price_of_two_legs__is_theirs(
    size: int, cash: int, btc: int, quote: int
) -> None:
    """The same test: 0.1 ETH at 3,000 beside 0.004 BTC at 50,000, maintenance margin 10 %.

    A leg may spend the part of the equity that its margin is of all margin.
    """
    equity = cash + btc * 50 + size * 300
    of = Situation(size * WAD // 10, 3_000 * WAD, 3_000 * WAD, equity * WAD, 50 * WAD, WAD // 10)

    assert exact(of.size_wad, liquidation.limit_price(of, CENT)) == quote * WAD


@pytest.mark.parametrize(
    ("size", "cash", "fillable", "limit"),
    [
        (1, -4_501, 49_999, 45_010),
        (-1, 5_499, 50_001, 54_990),
        (1, -5_000, 49_500, 50_000),
        (-1, 5_000, 50_500, 50_000),
        (1, -5_500, 49_500, 50_000),
        (-1, 4_500, 50_500, 50_000),
    ],
)
def test_limit_price__dydx_fillable_price__is_within_it_while_there_is_equity(
    size: int, cash: int, fillable: int, limit: int
) -> None:
    """The same file, TestGetFillablePrice: 0.1 BTC at 50,000, maintenance margin 10 %.

    The rules differ. Theirs widens with falling health to 1 % from the mark, and what that costs beyond the
    equity is the insurance fund's. Ours is the bankruptcy price and never makes a loss for others.
    """
    equity = cash * WAD + exact(size * WAD // 10, 50_000 * WAD)
    of = Situation(size * WAD // 10, 50_000 * WAD, 50_000 * WAD, equity, 500 * WAD, WAD // 10)

    assert liquidation.limit_price(of, CENT) == limit * WAD
    assert ((fillable - limit) * size >= 0) is (equity > 0)


@pytest.mark.parametrize(
    ("size", "mark", "equity", "percent", "price", "within"),
    [
        pytest.param("-3", "3000", "1000", 5, "3174.60", "0.01", id="dYdX, Liquidations, isolated"),
        pytest.param("-1.5", "3000", "825", 5, "3380.95", "0.01", id="dYdX, Liquidations, cross"),
        pytest.param("1", "100", "20", 5, "84.2105", "0.0001", id="hyperliquid-math, WORKED-EXAMPLES"),
        pytest.param(
            "0.0335",
            "2985.9",
            "4.967826",
            1,
            "2866.26936529",
            "0.00002",
            id="Hyperliquid, clearinghouseState",
        ),
    ],
)
def test_liquidation_price__published_example__is_theirs(
    size: str, mark: str, equity: str, percent: int, price: str, within: str
) -> None:
    """To the digits that are published.

    In the cross one, 1,000 STRK at 1.75 with a margin of 10 % need 175 of 1,000 of equity. The last one is
    the isolated position in the documentation of the info endpoint, with the margin 1 / (2 x 50): its equity
    is rounded to a millionth, which is 0.000015 of the price.
    """
    found = liquidation.liquidation_price(wad(size), wad(mark), wad(equity), percent * 10_000)

    assert abs(found - wad(price)) < wad(within)


@given(size=SIZES, sign=SIGNS, mark=PRICES, equity=EQUITIES, pips=st.integers(1, PIPS - 1))
def test_liquidation_price__any_leg__is_where_equity_meets_maintenance(
    size: int, sign: int, mark: int, equity: int, pips: int
) -> None:
    price = liquidation.liquidation_price(sign * size, mark, equity, pips)
    assume(price > 0)

    def excess(at: int) -> int:
        return (equity * WAD + sign * size * (at - mark)) * PIPS - size * at * pips

    assert excess(price) * sign >= 0 >= excess(price - 1) * sign


@given(size=SIZES, sign=SIGNS, mark=PRICES, equity=EQUITIES, tick=st.sampled_from([QUANTUM_WAD, CENT, WAD]))
def test_bankruptcy_price__any_leg__leaves_less_than_a_tick(
    size: int, sign: int, mark: int, equity: int, tick: int
) -> None:
    price = liquidation.bankruptcy_price(sign * size, mark, equity, tick)
    left = equity + exact(sign * size, price - mark)

    assert left >= 0
    assert left * WAD < size * tick + WAD


@given(
    size=SIZES,
    sign=SIGNS,
    prices=st.tuples(PRICES, PRICES),
    equity=st.integers(-(10**30), 10**30),
    others=st.integers(0, 10**30),
    lots=st.integers(1, 10**15),
)
def test_limit_price__any_part_closed_there__makes_no_debt_and_keeps_health(
    size: int, sign: int, prices: tuple[int, int], equity: int, others: int, lots: int
) -> None:
    mark, index = prices
    per_contract = index // 20
    maintenance = others - -size * per_contract // WAD
    of = Situation(sign * size, mark, index, equity, maintenance, WAD // 20)
    limit = liquidation.limit_price(of, QUANTUM_WAD)
    closed = min(size, lots * LOT_WAD)
    after = equity + exact(sign * closed, limit - mark)

    assert after >= min(0, equity)
    assert after * maintenance * WAD >= equity * (maintenance * WAD - closed * per_contract) or equity < 0


def test_limit_price__insolvent__is_the_mark() -> None:
    of = Situation(WAD, 100 * WAD, 100 * WAD, -50 * WAD, 5 * WAD, WAD // 20)

    assert liquidation.limit_price(of, CENT) == 100 * WAD
    assert liquidation.limit_price(of._replace(size_wad=-WAD), CENT) == 100 * WAD


@given(size=SIZES, mark=PRICES, equity=st.integers(-(10**27), 10**27), missing=st.integers(1, 10**27))
def test_close_size__any_situation__is_a_fifth_at_least_and_never_more_than_all(
    size: int, mark: int, equity: int, missing: int
) -> None:
    of = Situation(size, mark, mark, equity, equity + missing, WAD // 20)
    close = liquidation.close_size(of, WAD // 100, LOT_WAD, 0)

    assert size <= 5 * close
    assert close <= size
    assert close % LOT_WAD == 0


@pytest.mark.parametrize(
    ("price", "penalty", "closed"),
    [
        pytest.param(100, 0, "1", id="zero_percent_liquidation_fee"),
        pytest.param(99, 0, "1.01010101", id="usdc_not_one, below"),
        pytest.param(101, 0, "0.990099009", id="usdc_not_one, above"),
        pytest.param(100, 1, "1.111111111", id="one_percent_liquidation_fee"),
        pytest.param(100, 2, "1.25", id="one_percent_liquidation_fee_and_one_percent_if_liquidation_fee"),
    ],
)
def test_close_size__drift_liquidation_test__is_theirs_up_to_the_lot(
    price: int, penalty: int, closed: str
) -> None:
    """Drift protocol-v2, programs/drift/src/math/liquidation/tests.rs: 10 are missing, margin 10 %.

    Theirs is rounded down, ours up: it restores the margin.
    """
    maintenance = 4 * price * WAD // 10
    of = Situation(4 * WAD, price * WAD, price * WAD, maintenance - 10 * WAD, maintenance, WAD // 10)
    close = liquidation.close_size(of, penalty * WAD // 100, LOT_WAD, 0)

    assert close == -(-wad(closed) // LOT_WAD) * LOT_WAD


def test_close_size__paradex_example__stops_where_margin_is_restored() -> None:
    """Paradex, Liquidations: 80 of equity, 88.8 needed at 1 %, penalty half of it.

    A fifth closed leaves 71.12 against 71.04. Theirs goes on to 90 %, with 40 % and a penalty of 17.76.
    """
    size = 888 * WAD // 10
    of = Situation(size, 100 * WAD, 100 * WAD, 80 * WAD, size, WAD // 100)
    close = liquidation.close_size(of, WAD // 200, LOT_WAD, 0)
    notional = exact(close, of.mark_wad)

    assert close == size // 5
    assert of.maintenance_wad - notional // 100 == 7_104 * CENT
    assert of.equity_wad - liquidation.penalty(notional, WAD // 200, of.equity_wad) == 7_112 * CENT
    assert liquidation.penalty(2 * notional, WAD // 200, of.equity_wad) == 1_776 * CENT


def test_close_size__what_is_needed__restores_maintenance_after_the_penalty() -> None:
    of = Situation(10 * WAD, 100 * WAD, 100 * WAD, 40 * WAD, 50 * WAD, WAD // 20)
    close = liquidation.close_size(of, WAD // 100, WAD // 1_000, 0)
    kept = 50 * WAD - close * 5

    assert close == 2_500 * WAD // 1_000
    assert 40 * WAD - close == kept


def test_pitfall_27__what_would_be_left_is_dust__closes_all() -> None:
    of = Situation(WAD, 100 * WAD, 100 * WAD, 4 * WAD, 5 * WAD, WAD // 20)

    assert liquidation.close_size(of, 0, LOT_WAD, 0) == WAD // 5
    assert liquidation.close_size(of, 0, LOT_WAD, 81 * WAD) == WAD


def test_close_size__penalty_above_what_a_close_frees__closes_all() -> None:
    of = Situation(WAD, 100 * WAD, 100 * WAD, 4 * WAD, 5 * WAD, WAD // 1_000)

    assert liquidation.close_size(of, WAD // 1_000, LOT_WAD, 0) == WAD


def test_penalty__as_much_as_the_book_is_deep__is_1_9_percent() -> None:
    rate = liquidation.penalty_rate(10**6 * WAD, 10**6 * WAD, 8 * WAD // 1_000, WAD // 20)

    assert rate == 19 * WAD // 1_000


@given(
    notionals=st.tuples(NOTIONALS, NOTIONALS).map(sorted),
    depths=st.tuples(st.integers(1, 10**27), st.integers(1, 10**27)).map(sorted),
    volatilities=st.tuples(VOLATILITIES, VOLATILITIES).map(sorted),
    maintenance=st.integers(0, WAD),
)
def test_penalty__more_notional_less_depth_more_volatility__is_never_less(
    notionals: list[int], depths: list[int], volatilities: list[int], maintenance: int
) -> None:
    lower = liquidation.penalty_rate(notionals[0], depths[1], volatilities[0], maintenance)
    higher = liquidation.penalty_rate(notionals[1], depths[0], volatilities[1], maintenance)

    assert lower <= higher <= max(0, min(liquidation.PENALTY_MAX_WAD, maintenance * 7 // 10))


@given(notional=NOTIONALS, rate=st.integers(0, WAD), equity=st.integers(-(10**27), 10**27))
def test_pitfall_29__penalty__never_takes_more_than_the_equity(notional: int, rate: int, equity: int) -> None:
    """Perennial, finding 102 of its audit contest: a fee that could not be paid made liquidations fail."""
    paid = liquidation.penalty(notional, rate, equity)

    assert 0 <= paid <= max(0, equity)
    assert paid * WAD >= min(notional * rate, max(0, equity) * WAD)


@given(penalty=st.integers(0, 10**24))
def test_pitfall_26__reward__is_less_than_the_penalty(penalty: int) -> None:
    """Nobody earns by flagging himself: the keeper's part comes out of what he pays."""
    reward = liquidation.reward(penalty)

    assert reward < penalty or penalty == reward == 0
    assert reward <= liquidation.REWARD_CAP_WAD
