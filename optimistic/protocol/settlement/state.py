"""The whole settlement state as plain data: subaccounts with cash and legs, markets, feeds, orders filled.

A node keeps one and asks it before every trade, so what a margin check needs of a market is kept ready.
Everything here is changed in place by one writer: `ledger`, `clearing` and `events`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.funding import Funding
from optimistic.protocol.settlement.margin import Ratios, ratios
from optimistic.protocol.settlement.oracle import Averages, Feed, first_averages, moved_averages
from optimistic.protocol.settlement.rate_line import Place
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    FEES,
    FIRST_SUBACCOUNT,
    INSURANCE,
    PENDING,
    VAULT,
    Asset,
    BookReport,
    CollateralSettings,
    FeedId,
    Limits,
    MarketId,
    MarketStatus,
    Position,
    SubaccountId,
    Terms,
)
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32

POTS = (VAULT, FEES, INSURANCE, PENDING, BAD_DEBT)


class UnknownSubaccount(InvalidInput):
    """There is no such subaccount."""


class UnknownMarket(InvalidInput):
    """There is no such market."""


@dataclass(slots=True)
class Subaccount:
    """A margin account: cash, and positions each settled up to its own index."""

    owner: Address = ZERO_ADDRESS
    """Zero of a pot."""
    margin_mode: int = 0
    cash_wad: int = 0
    legs: dict[MarketId, Position] = field(default_factory=dict)
    """No leg has size zero."""
    ether_wei: int = 0


class Market:
    """A market as it is now.

    Parameters
    ----------
    terms : what never changes
    limits : what governance may change
    """

    __slots__ = (
        "_limits",
        "_open_interest_wad",
        "_ratios",
        "basis_at",
        "basis_wad",
        "funding",
        "index_price_wad",
        "last_trade_wad",
        "mark_wad",
        "premium_wad",
        "priced_at",
        "report",
        "resumed_at",
        "settle_index_wad",
        "status",
        "terms",
        "variance_wad",
    )

    def __init__(self, terms: Terms, limits: Limits) -> None:
        self.terms = terms
        self.status = MarketStatus.OPEN
        self.index_price_wad = self.mark_wad = self.settle_index_wad = 0
        self.priced_at = self.resumed_at = 0
        self.funding = Funding()
        self.report, self.premium_wad = BookReport(), 0
        self.last_trade_wad = self.basis_wad = self.basis_at = self.variance_wad = 0
        self._limits = limits
        self._open_interest_wad = 0
        self._ratios: Ratios | None = None

    @property
    def limits(self) -> Limits:
        """What governance has set."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        """Take new limits; margin ratios follow."""
        self._limits, self._ratios = limits, None

    @property
    def open_interest_wad(self) -> int:
        """Sum of the long positions, in contracts."""
        return self._open_interest_wad

    @open_interest_wad.setter
    def open_interest_wad(self, value: int) -> None:
        """Take a new sum; margin ratios follow."""
        self._open_interest_wad, self._ratios = value, None

    @property
    def ratios(self) -> Ratios:
        """Margin ratios at the present limits and open interest."""
        if self._ratios is None:
            self._ratios = ratios(self._limits, self._open_interest_wad)
        return self._ratios


@dataclass(slots=True)
class FeedState:
    """A price feed and its last price; 0 if there was none."""

    setting: Feed
    price_wad: int = 0
    timestamp: int = 0
    averages: Averages = field(default_factory=Averages)
    windows: dict[int, int] = field(default_factory=dict)
    """Averages of half hours that count, by their end."""

    def take(self, price_wad: int, timestamp: int) -> None:
        """Take a price that is later than the last one."""
        if self.timestamp:
            last = self.price_wad, self.timestamp
            self.averages, window = moved_averages(self.averages, last, timestamp)
            if window is not None and window[1]:
                self.windows[window[0]] = window[1]
        else:
            self.averages = first_averages(price_wad, timestamp)
        self.price_wad, self.timestamp = price_wad, timestamp


@dataclass(slots=True)
class SessionKey:
    """What an owner lets another key do."""

    expiry: int
    subaccount: SubaccountId
    """0: all of the owner's."""
    scope: int


class Withdrawal(NamedTuple):
    """What somebody has asked for and not got."""

    subaccount: SubaccountId
    asset: Asset
    amount: int
    """Units of the token, or wei."""
    recipient: Address
    """On L1."""
    ready_at: int
    """In seconds; it does not leave before."""
    place: Place


@dataclass(slots=True)
class Queue:
    """Withdrawals on their way out, and what Collateral counts."""

    token_unit_wad: int = 0
    """Cash of one unit of the token; the first deposit says it."""
    total_ether_wei: int = 0
    """Of all users, and on its way out."""
    line_ends_wad: dict[Asset, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(Asset, (0, 0)))
    """Of the line of an hour and of that of a day, in seconds with 18 decimals."""
    waiting: dict[int, Withdrawal] = field(default_factory=dict)
    """By number."""
    last_number: int = 0


@dataclass(slots=True)
class Fund:
    """What bounds the insurance fund."""

    backstops_wad: dict[MarketId, int] = field(default_factory=dict)
    """Governance's caps on the notional of its positions."""
    day: int = 0
    """Of the last payment of the global tranche, in days."""
    left_wad: int = 0
    """What that tranche may still pay on that day."""


class Flag(NamedTuple):
    """When a subaccount was flagged, and the newest price behind its margin then; in seconds."""

    at: int
    priced_at: int


class CloseRequest(NamedTuple):
    """A position as it was when its owner asked for it to be closed, and from when on anybody may."""

    size_wad: int
    executable_at: int


@dataclass(slots=True)
class Governance:
    """Who governs risk, and what is on its way; times in seconds."""

    owner: Address = ZERO_ADDRESS
    guardian: Address = ZERO_ADDRESS
    is_sealed: bool = False
    ready_at: dict[Hash32, int] = field(default_factory=dict)
    """Of scheduled calls."""
    tight_until: dict[MarketId, int] = field(default_factory=dict)
    """Markets that the guardian made reduce-only."""
    cool_until: dict[MarketId, int] = field(default_factory=dict)
    """From when on it may do so again."""


@dataclass(slots=True)
class State:
    """Everything that decides about a trade."""

    subaccounts: dict[SubaccountId, Subaccount] = field(
        default_factory=lambda: {pot: Subaccount() for pot in POTS}
    )
    next_subaccount: SubaccountId = FIRST_SUBACCOUNT
    markets: dict[MarketId, Market] = field(default_factory=dict)
    closed_at: dict[MarketId, int] = field(default_factory=dict)
    """Last settlement index of markets whose positions end."""
    feeds: dict[FeedId, FeedState] = field(default_factory=dict)
    now_s: int = 0
    """Time of the L2 block that the next call runs in."""
    collateral: CollateralSettings | None = None
    """How ether counts; None before governance has said so."""
    tranches_wad: dict[MarketId, int] = field(default_factory=dict)
    """The insurance fund's cash by market; 0 is the global tranche."""
    fund: Fund = field(default_factory=Fund)
    queue: Queue = field(default_factory=Queue)
    flags: dict[SubaccountId, Flag] = field(default_factory=dict)
    close_requests: dict[tuple[SubaccountId, MarketId], CloseRequest] = field(default_factory=dict)
    governance: Governance = field(default_factory=Governance)
    nonce_floors: dict[Address, int] = field(default_factory=dict)
    session_keys: dict[tuple[Address, Address], SessionKey] = field(default_factory=dict)
    """By owner and key."""
    filled_lots: dict[Hash32, int] = field(default_factory=dict)
    """Lots of orders already filled, by the key that names them in events."""

    def subaccount(self, id_: SubaccountId) -> Subaccount:
        """Return a subaccount; raises `UnknownSubaccount`."""
        found = self.subaccounts.get(id_)
        if found is None:
            raise UnknownSubaccount(str(id_))
        return found

    def owner_of(self, id_: SubaccountId) -> Address:
        """Return who owns a subaccount; the zero address if nobody does."""
        found = self.subaccounts.get(id_)
        return ZERO_ADDRESS if found is None else found.owner

    def market(self, id_: MarketId) -> Market:
        """Return a market; raises `UnknownMarket`."""
        found = self.markets.get(id_)
        if found is None:
            raise UnknownMarket(str(id_))
        return found

    def positions(self, market: MarketId) -> Iterator[tuple[SubaccountId, Position]]:
        """Yield who holds what of a market."""
        for id_, subaccount in self.subaccounts.items():
            if market in subaccount.legs:
                yield id_, subaccount.legs[market]

    def unsettled_wad(self, id_: SubaccountId) -> int:
        """Return what the legs of a subaccount have gained since they were settled; exact."""
        return sum(
            size * (self.markets[market].settle_index_wad - index) // WAD
            for market, (size, index) in self.subaccounts[id_].legs.items()
        )
