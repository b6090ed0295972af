"""Derives one batch from L1 data: by repeating what the node already executed, or by executing.

A sequencer has run its own blocks before they come back from L1. `repeat_batch`
walks the batch over the stored outcomes and notices the first unit that is not
what was stored; `execute_batch` runs an engine and is always right.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from optimistic.node.block_builder import LaneUse, lane_demand, logs_bloom
from optimistic.node.chain_records import Block, ExecutedBlock, ExecutedUnit
from optimistic.protocol.derivation import BatchReplay, BlockResult, RollupState, UnitKind
from optimistic.protocol.engine import BlockEnv, Engine, Lane, Outcome, Skip
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import BatchRecord, Deposit, deposit_tx_hash
from optimistic.protocol.types import Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInput:
    """Everything a batch is derived from."""

    params: RollupParams
    start: RollupState
    """State after the previous batch."""
    record: BatchRecord
    data: bytes
    deposits: Sequence[Deposit]
    """Queue entries [record.deposit_start, record.deposit_end)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedBatch:
    """What a batch became."""

    blocks: tuple[ExecutedBlock, ...]
    leaves: tuple[Hash32, ...]
    """Machine hash after each unit."""
    end: RollupState
    skipped: int
    """Transactions in the data that were not valid."""


class Diverged(Exception):
    """The batch is not what the stored outcomes were recorded for."""


def execute_batch(batch: BatchInput, engine: Engine) -> DerivedBatch:
    """Derive `batch` by executing it on `engine`, which stands on the start state."""
    return _collect(batch, engine)


def repeat_batch(batch: BatchInput, local: Iterable[ExecutedBlock]) -> DerivedBatch:
    """Derive `batch` from stored outcomes of the blocks that follow its start; reads only those it needs.

    Raises
    ------
    Diverged : the batch and the stored blocks are not the same
    """
    stored = _StoredOutcomes(batch.start.unit.state_root, local)
    derived = _collect(batch, stored)
    if [block.hash for block in stored.begun] != [executed.block.hash for executed in derived.blocks]:
        raise Diverged("a block holds more than the batch")
    return derived


def _collect(batch: BatchInput, engine: Engine) -> DerivedBatch:
    replay = BatchReplay(batch.params, batch.start, batch.record, batch.data, batch.deposits, engine)
    leaves: list[Hash32] = []
    blocks: list[ExecutedBlock] = []
    units: list[ExecutedUnit] = []
    skipped = 0
    for result in replay:
        leaves.append(result.leaf)
        effect = result.effect
        if isinstance(effect, BlockResult):
            blocks.append(_executed_block(effect, result.unit.deposit_cursor, units))
            units = []
        elif isinstance(effect, Skip):
            skipped += 1
        elif isinstance(effect, Outcome):
            units.append(_executed_unit(effect, result.kind, result.raw, result.unit.deposit_cursor))
    return DerivedBatch(blocks=tuple(blocks), leaves=tuple(leaves), end=replay.state, skipped=skipped)


def _executed_unit(outcome: Outcome, kind: UnitKind, raw: bytes | None, deposit_cursor: int) -> ExecutedUnit:
    if kind is UnitKind.DEPOSIT:
        return ExecutedUnit(outcome=outcome, deposit_index=deposit_cursor - 1)
    assert raw is not None, "an executed transaction has its bytes"
    return ExecutedUnit(outcome=outcome, raw=raw, lane_demand=lane_demand(raw))


def _executed_block(result: BlockResult, deposit_cursor: int, units: Sequence[ExecutedUnit]) -> ExecutedBlock:
    lanes = {lane: LaneUse() for lane in Lane}
    for unit in units:
        if unit.deposit_index is None:
            lanes[unit.outcome.lane].add(unit.lane_demand, unit.outcome.execution_gas)
    block = Block(
        number=result.number,
        hash=result.hash,
        parent_hash=result.parent_hash,
        timestamp=result.timestamp,
        state_root=result.state_root,
        receipts_acc=result.receipts_acc,
        prev_randao=result.prev_randao,
        gas_used=result.gas_used,
        logs_bloom=logs_bloom(log for unit in units for log in unit.outcome.logs),
        deposit_cursor=deposit_cursor,
        n_transactions=len(units),
        size_bytes=sum(len(unit.raw) for unit in units),
        general_gas=lanes[Lane.GENERAL].gas,
        system_gas=lanes[Lane.SYSTEM].gas,
        general_demand=lanes[Lane.GENERAL].demand,
        system_demand=lanes[Lane.SYSTEM].demand,
    )
    return ExecutedBlock(block=block, units=tuple(units))


class _StoredOutcomes:
    """An engine that repeats stored outcomes as long as it is asked for exactly them."""

    def __init__(self, state_root: Hash32, blocks: Iterable[ExecutedBlock]) -> None:
        self.begun: list[Block] = []
        self._state_root = state_root
        self._blocks = iter(blocks)
        self._units: Iterator[ExecutedUnit] = iter(())

    @property
    def state_root(self) -> Hash32:
        """World state root after the last repeated unit."""
        return self._state_root

    def begin_block(self, env: BlockEnv) -> None:
        """Go to the next stored block, which must have been built in the same environment."""
        stored = next(self._blocks, None)
        if stored is None or (stored.block.number, stored.block.timestamp, stored.block.prev_randao) != (
            env.number,
            env.timestamp,
            env.prev_randao,
        ):
            raise Diverged(f"block {env.number} begins otherwise")
        self.begun.append(stored.block)
        self._units = iter(stored.units)

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        """Repeat a transaction that was stored here and fits the budget."""
        unit = next(self._units, None)
        if unit is None or unit.raw != raw or unit.lane_demand > left[unit.outcome.lane]:
            raise Diverged("another transaction, or no budget for it")
        return self._repeat(unit)

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        """Repeat a deposit that was stored here."""
        unit = next(self._units, None)
        if unit is None or unit.deposit_index != index:
            raise Diverged(f"deposit {index} ran elsewhere")
        if unit.outcome.tx_hash != deposit_tx_hash(index, deposit):
            raise Diverged(f"deposit {index} changed")
        return self._repeat(unit)

    def _repeat(self, unit: ExecutedUnit) -> Outcome:
        self._state_root = unit.outcome.state_root
        return unit.outcome
