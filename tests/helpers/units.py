"""Units for tests that care about a few of their fields."""

from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH
from optimistic.protocol.unit import Unit

BLANK = Unit(
    chain_id=0,
    number=0,
    timestamp=0,
    coinbase=ZERO_ADDRESS,
    gas_limit=30_000_000,
    base_fee=0,
    prev_randao=ZERO_HASH,
    block_hash_ring=ZERO_HASH,
    parent_hash=ZERO_HASH,
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
    state_root=ZERO_HASH,
)
"""To be changed with `replace`."""
