"""A small world for tests of execution: accounts in a trie, a block, signed transactions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_account import Account as Signer

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account, encode_slot
from optimistic.protocol.engine import BlockEnv
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from tests.helpers.memory_nodes import MemoryNodes

KEY = bytes.fromhex("45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8")
ALICE = Address(bytes.fromhex("a94f5374fce5edbc8e2a8697c15331677e6ebf0b"))
BOB = Address(b"\xb0" * 20)
CONTRACT = Address(b"\xcc" * 20)
ETHER = 10**18
PLENTY = (10**9, 10**9)


@dataclass(frozen=True, kw_only=True)
class Alloc:
    """What one account starts with."""

    balance: int = 0
    nonce: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)


def make_state(alloc: Mapping[Address, Alloc]) -> tuple[MemoryNodes, Hash32]:
    """Build the trie of `alloc`."""
    nodes = MemoryNodes()
    changes: dict[bytes, bytes | None] = {}
    for address, start in alloc.items():
        nodes[keccak256(start.code)] = start.code
        slots: dict[bytes, bytes | None] = {
            keccak256(slot.to_bytes(32, "big")): encode_slot(value) for slot, value in start.storage.items()
        }
        storage_root, built = mpt.commit(nodes, EMPTY_ROOT, slots)
        nodes.update(built)
        changes[keccak256(address)] = Account(
            nonce=start.nonce,
            balance=start.balance,
            storage_root=storage_root,
            code_hash=keccak256(start.code),
        ).encode()
    root, built = mpt.commit(nodes, EMPTY_ROOT, changes)
    nodes.update(built)
    return nodes, root


def make_env(params: RollupParams = DEVNET, **changes: Any) -> BlockEnv:
    """Build block 1."""
    fields: dict[str, Any] = {
        "chain_id": params.l2_chain_id,
        "number": 1,
        "timestamp": 1_000,
        "coinbase": params.coinbase,
        "gas_limit": params.block_gas_limit,
        "base_fee": params.base_fee_wei,
        "prev_randao": ZERO_HASH,
        "block_hashes": lambda _: ZERO_HASH,
    }
    return BlockEnv(**{**fields, **changes})


def sign_tx(**fields: Any) -> bytes:
    """Sign a dynamic-fee transaction of ALICE; `to=None` creates a contract."""
    base: dict[str, Any] = {
        "type": 2,
        "chainId": DEVNET.l2_chain_id,
        "nonce": 0,
        "gas": 100_000,
        "maxFeePerGas": 0,
        "maxPriorityFeePerGas": 0,
        "to": BOB,
        "value": 0,
        "data": b"",
    }
    merged = {name: value for name, value in {**base, **fields}.items() if value is not None}
    return bytes(Signer.sign_transaction(merged, KEY).raw_transaction)
