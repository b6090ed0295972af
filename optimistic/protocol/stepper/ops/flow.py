"""Jumps, and what a frame knows of its progress.

Source: Yellow Paper, appendix H.2 (50s)
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.ops.jumpdests import jump_destinations
from optimistic.protocol.stepper.state import Frame, Machine


def jump(be: Backend, m: Machine) -> None:
    """Go on at a JUMPDEST; anywhere else is an exceptional halt."""
    frame = m.frame
    assert frame is not None
    # STACK
    target = frame.stack.pop()
    # PC
    _land(frame, target)


def jump_if(be: Backend, m: Machine) -> None:
    """Jump if the condition is not zero; else the target does not matter."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    target, condition = stack.pop(), stack.pop()
    # PC
    if condition:
        _land(frame, target)
    else:
        frame.pc += 1


def _land(frame: Frame, target: int) -> None:
    """Go on at a JUMPDEST of the frame's code; raises ExceptionalHalt for any other place."""
    assert frame.code is not None
    marks = jump_destinations(frame.code)
    if target >= len(marks) or not marks[target]:
        raise ExceptionalHalt
    frame.pc = target


def jumpdest(be: Backend, m: Machine) -> None:
    """Do nothing."""
    frame = m.frame
    assert frame is not None
    # PC
    frame.pc += 1


def program_counter(be: Backend, m: Machine) -> None:
    """Push the place of this instruction."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(frame.pc)
    # PC
    frame.pc += 1


def memory_size(be: Backend, m: Machine) -> None:
    """Push the bytes of memory paid for."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(32 * frame.memory_words)
    # PC
    frame.pc += 1


def gas_left(be: Backend, m: Machine) -> None:
    """Push the gas left after this instruction."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(frame.gas)
    # PC
    frame.pc += 1
