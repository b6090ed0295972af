"""Produces blocks from deposits, requeued transactions and the pool, in this order."""

from dataclasses import dataclass
from typing import Final

import structlog

from optimistic.node.block_builder import BlockBuilder
from optimistic.node.chain import Chain
from optimistic.node.chain_records import Block, L1Block
from optimistic.node.chain_store import ChainStore
from optimistic.node.gateway import Gateway
from optimistic.node.l1_clock import L1Clock
from optimistic.node.mempool import PooledTransaction
from optimistic.node.patience import Patience
from optimistic.node.pool_errors import PoolRejection
from optimistic.protocol.batch import HEADER_BYTES, TX_PREFIX_BYTES
from optimistic.protocol.engine import Lane
from optimistic.protocol.params import RollupParams

log = structlog.get_logger(__name__)

MAX_POSTED_BYTES: Final = 119_000
"""Batch data of one L1 transaction of at most 120,000 bytes."""

_MAX_BLOCK_DEPOSITS: Final = 512
_FILL_SHARE_PERCENT: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencerOptions:
    """How blocks are produced; nothing here is consensus."""

    block_interval_ms: int = 1_000
    empty_blocks: bool = True
    """Produce a block although nothing happened."""
    deposit_confirmations: int = 1
    """L1 blocks, the deposit's own included, before a deposit runs."""
    max_drift_s: int = 30
    """How far L2 time may run ahead of the newest L1 block."""
    max_unposted_bytes: int = 16 * MAX_POSTED_BYTES
    """Stop producing while this much waits to be posted."""
    max_unposted_bursts: int = 4
    """Stop producing while execution gas worth this many full buckets waits to be posted."""


class Sequencer:
    """The block producer; `step` belongs to one thread.

    Parameters
    ----------
    params : consensus parameters
    chain, store : the unsafe chain and its database
    gateway : where transactions wait
    options : the operator's choices
    l1_clock : L1's time, and the local clock
    """

    def __init__(
        self,
        params: RollupParams,
        chain: Chain,
        store: ChainStore,
        gateway: Gateway,
        options: SequencerOptions,
        l1_clock: L1Clock,
    ) -> None:
        self._params = params
        self._chain = chain
        self._store = store
        self._gateway = gateway
        self._mempool = gateway.mempool
        self._options = options
        self._l1_clock = l1_clock
        self._clock = l1_clock.local
        self._patience = Patience(self._clock)
        self._next_ms = 0

    def step(self) -> bool:
        """Produce a block if one is due; return whether it did."""
        now_ms = self._clock.time_ms()
        if now_ms < self._next_ms:
            return False
        interval_ms = self._options.block_interval_ms
        is_behind = now_ms - self._next_ms > interval_ms
        self._next_ms = interval_ms + (now_ms if is_behind else self._next_ms)
        return self.produce() is not None

    def produce(self) -> Block | None:
        """Produce one block now; None if there is nothing for it or too much waits to be posted."""
        with self._chain.lock:
            cursor = self._store.derive_cursor()
            if cursor is None or not self._l1_clock.time_s() or self._is_congested():
                return None
            builder = self._chain.begin_block(self._timestamp())
            try:
                self._fill(builder, cursor)
                if not builder.units and not self._options.empty_blocks:
                    return None
                block = self._chain.commit(builder)
            except BaseException:
                self._chain.reset()
                raise
        log.debug("block_produced", number=block.number, transactions=block.n_transactions)
        return block

    def _timestamp(self) -> int:
        """Return L1's time, at most the allowed drift past its newest block, not before the parent's."""
        latest = self._l1_clock.head_timestamp_s() + self._options.max_drift_s
        return max(self._chain.head.timestamp, min(self._l1_clock.time_s(), latest))

    def _is_congested(self) -> bool:
        waiting = self._store.unposted()
        bursts = self._options.max_unposted_bursts
        size = waiting.size_bytes + waiting.n_blocks * HEADER_BYTES
        return (
            size > self._options.max_unposted_bytes
            or waiting.general_gas > bursts * self._params.gas_burst
            or waiting.system_gas > bursts * self._params.system_gas_burst
        )

    def _fill(self, builder: BlockBuilder, l1_head: L1Block) -> None:
        self._add_deposits(builder, l1_head)
        if self._add_requeued(builder):
            self._add_pooled(builder)

    def _add_deposits(self, builder: BlockBuilder, l1_head: L1Block) -> None:
        confirmed = self._store.deposit_count(l1_head.number + 1 - self._options.deposit_confirmations)
        end = min(confirmed, builder.deposit_cursor + _MAX_BLOCK_DEPOSITS)
        gas = 0
        for deposit in self._store.deposits(builder.deposit_cursor, end):
            gas += deposit.gas_limit
            if builder.units and gas > self._params.gas_burst:
                break
            builder.add_deposit(deposit)
        if builder.units:
            self._patience.hurry()

    def _add_requeued(self, builder: BlockBuilder) -> bool:
        """Execute again what a reorg removed; return whether all that can run now fitted."""
        given_up = []
        has_room = True
        for tx_hash, raw in self._store.requeued():
            if not self._patience.may_try(tx_hash):
                continue
            try:
                pooled = self._mempool.decode(raw, trusted=True)
            except PoolRejection:
                given_up.append(tx_hash)
                continue
            has_room = self._fits(builder, pooled)
            if not has_room:
                break
            if not self._runs(builder, pooled):
                given_up.append(tx_hash)
        if given_up:
            self._store.drop_requeued(given_up)
        return has_room

    def _add_pooled(self, builder: BlockBuilder) -> None:
        selection = self._mempool.select()
        budget_s = self._options.block_interval_ms * _FILL_SHARE_PERCENT / 100_000
        deadline_s = self._clock.monotonic_s() + budget_s
        while (pooled := selection.next()) is not None:
            if not self._patience.may_try(pooled.tx.hash) or not self._fits(builder, pooled):
                continue
            count = len(builder.units)
            if not self._runs(builder, pooled):
                self._mempool.drop(pooled.tx.hash)
            elif len(builder.units) > count:
                selection.executed(pooled)
            if self._clock.monotonic_s() > deadline_s:
                return

    def _runs(self, builder: BlockBuilder, pooled: PooledTransaction) -> bool:
        """Execute a transaction if it can be; return False if it never will."""
        tx_hash = pooled.tx.hash
        skip = builder.add_transaction(pooled.tx.raw, pooled.lane_demand)
        if skip is None:
            self._patience.ended(tx_hash)
            return True
        if not self._patience.is_exhausted_by(tx_hash, skip.reason):
            return True
        log.info("transaction_dropped", tx=tx_hash.hex(), reason=skip.reason)
        return False

    def _fits(self, builder: BlockBuilder, pooled: PooledTransaction) -> bool:
        """Whether a batch can hold the block with one more transaction: bytes and lane budget."""
        count = len(builder.units) + 1
        size = 1 + HEADER_BYTES + builder.size_bytes + len(pooled.tx.raw) + count * TX_PREFIX_BYTES
        lane = pooled.tx.lane
        burst = self._params.system_gas_burst if lane is Lane.SYSTEM else self._params.gas_burst
        return size <= MAX_POSTED_BYTES and builder.lanes[lane].demand_with(pooled.lane_demand) <= burst
