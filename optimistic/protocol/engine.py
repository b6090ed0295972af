"""What executing one unit takes and gives: the seam between derivation and an EVM.

`derivation` decides which unit runs next; an `Engine` runs it. `execution.EvmEngine`
executes; a node that sequenced the blocks itself repeats what it stored.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from optimistic.protocol.constants import SYSTEM_RANGE_START, TAG_LOG, TAG_RECEIPT
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import ZERO_HASH, Address, Hash32


class Lane(IntEnum):
    """Which gas budget a transaction draws on."""

    GENERAL = 0
    SYSTEM = 1


def lane_of(to: Address | None) -> Lane:
    """Return the lane of a transaction to `to` (None creates a contract)."""
    return Lane.SYSTEM if to is not None and to[:19] == SYSTEM_RANGE_START[:19] else Lane.GENERAL


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEnv:
    """What the block opcodes see."""

    chain_id: int
    number: int
    timestamp: int
    coinbase: Address
    gas_limit: int
    base_fee: int
    prev_randao: Hash32
    block_hashes: Callable[[int], Hash32]
    """Block number -> hash for the last 256 blocks, zero hash outside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One event of a contract."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The effect of one transaction or deposit."""

    tx_hash: Hash32
    sender: Address
    to: Address | None
    nonce: int
    status: int
    """1 for success, 0 for a revert or an exceptional halt."""
    gas_used: int
    execution_gas: int
    """Gas counted against the lane: max(0, gas_used - intrinsic); 0 for a deposit."""
    lane: Lane
    logs: tuple[Log, ...]
    contract_address: Address | None
    output: bytes
    effective_gas_price: int
    state_root: Hash32
    """World state root after the unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """A transaction that is not valid here: it moves the cursor and nothing else."""

    reason: str


class Engine(Protocol):
    """Executes the units of blocks on one world state."""

    @property
    def state_root(self) -> Hash32:
        """World state root after the last unit."""

    def begin_block(self, env: BlockEnv) -> None:
        """Set what block opcodes see from now on."""

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        """Execute raw transaction bytes; `left` are the lanes' remaining budgets."""

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        """Execute deposit number `index` of the queue."""


def log_acc(logs: Iterable[Log]) -> Hash32:
    """Fold a transaction's logs into one hash, starting from zero."""
    acc = ZERO_HASH
    for log in logs:
        topics = [*log.topics, *[ZERO_HASH] * (4 - len(log.topics))]
        acc = struct_hash(TAG_LOG, acc, log.address, len(log.topics), *topics, keccak256(log.data))
    return acc


def next_receipts_acc(acc: Hash32, outcome: Outcome) -> Hash32:
    """Append one receipt to a block's receipts accumulator."""
    return receipts_acc(acc, outcome.tx_hash, outcome.status, outcome.gas_used, log_acc(outcome.logs))


def receipts_acc(prev: Hash32, tx_hash: Hash32, status: int, gas_used: int, logs: Hash32) -> Hash32:
    """Return the receipts accumulator after a receipt whose logs fold to `logs`."""
    return struct_hash(TAG_RECEIPT, prev, tx_hash, status, gas_used, logs)
