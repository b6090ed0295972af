"""States of settlement for tests: by hand, and at random but consistent."""

from dataclasses import replace

from hypothesis import strategies as st

from optimistic.protocol.settlement.ledger import SubaccountChange, move, open_subaccount, settle
from optimistic.protocol.settlement.oracle import Feed
from optimistic.protocol.settlement.state import FeedState, Market, State
from optimistic.protocol.settlement.types import (
    FIRST_SUBACCOUNT,
    PENDING,
    VAULT,
    FeedId,
    LegChange,
    Limits,
    MarketId,
    MarketKind,
    SubaccountId,
    Terms,
)
from optimistic.protocol.settlement.units import LOT_WAD, QUANTUM_WAD, WAD, exact
from optimistic.protocol.types import Address

PERPETUAL = Terms(
    feed=FeedId(1), kind=MarketKind.PERPETUAL, expiry=0, tick_wad=WAD // 100, lot_wad=WAD // 1_000
)
LIMITS = Limits(
    initial_pips=100_000,
    size_margin_pips=0,
    maintenance_pips=500_000,
    volatility_pips=1_000_000,
    mark_band_pips=20_000,
    taker_fee_pips=500,
    maker_fee_pips=200,
    open_interest_low_wad=10**6 * WAD,
    open_interest_high_wad=10**7 * WAD,
    open_interest_cap_wad=10**8 * WAD,
    position_cap_wad=10**7 * WAD,
    depth_cap_wad=10**6 * WAD,
    depth_floor_wad=10**4 * WAD,
    min_notional_wad=100 * WAD,
)
"""10 % initial and 5 % maintenance margin, whatever the size."""
FEED = Feed(quorum=1, max_jump_pips=100_000, max_age_s=(15, 30, 120))
NOW = 1_700_000_000
ALICE, BOB, CAROL = (SubaccountId(FIRST_SUBACCOUNT + index) for index in range(3))
MARKET = MarketId(1)

AMOUNTS = st.integers(-(10**12), 10**12).map(lambda value: value * 10**12 + value % 7)
SIZES = st.one_of(st.integers(-50, 50), st.integers(-(10**9), 10**9)).map(lambda lots: lots * LOT_WAD)
PRICES = st.one_of(st.integers(1, 10**5).map(lambda n: n * WAD), st.integers(1, 10**17)).map(
    lambda value: max(QUANTUM_WAD, value - value % QUANTUM_WAD)
)
INDEX_MOVES = st.integers(-(10**16), 10**16).map(lambda value: value * QUANTUM_WAD)


def owner(index: int) -> Address:
    """The owner of the subaccount with this number beyond the first."""
    return Address((0xA0 + index).to_bytes(20, "big"))


def state_of(*cash: int, price: int = 100, limits: Limits = LIMITS, n_markets: int = 1) -> State:
    """Subaccounts with so many whole units of cash each, and markets at one whole price."""
    state = State(now_s=NOW)
    state.feeds[FeedId(1)] = FeedState(FEED, price * WAD, NOW)
    for number in range(1, n_markets + 1):
        market = Market(PERPETUAL, limits)
        market.priced_at = NOW
        state.markets[MarketId(number)] = market
        set_price(state, price * WAD, MarketId(number))
    for index, amount in enumerate(cash):
        pay(state, open_subaccount(state, owner(index)), amount * WAD)
    return state


def set_price(state: State, price_wad: int, market: MarketId = MARKET) -> None:
    """Put index, mark and settlement index where no funding has accrued."""
    of = state.markets[market]
    of.index_price_wad = of.mark_wad = of.settle_index_wad = price_wad


def pay(state: State, id_: SubaccountId, amount_wad: int) -> None:
    """Give a subaccount cash from outside, or take it out."""
    if amount_wad >= 0:
        move(state, VAULT, id_, amount_wad)
    else:
        move(state, id_, PENDING, -amount_wad)


def trade(
    state: State, buyer: SubaccountId, seller: SubaccountId, size_wad: int, price_wad: int | None = None
) -> None:
    """Let two subaccounts trade in the first market at a price, or at the mark."""
    market = state.markets[MARKET]
    paid = exact(size_wad, (market.mark_wad if price_wad is None else price_wad) - market.mark_wad)
    legs = [(LegChange(MARKET, sign * size_wad, market.settle_index_wad),) for sign in (1, -1)]
    settle(state, [SubaccountChange(buyer, -paid, legs[0]), SubaccountChange(seller, paid, legs[1])])


@st.composite
def all_limits(draw: st.DrawFn) -> Limits:
    """Any limits governance might set, and some it might not."""
    initial = draw(st.integers(1, 10**6))
    low, span = draw(st.integers(0, 10**6)), draw(st.sampled_from([0, 1, 10**3, 10**6]))
    return replace(
        LIMITS,
        initial_pips=initial,
        size_margin_pips=draw(st.one_of(st.just(0), st.integers(0, 10**6))),
        maintenance_pips=draw(st.integers(1, 10**6)),
        volatility_pips=draw(st.integers(10**5, 10**7)),
        open_interest_low_wad=low * WAD,
        open_interest_high_wad=(low + span) * WAD,
    )


@st.composite
def states(draw: st.DrawFn, n_subaccounts: int = 4, n_markets: int = 2) -> State:
    """Subaccounts with any cash and any positions that sum to zero, settled at different times."""
    state = state_of(*([0] * n_subaccounts), n_markets=n_markets)
    for number in range(1, n_markets + 1):
        state.markets[MarketId(number)].limits = draw(all_limits())
        set_price(state, draw(PRICES), MarketId(number))
    ids = [SubaccountId(FIRST_SUBACCOUNT + index) for index in range(n_subaccounts)]
    for id_ in ids:
        pay(state, id_, draw(AMOUNTS))
    for _ in range(draw(st.integers(0, 5))):
        market_id = MarketId(draw(st.integers(1, n_markets)))
        market = state.markets[market_id]
        pair = draw(st.permutations(ids))[:2]
        size = draw(SIZES)
        legs = [LegChange(market_id, sign * size, market.settle_index_wad) for sign in (1, -1)]
        settle(state, [SubaccountChange(id_, 0, (leg,)) for id_, leg in zip(pair, legs, strict=True)])
        moved = draw(INDEX_MOVES)
        market.settle_index_wad += moved
        market.mark_wad += moved
    return state
