"""Signatures checked and made in other processes, many at a time, so that the event loop goes on."""

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from typing import Final, Self

import structlog
from coincurve import PrivateKey

from optimistic.node.api.errors import overloaded
from optimistic.node.api.signature_worker import HEAD_BYTES, SIZES, Kind, answer, sign
from optimistic.protocol.types import Address

log = structlog.get_logger(__name__)

_JOB_ITEMS: Final = 256
"""Small requests that wait together are sent together, up to about this many items."""
_JOBS_AHEAD: Final = 2
"""Jobs a worker has at a time: one it does, one that waits in the socket."""
_HERE_ITEMS: Final = 2
"""So few are done in this process: waking another one takes longer."""
_RETRY_MS: Final = 250

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Request:
    """Some items of one kind and the promise of their results."""

    __slots__ = ("done", "items", "kind")

    def __init__(self, kind: Kind, items: Sequence[bytes], done: "asyncio.Future[list[bytes]]") -> None:
        self.kind = kind
        self.items = items
        self.done = done


class _Worker:
    """One process, and the jobs it was given and has not answered."""

    def __init__(self, process: "subprocess.Popen[bytes]", streams: _Streams) -> None:
        self._process = process
        self._reader, self._writer = streams
        self.jobs: deque[list[_Request]] = deque()

    @classmethod
    async def start(cls, key: bytes | None) -> Self:
        """Start a process that signs with a key, if there is one."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - this interpreter; it returns at once
                [sys.executable, "-m", "optimistic.node.api.signature_worker", str(descriptor)],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            )
        worker = cls(process, await asyncio.open_unix_connection(sock=ours))
        if key is not None:
            worker.write(Kind.SET_KEY, [key])
        return worker

    def write(self, kind: Kind, items: Sequence[bytes]) -> None:
        """Hand items over."""
        self._writer.write(bytes((kind,)) + len(items).to_bytes(HEAD_BYTES - 1, "big") + b"".join(items))

    def send(self, job: list[_Request]) -> None:
        """Give the process a job."""
        self.jobs.append(job)
        self.write(job[0].kind, [item for request in job for item in request.items])

    async def receive(self) -> None:
        """Wait for the answer to the oldest job and hand it out.

        Raises
        ------
        asyncio.IncompleteReadError : the process ended
        """
        head = await self._reader.readexactly(HEAD_BYTES)
        size = SIZES[Kind(head[0])][1]
        results = await self._reader.readexactly(int.from_bytes(head[1:], "big") * size)
        _answer(self.jobs.popleft(), results, size)

    def close(self) -> None:
        """End the process."""
        self._writer.close()
        self._process.kill()
        self._process.wait()


class SignaturePool:
    """A few worker processes behind one bounded queue.

    All methods run on one event loop.

    Parameters
    ----------
    workers : processes
    max_waiting : signatures that may wait to be checked; a request beyond is refused whole
    key : 32 bytes with which `sign` signs; None: it is never asked to
    """

    def __init__(self, workers: int, max_waiting: int, key: bytes | None = None) -> None:
        self._key = key
        self._private_key = None if key is None else PrivateKey(key)
        self._n_workers = workers
        self._max_waiting = max_waiting
        self._n_waiting = 0
        self._queue: deque[_Request] = deque()
        self._workers: list[_Worker] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """Items whose signers are not known yet."""
        return self._n_waiting

    async def start(self) -> None:
        """Start the processes."""
        for _ in range(self._n_workers):
            worker = await _Worker.start(self._key)
            self._workers.append(worker)
            self._tasks.append(asyncio.create_task(self._run(worker)))

    async def close(self) -> None:
        """End the processes; what is waiting is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for worker in self._workers:  # of tasks that had not begun
            worker.close()
        self._workers.clear()

    async def recover(self, items: Sequence[bytes]) -> list[Address]:
        """Return who signed each item (96 bytes: digest and compact signature), zero for nobody.

        Raises
        ------
        ApiError : too much is waiting; nothing was begun
        """
        if self._n_waiting + len(items) > self._max_waiting:
            raise overloaded(_RETRY_MS)
        self._n_waiting += len(items)
        try:
            return [Address(signer) for signer in await self._ask(Kind.RECOVER, items)]
        finally:
            self._n_waiting -= len(items)

    async def sign(self, digests: Sequence[bytes]) -> list[bytes]:
        """Return the signatures (65 bytes) of digests; never refused: they follow what was taken in."""
        return await self._ask(Kind.SIGN, digests)

    async def _ask(self, kind: Kind, items: Sequence[bytes]) -> list[bytes]:
        if len(items) <= _HERE_ITEMS:
            return self._do_here(kind, b"".join(items))
        request = _Request(kind, items, asyncio.get_running_loop().create_future())
        self._queue.append(request)
        self._feed()
        return await request.done

    def _do_here(self, kind: Kind, items: bytes) -> list[bytes]:
        """Do a small request in this process."""
        if kind is Kind.SIGN:
            assert self._private_key is not None, "there is a key if anything is to be signed"
            results = sign(items, self._private_key)
        else:
            results = answer(items)
        size = SIZES[kind][1]
        return [results[at : at + size] for at in range(0, len(results), size)]

    def _feed(self) -> None:
        """Give waiting requests to the workers that have room."""
        while self._queue:
            free = [worker for worker in self._workers if len(worker.jobs) < _JOBS_AHEAD]
            if not free:
                return
            worker = min(free, key=lambda item: len(item.jobs))
            job = [self._queue.popleft()]
            size = len(job[0].items)
            while self._queue and self._fits(job[0].kind, size):
                size += len(self._queue[0].items)
                job.append(self._queue.popleft())
            worker.send(job)

    def _fits(self, kind: Kind, size: int) -> bool:
        """Whether the oldest waiting request can go into a job of a kind with so many items."""
        return self._queue[0].kind is kind and size + len(self._queue[0].items) <= _JOB_ITEMS

    async def _run(self, worker: _Worker) -> None:
        """Keep one worker going: when it dies another one takes its jobs over."""
        while True:
            try:
                while True:
                    await worker.receive()
                    self._feed()
            except (asyncio.IncompleteReadError, OSError) as error:
                log.warning("signature_worker_died", error=str(error))
            finally:
                self._workers.remove(worker)
                self._queue.extendleft(request for job in reversed(worker.jobs) for request in reversed(job))
                worker.close()
            worker = await _Worker.start(self._key)
            self._workers.append(worker)
            self._feed()


def _answer(job: list[_Request], results: bytes, size: int) -> None:
    at = 0
    for request in job:
        end = at + size * len(request.items)
        if not request.done.done():
            request.done.set_result([results[i : i + size] for i in range(at, end, size)])
        at = end
