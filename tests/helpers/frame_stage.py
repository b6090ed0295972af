"""The programs of `frame_programs` on the step machine, frame by frame."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.opcode_table import OPCODES
from optimistic.protocol.stepper.state import Journal, Machine, hash_of, view_of
from optimistic.protocol.stepper.step import load_code, step
from optimistic.protocol.stepper.witness import opcode_at, reads_opcode
from optimistic.protocol.stepper.words import FrozenWords
from optimistic.protocol.stepper.world import open_account, write_account
from optimistic.protocol.types import ZERO_HASH
from optimistic.protocol.unit import Phase
from tests.helpers.evm_world import ALICE, make_state
from tests.helpers.frame_programs import TARGET, Program, created_by, world_of
from tests.helpers.opcode_stage import RING, TX, UNIT
from tests.helpers.stepper_batch import Proven, prove_step

NUMBER = 300
INTRINSIC_GAS = 21_000
CREATE_GAS = 32_000
FRAME_PHASES = frozenset({Phase.EXEC, Phase.PRECOMPILE, Phase.CREATE_ENTER, Phase.EXIT})


@dataclass(frozen=True)
class FrameStep(Proven):
    """One step and its proof."""

    kind: tuple[object, ...]
    """How much it asks for, and how the frame is then."""


def begin(program: Program) -> tuple[Full, Machine]:
    """Return the machine where the top frame has been entered."""
    nodes, root = make_state(world_of(program))
    be = Full(DEVNET, nodes, rings=[RING])
    leaf, sender = open_account(be, root, ALICE)
    journal = Journal(state_root=write_account(be, leaf, replace(sender, nonce=sender.nonce + 1)))
    data = program.code if program.is_create else program.data
    tx = replace(
        TX,
        sender=ALICE,
        is_create=program.is_create,
        target=created_by(ALICE, 0) if program.is_create else TARGET,
        value=program.value,
        gas_limit=program.gas,
        intrinsic_gas=INTRINSIC_GAS + CREATE_GAS * program.is_create,
        data=view_of(FrozenWords(data), 0, len(data)),
    )
    m = Machine(Phase.TX_ENTER, replace(UNIT, number=NUMBER, state_root=root), tx, journal)
    step(be, m)
    assert m.frame is not None
    m.frame.depth, m.frame.is_static = program.depth, program.is_static
    return be, m


def machines(program: Program) -> Iterator[tuple[Full, Machine]]:
    """Yield the machine before each step of a frame; the caller may not change it."""
    be, m = begin(program)
    while m.phase in FRAME_PHASES:
        assert m.frame is not None
        if m.phase is Phase.EXIT and hash_of(m.frame.parent) == ZERO_HASH:
            m.frame.depth = 0  # of a top frame that was put deep below
        yield be, m
        step(be, m)


def proven(be: Full, m: Machine, gas: int | None = None) -> FrameStep:
    """Prove the step of a copy of the machine whose frame has another amount of gas if one is given."""
    present = copy.deepcopy(m)
    assert present.frame is not None
    if gas is not None:
        present.frame.gas = gas
    one = prove_step(be, present)
    tape = one.witness.tape
    kind = (*map(len, (tape.ranges, tape.blobs, *tape.proofs)), *_ending(present))
    return FrameStep(**vars(one), kind=kind)


def _ending(m: Machine) -> tuple[object, ...]:
    """Return what a step has led to."""
    return (m.phase, *((m.frame.is_static, m.frame.halt) if m.frame is not None else ()))


def charge_points(be: Full, m: Machine) -> Iterator[int]:
    """Yield the amounts of gas on both sides of each charge of the next step, lowest first.

    More gas never makes a step ask for less: between two amounts alike there is nothing.
    """
    assert m.frame is not None
    yield from _between(cache(lambda gas: proven(be, m, gas).kind), 0, m.frame.gas)


def _between(kind: Callable[[int], object], low: int, high: int) -> Iterator[int]:
    """Yield what `charge_points` has between two amounts."""
    if kind(low) == kind(high):
        return
    if low + 1 == high:
        yield from (low, high)
        return
    middle = (low + high) // 2
    yield from _between(kind, low, middle)
    yield from _between(kind, middle, high)


def name_of(be: Full, m: Machine) -> str:
    """Return what the next step is called: its opcode or its phase."""
    assert m.frame is not None
    if not reads_opcode(m):
        return m.phase.name if m.pend is None else "PEND"
    row = OPCODES[opcode_at(load_code(be, m.frame), m.frame.pc)]
    return "INVALID" if row is None else row.name
