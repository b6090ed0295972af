"""The margin of subaccounts of a state: as they are, and after a trade.

What a node asks before every trade; a subaccount with a few legs takes microseconds.
"""

from collections.abc import Sequence
from typing import Final

from optimistic.protocol.settlement.acceptance import buffer_rate, is_accepted, is_reducing, withdrawable
from optimistic.protocol.settlement.margin import Margin, collateral_value, initial_margin, maintenance_margin
from optimistic.protocol.settlement.markets import hourly_volatility
from optimistic.protocol.settlement.oracle import is_fresh
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import State, Subaccount
from optimistic.protocol.settlement.types import (
    FLAT,
    FeedId,
    LegChange,
    MarketId,
    MarketStatus,
    PriceUse,
    SubaccountId,
)
from optimistic.protocol.settlement.units import WAD, mul_wad_up

_EXPIRED: Final = MarketStatus.EXPIRED


def margin_of(state: State, id_: SubaccountId) -> Margin:
    """Return the margin of a subaccount as it is now, settled to the present indices.

    Raises
    ------
    UnknownSubaccount : there is none
    """
    subaccount = state.subaccount(id_)
    equity, initial, maintenance = subaccount.cash_wad, 0, 0
    markets = state.markets
    for market_id, (size, index) in subaccount.legs.items():
        market = markets[market_id]
        equity += size * (market.settle_index_wad - index) // WAD
        if market.status is _EXPIRED:
            continue
        notional = abs(size) * market.index_price_wad // WAD
        of = market.ratios
        initial += initial_margin(of, notional)
        maintenance += maintenance_margin(of, notional)
    if not subaccount.ether_wei:
        return Margin(equity, equity, initial, maintenance)
    initial_value, maintenance_value = collateral_values(state, subaccount)
    return Margin(equity + initial_value, equity + maintenance_value, initial, maintenance)


def is_below(state: State, id_: SubaccountId, margin: Margin) -> bool:
    """Return whether equity is below maintenance margin, at the marks and at the index prices alone.

    Settled trades and a report of the book move a mark, and no trade moves an index.

    Parameters
    ----------
    margin : of the subaccount, as it is now

    Raises
    ------
    UnknownSubaccount : there is none
    """
    if margin.is_maintained:
        return False
    return index_equity(state, id_, margin.equity_wad) < margin.maintenance_wad


def index_equity(state: State, id_: SubaccountId, equity_wad: int) -> int:
    """Return what an equity were if every position were worth its index price instead of its mark.

    Raises
    ------
    UnknownSubaccount : there is none
    """
    markets = state.markets
    for market_id, (size, _) in state.subaccount(id_).legs.items():
        market = markets[market_id]
        equity_wad += size * (market.index_price_wad - market.mark_wad) // WAD
    return equity_wad


def collateral_values(state: State, subaccount: Subaccount) -> tuple[int, int]:
    """Return what a subaccount holds beside cash, with the haircuts of initial and maintenance margin.

    A price too old to take on risk counts for nothing in initial margin.
    """
    settings = state.collateral
    if settings is None or settings.ether_feed not in state.feeds:
        return 0, 0
    feed = state.feeds[settings.ether_feed]
    held, cap = subaccount.ether_wei, settings.ether_cap_wei
    kept = collateral_value(held, cap, feed.price_wad, settings.ether_maintenance_haircut_pips)
    if not is_fresh(feed.setting, feed.timestamp, PriceUse.INCREASE, state.now_s):
        return 0, kept
    return collateral_value(held, cap, feed.price_wad, settings.ether_initial_haircut_pips), kept


def margin_after(
    state: State, id_: SubaccountId, legs: Sequence[LegChange], cash_delta_wad: int, before: Margin
) -> Margin:
    """Return the margin of a subaccount, which is `before`, after changes of some legs at the mark.

    Open interest is that before the trade, as in the contract.
    """
    subaccount = state.subaccount(id_)
    initial, maintenance = before.initial_wad, before.maintenance_wad
    for market_id, delta, _ in legs:
        market = state.markets[market_id]
        if market.status is _EXPIRED:
            continue
        size, of = subaccount.legs.get(market_id, FLAT).size_wad, market.ratios
        for sign, held in ((-1, size), (1, size + delta)):
            notional = abs(held) * market.index_price_wad // WAD
            initial += sign * initial_margin(of, notional)
            maintenance += sign * maintenance_margin(of, notional)
    return Margin(
        before.initial_equity_wad + cash_delta_wad, before.equity_wad + cash_delta_wad, initial, maintenance
    )


def check_trade(state: State, id_: SubaccountId, legs: Sequence[LegChange], cash_delta_wad: int) -> Bust:
    """Return whether a trade may happen: NONE, or STALE_PRICE, or MARGIN.

    Parameters
    ----------
    legs : changes of sizes, one per market
    cash_delta_wad : beyond the settlement of the legs

    Raises
    ------
    UnknownSubaccount : there is none
    """
    held = state.subaccount(id_).legs
    sizes = [held[leg.market].size_wad if leg.market in held else 0 for leg in legs]
    reducing = is_reducing((size, size + leg.size_delta_wad) for size, leg in zip(sizes, legs, strict=True))
    use = PriceUse.REDUCE if reducing else PriceUse.INCREASE
    traded = [leg.market for leg in legs if leg.size_delta_wad and leg.market not in held]
    if not all(is_priced(state, market, use) for market in (*held, *traded)):
        return Bust.STALE_PRICE
    before = margin_of(state, id_)
    after = margin_after(state, id_, legs, cash_delta_wad, before)
    return Bust.NONE if is_accepted(before, after, reducing=reducing) else Bust.MARGIN


def may_leave(state: State, id_: SubaccountId) -> tuple[int, int]:
    """Return what value may leave a subaccount at once, and what cash: no more than its settled cash.

    The margin of a leg is asked for whatever the age of its price; the contract refuses if one is too old to
    take risk (`is_priced`).

    Raises
    ------
    UnknownSubaccount : there is none
    """
    subaccount, margin = state.subaccount(id_), margin_of(state, id_)
    gross = buffer = 0
    for market_id, (size, _) in subaccount.legs.items():
        market = state.markets[market_id]
        if market.status is _EXPIRED:
            continue
        notional = abs(size) * market.index_price_wad // WAD
        gross += notional
        rate = buffer_rate(hourly_volatility(market), state.now_s - market.priced_at)
        buffer += mul_wad_up(notional, rate)
    value = withdrawable(margin, gross, buffer)
    cash = subaccount.cash_wad + state.unsettled_wad(id_)
    return value, max(0, min(value, cash))


def withdrawable_now(state: State, id_: SubaccountId) -> tuple[int, int]:
    """Return `may_leave`, if the prices of all that is held are fresh enough to take risk.

    Raises
    ------
    Refused : one is not; which one is named depends on the order of the legs
    UnknownSubaccount : there is none
    """
    _require_priced(state, id_, PriceUse.INCREASE)
    return may_leave(state, id_)


def require_fresh(state: State, id_: SubaccountId, use: PriceUse) -> None:
    """Raise `Refused` unless all prices behind a subaccount's margin are fresh enough, that of ether too.

    Under a cap of zero ether counts for nothing, at any price.
    """
    _require_priced(state, id_, use)
    settings = state.collateral
    if state.subaccount(id_).ether_wei and settings is not None and settings.ether_cap_wei:
        feed = state.feeds[settings.ether_feed]
        if not is_fresh(feed.setting, feed.timestamp, use, state.now_s):
            raise _stale(state, settings.ether_feed, feed.timestamp, use)


def _require_priced(state: State, id_: SubaccountId, use: PriceUse) -> None:
    """Refuse if a market that is held has no price fresh enough; expired ones need none."""
    for market_id in state.subaccount(id_).legs:
        if not is_priced(state, market_id, use):
            market = state.markets[market_id]
            raise _stale(state, market.terms.feed, market.priced_at, use)


def _stale(state: State, feed: FeedId, timestamp: int, use: PriceUse) -> Refused:
    """The refusal of a price."""
    age = state.feeds[feed].setting.max_age_s[use]
    return Refused("StalePrice(uint32,uint64,uint256)", feed, timestamp, age)


def is_priced(state: State, market_id: MarketId, use: PriceUse) -> bool:
    """Return whether the price behind a market's mark is fresh enough now; always, once it has expired.

    Except for liquidations, which refresh first, it has to be the newest one.
    """
    market = state.markets[market_id]
    if market.status is _EXPIRED:
        return True
    feed = state.feeds[market.terms.feed]
    is_passed_over = use is not PriceUse.LIQUIDATE and feed.timestamp > market.priced_at
    return not is_passed_over and is_fresh(feed.setting, market.priced_at, use, state.now_s)
