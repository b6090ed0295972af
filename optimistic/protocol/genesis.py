"""The genesis state: world state, block 0 and the idle unit the first batch starts from.

Genesis holds no ether: all of it enters through the bridge, so what the bridge
holds always covers what exists on L2.

Source: docs/spec/04-execution.md
"""

from collections.abc import Mapping
from dataclasses import dataclass

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account, encode_slot
from optimistic.protocol.derivation import RollupState
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.predeploys import GenesisAccount
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import BlockRing, Phase, Unit, block_hash, machine_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """Everything a node needs before the first batch."""

    state: RollupState
    nodes: Mapping[bytes, bytes]
    """Trie nodes and code by keccak hash."""
    block_hash: Hash32
    end_leaf: Hash32
    """Machine hash of the idle genesis unit: what the genesis assertion commits to."""


def build_genesis(params: RollupParams, accounts: Mapping[Address, GenesisAccount]) -> Genesis:
    """Build the genesis of a rollup from its parameters and genesis contracts."""
    nodes: dict[bytes, bytes] = {}
    state_root = _commit_accounts(accounts, nodes)
    hash_ = block_hash(0, ZERO_HASH, state_root, ZERO_HASH, 0)
    ring = BlockRing.empty().with_block(0, hash_)
    unit = Unit(
        chain_id=params.l2_chain_id,
        number=0,
        timestamp=0,
        coinbase=params.coinbase,
        gas_limit=params.block_gas_limit,
        base_fee=params.base_fee_wei,
        prev_randao=ZERO_HASH,
        block_hash_ring=ring.root,
        parent_hash=hash_,
        data_root=ZERO_HASH,
        data_len=0,
        cursor=0,
        deposit_cursor=0,
        deposit_end=0,
        l1_timestamp=0,
        config_hash=ZERO_HASH,
        left_general=0,
        left_system=0,
        block_open=0,
        block_deposits_left=0,
        blocks=0,
        tx_index=0,
        cum_gas_used=0,
        receipts_acc=ZERO_HASH,
        state_root=state_root,
    )
    return Genesis(
        state=RollupState(unit, ring),
        nodes=nodes,
        block_hash=hash_,
        end_leaf=machine_hash(Phase.IDLE, unit),
    )


def _commit_accounts(accounts: Mapping[Address, GenesisAccount], nodes: dict[bytes, bytes]) -> Hash32:
    """Build the state trie of `accounts` into `nodes` and return its root."""
    leaves: dict[bytes, bytes | None] = {}
    for address, account in accounts.items():
        code_hash = keccak256(account.code)
        nodes[code_hash] = account.code
        slots: dict[bytes, bytes | None] = {
            keccak256(slot): encode_slot(value) for slot, value in account.storage.items()
        }
        storage_root = _commit(slots, nodes)
        record = Account(nonce=1, balance=0, storage_root=storage_root, code_hash=code_hash)
        leaves[keccak256(address)] = record.encode()
    return _commit(leaves, nodes)


def _commit(changes: Mapping[bytes, bytes | None], nodes: dict[bytes, bytes]) -> Hash32:
    """Build a trie from nothing into `nodes` and return its root."""
    root, written = mpt.commit({}, mpt.EMPTY_ROOT, changes)
    nodes.update(written)
    return root
