"""WordTree: known roots and malformed ranges."""

from dataclasses import replace

import pytest

from optimistic.protocol import wordtree
from optimistic.protocol.hashing import keccak256

WORD = bytes(range(32))


def test_root__no_data__is_the_zero_subtree() -> None:
    assert wordtree.root(b"") == wordtree.ZERO_ROOTS[16]
    assert wordtree.ZERO_ROOTS[1] == keccak256(bytes(64))


def test_root__trailing_zero_words__change_nothing() -> None:
    assert wordtree.root(WORD) == wordtree.root(WORD + bytes(500))


def test_root__two_words__hash_together_below_zero_subtrees() -> None:
    node = keccak256(WORD + b"\x01" + bytes(31))
    for level in range(1, 16):
        node = keccak256(node + wordtree.ZERO_ROOTS[level])

    assert wordtree.root(WORD + b"\x01") == node


def test_root__depth_zero__is_the_word() -> None:
    assert wordtree.root(WORD, 0) == WORD


def test_root__data_longer_than_the_tree__is_refused() -> None:
    with pytest.raises(wordtree.InvalidRange):
        wordtree.root(bytes(257), 3)
    with pytest.raises(wordtree.InvalidRange):
        wordtree.prove_range(bytes(257), 0, 1, 3)


@pytest.mark.parametrize(("first", "count"), [(0, 0), (-1, 1), (8, 1), (7, 2), (0, 9)])
def test_prove_range__range_outside_the_tree__is_refused(first: int, count: int) -> None:
    with pytest.raises(wordtree.InvalidRange):
        wordtree.prove_range(WORD, first, count, 3)


def test_verify_range__wrong_number_of_siblings__is_refused() -> None:
    root = wordtree.root(WORD * 5, 3)
    proof = wordtree.prove_range(WORD * 5, 1, 3, 3)

    for siblings in (proof.siblings[:-1], (*proof.siblings, bytes(32)), (b"", *proof.siblings[1:])):
        with pytest.raises(wordtree.InvalidRange):
            wordtree.verify_range(root, replace(proof, siblings=siblings), 3)


def test_verify_range__broken_words__are_refused() -> None:
    proof = wordtree.prove_range(WORD * 5, 1, 3, 3)

    for words in (b"", proof.words[:-1], bytes(32 * 9)):
        with pytest.raises(wordtree.InvalidRange):
            wordtree.verify_range(bytes(32), replace(proof, words=words), 3)


def test_update_range__length_changed__is_refused() -> None:
    root = wordtree.root(WORD * 5, 3)
    proof = wordtree.prove_range(WORD * 5, 1, 3, 3)

    with pytest.raises(wordtree.InvalidRange):
        wordtree.update_range(root, proof, proof.words + bytes(32), 3)


def test_update_range__ring_of_block_hashes__replaces_one_leaf() -> None:
    ring = bytearray(keccak256(b"ring") * 256)
    proof = wordtree.prove_range(bytes(ring), 200, 1, 8)

    root = wordtree.update_range(wordtree.root(bytes(ring), 8), proof, WORD, 8)

    ring[200 * 32 : 201 * 32] = WORD
    assert root == wordtree.root(bytes(ring), 8)
    assert len(proof.siblings) == 8


def test_read__bytes_across_words__are_cut_out() -> None:
    data = bytes(range(200))

    proof = wordtree.prove_range(data, 0, 4)

    assert proof.read(30, 70) == data[30:100]
    assert proof.read(32, 0) == b""


@pytest.mark.parametrize(("offset", "length"), [(31, 2), (32, 33), (32, -1), (70, 1)])
def test_read__bytes_outside_the_range__are_refused(offset: int, length: int) -> None:
    proof = wordtree.prove_range(bytes(range(200)), 1, 1)

    with pytest.raises(wordtree.InvalidRange):
        proof.read(offset, length)
