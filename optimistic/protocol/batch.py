"""Batch codec, version 1: a flat sequence of items under one cursor.

::

    data   := 0x01 item*
    item   := 0x01 ‖ u64 timestamp ‖ u16 n_deposits        opens a block
            | 0x02 ‖ u32 length ‖ raw transaction          belongs to the open block

Reading never fails: whatever is not a well-formed item ends the data. There is
no nesting and no look-ahead, so one step of a dispute reads one item.

Source: docs/spec/03-derivation.md
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from optimistic.protocol.constants import BATCH_VERSION
from optimistic.protocol.errors import InvalidInput

ITEM_HEADER: Final = 0x01
ITEM_TRANSACTION: Final = 0x02
HEADER_BYTES: Final = 1 + 8 + 2
TX_PREFIX_BYTES: Final = 1 + 4
VERSION_BYTES: Final = 1
ITEM_HEAD_BYTES: Final = VERSION_BYTES + HEADER_BYTES
"""Bytes from a cursor on that say what the next item is."""


class UnencodableBatch(InvalidInput):
    """A block that version 1 has no bytes for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockInput:
    """One block as its sequencer names it."""

    timestamp: int
    n_deposits: int
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class HeaderItem:
    """Opens a block; `end` is the cursor behind the item."""

    timestamp: int
    n_deposits: int
    end: int


@dataclass(frozen=True, slots=True)
class TxItem:
    """A transaction of the open block; `end` is the cursor behind the item."""

    raw: bytes
    end: int


@dataclass(frozen=True, slots=True)
class TxSpan:
    """Where the bytes [start, end) of a transaction are; `end` is the cursor behind the item."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class OversizedItem:
    """A transaction that is too long to be read: skipped."""

    end: int


@dataclass(frozen=True, slots=True)
class EndItem:
    """Nothing readable follows."""


Item = HeaderItem | TxItem | OversizedItem | EndItem
END: Final = EndItem()


def encode_batch(blocks: Iterable[BlockInput]) -> bytes:
    """Encode blocks as batch data.

    Raises
    ------
    UnencodableBatch : a number out of range, or an empty transaction
    """
    parts = [bytes([BATCH_VERSION])]
    for block in blocks:
        if not (0 <= block.timestamp < 1 << 64 and 0 <= block.n_deposits < 1 << 16):
            raise UnencodableBatch(f"block header out of range: {block.timestamp}, {block.n_deposits}")
        parts.append(
            bytes([ITEM_HEADER]) + block.timestamp.to_bytes(8, "big") + block.n_deposits.to_bytes(2, "big")
        )
        for raw in block.transactions:
            if not 0 < len(raw) < 1 << 32:
                raise UnencodableBatch(f"transaction of {len(raw)} bytes")
            parts.append(bytes([ITEM_TRANSACTION]) + len(raw).to_bytes(4, "big") + raw)
    return b"".join(parts)


def next_item(data: bytes, cursor: int, max_tx_bytes: int) -> Item:
    """Read the item at `cursor`; total on any bytes and any cursor in [0, len(data)].

    Parameters
    ----------
    data : the batch data
    cursor : 0 before the version byte, else the `end` of the previous item
    max_tx_bytes : a longer transaction is an OversizedItem
    """
    head = data[cursor : cursor + ITEM_HEAD_BYTES].ljust(ITEM_HEAD_BYTES, b"\0")
    item = locate_item(head, cursor, len(data))
    if not isinstance(item, TxSpan):
        return item
    if item.end - item.start > max_tx_bytes:
        return OversizedItem(item.end)
    return TxItem(data[item.start : item.end], item.end)


def locate_item(head: bytes, cursor: int, data_len: int) -> HeaderItem | TxSpan | EndItem:
    """Say what the item at `cursor` is and where, as `next_item` does, from its first bytes.

    Parameters
    ----------
    head : the `ITEM_HEAD_BYTES` bytes from `cursor` on, zero beyond the data
    data_len : bytes of the whole data
    """
    if cursor == 0:
        if head[0] != BATCH_VERSION:
            return END
        head, cursor = head[VERSION_BYTES:], VERSION_BYTES
    if head[0] == ITEM_HEADER and cursor + HEADER_BYTES <= data_len:
        timestamp = int.from_bytes(head[1:9], "big")
        return HeaderItem(timestamp, int.from_bytes(head[9:11], "big"), cursor + HEADER_BYTES)
    start = cursor + TX_PREFIX_BYTES
    end = start + int.from_bytes(head[1:TX_PREFIX_BYTES], "big")
    if head[0] == ITEM_TRANSACTION and start < end <= data_len:
        return TxSpan(start, end)
    return END
