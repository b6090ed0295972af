"""Posts unsafe blocks to the inbox, one batch at a time.

The next batch is planned when L1 and the deriver agree on how many there are,
so `expectedIndex` and `expectedPrevAcc` name exactly the chain that the blocks
extend. A batch that somebody else's comes before is void; the deriver then
replaces the unsafe blocks and the next plan posts what they became.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from optimistic.node.chain_records import Block
from optimistic.node.chain_store import ChainStore
from optimistic.node.l1_clock import L1Clock
from optimistic.node.sequencer import MAX_POSTED_BYTES
from optimistic.protocol.batch import HEADER_BYTES, TX_PREFIX_BYTES, VERSION_BYTES, encode_batch
from optimistic.protocol.constants import MAX_DEPOSITS_PER_BATCH
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.service.contracts import Budgets, Inbox
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import BlockId, Header
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import Precondition, Readiness, TxOutcome, TxRequest, TxState

log = structlog.get_logger(__name__)

_IN_FLIGHT: Final = "append_in_flight"
_MOST_DUE_MARGIN_S: Final = 24
_TOLERATED_LEAD_S: Final = 5
_BLOCKS_PER_PLAN: Final = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BatcherOptions:
    """When a batch is posted; nothing here is consensus."""

    max_delay_s: int = 2
    """Age of the oldest waiting block at which a batch is posted although it is not full."""
    max_empty_delay_s: int = 60
    """The same if all waiting blocks are empty."""
    posting_margin_s: int = 0
    """Post a block only this long after its timestamp, unless an L1 block is later already: for an L1
    that may put a transaction into a block older than the transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPlan:
    """The batch to post next."""

    index: int
    prev_acc: Hash32
    blocks: Sequence[Block]
    deposit_end: int
    budgets: Budgets
    is_full: bool
    """More blocks wait than fit."""


class Batcher:
    """The poster of batches; `step` belongs to one thread.

    Parameters
    ----------
    params : consensus parameters
    store : where the blocks are
    client, inbox : L1
    sender : sends transactions of the sequencer's key
    """

    def __init__(
        self,
        params: RollupParams,
        store: ChainStore,
        inbox: Inbox,
        sender: TxManager,
        options: BatcherOptions,
        l1_clock: L1Clock,
    ) -> None:
        self._params = params
        self._store = store
        self._client: L1Client = inbox.client
        self._inbox = inbox
        self._sender = sender
        self._options = options
        self._l1_clock = l1_clock
        self._key: str | None = None

    def step(self) -> bool:
        """Submit the next batch if it is time; return whether it did."""
        if self._is_in_flight():
            return False
        head = self._client.head()
        self._l1_clock.observe(head)
        index = self._inbox.batch_count(at=head.hash)
        if index != self._store.batch_count():
            return False
        allowed_at = self._inbox.last_append(at=head.hash) + self._params.min_batch_interval_s
        if head.timestamp < allowed_at:
            return False
        plan = self.plan(head, self._inbox.available_budgets(at=head.hash))
        if plan is None or not self._is_due(plan, head):
            return False
        self._key = self._submit(plan)
        return True

    def _is_in_flight(self) -> bool:
        """Return whether a batch is on its way; after a restart, take up the one that was."""
        if self._key is None:
            self._key = self._resume()
        status = self._sender.status(self._key) if self._key else None
        if status is None:
            return False
        if status.is_final and status.outcome is TxOutcome.FAILED:
            log.error("batch_refused", effect=self._key, detail=status.detail)
        return not status.is_final

    def _resume(self) -> str:
        """Submit the batch of the previous run again if its blocks are still there; return its key."""
        note = self._store.note(_IN_FLIGHT)
        if note is None:
            return ""
        noted = json.loads(note)
        status = self._sender.status(noted["key"])
        blocks = self._store.blocks(noted["first_block"], noted["last_block"])
        if status is None or status.is_final:
            return ""
        if blocks and blocks[-1].hash.hex() == noted["last_hash"]:
            plan = BatchPlan(
                index=noted["index"],
                prev_acc=Hash32(bytes.fromhex(noted["prev_acc"])),
                blocks=blocks,
                deposit_end=noted["deposit_end"],
                budgets=Budgets(general=noted["gas_budget"], system=noted["system_gas_budget"]),
                is_full=False,
            )
            return self._submit(plan)
        return "" if status.state is TxState.QUEUED else status.key

    # ------------------------------------------------------------------------------ planning

    def plan(self, head: Header, available: Budgets) -> BatchPlan | None:
        """Return the longest run of unsafe blocks that one batch can hold now.

        Parameters
        ----------
        head : newest L1 block
        available : what the gas buckets hold there
        """
        with self._store.snapshot():
            safe = self._store.heads().safe
            waiting = self._store.blocks(safe.number + 1, safe.number + _BLOCKS_PER_PLAN)
            latest = self._store.latest_batch()
        if not waiting:
            return None
        time_s = self._time_s(head)
        if waiting[0].timestamp > time_s + _TOLERATED_LEAD_S:
            # L1's time went back with a reorg. A clamp resets ours; waiting could take as long as the jump.
            log.warning("l1_time_went_back", lead_s=waiting[0].timestamp - time_s)
            time_s = waiting[-1].timestamp
        blocks, budgets = self._take(waiting, safe.deposit_cursor, time_s, available)
        if not blocks:
            return None
        return BatchPlan(
            index=0 if latest is None else latest.index + 1,
            prev_acc=ZERO_HASH if latest is None else latest.acc,
            blocks=blocks,
            deposit_end=max(blocks[-1].deposit_cursor, self._due_deposits(safe.deposit_cursor, head)),
            budgets=budgets,
            is_full=len(blocks) < len(waiting) and waiting[len(blocks)].timestamp <= time_s,
        )

    def _time_s(self, head: Header) -> int:
        """Return a time that the block including the next transaction will not be before."""
        return max(head.timestamp, self._l1_clock.time_s() - self._options.posting_margin_s)

    def _take(
        self, waiting: Sequence[Block], deposit_start: int, time_s: int, available: Budgets
    ) -> tuple[list[Block], Budgets]:
        blocks: list[Block] = []
        size, general_gas, system_gas = VERSION_BYTES, 0, 0
        needed = Budgets(general=0, system=0)
        for block in waiting:
            size += HEADER_BYTES + block.size_bytes + block.n_transactions * TX_PREFIX_BYTES
            wanted = Budgets(
                general=max(needed.general, general_gas + block.general_demand),
                system=max(needed.system, system_gas + block.system_demand),
            )
            if (
                block.timestamp > time_s
                or size > MAX_POSTED_BYTES
                or block.deposit_cursor - deposit_start > MAX_DEPOSITS_PER_BATCH
                or wanted.general > available.general
                or wanted.system > available.system
            ):
                break
            blocks.append(block)
            needed = wanted
            general_gas += block.general_gas
            system_gas += block.system_gas
        return blocks, needed

    def _due_deposits(self, start: int, head: Header) -> int:
        """Return the end of the deposits that the inbox will not let a batch leave out."""
        force_delay_s = self._params.force_delay_s
        deadline_s = self._time_s(head) + min(_MOST_DUE_MARGIN_S, force_delay_s // 4) - force_delay_s
        end = start
        for deposit in self._store.deposits(start, start + MAX_DEPOSITS_PER_BATCH):
            if deposit.l1_timestamp > deadline_s:
                break
            end += 1
        return end

    def _is_due(self, plan: BatchPlan, head: Header) -> bool:
        if plan.is_full:
            return True
        is_empty = not any(block.n_transactions for block in plan.blocks)
        delay_s = self._options.max_empty_delay_s if is_empty else self._options.max_delay_s
        age_s = self._time_s(head) - plan.blocks[0].timestamp
        return age_s >= delay_s or age_s < -_TOLERATED_LEAD_S

    # ------------------------------------------------------------------------------ posting

    def _submit(self, plan: BatchPlan) -> str:
        """Hand the batch to the transaction manager and return its key, which names its content."""
        first, last = plan.blocks[0], plan.blocks[-1]
        data = encode_batch(self._store.block_inputs(first.number, last.number))
        call = self._inbox.append_batch_call(
            index=plan.index,
            prev_acc=plan.prev_acc,
            data=data,
            deposit_end=plan.deposit_end,
            budgets=plan.budgets,
        )
        key = self._fresh_key(f"append:{plan.index}:{keccak256(call.data).hex()[:16]}")
        note = {
            "key": key,
            "index": plan.index,
            "prev_acc": plan.prev_acc.hex(),
            "first_block": first.number,
            "last_block": last.number,
            "last_hash": last.hash.hex(),
            "deposit_end": plan.deposit_end,
            "gas_budget": plan.budgets.general,
            "system_gas_budget": plan.budgets.system,
        }
        self._store.set_note(_IN_FLIGHT, json.dumps(note))
        self._sender.submit(TxRequest(key=key, call=call, precondition=self._precondition(plan, last.hash)))
        log.info(
            "batch_submitted",
            batch=plan.index,
            first_block=first.number,
            last_block=last.number,
            data_bytes=len(data),
            gas_budget=plan.budgets.general,
            system_gas_budget=plan.budgets.system,
        )
        return key

    def _fresh_key(self, key: str) -> str:
        """Return `key`, or one after it if the same content was refused before."""
        attempt, name = 1, key
        while (status := self._sender.status(name)) is not None and status.outcome is TxOutcome.FAILED:
            attempt += 1
            name = f"{key}:{attempt}"
        return name

    def _precondition(self, plan: BatchPlan, last_hash: Hash32) -> Precondition:
        inbox, store, params = self._inbox, self._store, self._params

        def readiness(at: BlockId) -> Readiness:
            count = inbox.batch_count(at=at)
            if count < plan.index:
                return Readiness.NOT_YET
            is_next = count == plan.index
            if is_next and plan.index:
                is_next = inbox.acc(plan.index - 1, at=at) == plan.prev_acc
            if not is_next or store.block_by_hash(last_hash) is None:
                return Readiness.LOST
            allowed_at = inbox.last_append(at=at) + params.min_batch_interval_s
            budgets = inbox.available_budgets(at=at)
            if (
                self._client.header(at).timestamp < allowed_at
                or budgets.general < plan.budgets.general
                or budgets.system < plan.budgets.system
            ):
                return Readiness.NOT_YET
            return Readiness.READY

        return readiness
