"""Trie nodes and contract code by their keccak, in LMDB."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import lmdb
import structlog

from optimistic.protocol.hashing import keccak256
from optimistic.service.storage_errors import CorruptStorage, DiskFull, StorageFailed

log = structlog.get_logger(__name__)

_INITIAL_MAP_BYTES: Final = 1 << 30
_FULL_WORDS: Final = ("no space", "too large", "quota", "input/output")
"""LMDB reports a write cut short by a full disk as an input/output error."""


class LmdbNodeReader:
    """The nodes of a store that another process may be writing to; of one thread.

    Raises
    ------
    CorruptStorage : the folder holds no usable store, or a value does not match its key
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._env = lmdb.open(str(folder), readonly=True, max_dbs=0, lock=True)
            self._env.reader_check()  # forget readers that were killed
        except lmdb.Error as error:
            raise _wrapped(folder, error) from error

    def get(self, key: bytes, /) -> bytes | None:
        """Return the bytes with this hash, or None."""
        try:
            value = self._read(key)
        except lmdb.Error as error:
            raise _wrapped(self._folder, error) from error
        return _checked(self._folder, key, value)

    def close(self) -> None:
        """Release the files."""
        self._env.close()

    def _read(self, key: bytes) -> bytes | None:
        try:
            with self._env.begin() as reading:
                found: bytes | None = reading.get(key)
        except lmdb.MapResizedError:  # the writer needed more room
            self._env.set_mapsize(0)
            with self._env.begin() as reading:
                found = reading.get(key)
        return found


class LmdbNodeStore:
    """Nodes in one LMDB environment; the map grows as needed; safe from any thread.

    Parameters
    ----------
    folder : created if missing
    durable : sync every write to the medium; without it a power cut (not a kill) may
        damage the store, which is then rebuilt from L1
    verify : check every value read against its key, at 1.5 µs each
    map_bytes : address space reserved at first; disk is used only for what is stored

    Raises
    ------
    CorruptStorage : the folder holds no usable store, or a value does not match its key
    DiskFull : no space; what was stored is intact
    """

    def __init__(
        self, folder: Path, *, durable: bool = True, verify: bool = True, map_bytes: int = _INITIAL_MAP_BYTES
    ) -> None:
        self._folder = folder
        self._verify = verify
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._env = lmdb.open(
                str(folder),
                map_size=map_bytes,
                sync=durable,
                metasync=durable,
                max_dbs=0,
                lock=True,
                mode=0o600,
            )
            with self._env.begin() as reading:
                reading.get(bytes(32))
        except OSError as error:
            raise StorageFailed(
                f"cannot open {folder}: {error}: check the disk and the permissions"
            ) from error
        except lmdb.Error as error:
            raise _wrapped(self._folder, error) from error

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._folder

    def get(self, key: bytes, /) -> bytes | None:
        """Return the bytes with this hash, or None."""
        try:
            with self._lock, self._env.begin() as reading:
                value: bytes | None = reading.get(key)
        except lmdb.Error as error:
            raise _wrapped(self._folder, error) from error
        return _checked(self._folder, key, value) if self._verify else value

    def put_many(self, nodes: Mapping[bytes, bytes], /) -> None:
        """Add nodes, all or none."""
        if not nodes:
            return
        with self._lock:
            while not self._try_put(nodes):
                self._grow()

    def count(self) -> int:
        """Return the number of nodes."""
        with self._lock:
            return int(self._env.stat()["entries"])

    def close(self) -> None:
        """Release the files."""
        with self._lock:
            self._env.close()

    def _try_put(self, nodes: Mapping[bytes, bytes]) -> bool:
        try:
            with self._env.begin(write=True) as writing:
                for key in sorted(nodes):
                    writing.put(key, nodes[key], overwrite=False)
        except lmdb.MapFullError:
            return False
        except lmdb.Error as error:
            raise _wrapped(self._folder, error) from error
        return True

    def _grow(self) -> None:
        size = 2 * int(self._env.info()["map_size"])
        try:
            self._env.set_mapsize(size)
        except lmdb.Error as error:
            raise _wrapped(self._folder, error) from error
        log.info("node_store_grown", folder=str(self._folder), map_bytes=size)


def _checked(folder: Path, key: bytes, value: bytes | None) -> bytes | None:
    """Return a value that is what its key says."""
    if value is not None and keccak256(value) != key:
        raise CorruptStorage(
            f"node 0x{key.hex()} in {folder} is damaged: stop, delete the folder and start again "
            "(nodes are rebuilt from L1)"
        )
    return value


def _wrapped(folder: Path, error: lmdb.Error) -> CorruptStorage | StorageFailed:
    text = str(error)
    if any(word in text.lower() for word in _FULL_WORDS):
        return DiskFull(
            f"no space left to write {folder} ({text}): nothing stored before is harmed; "
            "free space or raise the limit, then start again"
        )
    if isinstance(
        error,
        lmdb.CorruptedError | lmdb.InvalidError | lmdb.PageNotFoundError | lmdb.VersionMismatchError,
    ):
        return CorruptStorage(
            f"the node store in {folder} is damaged ({text}): delete the folder and start again "
            "(nodes are rebuilt from L1)"
        )
    return StorageFailed(f"the node store in {folder} failed: {text}: check disk and permissions")
