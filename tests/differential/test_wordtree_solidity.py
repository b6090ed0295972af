"""WordTree at its edges: every size of data and every range of small trees, in both languages."""

from itertools import product

import pytest

from optimistic.protocol import wordtree
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from tests.helpers.contract_host import ContractHost, Reverted

DEPTH = 4
WORDS = 1 << DEPTH
DATA = b"".join(keccak256(b"word %d" % index) for index in range(WORDS))
FRESH = b"".join(keccak256(b"fresh %d" % index) for index in range(WORDS))
RANGES = [(first, count) for first in range(WORDS) for count in range(1, WORDS - first + 1)]
FOLDS = ("foldRange", "foldRangeOfMemory")
TAIL = "(uint256,bytes,bytes32[],uint256)->(bytes32)"
VERIFY = "verifyRange(bytes32,uint256,bytes,bytes32[],uint256)->()"
UPDATE = "updateLeaf(bytes32,uint256,bytes32,bytes32,bytes32[],uint256)->(bytes32)"


@pytest.fixture(scope="module")
def trees() -> ContractHost:
    return ContractHost("WordTreeHarness")


def folds(
    trees: ContractHost, first: int, words: bytes, siblings: tuple[bytes, ...], depth: int
) -> bytes | None:
    """What both languages and both functions fold a range to; None if they refuse it."""
    try:
        expected: bytes | None = wordtree.fold_range(first, words, siblings, depth)
    except InvalidInput:
        expected = None
    for function in FOLDS:
        try:
            (folded,) = trees.call(function + TAIL, first, words, siblings, depth)
        except Reverted:
            folded = None
        assert folded == expected, function
    return expected


@pytest.mark.parametrize("function", ["root", "rootOfMemory"])
def test_root__every_size_up_to_the_tree__agrees(trees: ContractHost, function: str) -> None:
    for size, depth in product((*range(70), *range(220, 300), 510, 511, 512), (4, 5, 16)):
        (root,) = trees.call(f"{function}(bytes,uint256)->(bytes32)", FRESH[:size], depth)
        assert root == wordtree.root(FRESH[:size], depth), (size, depth)


@pytest.mark.parametrize("function", ["root", "rootOfMemory"])
@pytest.mark.parametrize("size", [0, 31, 500])
def test_root__no_depth_named__is_that_of_a_transaction(
    trees: ContractHost, function: str, size: int
) -> None:
    (root,) = trees.call(f"{function}(bytes)->(bytes32)", FRESH[:size])
    assert root == wordtree.root(FRESH[:size], 16)


@pytest.mark.parametrize("function", ["root", "rootOfMemory"])
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_root__where_memory_is_dirty__agrees(function: str, depth: int) -> None:
    host = ContractHost("MemoryHarness")

    for size in range((32 << depth) + 1):
        (root,) = host.call(f"{function}(bytes,uint256)->(bytes32)", FRESH[:size], depth)
        assert root == wordtree.root(FRESH[:size], depth), size


@pytest.mark.parametrize("function", ["root", "rootOfMemory"])
@pytest.mark.parametrize("depth", range(5))
def test_root__full_tree_and_a_byte_more__is_taken_and_refused(
    trees: ContractHost, function: str, depth: int
) -> None:
    full, signature = DATA[: 32 << depth], f"{function}(bytes,uint256)->(bytes32)"

    assert trees.call(signature, full, depth) == (wordtree.root(full, depth),)
    with pytest.raises(Reverted):
        trees.call(signature, full + b"\0", depth)


def test_fold__every_range__is_the_root_and_that_of_the_new_words(trees: ContractHost) -> None:
    root = wordtree.root(DATA, DEPTH)

    for first, count in RANGES:
        proof = wordtree.prove_range(DATA, first, count, DEPTH)
        place = slice(32 * first, 32 * (first + count))
        written = DATA[: place.start] + FRESH[place] + DATA[place.stop :]
        assert folds(trees, first, proof.words, proof.siblings, DEPTH) == root
        assert folds(trees, first, FRESH[place], proof.siblings, DEPTH) == wordtree.root(written, DEPTH)
        trees.call(VERIFY, root, first, proof.words, proof.siblings, DEPTH)


def test_fold__ill_formed_range__is_refused(trees: ContractHost) -> None:
    for first, count in RANGES:
        proof = wordtree.prove_range(DATA, first, count, DEPTH)
        words, siblings = proof.words, proof.siblings
        assert folds(trees, first, words, (*siblings, bytes(32)), DEPTH) is None
        assert folds(trees, first, words[:-1], siblings, DEPTH) is None
        assert folds(trees, first, words + b"\0", siblings, DEPTH) is None
        assert folds(trees, first, b"", siblings, DEPTH) is None
        assert folds(trees, first + WORDS - count + 1, words, siblings, DEPTH) is None
        if siblings:
            assert folds(trees, first, words, siblings[:-1], DEPTH) is None
    assert folds(trees, 1 << 255, DATA[:32], (bytes(32),) * DEPTH, DEPTH) is None


def test_fold_ends__every_range_in_the_tree_and_outside__agrees(trees: ContractHost) -> None:
    root, signature = (
        wordtree.root(DATA, DEPTH),
        "foldEnds(uint256,uint256,bytes,bytes32[],uint256)->(bytes32)",
    )

    for first, count in RANGES:
        proof = wordtree.prove_range(DATA, first, count, DEPTH)
        ends = wordtree.ends_of(proof)
        assert trees.call(signature, first, count, ends, proof.siblings, DEPTH) == (root,)
        for place in (first + WORDS, first + (1 << 255), (1 << 256) - count, (1 << 256) - 1):
            with pytest.raises(InvalidInput):
                wordtree.fold_ends(place, count, ends, proof.siblings, DEPTH)
            with pytest.raises(Reverted):
                trees.call(signature, place, count, ends, proof.siblings, DEPTH)


def test_verify__other_words_siblings_or_place__is_refused(trees: ContractHost) -> None:
    root = wordtree.root(DATA, DEPTH)

    for first, count in RANGES:
        proof = wordtree.prove_range(DATA, first, count, DEPTH)
        wrong = [(first, FRESH[32 * first :][: 32 * count], proof.siblings)]
        if proof.siblings:
            wrong += [(first, proof.words, (*proof.siblings[:-1], bytes(32))), (first ^ 1, *wrong[0][1:])]
        for place, words, siblings in wrong:
            with pytest.raises(Reverted):
                trees.call(VERIFY, root, place, words, siblings, DEPTH)


def test_update__every_leaf__agrees_and_knows_the_old_one(trees: ContractHost) -> None:
    root = wordtree.root(DATA, DEPTH)

    for index in range(WORDS):
        proof = wordtree.prove_range(DATA, index, 1, DEPTH)
        fresh = FRESH[32 * index :][:32]
        expected = wordtree.update_range(root, proof, fresh, DEPTH)
        assert trees.call(UPDATE, root, index, proof.words, fresh, proof.siblings, DEPTH) == (expected,)
        for place, old in ((index, fresh), (index ^ 1, proof.words), (index + WORDS, proof.words)):
            with pytest.raises(Reverted):
                trees.call(UPDATE, root, place, old, fresh, proof.siblings, DEPTH)
