"""Work on single units that takes too long for a daemon's loop: whole traces, witnesses, second opinions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.stepper.prover import prove_next
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import run
from optimistic.protocol.stepper.trace import LAST_STEP, next_state, unit_trace
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from optimistic.service.trace_cache import TraceCache
from optimistic.service.unit_inputs import UnitInputs
from optimistic.service.unit_run import backend_of, open_unit, replay_of

PROGRESS_STEPS: Final = 1 << 18
"""After so many steps a job tells how far it is, a few seconds each time."""

OnSteps = Callable[[int], None]
"""Called with the number of steps done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceJob:
    """Make the trace of a unit and keep it under `name`."""

    name: str
    inputs: UnitInputs


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessJob:
    """Prove step `v` of a unit and keep the witness under `name`."""

    name: str
    inputs: UnitInputs
    v: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckJob:
    """Run a batch on the step machine and compare it with what the transaction engine made of it.

    Attributes
    ----------
    inputs : of any unit of the batch
    leaves : the machine hash after each unit, as the transaction engine has them
    """

    name: str
    inputs: UnitInputs
    leaves: tuple[Hash32, ...]


Job = TraceJob | WitnessJob | CheckJob


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the present job is."""

    steps: int


@dataclass(frozen=True, slots=True)
class Done:
    """The job is done; a check tells the first unit in which the engines disagree, or None."""

    found: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed."""

    reason: str
    is_damaged: bool = False
    """Whether stored nodes are missing or damaged."""
    is_full: bool = False
    """Whether the result could not be stored."""


Report = Progress | Done | Failed


def run_job(job: Job, nodes: NodeReader, cache: TraceCache, on_steps: OnSteps = lambda _: None) -> int | None:
    """Do a job; what it makes goes into the cache.

    Returns
    -------
    The first unit of the batch in which the engines disagree, of a check that found one; else None

    Raises
    ------
    MissingNode, CorruptStorage : the nodes of the start state are not all there
    DiskFull, StorageFailed : the result cannot be stored
    """
    match job:
        case TraceJob():
            cache.put_trace(job.name, make_trace(job.inputs, nodes, on_steps))
        case WitnessJob():
            cache.put_witness(job.name, make_witness(job.inputs, job.v, nodes))
        case CheckJob():
            return first_disagreement(job.inputs, job.leaves, nodes, on_steps)
    return None


def make_trace(inputs: UnitInputs, nodes: NodeReader, on_steps: OnSteps = lambda _: None) -> TraceTree:
    """Return the trace tree of least height of a unit."""
    unit = open_unit(inputs, nodes)
    states = unit_trace(unit.full, unit.place.j, unit.acc, unit.start())
    return TraceTree(inputs.params.log_arity, _counted(states, on_steps))


def make_witness(inputs: UnitInputs, v: int, nodes: NodeReader) -> bytes:
    """Return the encoded witness of step `v` of a unit; behind its end nothing changes any more."""
    unit = open_unit(inputs, nodes)
    return prove_next(unit.full, unit.place.j, v, unit.acc, unit.at(v)).encode()


def first_disagreement(
    inputs: UnitInputs, leaves: tuple[Hash32, ...], nodes: NodeReader, on_steps: OnSteps = lambda _: None
) -> int | None:
    """Return the first unit of a batch that the step machine does not end in its leaf, or None."""
    replay, overlay = replay_of(inputs, nodes)
    full = backend_of(inputs, overlay, replay.state)
    m, steps, told = Machine(Phase.IDLE, replay.state.unit), 0, 0
    for unit, leaf in enumerate(leaves):
        next_state(full, unit, 0, inputs.acc, m)
        steps += 1 + run(full, m, LAST_STEP)
        if m.hash() != leaf:
            return unit
        if steps // PROGRESS_STEPS > told:
            told = steps // PROGRESS_STEPS
            on_steps(steps)
    return None


def _counted(states: Iterator[Hash32], on_steps: OnSteps) -> Iterator[Hash32]:
    """Yield the states and tell now and then how many there were."""
    for count, state in enumerate(states, 1):
        if count % PROGRESS_STEPS == 0:
            on_steps(count)
        yield state
