"""Where transactions enter: checked, written to the log, then acknowledged.

An acknowledgement is a promise to execute the transaction if it stays valid.
The write-ahead log keeps it until a block holds the transaction, so a process
killed at any line still knows it afterwards.
"""

import threading
from collections.abc import Callable

import structlog

from optimistic.node.chain import Chain, ChainChange
from optimistic.node.chain_store import ChainStore
from optimistic.node.mempool import Mempool, PooledTransaction
from optimistic.node.pool_errors import AlreadyKnown, PoolRejection
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32
from optimistic.service.wal import Wal

log = structlog.get_logger(__name__)

_COMPACT_AFTER_RECORDS = 50_000


class Gateway:
    """The intake of a sequencing node; the `TransactionPool` of JSON-RPC.

    Parameters
    ----------
    mempool : where accepted transactions wait
    wal : where they are written first
    store : tells which of the logged ones have been executed
    """

    def __init__(self, mempool: Mempool, wal: Wal, store: ChainStore) -> None:
        self.mempool = mempool
        self._wal = wal
        self._store = store
        self._lock = threading.Lock()
        self._listeners: list[Callable[[PooledTransaction], None]] = []
        self._compact_at = wal.first_index + _COMPACT_AFTER_RECORDS

    def on_accepted(self, listener: Callable[[PooledTransaction], None]) -> None:
        """Call `listener` with each transaction taken; it must return at once."""
        self._listeners.append(listener)

    def follow(self, chain: Chain) -> None:
        """Keep the pool in step with the unsafe head from now on."""
        chain.on_change(self._moved)

    def _moved(self, change: ChainChange) -> None:
        if change.reorged:
            self.mempool.prune_all()
        else:
            self.mempool.prune(change.touched)

    # ------------------------------------------------------------------------------ intake

    def submit(self, raw: bytes) -> PooledTransaction:
        """Take a signed transaction; durable when this returns.

        Raises
        ------
        PoolRejection : refused; the text is meant for the sender
        """
        pooled = self.mempool.decode(raw)
        self._accept(pooled)
        self._wal.sync()
        for listener in self._listeners:
            listener(pooled)
        return pooled

    def _accept(self, pooled: PooledTransaction) -> None:
        if self._store.transaction_by_hash(pooled.tx.hash) is not None:
            raise AlreadyKnown
        with self._lock:
            self.mempool.check(pooled)
            self._wal.append(pooled.tx.raw)
            self.mempool.add(pooled)

    # ------------------------------------------------------------------------------ recovery

    def recover(self) -> int:
        """Fill the pool from the log after a start; return how many transactions wait."""
        for _, raw in self._wal.replay():
            if self._store.transaction_by_hash(keccak256(raw)) is not None:
                continue
            try:
                pooled = self.mempool.decode(raw, trusted=True)
                self.mempool.check(pooled)
            except PoolRejection as error:
                log.debug("logged_transaction_obsolete", tx=keccak256(raw).hex(), reason=str(error))
                continue
            self.mempool.add(pooled)
        log.info("pool_recovered", transactions=len(self.mempool))
        return len(self.mempool)

    def compact(self) -> bool:
        """Let the log forget what L1 holds, once it is long; return whether it did.

        What is executed but not posted stays, for the case that the database is lost.
        """
        if self._wal.next_index < self._compact_at:
            return False
        with self._lock:
            start = self._wal.next_index
            for raw in (*self._unposted(), *(pooled.tx.raw for pooled in self.mempool.waiting())):
                self._wal.append(raw)
            self._wal.sync()
            self._wal.prune(start)
            kept = self._wal.next_index - start
            self._compact_at = self._wal.next_index + kept + _COMPACT_AFTER_RECORDS
        log.info("wal_compacted", kept=kept)
        return True

    def _unposted(self) -> list[bytes]:
        with self._store.snapshot():
            heads = self._store.heads()
            blocks = self._store.block_inputs(heads.finalized.number + 1, heads.unsafe.number)
            executed = [raw for block in blocks for raw in block.transactions]
            return executed + [raw for _, raw in self._store.requeued()]

    # ------------------------------------------------------------------------------ what JSON-RPC reads

    def get(self, tx_hash: Hash32) -> PooledTransaction | None:
        """Return a waiting transaction, also one that a reorg took out of its block."""
        found = self.mempool.get(tx_hash)
        if found is None and (raw := self._store.requeued_raw(tx_hash)) is not None:
            found = self.mempool.decode(raw, trusted=True)
        return found

    def next_nonce(self, sender: Address) -> int:
        """Return the nonce after the sender's waiting transactions without a gap."""
        return self.mempool.next_nonce(sender)

    def waiting(self) -> list[PooledTransaction]:
        """Return every waiting transaction in the order of arrival."""
        return self.mempool.waiting()

    def counts(self) -> tuple[int, int]:
        """Return how many transactions are executable and how many wait behind a gap."""
        return self.mempool.counts()

    def min_tip_wei(self) -> int:
        """Return the least priority fee per gas that is taken."""
        return self.mempool.limits.min_tip_wei
