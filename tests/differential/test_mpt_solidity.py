"""The trie libraries of both languages: the same results, the same refusals."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol import mpt
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import NO_CHILD, reference
from optimistic.protocol.strict_rlp import join_list
from tests.helpers.contract_host import ContractHost, Reverted
from tests.helpers.forged_proofs import HASH, IMPOSSIBLE, KEY, branch, leaf_with_hash_bytes, short_node
from tests.helpers.tries import build, contents, keys, slot_key, values

REFUSED = "refused"
REFUSALS = {keccak256(error)[:4] for error in (b"InvalidProof()", b"InvalidNode()", b"InvalidRlp()")}
Proof = list[bytes]
Answer = bytes | str | None


class Pair:
    """One question, put to Python and to Solidity."""

    def __init__(self) -> None:
        self._host = ContractHost("MptHarness")

    def answers(self, root: bytes, key: bytes, value: bytes, proof: Proof) -> list[Answer]:
        """Answers of read, upsert and delete, on which both languages agree."""
        python = [
            _python(lambda: mpt.read(root, key, proof)),
            _python(lambda: mpt.upsert(root, key, value, proof)),
            _python(lambda: mpt.delete(root, key, proof)),
        ]
        solidity = [
            self._solidity("read(bytes32,bytes32,bytes[])->(bool,bytes)", root, key, proof),
            self._solidity("upsert(bytes32,bytes32,bytes,bytes[])->(bytes32)", root, key, value, proof),
            self._solidity("remove(bytes32,bytes32,bytes[])->(bytes32)", root, key, proof),
        ]
        assert solidity == python
        return python

    def _solidity(self, signature: str, *args: object) -> Answer:
        try:
            returned = self._host.call(signature, *args)
        except Reverted as reverted:
            return REFUSED if reverted.selector in REFUSALS else f"unknown error {reverted}"
        return None if returned[0] is False else bytes(returned[-1])


def _python(operation: Callable[[], bytes | None]) -> Answer:
    try:
        return operation()
    except mpt.InvalidProof:
        return REFUSED


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Pair()


@given(content=contents, key=keys, value=values)
def test_mpt__random_trie__both_languages_agree(
    pair: Pair, content: dict[bytes, bytes], key: bytes, value: bytes
) -> None:
    root, nodes = build(content)

    for asked in [key, *list(content)[:4]]:
        read, upserted, _ = pair.answers(root, asked, value, mpt.prove(nodes, root, asked))
        assert read == content.get(asked)
        assert upserted == build(content | {asked: value})[0]
        deleted = pair.answers(root, asked, value, mpt.prove_delete(nodes, root, asked))[2]
        assert deleted == build({k: v for k, v in content.items() if k != asked})[0]


@given(content=contents, key=keys, value=values, data=st.data())
def test_mpt__tampered_proof__both_languages_refuse(
    pair: Pair, content: dict[bytes, bytes], key: bytes, value: bytes, data: st.DataObject
) -> None:
    root, nodes = build(content)
    asked = data.draw(st.sampled_from([key, *content]))
    proof = mpt.prove_delete(nodes, root, asked)
    if not proof:
        return
    place = data.draw(st.integers(0, len(proof) - 1))
    proof[place] = data.draw(mutated(proof[place]))

    assert pair.answers(root, asked, value, proof) == [REFUSED] * 3


@given(content=contents, key=keys, value=values, data=st.data())
def test_mpt__malformed_but_well_hashed_proof__both_languages_agree(
    pair: Pair, content: dict[bytes, bytes], key: bytes, value: bytes, data: st.DataObject
) -> None:
    root, nodes = build(content)
    asked = data.draw(st.sampled_from([key, *content]))
    proof = data.draw(st.sampled_from([mpt.prove, mpt.prove_delete]))(nodes, root, asked)
    if not proof:
        return
    place = data.draw(st.integers(0, len(proof) - 1))

    forged = rehashed(proof, place, data.draw(mutated(proof[place])))

    pair.answers(keccak256(forged[0]), asked, value, forged)


@pytest.mark.parametrize("case", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_mpt__impossible_trie__both_languages_refuse(pair: Pair, case: tuple[bytes, Proof]) -> None:
    root, proof = case

    assert pair.answers(root, KEY, b"value", proof) == [REFUSED] * 3


@pytest.mark.parametrize("child", [b"\xc0", b"\xc1\x05", b"\xde" + bytes(30), b"\xdf" + bytes(31), b"\xbf"])
@pytest.mark.parametrize("path", [b"\x10", b"\x11"], ids=["on the way", "beside it"])
def test_mpt__extension_to_something_inline__both_languages_agree(
    pair: Pair, path: bytes, child: bytes
) -> None:
    node = short_node(path, child)

    pair.answers(keccak256(node), KEY, b"value", [node])


def test_mpt__branch_that_begins_with_an_empty_list__both_languages_agree(pair: Pair) -> None:
    node = branch({0: b"\xc0", 5: HASH})

    for nibble in (b"\x00", b"\x10", b"\x50"):
        pair.answers(keccak256(node), nibble * 32, b"value", [node])


def test_mpt__branches_that_are_full__both_languages_agree(pair: Pair) -> None:
    content = {slot_key(n): b"value %d" % n for n in range(300)}
    root, nodes = build(content)

    for key, value in list(content.items())[:5]:
        read, _, _ = pair.answers(root, key, b"other", mpt.prove(nodes, root, key))
        assert read == value


def test_mpt__item_that_leads_back_into_a_hash__both_languages_refuse(pair: Pair) -> None:
    """Taken for a list, 0x9f would lead back into the hash before it, and from there to the end."""
    child = leaf_with_hash_bytes(_0=0xA0)
    node = join_list([NO_CHILD, reference(child), b"\x9f", *[NO_CHILD] * 13])

    assert pair.answers(keccak256(node), b"\x10" + bytes(31), b"value", [node, child]) == [REFUSED] * 3


def test_mpt__empty_value__both_languages_refuse() -> None:
    host, key = ContractHost("MptHarness"), slot_key(1)
    for content in ({}, {key: b"v"}, {slot_key(2): b"v"}):
        root, nodes = build(content)
        proof = mpt.prove(nodes, root, key)
        with pytest.raises(InvalidInput):
            mpt.upsert(root, key, b"", proof)
        with pytest.raises(Reverted) as refused:
            host.call("upsert(bytes32,bytes32,bytes,bytes[])->(bytes32)", root, key, b"", proof)
        assert refused.value.selector == keccak256(b"EmptyValue()")[:4]


@pytest.mark.parametrize("size", range(26, 33))
def test_mpt__leaf_around_32_bytes__both_languages_agree(pair: Pair, size: int) -> None:
    first, second, third = (bytes(31) + bytes([last]) for last in (0x00, 0x01, 0x10))
    content = {first: b"v" * size, second: b"\x05", third: b"w" * size}
    root, nodes = build(content)

    for key, value in content.items():
        answers = pair.answers(root, key, b"x" * size, mpt.prove(nodes, root, key))
        assert answers[:2] == [value, build(content | {key: b"x" * size})[0]]
        answers = pair.answers(root, key, b"x", mpt.prove_delete(nodes, root, key))
        assert answers[2] == build({k: v for k, v in content.items() if k != key})[0]


@pytest.mark.parametrize("size", [55, 56, 255, 256, 65_535, 65_536, 70_000])
def test_mpt__value_of_any_length__both_languages_agree(pair: Pair, size: int) -> None:
    key, value = slot_key(1), b"v" * size
    for content in ({}, {slot_key(2): b"short"}, {key: b"short"}, {slot_key(i): value for i in range(1, 3)}):
        root, nodes = build(content)

        answers = pair.answers(root, key, value, mpt.prove(nodes, root, key))

        assert answers[0] == content.get(key)
        assert answers[1] == build(content | {key: value})[0]


@pytest.mark.parametrize("size", [1, 31, 32, 33, 63, 64, 65, 300])
def test_mpt__value_that_was_read__is_all_that_memory_keeps(size: int) -> None:
    host, key = ContractHost("MemoryHarness"), slot_key(1)
    root, nodes = build({key: b"v" * size, slot_key(2): b"short"})

    kept = {
        asked: host.call(
            "keptByRead(bytes32,bytes32,bytes[])->(uint256)", root, asked, mpt.prove(nodes, root, asked)
        )[0]
        for asked in (key, slot_key(3))
    }

    assert kept[key] == (size + 95) // 32 * 32
    assert kept[slot_key(3)] <= 32


@st.composite
def mutated(draw: st.DrawFn, node: bytes) -> bytes:
    """A node with a few bytes changed, cut or added; biased to the headers of its items."""
    headers = [i for i, byte in enumerate(node) if byte in (0x80, 0xA0) or byte >= 0xC0 or i < 6]
    raw = bytearray(node)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(headers) | st.integers(0, len(node) - 1))
        cut = draw(st.sampled_from([1, 1, 1, 0, 2, 33]))
        new = draw(
            st.sampled_from([b"\x80", b"\xa0", b"\xc0", b"\x20", b"\xde", b"\xdf", b""])
            | st.binary(max_size=2)
        )
        raw[place : place + cut] = new
    return bytes(raw) if bytes(raw) != node else node + b"\0"


def rehashed(proof: Proof, place: int, node: bytes) -> Proof:
    """The proof with another node at `place`, and the references above it made to fit."""
    forged = list(proof)
    while True:
        old, forged[place] = forged[place], node
        if place == 0:
            return forged
        place -= 1
        node = forged[place].replace(keccak256(old), keccak256(node))
