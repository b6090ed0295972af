"""Proofs: the rare shapes one by one, and node lists that hash well but mean nothing."""

import pytest

from optimistic.protocol import mpt
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import NO_CHILD, Short, encode_short, reference
from optimistic.protocol.strict_rlp import encode_string, join_list
from tests.helpers.tries import INLINE_KEYS, build, reference_root, slot_key

KEY = bytes(32)


def forged(*nodes: bytes) -> tuple[bytes, list[bytes]]:
    """Root and proof of nodes that refer to each other by hash already."""
    return keccak256(nodes[0]), list(nodes)


def branch_to(child: bytes, nibble: int = 0) -> bytes:
    """A branch with `child` at `nibble` and another child."""
    slots = [NO_CHILD] * 17
    slots[nibble] = reference(child)
    slots[15] = b"\xa0" + keccak256(b"other")
    return join_list(slots)


def leaf(digits: int, value: bytes = b"value of more than thirty bytes.") -> bytes:
    """A leaf whose path is `digits` zeros."""
    return encode_short(Short("0" * digits, encode_string(value), True))


def extension_to(child: bytes, digits: int) -> bytes:
    """An extension whose path is `digits` zeros."""
    return encode_short(Short("0" * digits, reference(child), False))


WELL_HASHED = {
    "leaf too short": forged(leaf(63)),
    "leaf below a branch too long": forged(branch_to(leaf(64)), leaf(64)),
    "extension to a leaf": forged(extension_to(leaf(60), 4), leaf(60)),
    "extension to an extension": forged(
        extension_to(extension_to(branch_to(leaf(55)), 4), 4),
        extension_to(branch_to(leaf(55)), 4),
        branch_to(leaf(55)),
        leaf(55),
    ),
    "extension over the whole key": forged(extension_to(branch_to(leaf(0)), 64), branch_to(leaf(0)), leaf(0)),
}


@pytest.mark.parametrize("case", WELL_HASHED.values(), ids=WELL_HASHED.keys())
def test_proof__malformed_but_well_hashed__is_refused(case: tuple[bytes, list[bytes]]) -> None:
    root, proof = case

    with pytest.raises(mpt.InvalidProof):
        mpt.read(root, KEY, proof)
    with pytest.raises(mpt.InvalidProof):
        mpt.upsert(root, KEY, b"x", proof)
    with pytest.raises(mpt.InvalidProof):
        mpt.delete(root, KEY, proof)


def test_read__short_node_named_by_hash__is_refused() -> None:
    key = b"\0" * 31 + b"\x01"
    inline = encode_short(Short("1", b"\x05", True))
    slots = [b"\xa0" + keccak256(inline), b"\xa0" + bytes(32)] + [NO_CHILD] * 15
    below = join_list(slots)
    root, proof = forged(encode_short(Short("0" * 62, reference(below), False)), below, inline)

    with pytest.raises(mpt.InvalidProof, match="below 32 bytes"):
        mpt.read(root, key, proof)


def test_read__key_or_root_of_wrong_size__is_refused() -> None:
    with pytest.raises(mpt.InvalidProof):
        mpt.read(mpt.EMPTY_ROOT, b"short", [])
    with pytest.raises(mpt.InvalidProof):
        mpt.read(b"short", KEY, [])


def test_proof__empty_trie__takes_only_the_empty_list() -> None:
    assert mpt.read(mpt.EMPTY_ROOT, KEY, []) is None
    assert mpt.delete(mpt.EMPTY_ROOT, KEY, []) == mpt.EMPTY_ROOT
    assert mpt.upsert(mpt.EMPTY_ROOT, KEY, b"v", []) == reference_root({KEY: b"v"})
    with pytest.raises(mpt.InvalidProof):
        mpt.read(mpt.EMPTY_ROOT, KEY, [b"\x80"])


def test_upsert__empty_value__is_refused() -> None:
    with pytest.raises(InvalidInput):
        mpt.upsert(mpt.EMPTY_ROOT, KEY, b"", [])
    with pytest.raises(InvalidInput):
        mpt.commit({}, mpt.EMPTY_ROOT, {KEY: b""})


def test_commit__key_of_wrong_size__is_refused() -> None:
    with pytest.raises(InvalidInput):
        mpt.commit({}, mpt.EMPTY_ROOT, {b"short": b"v"})


def test_commit__no_changes__keeps_the_root_without_reading() -> None:
    assert mpt.commit({}, keccak256(b"unknown"), {}) == (keccak256(b"unknown"), {})


def test_commit__damaged_store__raises_missing_node() -> None:
    root, _ = build({slot_key(1): b"v"})

    with pytest.raises(mpt.MissingNode, match="not stored"):
        mpt.commit({}, root, {slot_key(1): b"w"})
    with pytest.raises(mpt.MissingNode, match="no trie node"):
        mpt.get({root: b"\x83dog"}, root, slot_key(1))


def test_proof__inline_leaves__are_part_of_their_branch() -> None:
    first, second = INLINE_KEYS
    root, nodes = build({first: b"\x01", second: b"\x7f"})
    proof = mpt.prove_delete(nodes, root, first)

    assert len(proof) == 2
    assert mpt.read(root, first, proof) == b"\x01"
    assert mpt.upsert(root, first, b"long value" * 9, proof) == reference_root(
        {first: b"long value" * 9, second: b"\x7f"}
    )
    assert mpt.delete(root, first, proof) == reference_root({second: b"\x7f"})


def test_delete__sibling_is_a_branch__needs_its_node() -> None:
    content = {bytes(31) + bytes([i]): b"v" * 40 for i in (0x00, 0x01, 0x10)}
    root, nodes = build(content)
    key = bytes(31) + b"\x10"
    proof = mpt.prove_delete(nodes, root, key)

    assert len(proof) == len(mpt.prove(nodes, root, key)) + 1
    assert mpt.delete(root, key, proof) == reference_root({k: v for k, v in content.items() if k != key})
    with pytest.raises(mpt.InvalidProof):
        mpt.delete(root, key, proof[:-1])


def test_delete__sibling_leaf_too_long__is_refused() -> None:
    wrong, own = leaf(64), encode_short(Short("1" * 63, encode_string(b"v" * 32), True))
    slots = [NO_CHILD] * 17
    slots[0], slots[1] = reference(wrong), reference(own)
    root, proof = forged(join_list(slots), own, wrong)

    with pytest.raises(mpt.InvalidProof):
        mpt.delete(root, b"\x11" * 32, proof)
