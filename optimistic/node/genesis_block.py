"""Block 0 as the store keeps it."""

from optimistic.node.chain_records import Block
from optimistic.protocol.genesis import Genesis
from optimistic.protocol.types import ZERO_HASH


def genesis_block(genesis: Genesis) -> Block:
    """Return the genesis block of a rollup."""
    unit = genesis.state.unit
    return Block(
        number=0,
        hash=genesis.block_hash,
        parent_hash=ZERO_HASH,
        timestamp=unit.timestamp,
        state_root=unit.state_root,
        receipts_acc=ZERO_HASH,
        prev_randao=ZERO_HASH,
        gas_used=0,
        logs_bloom=bytes(256),
        deposit_cursor=0,
        n_transactions=0,
        size_bytes=0,
    )
