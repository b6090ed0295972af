"""What settlement is about: subaccounts, positions, markets and their settings.

Twin: solidity/src/types/Settlement.sol and the structs of solidity/src/interfaces/settlement
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, NewType

SubaccountId = NewType("SubaccountId", int)
"""Number of a margin account; the lowest are the pots."""
MarketId = NewType("MarketId", int)
FeedId = NewType("FeedId", int)

VAULT: Final = SubaccountId(1)
"""The outside: minus what the L1 gateway holds for L2."""
FEES: Final = SubaccountId(2)
INSURANCE: Final = SubaccountId(3)
"""The insurance fund; it may hold positions it took over."""
PENDING: Final = SubaccountId(4)
"""Withdrawals that were requested and not yet sent."""
BAD_DEBT: Final = SubaccountId(5)
"""Losses nobody has paid yet; its cash is never above zero."""
FIRST_SUBACCOUNT: Final = SubaccountId(16)
"""The first number of a user's subaccount."""
MAX_LEGS: Final = 32
"""Legs of one subaccount at most: the dearest liquidation of so many fits into a transaction."""


class CashReason(IntEnum):
    """Why cash moved without a trade."""

    DEPOSIT = 0
    WITHDRAWAL_REQUESTED = 1
    WITHDRAWAL_SENT = 2
    WITHDRAWAL_CANCELLED = 3
    TRANSFER = 4
    TRADING_FEE = 5
    LIQUIDATION_PENALTY = 6
    KEEPER_REWARD = 7
    INSURANCE_PAYMENT = 8
    BAD_DEBT = 9


class Asset(IntEnum):
    """What may be collateral."""

    CASH = 0
    ETHER = 1


class PriceUse(IntEnum):
    """What a fresh price is wanted for; each has its own greatest age."""

    INCREASE = 0
    LIQUIDATE = 1
    REDUCE = 2


class MarketKind(IntEnum):
    """What a market trades."""

    PERPETUAL = 0
    FUTURE = 1


class MarketStatus(IntEnum):
    """Who may do what in a market."""

    NONE = 0
    OPEN = 1
    REDUCE_ONLY = 2
    HALTED = 3
    EXPIRED = 4


class Position(NamedTuple):
    """A position, settled up to the settlement index at which it was last touched."""

    size_wad: int
    """Contracts, negative if short; a multiple of LOT_WAD."""
    index_wad: int
    """The settlement index (mark less cumulative funding) up to which cash has been moved."""


FLAT: Final = Position(0, 0)
"""None."""


class LegChange(NamedTuple):
    """A change of one leg of a subaccount; `index_wad` is the settlement index of its market now."""

    market: MarketId
    size_delta_wad: int
    index_wad: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What never changes about a market."""

    feed: FeedId
    kind: MarketKind
    expiry: int
    """When a dated future settles; 0 for a perpetual."""
    tick_wad: int
    """Smallest price step, a multiple of the quantum."""
    lot_wad: int
    """Smallest size step, a multiple of LOT_WAD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What governance may change about a market; see IMarkets.Limits for the words."""

    initial_pips: int
    size_margin_pips: int
    maintenance_pips: int
    volatility_pips: int
    mark_band_pips: int
    taker_fee_pips: int
    maker_fee_pips: int
    open_interest_low_wad: int
    open_interest_high_wad: int
    open_interest_cap_wad: int
    position_cap_wad: int
    depth_cap_wad: int
    depth_floor_wad: int
    min_notional_wad: int

    @property
    def highest_fee_pips(self) -> int:
        """What an order may have to pay, whichever side it is on."""
        return max(self.taker_fee_pips, self.maker_fee_pips)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookReport:
    """What the reporter says about its book; unverifiable, so the mark band bounds its power."""

    best_bid_wad: int = 0
    best_ask_wad: int = 0
    impact_bid_wad: int = 0
    impact_ask_wad: int = 0
    depth_wad: int = 0
    timestamp: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CollateralSettings:
    """How ether counts and how much may leave, by governance; see ICollateral.Settings for the words."""

    ether_feed: FeedId
    ether_initial_haircut_pips: int
    ether_maintenance_haircut_pips: int
    ether_cap_wei: int
    hourly_floor_wad: int
    hourly_pips: int
    daily_floor_wad: int
    daily_pips: int
