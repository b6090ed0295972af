"""Memory under a tree, against the tree over plain bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol import wordtree
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.words import FrozenWords, Memory, SealedWords
from optimistic.protocol.types import Hash32
from optimistic.protocol.wordtree import DEPTH, ZERO_ROOTS

LIMIT = 32 << DEPTH

places = st.one_of(
    st.integers(0, 300), st.sampled_from((31, 32, 1023, 1024, 1025, 4096, LIMIT // 2 - 1, LIMIT - 40))
)
writes = st.lists(st.tuples(places, st.binary(min_size=1, max_size=40)), max_size=12)


def written(data: bytearray, memory: Memory, offset: int, part: bytes) -> None:
    """Write to memory and to the bytes it stands for."""
    data.extend(bytes(max(0, offset + len(part) - len(data))))
    data[offset : offset + len(part)] = part
    memory.write(offset, part)


@given(steps=writes, rooted=st.lists(st.booleans(), min_size=12, max_size=12))
def test_memory__any_writes__root_is_that_of_the_bytes(
    steps: list[tuple[int, bytes]], rooted: list[bool]
) -> None:
    data, memory = bytearray(), Memory()
    for (offset, part), looked_at in zip(steps, rooted, strict=False):
        written(data, memory, offset, part)
        if looked_at:
            assert memory.root == wordtree.root(bytes(data))
    assert memory.root == wordtree.root(bytes(data))


@given(
    steps=writes, first=st.one_of(st.integers(0, 70), st.integers(0, (1 << DEPTH) - 9)), n=st.integers(1, 9)
)
def test_memory__any_range__is_proven_as_of_the_bytes(
    steps: list[tuple[int, bytes]], first: int, n: int
) -> None:
    data, memory = bytearray(), Memory()
    for offset, part in steps:
        written(data, memory, offset, part)
    proof = memory.prove(first, n)
    wordtree.verify_range(memory.root, proof)
    assert proof == wordtree.prove_range(bytes(data), first, n)


@given(steps=writes, offset=places, length=st.integers(0, 100))
def test_memory__read__is_zero_where_nothing_was_written(
    steps: list[tuple[int, bytes]], offset: int, length: int
) -> None:
    data, memory = bytearray(), Memory()
    for place, part in steps:
        written(data, memory, place, part)
    assert memory.read(offset, length) == bytes(data[offset : offset + length]).ljust(length, b"\0")


def test_memory__untouched__is_the_empty_tree() -> None:
    memory = Memory()
    assert memory.root == ZERO_ROOTS[DEPTH]
    assert memory.read(7, 3) == bytes(3)
    assert memory.prove(5, 2) == wordtree.prove_range(b"", 5, 2)


def test_frozen__later_writes__do_not_show() -> None:
    memory = Memory()
    memory.write(3, b"before")
    frozen = memory.frozen()
    root = memory.root
    memory.write(0, b"after" * 20)
    assert frozen.read(3, 6) == b"before"
    assert frozen.root == root != memory.root
    wordtree.verify_range(root, frozen.prove(0, 2))


def test_frozen_words__bytes_alone__get_their_root_and_zeros_behind() -> None:
    words = FrozenWords(b"abc")
    assert words.root == wordtree.root(b"abc")
    assert words.read(2, 3) == b"c\0\0"
    assert words.read(99, 2) == b"\0\0"


def test_sealed_words__root_alone__answers_nothing_else() -> None:
    words = SealedWords(Hash32(b"\1" * 32))
    assert words.root == b"\1" * 32
    with pytest.raises(InvalidWitness):
        words.read(0, 1)
    with pytest.raises(InvalidWitness):
        words.prove(0, 1)
