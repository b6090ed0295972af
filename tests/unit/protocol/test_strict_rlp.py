"""Canonical RLP, case by case."""

import pytest

from optimistic.protocol.strict_rlp import (
    EMPTY_LIST,
    InvalidRlp,
    decode,
    decode_int,
    decode_list,
    encode,
    encode_int,
    join_list,
    split_list,
    string_payload,
)

CANONICAL = [
    (b"\x00", b"\x00"),
    (b"\x7f", b"\x7f"),
    (b"\x80", b""),
    (b"\x81\x80", b"\x80"),
    (b"\x83dog", b"dog"),
    (b"\xb7" + b"a" * 55, b"a" * 55),
    (b"\xb8\x38" + b"a" * 56, b"a" * 56),
    (b"\xb9\x04\x00" + b"a" * 1024, b"a" * 1024),
    (b"\xc0", []),
    (b"\xc8\x83cat\x83dog", [b"cat", b"dog"]),
    (b"\xc7\xc0\xc1\xc0\xc3\xc0\xc1\xc0", [[], [[]], [[], [[]]]]),
    (b"\xf8\x38" + b"a" * 56, [b"a"] * 56),
]
REFUSED = {
    "nothing": b"",
    "trailing byte": b"\x83dog\x00",
    "string cut off": b"\x83do",
    "list cut off": b"\xc8\x83cat\x83do",
    "prefix before a small byte": b"\x81\x7f",
    "long form of a short string": b"\xb8\x37" + b"a" * 55,
    "long form of a short list": b"\xf8\x01\xc0",
    "leading zero in a length": b"\xb9\x00\x38" + b"a" * 56,
    "length cut off": b"\xb9\x01",
    "length without bytes": b"\xbf",
    "item beyond its list": b"\xc2\x83dog",
    "2^64 bytes": b"\xff" + b"\xff" * 8,
    "prefix before a small byte inside": b"\xc2\x81\x05",
}


@pytest.mark.parametrize(("raw", "value"), CANONICAL)
def test_decode__canonical__round_trips(raw: bytes, value: bytes) -> None:
    assert decode(raw) == value
    assert encode(value) == raw


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_decode__not_canonical__is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRlp):
        decode(raw)


def test_decode__hostile_nesting__is_refused_without_recursion_error() -> None:
    raw = EMPTY_LIST
    for _ in range(5_000):
        raw = join_list([raw])

    with pytest.raises(InvalidRlp, match="deep"):
        decode(raw)


def test_decode_list__string__is_refused() -> None:
    with pytest.raises(InvalidRlp):
        decode_list(b"\x83dog")
    assert decode_list(b"\xc1\x05") == [b"\x05"]


@pytest.mark.parametrize(
    "raw", [b"", b"\x80", b"\xc1", b"\xc0\x00", b"\xc2\x83a", b"\xc2\xa0a", b"\xc3\x81\x05a"]
)
def test_split_list__not_one_list__is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRlp):
        split_list(raw)


def test_split_list__nested_list__is_one_raw_item() -> None:
    assert split_list(b"\xc5\xc2\x01\x02\x80\x07") == [b"\xc2\x01\x02", b"\x80", b"\x07"]


@pytest.mark.parametrize("raw", [b"\xc0", b"\x05\x05", b"\x82a"])
def test_string_payload__not_one_string__is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRlp):
        string_payload(raw)


def test_decode_int__leading_zero_or_too_long__is_refused() -> None:
    with pytest.raises(InvalidRlp):
        decode_int(b"\x00\x01")
    with pytest.raises(InvalidRlp):
        decode_int(b"\x01" * 9, 8)
    assert decode_int(b"") == 0
    assert encode_int(0) == b"\x80"
    assert encode_int(1024) == b"\x82\x04\x00"
