"""The decoder against the libraries: what it accepts, they accept and read alike."""

from typing import Any

import rlp
from eth.vm.forks.cancun.transactions import CancunTransactionBuilder
from eth_account import Account as Signer
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.strict_rlp import encode, int_payload
from optimistic.protocol.transactions import (
    InvalidTransaction,
    Transaction,
    decode_transaction,
    recover_sender,
)

CHAIN_ID = 420_420
KEYS = tuple(bytes((number,)) * 32 for number in (1, 2, 3))

addresses = st.binary(min_size=20, max_size=20)
fees = st.integers(0, 2**128)
access_lists = st.lists(
    st.tuples(addresses, st.lists(st.binary(min_size=32, max_size=32), max_size=3)), max_size=3
)


@st.composite
def signed(draw: st.DrawFn) -> bytes:
    """A transaction signed by a foreign library."""
    kind = draw(st.sampled_from(("old", "legacy", 1, 2)))
    fields: dict[str, Any] = {
        "nonce": draw(st.integers(0, 2**64 - 2)),
        "gas": draw(st.integers(21_000, 2**63)),
        "value": draw(st.one_of(st.integers(0, 300), st.integers(0, 2**256 - 1))),
        "data": draw(st.binary(max_size=80)),
    }
    if draw(st.booleans()):
        fields["to"] = draw(addresses)
    if kind != "old":
        fields["chainId"] = CHAIN_ID
    if kind in (1, 2):
        fields["type"] = kind
        fields["accessList"] = [
            {"address": "0x" + address.hex(), "storageKeys": ["0x" + key.hex() for key in keys]}
            for address, keys in draw(access_lists)
        ]
    if kind == 2:
        fields["maxPriorityFeePerGas"], fields["maxFeePerGas"] = draw(fees), draw(fees)
    else:
        fields["gasPrice"] = draw(fees)
    return bytes(Signer.sign_transaction(fields, draw(st.sampled_from(KEYS))).raw_transaction)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A signed transaction with bytes changed, removed, added or repeated."""
    raw = bytearray(draw(signed()))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(raw) - 1, 0)))
        kind = draw(st.sampled_from(("set", "bump", "drop", "insert", "cut")))
        if kind == "set" and raw:
            raw[at] = draw(st.integers(0, 255))
        elif kind == "bump" and raw:
            raw[at] = (raw[at] + draw(st.sampled_from((1, 255, 128)))) & 0xFF
        elif kind == "drop":
            del raw[at : at + 1]
        elif kind == "insert":
            raw.insert(at, draw(st.sampled_from((0, 0x80, 0xC0, 0x81))))
        else:
            del raw[at:]
    return bytes(raw)


def rebuild(tx: Transaction) -> bytes:
    """Encode the decoded fields again."""
    access: list[Any] = [[address, list(keys)] for address, keys in tx.access_list]
    signature: list[Any] = [int_payload(tx.y_parity), int_payload(tx.r), int_payload(tx.s)]
    common: list[Any] = [int_payload(tx.gas_limit), tx.to or b"", int_payload(tx.value), tx.data]
    head: list[Any] = [int_payload(tx.nonce), int_payload(tx.max_priority_fee)]
    if tx.type == 0:
        v = 27 + tx.y_parity if tx.chain_id is None else 35 + 2 * tx.chain_id + tx.y_parity
        return encode([*head, *common, int_payload(v), *signature[1:]])
    assert tx.chain_id is not None
    fee = [int_payload(tx.max_fee)] if tx.type == 2 else []
    fields = [int_payload(tx.chain_id), *head, *fee, *common, access, *signature]
    return bytes((tx.type,)) + encode(fields)


def check_against_libraries(raw: bytes) -> None:
    """If we accept `raw`, so do rlp, eth-account and py-evm, with the same sender."""
    try:
        tx = decode_transaction(raw)
        sender = recover_sender(tx)
    except InvalidTransaction:
        return
    assert rebuild(tx) == raw
    body = raw if tx.type == 0 else raw[1:]
    assert rlp.encode(rlp.decode(body, strict=True)) == body
    theirs = CancunTransactionBuilder.decode(raw)
    theirs.check_signature_validity()
    assert bytes(theirs.sender) == sender
    assert (theirs.nonce, theirs.gas, theirs.value) == (tx.nonce, tx.gas_limit, tx.value)
    assert (theirs.to, theirs.data) == (tx.to or b"", tx.data)
    assert bytes.fromhex(Signer.recover_transaction(raw)[2:]) == sender


@given(raw=signed())
def test_decode__signed_by_a_foreign_library__is_accepted_and_encodes_back(raw: bytes) -> None:
    tx = decode_transaction(raw)
    assert rebuild(tx) == raw
    check_against_libraries(raw)


@given(raw=mutated())
def test_decode__mutated__never_more_lenient_than_the_libraries(raw: bytes) -> None:
    check_against_libraries(raw)


@given(raw=st.binary(max_size=200))
def test_decode__any_bytes__decodes_or_says_invalid(raw: bytes) -> None:
    check_against_libraries(raw)
