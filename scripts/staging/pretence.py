"""What a lying engine pretends while it executes one transaction: other code, other words of storage.

So it takes a step that an honest execution cannot take, such as a trade without a margin check,
and everything around that step stays true.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account, decode_slot, encode_slot
from optimistic.protocol.constants import LEDGER, RISK_MANAGER
from optimistic.protocol.hashing import abi_word, abi_words, keccak256
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.settlement.types import SubaccountId
from optimistic.protocol.types import Address, Hash32

LEDGER_ACCOUNTS_SLOT: Final = 1
LEDGER_CASH_OFFSET: Final = 1
"""Of the cash in an account of the Ledger, in slots."""
_WORD: Final = 1 << 256
_ANSWERS_ZERO: Final = bytes.fromhex("60205ff3")
"""Returns one word of zero to every caller."""

Changes = Mapping[tuple[Address, Hash32], int]
"""(contract, slot) -> what is added to the word, modulo 2^256."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretence:
    """What is pretended about one transaction.

    Attributes
    ----------
    code : what stands at an address while the transaction runs
    before, after : changes of storage before the transaction and after it
    """

    code: Mapping[Address, bytes] = field(default_factory=dict)
    before: Changes = field(default_factory=dict)
    after: Changes = field(default_factory=dict)


def skipped_margin_check() -> Pretence:
    """Pretend that the risk manager refuses no trade."""
    return Pretence(code={RISK_MANAGER: _ANSWERS_ZERO})


def worse_fill(loser: SubaccountId, winner: SubaccountId, cash_wad: int) -> Pretence:
    """Pretend that a fill had another price: one side paid so much more to the other."""
    return Pretence(after={cash_place(loser): -cash_wad, cash_place(winner): cash_wad})


def wrong_liquidation(victim: SubaccountId, cash_wad: int) -> Pretence:
    """Pretend, while its liquidation runs, that an account has so much less cash."""
    return Pretence(before={cash_place(victim): -cash_wad}, after={cash_place(victim): cash_wad})


def cash_place(subaccount: SubaccountId) -> tuple[Address, Hash32]:
    """Return where the Ledger stores the cash of a subaccount."""
    base = int.from_bytes(keccak256(abi_words(subaccount, LEDGER_ACCOUNTS_SLOT)), "big")
    return LEDGER, Hash32(abi_word((base + LEDGER_CASH_OFFSET) % _WORD))


def with_code(nodes: NodeStore, root: Hash32, code: Mapping[Address, bytes]) -> Hash32:
    """Return the root of a state in which other code stands at some addresses."""
    for address, runtime in code.items():
        hash_ = keccak256(runtime)
        nodes.put_many({hash_: runtime})
        root = _put(nodes, root, address, code_hash=hash_)
    return root


def code_hashes(nodes: NodeStore, root: Hash32, code: Mapping[Address, bytes]) -> dict[Address, Hash32]:
    """Return the hashes of the code that stands at some addresses."""
    return {address: _account(nodes, root, address).code_hash for address in code}


def with_code_hashes(nodes: NodeStore, root: Hash32, hashes: Mapping[Address, Hash32]) -> Hash32:
    """Return the root of a state in which code known by its hash stands at some addresses."""
    for address, hash_ in hashes.items():
        root = _put(nodes, root, address, code_hash=hash_)
    return root


def with_words(nodes: NodeStore, root: Hash32, changes: Changes) -> Hash32:
    """Return the root of a state in which some words of storage are changed."""
    for (address, slot), change in changes.items():
        storage_root = _account(nodes, root, address).storage_root
        raw = mpt.get(nodes, storage_root, keccak256(slot))
        word = ((0 if raw is None else decode_slot(raw)) + change) % _WORD
        value = encode_slot(word) if word else None
        storage_root, written = mpt.commit(nodes, storage_root, {keccak256(slot): value})
        nodes.put_many(written)
        root = _put(nodes, root, address, storage_root=storage_root)
    return root


def _put(nodes: NodeStore, root: Hash32, address: Address, **fields: Any) -> Hash32:
    """Change fields of an account; return the new root."""
    changed = replace(_account(nodes, root, address), **fields)
    root, written = mpt.commit(nodes, root, {keccak256(address): changed.encode()})
    nodes.put_many(written)
    return root


def _account(nodes: NodeStore, root: Hash32, address: Address) -> Account:
    raw = mpt.get(nodes, root, keccak256(address))
    return Account() if raw is None else Account.decode(raw)
