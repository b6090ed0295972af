"""The exchange's log on disk: groups of records, and snapshots that make recovery short.

A group is one record of the write-ahead log, so it is there whole or not at all. A snapshot file is named by
the first group that is not in it; two are kept, and the log from the older one on.
"""

import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from optimistic.node.exchange.records import Group, Record, decode_group, encode_group
from optimistic.service.storage_errors import CorruptStorage, StorageFailed, storage_error
from optimistic.service.wal import SyncPolicy, Wal, WalClosed, sync_folder

log = structlog.get_logger(__name__)

_MAGIC: Final = b"OPTEXS\x00\x01"
_KEPT: Final = 2
_SUFFIX: Final = ".snapshot"
_PARTIAL: Final = ".part"


class Journal:
    """The log in one folder.

    Parameters
    ----------
    folder : created if missing
    policy : see `ExchangeOptions.sync_policy`
    segment_bytes : size after which the log begins a new file
    """

    def __init__(self, folder: Path, policy: SyncPolicy, segment_bytes: int) -> None:
        self._folder = folder
        self._policy = policy
        self._wal = Wal(folder / "log", sync_policy=policy, segment_bytes=segment_bytes)
        for partial in folder.glob(f"*{_PARTIAL}"):  # of a process that was killed
            partial.unlink()
        self._wake = threading.Event()
        self._is_closed = False
        self._syncer: threading.Thread | None = None

    @property
    def next_index(self) -> int:
        """Index the next group gets."""
        return self._wal.next_index

    def append(self, ts_ms: int, records: list[Record]) -> int:
        """Write a group with one write; return its index.

        Raises
        ------
        DiskFull : nothing was written
        """
        index = self._wal.append(encode_group(ts_ms, records))
        if self._policy is SyncPolicy.GROUP:
            self._follow()
        return index

    def _follow(self) -> None:
        """Let the medium follow as fast as it can, in a thread of its own."""
        if self._syncer is None:
            self._syncer = threading.Thread(target=self._sync_forever, name="exchange-sync", daemon=True)
            self._syncer.start()
        self._wake.set()

    def _sync_forever(self) -> None:
        while not self._is_closed:
            self._wake.wait()
            self._wake.clear()
            try:
                self._wal.sync()
            except WalClosed:
                return
            except StorageFailed as error:
                log.critical("exchange_sync_failed", error=str(error))
                return

    def replay(self, from_index: int) -> Iterator[Group]:
        """Yield the groups from an index on.

        Raises
        ------
        CorruptStorage : the log does not reach so far back, or so far at all, or is damaged
        """
        if self._wal.next_index < from_index:
            raise CorruptStorage(
                f"the exchange's log in {self._folder} ends before group {self._wal.next_index}, a snapshot "
                f"holds all before {from_index}: the log has lost what was acknowledged"
            )
        if self._wal.first_index > from_index:
            raise CorruptStorage(
                f"the exchange's log in {self._folder} begins with group {self._wal.first_index}, "
                f"group {from_index} is needed: restore the folder from a backup"
            )
        for _, payload in self._wal.replay(from_index):
            yield decode_group(payload)

    def sync(self) -> None:
        """Make every group durable."""
        self._wal.sync()

    def close(self) -> None:
        """Sync and close."""
        self._is_closed = True
        self._wake.set()
        if self._syncer is not None:
            self._syncer.join()
        self._wal.close()

    # ------------------------------------------------------------------------------ snapshots

    def save(self, index: int, payload: bytes) -> None:
        """Store what the groups before `index` add up to, and forget what nobody needs any more.

        Raises
        ------
        DiskFull : there is no room; what was there before still is
        """
        path = self._folder / f"{index:020d}{_SUFFIX}"
        partial = path.with_suffix(_PARTIAL)
        try:
            with partial.open("wb") as file:
                file.write(_MAGIC + zlib.crc32(payload).to_bytes(4, "big") + payload)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)  # noqa: PTH105 - the atomic one, by its name
            sync_folder(self._folder)
            kept = self._snapshots()[:_KEPT]
            for old in self._snapshots()[_KEPT:]:
                self._path(old).unlink()
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise storage_error(path, error) from error
        if len(kept) == _KEPT:
            self._wal.prune(kept[-1])
        log.info("exchange_snapshot_written", group=index, bytes=len(payload))

    def latest(self) -> tuple[int, bytes] | None:
        """Return (first group not in it, payload) of the newest snapshot that is whole."""
        for index in self._snapshots():
            content = self._path(index).read_bytes()
            payload = content[len(_MAGIC) + 4 :]
            crc = content[len(_MAGIC) : len(_MAGIC) + 4]
            if content.startswith(_MAGIC) and zlib.crc32(payload).to_bytes(4, "big") == crc:
                return index, payload
            log.warning("exchange_snapshot_damaged", path=str(self._path(index)))
        return None

    def _snapshots(self) -> list[int]:
        """Return the indices of the snapshots, newest first."""
        return sorted((int(path.stem) for path in self._folder.glob(f"*{_SUFFIX}")), reverse=True)

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:020d}{_SUFFIX}"
