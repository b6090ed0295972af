"""Recovers signers in other processes, many at a time, so that the event loop and the book go on."""

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from typing import Final, Self

import structlog

from optimistic.node.api.errors import overloaded
from optimistic.node.api.signature_worker import COUNT_BYTES, ITEM_BYTES, SIGNER_BYTES
from optimistic.protocol.types import Address

log = structlog.get_logger(__name__)

_JOB_ITEMS: Final = 256
"""Small requests that wait together are sent together, up to about this many items."""
_JOBS_AHEAD: Final = 2
"""Jobs a worker has at a time: one it does, one that waits in the socket."""
_RETRY_MS: Final = 250

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Request:
    """Some items and the promise of their signers."""

    __slots__ = ("done", "items")

    def __init__(self, items: Sequence[bytes], done: "asyncio.Future[list[Address]]") -> None:
        self.items = items
        self.done = done


class _Worker:
    """One process, and the jobs it was given and has not answered."""

    def __init__(self, process: "subprocess.Popen[bytes]", streams: _Streams) -> None:
        self._process = process
        self._reader, self._writer = streams
        self.jobs: deque[list[_Request]] = deque()

    @classmethod
    async def start(cls) -> Self:
        """Start a process."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            process = subprocess.Popen(  # noqa: S603, ASYNC220 - this interpreter; it returns at once
                [sys.executable, "-m", "optimistic.node.api.signature_worker", str(descriptor)],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            )
        return cls(process, await asyncio.open_unix_connection(sock=ours))

    def send(self, job: list[_Request]) -> None:
        """Give the process a job."""
        self.jobs.append(job)
        items = b"".join(item for request in job for item in request.items)
        self._writer.write((len(items) // ITEM_BYTES).to_bytes(COUNT_BYTES, "big") + items)

    async def receive(self) -> None:
        """Wait for the answer to the oldest job and hand it out.

        Raises
        ------
        asyncio.IncompleteReadError : the process ended
        """
        count = int.from_bytes(await self._reader.readexactly(COUNT_BYTES), "big")
        signers = await self._reader.readexactly(count * SIGNER_BYTES)
        _answer(self.jobs.popleft(), signers)

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
    max_waiting : items that may wait; a request beyond is refused whole
    """

    def __init__(self, workers: int, max_waiting: int) -> None:
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
            worker = await _Worker.start()
            self._workers.append(worker)
            self._tasks.append(asyncio.create_task(self._run(worker)))

    async def close(self) -> None:
        """End the processes; what is waiting is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def recover(self, items: Sequence[bytes]) -> list[Address]:
        """Return who signed each item (96 bytes: digest and compact signature), zero for nobody.

        Raises
        ------
        ApiError : too much is waiting; nothing was begun
        """
        if self._n_waiting + len(items) > self._max_waiting:
            raise overloaded(_RETRY_MS)
        self._n_waiting += len(items)
        request = _Request(items, asyncio.get_running_loop().create_future())
        self._queue.append(request)
        self._feed()
        try:
            return await request.done
        finally:
            self._n_waiting -= len(items)

    def _feed(self) -> None:
        """Give waiting requests to the workers that have room."""
        while self._queue:
            free = [worker for worker in self._workers if len(worker.jobs) < _JOBS_AHEAD]
            if not free:
                return
            worker = min(free, key=lambda item: len(item.jobs))
            job = [self._queue.popleft()]
            size = len(job[0].items)
            while self._queue and size + len(self._queue[0].items) <= _JOB_ITEMS:
                size += len(self._queue[0].items)
                job.append(self._queue.popleft())
            worker.send(job)

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
            worker = await _Worker.start()
            self._workers.append(worker)
            self._feed()


def _answer(job: list[_Request], signers: bytes) -> None:
    at = 0
    for request in job:
        size = SIGNER_BYTES * len(request.items)
        part = signers[at : at + size]
        at += size
        if not request.done.done():
            found = [Address(part[i : i + SIGNER_BYTES]) for i in range(0, size, SIGNER_BYTES)]
            request.done.set_result(found)
