"""Liquidation prices, sizes and penalties: published examples, and what must hold of any."""

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


@pytest.mark.parametrize(
    ("size", "equity", "delta"),
    [
        (1, 499, -4_501),  # 0.1 BTC at 50,000 bought with 4,501 borrowed: worth 4,501 at bankruptcy
        (-1, 499, -5_499),
    ],
)
def test_bankruptcy_price__dydx_liquidations_test__is_theirs(size: int, equity: int, delta: int) -> None:
    """dYdX v4-chain, protocol/x/clob/keeper/liquidations_test.go: bankruptcy quote of 0.1 BTC at 50,000."""
    price = liquidation.bankruptcy_price(size * WAD // 10, 50_000 * WAD, equity * WAD, CENT)

    assert price == -delta * 10 * WAD


def test_bankruptcy_price__worked_example__is_where_equity_is_spent() -> None:
    assert liquidation.bankruptcy_price(2 * WAD, 100 * WAD, 50 * WAD, CENT) == 75 * WAD


@pytest.mark.parametrize(
    ("size", "equity", "expected"),
    [
        (1, 249, 49_501),  # a dollar below maintenance margin (250): hardly better than the bankruptcy price
        (-1, 249, 50_499),
    ],
)
def test_limit_price__next_to_maintenance__keeps_health(size: int, equity: int, expected: int) -> None:
    of = Situation(size * WAD // 10, 50_000 * WAD, 50_000 * WAD, equity * WAD, 250 * WAD, WAD // 20)
    price = liquidation.limit_price(of, WAD)

    assert abs(price - of.mark_wad) <= abs(expected * WAD - of.mark_wad) + 2_000 * WAD
    closed = exact(of.size_wad, price - of.mark_wad)
    assert of.equity_wad + closed >= 0


def test_liquidation_price__dydx_documentation__is_3174_60() -> None:
    """dYdX documentation, "Liquidations": 1,000 of collateral and 3 ETH short at 3,000, margin 5 %."""
    price = liquidation.liquidation_price(-3 * WAD, 3_000 * WAD, 1_000 * WAD, 50_000)

    assert price // CENT == 317_460
    assert price == -(-10_000 * WAD * 100 // 315)


def test_liquidation_price__hyperliquid_worked_example__is_84_21() -> None:
    """hyperliquid-math, WORKED-EXAMPLES: 1 long at 100 with 20 of margin, maintenance 5 %: 80 / 0.95."""
    price = liquidation.liquidation_price(WAD, 100 * WAD, 20 * WAD, 50_000)

    assert price // (WAD // 10_000) == 842_105


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
