"""What the chain store holds, as values.

Bytes are raw (20-byte addresses, 32-byte hashes), amounts are wei, times are Unix seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from optimistic.protocol.engine import Lane, Outcome
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One L2 block without its transactions."""

    number: int
    hash: Hash32
    parent_hash: Hash32
    timestamp: int
    state_root: Hash32
    """World state after the block."""
    receipts_acc: Hash32
    prev_randao: Hash32
    gas_used: int
    logs_bloom: bytes
    """256 bytes, for JSON-RPC only: not part of the protocol."""
    deposit_cursor: int
    """Deposits [0, deposit_cursor) of the L1 queue have run when the block ends."""
    n_transactions: int
    """Transactions and deposits together."""
    size_bytes: int
    """Sum of the raw transactions' lengths."""
    general_gas: int = 0
    """Execution gas that its transactions take from the general lane's budget."""
    system_gas: int = 0
    general_demand: int = 0
    """What must be left of the general lane's budget when the block begins; at least `general_gas`."""
    system_demand: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTransaction:
    """A transaction or deposit at its place in the chain."""

    hash: Hash32
    block_number: int
    block_hash: Hash32
    block_timestamp: int
    index: int
    """Place among the block's transactions; deposits come first."""
    raw: bytes
    """The signed bytes; empty for a deposit."""
    deposit_index: int | None
    deposit: Deposit | None
    sender: Address
    to: Address | None
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLog:
    """An event at its place in the chain."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    block_number: int
    block_hash: Hash32
    block_timestamp: int
    tx_hash: Hash32
    tx_index: int
    log_index: int
    """Place among the block's logs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The effect of a stored transaction or deposit."""

    tx_hash: Hash32
    block_number: int
    block_hash: Hash32
    index: int
    is_deposit: bool
    sender: Address
    to: Address | None
    status: int
    gas_used: int
    cumulative_gas_used: int
    effective_gas_price: int
    contract_address: Address | None
    lane: Lane
    execution_gas: int
    """Gas counted against the lane's budget."""
    state_root: Hash32
    """World state right after this transaction."""
    logs: tuple[StoredLog, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which logs `ChainReader.logs` returns: block range inclusive at both ends."""

    from_block: int
    to_block: int
    addresses: tuple[Address, ...] = ()
    """Any of these; empty means every address."""
    topics: tuple[tuple[Hash32, ...], ...] = ()
    """Up to four sets of alternatives by position; an empty set asks only that a topic is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The three positions of the chain: unsafe is `latest` of JSON-RPC."""

    unsafe: Block
    safe: Block
    """Last block derived from L1."""
    finalized: Block
    """Last block derived from a finalized L1 block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unposted:
    """Sums over the blocks above the safe head."""

    n_blocks: int
    size_bytes: int
    general_gas: int
    system_gas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A derived batch and the blocks it became."""

    index: int
    acc: Hash32
    """Inbox accumulator after this batch."""
    record: BatchRecord
    data_hash: Hash32
    """keccak256 of the batch data."""
    l1_block_number: int
    l1_block_hash: Hash32
    first_block: int
    last_block: int
    n_units: int
    boundary_unit: Unit
    """IDLE unit after the batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAssertion:
    """An assertion seen on L1; batches [from_batch, to_batch)."""

    id: Hash32
    parent: Hash32
    seq: int
    """Order among the children of its parent."""
    poster: Address
    from_batch: int
    to_batch: int
    acc: Hash32
    unit_root: Hash32
    end_leaf: Hash32
    children_root: Hash32
    l1_timestamp: int
    l1_block_number: int
    confirmed: bool
    dead: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What this node knows to be right about batches [from_batch, to_batch)."""

    from_batch: int
    to_batch: int
    acc: Hash32
    """Accumulator after the last batch: it fixes the content of all."""
    unit_root: Hash32
    end_leaf: Hash32
    children_root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Block:
    """An L1 block that the deriver has followed."""

    number: int
    hash: Hash32
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedUnit:
    """A transaction (raw, no deposit index) or a deposit (index, no raw) with its outcome."""

    outcome: Outcome
    raw: bytes = b""
    deposit_index: int | None = None
    lane_demand: int = 0
    """Gas that must be left in the lane before it: gas limit less intrinsic gas; 0 for a deposit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedBlock:
    """A block with everything that ran in it: what the store appends and what a replay repeats."""

    block: Block
    units: Sequence[ExecutedUnit] = field(default=())
