"""Accounts, slots and warmth, each behind a trie root.

What a trie holds is read and written through leaves: `open_*` asks the backend for
one node list, `write_*` changes that leaf and returns the new root. A leaf belongs
to the root it was opened at, so of two writes under one root the second leaf must
be opened at the root after the first.
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.accounts import EMPTY_ACCOUNT, EMPTY_CODE_HASH, Account, decode_slot, encode_slot
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.backend import Backend, Leaf
from optimistic.protocol.stepper.precompiles import precompile_at
from optimistic.protocol.stepper.state import Journal, Machine
from optimistic.protocol.strict_rlp import decode_int, encode_int, string_payload
from optimistic.protocol.types import Address, Hash32

WARM: Final = 1
"""Bit of the warm trie: the address or slot was touched in this transaction."""
CREATED: Final = 2
"""The account was created in this transaction."""
DESTROYED: Final = 4
"""The account is in the destroy chain."""


def journal_of(m: Machine) -> Journal:
    """Return the journal of a phase that has one at hand."""
    assert isinstance(m.journal, Journal)
    return m.journal


# ------------------------------------------------------------------------------------------ accounts


def open_account(be: Backend, root: Hash32, address: Address) -> tuple[Leaf, Account]:
    """Return the leaf and the account of `address` in the world state; one node list."""
    leaf = be.open_leaf(root, keccak256(address))
    return leaf, EMPTY_ACCOUNT if leaf.value is None else Account.decode(leaf.value)


def is_dead(account: Account) -> bool:
    """Whether an account has neither nonce nor balance nor code: no state ever holds one."""
    return account.nonce == 0 and account.balance == 0 and account.code_hash == EMPTY_CODE_HASH


def write_account(be: Backend, leaf: Leaf, account: Account) -> Hash32:
    """Return the state root with `account` under the leaf, which is deleted if the account is dead.

    Asks for one node list (for deletion) only if a leaf with a value is deleted.
    """
    if not is_dead(account):
        return be.put_leaf(leaf, account.encode())
    return leaf.root if leaf.value is None else be.delete_leaf(leaf)


# --------------------------------------------------------------------------------------------- slots


def open_slot(be: Backend, storage_root: Hash32, slot: int) -> tuple[Leaf, int]:
    """Return the leaf and the value of a storage slot, zero if absent; one node list."""
    leaf = be.open_leaf(storage_root, keccak256(slot.to_bytes(32, "big")))
    return leaf, 0 if leaf.value is None else decode_slot(leaf.value)


def write_slot(be: Backend, leaf: Leaf, value: int) -> Hash32:
    """Return the storage root with `value` under the leaf; zero deletes (one more node list)."""
    if value:
        return be.put_leaf(leaf, encode_slot(value))
    return leaf.root if leaf.value is None else be.delete_leaf(leaf)


def slot_key(address: Address, slot: int) -> Hash32:
    """Return the key of a slot in the tries of warmth and of transient storage."""
    return keccak256(address + slot.to_bytes(32, "big"))


# -------------------------------------------------------------------------------------------- warmth


def is_warm_by_rule(m: Machine, address: Address) -> bool:
    """Whether an address is warm from the start: precompiles, coinbase, sender, target."""
    tx = m.tx
    assert tx is not None
    return address in (m.unit.coinbase, tx.sender, tx.target) or precompile_at(address) != 0


def open_bits(be: Backend, m: Machine, key: Hash32) -> tuple[Leaf, int]:
    """Return a leaf of the warm trie and its bits, zero if absent; one node list."""
    leaf = be.open_leaf(journal_of(m).warm_root, key)
    return leaf, 0 if leaf.value is None else decode_int(string_payload(leaf.value))


def write_bits(be: Backend, m: Machine, leaf: Leaf, bits: int) -> None:
    """Put bits, at least one, under a leaf of the present warm trie."""
    m.journal = replace(journal_of(m), warm_root=be.put_leaf(leaf, encode_int(bits)))


def touch_address(be: Backend, m: Machine, address: Address) -> bool:
    """Make an address warm and return whether it was; one node list unless it is so by rule."""
    return is_warm_by_rule(m, address) or _touch(be, m, keccak256(address))


def touch_slot(be: Backend, m: Machine, address: Address, slot: int) -> bool:
    """Make a slot warm and return whether it was; one node list."""
    return _touch(be, m, slot_key(address, slot))


def _touch(be: Backend, m: Machine, key: Hash32) -> bool:
    """Set the bit WARM of a key and return whether it was set."""
    leaf, bits = open_bits(be, m, key)
    if bits & WARM:
        return True
    write_bits(be, m, leaf, bits | WARM)
    return False
