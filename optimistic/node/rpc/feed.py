"""What happened to the chain, in order, for filters and subscriptions.

The chain store forgets blocks that a reorg removes. The feed remembers the
recent ones, compares them with the store whenever it is told to look, and
writes the difference down: blocks taken back (newest first, with their logs),
then blocks added. Whoever reads keeps a position and never misses an event.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, TypeVar

from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import Block, LogFilter, StoredLog
from optimistic.node.mempool import PooledTransaction

_KEPT_BLOCKS: Final = 1_024
_KEPT_EVENTS: Final = 2 * _KEPT_BLOCKS
_KEPT_LOGS: Final = 200_000
_KEPT_PENDING: Final = 16_384
_KEPT_PENDING_BYTES: Final = 64_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEvent:
    """A block joined the chain, or a reorg took it back."""

    block: Block
    logs: tuple[StoredLog, ...]
    removed: bool


class Ring(Generic[T]):
    """The newest items of an endless sequence, by position.

    Parameters
    ----------
    size : most items kept
    weigh : weight of an item
    max_weight : most weight kept; the newest item always stays
    """

    def __init__(self, size: int, weigh: Callable[[T], int], max_weight: int) -> None:
        self._items: deque[T] = deque()
        self._size = size
        self._weigh = weigh
        self._max_weight = max_weight
        self._weight = 0
        self.end = 0
        """Position after the newest item."""

    def append(self, item: T) -> None:
        """Add the newest item; the oldest give way."""
        self._items.append(item)
        self._weight += self._weigh(item)
        self.end += 1
        while len(self._items) > 1 and (len(self._items) > self._size or self._weight > self._max_weight):
            self._weight -= self._weigh(self._items.popleft())

    def newest(self) -> T | None:
        """The newest item."""
        return self._items[-1] if self._items else None

    def pop_newest(self) -> None:
        """Take the newest item back."""
        self._weight -= self._weigh(self._items.pop())
        self.end -= 1

    def forget(self) -> None:
        """Drop every item and leave a gap, so that no older position can be continued."""
        self._items.clear()
        self._weight = 0
        self.end += 1

    def since(self, position: int) -> list[T] | None:
        """The items from `position` on, None if some of them are gone."""
        missing = self.end - position
        if missing > len(self._items):
            return None
        return list(islice(self._items, len(self._items) - missing, None))


class ChainFeed:
    """Events of one chain; every method may be called from any thread.

    Parameters
    ----------
    reader : the chain
    """

    def __init__(self, reader: ChainReader) -> None:
        self._reader = reader
        self._lock = threading.RLock()
        self._known: Ring[BlockEvent] = Ring(_KEPT_BLOCKS, _n_logs, _KEPT_LOGS)
        self._events: Ring[BlockEvent] = Ring(_KEPT_EVENTS, _n_logs, _KEPT_LOGS)
        self._pending: Ring[PooledTransaction] = Ring(_KEPT_PENDING, _n_bytes, _KEPT_PENDING_BYTES)
        self._block_listeners: list[Callable[[Sequence[BlockEvent]], None]] = []
        self._pending_listeners: list[Callable[[PooledTransaction], None]] = []

    def on_blocks(self, listener: Callable[[Sequence[BlockEvent]], None]) -> None:
        """Call `listener` with every new run of events; it must return at once."""
        self._block_listeners.append(listener)

    def on_pending(self, listener: Callable[[PooledTransaction], None]) -> None:
        """Call `listener` with every transaction that enters the mempool; it must return at once."""
        self._pending_listeners.append(listener)

    def block_position(self) -> int:
        """Position after the newest block event, once the store was looked at."""
        with self._lock:
            self.refresh()
            return self._events.end

    def pending_position(self) -> int:
        """Position after the newest pending transaction."""
        return self._pending.end

    def blocks_since(self, position: int) -> tuple[list[BlockEvent] | None, int]:
        """Block events from `position` on (None if they are gone), and the position after them."""
        with self._lock:
            self.refresh()
            return self._events.since(position), self._events.end

    def pending_since(self, position: int) -> tuple[list[PooledTransaction] | None, int]:
        """Pending transactions from `position` on (None if they are gone), and the position after them."""
        with self._lock:
            return self._pending.since(position), self._pending.end

    def add_pending(self, pooled: PooledTransaction) -> None:
        """Record a transaction that the mempool took."""
        with self._lock:
            self._pending.append(pooled)
            for listener in self._pending_listeners:
                listener(pooled)

    def refresh(self) -> None:
        """Compare with the chain and record what changed since the last look."""
        with self._lock, self._reader.snapshot():
            head = self._reader.heads().unsafe
            known = self._known.newest()
            if known is not None and known.block.hash == head.hash:
                return
            fresh = [*self._take_back(head), *self._add_up_to(head)]
            for event in fresh:
                self._events.append(event)
            for listener in self._block_listeners if fresh else ():
                listener(fresh)

    def _take_back(self, head: Block) -> list[BlockEvent]:
        removed = []
        while (event := self._known.newest()) is not None and not self._is_canonical(event.block, head):
            self._known.pop_newest()
            removed.append(BlockEvent(block=event.block, logs=event.logs, removed=True))
        return removed

    def _is_canonical(self, block: Block, head: Block) -> bool:
        if head.parent_hash == block.hash:
            return True
        stored = self._reader.block_by_number(block.number)
        return stored is not None and stored.hash == block.hash

    def _add_up_to(self, head: Block) -> list[BlockEvent]:
        """Read the blocks after the newest known one; without any known, remember the past silently."""
        newest = self._known.newest()
        first = max(0, head.number - _KEPT_BLOCKS + 1)
        if newest is None:
            self._events.forget()
            self._read_blocks(first, head.number)
            return []
        if newest.block.number + 1 < first:
            self._events.forget()
        return self._read_blocks(max(first, newest.block.number + 1), head.number)

    def _read_blocks(self, first: int, last: int) -> list[BlockEvent]:
        logs: dict[int, list[StoredLog]] = {}
        for log in self._reader.logs(LogFilter(from_block=first, to_block=last)):
            logs.setdefault(log.block_number, []).append(log)
        events = [
            BlockEvent(block=block, logs=tuple(logs.get(block.number, ())), removed=False)
            for block in self._reader.blocks(first, last)
        ]
        for event in events:
            self._known.append(event)
        return events


def _n_logs(event: BlockEvent) -> int:
    return len(event.logs)


def _n_bytes(pooled: PooledTransaction) -> int:
    return len(pooled.tx.raw)
