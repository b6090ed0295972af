"""The end of a future: its settlement price, and positions that turn into cash.

Twin: `settleFuture` and `closeExpired` of solidity/src/l2/settlement/Markets.sol
"""

from collections.abc import Sequence
from typing import Final

from optimistic.protocol.settlement import insurance
from optimistic.protocol.settlement.ledger import close
from optimistic.protocol.settlement.oracle import WINDOW_S
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import INSURANCE, MarketId, MarketKind, MarketStatus, SubaccountId

WINDOWS_PER_CALL: Final = 256
"""Half hours that one call looks through."""


def settle_future(state: State, id_: MarketId, from_: int) -> int:
    """Settle a future at the first half hour that counts.

    Parameters
    ----------
    from_ : end of the half hour where the last call stopped looking, at first the expiry

    Returns
    -------
    Where this one stopped: at the price, or after all there are so far, and the future is not settled yet

    Raises
    ------
    Refused
    """
    market = _listed(state, id_)
    expiry = market.terms.expiry
    is_over = market.status is MarketStatus.EXPIRED
    if market.terms.kind is MarketKind.PERPETUAL or is_over or state.now_s < expiry:
        raise Refused("NotExpired(uint64)", expiry)
    feed = state.feeds[market.terms.feed]
    reach = min(feed.timestamp, from_ + (WINDOWS_PER_CALL - 1) * WINDOW_S)
    ends = range(from_, reach + 1, WINDOW_S)
    found = next((end for end in ends if end in feed.windows), None)
    if found is None:
        if not ends:
            raise Refused("NoSettlementPriceYet()")
        return ends[-1] + WINDOW_S
    price = feed.windows[found]
    market.status = MarketStatus.EXPIRED
    market.index_price_wad = market.mark_wad = market.settle_index_wad = price
    close(state, id_, price, ())
    return found


def close_expired(state: State, id_: MarketId, ids: Sequence[SubaccountId]) -> None:
    """End positions at the settlement price of their future; raises `Refused`."""
    market = _listed(state, id_)
    if market.status is not MarketStatus.EXPIRED:
        raise Refused("NotSettled(uint32)", id_)
    close(state, id_, market.mark_wad, ids)
    if INSURANCE in ids:
        insurance.reconcile(state, id_)


def _listed(state: State, id_: MarketId) -> Market:
    """A market that there is."""
    if id_ not in state.markets:
        raise Refused("UnknownMarket(uint32)", id_)
    return state.markets[id_]
