"""Proofs: the rare shapes one by one, and node lists that hash well but mean nothing."""

import pytest

from optimistic.protocol import mpt
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from tests.helpers.forged_proofs import IMPOSSIBLE, KEY
from tests.helpers.tries import INLINE_KEYS, build, reference_root, slot_key


@pytest.mark.parametrize("case", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_proof__malformed_but_well_hashed__is_refused(case: tuple[bytes, list[bytes]]) -> None:
    root, proof = case

    with pytest.raises(mpt.InvalidProof):
        mpt.read(root, KEY, proof)
    with pytest.raises(mpt.InvalidProof):
        mpt.upsert(root, KEY, b"x", proof)
    with pytest.raises(mpt.InvalidProof):
        mpt.delete(root, KEY, proof)


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
