"""Margin, acceptance and liquidation in both languages: the same numbers for any inputs."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optimistic.protocol.settlement import acceptance, liquidation, margin, units
from optimistic.protocol.settlement.liquidation import Situation
from optimistic.protocol.settlement.margin import Margin
from optimistic.protocol.settlement.types import Limits
from optimistic.protocol.settlement.units import LOT_WAD, PIPS, QUANTUM_WAD, WAD
from tests.helpers.contract_host import ContractHost, Reverted
from tests.helpers.settlement_states import LIMITS, all_limits

AMOUNTS = st.one_of(st.integers(-3, 3), st.integers(-(10**33), 10**33))
POSITIVE = st.one_of(st.integers(1, 300), st.integers(1, 10**33))
SIZES = st.one_of(st.integers(1, 50), st.integers(1, 10**18)).map(lambda lots: lots * LOT_WAD)
PRICES = st.one_of(st.integers(1, 10**6), st.integers(1, 10**18)).map(lambda n: n * QUANTUM_WAD)
PIP_RATES = st.integers(0, 2 * PIPS)
RATES = st.integers(1, WAD)
LOTS = st.sampled_from([LOT_WAD, 10 * LOT_WAD, WAD])
TICKS = st.sampled_from([QUANTUM_WAD, 10**15, 10**16, WAD])
SIGNS = st.sampled_from([-1, 1])
SITUATIONS = st.builds(
    Situation,
    size_wad=st.builds(int.__mul__, SIZES, SIGNS),
    mark_wad=PRICES,
    index_price_wad=PRICES,
    equity_wad=AMOUNTS,
    maintenance_wad=POSITIVE,
    rate_wad=RATES,
)


@pytest.fixture(scope="module")
def host() -> ContractHost:
    return ContractHost("MarginMathHarness")


@given(size=st.one_of(SIZES, AMOUNTS), price=st.one_of(PRICES, AMOUNTS))
@example(size=1, price=1)
def test_exact__any_product__is_whole_in_both_or_refused_by_both(
    host: ContractHost, size: int, price: int
) -> None:
    try:
        expected: int | None = units.exact(size, price)
    except units.OffQuantum:
        expected = None
    try:
        (found,) = host.call("exact(int256,int256)->(int256)", size, price)
    except Reverted:
        found = None

    assert found == expected


@given(a=AMOUNTS, b=AMOUNTS.filter(bool), step=POSITIVE)
def test_divisions__any_signs__agree(host: ContractHost, a: int, b: int, step: int) -> None:
    divided = host.call("divisions(int256,int256)->(int256,int256)", a, b)
    stepped = host.call("steps(int256,int256)->(int256,int256)", a, step)

    assert divided == (units.floor_div(a, b), units.ceil_div(a, b))
    assert stepped == (units.floor_to(a, step), units.ceil_to(a, step))


@given(a=POSITIVE, b=POSITIVE)
def test_products__both_directions__agree(host: ContractHost, a: int, b: int) -> None:
    found = host.call("products(uint256,uint256)->(uint256,uint256,uint256,uint256)", a, b)

    assert found == (
        units.mul_wad_down(a, b),
        units.mul_wad_up(a, b),
        units.pips_down(a, b),
        units.pips_up(a, b),
    )


@given(value=st.one_of(st.integers(0, 10**6), st.integers(0, (1 << 256) - 1), POSITIVE.map(lambda n: n * n)))
@example(value=(1 << 256) - 1)
@example(value=1 << 254)
@example(value=((1 << 128) - 1) ** 2)
def test_roots__any_word__agree(host: ContractHost, value: int) -> None:
    found = host.call("roots(uint256)->(uint256,uint256)", value)

    assert found == (units.sqrt_down(value), units.sqrt_up(value))


@given(limits=all_limits(), notional=POSITIVE, open_interest=st.integers(0, 3 * 10**24))
def test_rates__any_limits__agree(
    host: ContractHost, limits: Limits, notional: int, open_interest: int
) -> None:
    of = margin.ratios(limits, open_interest)
    calm = margin.ratios(replace(limits, open_interest_high_wad=limits.open_interest_low_wad), 0)
    initial, maintenance = host.call(
        "rates(uint256,uint256,uint256,uint256,uint256)->(uint256,uint256)",
        limits.initial_pips,
        limits.size_margin_pips,
        limits.maintenance_pips,
        limits.volatility_pips,
        notional,
    )
    (crowded,) = host.call(
        "crowded(uint256,uint256,uint256,uint256)->(uint256)",
        initial,
        open_interest,
        limits.open_interest_low_wad,
        limits.open_interest_high_wad,
    )

    assert (initial, maintenance) == (margin.initial_ratio(calm, notional), of.maintenance_wad)
    assert crowded == margin.initial_ratio(of, notional)


@given(before=AMOUNTS, after=AMOUNTS)
def test_reduction__any_leg__agrees(host: ContractHost, before: int, after: int) -> None:
    (found,) = host.call("reduces(int256,int256)->(bool)", before, after)

    assert found is acceptance.is_reduction(before, after)


@given(
    equities=st.tuples(AMOUNTS, AMOUNTS),
    needs=st.tuples(st.one_of(st.just(0), POSITIVE), st.one_of(st.just(0), POSITIVE)),
)
def test_no_worse__any_portfolio__agrees(
    host: ContractHost, equities: tuple[int, int], needs: tuple[int, int]
) -> None:
    before, after = (Margin(0, equity, 0, need) for equity, need in zip(equities, needs, strict=True))
    (found,) = host.call(
        "noWorse(int256,int256,int256,int256)->(bool)", equities[0], needs[0], equities[1], needs[1]
    )

    assert found is acceptance.is_no_worse(before, after)


@given(volatility=st.integers(0, 10**18), age=st.integers(0, 10**6))
def test_buffer__any_volatility_and_age__agrees(host: ContractHost, volatility: int, age: int) -> None:
    (found,) = host.call("buffer(uint256,uint256)->(uint256)", volatility, age)

    assert found == acceptance.buffer_rate(volatility, age)


@given(of=SITUATIONS, tick=TICKS)
def test_prices_of_liquidation__any_situation__agree(host: ContractHost, of: Situation, tick: int) -> None:
    found = host.call(
        "prices(int256,int256,int256,int256,int256,uint256,int256)->(int256,int256,int256)", *of, tick
    )

    assert found == (
        liquidation.bankruptcy_price(of.size_wad, of.mark_wad, of.equity_wad, tick),
        liquidation.zero_price(of, tick),
        liquidation.limit_price(of, tick),
    )


@given(size=SIZES, sign=SIGNS, mark=PRICES, spread=st.integers(0, PIPS))
def test_spread__any_mark__agrees(host: ContractHost, size: int, sign: int, mark: int, spread: int) -> None:
    (found,) = host.call("spread(int256,int256,uint256)->(int256)", sign * size, mark, spread)

    assert found == liquidation.spread_price(sign * size, mark, spread)


@given(of=SITUATIONS, penalty=st.integers(0, WAD // 10), lot=LOTS, dust=POSITIVE)
def test_close_size__any_situation__agrees(
    host: ContractHost, of: Situation, penalty: int, lot: int, dust: int
) -> None:
    unsafe = of._replace(size_wad=abs(of.size_wad), maintenance_wad=of.equity_wad + of.maintenance_wad)
    (found,) = host.call(
        "closeSize(uint256,uint256,uint256,int256,int256,uint256,uint256,uint256,uint256)->(uint256)",
        *unsafe,
        penalty,
        lot,
        dust,
    )

    assert found == liquidation.close_size(unsafe, penalty, lot, dust)


@given(
    book=st.tuples(AMOUNTS, POSITIVE, POSITIVE),
    notional=POSITIVE,
    volatility=st.integers(0, WAD),
    rate=RATES,
    equity=AMOUNTS,
)
def test_penalty__any_depth_and_volatility__agrees(
    host: ContractHost, book: tuple[int, int, int], notional: int, volatility: int, rate: int, equity: int
) -> None:
    depth = liquidation.bounded_depth(*book)
    found = host.call(
        "penalty(uint256,uint256,uint256,uint256,int256)->(uint256,uint256,uint256)",
        notional,
        depth,
        volatility,
        rate,
        equity,
    )
    penalty_rate = liquidation.penalty_rate(notional, depth, volatility, rate)
    paid = liquidation.penalty(notional, penalty_rate, equity)

    assert host.call("depth(int256,uint256,uint256)->(uint256)", *book) == (depth,)
    assert found == (penalty_rate, paid, liquidation.reward(paid))


def test_depth__nothing_reported_and_no_floor__is_not_zero(host: ContractHost) -> None:
    assert host.call("depth(int256,uint256,uint256)->(uint256)", 0, 0, LIMITS.depth_cap_wad) == (1,)
