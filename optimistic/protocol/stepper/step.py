"""One step of the machine, and many without hashing between them."""

from typing import Final, NamedTuple

from optimistic.protocol.accounts import EMPTY_CODE_HASH
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.halts import ExceptionalHalt, halt
from optimistic.protocol.stepper.opcode_table import OPCODES, Group, StaticRule
from optimistic.protocol.stepper.ops import HANDLERS, Handler, resume
from optimistic.protocol.stepper.phases import PHASES
from optimistic.protocol.stepper.state import Frame, Halt, Machine
from optimistic.protocol.unit import Phase

RESTING: Final = frozenset({Phase.BOUNDARY, Phase.IDLE, Phase.ERRORED})
"""Phases in which nothing is executed."""

_STACK_LIMIT: Final = 1024
_STOP: Final = 0


class _Rule(NamedTuple):
    """What the driver must know of an opcode; one that may not run allows no height of the stack."""

    handler: Handler
    gas: int
    lowest: int
    """Items that must be there."""
    highest: int
    """Items beyond which the results would not fit."""
    may_leave: bool
    """Whether the next step may be another than the next opcode of this frame."""


def _refuse(*_: object) -> None:
    """Stand for an opcode that may not run."""
    raise ExceptionalHalt


def _rule(opcode: int, *, is_static: bool) -> _Rule:
    """Return the rule of an opcode in a static or in another frame."""
    row, handler = OPCODES[opcode], HANDLERS[opcode]
    if row is None or handler is None or (is_static and row.static is StaticRule.FORBIDDEN):
        return _Rule(_refuse, 0, 1, 0, True)
    highest = _STACK_LIMIT - row.pushes + row.pops
    return _Rule(handler, row.gas, row.pops, highest, row.group is not Group.BASIC)


_RULES: Final = tuple(tuple(_rule(opcode, is_static=flag) for opcode in range(256)) for flag in (False, True))
"""Rules by whether the frame is static, then by opcode."""


def step(be: Backend, m: Machine) -> Machine:
    """Change a machine that is not at rest by one step, and return it."""
    if m.phase is Phase.EXEC and m.pend is None:
        _execute(be, m, 1)
        return m
    try:
        if m.phase is Phase.EXEC:
            resume(be, m)
        else:
            PHASES[m.phase](be, m)
    except ExceptionalHalt:
        halt(be, m, Halt.EXCEPTIONAL)
    return m


def run(be: Backend, m: Machine, limit: int) -> int:
    """Make at most `limit` steps, none at rest, and return how many were made."""
    done = 0
    while done < limit and m.phase not in RESTING:
        if m.phase is Phase.EXEC and m.pend is None:
            done += _execute(be, m, limit - done)
        else:
            step(be, m)
            done += 1
    return done


def load_code(be: Backend, frame: Frame) -> bytes:
    """Return the code that the frame runs, kept with the frame once it was asked for."""
    if frame.code is None:
        frame.code = be.code(frame.code_hash) if frame.code_hash != EMPTY_CODE_HASH else b""
    return frame.code


def _execute(be: Backend, m: Machine, limit: int) -> int:
    """Run opcodes of the present frame until it is left, suspended or pending; at most `limit` ≥ 1.

    Undefined opcodes, a wrong height of the stack, writes in a static frame and missing
    gas are all the same exceptional halt, so their order does not matter.
    """
    frame = m.frame
    assert frame is not None
    code, stack, rules = load_code(be, frame), frame.stack, _RULES[frame.is_static]
    end, below = len(code), stack.below
    done = 0
    try:
        while done < limit:
            done += 1
            pc = frame.pc
            handler, gas, lowest, highest, may_leave = rules[code[pc] if pc < end else _STOP]
            if not lowest <= below + len(stack) <= highest or gas > frame.gas:
                raise ExceptionalHalt
            frame.gas -= gas
            handler(be, m)
            if may_leave and (m.frame is not frame or m.phase is not Phase.EXEC or m.pend is not None):
                break
    except ExceptionalHalt:
        halt(be, m, Halt.EXCEPTIONAL)
    return done
