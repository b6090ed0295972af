"""WordTree against a plain full tree, and its range proofs against tampering."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol import wordtree
from optimistic.protocol.hashing import keccak256

depths = st.integers(0, 7)


def naive_root(data: bytes, depth: int) -> bytes:
    """Root by hashing every one of the 2^depth leaves."""
    nodes = [data[i * 32 : i * 32 + 32].ljust(32, b"\0") for i in range(1 << depth)]
    while len(nodes) > 1:
        nodes = [keccak256(nodes[i] + nodes[i + 1]) for i in range(0, len(nodes), 2)]
    return nodes[0]


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, bytes, int, int]:
    """A depth, data that fits it, and a word range (first, count)."""
    depth = draw(depths)
    data = draw(st.binary(max_size=32 << min(depth, 5)))
    first = draw(st.integers(0, (1 << depth) - 1))
    return depth, data, first, draw(st.integers(1, (1 << depth) - first))


@given(cases())
def test_root__any_data__equals_the_full_tree(case: tuple[int, bytes, int, int]) -> None:
    depth, data, _, _ = case

    assert wordtree.root(data, depth) == naive_root(data, depth)


@given(cases())
def test_prove_range__any_range__verifies_and_reads_the_data(case: tuple[int, bytes, int, int]) -> None:
    depth, data, first, count = case

    proof = wordtree.prove_range(data, first, count, depth)

    wordtree.verify_range(wordtree.root(data, depth), proof, depth)
    assert len(proof.siblings) <= 2 * depth
    assert proof.words == data.ljust(32 << depth, b"\0")[first * 32 : (first + count) * 32]
    assert proof.read(first * 32 + 1, count * 32 - 2) == proof.words[1:-1]


@given(cases(), st.data())
def test_update_range__new_words__gives_the_root_of_the_new_data(
    case: tuple[int, bytes, int, int], data: st.DataObject
) -> None:
    depth, old, first, count = case
    words = data.draw(st.binary(min_size=count * 32, max_size=count * 32))
    full = old.ljust(32 << depth, b"\0")
    new = full[: first * 32] + words + full[(first + count) * 32 :]

    proof = wordtree.prove_range(old, first, count, depth)

    assert wordtree.update_range(wordtree.root(old, depth), proof, words, depth) == naive_root(new, depth)


@given(cases(), st.data())
def test_verify_range__one_flipped_bit__is_refused(
    case: tuple[int, bytes, int, int], data: st.DataObject
) -> None:
    depth, content, first, count = case
    proof = wordtree.prove_range(content, first, count, depth)
    parts = [proof.words, *proof.siblings]
    place = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, len(parts[place]) * 8 - 1))
    parts[place] = (int.from_bytes(parts[place], "big") ^ (1 << bit)).to_bytes(len(parts[place]), "big")

    with pytest.raises(wordtree.RangeMismatch):
        wordtree.verify_range(
            wordtree.root(content, depth), replace(proof, words=parts[0], siblings=tuple(parts[1:])), depth
        )


@given(cases())
def test_fold_ends__of_any_range__gives_the_root(case: tuple[int, bytes, int, int]) -> None:
    depth, data, first, count = case
    proof = wordtree.prove_range(data, first, count, depth)

    ends = wordtree.ends_of(proof)

    assert wordtree.fold_ends(first, count, ends, proof.siblings, depth) == wordtree.root(data, depth)
    assert len(ends) <= 32 * min(count, max(1, 2 * depth))


@given(cases(), st.data())
def test_fold_ends__changed__is_refused_or_gives_another_root(
    case: tuple[int, bytes, int, int], data: st.DataObject
) -> None:
    depth, content, first, count = case
    proof = wordtree.prove_range(content, first, count, depth)
    ends = wordtree.ends_of(proof)
    place = data.draw(st.integers(0, len(ends) - 1))
    changed = ends[:place] + bytes((ends[place] ^ 1,)) + ends[place + 1 :]

    assert wordtree.fold_ends(first, count, changed, proof.siblings, depth) != wordtree.root(content, depth)
    for wrong in (ends[:-1], ends[:-32], ends + b"\0", ends + bytes(32)):
        with pytest.raises(wordtree.InvalidRange):
            wordtree.fold_ends(first, count, wrong, proof.siblings, depth)
    for siblings in (proof.siblings[:-1], (*proof.siblings, bytes(32)), (*proof.siblings[:-1], b"")):
        if siblings != proof.siblings:
            with pytest.raises(wordtree.InvalidRange):
                wordtree.fold_ends(first, count, ends, siblings, depth)
