"""Ends of a frame that code asks for.

The output stays where it is: it is a view of the frame's memory, which nobody
writes to any more.

Source: Yellow Paper, appendix H.2 (f0s); EIP-140
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import expand
from optimistic.protocol.stepper.halts import halt
from optimistic.protocol.stepper.state import Halt, Machine, view_of


def stop(be: Backend, m: Machine) -> None:
    """Succeed without output."""
    halt(be, m, Halt.SUCCESS)


def return_output(be: Backend, m: Machine) -> None:
    """Succeed with a range of memory as output."""
    _end(be, m, Halt.SUCCESS)


def revert(be: Backend, m: Machine) -> None:
    """Undo what the frame did but keep the gas left; a range of memory is the output."""
    _end(be, m, Halt.REVERT)


def _end(be: Backend, m: Machine, status: Halt) -> None:
    """Halt with output."""
    frame = m.frame
    assert frame is not None
    # STACK
    offset, length = frame.stack[-1], frame.stack[-2]
    # GAS
    expand(frame, offset, length)
    # OPERATION
    halt(be, m, status, view_of(frame.memory, offset, length))
