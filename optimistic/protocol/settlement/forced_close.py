"""Closing what an owner cannot: the insurance fund takes a position over, and gives it up again.

Twin: requestClose, forceClose and unwind of solidity/src/l2/settlement/Liquidator.sol
"""

from typing import Final

from optimistic.protocol.settlement import insurance
from optimistic.protocol.settlement.acceptance import is_no_worse
from optimistic.protocol.settlement.batch_codec import Batch
from optimistic.protocol.settlement.clearing import Close
from optimistic.protocol.settlement.closing import close_position
from optimistic.protocol.settlement.flags import refresh_owned
from optimistic.protocol.settlement.ledger import SubaccountChange, settle
from optimistic.protocol.settlement.liquidation import spread_price
from optimistic.protocol.settlement.markets import refresh, status_now
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import CloseRequest, Market, State
from optimistic.protocol.settlement.types import (
    FLAT,
    INSURANCE,
    LegChange,
    MarketId,
    MarketStatus,
    SubaccountId,
)
from optimistic.protocol.settlement.units import WAD, exact, floor_to
from optimistic.protocol.types import Address, Hash32

CLOSE_DELAY_S: Final = 4 * 3_600
CLOSE_WINDOW_S: Final = 7 * 86_400
CLOSE_PRICE_AGE_S: Final = 86_400
"""Whatever the feed allows: against a silent aggregator prices come through L1, hours late."""
TAKE_OVER_PIPS: Final = 10_000
"""From mark or index, where the fund takes a position over."""
GIVE_UP_PIPS: Final = 5_000
"""From mark or index, where it may give it up."""
_OPEN: Final = (MarketStatus.OPEN, MarketStatus.REDUCE_ONLY)


def request_close(state: State, sender: Address, id_: SubaccountId, market: MarketId) -> None:
    """Ask for a position of the sender to be closed; raises `Refused`."""
    if state.owner_of(id_) != sender:
        raise Refused("NotOwner()")
    size = _size(state, id_, market)
    if not size:
        raise Refused("NothingToClose()")
    state.close_requests[id_, market] = CloseRequest(size, state.now_s + CLOSE_DELAY_S)


def force_close(state: State, id_: SubaccountId, market_id: MarketId) -> int:
    """Let the fund take over what was asked for, at mark or index less a spread, as far as its cap allows.

    Returns
    -------
    Change of the position's size

    Raises
    ------
    Refused
    """
    request = _executable(state, id_, market_id)
    refresh_owned(state, id_)
    market = state.markets[market_id]
    _require_closable(state, market_id, market, request.executable_at - CLOSE_DELAY_S)
    size = _size(state, id_, market_id)
    asked = _lesser(size, request.size_wad)
    if not asked:
        raise Refused("NothingToClose()")
    taken = _fund_capacity(state, market_id, asked)
    if not taken:
        raise Refused("OverInsuranceCap()")
    if asked == taken:
        del state.close_requests[id_, market_id]
    else:
        state.close_requests[id_, market_id] = request._replace(size_wad=asked - taken)
    price = spread_price(size, _low_of(size, market), TAKE_OVER_PIPS)
    _take_over(state, id_, LegChange(market_id, taken, market.settle_index_wad), price - market.mark_wad)
    return -taken


def unwind(state: State, market_id: MarketId, makers: Batch, separator: Hash32) -> int:
    """Close a part of the fund's own position against signed orders.

    Parameters
    ----------
    makers, separator : see `clearing.close_against`

    Returns
    -------
    Change of its size

    Raises
    ------
    EntryTwice, Refused
    """
    if market_id not in state.markets:
        raise Refused("UnknownMarket(uint32)", market_id)
    refresh(state, market_id)
    size = _size(state, INSURANCE, market_id)
    if not size:
        raise Refused("NothingToClose()")
    limit = give_up_price(size, state.markets[market_id])
    closed, _ = close_position(state, Close(INSURANCE, market_id, -size, limit), makers, separator)
    insurance.reconcile(state, market_id)
    return closed


def give_up_price(size_wad: int, market: Market) -> int:
    """Return the worst price for the fund at which a position of it may be closed."""
    return spread_price(size_wad, _low_of(-size_wad, market), GIVE_UP_PIPS)


def _executable(state: State, id_: SubaccountId, market: MarketId) -> CloseRequest:
    """A request within the days in which anybody may execute it."""
    request = state.close_requests.get((id_, market))
    if request is None:
        raise Refused("NotRequested()")
    until = request.executable_at + CLOSE_WINDOW_S
    if not request.executable_at <= state.now_s <= until:
        raise Refused("NotExecutable(uint64,uint64)", request.executable_at, until)
    return request


def _require_closable(state: State, id_: MarketId, market: Market, asked_at: int) -> None:
    """The market trades, and has had a price since the request, within a day."""
    if status_now(market, state.now_s) not in _OPEN:
        raise Refused("MarketNotOpen(uint32)", id_)
    if market.priced_at < asked_at or state.now_s > market.priced_at + CLOSE_PRICE_AGE_S:
        raise Refused(
            "StalePrice(uint32,uint64,uint256)", market.terms.feed, market.priced_at, CLOSE_PRICE_AGE_S
        )


def _fund_capacity(state: State, id_: MarketId, size_wad: int) -> int:
    """What brings the fund's own position to its cap at the mark, in whole lots if not all of a size."""
    market, held = state.markets[id_], _size(state, INSURANCE, id_)
    cap = insurance.backstop(state, id_) * WAD // market.mark_wad
    room = max(0, cap - (held if size_wad > 0 else -held))
    if room >= abs(size_wad):
        return size_wad
    taken = floor_to(room, market.terms.lot_wad)
    return taken if size_wad > 0 else -taken


def _low_of(size_wad: int, market: Market) -> int:
    """Of mark and index price the one at which a position is worth less."""
    prices = market.mark_wad, market.index_price_wad
    return min(prices) if size_wad > 0 else max(prices)


def _take_over(state: State, id_: SubaccountId, taken: LegChange, off_mark_wad: int) -> None:
    """Move a part of a position to the fund, if margin would accept it as a trade."""
    before = margin_of(state, id_)
    cash = exact(taken.size_delta_wad, off_mark_wad)
    given = taken._replace(size_delta_wad=-taken.size_delta_wad)
    settle(state, [SubaccountChange(id_, cash, (given,)), SubaccountChange(INSURANCE, -cash, (taken,))])
    insurance.reconcile(state, taken.market)
    after = margin_of(state, id_)
    if not after.is_initial_met and not is_no_worse(before, after):
        raise Refused("Unhealthy(uint64)", id_)


def _size(state: State, id_: SubaccountId, market: MarketId) -> int:
    """Of a position; 0 if there is none."""
    return state.subaccount(id_).legs.get(market, FLAT).size_wad


def _lesser(a: int, b: int) -> int:
    """Of two sizes of one side the smaller one; 0 if the sides differ."""
    if a > 0 and b > 0:
        return min(a, b)
    return max(a, b) if a < 0 and b < 0 else 0
