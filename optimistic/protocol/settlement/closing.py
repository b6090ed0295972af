"""Liquidate a position of a state: the terms of the next close, the close, and its penalty.

Twin: solidity/src/l2/settlement/Liquidator.sol, from the margin of a subaccount that may be liquidated to the
penalty it pays; what a shortfall does to the insurance fund comes after that.
"""

from typing import Final, NamedTuple

from optimistic.protocol.settlement import liquidation
from optimistic.protocol.settlement.batch_codec import Batch
from optimistic.protocol.settlement.clearing import Close, Recover, Settlement, close_against
from optimistic.protocol.settlement.ledger import move
from optimistic.protocol.settlement.liquidation import Situation
from optimistic.protocol.settlement.margin import Margin, maintenance_ratio
from optimistic.protocol.settlement.markets import hourly_volatility
from optimistic.protocol.settlement.portfolio import is_below, margin_of
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.signatures import recover
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import INSURANCE, MarketId, SubaccountId
from optimistic.protocol.settlement.units import WAD, mul_wad_up
from optimistic.protocol.types import Hash32

REPORT_AGE_S: Final = 600
"""A report of the book's depth counts for so long."""
NOTHING: Final = (0, 0)


class Liquidation(NamedTuple):
    """What a liquidation did."""

    settlement: Settlement
    closed_wad: int
    """Change of the position's size."""
    notional_wad: int
    """Its value at the prices paid."""
    penalty_wad: int
    """The reward included."""
    reward_wad: int


def close_terms(state: State, id_: SubaccountId, market_id: MarketId) -> tuple[int, int]:
    """Return the change of size the next liquidation makes at most, and its worst price; zeros for none.

    Raises
    ------
    UnknownSubaccount : there is none
    """
    market, margin = state.market(market_id), margin_of(state, id_)
    of = _situation(state, id_, market_id, margin)
    if of is None or not is_below(state, id_, margin):
        return NOTHING
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
    target: tuple[SubaccountId, MarketId],
    reward_to: SubaccountId | None,
    makers: Batch,
    separator: Hash32,
    *,
    recover_signer: Recover = recover,
) -> Liquidation | None:
    """Close a part of a position against signed orders, and take the penalty out of what equity is left.

    Parameters
    ----------
    state : with the markets of all its legs refreshed, and no pending withdrawals
    target : the subaccount, which may be liquidated, and the market
    reward_to : the keeper's subaccount; None if it wants no reward
    makers : a batch whose fills name no taker
    separator, recover_signer : see `clearing.settle_batch`

    Returns
    -------
    None if nothing could be closed: the Liquidator refuses that
    """
    id_, market_id = target
    size, limit = close_terms(state, id_, market_id)
    if not size:
        return None
    market = state.market(market_id)
    rate_wad, volatility = maintenance_ratio(market.limits), hourly_volatility(market)
    settlement = close_against(state, Close(id_, market_id, size, limit), makers, separator, recover_signer)
    done = [fill for fill in settlement.fills if fill.reason is Bust.NONE]
    if not done:
        return None
    notional = sum(abs(fill.taker_size_wad) * fill.price_wad for fill in done) // WAD
    charge = liquidation.penalty_rate(notional, depth(market, state.now_s), volatility, rate_wad)
    penalty = liquidation.penalty(notional, charge, margin_of(state, id_).equity_wad)
    paid = _pay(state, target, reward_to, penalty)
    return Liquidation(settlement, sum(fill.taker_size_wad for fill in done), notional, penalty, paid)


def _pay(
    state: State, target: tuple[SubaccountId, MarketId], reward_to: SubaccountId | None, penalty_wad: int
) -> int:
    """A part of the penalty to the keeper, unless it is the liquidated owner; the rest to the tranche."""
    (id_, market_id), reward = target, 0
    if reward_to is not None and state.subaccount(reward_to).owner != state.subaccount(id_).owner:
        reward = liquidation.reward(penalty_wad)
        move(state, id_, reward_to, reward)
    move(state, id_, INSURANCE, penalty_wad - reward)
    state.tranches_wad[market_id] = state.tranches_wad.get(market_id, 0) + penalty_wad - reward
    return reward


def _situation(state: State, id_: SubaccountId, market_id: MarketId, margin: Margin) -> Situation | None:
    """A leg to close; None if there is none."""
    held, market = state.subaccount(id_).legs.get(market_id), state.market(market_id)
    if held is None or not margin.maintenance_wad:
        return None
    return Situation(
        held.size_wad,
        market.mark_wad,
        market.index_price_wad,
        margin.equity_wad,
        margin.maintenance_wad,
        maintenance_ratio(market.limits),
    )
