"""Traces and witnesses of single units on disk: a bounded cache that may be deleted at any time.

A trace is mapped, not read: a tree of eight million steps costs its reader no memory. Every file
carries a checksum and a damaged one counts as missing.
"""

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import structlog

from optimistic.protocol.stepper.trace_tree import PackedTrace
from optimistic.service.storage_errors import storage_error

log = structlog.get_logger(__name__)

Bytes = bytes | bytearray | memoryview

_HASH: Final = 32
_HEAD: Final = struct.Struct(">8sBBxxxxxxQ32s")
"""Magic, log_arity, height, number of states, checksum."""
_MAGIC: Final = b"opttrace"
_TRACE: Final = ".trace"
_WITNESS: Final = ".witness"
_PARTIAL: Final = ".part"
_CHUNK: Final = 1 << 24


class TraceCache:
    """Files of one folder, the longest unused ones deleted first; several processes may share it.

    Parameters
    ----------
    folder : created if missing
    max_bytes : most that all files together take; the newest one stays in any case

    Raises
    ------
    DiskFull, StorageFailed : the folder cannot be written
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder: Final = folder
        self.max_bytes: Final = max_bytes
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(folder, error) from error

    # ------------------------------------------------------------------------------ traces

    def put_trace(self, name: str, tree: PackedTrace) -> None:
        """Store a trace tree.

        Raises
        ------
        DiskFull, StorageFailed : it cannot be written
        """
        head = _head(tree.log_arity, tree.height, tree.count)
        self._replace(name + _TRACE, [_sealed(head, tree.levels), *tree.levels])

    def trace(self, name: str) -> PackedTrace | None:
        """Return a trace tree, or None if it is not there or damaged."""
        path = self.folder / (name + _TRACE)
        try:
            with path.open("rb") as file:
                mapped = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
            os.utime(path)
        except (OSError, ValueError):  # an empty file cannot be mapped
            return None
        tree = _open(mapped)
        if tree is None:
            self._drop_damaged(path)
        return tree

    # ------------------------------------------------------------------------------ witnesses

    def put_witness(self, name: str, witness: bytes) -> None:
        """Store a witness.

        Raises
        ------
        DiskFull, StorageFailed : it cannot be written
        """
        self._replace(name + _WITNESS, [blake2b(witness, digest_size=_HASH).digest(), witness])

    def witness(self, name: str) -> bytes | None:
        """Return a witness, or None if it is not there or damaged."""
        path = self.folder / (name + _WITNESS)
        try:
            raw = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        if raw[:_HASH] != blake2b(raw[_HASH:], digest_size=_HASH).digest():
            self._drop_damaged(path)
            return None
        return raw[_HASH:]

    # ------------------------------------------------------------------------------ bounds

    def prune(self) -> None:
        """Delete what was not used for longest until the rest fits."""
        found = sorted(self._files(), reverse=True)
        taken = 0
        for position, (_, size, path) in enumerate(found):
            taken += size
            if taken > self.max_bytes and position:
                path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what a killed process left unfinished; no other process may be writing."""
        for path in self.folder.glob("*" + _PARTIAL):
            path.unlink(missing_ok=True)

    def bytes_used(self) -> int:
        """Return how much all files take."""
        return sum(size for _, size, _ in self._files())

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """Yield (time of the last use, bytes, path)."""
        for path in self.folder.iterdir():
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            yield state.st_mtime_ns, state.st_size, path

    def _replace(self, name: str, parts: Sequence[Bytes]) -> None:
        path = self.folder / name
        partial = path.with_name(f"{name}.{os.getpid()}{_PARTIAL}")
        try:
            with partial.open("wb") as file:
                for part in parts:
                    file.write(part)
            os.replace(partial, path)  # noqa: PTH105 - the atomic one, by its name
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise storage_error(path, error) from error

    def _drop_damaged(self, path: Path) -> None:
        log.warning("trace_cache_damaged", path=str(path), reaction="computed again")
        path.unlink(missing_ok=True)


def _head(log_arity: int, height: int, count: int, checksum: bytes = bytes(_HASH)) -> bytes:
    return _HEAD.pack(_MAGIC, log_arity, height, count, checksum)


def _sealed(head: bytes, levels: Sequence[Bytes]) -> bytes:
    """Return the head with the checksum of it and all levels."""
    digest = blake2b(head, digest_size=_HASH)
    for level in levels:
        digest.update(level)
    return head[:-_HASH] + digest.digest()


def _open(mapped: memoryview) -> PackedTrace | None:
    """Return the tree in a file, or None if it is not what was written."""
    if len(mapped) < _HEAD.size:
        return None
    magic, log_arity, height, count, checksum = _HEAD.unpack_from(mapped)
    if magic != _MAGIC:
        return None
    sizes = [-(-count // (1 << log_arity * level)) * _HASH for level in range(height + 1)]
    if len(mapped) != _HEAD.size + sum(sizes):
        return None
    digest = blake2b(_head(log_arity, height, count), digest_size=_HASH)
    for start in range(_HEAD.size, len(mapped), _CHUNK):
        digest.update(mapped[start : start + _CHUNK])
    if digest.digest() != checksum:
        return None
    levels, start = [], _HEAD.size
    for size in sizes:
        levels.append(mapped[start : start + size])
        start += size
    return PackedTrace(log_arity, levels)
