"""Signed transactions from raw items, so that each rule of the decoder can be broken alone."""

from collections.abc import Iterator, Sequence
from typing import Any

from coincurve import PrivateKey

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.strict_rlp import (
    EMPTY_LIST,
    EMPTY_STRING,
    RlpInput,
    encode,
    encode_int,
    encode_string,
    join_list,
)
from optimistic.protocol.transactions import (
    LEGACY,
    InvalidTransaction,
    decode_located,
    decode_transaction,
    intrinsic_gas,
    recover_sender,
)

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
KEY = bytes([7]) * 32
TO = bytes([0x11]) * 20
CHAIN_ID = 420_420
ONE = encode_int(1)
WIDTHS = (("nonce", 8), ("gas_limit", 8), ("value", 32), ("tip", 32))
FIELDS = {
    "txType": "uint8",
    "hasChainId": "bool",
    "chainId": "uint256",
    "nonce": "uint64",
    "maxFee": "uint256",
    "maxPriorityFee": "uint256",
    "gasLimit": "uint64",
    "isCreate": "bool",
    "to": "address",
    "value": "uint256",
    "dataOffset": "uint256",
    "dataLength": "uint256",
    "accessOffset": "uint256",
    "accessLength": "uint256",
    "accessAddresses": "uint256",
    "accessKeys": "uint256",
    "zeroBytes": "uint256",
    "sender": "address",
    "txHash": "bytes32",
}
"""The struct DecodedTx of Solidity."""


def described(raw: bytes) -> dict[str, Any] | None:
    """What Python reads from `raw`, as the fields of DecodedTx; None if it is invalid."""
    try:
        located = decode_located(raw)
        tx = located.transaction
        sender = recover_sender(tx)
    except InvalidTransaction:
        return None
    values = (
        tx.type,
        tx.chain_id is not None,
        tx.chain_id or 0,
        tx.nonce,
        tx.max_fee,
        tx.max_priority_fee,
        tx.gas_limit,
        tx.to is None,
        "0x" + (tx.to or bytes(20)).hex(),
        tx.value,
        located.data_offset,
        len(tx.data),
        located.access_offset,
        located.access_length,
        len(tx.access_list),
        sum(len(keys) for _, keys in tx.access_list),
        tx.data.count(0),
        "0x" + sender.hex(),
        tx.hash,
    )
    return dict(zip(FIELDS, values, strict=True))


def intrinsic_gas_of(raw: bytes) -> int:
    """Intrinsic gas of a valid transaction."""
    return intrinsic_gas(decode_transaction(raw))


def items_of(kind: int, **changes: bytes) -> list[bytes]:
    """Raw items of a transaction of type `kind` before its signature; `changes` replaces some by name."""
    items = {
        "chain_id": encode_int(CHAIN_ID),
        "nonce": encode_int(7),
        "tip": encode_int(3),
        "max_fee": encode_int(900),
        "gas_limit": encode_int(100_000),
        "to": encode_string(TO),
        "value": encode_int(10**18),
        "data": encode_string(b"\0\x01\0\xff"),
        "access": encode([[TO, [bytes(32), b"\xff" * 32]], [b"\x22" * 20, []]]),
    }
    absent = {0: ("chain_id", "max_fee", "access"), 1: ("max_fee",), 2: ()}[kind]
    return [item for name, item in (items | changes).items() if name not in absent]


def wrap(kind: int, items: Sequence[bytes]) -> bytes:
    """The encoding of a transaction of type `kind` with these raw items."""
    return (b"" if kind == LEGACY else bytes([kind])) + join_list(items)


def signing_hash(kind: int, items: Sequence[bytes], chain_id: int | None = CHAIN_ID) -> bytes:
    """What is signed: `chain_id` matters to type 0 only, None is before EIP-155."""
    extra = () if kind or chain_id is None else (encode_int(chain_id), EMPTY_STRING, EMPTY_STRING)
    return keccak256(wrap(kind, [*items, *extra]))


def with_signature(
    kind: int, items: Sequence[bytes], signature: tuple[int, int, int], chain_id: int | None = CHAIN_ID
) -> bytes:
    """The encoding of a transaction with the given parity, r and s."""
    v, r, s = signature
    if kind == LEGACY:
        v += 27 if chain_id is None else 35 + 2 * chain_id
    return wrap(kind, [*items, *map(encode_int, (v, r, s))])


def sign(kind: int, items: Sequence[bytes], chain_id: int | None = CHAIN_ID, key: bytes = KEY) -> bytes:
    """The encoding of a transaction properly signed, whatever its items are."""
    done = PrivateKey(key).sign_recoverable(signing_hash(kind, items, chain_id), hasher=None)
    r, s = int.from_bytes(done[:32], "big"), int.from_bytes(done[32:64], "big")
    return with_signature(kind, items, (done[64], r, s), chain_id)


def at_infinity() -> bytes:
    """A transaction whose signature, in range and on the curve, recovers the point at infinity: no key."""
    for nonce in range(1, 1_000):
        items = items_of(2, nonce=encode_int(nonce))
        point = PrivateKey.from_int(nonce).public_key.format(compressed=True)
        s = int.from_bytes(signing_hash(2, items), "big") * pow(nonce, -1, CURVE_ORDER) % CURVE_ORDER
        if s <= CURVE_ORDER // 2:
            return with_signature(2, items, (point[0] - 2, int.from_bytes(point[1:], "big"), s))
    raise AssertionError("half of all s are low")


def valid_cases() -> Iterator[tuple[str, bytes]]:
    """Named transactions that are valid."""
    for kind in range(3):
        for name, raw in _valid_of_type(kind):
            yield f"type {kind}{name}", raw
    for chain_id in (None, 0, 1, 46, 47, 127, 128, 255, 256, 2**128, (2**256 - 36) // 2):
        yield f"legacy, chain {chain_id}", sign(0, items_of(0), chain_id)
    for parity in (0, 1):
        yield f"legacy, chain 0, parity {parity}", with_signature(0, items_of(0), (parity, 1, 1), 0)
    for chain_id in (0, 127, 2**256 - 1):
        yield f"typed, chain {chain_id}", sign(1, items_of(1, chain_id=encode_int(chain_id)))
    for counts in ((), (0,), (1,), (2,), (0, 0, 3), (8,), (7, 1, 0), (1,) * 30):
        entries: list[RlpInput] = [
            [bytes([i]) * 20, [bytes([k]) * 32 for k in range(n)]] for i, n in enumerate(counts)
        ]
        yield f"keys {counts}", sign(2, items_of(2, access=encode(entries)))


def _valid_of_type(kind: int) -> Iterator[tuple[str, bytes]]:
    yield "", sign(kind, items_of(kind))
    yield ", creation", sign(kind, items_of(kind, to=EMPTY_STRING))
    for size in (0, 1, 31, 32, 33, 55, 56, 255, 256):
        data = encode_string(bytes(i * i % 5 for i in range(1, size + 1)))
        yield f", {size} bytes", sign(kind, items_of(kind, data=data))
    for byte in (0, 0x7F, 0x80, 0xFF):
        yield f", one byte {byte:#x}", sign(kind, items_of(kind, data=encode_string(bytes([byte]))))
    for name, width in WIDTHS:
        for value in (0, 127, 128, 2 ** (8 * width) - 1):
            yield f", {name} {value:#x}", sign(kind, items_of(kind, **{name: encode_int(value)}))
    for r, s in ((1, 1), (CURVE_ORDER - 2, CURVE_ORDER // 2), (4, 127), (6, 128)):
        for parity in (0, 1):
            yield f", signature {parity} {r:#x} {s:#x}", with_signature(kind, items_of(kind), (parity, r, s))


def invalid_cases() -> Iterator[tuple[str, bytes]]:
    """Named transactions that break one rule; the signature fits what is there if it can."""
    for kind in range(3):
        for name, raw in (*_ill_formed_of_type(kind), *_ill_signed_of_type(kind)):
            yield f"type {kind}, {name}", raw
    for v in (0, 1, 2, 26, 29, 34):
        yield f"legacy, v {v}", wrap(0, [*items_of(0), encode_int(v), ONE, ONE])
    for parity in (2, 27, 28, 2**256 - 1):
        yield f"typed, parity {parity:#x}", wrap(2, [*items_of(2), encode_int(parity), ONE, ONE])
    for shape, item in _bad_access_lists():
        yield f"access list {shape}", sign(2, items_of(2, access=item))
    yield "point at infinity", at_infinity()
    for shape, item in _bad_integers(32):
        yield f"type 2, max fee {shape}", sign(2, items_of(2, max_fee=item))
    for raw in (b"", b"\0", b"\x01", b"\x02", b"\x03", b"\x80", b"\xc0", b"\x02\xc0", b"\xf8", b"\xff" * 9):
        yield f"bytes {raw.hex()}", raw


def _ill_formed_of_type(kind: int) -> Iterator[tuple[str, bytes]]:
    good = sign(kind, items_of(kind))
    yield "byte behind", good + b"\0"
    yield "byte missing", good[:-1]
    yield "other type", (b"" if kind else b"\x02") + good[bool(kind) :]
    yield "field more", sign(kind, [*items_of(kind), EMPTY_STRING])
    yield "field less", sign(kind, items_of(kind)[:-1])
    for name, width in WIDTHS:
        for shape, item in _bad_integers(width):
            yield f"{name} {shape}", sign(kind, items_of(kind, **{name: item}))
    for shape, item in _bad_integers(32) if kind else ():
        yield f"chain id {shape}", sign(kind, items_of(kind, chain_id=item))
    for size in (1, 19, 21, 32):
        yield f"to {size} bytes", sign(kind, items_of(kind, to=encode_string(TO[:1] * size)))
    yield "to list", sign(kind, items_of(kind, to=EMPTY_LIST))
    for shape, item in _bad_strings():
        yield f"data {shape}", sign(kind, items_of(kind, data=item))


def _ill_signed_of_type(kind: int) -> Iterator[tuple[str, bytes]]:
    items = items_of(kind)
    for r, s in ((0, 1), (1, 0), (CURVE_ORDER, 1), (1, CURVE_ORDER // 2 + 1), (5, 1), (2**256 - 1, 1)):
        yield f"r {r:#x}, s {s:#x}", with_signature(kind, items, (0, r, s))
    for place in range(3):
        for shape, item in _bad_integers(32):
            signature = [ONE] * 3
            signature[place] = item
            yield f"signature {place} {shape}", wrap(kind, [*items, *signature])


def _bad_integers(width: int) -> Iterator[tuple[str, bytes]]:
    yield "too wide", encode_int(2 ** (8 * width))
    yield "zero byte", b"\0"
    yield "leading zero", encode_string(b"\0\x81")
    yield "prefixed", b"\x81\x01"
    yield "long form", b"\xb8\x01\x01"
    yield "list", EMPTY_LIST


def _bad_strings() -> Iterator[tuple[str, bytes]]:
    yield "list", EMPTY_LIST
    yield "prefixed", b"\x81\x7f"
    yield "long form of 55", b"\xb8\x37" + b"x" * 55
    yield "length with zero", b"\xb9\x00\x38" + b"x" * 56
    yield "beyond the end", b"\xb8\xff" + b"x" * 40
    yield "length of eight bytes", b"\xbf" + b"\xff" * 8 + b"x" * 40


def _bad_access_lists() -> Iterator[tuple[str, bytes]]:
    key, address = encode_string(bytes(32)), encode_string(TO)
    yield "string", EMPTY_STRING
    yield "with a string", join_list([EMPTY_STRING])
    for shape, entry in {
        "empty entry": [],
        "no keys": [address],
        "three items": [address, EMPTY_LIST, EMPTY_LIST],
        "keys string": [address, EMPTY_STRING],
        "short address": [encode_string(TO[1:]), EMPTY_LIST],
        "long address": [encode_string(TO + TO), EMPTY_LIST],
        "address list": [encode([TO[1:]]), EMPTY_LIST],
        "short key": [address, join_list([encode_string(bytes(31))])],
        "long key": [address, join_list([encode_string(bytes(33))])],
        "key of 33 bytes in all": [address, join_list([encode_string(bytes(31)), EMPTY_STRING])],
        "header of a key behind": [address, join_list([key, b"\xa0"])],
        "last key cut": [address, join_list([key, key[:-1]])],
        "key list": [address, join_list([b"\xe0" + bytes(32)])],
        "second key bad": [address, join_list([key, b"\x9f" + bytes(32)])],
        "long form": [address, b"\xf8\x21" + key],
        "keys beyond the entry": [address, b"\xe1"],
        "address beyond the entry": [b"\x94" + TO[:5]],
    }.items():
        yield shape, join_list([join_list(entry)])
        yield f"{shape}, second", join_list([join_list([address, EMPTY_LIST]), join_list(entry)])
    yield "entry in long form", join_list([b"\xf8\x16" + address + EMPTY_LIST])
    yield "entry beyond the list", join_list([b"\xd7" + address + EMPTY_LIST])
