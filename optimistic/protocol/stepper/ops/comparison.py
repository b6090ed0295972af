"""Comparisons: 1 if they hold, else 0.

Source: Yellow Paper, appendix H.2 (10s)
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.ops.items import SIGN_BIT
from optimistic.protocol.stepper.state import Machine


def less(be: Backend, m: Machine) -> None:
    """Push a < b."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(1 if stack.pop() < stack.pop() else 0)
    # PC
    frame.pc += 1


def greater(be: Backend, m: Machine) -> None:
    """Push a > b."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(1 if stack.pop() > stack.pop() else 0)
    # PC
    frame.pc += 1


def signed_less(be: Backend, m: Machine) -> None:
    """Push a < b with signs."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION: turning the sign bit around puts negative numbers below the others
    stack.append(1 if stack.pop() ^ SIGN_BIT < stack.pop() ^ SIGN_BIT else 0)
    # PC
    frame.pc += 1


def signed_greater(be: Backend, m: Machine) -> None:
    """Push a > b with signs."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(1 if stack.pop() ^ SIGN_BIT > stack.pop() ^ SIGN_BIT else 0)
    # PC
    frame.pc += 1


def equal(be: Backend, m: Machine) -> None:
    """Push a = b."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(1 if stack.pop() == stack.pop() else 0)
    # PC
    frame.pc += 1


def is_zero(be: Backend, m: Machine) -> None:
    """Push a = 0."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack[-1] = 0 if stack[-1] else 1
    # PC
    frame.pc += 1
