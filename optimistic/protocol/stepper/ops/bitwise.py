"""Bits and shifts.

Source: Yellow Paper, appendix H.2 (10s); EIP-145
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.ops.items import SIGN_BIT, WORD_MASK, signed
from optimistic.protocol.stepper.state import Machine


def bitwise_and(be: Backend, m: Machine) -> None:
    """Push the bits that a and b have."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(stack.pop() & stack.pop())
    # PC
    frame.pc += 1


def bitwise_or(be: Backend, m: Machine) -> None:
    """Push the bits that a or b has."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(stack.pop() | stack.pop())
    # PC
    frame.pc += 1


def bitwise_xor(be: Backend, m: Machine) -> None:
    """Push the bits in which a and b differ."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append(stack.pop() ^ stack.pop())
    # PC
    frame.pc += 1


def bitwise_not(be: Backend, m: Machine) -> None:
    """Push the bits that a has not."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack[-1] ^= WORD_MASK
    # PC
    frame.pc += 1


def byte(be: Backend, m: Machine) -> None:
    """Push byte i of x, counted from the highest; 0 beyond the lowest."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    index, word = stack.pop(), stack.pop()
    # OPERATION
    stack.append(word >> (8 * (31 - index)) & 0xFF if index < 32 else 0)
    # PC
    frame.pc += 1


def shift_left(be: Backend, m: Machine) -> None:
    """Push x · 2^n modulo 2^256."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    shift, word = stack.pop(), stack.pop()
    # OPERATION
    stack.append(word << shift & WORD_MASK if shift < 256 else 0)
    # PC
    frame.pc += 1


def shift_right(be: Backend, m: Machine) -> None:
    """Push x / 2^n, rounded down."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    shift, word = stack.pop(), stack.pop()
    # OPERATION
    stack.append(word >> shift if shift < 256 else 0)
    # PC
    frame.pc += 1


def shift_right_signed(be: Backend, m: Machine) -> None:
    """Push x / 2^n with sign, rounded down: all ones if x < 0 and n is large."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    shift, word = stack.pop(), stack.pop()
    # OPERATION
    if shift >= 256:
        stack.append(WORD_MASK if word >= SIGN_BIT else 0)
    else:
        stack.append(signed(word) >> shift & WORD_MASK)
    # PC
    frame.pc += 1
