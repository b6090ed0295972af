"""What owners were told, kept on disk: a restart forgets nothing that somebody may ask for again.

The exchange's log tells everything again, but only what came after a snapshot, and only as the program of
today would tell it. So what was told is written down: a moment after it was told, and before any snapshot
cuts it off from the log.
"""

import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from optimistic.node.exchange.events import OWN_EVENTS, Published
from optimistic.service.storage_errors import CorruptStorage
from optimistic.service.wal import SyncPolicy, Wal

_VERSION: Final = 1
_T = TypeVar("_T")


class _Page(msgspec.Struct, frozen=True, array_like=True):
    """What was told of groups `first` to `end` - 1."""

    version: int
    first: int
    end: int
    n_events: int
    told: msgspec.Raw


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """What owners were told, as far back as it is kept."""

    first: int
    """Of this group and those after it nothing is missing."""
    group: int
    """The last group of the log; -1 while it is empty."""
    told: tuple[Published, ...]
    """Groups with the events that have owners, in order."""


_encoder: Final = msgspec.json.Encoder()
"""Not msgpack: amounts in WAD are longer than its 64 bits."""


class Archive:
    """The archive in one folder; safe from any thread.

    Parameters
    ----------
    folder : created if missing
    policy : NONE for an exchange that never waits for the medium
    kept_events : the oldest are forgotten while so many remain

    Raises
    ------
    CorruptStorage : it is damaged; without the folder the exchange starts with nothing to recall
    """

    def __init__(self, folder: Path, policy: SyncPolicy, kept_events: int) -> None:
        group_policy = SyncPolicy.NONE if policy is SyncPolicy.NONE else SyncPolicy.GROUP
        self._wal = Wal(folder, sync_policy=group_policy, segment_bytes=4 << 20)
        self._kept_events = kept_events
        self._writing = threading.Lock()
        """Of the disk; never waited for by who adds."""
        self._adding = threading.Lock()
        self._counts: deque[tuple[int, int]] = deque()
        """(index, events) of each page that is kept."""
        self._n_events = 0
        self._stored = self._end = 0
        """The first group that is not on disk, and the first that was not told."""
        self._pending: list[Published] = []
        for index, page in self._stored_pages():
            self._count(index, page)
        self._end = self._stored

    def begin(self, first: int, end: int) -> None:
        """Get ready to be told the groups from `first` on again; the log holds those before `end`.

        Raises
        ------
        CorruptStorage : the log has lost groups that were told
        """
        if self._stored > end:
            raise CorruptStorage(
                f"the exchange's log ends with group {end - 1}, but {self._stored - 1} was told: it has lost "
                "what was acknowledged, and its key would give two receipts for one place. See the runbook, "
                "The exchange's bond"
            )
        self._stored = self._end = max(self._stored, first)

    def add(self, published: Published) -> None:
        """Take in what was told of the next group."""
        with self._adding:
            if published.group < self._end:
                return
            self._end = published.group + 1
            events = tuple(event for event in published.events if isinstance(event, OWN_EVENTS))
            if events:
                self._pending.append(Published(published.group, published.ts_ms, events))

    def flush(self) -> None:
        """Write what was told since the last time.

        Raises
        ------
        DiskFull : nothing was written; it is kept for the next time
        """
        with self._writing:
            if self._pending:
                self._write()

    def sync(self) -> None:
        """Make everything durable and forget what is too old; before a snapshot that reaches so far.

        Raises
        ------
        DiskFull : there is no room
        """
        with self._writing:
            if self._end != self._stored:
                self._write()
            if self._counts:
                self._wal.prune(self._counts[0][0])
        self._wal.sync()

    def recall(self) -> tuple[int, tuple[Published, ...]]:
        """Return (first group of which nothing is missing, what was told since).

        Raises
        ------
        CorruptStorage : the archive was damaged since it was opened
        """
        told: list[Published] = []
        with self._writing:
            oldest = self._counts[0][0] if self._counts else 0
            pages = [*(page for _, page in self._stored_pages(oldest)), self._page()]
        first = end = pages[0].first
        for page in pages:
            if page.first > end:  # what lies between was never written down: start again behind it
                told, first = [], page.first
            told += _decode(page.told, tuple[Published, ...])
            end = page.end
        return first, tuple(told)

    def close(self) -> None:
        """Sync and close."""
        self._wal.close()

    def _page(self) -> _Page:
        with self._adding:
            pending, end = list(self._pending), self._end
        n_events = sum(len(published.events) for published in pending)
        return _Page(_VERSION, self._stored, end, n_events, msgspec.Raw(_encoder.encode(pending)))

    def _write(self) -> None:
        page = self._page()
        self._count(self._wal.append(_encoder.encode(page)), page)
        with self._adding:
            self._pending = [published for published in self._pending if published.group >= page.end]

    def _count(self, index: int, page: _Page) -> None:
        self._counts.append((index, page.n_events))
        self._n_events += page.n_events
        while self._n_events - self._counts[0][1] >= self._kept_events:
            self._n_events -= self._counts.popleft()[1]
        self._stored = page.end

    def _stored_pages(self, oldest: int = 0) -> Iterator[tuple[int, _Page]]:
        for index, payload in self._wal.replay(oldest):
            page = _decode(payload, _Page)
            if page.version != _VERSION:
                raise CorruptStorage(
                    f"the exchange's archive has version {page.version}, this program reads {_VERSION}"
                )
            yield index, page


def _decode(payload: bytes | msgspec.Raw, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except msgspec.DecodeError as error:
        raise CorruptStorage(f"a page of the exchange's archive cannot be read: {error}") from error
