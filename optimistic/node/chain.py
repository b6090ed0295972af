"""The unsafe chain and its engine: the one place that extends, replaces or shortens it.

Everything that changes the chain holds `lock`: the sequencer while it builds a
block, the deriver while it adopts a batch. A change is durable (trie nodes
first, then one database transaction) before listeners hear of it, so a crash
between any two lines leaves the chain as it was or as it becomes.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from optimistic.node.block_builder import BlockBuilder, NodeEngine, ring_of
from optimistic.node.chain_records import Batch, Block, ExecutedBlock
from optimistic.node.chain_store import ChainStore
from optimistic.node.replay import DerivedBatch
from optimistic.protocol.derivation import RollupState
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import RING_SIZE, BlockRing

log = structlog.get_logger(__name__)

EngineFactory = Callable[[Hash32], NodeEngine]
"""Builds an engine that stands on a 32-byte state root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainChange:
    """What listeners are told after the chain changed."""

    head: Block
    reorged: bool
    """Blocks that were there before are gone."""
    touched: frozenset[Address]
    """Senders of the new blocks; incomplete if `reorged`."""


class Chain:
    """The unsafe chain.

    Parameters
    ----------
    params : consensus parameters
    store : where the chain lives
    new_engine : builds an engine on a state root
    genesis : state the first batch starts from
    requeue : keep transactions of replaced blocks for execution again (a sequencer does)
    """

    def __init__(
        self,
        params: RollupParams,
        store: ChainStore,
        new_engine: EngineFactory,
        genesis: RollupState,
        *,
        requeue: bool,
    ) -> None:
        self.lock = threading.RLock()
        self._params = params
        self._store = store
        self._new_engine = new_engine
        self._genesis = genesis
        self._requeue = requeue
        self._listeners: list[Callable[[ChainChange], None]] = []
        self.reset()

    def reset(self) -> None:
        """Load the head from the store, after a change or after a block was given up."""
        with self.lock:
            self._head = self._store.heads().unsafe
            self._ring = self._ring_at(self._head.number)
            self._engine = self._new_engine(self._head.state_root)

    def _ring_at(self, number: int) -> BlockRing:
        return ring_of(self._store.blocks(number - RING_SIZE + 1, number))

    @property
    def head(self) -> Block:
        """The unsafe head."""
        return self._head

    def on_change(self, listener: Callable[[ChainChange], None]) -> None:
        """Call `listener` after each change, in the thread that made it."""
        self._listeners.append(listener)

    def _notify(self, *, reorged: bool, touched: frozenset[Address]) -> None:
        change = ChainChange(head=self._head, reorged=reorged, touched=touched)
        for listener in self._listeners:
            listener(change)

    # ------------------------------------------------------------------------------ sequencing

    def begin_block(self, timestamp: int) -> BlockBuilder:
        """Open a block on the head; hold `lock` until `commit` or `reset`."""
        return BlockBuilder(self._params, self._head, self._ring, self._engine, timestamp)

    def commit(self, builder: BlockBuilder) -> Block:
        """Make an open block the new head."""
        executed = builder.finish()
        self._engine.flush()
        self._store.append_blocks([executed])
        self._head = executed.block
        self._ring = self._ring.with_block(executed.block.number, executed.block.hash)
        self._notify(reorged=False, touched=_senders([executed]))
        return executed.block

    # ------------------------------------------------------------------------------ following L1

    def new_engine(self, state_root: Hash32) -> NodeEngine:
        """Return a fresh engine on `state_root`."""
        return self._new_engine(state_root)

    def derived_state(self) -> RollupState:
        """Return the state after the last derived batch: where the next one starts."""
        latest = self._store.latest_batch()
        if latest is None:
            return self._genesis
        return RollupState(latest.boundary_unit, self._ring_at(latest.last_block))

    def adopt(self, batch: Batch, data: bytes, derived: DerivedBatch, engine: NodeEngine | None) -> None:
        """Make `derived` the safe chain; unsafe blocks that it contradicts are replaced.

        Parameters
        ----------
        batch, data : what L1 recorded
        derived : the blocks it became
        engine : what executed them; None if the stored blocks were found equal
        """
        with self.lock:
            if engine is not None:
                engine.flush()
            with self._store.atomic():
                removed = self._replace_blocks(batch.first_block, derived)
                self._store.append_batch(batch, data, derived.leaves)
            if engine is None:
                return
            self.reset()
            if removed is not None:
                log.warning(
                    "unsafe_chain_replaced", batch=batch.index, head=self._head.number, requeued=removed
                )
            self._notify(reorged=removed is not None, touched=_senders(derived.blocks))

    def _replace_blocks(self, first: int, derived: DerivedBatch) -> int | None:
        """Store what is new of `derived`; return how many transactions gave way, None if no block did."""
        local = self._store.blocks(first, derived.blocks[-1].block.number)
        equal = 0
        for mine, theirs in zip(local, derived.blocks, strict=False):
            if mine.hash != theirs.block.hash:
                break
            equal += 1
        fresh = derived.blocks[equal:]
        if not fresh:
            return None
        removed = None
        if self._store.heads().unsafe.number >= first + equal:
            removed = self._store.rewind(first + equal - 1, requeue=self._requeue)
        self._store.append_blocks(fresh)
        return removed

    def rewind_l1(self, ancestor: int) -> None:
        """Forget what L1 said above block `ancestor`, and the blocks that rested on it.

        A sequencer keeps its blocks as unsafe ones and posts them again, except
        from the first that ran a forgotten deposit; a replica keeps none.
        """
        with self.lock:
            before = self._head
            with self._store.atomic():
                self._store.rewind_l1(ancestor)
                keep = self._store.heads().safe.number
                if self._requeue:
                    keep = self._store.last_block_within_deposits(self._store.deposit_count())
                if keep < before.number:
                    self._store.rewind(keep, requeue=self._requeue)
            if keep < before.number:
                self.reset()
                log.warning("unsafe_chain_shortened", head=keep, was=before.number, l1_ancestor=ancestor)
                self._notify(reorged=True, touched=frozenset())


def _senders(blocks: "tuple[ExecutedBlock, ...] | list[ExecutedBlock]") -> frozenset[Address]:
    return frozenset(unit.outcome.sender for executed in blocks for unit in executed.units)
