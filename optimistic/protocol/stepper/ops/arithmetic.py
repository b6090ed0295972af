"""Arithmetic modulo 2^256. Division by zero gives zero.

Source: Yellow Paper, appendix H.2 (0s)
"""

from typing import Final

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge
from optimistic.protocol.stepper.ops.items import WORD_MASK, signed
from optimistic.protocol.stepper.state import Machine

_EXP_BYTE_GAS: Final = 50
_MODULUS: Final = 1 << 256


def add(be: Backend, m: Machine) -> None:
    """Push a + b."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append((stack.pop() + stack.pop()) & WORD_MASK)
    # PC
    frame.pc += 1


def mul(be: Backend, m: Machine) -> None:
    """Push a · b."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append((stack.pop() * stack.pop()) & WORD_MASK)
    # PC
    frame.pc += 1


def sub(be: Backend, m: Machine) -> None:
    """Push a - b."""
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # OPERATION
    stack.append((stack.pop() - stack.pop()) & WORD_MASK)
    # PC
    frame.pc += 1


def div(be: Backend, m: Machine) -> None:
    """Push a / b, rounded down."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    dividend, divisor = stack.pop(), stack.pop()
    # OPERATION
    stack.append(dividend // divisor if divisor else 0)
    # PC
    frame.pc += 1


def sdiv(be: Backend, m: Machine) -> None:
    """Push a / b with signs, rounded towards zero; -2^255 / -1 is -2^255."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    dividend, divisor = signed(stack.pop()), signed(stack.pop())
    # OPERATION
    quotient = abs(dividend) // abs(divisor) if divisor else 0
    stack.append((quotient if (dividend < 0) == (divisor < 0) else -quotient) & WORD_MASK)
    # PC
    frame.pc += 1


def mod(be: Backend, m: Machine) -> None:
    """Push a mod b."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    dividend, divisor = stack.pop(), stack.pop()
    # OPERATION
    stack.append(dividend % divisor if divisor else 0)
    # PC
    frame.pc += 1


def smod(be: Backend, m: Machine) -> None:
    """Push |a| mod |b| with the sign of a."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    dividend, divisor = signed(stack.pop()), signed(stack.pop())
    # OPERATION
    remainder = abs(dividend) % abs(divisor) if divisor else 0
    stack.append((-remainder if dividend < 0 else remainder) & WORD_MASK)
    # PC
    frame.pc += 1


def addmod(be: Backend, m: Machine) -> None:
    """Push (a + b) mod n; the sum does not wrap."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    a, b, n = stack.pop(), stack.pop(), stack.pop()
    # OPERATION
    stack.append((a + b) % n if n else 0)
    # PC
    frame.pc += 1


def mulmod(be: Backend, m: Machine) -> None:
    """Push (a · b) mod n; the product does not wrap."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    a, b, n = stack.pop(), stack.pop(), stack.pop()
    # OPERATION
    stack.append((a * b) % n if n else 0)
    # PC
    frame.pc += 1


def exp(be: Backend, m: Machine) -> None:
    """Push a to the power of b; each byte of b costs gas."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    base, exponent = stack.pop(), stack.pop()
    # GAS
    charge(frame, _EXP_BYTE_GAS * ((exponent.bit_length() + 7) >> 3))
    # OPERATION
    stack.append(pow(base, exponent, _MODULUS))
    # PC
    frame.pc += 1


def signextend(be: Backend, m: Machine) -> None:
    """Push x with the sign of its byte k, counted from the lowest, spread over all higher bytes."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    index, value = stack.pop(), stack.pop()
    # OPERATION
    if index < 31:
        sign = 1 << (8 * index + 7)
        value = ((value & (2 * sign - 1)) ^ sign) - sign & WORD_MASK
    stack.append(value)
    # PC
    frame.pc += 1
