"""Batches of any orders: packaging does not matter, margin holds, and a bad fill hurts nobody else."""

from copy import deepcopy
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement.batch_codec import Batch, decode, encode
from optimistic.protocol.settlement.clearing import EntryTwice, Settlement, settle_batch
from optimistic.protocol.settlement.invariants import broken, broken_by_step, broken_by_trade, differences
from optimistic.protocol.settlement.orders import Steps, domain_separator
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import FEES, FIRST_SUBACCOUNT, MarketId
from optimistic.protocol.settlement.units import WAD
from tests.helpers.settlement_batches import Batches, traders
from tests.helpers.settlement_states import LIMITS, NOW, PERPETUAL, state_of

CHAIN = 7
DOMAIN = domain_separator(CHAIN)
STEPS = Steps(tick_wad=PERPETUAL.tick_wad, lot_wad=PERPETUAL.lot_wad)
PEOPLE = traders(5, FIRST_SUBACCOUNT, CHAIN, STEPS)
MARKETS = (MarketId(1), MarketId(2))
SEEDS = st.integers(0, 10**9)
NARROW = replace(LIMITS, open_interest_cap_wad=25 * WAD, position_cap_wad=15 * WAD)


def world(*cash: int) -> State:
    """Five subaccounts and two markets with tight caps."""
    state = state_of(*cash, n_markets=len(MARKETS), limits=NARROW)
    for person in PEOPLE:
        state.subaccounts[person.id].owner = person.address
    return state


def drawn(seed: int, count: int = 1) -> list[Batch]:
    """Batches at random."""
    source = Batches(Random(seed), PEOPLE, MARKETS, 100 * WAD // STEPS.tick_wad)
    return [source.draw(NOW) for _ in range(count)]


def settled(state: State, batch: Batch) -> Settlement | None:
    """Settle a batch; None, and the state untouched, if Clearing reverts."""
    tried = deepcopy(state)
    try:
        settle_batch(tried, batch, DOMAIN)
    except EntryTwice:
        return None
    return settle_batch(state, batch, DOMAIN)


@given(seed=SEEDS)
def test_batch__of_the_rich__is_the_same_fill_by_fill(seed: int) -> None:
    (batch,) = drawn(seed)
    whole, single = world(*[10**15] * 5), world(*[10**15] * 5)
    result = settled(whole, batch)
    if result is None:
        return
    busts = []
    for fill in batch.fills:
        (one,) = settle_batch(single, replace(batch, fills=(fill,)), DOMAIN).fills
        busts.append(one.reason)

    assert [fill.reason for fill in result.fills] == busts
    assert not differences(whole, single)
    assert whole.filled_lots == single.filled_lots


@given(seed=SEEDS)
def test_batches__of_the_poor__keep_every_invariant(seed: int) -> None:
    state = world(1_000, 300, 120, 40, 15)
    for batch in drawn(seed, 4):
        before = deepcopy(state)
        result = settled(state, batch)
        if result is None:
            continue
        touched = {change.id for change in result.changes}
        assert not broken(state)
        assert not broken_by_step(before, state, {*touched, FEES})
        after = deepcopy(state)
        for id_, market in before.markets.items():
            after.markets[id_].open_interest_wad = market.open_interest_wad
        assert not [what for id_ in touched for what in broken_by_trade(before, after, id_)]


@given(seed=SEEDS)
def test_pitfall_37__fills_left_out__might_as_well_not_have_been_there(seed: int) -> None:
    (batch,) = drawn(seed)
    state, clean = world(1_000, 300, 120, 40, 15), world(1_000, 300, 120, 40, 15)
    result = settled(state, batch)
    if result is None:
        return
    good = tuple(
        fill for fill, done in zip(batch.fills, result.fills, strict=True) if done.reason is Bust.NONE
    )
    again = settle_batch(clean, replace(batch, fills=good), DOMAIN)

    assert again.n_fills == len(good) == result.n_fills
    assert not differences(state, clean)


@given(seed=SEEDS)
def test_codec__any_batch__comes_back_from_its_bytes(seed: int) -> None:
    (batch,) = drawn(seed)
    found = decode(encode(batch))

    assert found == batch
