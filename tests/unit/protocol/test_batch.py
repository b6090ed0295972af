"""The batch codec: framing and where data ends."""

import pytest

from optimistic.protocol.batch import (
    END,
    HEADER_BYTES,
    TX_PREFIX_BYTES,
    VERSION_BYTES,
    BlockInput,
    HeaderItem,
    OversizedItem,
    TxItem,
    UnencodableBatch,
    encode_batch,
    next_item,
)

MAX_TX = 65_536
HEADER = b"\x01" + (7).to_bytes(8, "big") + (3).to_bytes(2, "big")


def tx(raw: bytes, length: int | None = None) -> bytes:
    return b"\x02" + (len(raw) if length is None else length).to_bytes(4, "big") + raw


def test_encode_batch__two_blocks__version_then_flat_items() -> None:
    blocks = (
        BlockInput(timestamp=7, n_deposits=3, transactions=(b"ab",)),
        BlockInput(timestamp=8, n_deposits=0, transactions=()),
    )

    data = encode_batch(blocks)

    assert data == b"\x01" + HEADER + tx(b"ab") + b"\x01" + (8).to_bytes(8, "big") + bytes(2)
    assert len(data) == VERSION_BYTES + 2 * HEADER_BYTES + TX_PREFIX_BYTES + 2


@pytest.mark.parametrize(
    "block",
    [
        BlockInput(timestamp=1 << 64, n_deposits=0, transactions=()),
        BlockInput(timestamp=0, n_deposits=1 << 16, transactions=()),
        BlockInput(timestamp=0, n_deposits=0, transactions=(b"",)),
    ],
)
def test_encode_batch__no_encoding__raises(block: BlockInput) -> None:
    with pytest.raises(UnencodableBatch):
        encode_batch([block])


def test_next_item__header_then_transaction__cursors_meet_the_end() -> None:
    data = b"\x01" + HEADER + tx(b"abc")

    header = next_item(data, 0, MAX_TX)
    assert header == HeaderItem(7, 3, 12)
    item = next_item(data, 12, MAX_TX)
    assert item == TxItem(b"abc", len(data))
    assert next_item(data, len(data), MAX_TX) == END


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" + HEADER,
        b"\x02" + HEADER,
        b"\x01",
        b"\x01\x00",
        b"\x01\x03" + HEADER,
        b"\x01" + HEADER[:-1],
        b"\x01" + tx(b"abc", length=4),
        b"\x01" + tx(b"", length=0),
        b"\x01\x02\x00\x00\x00",
    ],
)
def test_next_item__malformed_start__ends_the_data(data: bytes) -> None:
    assert next_item(data, 0, MAX_TX) == END


def test_next_item__transaction_at_and_above_the_limit__read_and_skipped() -> None:
    assert next_item(b"\x01" + tx(bytes(8)), 1, 8) == TxItem(bytes(8), 14)
    assert next_item(b"\x01" + tx(bytes(9)), 1, 8) == OversizedItem(15)
