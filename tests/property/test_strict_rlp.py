"""RLP round trips, canonical form, and agreement with the `rlp` library."""

import rlp
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.strict_rlp import (
    InvalidRlp,
    RlpItem,
    decode,
    decode_int,
    encode,
    int_payload,
    join_list,
    split_list,
)

strings = st.one_of(st.binary(max_size=70), st.just(b"\x00" * 300))
items = st.recursive(strings, lambda inner: st.lists(inner, max_size=6), max_leaves=30)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An encoding with a few bytes changed, cut or added."""
    raw = bytearray(encode(draw(items)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(raw)))
        raw[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(raw)


@given(items)
def test_encode__any_item__decodes_back_and_equals_the_library(item: RlpItem) -> None:
    raw = encode(item)

    assert decode(raw) == item
    assert raw == rlp.encode(item)


@given(st.one_of(st.binary(max_size=80), mutated()))
def test_decode__arbitrary_bytes__accepts_exactly_the_canonical_ones(raw: bytes) -> None:
    try:
        item = decode(raw)
    except InvalidRlp:
        item = None

    assert item is None or encode(item) == raw
    assert (item is not None) == _library_accepts(raw)


def _library_accepts(raw: bytes) -> bool:
    try:
        return bool(rlp.encode(rlp.decode(raw, strict=True)) == raw)
    except rlp.DecodingError:
        return False


@given(st.lists(items, max_size=20))
def test_split_list__any_list__yields_the_encoded_items(values: list[RlpItem]) -> None:
    raw = encode(values)

    parts = split_list(raw)

    assert parts == [encode(value) for value in values]
    assert join_list(parts) == raw


@given(st.one_of(st.binary(max_size=60), mutated()))
def test_split_list__arbitrary_bytes__splits_or_refuses(raw: bytes) -> None:
    try:
        parts = split_list(raw)
    except InvalidRlp:
        return

    assert join_list(parts) == raw


@given(st.integers(0, 2**256 - 1))
def test_decode_int__payload_of_an_integer__is_that_integer(value: int) -> None:
    assert decode_int(int_payload(value)) == value
