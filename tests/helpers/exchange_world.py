"""Traders, a market and an exchange on a state made by hand: no chain behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from struct import error as StructError  # noqa: N812 - it is one
from typing import Any

from coincurve import PrivateKey

from optimistic.node.exchange.commands import Place, PlaceQuotes, QuoteLeaf
from optimistic.node.exchange.exchange import Around, Exchange
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.node.exchange.signed_messages import order_of, quotes_of, tree_of
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.oracle import Feed
from optimistic.protocol.settlement.orders import Steps, domain_separator, order_digest, quotes_digest
from optimistic.protocol.settlement.signatures import compact_signature
from optimistic.protocol.settlement.state import FeedState, Market, State, Subaccount
from optimistic.protocol.settlement.types import (
    FIRST_SUBACCOUNT,
    FeedId,
    Limits,
    MarketId,
    MarketKind,
    SubaccountId,
    Terms,
)
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import Address, Hash32
from optimistic.service.clock import FakeClock

CHAIN_ID = 7_357
MARKET = MarketId(1)
OTHER_MARKET = MarketId(2)
FEED = FeedId(1)
TICK_WAD = 10**16
LOT_WAD = 10**15
"""A hundredth of a dollar, a thousandth of a contract."""
PRICE_TICKS = 10_000
"""A hundred dollars."""
RECEIPT_KEY = bytes(31) + b"\x09"
LIMITS = Limits(
    initial_pips=50_000,
    size_margin_pips=0,
    maintenance_pips=600_000,
    volatility_pips=1_000_000,
    mark_band_pips=30_000,
    taker_fee_pips=500,
    maker_fee_pips=200,
    open_interest_low_wad=10**9 * WAD,
    open_interest_high_wad=2 * 10**9 * WAD,
    open_interest_cap_wad=10**9 * WAD,
    position_cap_wad=10**6 * WAD,
    depth_cap_wad=10**6 * WAD,
    depth_floor_wad=10**3 * WAD,
    min_notional_wad=10 * WAD,
)


def market_state(now_s: int, n_markets: int = 2) -> State:
    """A state with open markets at a fresh price, and nobody in it."""
    state = State(now_s=now_s)
    price = PRICE_TICKS * TICK_WAD
    setting = Feed(quorum=1, max_jump_pips=100_000, max_age_s=(15, 30, 120), signers=())
    state.feeds[FEED] = FeedState(setting, price, now_s)
    for number in range(1, n_markets + 1):
        terms = Terms(feed=FEED, kind=MarketKind.PERPETUAL, expiry=0, tick_wad=TICK_WAD, lot_wad=LOT_WAD)
        market = Market(terms, LIMITS)
        market.index_price_wad = market.mark_wad = market.settle_index_wad = price
        market.priced_at = now_s
        state.markets[MarketId(number)] = market
    return state


@dataclass
class Trader:
    """A key with a subaccount; every order has the next nonce."""

    key: PrivateKey
    subaccount: int
    owner: Address = field(init=False)
    nonce: int = 0

    def __post_init__(self) -> None:
        self.owner = Address(keccak256(self.key.public_key.format(compressed=False)[1:])[12:])

    def sign(self, digest: Hash32) -> bytes:
        signature = self.key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return compact_signature(r, s, signature[64])

    def place(self, lots: int, ticks: int, **fields: Any) -> Place:
        """A signed order; positive lots buy. Anything else may be given by name."""
        self.nonce += 1
        values: dict[str, Any] = {
            "subaccount": self.subaccount,
            "market": MARKET,
            "is_buy": lots > 0,
            "lots": abs(lots),
            "ticks": ticks,
            "max_fee_pips": 1_000,
            "expiry": 1_700_000_000 + 86_400,
            "nonce": self.nonce,
            "flags": 0,
        }
        values.update(fields)
        unsigned = Place(**values, signature=bytes(64))
        steps = Steps(TICK_WAD, LOT_WAD)
        try:
            digest = order_digest(domain_separator(CHAIN_ID), order_of(unsigned), steps)
        except (StructError, OverflowError):
            return unsigned  # a number that fits no field cannot be signed
        return Place(**values, signature=self.sign(digest))

    def quotes(self, leaves: Sequence[tuple[int, int]], **fields: Any) -> PlaceQuotes:
        """Quotes under one signature: (lots, ticks), positive lots buy."""
        self.nonce += 1
        values: dict[str, Any] = {
            "subaccount": self.subaccount,
            "market": MARKET,
            "max_fee_pips": 1_000,
            "expiry": 1_700_000_000 + 86_400,
            "nonce": self.nonce,
            "leaves": tuple(QuoteLeaf(lots > 0, abs(lots), ticks) for lots, ticks in leaves),
        }
        values.update(fields)
        unsigned = PlaceQuotes(**values, signature=bytes(64))
        digest = quotes_digest(domain_separator(CHAIN_ID), quotes_of(unsigned, tree_of(unsigned)))
        return PlaceQuotes(**values, signature=self.sign(digest))


def make_traders(state: State, count: int, cash_wad: int = 10**6 * WAD) -> list[Trader]:
    """Traders with cash; the same keys every time."""
    traders = []
    for number in range(count):
        id_ = SubaccountId(FIRST_SUBACCOUNT + number)
        trader = Trader(PrivateKey((number + 1_000).to_bytes(32, "big")), id_)
        state.subaccounts[id_] = Subaccount(owner=trader.owner, cash_wad=cash_wad)
        traders.append(trader)
    state.next_subaccount = SubaccountId(FIRST_SUBACCOUNT + count)
    return traders


class ExchangeWorld:
    """An exchange with traders and a clock that stands still."""

    def __init__(
        self, folder: Path, n_traders: int = 4, options: ExchangeOptions | None = None, **around: Any
    ) -> None:
        self.clock = FakeClock()
        self.state = market_state(self.clock.time_s())
        self.traders = make_traders(self.state, n_traders)
        self.folder = folder
        self.options = options if options is not None else ExchangeOptions()
        self.signer = ReceiptSigner(RECEIPT_KEY, CHAIN_ID)
        self._around = around
        self.events: list[Any] = []
        self.exchange = self.open()

    def open(self) -> Exchange:
        """Another exchange on the same folder, as after a restart."""
        exchange = Exchange(
            self.folder, self.state, self.signer, self.options, Around(clock=self.clock, **self._around)
        )
        exchange.subscribe(lambda published: self.events.extend(published.events))
        return exchange

    def do(self, *commands: Any) -> list[Any]:
        """Submit commands as one group."""
        return list(self.exchange.submit(commands))

    def pass_time(self, seconds: float) -> None:
        """Move the clock; prices stay fresh."""
        self.clock.advance(seconds)
        self.state.feeds[FEED].timestamp = self.clock.time_s()
        self.exchange.tick()
