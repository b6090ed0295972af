"""Worker processes with a time limit per case.

A case may sit in a native function for minutes, where no signal reaches Python:
the only way out is to end the process. Each worker therefore runs one case at a
time and is replaced when it overstays or dies.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from tests.conformance.cases import Case
from tests.conformance.engines import run_case
from tests.conformance.execution import Run, Setting, Verdict, load_setting

_SPAWN = get_context("spawn")
TIMED_OUT = "timed out"
READY = "ready"

_USER_TICKS, _SYSTEM_TICKS = 11, 12
"""Fields of /proc/<pid>/stat, counted after the command's name."""
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LEAST_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Result:
    """A case and what came of it."""

    case: Case
    verdict: Verdict


def _serve(connection: Connection, run: Run) -> None:
    """Run cases until the parent goes away; a test's JSON comes with its first case only."""
    setting: Setting | None = None
    connection.send(READY)
    while True:
        try:
            line, case = connection.recv()
        except EOFError:
            return
        try:
            if line or setting is None:
                setting = load_setting(line)
            connection.send(run_case(case, setting, run))
        except Exception as error:  # noqa: BLE001 - whatever escapes the engine is a failed case
            connection.send(Verdict(f"raised {type(error).__name__}: {error}"[:300]))


class _Worker:
    """One process and the case it has."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.connection, theirs = _SPAWN.Pipe()
        self.process: Any = _SPAWN.Process(target=_serve, args=(theirs, run), daemon=True)
        self.process.start()
        theirs.close()
        self.case: Case | None = None
        self.broken = False
        self._started = 0.0
        self._line = ""
        self._ready = False

    def give(self, case: Case) -> None:
        if not self._ready:
            self._ready = self.connection.recv() == READY
        self.case, self._started = case, self._clock()
        self.connection.send(("" if case.line is self._line else case.line, replace(case, line="")))
        self._line = case.line

    def take(self) -> Result:
        assert self.case is not None
        try:
            verdict = self.connection.recv()
        except (EOFError, ConnectionError):
            self.broken = True
            verdict = Verdict("the worker died")
        return self._done(verdict)

    def spent_s(self) -> float:
        """Seconds spent on the case."""
        return self._clock() - self._started

    def _clock(self) -> float:
        """Processor seconds of the worker, where the system tells; else the wall clock."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return time.monotonic()
        return (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS_PER_S

    def stop(self, failure: str = "") -> Result | None:
        self.process.kill()
        self.process.join()
        self.connection.close()
        return self._done(Verdict(failure)) if self.case is not None else None

    def _done(self, verdict: Verdict) -> Result:
        assert self.case is not None
        result = Result(self.case, verdict)
        self.case = None
        return result


def run_cases(cases: Iterable[Case], jobs: int, limit_s: float, run: Run) -> Iterator[Result]:
    """Run `cases` on `jobs` processes, each case at most `limit_s` processor seconds."""
    queue = iter(cases)
    workers = [_Worker(run) for _ in range(jobs)]
    try:
        while True:
            for worker in workers:
                if worker.case is None and (case := next(queue, None)) is not None:
                    worker.give(case)
            if all(worker.case is None for worker in workers):
                return
            yield from _collect(workers, limit_s)
    finally:
        for worker in workers:
            worker.stop()


def _collect(workers: list[_Worker], limit_s: float) -> Iterator[Result]:
    """Yield what has finished, died or overstayed; wait for the first of these."""
    busy = [worker for worker in workers if worker.case is not None]
    patience = min(limit_s - worker.spent_s() for worker in busy)
    ready = wait([worker.connection for worker in busy], timeout=max(patience, _LEAST_WAIT_S))
    for index, worker in enumerate(workers):
        if worker.case is None:
            continue
        if worker.connection in ready:
            yield worker.take()
            if worker.broken:
                workers[index] = _replace(worker)
        elif worker.spent_s() >= limit_s:
            result = worker.stop(TIMED_OUT)
            workers[index] = _Worker(worker.run)
            if result is not None:
                yield result


def _replace(worker: _Worker) -> _Worker:
    worker.stop()
    return _Worker(worker.run)
