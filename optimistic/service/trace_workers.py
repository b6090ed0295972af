"""Who does trace jobs: other processes, so that a daemon's loop goes on, or this one at once."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

import structlog

from optimistic.protocol.mpt import NodeReader
from optimistic.service.storage_errors import CorruptStorage, StorageFailed
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_job import Done, Failed, Job, Progress, Report, run_job

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that is over."""

    job: Job
    how: Done | Failed


class Workers(Protocol):
    """Does jobs, several at a time."""

    @property
    def running(self) -> list[str]:
        """Names of the jobs that are being done."""

    def take(self, job: Job) -> bool:
        """Begin a job; False if nobody is free."""

    def drop(self, name: str) -> None:
        """Give up a running job."""

    def collect(self) -> list[Ended]:
        """Return the jobs that ended since."""

    def close(self) -> None:
        """End everything; what is running is lost."""


class InlineWorker:
    """Does each job in this process before `take` returns; for tests and short commands."""

    def __init__(self, nodes: NodeReader, cache: TraceCache) -> None:
        self._nodes = nodes
        self._cache = cache
        self._ended: list[Ended] = []

    @property
    def running(self) -> list[str]:
        """Names of the jobs that are being done: none."""
        return []

    def take(self, job: Job) -> bool:
        """Do a job."""
        self._ended.append(Ended(job, Done(run_job(job, self._nodes, self._cache))))
        return True

    def drop(self, name: str) -> None:
        """Give up a running job."""

    def collect(self) -> list[Ended]:
        """Return the jobs that ended since."""
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """End everything."""


class WorkerProcesses:
    """Up to `count` processes, started when they are needed and kept.

    Parameters
    ----------
    nodes : folder of the LMDB store that this process writes
    """

    def __init__(self, nodes: Path, cache: TraceCache, count: int) -> None:
        self._nodes = nodes
        self._cache = cache
        self._count = count
        self._processes: list[_Process] = []

    @property
    def running(self) -> list[str]:
        """Names of the jobs that are being done."""
        return [process.job.name for process in self._processes if process.job is not None]

    def take(self, job: Job) -> bool:
        """Begin a job; False if nobody is free."""
        free = next((process for process in self._processes if process.job is None), None)
        if free is None:
            if len(self._processes) >= self._count:
                return False
            free = _Process(self._nodes, self._cache.folder)
            self._processes.append(free)
        free.begin(job)
        return True

    def drop(self, name: str) -> None:
        """Give up a running job."""
        for process in [p for p in self._processes if p.job is not None and p.job.name == name]:
            process.end()
            self._processes.remove(process)

    def collect(self) -> list[Ended]:
        """Return the jobs that ended since; a process that died takes its job with it."""
        ended = []
        for process in list(self._processes):
            job, report = process.job, process.look()
            if report is not None and job is not None:
                ended.append(Ended(job, report))
            if process.is_dead:
                process.end()
                self._processes.remove(process)
        return ended

    def close(self) -> None:
        """End everything; what is running is lost."""
        for process in self._processes:
            process.end()
        self._processes.clear()


class _Process:
    """One process and the job it does."""

    def __init__(self, nodes: Path, cache: Path) -> None:
        ours, its = socket.socketpair()
        with its:
            descriptor = str(its.fileno())
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and arguments of ours
                [sys.executable, "-m", "optimistic.service.trace_worker", descriptor, str(nodes), str(cache)],
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
            )
        self._connection: Connection[Job, Report] = Connection(ours.detach())
        self.job: Job | None = None

    @property
    def is_dead(self) -> bool:
        return self._process.poll() is not None

    def begin(self, job: Job) -> None:
        """Hand over a job; one that cannot be handed over fails when looked at."""
        self.job = job
        try:
            self._connection.send(job)
        except OSError:
            self._process.kill()

    def look(self) -> Done | Failed | None:
        """Return how the job ended, or None while it runs."""
        died = self.is_dead
        try:
            while self._connection.poll():
                report = self._connection.recv()
                if not isinstance(report, Progress):
                    self.job = None
                    return report
                name = "" if self.job is None else self.job.name
                log.info("trace_progress", job=name, steps=report.steps)
        except (EOFError, OSError):
            died = True
        if not died or self.job is None:
            return None
        self.job = None
        return Failed(f"the worker process died with exit code {self._process.wait()}")

    def end(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()
        self._connection.close()


def raise_storage_trouble(how: Failed) -> None:
    """Raise what a failure says about the disk: it is not a matter of one job.

    Raises
    ------
    CorruptStorage : stored nodes are missing or damaged
    StorageFailed : there is no room for results
    """
    if how.is_damaged:
        raise CorruptStorage(how.reason)
    if how.is_full:
        raise StorageFailed(how.reason)
