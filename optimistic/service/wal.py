"""An append-only log that survives a kill at any line.

A folder of segment files. A segment is an 8-byte magic, then records::

    4 marker | 4 length | 4 crc32(index ‖ payload) | 8 index | payload        (big-endian)

On opening, a torn last record is cut off; damage before intact records is never passed over.
"""

import os
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from struct import Struct
from typing import Final

import structlog

from optimistic.protocol.errors import CriticalError
from optimistic.service.storage_errors import CorruptStorage, storage_error

log = structlog.get_logger(__name__)

_MAGIC: Final = b"OPTWAL\x00\x01"
_MARKER: Final = b"\xf5\x57\xa1\x0d"
_HEAD: Final = Struct(">4sIIQ")
_INDEX: Final = Struct(">Q")
_SUFFIX: Final = ".wal"
MAX_PAYLOAD_BYTES: Final = 64 << 20


class SyncPolicy(StrEnum):
    """When a record is on the medium, not only in the system's cache.

    A killed process loses nothing under any policy; a power cut loses what was not synced.
    """

    EACH = "each"
    """`append` returns after the sync."""
    GROUP = "group"
    """The caller appends many, then calls `sync` once before it acknowledges any."""
    NONE = "none"
    """Never; `sync` does nothing."""


class WalClosed(CriticalError):
    """The log was closed, or an earlier failure left its durability unknown: restart the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """What a segment holds: its records end at byte `end`, the last one is `next_index` - 1."""

    next_index: int
    end: int
    damaged: bool


class Wal:
    """The log in one folder; safe from any thread of one process.

    Parameters
    ----------
    folder : created if missing
    sync_policy : see `SyncPolicy`
    segment_bytes : size after which a new file is begun

    Raises
    ------
    CorruptStorage : a record before intact ones is damaged, or a segment is missing
    """

    def __init__(
        self, folder: Path, *, sync_policy: SyncPolicy = SyncPolicy.GROUP, segment_bytes: int = 64 << 20
    ) -> None:
        self._folder = folder
        self._policy = sync_policy
        self._segment_bytes = segment_bytes
        self._lock = threading.RLock()
        self._sync_lock = threading.Lock()
        self._broken = False
        self._segments: list[int] = []
        self._next = 0
        self._synced = 0
        self._end = 0
        self._descriptor = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._recover()
        except OSError as error:
            raise storage_error(folder, error) from error

    # ------------------------------------------------------------------------------ writing

    @property
    def first_index(self) -> int:
        """Index of the oldest record kept (equals `next_index` when there is none)."""
        return self._segments[0]

    @property
    def next_index(self) -> int:
        """Index the next record will get; records count from 0 and never restart."""
        return self._next

    def append(self, payload: bytes) -> int:
        """Add one record and return its index; see `SyncPolicy` for when it is durable.

        Raises
        ------
        DiskFull : no space; the log is as before the call
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"a record has at most {MAX_PAYLOAD_BYTES} bytes, not {len(payload)}")
        with self._lock:
            self._check_open()
            if self._end >= self._segment_bytes:
                self._rotate()
            index = self._next
            self._write(_frame(index, payload))
            self._next = index + 1
        if self._policy is SyncPolicy.EACH:
            self.sync()
        return index

    def sync(self) -> None:
        """Make every record appended so far durable; concurrent callers share one sync."""
        if self._policy is SyncPolicy.NONE:
            return
        wanted = self._next
        with self._sync_lock:
            if self._synced >= wanted:
                return
            with self._lock:
                self._check_open()
                reached, descriptor = self._next, os.dup(self._descriptor)
            try:
                self._fsync(descriptor)
            finally:
                os.close(descriptor)
            self._synced = max(self._synced, reached)

    def prune(self, before_index: int) -> None:
        """Delete whole segments that hold only records older than `before_index`."""
        with self._lock:
            try:
                while len(self._segments) > 1 and self._segments[1] <= before_index:
                    self._path(self._segments[0]).unlink()
                    self._segments.pop(0)
                sync_folder(self._folder)
            except OSError as error:
                raise storage_error(self._folder, error) from error

    def close(self) -> None:
        """Sync and close; later calls raise WalClosed."""
        if not self._broken:
            self.sync()
        with self._lock:
            if not self._broken:
                self._broken = True
                os.close(self._descriptor)

    def _write(self, frame: bytes) -> None:
        """Write all of `frame` at the end, or leave the file as it was."""
        view = memoryview(frame)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            self._undo_write()
            raise storage_error(self._path(self._segments[-1]), error) from error
        self._end += len(frame)

    def _undo_write(self) -> None:
        try:
            os.ftruncate(self._descriptor, self._end)
        except OSError:
            self._broken = True  # recovery cuts the torn record on the next start

    def _fsync(self, descriptor: int) -> None:
        """Sync a file; after a failure nobody knows what the medium holds, so the log is closed for good."""
        try:
            os.fsync(descriptor)
        except OSError as error:
            self._broken = True
            raise storage_error(self._folder, error) from error

    def _rotate(self) -> None:
        previous = self._descriptor
        if self._policy is not SyncPolicy.NONE:
            self._fsync(previous)
        self._create(self._next)
        os.close(previous)

    def _create(self, index: int) -> None:
        path = self._path(index)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.write(descriptor, _MAGIC) != len(_MAGIC):
                raise OSError(28, "No space left on device")
            os.fsync(descriptor)
            sync_folder(self._folder)
        except OSError as error:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise storage_error(path, error) from error
        self._descriptor, self._end = descriptor, len(_MAGIC)
        self._segments.append(index)

    def _check_open(self) -> None:
        if self._broken:
            raise WalClosed(f"the log in {self._folder} is closed: restart the process")

    # ------------------------------------------------------------------------------ reading

    def replay(self, from_index: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (index, payload) of every record kept from `from_index` on, oldest first.

        Raises
        ------
        CorruptStorage : a record was damaged since the log was opened
        """
        with self._lock:
            segments, end_index = list(self._segments), self._next
        bounds = [*segments[1:], end_index]
        for first, after in zip(segments, bounds, strict=True):
            if after > from_index:
                yield from self._replay_segment(first, after, from_index)

    def _replay_segment(self, first: int, after: int, from_index: int) -> Iterator[tuple[int, bytes]]:
        try:
            content = self._path(first).read_bytes()
        except OSError as error:
            raise storage_error(self._path(first), error) from error
        offset = len(_MAGIC)
        for index in range(first, after):
            payload = _read_frame(content, offset, index)
            if payload is None:
                raise self._damage(first, offset, index)
            offset += _HEAD.size + len(payload)
            if index >= from_index:
                yield index, payload

    # ------------------------------------------------------------------------------ recovery

    def _recover(self) -> None:
        self._segments = sorted(int(path.stem) for path in self._folder.glob(f"*{_SUFFIX}"))
        if not self._segments:
            self._create(0)
            return
        for position, first in enumerate(self._segments):
            last = position == len(self._segments) - 1
            scan = self._scan_segment(first, last=last)
            if not last and scan.next_index != self._segments[position + 1]:
                raise CorruptStorage(
                    f"the log in {self._folder} lacks records {scan.next_index} to "
                    f"{self._segments[position + 1] - 1}: restore the missing file from a backup"
                )
        self._open_last(scan)

    def _scan_segment(self, first: int, *, last: bool) -> _Scan:
        content = self._path(first).read_bytes()
        if content[: len(_MAGIC)] != _MAGIC:
            if last and len(content) < len(_MAGIC):
                return _Scan(next_index=first, end=0, damaged=True)
            raise CorruptStorage(f"{self._path(first)} is not a log file: restore it from a backup")
        offset, index = len(_MAGIC), first
        while (payload := _read_frame(content, offset, index)) is not None:
            offset += _HEAD.size + len(payload)
            index += 1
        damaged = offset < len(content)
        if damaged and (not last or _has_frame_after(content, offset + 1, index)):
            raise self._damage(first, offset, index)
        return _Scan(next_index=index, end=offset, damaged=damaged)

    def _open_last(self, scan: _Scan) -> None:
        first = self._segments[-1]
        self._next = self._synced = scan.next_index
        if scan.end == 0:
            self._segments.pop()
            self._create(first)
            return
        path = self._path(first)
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._end = scan.end
        if scan.damaged:
            size = os.fstat(self._descriptor).st_size
            os.ftruncate(self._descriptor, scan.end)
            os.fsync(self._descriptor)
            log.warning(
                "wal_tail_truncated", path=str(path), next_index=scan.next_index, dropped=size - scan.end
            )

    def _damage(self, first: int, offset: int, index: int) -> CorruptStorage:
        return CorruptStorage(
            f"record {index} in {self._path(first)} is damaged at byte {offset}, later records are intact: "
            f"restore the file from a backup, or move {self._folder} away and rebuild from L1 "
            "(what was acknowledged but not yet posted is then lost)"
        )

    def _path(self, first_index: int) -> Path:
        return self._folder / f"{first_index:020d}{_SUFFIX}"


def _frame(index: int, payload: bytes) -> bytes:
    return _HEAD.pack(_MARKER, len(payload), _crc(index, payload), index) + payload


def _crc(index: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(_INDEX.pack(index)))


def _read_frame(content: bytes, offset: int, index: int | None) -> bytes | None:
    """Return the payload of the intact record at `offset` (with this index, if given), else None."""
    if offset + _HEAD.size > len(content):
        return None
    marker, length, crc, found = _HEAD.unpack_from(content, offset)
    start = offset + _HEAD.size
    if marker != _MARKER or length > MAX_PAYLOAD_BYTES or start + length > len(content):
        return None
    payload = content[start : start + length]
    if index not in (None, found) or crc != _crc(found, payload):
        return None
    return payload


def _has_frame_after(content: bytes, offset: int, index: int) -> bool:
    """Return whether an intact record newer than `index` begins at or after `offset`."""
    while (offset := content.find(_MARKER, offset)) >= 0:
        if _read_frame(content, offset, None) is not None and _HEAD.unpack_from(content, offset)[3] > index:
            return True
        offset += 1
    return False


def sync_folder(folder: Path) -> None:
    """Make the names of the files in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
