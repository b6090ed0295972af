"""What is judged before an order is taken holds for whatever fills of it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from optimistic.node.exchange.exposure import Exposure
from optimistic.node.exchange.pretrade import StandardPreTrade
from optimistic.protocol.settlement.portfolio import margin_after, margin_of
from optimistic.protocol.settlement.types import LegChange
from optimistic.protocol.settlement.units import WAD
from tests.helpers.settlement_states import ALICE, BOB, LIMITS, MARKET, state_of, trade


@given(
    orders=st.lists(
        st.tuples(st.integers(-40, 40).filter(bool), st.integers(80, 120)), min_size=1, max_size=6
    ),
    filled=st.lists(st.booleans(), min_size=6, max_size=6),
    held=st.integers(-9, 9),
    fee=st.integers(0, 10_000),
)
def test_needed__whatever_fills_of_one_side__keeps_initial_margin(
    orders: list[tuple[int, int]], filled: list[bool], held: int, fee: int
) -> None:
    limits = replace(LIMITS, taker_fee_pips=fee, maker_fee_pips=0)
    state, exposure = state_of(700, 10_000, limits=limits), Exposure()
    terms = state.markets[MARKET].terms
    trade(state, ALICE, BOB, held * WAD)
    for size, price in orders:
        side = exposure.bids if size > 0 else exposure.asks
        side.add(price * WAD // terms.tick_wad, abs(size) * WAD // 10 // terms.lot_wad)
    equity, needed = StandardPreTrade(state).needed_wad(ALICE, {MARKET: exposure})
    if equity < needed:
        return
    for sign in (1, -1):
        hit = [one for one, is_hit in zip(orders, filled, strict=False) if is_hit and one[0] * sign > 0]
        size = sum(size for size, _ in hit) * WAD // 10
        cash = -sum(size * (price - 100) for size, price in hit) * WAD // 10
        cash -= sum(abs(size) * price * fee for size, price in hit) * WAD // 10**7
        after = margin_after(state, ALICE, [LegChange(MARKET, size, 0)], cash, margin_of(state, ALICE))
        assert after.is_initial_met
