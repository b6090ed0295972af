"""Recursive Length Prefix coding: canonical form or nothing.

RLP has exactly one encoding of every value, but many decoders accept others.
This one accepts the canonical encoding only, so ``encode(decode(raw)) == raw``
holds for whatever it returns. It never recurses deeper than `MAX_DEPTH`, so
hostile input cannot exhaust the stack.

Two views of a list are offered: `decode` builds Python values, `split_list`
cuts a list into its *raw items* (each still encoded), which is what trie code
wants: most items are copied from one node to the next without being looked at.

Source: Ethereum Yellow Paper, appendix B; twin: solidity/src/libraries/Rlp.sol.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

from optimistic.protocol.errors import InvalidInput

RlpItem: TypeAlias = "bytes | list[RlpItem]"
"""A decoded value: a string, or a list of values."""

RlpInput: TypeAlias = "bytes | Sequence[RlpInput]"
"""What `encode` takes: strings and any nesting of lists or tuples."""

EMPTY_STRING: Final = b"\x80"
EMPTY_LIST: Final = b"\xc0"
MAX_DEPTH: Final = 64
"""Lists nested deeper are refused. No Ethereum structure nests deeper than an inline trie node (31)."""

_STRING: Final = 0x80
_HASH: Final = 0xA0
_LONG_STRING: Final = 0xB7
_LIST: Final = 0xC0
_LONG_LIST: Final = 0xF7
_SHORT_MAX: Final = 55


class InvalidRlp(InvalidInput):
    """The bytes are not one canonical RLP value."""


def item_bounds(raw: bytes, start: int) -> tuple[int, int]:
    """Locate the item that begins at `start`.

    Parameters
    ----------
    raw : encoded bytes; `start` < len(raw)

    Returns
    -------
    (payload start, item end), both offsets into `raw`. A single byte below 0x80
    is its own payload.

    Raises
    ------
    InvalidRlp : the header is cut off, not minimal, or reaches beyond `raw`
    """
    size = len(raw)
    if start >= size:
        raise InvalidRlp("item expected, input ended")
    prefix = raw[start]
    if prefix < _STRING:
        return start, start + 1
    payload = start + 1
    if prefix <= _LONG_STRING:
        end = payload + prefix - _STRING
        if prefix == 0x81 and payload < size and raw[payload] < _STRING:
            raise InvalidRlp("single byte below 0x80 with a length prefix")
    elif prefix < _LIST:
        payload, end = _long_bounds(raw, payload, prefix - _LONG_STRING)
    elif prefix <= _LONG_LIST:
        end = payload + prefix - _LIST
    else:
        payload, end = _long_bounds(raw, payload, prefix - _LONG_LIST)
    if end > size:
        raise InvalidRlp("item reaches beyond the input")
    return payload, end


def _long_bounds(raw: bytes, start: int, length_size: int) -> tuple[int, int]:
    """Bounds of an item whose payload length is written in `length_size` bytes at `start`."""
    payload = start + length_size
    if payload > len(raw):
        raise InvalidRlp("length of a long item is cut off")
    if raw[start] == 0:
        raise InvalidRlp("length of a long item has leading zeros")
    length = int.from_bytes(raw[start:payload], "big")
    if length <= _SHORT_MAX:
        raise InvalidRlp("short item with a long header")
    return payload, payload + length


def decode(raw: bytes) -> RlpItem:
    """Decode `raw`, which must be exactly one canonical value.

    Raises
    ------
    InvalidRlp : not canonical, trailing bytes, or nested deeper than `MAX_DEPTH`
    """
    payload, end = item_bounds(raw, 0)
    if end != len(raw):
        raise InvalidRlp("bytes after the value")
    if raw[0] < _LIST:
        return raw[payload:end]
    return _decode_items(raw, payload, end, MAX_DEPTH)


def decode_list(raw: bytes) -> list[RlpItem]:
    """Like `decode`, for a value that must be a list."""
    value = decode(raw)
    if not isinstance(value, list):
        raise InvalidRlp("list expected, string found")
    return value


def _decode_items(raw: bytes, start: int, end: int, depth_left: int) -> list[RlpItem]:
    """Decode the items of a list payload raw[start:end]."""
    if depth_left == 0:
        raise InvalidRlp("lists nested too deep")
    items: list[RlpItem] = []
    while start < end:
        payload, item_end = item_bounds(raw, start)
        if item_end > end:
            raise InvalidRlp("item reaches beyond its list")
        if raw[start] < _LIST:
            items.append(raw[payload:item_end])
        else:
            items.append(_decode_items(raw, payload, item_end, depth_left - 1))
        start = item_end
    return items


def split_list(raw: bytes) -> list[bytes]:
    """Cut the list `raw` into its raw items, headers included.

    Items that are lists themselves are not looked into.

    Raises
    ------
    InvalidRlp : `raw` is not exactly one list, or an item's header is not canonical
    """
    start, end = item_bounds(raw, 0)
    if raw[0] < _LIST:
        raise InvalidRlp("list expected, string found")
    if end != len(raw):
        raise InvalidRlp("bytes after the list")
    items: list[bytes] = []
    while start < end:
        prefix = raw[start]
        # most items of trie nodes are empty or a hash: both are cut without a call
        if prefix == _STRING:
            item_end = start + 1
        elif prefix == _HASH:
            item_end = start + 33
        else:
            _, item_end = item_bounds(raw, start)
        items.append(raw[start:item_end])
        start = item_end
    if start != end:
        raise InvalidRlp("item reaches beyond its list")
    return items


def string_payload(raw_item: bytes) -> bytes:
    """Payload of a raw item that must be a string (the whole of `raw_item`)."""
    payload, end = item_bounds(raw_item, 0)
    if raw_item[0] >= _LIST:
        raise InvalidRlp("string expected, list found")
    if end != len(raw_item):
        raise InvalidRlp("bytes after the string")
    return raw_item[payload:]


def decode_int(payload: bytes, max_bytes: int = 32) -> int:
    """Read an unsigned big-endian integer without leading zeros; zero is the empty string.

    Raises
    ------
    InvalidRlp : leading zero byte, or longer than `max_bytes`
    """
    if len(payload) > max_bytes:
        raise InvalidRlp(f"integer longer than {max_bytes} bytes")
    if payload[:1] == b"\0":
        raise InvalidRlp("integer with a leading zero")
    return int.from_bytes(payload, "big")


def encode(value: RlpInput) -> bytes:
    """Encode strings and nested lists. Integers go through `encode_int` or `int_payload`."""
    if isinstance(value, (bytes, bytearray)):
        return encode_string(bytes(value))
    return join_list([encode(item) for item in value])


def encode_string(payload: bytes) -> bytes:
    """Encode one byte string."""
    size = len(payload)
    if size == 1 and payload[0] < _STRING:
        return payload
    if size <= _SHORT_MAX:
        return bytes((_STRING + size,)) + payload
    length = int_payload(size)
    return bytes((_LONG_STRING + len(length),)) + length + payload


def join_list(raw_items: Sequence[bytes]) -> bytes:
    """Wrap raw items (already encoded) into a list: the inverse of `split_list`."""
    payload = b"".join(raw_items)
    size = len(payload)
    if size <= _SHORT_MAX:
        return bytes((_LIST + size,)) + payload
    length = int_payload(size)
    return bytes((_LONG_LIST + len(length),)) + length + payload


def int_payload(value: int) -> bytes:
    """Minimal big-endian bytes of a non-negative integer; zero is empty."""
    return value.to_bytes((value.bit_length() + 7) >> 3, "big")


def encode_int(value: int) -> bytes:
    """Encode a non-negative integer as a string without leading zeros."""
    return encode_string(int_payload(value))
