"""A dated future on the deployed contracts, with the half hours of its feed worked out beside them."""

from random import Random

import pytest

from optimistic.protocol.settlement import oracle
from optimistic.protocol.settlement.batch_codec import Batch, Fill
from optimistic.protocol.settlement.clearing import Settlement
from optimistic.protocol.settlement.invariants import broken
from optimistic.protocol.settlement.types import MarketStatus
from optimistic.protocol.settlement.units import QUANTUM_WAD, WAD
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_chain import OWNER
from tests.helpers.settlement_twins import FEEDS, FUTURE, MIDDLE, STEPS, Twins


def run_prices(twins: Twins, random: Random, until: int, longest: int, *, refresh: bool = False) -> None:
    """Push prices until a time, no two of them further apart than `longest` seconds; refresh the future."""
    while twins.chain.now < until:
        twins.chain.move_to(min(until, twins.chain.now + random.randint(longest // 2, longest)))
        twins.push(FEEDS[0], MIDDLE * STEPS.tick_wad + random.randint(-(10**12), 10**12) * QUANTUM_WAD)
        if refresh:
            twins.refresh(FUTURE)


def hold(twins: Twins, lots: int) -> Settlement:
    """Let the first trader buy the future of the second one."""
    buyer, seller = twins.people[:2]
    orders = tuple(one.order(side * lots, MIDDLE, market=FUTURE) for one, side in ((buyer, 1), (seller, -1)))
    settled = twins.settle(Batch(orders=orders, fills=(Fill(0, 1, lots),)))
    assert settled is not None
    assert settled.n_fills == 1
    return settled


@pytest.mark.parametrize("seed", range(3))
def test_future__held_to_its_end__pays_the_average_of_the_last_half_hour(seed: int) -> None:
    twins, random = Twins(), Random(seed)
    expiry = twins.state.markets[FUTURE].terms.expiry
    buyer, seller = twins.people[:2]
    lots = random.randint(1, 5_000)
    settled = hold(twins, lots)

    run_prices(twins, random, expiry - 1_900, 600)
    run_prices(twins, random, expiry - 1, 50, refresh=True)
    expected = twins.state.markets[FUTURE].index_price_wad
    run_prices(twins, random, expiry + 100, 50, refresh=True)
    state, read = twins.state, twins.chain.read
    windows = state.feeds[FEEDS[0]].windows
    assert windows[expiry] == read("PriceOracle", "settlementPrice", FEEDS[0], expiry)
    for end in range(expiry - 5 * oracle.WINDOW_S, expiry, oracle.WINDOW_S):
        if end in windows:
            assert read("PriceOracle", "settlementPrice", FEEDS[0], end) == windows[end]
        else:
            with pytest.raises(Reverted):
                read("PriceOracle", "settlementPrice", FEEDS[0], end)

    assert twins.chain.act(OWNER, "Markets", "settleFuture", FUTURE) is True
    assert state.markets[FUTURE].status is MarketStatus.EXPIRED
    assert state.markets[FUTURE].settle_index_wad == windows[expiry] == expected
    for id_ in (seller.id, buyer.id, buyer.id):
        twins.chain.act(OWNER, "Markets", "closeExpired", FUTURE, [id_])
        assert not broken(state)
        cash = read("Ledger", "subaccount", id_)[2]
        assert cash == state.subaccounts[id_].cash_wad
    gain = lots * STEPS.lot_wad * (windows[expiry] - MIDDLE * STEPS.tick_wad) // WAD
    fees = settled.fills[0].maker_fee_wad, settled.fills[0].taker_fee_wad
    assert state.subaccounts[buyer.id].cash_wad == 1_000 * WAD - fees[0] + gain
    assert state.subaccounts[seller.id].cash_wad == 300 * WAD - fees[1] - gain


@pytest.mark.parametrize(("seed", "half_hours"), [(3, 2), (4, 3), (5, 7)])
def test_index__of_a_future_that_has_no_settlement_price_yet__is_that_of_the_running_half_hour(
    seed: int, half_hours: int
) -> None:
    twins, random = Twins(), Random(seed)
    expiry = twins.state.markets[FUTURE].terms.expiry
    windows = twins.state.feeds[FEEDS[0]].windows
    run_prices(twins, random, expiry - 300, 600, refresh=True)
    run_prices(twins, random, expiry + half_hours * oracle.WINDOW_S - 500, 700, refresh=True)
    run_prices(twins, random, expiry + (half_hours + 1) * oracle.WINDOW_S - 1, 60, refresh=True)

    assert not [end for end in windows if end >= expiry]
    expected = twins.state.markets[FUTURE].index_price_wad
    run_prices(twins, random, expiry + (half_hours + 4) * oracle.WINDOW_S, 60, refresh=True)
    assert twins.state.markets[FUTURE].index_price_wad == expected
    assert twins.chain.act(OWNER, "Markets", "settleFuture", FUTURE) is True
    assert twins.state.markets[FUTURE].settle_index_wad == expected


@pytest.mark.parametrize(("seconds", "percent"), [(59, 40), (30, -30), (1, 45)])
def test_pitfall_31__spot_pushed_in_the_last_minute__moves_equity_by_a_thirtieth(
    seconds: int, percent: int
) -> None:
    twins, random = Twins(), Random(seconds)
    expiry = twins.state.markets[FUTURE].terms.expiry
    hold(twins, 3_000)
    run_prices(twins, random, expiry - 60, 60)
    twins.refresh(FUTURE)
    ids = [trader.id for trader in twins.people[:2]]

    def equities() -> list[int]:
        return [twins.chain.read("StandardMargin", "margin", id_)[1] for id_ in ids]

    before, spot = equities(), twins.state.feeds[FEEDS[0]].price_wad
    twins.chain.move_to(expiry - seconds)
    twins.push(FEEDS[0], spot * (100 + percent) // 100)
    twins.refresh(FUTURE)

    moved = [after - earlier for earlier, after in zip(before, equities(), strict=True)]
    pushed = 3 * spot * percent // 100
    assert moved[0] == -moved[1] != 0
    assert 30 * abs(moved[0]) <= abs(pushed) + WAD
    assert abs(moved[0] * oracle.WINDOW_S - pushed * seconds) < WAD


def test_pitfall_31__half_hour_with_a_gap__does_not_settle_a_future() -> None:
    twins, random = Twins(), Random(9)
    expiry = twins.state.markets[FUTURE].terms.expiry
    run_prices(twins, random, expiry - 600, 50)
    run_prices(twins, random, expiry + oracle.WINDOW_S, 400)

    assert expiry not in twins.state.feeds[FEEDS[0]].windows
    twins.refresh(FUTURE)
    assert twins.chain.act(OWNER, "Markets", "settleFuture", FUTURE) is False
    with pytest.raises(Reverted):
        twins.chain.act(OWNER, "Markets", "settleFuture", FUTURE)
