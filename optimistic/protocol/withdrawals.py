"""Messages from L2 to L1 and the proofs that the bridge accepts.

A message is a true flag in MessagePasser's storage under its key. The bridge
checks the flag against the state root of a confirmed assertion.

Source: docs/spec/08-bridge.md; twins: MessagePasser.sol, Bridge.sol
"""

from dataclasses import dataclass

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account
from optimistic.protocol.constants import MESSAGE_PASSER, TAG_MSG
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import abi_word, keccak256, struct_hash
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.predeploys import MESSAGE_PASSER_SENT_SLOT
from optimistic.protocol.types import Address, Hash32

_SENT = b"\x01"


class InvalidWithdrawal(InvalidInput):
    """The message was not sent in the state the proof is against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to L1; `value` wei leave L2 with it."""

    nonce: int
    sender: Address
    target: Address
    value: int
    gas_limit: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalProof:
    """RLP trie nodes from a state root to MessagePasser and on to the message's flag."""

    account_proof: tuple[bytes, ...]
    storage_proof: tuple[bytes, ...]


def message_key(message: Message, *, l1_chain_id: int, bridge: Address, l2_chain_id: int) -> Hash32:
    """Return the message's 32-byte key, unique across bridges and chains."""
    return struct_hash(
        TAG_MSG,
        l1_chain_id,
        bridge,
        l2_chain_id,
        message.nonce,
        message.sender,
        message.target,
        message.value,
        message.gas_limit,
        keccak256(message.data),
    )


def message_slot(key: Hash32) -> Hash32:
    """Return the storage slot of the message's flag (a Solidity mapping entry)."""
    return keccak256(key + abi_word(MESSAGE_PASSER_SENT_SLOT))


def prove_withdrawal(nodes: NodeReader, state_root: Hash32, key: Hash32) -> WithdrawalProof:
    """Prove that the message with this key was sent.

    Raises
    ------
    InvalidWithdrawal : it was not, in the state of `state_root`
    """
    account_path = keccak256(MESSAGE_PASSER)
    slot_path = keccak256(message_slot(key))
    raw = mpt.get(nodes, state_root, account_path)
    if raw is None:
        raise InvalidWithdrawal("the state has no MessagePasser")
    storage_root = Account.decode(raw).storage_root
    if mpt.get(nodes, storage_root, slot_path) != _SENT:
        raise InvalidWithdrawal(f"message {key.hex()} is not in this state; wait for a later assertion")
    return WithdrawalProof(
        account_proof=tuple(mpt.prove(nodes, state_root, account_path)),
        storage_proof=tuple(mpt.prove(nodes, storage_root, slot_path)),
    )


def verify_withdrawal(state_root: Hash32, key: Hash32, proof: WithdrawalProof) -> None:
    """Check a proof as the bridge does.

    Raises
    ------
    InvalidProof : nodes that do not form a path
    InvalidWithdrawal : a sound proof that the message was not sent
    """
    raw = mpt.read(state_root, keccak256(MESSAGE_PASSER), proof.account_proof)
    if raw is None:
        raise InvalidWithdrawal("the state has no MessagePasser")
    storage_root = Account.decode(raw).storage_root
    if mpt.read(storage_root, keccak256(message_slot(key)), proof.storage_proof) != _SENT:
        raise InvalidWithdrawal(f"message {key.hex()} was not sent")
