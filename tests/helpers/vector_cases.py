"""What the files in tests/vectors hold: inputs and results that Python and Solidity must agree on."""

from collections.abc import Iterator
from typing import Any

from optimistic.protocol import mpt, wordtree
from optimistic.protocol.accounts import Account
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32
from tests.helpers.clearing_vectors import batch_vectors, order_vectors
from tests.helpers.receipt_vectors import receipt_vectors
from tests.helpers.tries import INLINE_KEYS, slot_key
from tests.helpers.tx_cases import described, intrinsic_gas_of, invalid_cases, valid_cases


def hexed(value: bytes) -> str:
    """Bytes as 0x-prefixed hex."""
    return "0x" + value.hex()


def trie_contents() -> Iterator[tuple[str, dict[bytes, bytes], list[bytes]]]:
    """Named trie contents, each with the keys to look at."""
    inline_a, inline_b = INLINE_KEYS
    near = bytes.fromhex("ab" * 31)
    yield "empty", {}, [slot_key(1)]
    yield "single leaf", {slot_key(1): b"\x2a"}, [slot_key(1), slot_key(2)]
    yield "inline leaves", {inline_a: b"\x01", inline_b: b"\x7f"}, [inline_a, inline_b, slot_key(1)]
    yield (
        "inline below branch",
        {inline_a: b"\x01", inline_b: b"\x7f", slot_key(1): b"x" * 70},
        [inline_a, slot_key(1)],
    )
    yield (
        "long extension",
        {near + b"\x00": b"a", near + b"\x01": b"b" * 60},
        [near + b"\x00", near + b"\x10"],
    )
    pair = {near + b"\x00": b"a" * 33, near + b"\x01": b"b" * 33, near + b"\x20": b"c" * 33}
    yield "collapse onto a branch", pair, [near + b"\x20", near + b"\x00", bytes(32)]
    yield (
        "forty slots",
        {slot_key(i): i.to_bytes(32, "big") for i in range(40)},
        [slot_key(7), slot_key(39), slot_key(40)],
    )


def trie_vectors() -> list[dict[str, Any]]:
    """Proofs and results of every operation on every content and key."""
    cases = []
    for name, content, keys in trie_contents():
        root, nodes = mpt.commit({}, mpt.EMPTY_ROOT, content)
        for key in keys:
            proof, delete_proof = mpt.prove(nodes, root, key), mpt.prove_delete(nodes, root, key)
            case = {"root": root, "key": key, "value": content.get(key, b""), "newValue": b"new value"}
            case["upserted"] = mpt.upsert(root, key, b"new value", proof)
            case["deleted"] = mpt.delete(root, key, delete_proof)
            lists = {"proof": [*map(hexed, proof)], "deleteProof": [*map(hexed, delete_proof)]}
            cases.append({"name": name, **{k: hexed(v) for k, v in case.items()}, **lists})
    return cases


def word_vectors() -> list[dict[str, Any]]:
    """Roots and range proofs of byte strings of every odd shape."""
    cases = []
    for size, depth, first, count in (
        (0, 16, 0, 1),
        (1, 16, 0, 2),
        (33, 8, 1, 1),
        (333, 8, 3, 6),
        (999, 16, 30, 9),
    ):
        data = bytes(i * i % 251 for i in range(size))
        proof = wordtree.prove_range(data, first, count, depth)
        case = {
            "data": hexed(data),
            "depth": depth,
            "root": hexed(wordtree.root(data, depth)),
            "first": first,
        }
        cases.append(case | {"words": hexed(proof.words), "siblings": [*map(hexed, proof.siblings)]})
    return cases


def account_vectors() -> list[dict[str, Any]]:
    """Accounts and their encodings."""
    cases = []
    for nonce, balance in ((0, 0), (1, 127), (128, 10**18), (2**64 - 1, 2**256 - 1)):
        account = Account(nonce=nonce, balance=balance, code_hash=Hash32(keccak256(bytes([nonce % 256]))))
        hashes = {"storageRoot": hexed(account.storage_root), "codeHash": hexed(account.code_hash)}
        cases.append(
            {"nonce": hex(nonce), "balance": hex(balance), **hashes, "encoded": hexed(account.encode())}
        )
    return cases


def transaction_vectors() -> list[dict[str, Any]]:
    """Transactions of every shape with their fields, and bytes that are none."""
    cases = []
    for name, raw in (*valid_cases(), *invalid_cases()):
        fields = described(raw)
        case: dict[str, Any] = {"name": name, "raw": hexed(raw), "valid": fields is not None}
        if fields is not None:
            fields["intrinsicGas"] = intrinsic_gas_of(raw)
            case |= {field: as_json(value) for field, value in fields.items()}
        cases.append(case)
    return cases


def as_json(value: object) -> object:
    """Numbers and bytes as hex; booleans and addresses as they are."""
    if isinstance(value, bytes):
        return hexed(value)
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) else value


def all_vectors() -> dict[str, list[dict[str, Any]]]:
    """Cases by the stem of their file."""
    return {
        "mpt": trie_vectors(),
        "wordtree": word_vectors(),
        "accounts": account_vectors(),
        "transactions": transaction_vectors(),
        "orders": order_vectors(),
        "batches": batch_vectors(),
        "receipts": receipt_vectors(),
    }
