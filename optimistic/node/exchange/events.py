"""What the exchange tells its listeners, in the order in which it happened."""

from enum import StrEnum
from typing import Final, get_args

import msgspec

from optimistic.protocol.matching.types import Reason
from optimistic.protocol.types import Address, Hash32


class Finality(StrEnum):
    """How much has to fail for something to be undone."""

    SOFT = "soft"
    """The exchange has signed a receipt for it."""
    POSTED = "posted"
    """The L2 block that holds it is in the data on L1."""
    FINAL = "final"
    """An assertion that covers the block is confirmed: the challenge window is over."""


class OrderOpened(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An order was taken in; it may trade at once."""

    order_id: int
    client_id: bytes
    owner: Address
    subaccount: int
    market: int
    is_buy: bool
    ticks: int
    lots: int
    order_hash: Hash32
    """The digest that was signed; of a quote, the key made of it and the index."""
    kind: str
    """limit, stop or twap"""
    expiry: int
    """Signed, in Unix seconds."""


class OrderTriggered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A stop became an order."""

    order_id: int
    owner: Address
    market: int


class OrderChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Open lots or the place in the queue changed without a trade."""

    order_id: int
    owner: Address
    market: int
    ticks: int
    lots: int


class OrderDone(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An order is over; nothing about it follows but the settlement of its trades."""

    order_id: int
    client_id: bytes
    owner: Address
    subaccount: int
    market: int
    reason: Reason
    lots: int
    """That did not trade."""


class Party(msgspec.Struct, frozen=True, gc=False):
    """One side of a trade."""

    order_id: int
    client_id: bytes
    owner: Address
    subaccount: int
    lots_left: int


class Traded(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Two orders matched; soft until settled."""

    trade_id: int
    market: int
    ticks: int
    lots: int
    taker_is_buy: bool
    maker: Party
    taker: Party


class TradeSettled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A trade took effect in L2 block `block`."""

    trade_id: int
    market: int
    maker: Address
    taker: Address
    block: int
    tx_hash: Hash32
    maker_fee_wad: int
    taker_fee_wad: int


class TradeBusted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The chain left a trade out; positions are as if it had not happened."""

    trade_id: int
    market: int
    maker: Address
    taker: Address
    block: int
    reason: str
    """Name of the `Bust`."""


class TradeUndone(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The block with a trade's outcome is gone: the trade is on its way again, as before that outcome."""

    trade_id: int
    market: int
    maker: Address
    taker: Address


class BookChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The visible lots of some levels of a market after a group of commands."""

    market: int
    bids: tuple[tuple[int, int], ...]
    """(ticks, lots); 0 lots: the level is gone."""
    asks: tuple[tuple[int, int], ...]


class MarketMoved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A market's prices on the chain changed."""

    market: int
    index_wad: int
    mark_wad: int
    funding_wad: int
    """Rate per 8 hours."""
    timestamp: int


class PositionMoved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A position changed by something other than a trade here: liquidation, forced close, a bust."""

    owner: Address
    subaccount: int
    market: int
    lots: int
    """After it."""


class HeadsMoved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Blocks up to these are posted and final."""

    posted: int
    final: int


OwnEvent = (
    OrderOpened
    | OrderTriggered
    | OrderChanged
    | OrderDone
    | Traded
    | TradeSettled
    | TradeBusted
    | TradeUndone
    | PositionMoved
)
"""What somebody in particular is told."""

OWN_EVENTS: Final = get_args(OwnEvent)

ExchangeEvent = OwnEvent | BookChanged | MarketMoved | HeadsMoved


class Published(msgspec.Struct, frozen=True):
    """The events of one group of commands; groups come in order and none is left out."""

    group: int
    """Index of the group in the log: 0 is the first one ever, a restart goes on counting."""
    ts_ms: int
    events: tuple[ExchangeEvent, ...]
