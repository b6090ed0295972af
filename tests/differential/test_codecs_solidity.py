"""WordTree, RLP and accounts: both languages give the same result or both refuse."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol import wordtree
from optimistic.protocol.accounts import Account, decode_slot
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.strict_rlp import encode, split_list
from optimistic.protocol.types import Hash32
from tests.helpers.contract_host import ContractHost, Reverted

REFUSALS = {
    keccak256(error)[:4]
    for error in (b"InvalidRlp()", b"InvalidRange()", b"RangeMismatch()", b"DataTooLong(uint256)")
}
ACCOUNT = "(uint64,uint256,bytes32,bytes32)"
words = st.binary(min_size=32, max_size=32)
items = st.recursive(st.binary(max_size=60), lambda inner: st.lists(inner, max_size=5), max_leaves=12)
accounts = st.builds(
    Account,
    nonce=st.integers(0, 2**64 - 1),
    balance=st.integers(0, 2**256 - 1),
    storage_root=words.map(Hash32),
    code_hash=words.map(Hash32),
)


@pytest.fixture(scope="module")
def trees() -> ContractHost:
    return ContractHost("WordTreeHarness")


@pytest.fixture(scope="module")
def codecs() -> ContractHost:
    return ContractHost("CodecHarness")


def result_of(operation: Callable[[], Any]) -> Any:
    """What it returns, or None if it refuses its input."""
    try:
        return operation()
    except InvalidInput:
        return None
    except Reverted as reverted:
        return None if reverted.selector in REFUSALS else f"unknown error {reverted}"


@st.composite
def mutated(draw: st.DrawFn, raw: bytes) -> bytes:
    """Bytes with up to two places changed, cut or added; sometimes none."""
    data = bytearray(raw)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(data)


@given(data=st.binary(max_size=700), depth=st.integers(0, 6) | st.just(16))
def test_wordtree__root_of_any_data__agrees(trees: ContractHost, data: bytes, depth: int) -> None:
    python = result_of(lambda: wordtree.root(data, depth))

    for function in ("root", "rootOfMemory"):
        solidity = result_of(partial(trees.call, f"{function}(bytes,uint256)->(bytes32)", data, depth))
        assert solidity == (python and (python,))


@given(
    first=st.integers(0, 70),
    range_words=st.lists(words, max_size=12).map(b"".join) | st.binary(max_size=70),
    siblings=st.lists(words, max_size=12),
    depth=st.integers(0, 6),
)
def test_wordtree__fold_of_any_range__agrees(
    trees: ContractHost, first: int, range_words: bytes, siblings: list[bytes], depth: int
) -> None:
    python = result_of(lambda: wordtree.fold_range(first, range_words, siblings, depth))

    for function in ("foldRange", "foldRangeOfMemory"):
        signature = f"{function}(uint256,bytes,bytes32[],uint256)->(bytes32)"
        solidity = result_of(partial(trees.call, signature, first, range_words, siblings, depth))
        assert solidity == (python and (python,))


@given(data=st.binary(max_size=3_000), first=st.integers(0, 120), count=st.integers(1, 120))
def test_wordtree__range_proof_from_python__verifies_on_chain(
    trees: ContractHost, data: bytes, first: int, count: int
) -> None:
    proof = wordtree.prove_range(data, first, count)

    trees.call(
        "verifyRange(bytes32,uint256,bytes,bytes32[],uint256)->()",
        wordtree.root(data),
        first,
        proof.words,
        proof.siblings,
        16,
    )


@given(
    first=st.integers(0, 70),
    count=st.integers(0, 70),
    ends=st.lists(words, max_size=12).map(b"".join) | st.binary(max_size=70),
    siblings=st.lists(words, max_size=12),
    depth=st.integers(0, 6),
)
def test_wordtree__fold_of_any_ends__agrees(
    trees: ContractHost, first: int, count: int, ends: bytes, siblings: list[bytes], depth: int
) -> None:
    python = result_of(lambda: wordtree.fold_ends(first, count, ends, siblings, depth))

    assert _fold_ends(trees, first, count, ends, siblings, depth) == python


@given(data=st.binary(max_size=3_000), first=st.integers(0, 120), count=st.integers(1, 120))
def test_wordtree__ends_from_python__fold_to_the_root_on_chain(
    trees: ContractHost, data: bytes, first: int, count: int
) -> None:
    proof = wordtree.prove_range(data, first, count)
    ends = wordtree.ends_of(proof)

    assert _fold_ends(trees, first, count, ends, proof.siblings, 16) == wordtree.root(data)
    for wrong in (ends[:-32], ends + bytes(32)):
        assert _fold_ends(trees, first, count, wrong, proof.siblings, 16) is None


def _fold_ends(trees: ContractHost, *args: Any) -> Any:
    """What the contract returns, or None if it refuses."""
    signature = "foldEnds(uint256,uint256,bytes,bytes32[],uint256)->(bytes32)"
    result = result_of(partial(trees.call, signature, *args))
    return result[0] if isinstance(result, tuple) else result


@given(index=st.integers(0, 255), old=words, new=words, ring=st.binary(max_size=8192))
def test_wordtree__leaf_update__agrees(
    trees: ContractHost, index: int, old: bytes, new: bytes, ring: bytes
) -> None:
    before = ring.ljust(8192, b"\0")
    before = before[: 32 * index] + old + before[32 * index + 32 :]
    proof = wordtree.prove_range(before, index, 1, 8)
    root = wordtree.root(before, 8)

    (updated,) = trees.call(
        "updateLeaf(bytes32,uint256,bytes32,bytes32,bytes32[],uint256)->(bytes32)",
        root,
        index,
        old,
        new,
        proof.siblings,
        8,
    )

    assert updated == wordtree.update_range(root, proof, new, 8)


@given(raw=items.map(encode).flatmap(mutated) | st.binary(max_size=12))
def test_rlp__any_bytes__both_split_or_refuse(codecs: ContractHost, raw: bytes) -> None:
    solidity = result_of(lambda: list(codecs.call("splitList(bytes)->(bytes[])", raw)[0]))

    assert solidity == result_of(lambda: split_list(raw))


@given(account=accounts, data=st.data())
def test_account__any_bytes__both_decode_or_refuse(
    codecs: ContractHost, account: Account, data: st.DataObject
) -> None:
    raw = data.draw(mutated(account.encode()))
    python = result_of(lambda: Account.decode(raw))

    solidity = result_of(lambda: codecs.call(f"decodeAccount(bytes)->({ACCOUNT})", raw)[0])

    expected = python and (python.nonce, python.balance, python.storage_root, python.code_hash)
    assert solidity == expected


@given(account=accounts, value=st.integers(1, 2**256 - 1))
def test_account_and_slot__encodings__agree(codecs: ContractHost, account: Account, value: int) -> None:
    fields = (account.nonce, account.balance, account.storage_root, account.code_hash)
    (raw,) = codecs.call("encodeSlot(uint256)->(bytes)", value)

    assert codecs.call(f"encodeAccount({ACCOUNT})->(bytes)", fields)[0] == account.encode()
    assert decode_slot(raw) == value


@given(raw=st.binary(max_size=40))
def test_slot__any_bytes__both_decode_or_refuse(codecs: ContractHost, raw: bytes) -> None:
    solidity = result_of(lambda: codecs.call("decodeSlot(bytes)->(uint256)", raw)[0])

    assert solidity == result_of(lambda: decode_slot(raw))
