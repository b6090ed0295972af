"""Turn positions in a market that has ended into cash.

Twin: `closeExpired` of solidity/src/l2/settlement/Markets.sol
"""

from collections.abc import Sequence

from optimistic.protocol.settlement.ledger import close
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import MarketId, MarketStatus, SubaccountId


def close_expired(state: State, id_: MarketId, ids: Sequence[SubaccountId]) -> None:
    """End positions at the settlement price of their future; raises `Refused`."""
    if id_ not in state.markets:
        raise Refused("UnknownMarket(uint32)", id_)
    market = state.markets[id_]
    if market.status is not MarketStatus.EXPIRED:
        raise Refused("NotSettled(uint32)", id_)
    close(state, id_, market.mark_wad, ids)
