"""Builds one block: runs units on an engine and folds them into what the store keeps.

The sequencer builds blocks unit by unit; a replay of L1 data collects them from
`derivation.BatchReplay`. Both end in the same `ExecutedBlock`.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

from optimistic.node.chain_records import Block, ExecutedBlock, ExecutedUnit
from optimistic.protocol.engine import BlockEnv, Engine, Lane, Log, Skip, next_receipts_acc
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.transactions import decode_transaction, intrinsic_gas
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import BlockRing, block_hash, prev_randao

_UNBOUNDED = (1 << 64) - 1
_BLOOM_BYTES = 256


class NodeEngine(Engine, Protocol):
    """An engine whose state can be written to the node store."""

    def flush(self) -> None:
        """Write every trie node and code that is not stored yet."""


class LaneUse:
    """What a block takes from one lane's budget.

    `gas` is the sum of execution gas; `demand` is what must be left when the
    block begins, so that no transaction is skipped for want of budget.
    """

    __slots__ = ("demand", "gas")

    def __init__(self) -> None:
        self.gas = 0
        self.demand = 0

    def demand_with(self, lane_demand: int) -> int:
        """Return the demand after one more transaction that needs `lane_demand`."""
        return max(self.demand, self.gas + lane_demand)

    def add(self, lane_demand: int, execution_gas: int) -> None:
        """Account for one transaction."""
        self.demand = self.demand_with(lane_demand)
        self.gas += execution_gas


class BlockBuilder:
    """One open block on top of `parent`.

    Parameters
    ----------
    params : consensus parameters
    parent : the block before
    ring : block hashes up to and including `parent`
    engine : stands on the state after `parent`
    timestamp : Unix seconds, at least the parent's
    """

    def __init__(
        self, params: RollupParams, parent: Block, ring: BlockRing, engine: Engine, timestamp: int
    ) -> None:
        self._parent = parent
        self._engine = engine
        self._number = parent.number + 1
        self._timestamp = timestamp
        self._prev_randao = prev_randao(parent.hash, self._number)
        self._receipts_acc = ZERO_HASH
        self._gas_used = 0
        self._size = 0
        self.units: list[ExecutedUnit] = []
        self.deposit_cursor = parent.deposit_cursor
        self.lanes = {lane: LaneUse() for lane in Lane}
        engine.begin_block(
            BlockEnv(
                chain_id=params.l2_chain_id,
                number=self._number,
                timestamp=timestamp,
                coinbase=params.coinbase,
                gas_limit=params.block_gas_limit,
                base_fee=params.base_fee_wei,
                prev_randao=self._prev_randao,
                block_hashes=partial(ring.lookup, self._number),
            )
        )

    @property
    def size_bytes(self) -> int:
        """Sum of the raw transactions' lengths so far."""
        return self._size

    def add_deposit(self, deposit: Deposit) -> None:
        """Run the next deposit of the queue; deposits come before transactions."""
        outcome = self._engine.apply_deposit(self.deposit_cursor, deposit)
        self._receipts_acc = next_receipts_acc(self._receipts_acc, outcome)
        self._gas_used += outcome.gas_used
        self.units.append(ExecutedUnit(outcome=outcome, deposit_index=self.deposit_cursor))
        self.deposit_cursor += 1

    def add_transaction(self, raw: bytes, lane_demand: int) -> Skip | None:
        """Run a transaction; return why it cannot be part of this block, or None."""
        outcome = self._engine.apply_transaction(raw, (_UNBOUNDED, _UNBOUNDED))
        if isinstance(outcome, Skip):
            return outcome
        self._receipts_acc = next_receipts_acc(self._receipts_acc, outcome)
        self._gas_used += outcome.gas_used
        self._size += len(raw)
        self.lanes[outcome.lane].add(lane_demand, outcome.execution_gas)
        self.units.append(ExecutedUnit(outcome=outcome, raw=raw, lane_demand=lane_demand))
        return None

    def finish(self) -> ExecutedBlock:
        """Close the block."""
        state_root = self._engine.state_root
        block = Block(
            number=self._number,
            hash=block_hash(self._number, self._parent.hash, state_root, self._receipts_acc, self._timestamp),
            parent_hash=self._parent.hash,
            timestamp=self._timestamp,
            state_root=state_root,
            receipts_acc=self._receipts_acc,
            prev_randao=self._prev_randao,
            gas_used=self._gas_used,
            logs_bloom=logs_bloom(log for unit in self.units for log in unit.outcome.logs),
            deposit_cursor=self.deposit_cursor,
            n_transactions=len(self.units),
            size_bytes=self._size,
            general_gas=self.lanes[Lane.GENERAL].gas,
            system_gas=self.lanes[Lane.SYSTEM].gas,
            general_demand=self.lanes[Lane.GENERAL].demand,
            system_demand=self.lanes[Lane.SYSTEM].demand,
        )
        return ExecutedBlock(block=block, units=tuple(self.units))


def lane_demand(raw: bytes) -> int:
    """Return gas limit less intrinsic gas of a valid transaction."""
    tx = decode_transaction(raw)
    return max(0, tx.gas_limit - intrinsic_gas(tx))


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the 2048-bit Bloom filter of addresses and topics, 256 bytes (Yellow Paper §4.3.1)."""
    bits = 0
    for value in {item for log in logs for item in (log.address, *log.topics)}:
        digest = keccak256(value)
        for start in (0, 2, 4):
            bits |= 1 << (int.from_bytes(digest[start : start + 2], "big") & 2047)
    return bits.to_bytes(_BLOOM_BYTES, "big")


def ring_of(blocks: Sequence[Block]) -> BlockRing:
    """Return the ring after the last of `blocks`: up to 256 consecutive ones, oldest first."""
    hashes: list[Hash32] = [ZERO_HASH] * 256
    for block in blocks:
        hashes[block.number % 256] = block.hash
    return BlockRing.from_hashes(hashes)
