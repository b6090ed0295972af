"""Prices, marks and funding in both languages: the same numbers for any inputs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.constants import PRICE_ORACLE
from optimistic.protocol.settlement import averages, funding, marks, oracle
from optimistic.protocol.settlement.funding import Funding, Premium
from optimistic.protocol.settlement.types import FeedId
from optimistic.protocol.settlement.units import PIPS, QUANTUM_WAD, WAD
from tests.helpers.contract_host import ContractHost

PYREVM_CHAIN_ID = 1
PRICES = st.one_of(
    st.integers(1, 10**6).map(lambda n: n * QUANTUM_WAD),
    st.integers(1, 10**21).map(lambda n: n * QUANTUM_WAD),
    st.integers(1, 10**27),
)
NEAR = st.integers(-(WAD // 20), WAD // 20)
MAYBE_PRICES = st.one_of(st.just(0), PRICES)
DECAYS = st.one_of(st.sampled_from([marks.BASIS_DECAY_WAD, marks.VARIANCE_DECAY_WAD]), st.integers(0, WAD))
ELAPSED = st.one_of(st.integers(0, 700), st.integers(0, 10**7))
RATES = st.integers(-WAD, WAD)
START = 1_700_000_000


@pytest.fixture(scope="module")
def host() -> ContractHost:
    return ContractHost("FundingHarness")


@st.composite
def near(draw: st.DrawFn, count: int) -> tuple[int, ...]:
    """An index and prices around it, or anywhere, or missing."""
    index = draw(PRICES)
    close = NEAR.map(lambda by: max(1, index + index * by // WAD))
    return (index, *(draw(st.one_of(close, close, MAYBE_PRICES)) for _ in range(count)))


@given(average=RATES, sample=RATES, decay=DECAYS, elapsed=ELAPSED)
def test_averages__any_time__agree(
    host: ContractHost, average: int, sample: int, decay: int, elapsed: int
) -> None:
    (left,) = host.call("decayed(uint256,uint256)->(uint256)", decay, elapsed)
    (moved,) = host.call("moved(int256,int256,uint256,uint256)->(int256)", average, sample, decay, elapsed)

    assert left == averages.decayed(decay, elapsed)
    assert moved == averages.moved(average, sample, decay, elapsed)
    assert min(average, sample) <= moved <= max(average, sample)


@given(prices=near(3), basis=st.integers(-(WAD // 100), WAD // 100), band=st.integers(0, 50_000))
def test_mark__any_book__agrees(
    host: ContractHost, prices: tuple[int, int, int, int], basis: int, band: int
) -> None:
    index, bid, ask, last = prices
    bid = min(bid, ask or bid)
    book, price = host.call(
        "mark(int256,int256,int256,int256,int256,uint256)->(int256,int256)",
        index,
        basis,
        bid,
        ask,
        last,
        band,
    )

    assert book == marks.book_price(index, bid, ask, last)
    assert price == marks.mark(index, basis, book, band)


@given(prices=near(3), basis=st.integers(-(WAD // 100), WAD // 100), elapsed=ELAPSED)
def test_basis__any_trade__agrees(
    host: ContractHost, prices: tuple[int, int, int, int], basis: int, elapsed: int
) -> None:
    index, vwap, bid, ask = prices
    sample, average = host.call(
        "basis(int256,int256,int256,int256,int256,uint256)->(int256,int256)",
        *prices,
        basis,
        elapsed,
    )

    assert sample == marks.basis_sample(index, vwap, bid, ask)
    assert average == marks.moved_basis(basis, sample, elapsed)


@given(variance=st.integers(0, WAD), prices=near(1), elapsed=st.integers(1, 10**6))
def test_variance__any_step__agrees(
    host: ContractHost, variance: int, prices: tuple[int, int], elapsed: int
) -> None:
    last, index = prices[0], prices[1] or 1
    (found,) = host.call("variance(int256,int256,int256,uint256)->(int256)", variance, last, index, elapsed)

    assert found == marks.moved_variance(variance, last, index, elapsed)


@given(reported=st.integers(0, 300), priced=st.integers(0, 300))
def test_report__any_age__agrees(host: ContractHost, reported: int, priced: int) -> None:
    (found,) = host.call("current(uint256,uint256)->(bool)", reported, priced)

    assert found is marks.is_current(reported, priced)


@given(prices=near(2), cap=st.integers(0, WAD // 25))
def test_rate__any_impact_prices__agrees(host: ContractHost, prices: tuple[int, int, int], cap: int) -> None:
    found = host.call("rate(int256,int256,int256,int256)->(int256,int256)", *prices, cap)
    premium = funding.premium(*prices)

    assert found == (premium, funding.rate_8h(premium, cap))


@given(initial=st.integers(0, PIPS), maintenance=st.integers(0, PIPS))
def test_rate_cap__any_margins__agrees(host: ContractHost, initial: int, maintenance: int) -> None:
    (found,) = host.call("rateCap(uint256,uint256)->(int256)", initial, maintenance)

    assert found == funding.rate_cap(initial, maintenance)


@given(
    before=st.builds(Funding, st.integers(-(10**27), 10**27), RATES, RATES.map(lambda rate: rate * 3_600)),
    index=PRICES,
    premium=st.integers(-(WAD // 50), WAD // 50),
    times=st.tuples(
        st.integers(0, 3_700),
        st.one_of(st.integers(1, 120), st.integers(1, 4_000), st.integers(1, 10**6)),
        st.integers(-100, 8_000),
    ),
)
def test_advance__any_stretch__agrees(
    host: ContractHost, before: Funding, index: int, premium: int, times: tuple[int, int, int]
) -> None:
    offset, elapsed, until = times
    start, cap = START + offset, WAD // 30
    reported = Premium(premium, start + until)
    found = host.call(
        "advance((int256,int256,int256),int256,(int256,uint256),uint256,uint256,int256)"
        "->(int256,int256,int256)",
        tuple(before),
        index,
        tuple(reported),
        start,
        start + elapsed,
        cap,
    )

    assert found == funding.advance(before, index, reported, (start, start + elapsed), cap)


@given(prices=st.lists(PRICES, min_size=1, max_size=16))
def test_median__any_prices__agrees(host: ContractHost, prices: list[int]) -> None:
    (found,) = host.call("median(uint256[])->(uint256)", prices)

    assert found == oracle.median_down(prices)


@given(prices=near(2), jump=st.integers(0, 200_000), elapsed=st.integers(0, 400))
def test_judgement_of_prices__any_move__agrees(
    host: ContractHost, prices: tuple[int, int, int], jump: int, elapsed: int
) -> None:
    last, price, average = prices
    found = host.call(
        "judge(uint256,uint256,uint256,uint256,uint256)->(bool,bool,uint256)",
        price,
        last,
        jump,
        average,
        elapsed,
    )

    assert found == (
        oracle.is_jump(price, last, jump),
        oracle.breaks(price, average),
        oracle.moved_average(average, last, elapsed),
    )


@given(
    time=st.integers(0, 10**10),
    integral=st.integers(0, 10**31),
    n_prices=st.integers(0, 100),
    gap=st.integers(0, 400),
)
def test_window__any_half_hour__agrees(
    host: ContractHost, time: int, integral: int, n_prices: int, gap: int
) -> None:
    found = host.call(
        "window(uint256,uint256,uint256,uint256)->(uint256,uint256)", time, integral, n_prices, gap
    )

    assert found == (oracle.window_end(time), oracle.window_average(integral, n_prices, gap))


@given(
    feed=st.integers(0, (1 << 32) - 1), price=st.integers(0, (1 << 256) - 1), at=st.integers(0, (1 << 64) - 1)
)
def test_digest__any_observation__agrees(host: ContractHost, feed: int, price: int, at: int) -> None:
    (found,) = host.call(
        "digest(address,uint32,uint256,uint64)->(bytes32)", "0x" + PRICE_ORACLE.hex(), feed, price, at
    )

    domain = oracle.domain_separator(PYREVM_CHAIN_ID)
    assert found == oracle.observation_digest(domain, FeedId(feed), price, at)
