"""Batches on a state: rounds, limits across fills, closes of liquidated positions."""

from dataclasses import replace

import pytest

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.batch_codec import NO_TAKER, Batch, Fill, SignedOrder
from optimistic.protocol.settlement.clearing import Close, EntryTwice, Settlement, close_against, settle_batch
from optimistic.protocol.settlement.invariants import broken
from optimistic.protocol.settlement.orders import REDUCE_ONLY, Steps, domain_separator
from optimistic.protocol.settlement.quote_trees import Leaf
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.state import SessionKey, State
from optimistic.protocol.settlement.types import (
    FEES,
    FIRST_SUBACCOUNT,
    MAX_LEGS,
    MarketId,
    MarketStatus,
    Position,
    SubaccountId,
)
from optimistic.protocol.settlement.units import WAD
from tests.helpers.settlement_batches import Trader, traders
from tests.helpers.settlement_states import (
    ALICE,
    BOB,
    CAROL,
    MARKET,
    NOW,
    PERPETUAL,
    set_price,
    state_of,
    trade,
)

CHAIN = 7
DOMAIN = domain_separator(CHAIN)
STEPS = Steps(tick_wad=PERPETUAL.tick_wad, lot_wad=PERPETUAL.lot_wad)
UNIT = WAD // STEPS.lot_wad
"""Lots of one contract."""
PRICE = 100 * WAD // STEPS.tick_wad
"""Ticks of the mark."""
PEOPLE = traders(3, FIRST_SUBACCOUNT, CHAIN, STEPS)


def world(*cash: int, n_markets: int = 1) -> State:
    """Subaccounts owned by the people."""
    state = state_of(*cash, n_markets=n_markets)
    for person, _ in zip(PEOPLE, cash, strict=False):
        state.subaccounts[person.id].owner = person.address
    return state


def settled(state: State, orders: list[SignedOrder], fills: list[Fill]) -> Settlement:
    """Settle orders; the state is sound after it."""
    result = settle_batch(state, Batch(orders=tuple(orders), fills=tuple(fills)), DOMAIN)
    assert not broken(state)
    return result


def reasons(result: Settlement) -> list[Bust]:
    """Why each fill was left out."""
    return [fill.reason for fill in result.fills]


def test_fill__at_the_makers_price__moves_cash_and_fees() -> None:
    state = world(1_000, 1_000)
    orders = [PEOPLE[0].order(UNIT, PRICE + 100), PEOPLE[1].order(-UNIT, PRICE - 100)]
    result = settled(state, orders, [Fill(0, 1, UNIT)])

    (fill,) = result.fills
    assert (fill.price_wad, fill.taker_size_wad) == (101 * WAD, -WAD)
    assert (fill.maker_fee_wad, fill.taker_fee_wad) == (101 * WAD // 5_000, 101 * WAD // 2_000)
    assert state.subaccounts[ALICE].legs == {MARKET: Position(WAD, 100 * WAD)}
    assert state.subaccounts[ALICE].cash_wad == 999 * WAD - fill.maker_fee_wad
    assert state.subaccounts[FEES].cash_wad == fill.maker_fee_wad + fill.taker_fee_wad
    assert result.vwap_wad == {MARKET: 101 * WAD}


def test_pitfall_37__one_bad_fill__does_not_stop_the_others() -> None:
    state = world(1_000, 1_000)
    orders = [PEOPLE[0].order(2 * UNIT, PRICE), PEOPLE[1].order(-2 * UNIT, PRICE)]
    result = settled(
        state, orders, [Fill(0, 1, 3 * UNIT), Fill(0, 0, 1), Fill(0, 1, 2 * UNIT), Fill(0, 1, 1)]
    )

    assert reasons(result) == [Bust.OVERFILLED, Bust.SAME_SIDE, Bust.NONE, Bust.OVERFILLED]
    assert result.n_fills == 1


def test_rounds__who_cannot_pay__loses_all_fills_and_others_are_judged_anew() -> None:
    """Bob only sells to Alice because Carol bought from her: without Carol, Alice holds too much."""
    state = world(150, 10_000, 0)
    orders = [
        PEOPLE[0].order(20 * UNIT, PRICE, nonce=1),
        PEOPLE[1].order(-20 * UNIT, PRICE, nonce=2),
        PEOPLE[0].order(-10 * UNIT, PRICE, nonce=3),
        PEOPLE[2].order(10 * UNIT, PRICE, nonce=4),
    ]
    result = settled(state, orders, [Fill(0, 1, 20 * UNIT), Fill(2, 3, 10 * UNIT)])

    assert reasons(result) == [Bust.MARGIN, Bust.MARGIN]
    assert not result.changes
    assert not state.filled_lots


def test_pitfall_36__insolvent_between_two_fills__counts_only_the_end() -> None:
    """A batch is one moment: nothing can be withdrawn inside it."""
    state = world(10, 10_000)
    orders = [
        PEOPLE[0].order(50 * UNIT, PRICE, nonce=1),
        PEOPLE[0].order(-50 * UNIT, PRICE, nonce=2),
        PEOPLE[1].order(-50 * UNIT, PRICE, nonce=3),
        PEOPLE[1].order(50 * UNIT, PRICE, nonce=4),
    ]
    result = settled(state, orders, [Fill(0, 2, 50 * UNIT), Fill(3, 1, 50 * UNIT)])

    assert reasons(result) == [Bust.NONE, Bust.NONE]
    assert not state.subaccounts[ALICE].legs


def test_legs__one_too_many__is_left_out_though_another_closes() -> None:
    state = world(10**6, 10**6, n_markets=MAX_LEGS + 1)
    for number in range(1, MAX_LEGS + 1):
        state.subaccounts[ALICE].legs[MarketId(number)] = Position(WAD, 100 * WAD)
        state.subaccounts[BOB].legs[MarketId(number)] = Position(-WAD, 100 * WAD)
        state.markets[MarketId(number)].open_interest_wad = WAD
    last = MarketId(MAX_LEGS + 1)
    orders = [
        PEOPLE[0].order(-UNIT, PRICE, nonce=1),
        PEOPLE[1].order(UNIT, PRICE, nonce=2),
        PEOPLE[0].order(UNIT, PRICE, market=last, nonce=3),
        PEOPLE[1].order(-UNIT, PRICE, market=last, nonce=4),
    ]
    fills = [Fill(0, 1, UNIT), Fill(2, 3, UNIT)]

    assert reasons(settled(state, orders, fills)) == [Bust.NONE, Bust.TOO_MANY_LEGS]
    assert reasons(settled(state, orders[2:], [Fill(0, 1, UNIT)])) == [Bust.NONE]


def test_caps__position_and_open_interest__only_stop_growth() -> None:
    state = world(10**6, 10**6, 10**6)
    trade(state, ALICE, BOB, 5 * WAD)
    market = state.markets[MARKET]
    market.limits = replace(market.limits, position_cap_wad=3 * WAD, open_interest_cap_wad=5 * WAD)
    orders = [
        PEOPLE[0].order(UNIT, PRICE, nonce=1),
        PEOPLE[0].order(-UNIT, PRICE, nonce=2),
        PEOPLE[2].order(UNIT, PRICE, nonce=3),
        PEOPLE[2].order(-UNIT, PRICE, nonce=4),
        PEOPLE[1].order(UNIT, PRICE, nonce=5),
    ]
    fills = [Fill(0, 3, UNIT), Fill(1, 4, UNIT), Fill(2, 1, 1)]

    assert reasons(settled(state, orders, fills)) == [Bust.OPEN_INTEREST, Bust.NONE, Bust.OVERFILLED]


@pytest.mark.parametrize("size", [-3, 1])
def test_reduce_only__order_that_would_turn_or_grow__is_left_out(size: int) -> None:
    state = world(1_000, 1_000)
    trade(state, ALICE, BOB, 2 * WAD)
    orders = [PEOPLE[0].order(size * UNIT, PRICE, flags=REDUCE_ONLY), PEOPLE[1].order(-size * UNIT, PRICE)]
    lots = abs(size) * UNIT

    assert reasons(settled(state, orders, [Fill(0, 1, lots)])) == [Bust.NOT_REDUCING]


def test_market__reduce_only_or_halted__says_so() -> None:
    state = world(1_000, 1_000)
    orders = [PEOPLE[0].order(UNIT, PRICE), PEOPLE[1].order(-UNIT, PRICE)]
    for status, reason in (
        (MarketStatus.REDUCE_ONLY, Bust.NOT_REDUCING),
        (MarketStatus.HALTED, Bust.MARKET_NOT_OPEN),
        (MarketStatus.EXPIRED, Bust.MARKET_NOT_OPEN),
    ):
        state.markets[MARKET].status = status
        assert reasons(settled(state, orders, [Fill(0, 1, UNIT)])) == [reason]


def test_order__twice_in_a_batch__cannot_be_filled_beyond_its_size() -> None:
    state, order = world(1_000, 1_000), PEOPLE[0].order(UNIT, PRICE)
    orders = [order, order, PEOPLE[1].order(-2 * UNIT, PRICE)]
    with pytest.raises(EntryTwice):
        settled(state, orders, [Fill(0, 2, UNIT), Fill(1, 2, UNIT)])


def test_quotes__filled_in_parts__count_by_leaf() -> None:
    state = world(10_000, 10_000)
    quotes = PEOPLE[0].quotes([Leaf(3, True, 2 * UNIT, PRICE), Leaf(9, True, UNIT, PRICE - 1)], [0, 1])
    order = PEOPLE[1].order(-9 * UNIT, PRICE - 1)
    fills = (Fill(0, 2, UNIT), Fill(1, 2, UNIT), Fill(1, 2, 1), Fill(0, 2, UNIT))
    result = settle_batch(state, Batch(quotes=(quotes,), orders=(order,), fills=fills), DOMAIN)

    assert reasons(result) == [Bust.NONE, Bust.NONE, Bust.OVERFILLED, Bust.NONE]
    assert sorted(state.filled_lots.values()) == [UNIT, 2 * UNIT, 3 * UNIT]


@pytest.mark.parametrize(
    ("expiry", "subaccount", "scope", "reason"),
    [
        (NOW, 0, 1, Bust.NONE),
        (NOW, ALICE, 1, Bust.NONE),
        (NOW - 1, 0, 1, Bust.BAD_SIGNATURE),
        (NOW, CAROL, 1, Bust.BAD_SIGNATURE),
        (NOW, 0, 2, Bust.BAD_SIGNATURE),
    ],
)
def test_pitfall_20__session_key__is_checked_when_its_order_fills(
    expiry: int, subaccount: int, scope: int, reason: Bust
) -> None:
    state, key = world(1_000, 1_000), PEOPLE[2]
    session = SessionKey(expiry, SubaccountId(subaccount), scope)
    state.session_keys[PEOPLE[0].address, key.address] = session
    order = key.sign(replace(PEOPLE[0].order(UNIT, PRICE).order, subaccount=ALICE))

    assert reasons(settled(state, [order, PEOPLE[1].order(-UNIT, PRICE)], [Fill(0, 1, UNIT)])) == [reason]


def liquidated(makers: list[SignedOrder], fills: list[Fill], close: Close) -> tuple[State, Settlement]:
    """Close a part of Alice's long of ten, which is below maintenance margin."""
    state = world(100, 1_000, 1_000)
    trade(state, ALICE, BOB, 10 * WAD)
    set_price(state, 94 * WAD)
    batch = Batch(orders=tuple(makers), fills=tuple(fills))
    return state, close_against(state, close, batch, DOMAIN)


def test_close__against_bids__fills_at_most_the_size_down_to_the_limit() -> None:
    makers = [
        PEOPLE[1].order(2 * UNIT, PRICE * 93 // 100),
        PEOPLE[2].order(9 * UNIT, PRICE * 92 // 100),
        PEOPLE[2].order(9 * UNIT, PRICE * 91 // 100, nonce=1),
    ]
    fills = [Fill(place, NO_TAKER, 2 * UNIT) for place in (2, 0, 1, 1)]
    close = Close(ALICE, MARKET, -5 * WAD, 92 * WAD)
    state, result = liquidated(makers, fills, close)

    assert reasons(result) == [Bust.PRICE, Bust.NONE, Bust.NONE, Bust.NONE]
    assert [fill.lots for fill in result.fills[1:]] == [2 * UNIT, 2 * UNIT, UNIT]
    assert state.subaccounts[ALICE].legs[MARKET].size_wad == 5 * WAD
    assert all(fill.taker_fee_wad == 0 < fill.maker_fee_wad for fill in result.fills)
    assert not broken(state)


def test_close__own_orders_or_a_market_not_named__are_refused() -> None:
    close = Close(ALICE, MARKET, -5 * WAD, 92 * WAD)
    _, result = liquidated([PEOPLE[0].order(UNIT, PRICE)], [Fill(0, NO_TAKER, UNIT)], close)

    assert reasons(result) == [Bust.SELF_TRADE]
    with pytest.raises(InvalidInput, match="market"):
        liquidated([], [], close)


def test_batch__of_strangers_and_nothing__settles_nothing() -> None:
    state, stranger = world(100), Trader(1, SubaccountId(99), DOMAIN, STEPS)
    orders = [PEOPLE[0].order(UNIT, PRICE), stranger.order(-UNIT, PRICE)]
    market = MarketId(9)
    unlisted = [PEOPLE[0].order(UNIT, PRICE, market=market), stranger.order(-UNIT, PRICE, market=market)]

    assert reasons(settled(state, orders, [Fill(0, 1, 1)])) == [Bust.UNKNOWN_SUBACCOUNT]
    assert reasons(settled(state, unlisted, [Fill(0, 1, 1)])) == [Bust.MARKET_NOT_OPEN]
    assert settled(state, [], []).changes == ()
