"""Derivation: from an L1 record, its data and its deposits to units and blocks.

Total and deterministic: any bytes give some blocks, nothing raises, nothing is
dropped. The aggregator, a replica and the watchtower all run this code; the
sequencer runs it on recorded outcomes to learn its own unit leaves.

Source: docs/spec/03-derivation.md
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial

from optimistic.protocol.batch import EndItem, HeaderItem, Item, OversizedItem, TxItem, TxSpan, next_item
from optimistic.protocol.engine import BlockEnv, Engine, Lane, Outcome, Skip, next_receipts_acc
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import BlockRing, Phase, Unit, block_hash, machine_hash, prev_randao


class UnitKind(IntEnum):
    """What a unit does; the first and the last of a batch are BEGIN_BATCH and END_BATCH."""

    BEGIN_BATCH = 0
    BLOCK_BEGIN = 1
    DEPOSIT = 2
    TRANSACTION = 3
    BLOCK_END = 4
    END_BATCH = 5


@dataclass(frozen=True, slots=True)
class RollupState:
    """Where a replay starts or stops: the unit and the block hashes behind its ring."""

    unit: Unit
    ring: BlockRing


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockResult:
    """A finished L2 block."""

    number: int
    hash: Hash32
    parent_hash: Hash32
    timestamp: int
    prev_randao: Hash32
    state_root: Hash32
    receipts_acc: Hash32
    gas_used: int


Effect = Outcome | Skip | BlockResult | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """One unit of a batch and the boundary state after it."""

    index: int
    """Position in the batch, 0 for BEGIN_BATCH."""
    kind: UnitKind
    unit: Unit
    leaf: Hash32
    """Machine hash after the unit: the leaf of the unit tree."""
    raw: bytes | None
    """Transaction bytes of a TRANSACTION that is short enough to be read."""
    effect: Effect
    """Outcome or Skip of a transaction, Outcome of a deposit, BlockResult of a BLOCK_END."""


def clamp_timestamp(claimed: int, previous: int, l1_timestamp: int, max_lag_s: int) -> int:
    """Return a block's timestamp: close to L1's, never before the previous block's."""
    return max(previous, min(max(claimed, l1_timestamp - max_lag_s), l1_timestamp))


def begin_batch(unit: Unit, record: BatchRecord) -> Unit:
    """Load a batch record into an idle unit."""
    return replace(
        unit,
        data_root=record.data_root,
        data_len=record.data_len,
        cursor=0,
        deposit_end=record.deposit_end,
        l1_timestamp=record.l1_timestamp,
        config_hash=record.config_hash,
        left_general=record.gas_budget,
        left_system=record.system_gas_budget,
    )


def next_kind(unit: Unit, item: Item | TxSpan) -> UnitKind:
    """Return which unit follows the boundary `unit`; `item` is what the cursor points at."""
    if unit.block_open:
        if unit.block_deposits_left:
            return UnitKind.DEPOSIT
        return UnitKind.BLOCK_END if isinstance(item, EndItem | HeaderItem) else UnitKind.TRANSACTION
    if isinstance(item, HeaderItem) or unit.deposit_cursor < unit.deposit_end or not unit.blocks:
        return UnitKind.BLOCK_BEGIN
    return UnitKind.END_BATCH


def open_block(unit: Unit, item: Item | TxSpan, params: RollupParams) -> Unit:
    """Open a block: the one whose header `item` is, else the last one, which takes all deposits left."""
    left = unit.deposit_end - unit.deposit_cursor
    timestamp, n_deposits, cursor = unit.l1_timestamp, left, unit.data_len
    if isinstance(item, HeaderItem):
        timestamp, n_deposits, cursor = item.timestamp, min(item.n_deposits, left), item.end
    number = unit.number + 1
    return replace(
        unit,
        number=number,
        timestamp=clamp_timestamp(timestamp, unit.timestamp, unit.l1_timestamp, params.max_time_lag_s),
        coinbase=params.coinbase,
        gas_limit=params.block_gas_limit,
        base_fee=params.base_fee_wei,
        prev_randao=prev_randao(unit.parent_hash, number),
        cursor=cursor,
        block_open=1,
        block_deposits_left=n_deposits,
        tx_index=0,
        cum_gas_used=0,
        receipts_acc=ZERO_HASH,
    )


def open_block_hash(unit: Unit) -> Hash32:
    """Return the hash the open block has if it ends here."""
    return block_hash(unit.number, unit.parent_hash, unit.state_root, unit.receipts_acc, unit.timestamp)


def close_block(unit: Unit, hash_: Hash32, ring_root: Hash32) -> Unit:
    """Close the open block, whose hash is in the ring with `ring_root`."""
    return replace(unit, block_hash_ring=ring_root, parent_hash=hash_, block_open=0, blocks=unit.blocks + 1)


def append_receipt(unit: Unit, receipts_acc: Hash32, gas_used: int, state_root: Hash32) -> Unit:
    """Append a transaction or deposit to the open block: index, gas, receipts and state root."""
    return replace(
        unit,
        tx_index=unit.tx_index + 1,
        cum_gas_used=unit.cum_gas_used + gas_used,
        receipts_acc=receipts_acc,
        state_root=state_root,
    )


def charge_lane(unit: Unit, lane: Lane, execution_gas: int) -> Unit:
    """Take a transaction's execution gas from its lane's budget, not below zero."""
    if lane is Lane.SYSTEM:
        return replace(unit, left_system=max(0, unit.left_system - execution_gas))
    return replace(unit, left_general=max(0, unit.left_general - execution_gas))


class BatchReplay:
    """Walks one batch unit by unit; iterate once, then read `state`.

    Parameters
    ----------
    params : the configuration the record names
    start : state after the previous batch (phase IDLE)
    record, data : the inbox's record and the bytes its data root commits to
    deposits : queue entries [record.deposit_start, record.deposit_end)
    engine : stands on `start.unit.state_root`
    """

    def __init__(
        self,
        params: RollupParams,
        start: RollupState,
        record: BatchRecord,
        data: bytes,
        deposits: Sequence[Deposit],
        engine: Engine,
    ) -> None:
        if record.deposit_start != start.unit.deposit_cursor or engine.state_root != start.unit.state_root:
            raise CriticalError("the record or the engine does not follow the start state")
        if len(data) != record.data_len or len(deposits) != record.deposit_end - record.deposit_start:
            raise CriticalError("data or deposits are not those the record names")
        self._params = params
        self._record = record
        self._data = data
        self._deposits = deposits
        self._engine = engine
        self._index = 0
        self.state = start

    def __iter__(self) -> Iterator[UnitResult]:
        """Yield every unit of the batch in order."""
        yield self._step(UnitKind.BEGIN_BATCH, begin_batch(self.state.unit, self._record))
        while True:
            item = next_item(self._data, self.state.unit.cursor, self._params.max_tx_bytes)
            result = self._next_unit(item)
            yield result
            if result.kind is UnitKind.END_BATCH:
                return

    def _next_unit(self, item: Item) -> UnitResult:
        """Choose and run the next unit; `item` is what the cursor points at."""
        unit = self.state.unit
        kind = next_kind(unit, item)
        if kind is UnitKind.BLOCK_BEGIN:
            return self._block_begin(item)
        if kind is UnitKind.DEPOSIT:
            return self._deposit()
        if isinstance(item, TxItem) and kind is UnitKind.TRANSACTION:
            return self._transaction(item)
        if isinstance(item, OversizedItem) and kind is UnitKind.TRANSACTION:
            skipped = replace(unit, cursor=item.end)
            return self._step(UnitKind.TRANSACTION, skipped, Skip(reason="transaction too long"))
        if kind is UnitKind.BLOCK_END:
            return self._block_end()
        return self._step(UnitKind.END_BATCH, unit.idle())

    def _block_begin(self, item: Item) -> UnitResult:
        """Open a block."""
        opened = open_block(self.state.unit, item, self._params)
        self._engine.begin_block(block_env(RollupState(opened, self.state.ring)))
        return self._step(UnitKind.BLOCK_BEGIN, opened)

    def _deposit(self) -> UnitResult:
        """Run the next deposit of the queue."""
        unit = self.state.unit
        deposit = self._deposits[unit.deposit_cursor - self._record.deposit_start]
        outcome = self._engine.apply_deposit(unit.deposit_cursor, deposit)
        after = replace(
            _with_outcome(unit, outcome),
            deposit_cursor=unit.deposit_cursor + 1,
            block_deposits_left=unit.block_deposits_left - 1,
        )
        return self._step(UnitKind.DEPOSIT, after, outcome)

    def _transaction(self, item: TxItem) -> UnitResult:
        """Run one transaction, or pass over it if the engine skips it."""
        unit = self.state.unit
        outcome = self._engine.apply_transaction(item.raw, (unit.left_general, unit.left_system))
        moved = replace(unit, cursor=item.end)
        if isinstance(outcome, Skip):
            return self._step(UnitKind.TRANSACTION, moved, outcome, item.raw)
        after = charge_lane(_with_outcome(moved, outcome), outcome.lane, outcome.execution_gas)
        return self._step(UnitKind.TRANSACTION, after, outcome, item.raw)

    def _block_end(self) -> UnitResult:
        """Close the open block and put its hash into the ring."""
        unit = self.state.unit
        block = BlockResult(
            number=unit.number,
            hash=open_block_hash(unit),
            parent_hash=unit.parent_hash,
            timestamp=unit.timestamp,
            prev_randao=unit.prev_randao,
            state_root=unit.state_root,
            receipts_acc=unit.receipts_acc,
            gas_used=unit.cum_gas_used,
        )
        self.state = RollupState(unit, self.state.ring.with_block(block.number, block.hash))
        closed = close_block(unit, block.hash, self.state.ring.root)
        return self._step(UnitKind.BLOCK_END, closed, block)

    def _step(
        self, kind: UnitKind, unit: Unit, effect: Effect = None, raw: bytes | None = None
    ) -> UnitResult:
        """Make `unit` the present state and return the unit that led to it."""
        self.state = RollupState(unit, self.state.ring)
        index, self._index = self._index, self._index + 1
        phase = Phase.IDLE if kind is UnitKind.END_BATCH else Phase.BOUNDARY
        return UnitResult(
            index=index, kind=kind, unit=unit, leaf=machine_hash(phase, unit), raw=raw, effect=effect
        )


def block_env(state: RollupState) -> BlockEnv:
    """Return what block opcodes see in the open block of `state`."""
    unit = state.unit
    return BlockEnv(
        chain_id=unit.chain_id,
        number=unit.number,
        timestamp=unit.timestamp,
        coinbase=unit.coinbase,
        gas_limit=unit.gas_limit,
        base_fee=unit.base_fee,
        prev_randao=unit.prev_randao,
        block_hashes=partial(state.ring.lookup, unit.number),
    )


def _with_outcome(unit: Unit, outcome: Outcome) -> Unit:
    """Append an outcome to the open block."""
    receipts_acc = next_receipts_acc(unit.receipts_acc, outcome)
    return append_receipt(unit, receipts_acc, outcome.gas_used, outcome.state_root)
