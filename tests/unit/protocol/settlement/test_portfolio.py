"""The margin of subaccounts and what may be traded."""

from dataclasses import replace

import pytest

from optimistic.protocol.settlement.oracle import Feed
from optimistic.protocol.settlement.portfolio import (
    check_trade,
    margin_after,
    margin_of,
)
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.state import FeedState, State, UnknownSubaccount
from optimistic.protocol.settlement.types import (
    CollateralSettings,
    FeedId,
    LegChange,
    MarketId,
    MarketStatus,
    SubaccountId,
)
from optimistic.protocol.settlement.units import WAD
from tests.helpers.settlement_states import ALICE, BOB, MARKET, NOW, set_price, state_of, trade

ETHER = FeedId(2)
COLLATERAL = CollateralSettings(
    ether_feed=ETHER,
    ether_initial_haircut_pips=200_000,
    ether_maintenance_haircut_pips=100_000,
    ether_cap_wei=10 * WAD,
    hourly_floor_wad=0,
    hourly_pips=10_000,
    daily_floor_wad=0,
    daily_pips=100_000,
)


def leg(size: int) -> list[LegChange]:
    """A change of so many whole contracts."""
    return [LegChange(MARKET, size * WAD, 0)]


def test_margin__one_long__is_cash_and_gain_against_ten_and_five_percent() -> None:
    state = state_of(100, 100)
    trade(state, ALICE, BOB, 5 * WAD)
    set_price(state, 110 * WAD)

    assert margin_of(state, ALICE) == (150 * WAD, 150 * WAD, 55 * WAD, 275 * WAD // 10)
    assert margin_of(state, BOB) == (50 * WAD, 50 * WAD, 55 * WAD, 275 * WAD // 10)


def test_margin__unknown_subaccount__is_refused() -> None:
    with pytest.raises(UnknownSubaccount):
        margin_of(state_of(1), SubaccountId(99))


def test_margin__leg_of_an_expired_market__is_cash_and_needs_nothing() -> None:
    state = state_of(100, 100)
    trade(state, ALICE, BOB, 5 * WAD)
    set_price(state, 120 * WAD)
    state.markets[MARKET].status = MarketStatus.EXPIRED

    assert margin_of(state, ALICE) == (200 * WAD, 200 * WAD, 0, 0)
    state.now_s += 10_000
    assert check_trade(state, ALICE, leg(0), -200 * WAD) is Bust.NONE


def test_margin__ether__counts_with_haircuts_up_to_the_cap_and_only_fresh() -> None:
    state = state_of(0)
    state.collateral = COLLATERAL
    state.feeds[ETHER] = FeedState(Feed(quorum=1, max_jump_pips=1, max_age_s=(15, 30, 120)), 1_000 * WAD, NOW)
    state.subaccounts[ALICE].ether_wei = 11 * WAD

    assert margin_of(state, ALICE)[:2] == (8_000 * WAD, 9_000 * WAD)
    state.now_s = NOW + 16
    assert margin_of(state, ALICE)[:2] == (0, 9_000 * WAD)
    state.collateral = None
    assert margin_of(state, ALICE)[:2] == (0, 0)


@pytest.mark.parametrize(
    ("size", "reason"), [(10, Bust.NONE), (11, Bust.MARGIN), (-10, Bust.NONE), (-11, Bust.MARGIN)]
)
def test_trade__from_nothing__is_bounded_by_initial_margin(size: int, reason: Bust) -> None:
    assert check_trade(state_of(100), ALICE, leg(size), 0) is reason


def test_trade__below_initial_margin__may_only_reduce_without_getting_worse() -> None:
    state = state_of(100, 100)
    trade(state, ALICE, BOB, 10 * WAD)
    set_price(state, 95 * WAD)

    assert check_trade(state, ALICE, leg(-5), 0) is Bust.NONE
    assert check_trade(state, ALICE, leg(-10), 0) is Bust.NONE
    assert check_trade(state, ALICE, leg(-5), -24 * WAD) is Bust.MARGIN
    assert check_trade(state, ALICE, leg(1), 0) is Bust.MARGIN
    assert check_trade(state, ALICE, leg(-21), 0) is Bust.MARGIN


@pytest.mark.parametrize(
    ("age", "grows", "reduces"),
    [
        (15, Bust.NONE, Bust.NONE),
        (16, Bust.STALE_PRICE, Bust.NONE),
        (121, Bust.STALE_PRICE, Bust.STALE_PRICE),
    ],
)
def test_trade__old_price__says_so_and_still_lets_reduce(age: int, grows: Bust, reduces: Bust) -> None:
    """A stale price has its own reason: it is not missing margin (drift gateway, issue 151)."""
    state = state_of(100, 100)
    trade(state, ALICE, BOB, 5 * WAD)
    state.now_s += age

    assert check_trade(state, ALICE, leg(1), 0) is grows
    assert check_trade(state, ALICE, leg(-1), 0) is reduces


def test_trade__old_price_of_a_market_not_held__is_never_asked_for() -> None:
    state = state_of(100, n_markets=2)
    state.markets[MarketId(2)].priced_at -= 1_000

    assert check_trade(state, ALICE, leg(1), 0) is Bust.NONE
    assert check_trade(state, ALICE, [LegChange(MarketId(2), WAD, 0)], 0) is Bust.STALE_PRICE


def test_pitfall_02__open_interest__of_others_raises_what_new_risk_needs() -> None:
    state = state_of(100)
    market = state.markets[MARKET]
    calm = margin_after(state, ALICE, leg(5), 0, margin_of(state, ALICE))
    market.limits = replace(market.limits, open_interest_low_wad=0, open_interest_high_wad=100 * WAD)
    market.open_interest_wad = 50 * WAD
    crowded = margin_after(state, ALICE, leg(5), 0, margin_of(state, ALICE))

    assert crowded.initial_wad == calm.initial_wad + 450 * WAD // 2
    assert crowded.maintenance_wad == calm.maintenance_wad


def test_state__market_of_three_legs__caches_its_ratios() -> None:
    state: State = state_of(1)
    market = state.markets[MARKET]
    before = market.ratios

    assert market.ratios is before
    market.open_interest_wad = 5 * 10**6 * WAD
    assert market.ratios != before
    market.limits = replace(market.limits, open_interest_high_wad=0)
    assert market.ratios.crowd <= 0
