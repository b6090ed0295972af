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
    if cursor == 0:
        if data[:VERSION_BYTES] != bytes([BATCH_VERSION]):
            return END
        cursor = VERSION_BYTES
    kind = data[cursor] if cursor < len(data) else None
    if kind == ITEM_HEADER and cursor + HEADER_BYTES <= len(data):
        timestamp = int.from_bytes(data[cursor + 1 : cursor + 9], "big")
        n_deposits = int.from_bytes(data[cursor + 9 : cursor + 11], "big")
        return HeaderItem(timestamp, n_deposits, cursor + HEADER_BYTES)
    if kind == ITEM_TRANSACTION and cursor + TX_PREFIX_BYTES <= len(data):
        return _transaction_item(data, cursor + TX_PREFIX_BYTES, max_tx_bytes)
    return END


def _transaction_item(data: bytes, start: int, max_tx_bytes: int) -> Item:
    """Read a transaction item whose payload begins at `start`; its length lies in the 4 bytes before."""
    length = int.from_bytes(data[start - 4 : start], "big")
    end = start + length
    if length == 0 or end > len(data):
        return END
    return OversizedItem(end) if length > max_tx_bytes else TxItem(data[start:end], end)
