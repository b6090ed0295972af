"""Trades between their match and the L2 block that is posted with them."""

from collections import deque

from optimistic.node.exchange.live import Batch, Trade
from optimistic.node.exchange.records import BatchSent
from optimistic.protocol.types import Hash32
from optimistic.service.storage_errors import CorruptStorage


class Settling:
    """Trades that wait, and transactions that were sent; a batch is kept until its block is posted."""

    def __init__(self) -> None:
        self.next_trade = 1
        self.next_batch = 1
        self.waiting: deque[Trade] = deque()
        self.batches: dict[int, Batch] = {}
        self.n_unsettled = 0
        """Trades without an outcome, sent or not."""

    def match(self, trade: Trade) -> None:
        """Take in a new trade."""
        self.waiting.append(trade)
        self.n_unsettled += 1

    def send(self, record: BatchSent) -> Batch:
        """Move the oldest trades into a transaction."""
        trades = [self.waiting.popleft() for _ in range(record.n_trades)]
        if trades[0].id != record.first_trade:
            raise CorruptStorage(f"batch {record.batch} begins with trade {trades[0].id}")
        batch = Batch(record.batch, record.nonce, Hash32(record.tx_hash), record.raw, trades)
        self.batches[record.batch] = batch
        self.next_batch = record.batch + 1
        return batch

    def settle(self, number: int, block: int, busted: frozenset[int]) -> Batch:
        """Note that a batch was executed."""
        batch = self.batches[number]
        batch.block, batch.busted = block, busted
        self.n_unsettled -= len(batch.trades)
        return batch

    def fail(self, number: int, block: int) -> None:
        """Let the trades of a batch that did nothing wait again, before all others of later batches."""
        batch = self.batches[number]
        self.waiting.extendleft(reversed(batch.trades))
        batch.trades, batch.block = [], block

    def undo(self, number: int) -> Batch:
        """Note that the block of a batch is gone; return the batch as it was."""
        batch = self.batches[number]
        self.n_unsettled += len(batch.trades)
        batch.block = None
        return batch

    def forget(self, posted: int) -> None:
        """Drop the batches whose blocks are posted."""
        done = [n for n, batch in self.batches.items() if batch.block is not None and batch.block <= posted]
        for number in done:
            del self.batches[number]

    def in_flight(self) -> list[Batch]:
        """Return the batches without a block, oldest first."""
        return [batch for batch in self.batches.values() if batch.block is None]

    def next_nonce(self) -> int:
        """Return the nonce after all that were used and are remembered; 0 if none is."""
        return max((batch.nonce + 1 for batch in self.batches.values()), default=0)
