"""The virtual trace: what state stands at each index of a dispute.

Index v of unit j leads from state S(v) to S(v + 1). What a unit does not need of its
2^25 indices repeats its end. j, v and the accumulator come from the game.

Source: docs/spec/05-state-commitments.md
"""

from collections.abc import Iterator
from typing import Final

from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.phases import begin_batch, choose_unit
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import RESTING, run, step
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import Phase

LAST_STEP: Final = (1 << STEP_BITS) - 1
_UNITS_OF_BATCH: Final = 1 << UNIT_BITS


def next_state(be: Backend, j: int, v: int, acc: Hash32, m: Machine) -> Machine:
    """Change the machine to the state after index v of unit j, and return it.

    Parameters
    ----------
    j : (batch of the assertion << 15) | unit of the batch
    v : index in the unit, 0 to 2^25 - 1
    acc : the inbox accumulator of the batch, zero if the assertion has no such batch
    """
    if v == 0:
        _begin_unit(be, j, acc, m)
        return m
    if m.phase in RESTING:
        return m
    step(be, m)
    if v == LAST_STEP and m.phase not in (Phase.BOUNDARY, Phase.IDLE):
        _fail(m)
    return m


def _begin_unit(be: Backend, j: int, acc: Hash32, m: Machine) -> None:
    """Load the next batch, choose the next unit, or stay at rest."""
    begins_batch = j % _UNITS_OF_BATCH == 0
    if m.phase is Phase.IDLE:
        if begins_batch and acc != ZERO_HASH:
            begin_batch(be, m, acc)
    elif m.phase is Phase.BOUNDARY and not begins_batch:
        choose_unit(be, m)
    else:
        _fail(m)


def _fail(m: Machine) -> None:
    """Turn the machine into the one that nothing leads out of."""
    m.phase = Phase.ERRORED
    m.tx = m.journal = m.frame = m.pend = None


def unit_trace(be: Backend, j: int, acc: Hash32, m: Machine) -> Iterator[Hash32]:
    """Yield the hashes of S(1), S(2), ... of unit j until the machine is at rest; S(0) is `m`."""
    yield next_state(be, j, 0, acc, m).hash()
    v = 0
    while m.phase not in RESTING:
        v += 1
        yield next_state(be, j, v, acc, m).hash()


def run_to(be: Backend, j: int, v: int, acc: Hash32, m: Machine) -> Machine:
    """Change the machine from S(0) of unit j to S(v), without hashing on the way."""
    if v == 0:
        return m
    next_state(be, j, 0, acc, m)
    run(be, m, min(v, LAST_STEP) - 1)
    if v > LAST_STEP:
        next_state(be, j, LAST_STEP, acc, m)
    return m
