"""A dated future on the deployed contracts, with the half hours of its feed worked out beside them."""

from random import Random

import pytest

from optimistic.protocol.settlement import oracle
from optimistic.protocol.settlement.batch_codec import Batch, Fill
from optimistic.protocol.settlement.invariants import broken
from optimistic.protocol.settlement.types import MarketStatus
from optimistic.protocol.settlement.units import QUANTUM_WAD, WAD
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_chain import OWNER
from tests.helpers.settlement_twins import FEEDS, FUTURE, MIDDLE, STEPS, Twins


def run_prices(twins: Twins, random: Random, until: int, longest: int) -> None:
    """Push prices until a time, no two of them further apart than `longest` seconds."""
    while twins.chain.now < until:
        twins.chain.move_to(min(until, twins.chain.now + random.randint(longest // 2, longest)))
        twins.push(FEEDS[0], MIDDLE * STEPS.tick_wad + random.randint(-(10**12), 10**12) * QUANTUM_WAD)


@pytest.mark.parametrize("seed", range(3))
def test_future__held_to_its_end__pays_the_average_of_the_last_half_hour(seed: int) -> None:
    twins, random = Twins(), Random(seed)
    expiry = twins.state.markets[FUTURE].terms.expiry
    buyer, seller = twins.people[:2]
    lots = random.randint(1, 5_000)
    orders = tuple(one.order(side * lots, MIDDLE, market=FUTURE) for one, side in ((buyer, 1), (seller, -1)))
    settled = twins.settle(Batch(orders=orders, fills=(Fill(0, 1, lots),)))
    assert settled is not None
    assert settled.n_fills == 1

    run_prices(twins, random, expiry - 1_900, 600)
    run_prices(twins, random, expiry, 50)
    twins.refresh(FUTURE)
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
    assert state.markets[FUTURE].settle_index_wad == windows[expiry]
    for id_ in (seller.id, buyer.id, buyer.id):
        twins.chain.act(OWNER, "Markets", "closeExpired", FUTURE, [id_])
        assert not broken(state)
        cash = read("Ledger", "subaccount", id_)[2]
        assert cash == state.subaccounts[id_].cash_wad
    gain = lots * STEPS.lot_wad * (windows[expiry] - MIDDLE * STEPS.tick_wad) // WAD
    fees = settled.fills[0].maker_fee_wad, settled.fills[0].taker_fee_wad
    assert state.subaccounts[buyer.id].cash_wad == 1_000 * WAD - fees[0] + gain
    assert state.subaccounts[seller.id].cash_wad == 300 * WAD - fees[1] - gain


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
