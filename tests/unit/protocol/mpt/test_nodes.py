"""Strict node decoding and hex-prefix paths."""

import pytest

from optimistic.protocol.mpt.nodes import (
    NO_CHILD,
    Short,
    common_prefix_length,
    decode_path,
    encode_path,
    encode_short,
    only_child,
    parse_node,
    reference,
    seal,
)
from optimistic.protocol.strict_rlp import InvalidRlp, encode_string, join_list

HASH = b"\xa0" + bytes(range(32))
LEAF = encode_short(Short("ab", b"\x05", True))
REFUSED = {
    "string": b"\x83dog",
    "no items": b"\xc0",
    "one item": join_list([b"\x20"]),
    "three items": join_list([b"\x20", b"\x01", b"\x01"]),
    "sixteen items": join_list([HASH] * 16),
    "eighteen items": join_list([HASH] * 16 + [NO_CHILD] * 2),
    "branch with a value": join_list([HASH] * 16 + [b"\x01"]),
    "branch with one child": join_list([HASH] + [NO_CHILD] * 16),
    "branch without children": join_list([NO_CHILD] * 17),
    "branch with a short string as child": join_list([HASH, HASH, b"\x05"] + [NO_CHILD] * 14),
    "branch with a 33-byte list as child": join_list([HASH, b"\xe0" + b"\x01" * 32] + [NO_CHILD] * 15),
    "branch with a 31-byte string as child": join_list([HASH, b"\x9f" + b"\x01" * 31] + [NO_CHILD] * 15),
    "empty path": join_list([b"\x80", b"\x01"]),
    "list as path": join_list([b"\xc1\x20", b"\x01"]),
    "flag 4": join_list([b"\x40", b"\x01"]),
    "pad nibble": join_list([b"\x21", b"\x01"]),
    "leaf without a value": join_list([b"\x20", NO_CHILD]),
    "leaf with a list": join_list([b"\x20", b"\xc0"]),
    "extension without a path": join_list([b"\x00", HASH]),
    "extension without a child": join_list([b"\x11", NO_CHILD]),
    "extension to a string": join_list([b"\x11", b"\x05"]),
    "trailing byte": LEAF + b"\x00",
    "full branch with one wrong prefix": join_list(
        [HASH] * 9 + [b"\xa1" + bytes(33)] + [HASH] * 6 + [NO_CHILD]
    ),
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_parse_node__impossible_node__is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRlp):
        parse_node(raw)


@pytest.mark.parametrize(
    "slots",
    [[HASH] * 16, [HASH, LEAF] + [NO_CHILD] * 14, [NO_CHILD] * 14 + [LEAF, HASH], [HASH] * 15 + [NO_CHILD]],
)
def test_parse_node__branch__yields_its_items(slots: list[bytes]) -> None:
    assert parse_node(join_list([*slots, NO_CHILD])) == [*slots, NO_CHILD]


@pytest.mark.parametrize("path", ["", "a", "ab", "abc", "0" * 64, "f" * 63])
@pytest.mark.parametrize("is_leaf", [True, False])
def test_path__any_length__round_trips(path: str, is_leaf: bool) -> None:
    assert decode_path(encode_path(path, is_leaf)) == (path, is_leaf)


def test_parse_node__leaf_and_extension__round_trip() -> None:
    for short in (
        Short("abc", encode_string(b"value"), True),
        Short("0", HASH, False),
        Short("", b"\x01", True),
    ):
        assert parse_node(encode_short(short)) == short


def test_reference__short_node__is_the_node() -> None:
    assert reference(LEAF) == LEAF
    assert len(reference(LEAF * 10)) == 33


def test_seal__bare_reference__stays() -> None:
    assert seal(Short("", HASH, False)) == HASH


def test_common_prefix_length__paths__counts_shared_digits() -> None:
    assert common_prefix_length("abcd", "abef") == 2
    assert common_prefix_length("ab", "abc") == 2
    assert common_prefix_length("", "abc") == 0


def test_only_child__one_two_or_none__tells_them_apart() -> None:
    assert only_child([NO_CHILD] * 3 + [HASH] + [NO_CHILD] * 13) == 3
    assert only_child([HASH, HASH] + [NO_CHILD] * 15) is None
    assert only_child([NO_CHILD] * 17) is None
