"""Flags on subaccounts that have too little margin, and from when on such a one may be liquidated.

Twin: the flags of solidity/src/l2/settlement/Liquidator.sol
"""

from typing import Final

from optimistic.protocol.settlement.collateral import refresh_legs
from optimistic.protocol.settlement.margin import Margin
from optimistic.protocol.settlement.portfolio import index_equity, is_below, margin_of, require_fresh
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import Flag, State
from optimistic.protocol.settlement.types import MarketStatus, PriceUse, SubaccountId
from optimistic.protocol.types import ZERO_ADDRESS

GRACE_S: Final = 60
"""Between flag and liquidation if no second price comes."""
FLAG_LIFE_S: Final = 3_600
"""Afterwards a flag says nothing about now."""
OUTAGE_GRACE_S: Final = 15 * 60
"""After an outage of prices owners get this long to act before flags count."""


def flag(state: State, id_: SubaccountId) -> None:
    """Flag a subaccount that is below maintenance margin at fresh prices; raises `Refused`."""
    refresh_owned(state, id_)
    if not is_below(state, id_, margin_of(state, id_)):
        raise Refused("Healthy(uint64)", id_)
    require_fresh(state, id_, PriceUse.LIQUIDATE)
    if not flagged_at(state, id_):
        newest = max((at for at, _ in _prices(state, id_)), default=0)
        state.flags[id_] = Flag(state.now_s, newest)


def unflag(state: State, id_: SubaccountId) -> None:
    """Take the flag off a subaccount that has enough again; raises `Refused`."""
    if id_ not in state.flags:
        raise Refused("NotFlagged(uint64)", id_)
    refresh_owned(state, id_)
    if is_below(state, id_, margin_of(state, id_)):
        raise Refused("Unhealthy(uint64)", id_)
    del state.flags[id_]


def flagged_at(state: State, id_: SubaccountId) -> int:
    """Return when a subaccount was flagged; 0 if it is not, or no longer."""
    found = state.flags.get(id_)
    return 0 if found is None or state.now_s > found.at + FLAG_LIFE_S else found.at


def is_liquidatable(state: State, id_: SubaccountId) -> bool:
    """Return whether a subaccount may be liquidated at the marks and prices as they are."""
    try:
        require_liquidatable(state, id_)
    except Refused:
        return False
    return True


def require_liquidatable(state: State, id_: SubaccountId) -> None:
    """Raise `Refused` unless a subaccount is below half of its need, or below it, flagged and past grace."""
    margin = margin_of(state, id_)
    if not is_below(state, id_, margin):
        raise Refused("Healthy(uint64)", id_)
    require_fresh(state, id_, PriceUse.LIQUIDATE)
    if _is_far_below(state, id_, margin):
        return
    if not flagged_at(state, id_):
        raise Refused("NotFlagged(uint64)", id_)
    end = grace_end(state, id_)
    if state.now_s < end:
        raise Refused("InGrace(uint64)", end)


def grace_end(state: State, id_: SubaccountId) -> int:
    """Return when a flagged subaccount may be liquidated: at once if all it holds has had a price since."""
    found, prices = state.flags[id_], list(_prices(state, id_))
    end = found.at if all(at > found.priced_at for at, _ in prices) else found.at + GRACE_S
    resumed = max((resumed_at for _, resumed_at in prices), default=0)
    return max(end, resumed + OUTAGE_GRACE_S) if resumed else end


def refresh_owned(state: State, id_: SubaccountId) -> None:
    """Refresh the markets a subaccount holds; raises `Refused` for pots, which are nobody's to liquidate."""
    if state.owner_of(id_) == ZERO_ADDRESS:
        raise Refused("UnknownSubaccount(uint64)", id_)
    refresh_legs(state, id_)


def _is_far_below(state: State, id_: SubaccountId, margin: Margin) -> bool:
    """Below half, at the marks and at the index prices alone."""
    equity = max(margin.equity_wad, index_equity(state, id_, margin.equity_wad))
    return 2 * equity < margin.maintenance_wad


def _prices(state: State, id_: SubaccountId) -> list[tuple[int, int]]:
    """When the prices of what is held came, and last came back after an outage; not of expired markets."""
    markets = (state.markets[market] for market in state.subaccounts[id_].legs)
    return [
        (market.priced_at, market.resumed_at)
        for market in markets
        if market.status is not MarketStatus.EXPIRED
    ]
