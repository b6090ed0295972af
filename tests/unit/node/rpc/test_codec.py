import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.node.rpc.block_id import BlockHashId, BlockTag, parse_block_id
from optimistic.node.rpc.codec import (
    MAX_UINT64,
    MAX_UINT256,
    MalformedValue,
    data,
    parse_address,
    parse_data,
    parse_hash,
    parse_quantity,
    parse_slot,
    quantity,
)

HASH = "0x" + "ab" * 32


@pytest.mark.parametrize(("text", "number"), [("0x0", 0), ("0xa", 10), ("0xFF", 255), ("0X1", 1)])
def test_parse_quantity__canonical__number(text: str, number: int) -> None:
    assert parse_quantity(text) == number


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0x", 'hex string "0x"'),
        ("", "empty hex string"),
        ("12", "hex string without 0x prefix"),
        ("0x00", "hex number with leading zero digits"),
        ("0x01", "hex number with leading zero digits"),
        ("0xg", "invalid hex string"),
        ("0x-1", "invalid hex string"),
        ("0x1_0", "invalid hex string"),
        ("0x 1", "invalid hex string"),
        ("0x1" + "0" * 64, "hex number > 256 bits"),
        (1, "expected a hex string, got number"),
        (True, "expected a hex string, got boolean"),
        (1.5, "expected a hex string, got number"),
        ([], "expected a hex string, got array"),
        ({}, "expected a hex string, got object"),
        (None, "expected a hex string, got null"),
    ],
)
def test_parse_quantity__malformed__says_why(value: object, message: str) -> None:
    with pytest.raises(MalformedValue) as caught:
        parse_quantity(value)

    assert str(caught.value) == message


def test_parse_quantity__beyond_limit__refused() -> None:
    with pytest.raises(MalformedValue, match="64 bits"):
        parse_quantity(hex(MAX_UINT64 + 1), MAX_UINT64)


@given(st.integers(0, MAX_UINT256))
def test_parse_quantity__written_by_quantity__same_number(number: int) -> None:
    assert parse_quantity(quantity(number)) == number


@given(st.binary(max_size=100))
def test_parse_data__written_by_data__same_bytes(raw: bytes) -> None:
    assert parse_data(data(raw)) == raw


@pytest.mark.parametrize("value", ["0x1", "0xzz", "00", "", "0x0_", "0x 00", 5, None])
def test_parse_data__malformed__refused(value: object) -> None:
    with pytest.raises(MalformedValue):
        parse_data(value)


def test_parse_address__wrong_length__says_lengths() -> None:
    with pytest.raises(MalformedValue, match="hex string has length 38, want 40"):
        parse_address("0x" + "11" * 19)


@pytest.mark.parametrize(("text", "slot"), [("0x", 0), ("0x0", 0), ("0x01", 1), ("0x" + "00" * 31 + "05", 5)])
def test_parse_slot__any_width_up_to_32_bytes__number(text: str, slot: int) -> None:
    assert parse_slot(text) == slot


@pytest.mark.parametrize("text", ["0x" + "0" * 65, "5", "0xx"])
def test_parse_slot__malformed__refused(text: str) -> None:
    with pytest.raises(MalformedValue):
        parse_slot(text)


def test_parse_block_id__tags__tag() -> None:
    for tag in ("earliest", "finalized", "safe", "latest", "pending"):
        assert parse_block_id(tag) == BlockTag(tag)


def test_parse_block_id__bare_hash_or_eip_1898__hash_id() -> None:
    raw = parse_hash(HASH)

    assert parse_block_id(HASH) == BlockHashId(hash=raw)
    assert parse_block_id({"blockHash": HASH, "requireCanonical": True}) == BlockHashId(hash=raw)
    assert parse_block_id({"blockNumber": "0x5"}) == 5


@pytest.mark.parametrize(
    "value",
    [
        "newest",
        "0x",
        "5",
        5,
        {},
        {"blockHash": HASH, "blockNumber": "0x1"},
        {"blockHash": "0x12"},
        [],
        "0x1" + "0" * 16,
    ],
)
def test_parse_block_id__malformed__refused(value: object) -> None:
    with pytest.raises(MalformedValue):
        parse_block_id(value)
