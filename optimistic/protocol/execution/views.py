"""Reading a state by its root, with proofs."""

from collections.abc import Sequence
from dataclasses import dataclass

from optimistic.protocol import mpt
from optimistic.protocol.accounts import EMPTY_ACCOUNT, Account
from optimistic.protocol.execution.world import read_account, read_code, read_slot
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.types import Address, Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotProof:
    """A storage slot with the trie nodes that prove it, present or absent."""

    slot: int
    value: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProof:
    """An account and slots of it with the trie nodes that prove them (EIP-1186)."""

    address: Address
    account: Account
    """An empty account when absent."""
    proof: tuple[bytes, ...]
    slots: tuple[SlotProof, ...]


class StateView:
    """The accounts under one state root."""

    def __init__(self, nodes: NodeReader, root: Hash32) -> None:
        self._nodes = nodes
        self.root = root

    def account(self, address: Address) -> Account:
        """Return the account, an empty one when absent."""
        return read_account(self._nodes, self.root, address) or EMPTY_ACCOUNT

    def balance(self, address: Address) -> int:
        """Return the balance in wei."""
        return self.account(address).balance

    def nonce(self, address: Address) -> int:
        """Return the nonce."""
        return self.account(address).nonce

    def code(self, address: Address) -> bytes:
        """Return the code, empty when there is none."""
        return read_code(self._nodes, self.account(address).code_hash)

    def storage(self, address: Address, slot: int) -> int:
        """Return the value of a slot, 0 when never set."""
        return read_slot(self._nodes, self.account(address).storage_root, slot)

    def prove(self, address: Address, slots: Sequence[int] = ()) -> AccountProof:
        """Return the account and some of its slots with their proofs."""
        account = self.account(address)
        return AccountProof(
            address=address,
            account=account,
            proof=tuple(mpt.prove(self._nodes, self.root, keccak256(address))),
            slots=tuple(self._prove_slot(account.storage_root, slot) for slot in slots),
        )

    def _prove_slot(self, storage_root: Hash32, slot: int) -> SlotProof:
        """Prove one slot of a storage trie, present or absent."""
        path = keccak256(slot.to_bytes(32, "big"))
        return SlotProof(
            slot=slot,
            value=read_slot(self._nodes, storage_root, slot),
            proof=tuple(mpt.prove(self._nodes, storage_root, path)),
        )
