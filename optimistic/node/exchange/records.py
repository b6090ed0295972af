"""The records of the log. Applied in order to an empty state they give the exchange's state.

A group is the MessagePack array ``[version, time in ms, [record, ...]]``; a record is an array that begins
with its number below. Commands were checked before they were written: applying them checks nothing.
"""

from typing import Final

import msgspec

from optimistic.node.exchange.commands import Place, PlaceQuotes
from optimistic.service.storage_errors import CorruptStorage

VERSION: Final = 1
REVERTED: Final = 255
"""Outcome of a trade whose transaction did nothing although it held no other."""


class OrderTaken(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A signed order came in."""

    owner: bytes
    digest: bytes
    ends_ms: int
    """When it ends at the latest."""
    place: Place
    instead_of: int = 0
    """Order that it replaces, which ends; 0: none."""
    instead_open: int = 0
    """Lots that one had open when both were judged; with fewer neither happens."""


class QuotesTaken(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Orders under one signature came in."""

    owner: bytes
    digest: bytes
    ends_ms: int
    quotes: PlaceQuotes


class Cancelled(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=3):
    """An order was cancelled, by its owner or because the chain would not settle it."""

    order_id: int
    why: int = 0
    """A `MassCancelWhy`."""


class Shrunk(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=4):
    """An order was left fewer lots."""

    order_id: int
    lots: int


class MassCancelled(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5):
    """All orders of an owner that fit were cancelled."""

    owner: bytes
    subaccount: int | None
    market: int | None
    is_buy: bool | None
    session: int | None
    why: int


class DeadManSet(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=6):
    """A dead-man switch was set to a time, 0: disarmed."""

    owner: bytes
    at_ms: int


class Halted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=7):
    """The operator stopped or resumed a market, None: all."""

    market: int | None
    is_halted: bool


class StatusNoted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=8):
    """The chain changed a market's status (`MarketStatus`)."""

    market: int
    status: int


class PriceNoted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=9):
    """Mark and index of a market in ticks, each rounded down and up, for the orders that wait for them."""

    market: int
    mark: tuple[int, int]
    index: tuple[int, int]


class PositionNoted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=10):
    """A position is not what the trades here made of it."""

    owner: bytes
    subaccount: int
    market: int
    lots: int


class FloorRaised(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=11):
    """The chain voided an owner's orders with nonces below a floor."""

    owner: bytes
    floor: int


class BatchSent(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """The oldest trades that wait were put into a transaction, which is handed to the node after this."""

    batch: int
    first_trade: int
    n_trades: int
    nonce: int
    tx_hash: bytes
    raw: bytes


class BatchSettled(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """A batch's transaction was executed: per trade the reason it was left out (0: none) and two fees."""

    batch: int
    block: int
    outcomes: tuple[tuple[int, bytes, bytes], ...]
    """(`Bust`, maker's fee, taker's fee); fees big-endian without leading zeros."""


class BatchFailed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=14):
    """A batch's transaction did nothing; its trades wait again. Its nonce was used in `block` or before."""

    batch: int
    block: int = 0


class BatchUndone(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=15):
    """The block that held a batch is gone; the transaction waits for another one."""

    batch: int


class BlockNoted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=16):
    """The chain was followed up to a block, whose effects come before this record."""

    number: int
    hash: bytes
    posted: int
    final: int


Record = (
    OrderTaken
    | QuotesTaken
    | Cancelled
    | Shrunk
    | MassCancelled
    | DeadManSet
    | Halted
    | StatusNoted
    | PriceNoted
    | PositionNoted
    | FloorRaised
    | BatchSent
    | BatchSettled
    | BatchFailed
    | BatchUndone
    | BlockNoted
)


class Group(msgspec.Struct, frozen=True, array_like=True):
    """Records that were written together and take effect at one time."""

    version: int
    ts_ms: int
    records: list[Record]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Group)


def encode_group(ts_ms: int, records: list[Record]) -> bytes:
    """Return a group as the log keeps it."""
    return _encoder.encode(Group(VERSION, ts_ms, records))


def decode_group(payload: bytes) -> Group:
    """Read a group back.

    Raises
    ------
    CorruptStorage : another version wrote it, or it is no group at all
    """
    try:
        group = _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise CorruptStorage(f"a record of the exchange's log cannot be read: {error}") from error
    if group.version != VERSION:
        raise CorruptStorage(f"the exchange's log has version {group.version}, this program reads {VERSION}")
    return group
