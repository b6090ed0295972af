"""What governance does to markets and feeds: list, limit, halt, name signers; within `bounds`.

Twin: the functions for governance of Markets.sol and PriceOracle.sol of solidity/src/l2/settlement
"""

from itertools import pairwise
from typing import Final

from optimistic.protocol.settlement.bounds import (
    feed_out_of_bounds,
    limits_out_of_bounds,
    terms_out_of_bounds,
)
from optimistic.protocol.settlement.oracle import Feed
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import FeedState, Market, State
from optimistic.protocol.settlement.types import FeedId, Limits, MarketId, MarketStatus, Terms

_ITS_OWN: Final = (MarketStatus.NONE, MarketStatus.EXPIRED)
"""What governance cannot say of a market."""


def list_market(state: State, terms: Terms, limits: Limits) -> MarketId:
    """List a market and return its number; raises `Refused`."""
    _require(terms_out_of_bounds(terms, state.now_s))
    _require(limits_out_of_bounds(limits))
    if terms.feed not in state.feeds:
        raise Refused("UnknownFeed(uint32)", terms.feed)
    id_ = MarketId(len(state.markets) + 1)
    state.markets[id_] = Market(terms, limits)
    state.markets[id_].basis_at = state.now_s
    return id_


def set_limits(state: State, id_: MarketId, limits: Limits) -> None:
    """Give a market new limits; raises `Refused`."""
    _require(limits_out_of_bounds(limits))
    _listed(state, id_).limits = limits


def set_status(state: State, id_: MarketId, status: MarketStatus) -> None:
    """Open or halt a market, or let it be reduced only; raises `Refused`."""
    market = _listed(state, id_)
    if status in _ITS_OWN or market.status is MarketStatus.EXPIRED:
        raise Refused("OutOfBounds(bytes32)", "status")
    market.status = status


def set_feed(state: State, id_: FeedId, setting: Feed) -> None:
    """Set a feed and its signers, which ascend; raises `Refused`."""
    _require(feed_out_of_bounds(setting))
    if not setting.signers[0].strip(b"\0") or any(a >= b for a, b in pairwise(setting.signers)):
        raise Refused("SignersNotSorted()")
    state.feeds.setdefault(id_, FeedState(setting)).setting = setting


def _listed(state: State, id_: MarketId) -> Market:
    """A market that there is."""
    if id_ not in state.markets:
        raise Refused("UnknownMarket(uint32)", id_)
    return state.markets[id_]


def _require(parameter: str | None) -> None:
    """Refuse what is out of bounds."""
    if parameter is not None:
        raise Refused("OutOfBounds(bytes32)", parameter)
