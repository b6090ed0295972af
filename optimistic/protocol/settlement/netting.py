"""The rules of fills, on a batch in memory: what is wrong with a fill, and what it changes.

Twin: solidity/src/libraries/settlement/Netting.sol
"""

from dataclasses import dataclass, field
from typing import Final

from optimistic.protocol.settlement.orders import POST_ONLY, REDUCE_ONLY
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.types import MAX_LEGS, MarketId, SubaccountId
from optimistic.protocol.settlement.units import exact, pips_up
from optimistic.protocol.types import Address, Hash32

MAX_PRICE_WAD: Final = 10**27
"""Nothing fills above."""
MAX_STEP_WAD: Final = 10**24
"""A market with a larger tick or lot is not open: products would not fit a word."""


@dataclass(slots=True, kw_only=True)
class Leg:
    """A leg of a subaccount: what it was before the batch, and its change in this round."""

    before_wad: int
    delta_wad: int = 0
    is_touched: bool = False

    @property
    def size_wad(self) -> int:
        """What it is now."""
        return self.before_wad + self.delta_wad

    def reduces(self, change_wad: int) -> bool:
        """Return whether a change brings the leg nearer to zero and not beyond."""
        size = self.size_wad
        if size > 0:
            return change_wad < 0 <= size + change_wad
        return change_wad > 0 >= size + change_wad

    def long_growth(self, change_wad: int) -> int:
        """Return how much the long part of the leg would grow."""
        size = self.size_wad
        return max(0, size + change_wad) - max(0, size)

    def breaks_cap(self, change_wad: int, cap_wad: int) -> bool:
        """Return whether the leg would grow beyond a cap."""
        size, after = abs(self.size_wad), abs(self.size_wad + change_wad)
        return after > cap_wad and after > size


@dataclass(slots=True, kw_only=True)
class Account:
    """A subaccount of a batch; `cash_wad`, `n_opened` and `is_touched` are of this round."""

    id: SubaccountId
    owner: Address
    nonce_floor: int
    n_legs: int
    """Legs it has in the ledger."""
    legs: dict[MarketId, Leg] = field(default_factory=dict)
    """Those that entries of the batch are about."""
    dropped: Bust = Bust.NONE
    """Why all its fills are left out; NONE if they are not."""
    cash_wad: int = 0
    n_opened: int = 0
    is_touched: bool = False

    def lacks_room(self, leg: Leg) -> bool:
        """Return whether a leg would be one too many; legs that the batch closes make no room."""
        return leg.before_wad == 0 and not leg.is_touched and self.n_legs + self.n_opened >= MAX_LEGS

    def touch(self, leg: Leg, size_wad: int, cash_wad: int) -> None:
        """Change a leg and the cash."""
        if leg.before_wad == 0 and not leg.is_touched:
            self.n_opened += 1
        leg.is_touched = self.is_touched = True
        leg.delta_wad += size_wad
        self.cash_wad += cash_wad

    def reset(self) -> None:
        """Go back to before the first fill."""
        self.cash_wad, self.n_opened, self.is_touched = 0, 0, False
        for leg in self.legs.values():
            leg.delta_wad, leg.is_touched = 0, False


@dataclass(slots=True, kw_only=True)
class Venue:
    """A market of a batch; open interest, volume and notional are of this round."""

    id: MarketId
    is_open: bool = False
    is_reduce_only: bool = False
    is_stale: bool = False
    """No price is fresh enough for any fill."""
    is_fresh: bool = False
    """A price is fresh enough for fills that take risk."""
    lot_wad: int = 0
    tick_wad: int = 0
    mark_wad: int = 0
    settle_index_wad: int = 0
    maker_fee_pips: int = 0
    taker_fee_pips: int = 0
    position_cap_wad: int = 0
    open_interest_cap_wad: int = 0
    open_interest_before_wad: int = 0
    open_interest_wad: int = 0
    volume_wad: int = 0
    notional_wad: int = 0

    def reset(self) -> None:
        """Go back to before the first fill."""
        self.open_interest_wad, self.volume_wad, self.notional_wad = self.open_interest_before_wad, 0, 0


@dataclass(slots=True, kw_only=True)
class Entry:
    """An order or a quote of a batch."""

    account: Account
    venue: Venue
    key: Hash32
    """What names it in events and counts its fills."""
    reason: Bust
    """Why it cannot be filled at all."""
    is_buy: bool
    lots: int
    ticks: int
    max_fee_pips: int
    flags: int = 0
    leg: Leg = field(default_factory=lambda: Leg(before_wad=0))
    filled: int = 0
    """Lots before the batch."""
    used: int = 0
    """Lots in this round."""


@dataclass(slots=True)
class Match:
    """A fill that is looked at, with its price, value and fees; who is liquidated pays no fee here."""

    maker: Entry
    taker: Entry
    lots: int
    is_close: bool
    """The taker is liquidated."""
    taker_size_wad: int = field(init=False)
    price_wad: int = field(init=False)
    notional_wad: int = field(init=False)
    maker_fee_wad: int = field(init=False)
    taker_fee_wad: int = field(init=False)

    def __post_init__(self) -> None:
        venue = self.maker.venue
        size = self.lots * venue.lot_wad
        self.taker_size_wad = size if self.taker.is_buy else -size
        self.price_wad = self.maker.ticks * venue.tick_wad
        self.notional_wad = exact(size, self.price_wad)
        self.maker_fee_wad = pips_up(self.notional_wad, venue.maker_fee_pips)
        self.taker_fee_wad = 0 if self.is_close else pips_up(self.notional_wad, venue.taker_fee_pips)


def judge(match: Match) -> Bust:
    """Return what is wrong with a fill after those before it: the first reason in the order of `Bust`."""
    reason = _judge_pair(match) or _judge_terms(match) or match.maker.account.dropped
    return reason or match.taker.account.dropped or _judge_in_order(match)


def apply(match: Match) -> None:
    """Change both legs at the mark; what the price is off the mark moves as cash."""
    maker, taker, venue, size = match.maker, match.taker, match.maker.venue, match.taker_size_wad
    venue.open_interest_wad += maker.leg.long_growth(-size) + taker.leg.long_growth(size)
    venue.volume_wad += abs(size)
    venue.notional_wad += match.notional_wad
    off_mark = exact(size, match.price_wad - venue.mark_wad)
    maker.account.touch(maker.leg, -size, off_mark - match.maker_fee_wad)
    taker.account.touch(taker.leg, size, -off_mark - match.taker_fee_wad)
    maker.used += match.lots
    taker.used += match.lots


def _judge_pair(match: Match) -> Bust:
    """What is wrong with these two entries whatever their prices."""
    maker, taker = match.maker, match.taker
    if not maker.venue.is_open:
        return Bust.MARKET_NOT_OPEN
    if maker.venue.is_stale:
        return Bust.STALE_PRICE
    if maker.venue is not taker.venue:
        return Bust.MARKETS_DIFFER
    if maker.is_buy == taker.is_buy:
        return Bust.SAME_SIDE
    if maker.account.owner == taker.account.owner:
        return Bust.SELF_TRADE
    return maker.reason or taker.reason


def _judge_terms(match: Match) -> Bust:
    """What is wrong with the price and the fees."""
    maker, taker, venue = match.maker, match.taker, match.maker.venue
    if not 0 < maker.ticks * venue.tick_wad <= MAX_PRICE_WAD:
        return Bust.PRICE
    if maker.ticks > taker.ticks if taker.is_buy else maker.ticks < taker.ticks:
        return Bust.PRICE
    if taker.flags & POST_ONLY:
        return Bust.POST_ONLY
    if venue.maker_fee_pips > maker.max_fee_pips:
        return Bust.FEE_CAP
    if not match.is_close and venue.taker_fee_pips > taker.max_fee_pips:
        return Bust.FEE_CAP
    return Bust.NONE


def _judge_in_order(match: Match) -> Bust:
    """What is wrong with a fill because of those before it."""
    maker, taker, venue, size = match.maker, match.taker, match.maker.venue, match.taker_size_wad
    if not match.lots or any(side.filled + side.used + match.lots > side.lots for side in (maker, taker)):
        return Bust.OVERFILLED
    maker_reduces, taker_reduces = maker.leg.reduces(-size), taker.leg.reduces(size)
    if not maker_reduces and (maker.flags & REDUCE_ONLY or (venue.is_reduce_only and not match.is_close)):
        return Bust.NOT_REDUCING
    if not taker_reduces and (taker.flags & REDUCE_ONLY or venue.is_reduce_only):
        return Bust.NOT_REDUCING
    if not venue.is_fresh and not (maker_reduces and taker_reduces):
        return Bust.STALE_PRICE
    if _breaks_caps(match):
        return Bust.OPEN_INTEREST
    if maker.account.lacks_room(maker.leg) or taker.account.lacks_room(taker.leg):
        return Bust.TOO_MANY_LEGS
    return Bust.NONE


def _breaks_caps(match: Match) -> bool:
    """Whether the position of either side or open interest would grow beyond its cap."""
    maker, taker, venue, size = match.maker.leg, match.taker.leg, match.maker.venue, match.taker_size_wad
    cap = venue.position_cap_wad
    if maker.breaks_cap(-size, cap) or taker.breaks_cap(size, cap):
        return True
    growth = maker.long_growth(-size) + taker.long_growth(size)
    return growth > 0 and venue.open_interest_wad + growth > venue.open_interest_cap_wad
