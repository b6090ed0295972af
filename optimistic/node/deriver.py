"""Follows L1: batches become the safe chain, deposits and assertions are noted, reorgs undo.

This alone is a replica: nothing it does needs the sequencer, only L1's events.
Each event's effect is durable before the cursor moves past its block, and
whatever lies above the cursor is undone before the range is read again, so
every event takes effect once whether the process is killed or L1 reorganises.
"""

from collections.abc import Iterator

import structlog

from optimistic.node.block_builder import NodeEngine
from optimistic.node.chain import Chain
from optimistic.node.chain_records import Batch, Block, ExecutedBlock, StoredAssertion
from optimistic.node.chain_store import ChainStore
from optimistic.node.l1_clock import L1Clock
from optimistic.node.replay import BatchInput, DerivedBatch, Diverged, execute_batch, repeat_batch
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import ZERO_HASH
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_events import (
    Asserted,
    BatchAppended,
    Confirmed,
    DepositEnqueued,
    Died,
    L1Event,
)
from optimistic.service.log_reader import LogRange, LogReader, ReorgDetected

log = structlog.get_logger(__name__)

_BLOCKS_PER_READ = 64


class ExecutionDisagrees(CriticalError):
    """Executing the same inputs twice gave two results: the engine or the database is broken."""


class UnknownConfiguration(CriticalError):
    """A batch carries parameters this program was not started with."""


class Deriver:
    """Derives the safe chain; `step` belongs to one thread.

    Parameters
    ----------
    params : the configuration of the deployment
    chain, store : the unsafe chain and its database
    client : L1
    reader : delivers L1's events to this consumer
    l1_clock : told of every new L1 block
    """

    def __init__(
        self,
        params: RollupParams,
        chain: Chain,
        store: ChainStore,
        client: L1Client,
        reader: LogReader,
        l1_clock: L1Clock,
    ) -> None:
        self._params = params
        self._chain = chain
        self._store = store
        self._client = client
        self._reader = reader
        self._l1_clock = l1_clock
        self._config_hash = params.config_hash()
        self._start_l1_block: int | None = None
        self._l1_head = 0
        self._finalized_l1 = -1
        self.has_caught_up = False
        """Whether L1's newest block has been followed since the start."""

    # ------------------------------------------------------------------------------ following

    def step(self) -> bool:
        """Apply the next range of L1 blocks; return whether more may follow at once."""
        try:
            delivered = self._reader.poll()
        except ReorgDetected as reorg:
            self._undo(reorg)
            return True
        if delivered is not None:
            self._apply(delivered)
        if delivered is None or delivered.to_block == delivered.head.number:
            self.has_caught_up = True
        finality = self._reader.finality()
        self._l1_head = finality.head.number
        self._l1_clock.observe(finality.head)
        if delivered is not None or finality.finalized.number != self._finalized_l1:
            self._finalized_l1 = finality.finalized.number
            self._store.finalize_l1(self._finalized_l1)
        return delivered is not None

    def syncing(self) -> tuple[int, int, int] | None:
        """Return (L1 block at the start, L1 block reached, L1 head) while blocks behind, else None."""
        cursor = self._reader.cursor
        reached = 0 if cursor is None else cursor.number
        if self._start_l1_block is None or reached >= self._l1_head - 1:
            return None
        return self._start_l1_block, reached, self._l1_head

    def _undo(self, reorg: ReorgDetected) -> None:
        ancestor = -1 if reorg.ancestor is None else reorg.ancestor.number
        log.warning("l1_reorganised", ancestor=ancestor, old_head=reorg.old.number)
        self._chain.rewind_l1(ancestor)
        self._reader.rewind(reorg.ancestor)

    def _apply(self, delivered: LogRange) -> None:
        self._l1_head = delivered.head.number
        if self._start_l1_block is None:
            self._start_l1_block = delivered.from_block
        before = delivered.from_block - 1
        if self._store.knows_l1_above(before):
            self._chain.rewind_l1(before)
        timestamps = {header.number: header.timestamp for header in delivered.headers}
        for item in delivered.logs:
            event = decode_event(item)
            if event is not None:
                self._apply_event(event, timestamps)
        self._reader.commit(delivered)
        log.debug("l1_blocks_followed", up_to=delivered.to_block, events=len(delivered.logs))

    def _apply_event(self, event: L1Event, timestamps: dict[int, int]) -> None:
        place = event.place
        if isinstance(event, BatchAppended):
            self._derive(event)
        elif isinstance(event, DepositEnqueued):
            if event.index != self._store.deposit_count():
                raise L1Lied(f"deposit {event.index} was delivered out of order")
            self._store.add_deposits([(event.index, event.deposit)], place.block_number)
        elif isinstance(event, Asserted):
            known = timestamps.get(place.block_number)
            at = self._client.header(place.block_hash).timestamp if known is None else known
            self._store.add_assertion(_stored_assertion(event, at))
        elif isinstance(event, Confirmed):
            self._store.mark_confirmed(event.id, place.block_number)
        elif isinstance(event, Died):
            self._store.mark_dead(event.id, place.block_number)

    # ------------------------------------------------------------------------------ batches

    def _derive(self, event: BatchAppended) -> None:
        batch_input = self._check_input(event)
        derived, engine = self._replay(batch_input)
        batch = Batch(
            index=event.index,
            acc=event.acc,
            record=event.record,
            data_hash=keccak256(event.data),
            l1_block_number=event.place.block_number,
            l1_block_hash=event.place.block_hash,
            first_block=derived.blocks[0].block.number,
            last_block=derived.blocks[-1].block.number,
            n_units=len(derived.leaves),
            boundary_unit=derived.end.unit,
        )
        self._chain.adopt(batch, event.data, derived, engine)
        log.info(
            "batch_derived",
            batch=batch.index,
            blocks=len(derived.blocks),
            units=batch.n_units,
            skipped=derived.skipped,
            executed=engine is not None,
            l1_block=batch.l1_block_number,
        )

    def _check_input(self, event: BatchAppended) -> BatchInput:
        """Return what the batch is derived from.

        Raises
        ------
        L1Lied : earlier batches or deposits were not delivered
        UnknownConfiguration : the batch runs under parameters that this node does not have
        """
        latest = self._store.latest_batch()
        expected = (0, ZERO_HASH) if latest is None else (latest.index + 1, latest.acc)
        if (event.index, event.prev_acc) != expected:
            raise L1Lied(f"batch {event.index} does not follow batch {expected[0] - 1}")
        record = event.record
        if record.config_hash != self._config_hash:
            raise UnknownConfiguration(
                f"batch {event.index} carries configuration 0x{record.config_hash.hex()}, this node has "
                f"0x{self._config_hash.hex()}: start it with the deployment's current parameters"
            )
        deposits = self._store.deposits(record.deposit_start, record.deposit_end)
        start = self._chain.derived_state()
        if len(deposits) != record.deposit_end - record.deposit_start:
            raise L1Lied(f"deposits of batch {event.index} were not delivered")
        return BatchInput(params=self._params, start=start, record=record, data=event.data, deposits=deposits)

    def _replay(self, batch: BatchInput) -> tuple[DerivedBatch, NodeEngine | None]:
        """Repeat the node's own blocks if the batch is made of them, else execute."""
        first = batch.start.unit.number + 1
        if self._store.block_by_number(first) is not None:
            try:
                return repeat_batch(batch, self._local_blocks(first)), None
            except Diverged as difference:
                log.warning("batch_diverged", first_block=first, reason=str(difference))
        engine = self._chain.new_engine(batch.start.unit.state_root)
        derived = execute_batch(batch, engine)
        self._check_determinism(derived)
        return derived, engine

    def _local_blocks(self, number: int) -> Iterator[ExecutedBlock]:
        while blocks := self._store.executed_blocks(number, number + _BLOCKS_PER_READ - 1):
            yield from blocks
            number += _BLOCKS_PER_READ

    def _check_determinism(self, derived: DerivedBatch) -> None:
        for theirs in derived.blocks:
            mine = self._store.block_by_number(theirs.block.number)
            if mine is None or mine.hash == theirs.block.hash:
                continue
            if self._has_inputs_of(mine, theirs):
                raise ExecutionDisagrees(
                    f"block {mine.number} executed again ends in state 0x{theirs.block.state_root.hex()}, "
                    f"not 0x{mine.state_root.hex()}: stop and check the engine and the database"
                )
            return

    def _has_inputs_of(self, mine: Block, theirs: ExecutedBlock) -> bool:
        if (mine.parent_hash, mine.timestamp) != (theirs.block.parent_hash, theirs.block.timestamp):
            return False
        hashes = [transaction.hash for transaction in self._store.transactions(mine.number)]
        return hashes == [unit.outcome.tx_hash for unit in theirs.units]


def _stored_assertion(event: Asserted, l1_timestamp: int) -> StoredAssertion:
    return StoredAssertion(
        id=event.id,
        parent=event.parent,
        seq=event.seq,
        poster=event.poster,
        from_batch=event.from_batch,
        to_batch=event.to_batch,
        acc=event.acc,
        unit_root=event.unit_root,
        end_leaf=event.end_leaf,
        children_root=event.children_root,
        l1_timestamp=l1_timestamp,
        l1_block_number=event.place.block_number,
        confirmed=False,
        dead=False,
    )
