"""Batches on the deployed contracts and on their twin: the same fills, busts, balances, prices and funding.

The contracts' side is rebuilt from their logs after every call, and compared with their storage as well.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimistic.protocol.settlement import markets
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.types import BookReport
from tests.helpers.settlement_batches import batches
from tests.helpers.settlement_twins import FEEDS, FUTURE, MIDDLE, PERPETUALS, STEPS, Twins

SEEN: Counter[Bust] = Counter()


@pytest.fixture(scope="module")
def fresh() -> Twins:
    return Twins()


@pytest.fixture
def twins(fresh: Twins) -> Iterator[Twins]:
    mark = fresh.chain.snapshot()
    yield fresh
    fresh.chain.restore(mark)


def compare_storage(twins: Twins) -> None:
    """Hold what the logs tell to what the views answer."""
    state, read = twins.state, twins.chain.read
    for number, subaccount in state.subaccounts.items():
        owner, mode, cash = read("Ledger", "subaccount", number)
        assert (owner, mode, cash) == (subaccount.owner, subaccount.margin_mode, subaccount.cash_wad)
        _, legs = read("Ledger", "portfolio", number)
        assert {leg[0]: leg[1:] for leg in legs} == {key: tuple(leg) for key, leg in subaccount.legs.items()}
        assert read("StandardMargin", "margin", number) == tuple(margin_of(state, number))
    for id_, market in state.markets.items():
        found = read("Markets", "state", id_)
        assert found[1:] == (
            market.index_price_wad,
            market.mark_wad,
            market.settle_index_wad,
            market.priced_at,
        )
        assert found[0] == markets.status_now(market, state.now_s)
        rate, cumulative, premium, basis, at = read("Markets", "funding", id_)
        assert (cumulative, rate) == market.funding[:2]
        assert (premium, basis, at) == (market.premium_wad, market.basis_wad, market.priced_at)
        assert read("Markets", "hourlyVolatilityWad", id_) == markets.hourly_volatility(market)
        assert read("Markets", "resumedAt", id_) == market.resumed_at
        assert read("Ledger", "openInterestWad", id_) == market.open_interest_wad
    assert read("Ledger", "nextSubaccount") == state.next_subaccount


def step(twins: Twins, data: st.DataObject) -> None:
    """Do something that a node, a reporter or time does."""
    now, kind = twins.chain.now, data.draw(st.integers(0, 9))
    if kind <= 5:
        settled = twins.settle(
            data.draw(batches(twins.people, now, (*PERPETUALS, FUTURE), MIDDLE), label="batch")
        )
        if settled is not None:
            SEEN.update(fill.reason for fill in settled.fills)
    elif kind <= 7:
        waits = st.sampled_from([1, 1, 5, 15, 16, 31, 60, 121, 700, 4_000, 20_000])
        twins.chain.move_to(now + data.draw(waits, label="wait"))
        if data.draw(st.booleans()):
            for feed in FEEDS:
                twins.push(feed, MIDDLE * STEPS.tick_wad * data.draw(st.integers(900, 1_100)) // 1_000)
    elif kind == 8:
        twins.refresh(data.draw(st.sampled_from([*PERPETUALS, FUTURE])))
    else:
        prices = st.one_of(st.just(0), st.integers(9_500, 10_500).map(lambda n: n * STEPS.tick_wad + n % 7))
        report = BookReport(
            best_bid_wad=data.draw(prices),
            best_ask_wad=data.draw(prices),
            impact_bid_wad=data.draw(prices),
            impact_ask_wad=data.draw(prices),
            depth_wad=data.draw(st.integers(0, 10**24)),
            timestamp=now - data.draw(st.integers(-1, 70)),
        )
        twins.report(data.draw(st.sampled_from(PERPETUALS)), report)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_anything__both_languages__agree_on_everything(fresh: Twins, data: st.DataObject) -> None:
    mark = fresh.chain.snapshot()
    try:
        for _ in range(data.draw(st.integers(1, 6))):
            step(fresh, data)
        compare_storage(fresh)
    finally:
        fresh.chain.restore(mark)
