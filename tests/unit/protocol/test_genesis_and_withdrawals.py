"""Genesis determinism and withdrawal proofs against a real trie."""

import pytest

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account, encode_slot
from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.predeploys import storage_slot
from optimistic.protocol.records import alias_address
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.withdrawals import (
    InvalidWithdrawal,
    Message,
    message_key,
    message_slot,
    prove_withdrawal,
    verify_withdrawal,
)
from tests.helpers.rollup import BRIDGE, make_genesis

MESSAGE = Message(
    nonce=0, sender=Address(b"\1" * 20), target=Address(b"\2" * 20), value=7, gas_limit=0, data=b"x"
)


def key_of(message: Message) -> Hash32:
    return message_key(message, l1_chain_id=1, bridge=BRIDGE, l2_chain_id=2)


def state_with_message() -> tuple[dict[bytes, bytes], Hash32]:
    genesis = make_genesis()
    nodes, root, path = dict(genesis.nodes), genesis.state.unit.state_root, keccak256(MESSAGE_PASSER)
    account = Account.decode(mpt.get(nodes, root, path) or b"")
    storage_root, written = mpt.commit(
        nodes, account.storage_root, {keccak256(message_slot(key_of(MESSAGE))): encode_slot(1)}
    )
    nodes.update(written)
    changed = Account(nonce=account.nonce, balance=7, storage_root=storage_root, code_hash=account.code_hash)
    new_root, written = mpt.commit(nodes, root, {path: changed.encode()})
    nodes.update(written)
    return nodes, new_root


def test_build_genesis__twice__same_end_leaf_and_contracts_readable() -> None:
    genesis = make_genesis()

    account = Account.decode(
        mpt.get(genesis.nodes, genesis.state.unit.state_root, keccak256(MESSAGE_PASSER)) or b""
    )
    bridge = mpt.get(genesis.nodes, account.storage_root, keccak256(storage_slot(3)))

    assert genesis.end_leaf == make_genesis().end_leaf
    assert genesis.nodes[account.code_hash] == b"\x00"
    assert bridge == b"\x94" + BRIDGE


def test_withdrawal__sent_message__proof_verifies() -> None:
    nodes, root = state_with_message()

    proof = prove_withdrawal(nodes, root, key_of(MESSAGE))

    verify_withdrawal(root, key_of(MESSAGE), proof)


def test_withdrawal__message_never_sent__no_proof() -> None:
    genesis = make_genesis()

    with pytest.raises(InvalidWithdrawal):
        prove_withdrawal(genesis.nodes, genesis.state.unit.state_root, key_of(MESSAGE))


def test_verify_withdrawal__other_key_same_proof__rejected() -> None:
    nodes, root = state_with_message()
    proof = prove_withdrawal(nodes, root, key_of(MESSAGE))

    with pytest.raises(mpt.InvalidProof):
        verify_withdrawal(root, struct_hash(bytes(32), 1), proof)


def test_alias_address__wraps_at_2_160() -> None:
    assert alias_address(Address(b"\xff" * 20)).hex() == "1111000000000000000000000000000000001110"
