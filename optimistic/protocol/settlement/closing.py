"""Liquidate a position of a state: the terms of a close, the close, its penalty, and who pays a shortfall.

Twin: `liquidate`, `resolve` and `closeTerms` of solidity/src/l2/settlement/Liquidator.sol
"""

from typing import Final

from optimistic.protocol.settlement import insurance, liquidation
from optimistic.protocol.settlement.batch_codec import Batch
from optimistic.protocol.settlement.clearing import Close, close_against, traded_markets
from optimistic.protocol.settlement.collateral import cancel_all, seize_ether
from optimistic.protocol.settlement.flags import refresh_owned, require_liquidatable
from optimistic.protocol.settlement.ledger import SubaccountChange, move, settle
from optimistic.protocol.settlement.liquidation import Situation
from optimistic.protocol.settlement.margin import Margin, maintenance_ratio
from optimistic.protocol.settlement.markets import hourly_volatility, refresh
from optimistic.protocol.settlement.portfolio import is_below, margin_of, require_fresh
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    INSURANCE,
    LegChange,
    MarketId,
    PriceUse,
    SubaccountId,
)
from optimistic.protocol.settlement.units import WAD, mul_wad_up
from optimistic.protocol.types import Address, Hash32

REPORT_AGE_S: Final = 600
"""A report of the book's depth counts for so long."""
NOTHING: Final = (0, 0)


def close_terms(state: State, id_: SubaccountId, market_id: MarketId) -> tuple[int, int]:
    """Return the change of size the next liquidation makes at most, and its worst price; zeros for none.

    Raises
    ------
    UnknownSubaccount : there is none
    """
    margin = margin_of(state, id_)
    of = _situation(state, id_, market_id, margin)
    if of is None or not is_below(state, id_, margin):
        return NOTHING
    market = state.markets[market_id]
    terms = market.terms
    notional = mul_wad_up(abs(of.size_wad), of.mark_wad)
    charge = liquidation.penalty_rate(
        notional, depth(market, state.now_s), hourly_volatility(market), of.rate_wad
    )
    close = liquidation.close_size(of, charge, terms.lot_wad, market.limits.min_notional_wad)
    limit = liquidation.limit_price(of, terms.tick_wad)
    return (-close if of.size_wad > 0 else close), limit


def depth(market: Market, now_s: int) -> int:
    """Return the depth of a market's book for the penalty: reported within ten minutes, within its bounds."""
    is_recent = now_s <= market.report.timestamp + REPORT_AGE_S
    reported = market.report.depth_wad if is_recent else 0
    return liquidation.bounded_depth(reported, market.limits.depth_floor_wad, market.limits.depth_cap_wad)


def liquidate(
    state: State,
    sender: Address,
    target: tuple[SubaccountId, MarketId],
    reward_to: SubaccountId | None,
    makers: Batch,
    separator: Hash32,
) -> int:
    """Cancel the withdrawals of a subaccount that may be liquidated, and close a part of one position.

    Parameters
    ----------
    sender : the keeper
    target : the subaccount, and the market
    reward_to : a subaccount of the keeper; None if it wants no reward
    makers : a batch whose fills name no taker
    separator : EIP-712 domain of Clearing

    Returns
    -------
    Change of the position's size; 0 if the withdrawals sufficed

    Raises
    ------
    EntryTwice, Refused
    """
    id_, market_id = target
    if reward_to is not None and state.owner_of(reward_to) != sender:
        raise Refused("NotOwner()")
    refresh_owned(state, id_)
    require_liquidatable(state, id_)
    cancel_all(state, id_)
    if not is_below(state, id_, margin_of(state, id_)):
        state.flags.pop(id_, None)
        return 0
    size, limit = close_terms(state, id_, market_id)
    if not size:
        raise Refused("NothingToClose()")
    close = Close(id_, market_id, size, limit)
    closed, notional = close_position(state, close, makers, separator)
    _charge(state, target, reward_to, notional, abs(size))
    margin = margin_of(state, id_)
    if not is_below(state, id_, margin):
        state.flags.pop(id_, None)
    elif _is_insolvent(margin):
        _cover_shortfall(state, id_, market_id, notional)
    return closed


def resolve(state: State, id_: SubaccountId) -> None:
    """Get the debt of a subaccount paid that has nothing left to close; the global tranche alone pays.

    Raises
    ------
    Refused
    """
    refresh_owned(state, id_)
    cancel_all(state, id_)
    if not _is_insolvent(margin_of(state, id_)):
        raise Refused("Healthy(uint64)", id_)
    require_fresh(state, id_, PriceUse.LIQUIDATE)
    _cover_shortfall(state, id_, insurance.GLOBAL, 0)


def close_position(state: State, close: Close, makers: Batch, separator: Hash32) -> tuple[int, int]:
    """Close what signed orders take; return the change of size, and its value at the prices paid.

    Raises
    ------
    EntryTwice
    Refused : nothing could be closed
    """
    for market in traded_markets(makers):
        if market in state.markets:
            refresh(state, market)
    settlement = close_against(state, close, makers, separator)
    done = [fill for fill in settlement.fills if fill.reason is Bust.NONE]
    if not done:
        raise Refused("NothingToClose()")
    notional = sum(abs(fill.taker_size_wad) * fill.price_wad for fill in done) // WAD
    return sum(fill.taker_size_wad for fill in done), notional


def _charge(
    state: State,
    target: tuple[SubaccountId, MarketId],
    reward_to: SubaccountId | None,
    notional_wad: int,
    asked_wad: int,
) -> None:
    """A penalty out of what equity is left: a part for the keeper, unless it is the owner.

    Its rate is that of all that was to be closed, so that closing it in parts is no cheaper.
    """
    id_, market_id = target
    market, reward = state.markets[market_id], 0
    rate = liquidation.penalty_rate(
        mul_wad_up(asked_wad, market.mark_wad),
        depth(market, state.now_s),
        hourly_volatility(market),
        maintenance_ratio(market.limits),
    )
    penalty = liquidation.penalty(notional_wad, rate, margin_of(state, id_).equity_wad)
    if reward_to is not None and state.owner_of(reward_to) != state.owner_of(id_):
        reward = liquidation.reward(penalty)
        move(state, id_, reward_to, reward)
    insurance.receive(state, market_id, id_, penalty - reward)


def _cover_shortfall(state: State, id_: SubaccountId, market_id: MarketId, notional_wad: int) -> None:
    """Ether to the fund first, so that equity is cash; then the tranches pay; the rest is bad debt.

    The market's tranche pays for what was closed in it at most, whatever made the loss.
    """
    seize_ether(state, id_)
    loss = -margin_of(state, id_).equity_wad
    if market_id in state.subaccounts[INSURANCE].legs:
        leg = LegChange(market_id, 0, state.markets[market_id].settle_index_wad)
        settle(state, [SubaccountChange(INSURANCE, 0, (leg,))])
    insurance.reconcile(state, market_id)
    first = min(loss, notional_wad)
    paid = insurance.cover(state, market_id, id_, first)
    paid += insurance.cover(state, insurance.GLOBAL, id_, loss - first)
    move(state, BAD_DEBT, id_, loss - paid)
    state.flags.pop(id_, None)


def _is_insolvent(margin: Margin) -> bool:
    """Nothing left that could be closed, and less than nothing besides."""
    return not margin.maintenance_wad and margin.equity_wad < 0


def _situation(state: State, id_: SubaccountId, market_id: MarketId, margin: Margin) -> Situation | None:
    """A leg to close; None if there is none."""
    held = state.subaccount(id_).legs.get(market_id)
    if held is None or not margin.maintenance_wad:
        return None
    market = state.markets[market_id]
    return Situation(
        held.size_wad,
        market.mark_wad,
        market.index_price_wad,
        margin.equity_wad,
        margin.maintenance_wad,
        maintenance_ratio(market.limits),
    )
