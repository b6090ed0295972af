"""The right computation below one right assertion, made on demand and kept on disk: `Traces`.

A trace takes minutes at worst, so it is made by workers while the daemon goes on, and asked for
again in each of its turns. Equal inputs have equal traces: files are named by a hash of all that
the unit depends on, and a restart finds them again. Without them everything is made anew.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from optimistic import __version__
from optimistic.protocol.commitment import Tree
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_job import CheckJob, Done, Failed, Job, TraceJob, WitnessJob
from optimistic.service.trace_workers import Workers, raise_storage_trouble
from optimistic.service.unit_inputs import UnitInputs

log = structlog.get_logger(__name__)

_TREES_OPEN: Final = 32
"""Traces that stay mapped."""
_FIRST_PAUSE_S: Final = 5
_LONGEST_PAUSE_S: Final = 600
_UNITS_OF_BATCH: Final = 1 << UNIT_BITS


class RangeOfBatches(Protocol):
    """What `UnitTraces` must know of the batches of one right assertion."""

    @property
    def count(self) -> int:
        """Number of batches, at least one."""

    def units(self) -> Tree | None:
        """Return the unit tree, if all batches were replayed."""

    def leaves(self, offset: int) -> tuple[Hash32, ...]:
        """Return the machine hash after each unit of a batch."""

    def input_hash(self, offset: int) -> Hash32:
        """Return a hash of everything that the replay up to the end of a batch depends on."""

    def inputs(self, offset: int, unit: int) -> UnitInputs:
        """Return what it takes to run a unit.

        Raises
        ------
        TemporaryError : L1 cannot be read
        """


class TraceShop:
    """Makes traces and witnesses, or finds them on disk; of one thread.

    What is asked for and not there is made in the order of asking. `tend` belongs at the end of
    each turn of the daemon: it begins jobs for what the turn asked for, and gives up those that
    nobody asked for again while others wait.
    """

    def __init__(
        self, cache: TraceCache, workers: Workers, *, clock: Clock, metrics: Metrics | None = None
    ) -> None:
        self._cache = cache
        self._workers = workers
        self._clock = clock
        self._metrics = metrics if metrics is not None else NoopMetrics()
        self._trees: OrderedDict[str, Tree] = OrderedDict()
        self._wanted: dict[str, Callable[[], Job]] = {}
        self._wanted_checks: dict[str, Callable[[], Job]] = {}
        self._begun: dict[str, float] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        """Name -> failures in a row, and when it may be tried again."""
        self.checked: dict[str, int | None] = {}
        """Finished checks -> first unit in which the engines disagree."""

    def trace(self, name: str, make: Callable[[], TraceJob]) -> Tree | None:
        """Return a trace, or have it made by the job that `make` describes."""
        tree = self._trees.get(name)
        if tree is None:
            tree = self._cache.trace(name)
            if tree is None:
                self._wanted.setdefault(name, make)
                return None
        self._trees[name] = tree
        self._trees.move_to_end(name)
        while len(self._trees) > _TREES_OPEN:
            self._trees.popitem(last=False)
        return tree

    def witness(self, name: str, make: Callable[[], WitnessJob]) -> bytes | None:
        """Return a witness, or have it made by the job that `make` describes."""
        witness = self._cache.witness(name)
        if witness is None:
            self._wanted.setdefault(name, make)
        return witness

    def check(self, name: str, make: Callable[[], CheckJob]) -> bool:
        """Return whether a batch was run on both engines, or have that done after everything else."""
        if name in self.checked:
            return True
        self._wanted_checks.setdefault(name, make)
        return False

    def tend(self) -> bool:
        """Take what was made and begin what is wanted; return whether anything was made.

        Raises
        ------
        CorruptStorage : stored nodes are missing or damaged
        StorageFailed : there is no room for results
        TemporaryError : L1 cannot be read
        """
        ended = [self._finish(end.job, end.how) for end in self._workers.collect()]
        wanted, self._wanted = self._wanted, {}
        checks, self._wanted_checks = self._wanted_checks, {}
        running = self._workers.running
        self._begin_all(wanted, [name for name in running if name not in wanted])
        self._begin_all(checks, [name for name in running if name not in wanted and name not in checks])
        ended += [self._finish(end.job, end.how) for end in self._workers.collect()]
        self._metrics.gauge("executors", len(self._workers.running))
        self._metrics.gauge("traces_wanted", len(wanted))
        if any(ended):
            self._cache.prune()
            self._metrics.gauge("trace_cache_bytes", self._cache.bytes_used())
        return any(ended)

    def failing(self) -> dict[str, int]:
        """Return the jobs that failed last time, and how often in a row."""
        return {name: count for name, (count, _) in self._failures.items()}

    def close(self) -> None:
        """End the workers."""
        self._workers.close()

    def _begin_all(self, wanted: Mapping[str, Callable[[], Job]], idle: list[str]) -> None:
        """Begin jobs as long as somebody is free, or does one of the `idle` jobs, which can wait."""
        now = self._clock.monotonic_s()
        for name, make in wanted.items():
            if name in self._begun or now < self._failures.get(name, (0, now))[1]:
                continue
            job = make()
            while not self._workers.take(job):
                if not idle:
                    return
                given_up = idle.pop()
                self._workers.drop(given_up)
                self._begun.pop(given_up, None)
            self._begun[name] = now
            log.info("trace_begun", job=name, kind=type(job).__name__, unit=str(job.inputs.place))

    def _finish(self, job: Job, how: Done | Failed) -> bool:
        """Take note of the end of a job and return whether it succeeded."""
        seconds = self._clock.monotonic_s() - self._begun.pop(job.name, self._clock.monotonic_s())
        kind = {TraceJob: "trace", WitnessJob: "witness", CheckJob: "check"}[type(job)]
        if isinstance(how, Failed):
            raise_storage_trouble(how)
            count = self._failures.get(job.name, (0, 0.0))[0] + 1
            pause_s = min(_FIRST_PAUSE_S << count - 1, _LONGEST_PAUSE_S)
            self._failures[job.name] = count, self._clock.monotonic_s() + pause_s
            self._metrics.count("trace_failures", kind=kind)
            log.error("trace_failed", job=job.name, reason=how.reason, retry_in_s=pause_s)
            return False
        self._failures.pop(job.name, None)
        if isinstance(job, CheckJob):
            self.checked[job.name] = how.found
        self._metrics.observe("vm_execution_time", seconds, kind=kind)
        log.info("trace_ended", job=job.name, kind=kind, seconds=round(seconds, 1))
        return True


class UnitTraces:
    """`Traces` of one right assertion.

    Parameters
    ----------
    batches : what it covers
    shop : makes what is missing
    """

    def __init__(self, batches: RangeOfBatches, shop: TraceShop, log_arity: int) -> None:
        self._batches = batches
        self._shop = shop
        self._log_arity = log_arity

    def units(self) -> Tree | None:
        """Return the unit tree of the right assertion."""
        return self._batches.units()

    def steps(self, j: int) -> Tree | None:
        """Return the trace tree of least height of unit `j`, any of 2^25; None until it is made."""
        offset, unit, leaves = self._place(j)
        if unit == len(leaves):
            return TraceTree(self._log_arity, [leaves[-1]])
        name = self._name(offset, unit)
        return self._shop.trace(name, lambda: TraceJob(name=name, inputs=self._batches.inputs(offset, unit)))

    def witness(self, j: int, v: int) -> bytes | None:
        """Return the encoded witness of step `v` of unit `j`; None until it is made."""
        offset, unit, _ = self._place(j)
        name = f"{self._name(offset, unit)}-{v}"
        return self._shop.witness(
            name, lambda: WitnessJob(name=name, inputs=self._batches.inputs(offset, unit), v=v)
        )

    def disagreement(self, j: int) -> bool | None:
        """Return whether the step machine ends unit `j` elsewhere than the unit tree; None while unknown."""
        tree, units = self.steps(j), self.units()
        if tree is None or units is None:
            return None
        return tree.root.end_state != units.node(0, j).hash

    def _place(self, j: int) -> tuple[int, int, tuple[Hash32, ...]]:
        """Return (batch offset, unit, leaves of the batch); behind all units the number of units."""
        offset, unit = divmod(j, _UNITS_OF_BATCH)
        if offset >= self._batches.count:
            offset, unit = self._batches.count - 1, _UNITS_OF_BATCH
        leaves = self._batches.leaves(offset)
        return offset, min(unit, len(leaves)), leaves

    def _name(self, offset: int, unit: int) -> str:
        return job_name(self._batches.input_hash(offset), str(unit), str(self._log_arity))


def job_name(input_hash: Hash32, *parts: str) -> str:
    """Return the name of what this version of the program makes of some inputs."""
    return keccak256("/".join([__version__, input_hash.hex(), *parts]).encode()).hex()
