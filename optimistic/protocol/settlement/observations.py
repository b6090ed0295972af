"""Which observations make a price, and why others are refused.

Twin: `push` of solidity/src/l2/settlement/PriceOracle.sol, once signers are recovered
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.oracle import (
    AVERAGE_S,
    breaks,
    is_jump,
    median_down,
    moved_average,
)
from optimistic.protocol.settlement.state import FeedState
from optimistic.protocol.types import Address

MAX_PRICE_WAD: Final = 10**27


class Refusal(StrEnum):
    """Why a push is refused, by the contract's error."""

    TOO_FEW = "TooFewObservations(uint256,uint256)"
    FUTURE = "FromTheFuture(uint64)"
    ZERO = "ZeroPrice()"
    TOO_HIGH = "PriceTooHigh(uint256)"
    NOT_SIGNER = "NotSigner(address)"
    NOT_SORTED = "SignersNotSorted()"
    NOT_NEWER = "NotNewer(uint64,uint64)"
    JUMP = "Jump(uint256,uint256)"
    BREAKER = "Breaker(uint256,uint256)"


class PushRefused(InvalidInput):
    """The price oracle takes no price from these observations."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class Observation(NamedTuple):
    """What one signer says of a price; `timestamp` in seconds."""

    price_wad: int
    timestamp: int
    signer: Address


def push(feed: FeedState, seen: Sequence[Observation], now_s: int) -> None:
    """Take the price that observations make: their lower median, at the time of the oldest.

    Parameters
    ----------
    feed : takes the price
    seen : sorted by signer
    now_s : of the block

    Raises
    ------
    PushRefused : the feed is as it was
    """
    if len(seen) < feed.setting.quorum:
        raise PushRefused(Refusal.TOO_FEW)
    _require_signed(feed, seen, now_s)
    price, time = median_down([one.price_wad for one in seen]), min(one.timestamp for one in seen)
    if time <= feed.timestamp:
        raise PushRefused(Refusal.NOT_NEWER)
    if price == 0:
        raise PushRefused(Refusal.ZERO)
    if feed.timestamp:
        _require_near(feed, price, time, is_whole=len(seen) == len(feed.setting.signers))
    feed.take(price, time)


def _require_signed(feed: FeedState, seen: Sequence[Observation], now_s: int) -> None:
    """Refuse observations that are not each of another signer of the feed, plausible, and of the past."""
    previous = bytes(20)
    for price, timestamp, signer in seen:
        if timestamp > now_s:
            raise PushRefused(Refusal.FUTURE)
        if price == 0:
            raise PushRefused(Refusal.ZERO)
        if price > MAX_PRICE_WAD:
            raise PushRefused(Refusal.TOO_HIGH)
        if signer not in feed.setting.signers:
            raise PushRefused(Refusal.NOT_SIGNER)
        if signer <= previous:
            raise PushRefused(Refusal.NOT_SORTED)
        previous = signer


def _require_near(feed: FeedState, price_wad: int, time: int, *, is_whole: bool) -> None:
    """Refuse a move that a quorum may not make, and one out of the average of five minutes."""
    if not is_whole and is_jump(price_wad, feed.price_wad, feed.setting.max_jump_pips):
        raise PushRefused(Refusal.JUMP)
    gap = time - feed.timestamp
    average = moved_average(feed.averages.average_wad, feed.price_wad, gap)
    if gap < AVERAGE_S and breaks(price_wad, average):
        raise PushRefused(Refusal.BREAKER)
