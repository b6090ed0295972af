"""The single writer: check, write, apply, answer."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from optimistic.node.exchange import commands as cmd
from optimistic.node.exchange import records as rec
from optimistic.node.exchange.admission import Admission, Plan, Refused, Repeated, check_message, rejection
from optimistic.node.exchange.answers import Ack, Answer, Refusal, Reject
from optimistic.node.exchange.archive import Archive, Recalled
from optimistic.node.exchange.events import Published
from optimistic.node.exchange.image import dump, load
from optimistic.node.exchange.journal import Journal
from optimistic.node.exchange.machine import Applied, Machine
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.ports import Listener, Prepared
from optimistic.node.exchange.pretrade import PreTrade, StandardPreTrade
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.node.exchange.signed_messages import order_of, quotes_of, tree_of
from optimistic.protocol.settlement.orders import Steps, domain_separator, order_digest, quotes_digest
from optimistic.protocol.settlement.signatures import recover
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import MarketId
from optimistic.protocol.types import ZERO_ADDRESS
from optimistic.service.clock import Clock
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.storage_errors import StorageFailed
from optimistic.service.wal import WalClosed

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What an exchange stands in."""

    clock: Clock
    metrics: Metrics = field(default_factory=NoopMetrics)
    pretrade: PreTrade | None = None
    """None: standard margin on the state."""


class Exchange:
    """The core. Every method may be called from any thread; one lock orders them.

    Parameters
    ----------
    folder : of the log; created if missing
    state : the chain as it is known; changed only under `lock`, by who follows the chain
    signer : signs receipts
    options : the operator's
    around : what the exchange stands in

    Raises
    ------
    CorruptStorage : the log is damaged
    InvalidExchangeOptions : see `ExchangeOptions.check`
    """

    def __init__(
        self,
        folder: Path,
        state: State,
        signer: ReceiptSigner,
        options: ExchangeOptions,
        around: Around,
    ) -> None:
        options.check()
        self.lock = threading.RLock()
        self.state = state
        self.options = options
        self.signer = signer
        self.clock = around.clock
        self.metrics = around.metrics
        self._separator = domain_separator(signer.chain_id)
        self._journal = Journal(folder, options.sync_policy, options.segment_bytes)
        self._archive = Archive(folder / "told", options.sync_policy, options.kept_events)
        self._since_snapshot = 0
        self.machine = self._recover()
        self.pretrade = around.pretrade or StandardPreTrade(state)
        self._admission = Admission(self.machine, state, self.pretrade, options)
        self._listeners: list[Listener] = []

    def _recover(self) -> Machine:
        windows = {"nonce_window": self.options.nonce_window, "name_window": self.options.client_id_window}
        latest = self._journal.latest()
        start = 0 if latest is None else latest[0]
        machine = Machine(**windows) if latest is None else load(latest[1], **windows)
        self._archive.begin(start, self._journal.next_index)
        for index, group in enumerate(self._journal.replay(start), start):
            machine.advance(group.ts_ms)
            for record in group.records:
                machine.apply(record)
            self._archive.add(Published(index, group.ts_ms, machine.take_events()))
            self._since_snapshot += len(group.records) + 1
        log.info(
            "exchange_recovered",
            snapshot=start,
            groups=self._journal.next_index - start,
            orders=len(machine.registry.orders),
            unsettled=machine.settling.n_unsettled,
        )
        return machine

    @property
    def group(self) -> int:
        """Index of the last group of the log; -1 while it is empty."""
        return self._journal.next_index - 1

    def subscribe(self, listener: Listener) -> None:
        """Hear of everything from the next group on."""
        with self.lock:
            self._listeners.append(listener)

    def recall(self) -> Recalled:
        """Return what owners were told, up to the last group.

        Raises
        ------
        CorruptStorage : the archive was damaged
        """
        with self.lock:
            first, told = self._archive.recall()
            return Recalled(first=first, group=self.group, told=told)

    def end_connections(self) -> None:
        """End the orders that were to end with connections, all of which ended with the last process."""
        live = self.machine.registry.orders.values()
        bound = {(order.owner, order.message.command.session) for order in live}
        records: list[rec.Record] = [
            rec.MassCancelled(owner, None, None, None, session, cmd.MassCancelWhy.DISCONNECTED)
            for owner, session in sorted(bound)
            if session
        ]
        self.commit(lambda _: records)

    # ------------------------------------------------------------------------------ signed commands

    def prepare(self, command: cmd.Command) -> Prepared | Reject:
        """Work out what the signer of a command must have signed."""
        message = command.place if isinstance(command, cmd.Replace) else command
        if not isinstance(message, cmd.Place | cmd.PlaceQuotes):
            return Prepared(command=command)
        market = self.state.markets.get(MarketId(message.market))
        if market is None:
            return Reject(refusal=Refusal.UNKNOWN_MARKET, detail=f"there is no market {message.market}")
        try:
            check_message(message, self.options.orders)
        except Refused as refused:
            return Reject(refusal=refused.refusal, detail=refused.detail)
        if isinstance(message, cmd.Place):
            steps = Steps(market.terms.tick_wad, market.terms.lot_wad)
            digest = order_digest(self._separator, order_of(message), steps)
        else:
            digest = quotes_digest(self._separator, quotes_of(message, tree_of(message)))
        return Prepared(command=command, digest=digest)

    def submit(self, commands: Sequence[cmd.Command]) -> list[Answer]:
        """Prepare, recover the signers here and decide."""
        prepared = [self.prepare(command) for command in commands]
        for item in prepared:
            if isinstance(item, Prepared) and item.digest is not None:
                item.signer = recover(item.digest, item.signature) or ZERO_ADDRESS
        decided = iter(self.decide([item for item in prepared if isinstance(item, Prepared)]))
        return [item if isinstance(item, Reject) else next(decided) for item in prepared]

    def decide(self, prepared: Sequence[Prepared]) -> list[Answer]:
        """Check, log and apply commands whose signers are known, as one group."""
        with self.lock:
            plan = Plan(self._now_ms())
            slots = [self._admit(item, plan) for item in prepared]
            try:
                applied = self._write(plan.ts_ms, plan.records) if plan.records else []
            except (StorageFailed, WalClosed) as error:
                return [_unwritten(slot, error) for slot in slots]
        self.metrics.count("exchange_commands", len(slots))
        return [self._answer(slot, applied, plan.ts_ms) for slot in slots]

    def _admit(self, item: Prepared, plan: Plan) -> "Answer | range":
        """Return the refusal of a command, or the places of its records in the plan."""
        start = len(plan.records)
        try:
            plan.records.extend(self._admission.admit(item, plan))
        except Refused as refused:
            self.metrics.count("exchange_refused", reason=refused.refusal.value)
            return rejection(refused, item)
        except Repeated as repeated:
            taken = repeated.taken
            return Ack(
                seq=taken.number,
                ts_ms=taken.receipt.ts_ms,
                order_id=taken.number,
                order_ids=taken.order_ids,
                receipt=self.signer.sign(taken.receipt),
                is_repeat=True,
            )
        return range(start, len(plan.records))

    def _answer(self, slot: "Answer | range", applied: list[Applied], ts_ms: int) -> Answer:
        if not isinstance(slot, range):
            return slot
        last = applied[slot[-1]]
        receipt = last.receipt
        return Ack(
            seq=last.number,
            ts_ms=ts_ms,
            order_id=last.number if receipt is not None else last.order_id,
            order_ids=last.order_ids,
            receipt=None if receipt is None else self.signer.sign(receipt),
            refused_by_book=last.refused,
            cancelled=sum(applied[place].cancelled for place in slot),
        )

    # ------------------------------------------------------------------------------ the log

    def commit(self, build: Callable[[int], list[rec.Record]]) -> list[Applied]:
        """Write and apply records that need no admission; `build` gets the time and runs under the lock.

        Raises
        ------
        StorageFailed : nothing was written
        """
        with self.lock:
            ts_ms = self._now_ms()
            records = build(ts_ms)
            return self._write(ts_ms, records) if records else []

    def tick(self) -> bool:
        """Let what is due happen, write what was told, store a snapshot now and then.

        Returns
        -------
        Whether anything was due.

        Raises
        ------
        StorageFailed : what was due is not written; the process has to end, and does it at its next start
        """
        with self.lock:
            is_due = self.machine.is_due(self._now_ms())
            if is_due:
                self._write(self._now_ms(), [])
            snapshot = self._snapshot_if_due()
        self.metrics.gauge("exchange_live_orders", len(self.machine.registry.orders))
        self.metrics.gauge("exchange_log_groups", self._journal.next_index)
        self._archive.flush()
        if snapshot is not None:
            self._save(*snapshot)
        return is_due

    def _save(self, index: int, payload: bytes) -> None:
        """Store a snapshot, once nothing that it holds or that was told can be lost behind it."""
        self._journal.sync()
        self._archive.sync()
        self._journal.save(index, payload)

    def _snapshot_if_due(self) -> tuple[int, bytes] | None:
        if self._since_snapshot < self.options.snapshot_every:
            return None
        self._since_snapshot = 0
        return self._journal.next_index, dump(self.machine)

    def close(self) -> None:
        """Store a snapshot if anything happened, and release the log."""
        with self.lock:
            if self._since_snapshot:
                try:
                    self._save(self._journal.next_index, dump(self.machine))
                except StorageFailed as error:
                    log.warning("exchange_snapshot_failed", error=str(error))
            self._archive.close()
            self._journal.close()

    def _now_ms(self) -> int:
        """Time of the next group: the clock's, but never before the last one."""
        return max(self.clock.time_ms(), self.machine.ts_ms)

    def _write(self, ts_ms: int, records: list[rec.Record]) -> list[Applied]:
        """Write a group, then let it take effect, then tell."""
        index = self._journal.append(ts_ms, records)
        machine = self.machine
        machine.advance(ts_ms)
        applied = [machine.apply(record) for record in records]
        self._since_snapshot += len(records) + 1
        published = Published(index, ts_ms, machine.take_events())
        self._archive.add(published)
        if published.events:
            for listener in self._listeners:
                listener(published)
        return applied


def _unwritten(slot: "Answer | range", error: Exception) -> Answer:
    if not isinstance(slot, range):
        return slot
    return Reject(refusal=Refusal.STORAGE, detail=str(error))
