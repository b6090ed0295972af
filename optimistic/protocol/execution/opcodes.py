"""Handlers of the opcodes that programs spend their time in.

They do what py-evm's functions do, with the base gas and the stack accesses in
one place. Popping an empty stack raises IndexError, which the interpreter loop
reads as a stack underflow. All words are ints in [0, 2^256).

Source: Ethereum execution specs (Cancun), `vm/instructions`
"""

from collections.abc import Callable
from typing import Final

from eth.exceptions import FullStack, Halt, InvalidJumpDestination, OutOfGas

from optimistic.protocol.execution.frame import STACK_LIMIT, Frame, jump_destinations
from optimistic.protocol.hashing import keccak256

Handler = Callable[[Frame], None]

UINT256_MAX: Final = (1 << 256) - 1
_SIGN_BIT: Final = 1 << 255


def charge(frame: Frame, amount: int) -> None:
    """Take `amount` gas or halt."""
    left = frame.gas - amount
    if left < 0:
        raise OutOfGas
    frame.gas = left


def push(frame: Frame, value: int) -> None:
    """Push one word or halt."""
    stack = frame.stack
    if len(stack) >= STACK_LIMIT:
        raise FullStack
    stack.append(value)


def expand(frame: Frame, start: int, size: int) -> None:
    """Charge for and extend memory unless [start, start + size) is already there."""
    if start + size > len(frame._memory):
        frame.extend_memory(start, size)


# ---------------------------------------------------------------------------- arithmetic


def binary(gas: int, function: Callable[[int, int], int]) -> Handler:
    """Make a handler that replaces the two top words by a function of them (top word first)."""

    def handler(frame: Frame) -> None:
        left = frame.gas - gas
        if left < 0:
            raise OutOfGas
        frame.gas = left
        stack = frame.stack
        top = stack.pop()
        stack[-1] = function(top, stack[-1])

    return handler


def add(frame: Frame) -> None:
    """ADD."""
    left = frame.gas - 3
    if left < 0:
        raise OutOfGas
    frame.gas = left
    stack = frame.stack
    top = stack.pop()
    stack[-1] = (top + stack[-1]) & UINT256_MAX


def sub(frame: Frame) -> None:
    """SUB."""
    left = frame.gas - 3
    if left < 0:
        raise OutOfGas
    frame.gas = left
    stack = frame.stack
    top = stack.pop()
    stack[-1] = (top - stack[-1]) & UINT256_MAX


def bit_and(frame: Frame) -> None:
    """AND."""
    left = frame.gas - 3
    if left < 0:
        raise OutOfGas
    frame.gas = left
    stack = frame.stack
    top = stack.pop()
    stack[-1] &= top


def is_zero(frame: Frame) -> None:
    """ISZERO."""
    left = frame.gas - 3
    if left < 0:
        raise OutOfGas
    frame.gas = left
    stack = frame.stack
    stack[-1] = 0 if stack[-1] else 1


def bit_not(frame: Frame) -> None:
    """NOT."""
    charge(frame, 3)
    stack = frame.stack
    stack[-1] ^= UINT256_MAX


def _signed(word: int) -> int:
    return word - (1 << 256) if word & _SIGN_BIT else word


BINARY: Final[dict[int, Handler]] = {
    0x02: binary(5, lambda a, b: (a * b) & UINT256_MAX),
    0x04: binary(5, lambda a, b: a // b if b else 0),
    0x06: binary(5, lambda a, b: a % b if b else 0),
    0x10: binary(3, lambda a, b: 1 if a < b else 0),
    0x11: binary(3, lambda a, b: 1 if a > b else 0),
    0x12: binary(3, lambda a, b: 1 if _signed(a) < _signed(b) else 0),
    0x13: binary(3, lambda a, b: 1 if _signed(a) > _signed(b) else 0),
    0x14: binary(3, lambda a, b: 1 if a == b else 0),
    0x17: binary(3, lambda a, b: a | b),
    0x18: binary(3, lambda a, b: a ^ b),
    0x1A: binary(3, lambda a, b: (b >> (248 - 8 * a)) & 0xFF if a < 32 else 0),
    0x1B: binary(3, lambda a, b: (b << a) & UINT256_MAX if a < 256 else 0),
    0x1C: binary(3, lambda a, b: b >> a if a < 256 else 0),
    0x1D: binary(3, lambda a, b: (_signed(b) >> min(a, 256)) & UINT256_MAX),
}
"""MUL, DIV, MOD, LT, GT, SLT, SGT, EQ, OR, XOR, BYTE, SHL, SHR, SAR."""


# ---------------------------------------------------------------------------- stack


def pop(frame: Frame) -> None:
    """POP."""
    left = frame.gas - 2
    if left < 0:
        raise OutOfGas
    frame.gas = left
    frame.stack.pop()


def push_zero(frame: Frame) -> None:
    """PUSH0."""
    charge(frame, 2)
    push(frame, 0)


def push_n(size: int) -> Handler:
    """Make PUSH1 to PUSH32; bytes beyond the code are zero."""

    def handler(frame: Frame) -> None:
        left = frame.gas - 3
        if left < 0:
            raise OutOfGas
        frame.gas = left
        stack = frame.stack
        if len(stack) >= STACK_LIMIT:
            raise FullStack
        start = frame.pc
        frame.pc = end = start + size
        stack.append(int.from_bytes(frame.padded_code[start:end], "big"))

    return handler


def dup_n(depth: int) -> Handler:
    """Make DUP1 to DUP16."""

    def handler(frame: Frame) -> None:
        left = frame.gas - 3
        if left < 0:
            raise OutOfGas
        frame.gas = left
        stack = frame.stack
        if len(stack) >= STACK_LIMIT:
            raise FullStack
        stack.append(stack[-depth])

    return handler


def swap_n(depth: int) -> Handler:
    """Make SWAP1 to SWAP16."""
    other = -depth - 1

    def handler(frame: Frame) -> None:
        left = frame.gas - 3
        if left < 0:
            raise OutOfGas
        frame.gas = left
        stack = frame.stack
        stack[-1], stack[other] = stack[other], stack[-1]

    return handler


# ---------------------------------------------------------------------------- memory and data


def mload(frame: Frame) -> None:
    """MLOAD."""
    charge(frame, 3)
    stack = frame.stack
    start = stack[-1]
    expand(frame, start, 32)
    stack[-1] = int.from_bytes(frame._memory[start : start + 32], "big")


def mstore(frame: Frame) -> None:
    """MSTORE."""
    charge(frame, 3)
    stack = frame.stack
    start = stack.pop()
    value = stack.pop()
    expand(frame, start, 32)
    frame._memory[start : start + 32] = value.to_bytes(32, "big")


def mstore8(frame: Frame) -> None:
    """MSTORE8."""
    charge(frame, 3)
    stack = frame.stack
    start = stack.pop()
    value = stack.pop()
    expand(frame, start, 1)
    frame._memory[start] = value & 0xFF


def keccak(frame: Frame) -> None:
    """KECCAK256."""
    stack = frame.stack
    start = stack.pop()
    size = stack[-1]
    charge(frame, 30 + 6 * ((size + 31) >> 5))
    frame.extend_memory(start, size)
    stack[-1] = int.from_bytes(keccak256(frame._memory[start : start + size]), "big")


def calldataload(frame: Frame) -> None:
    """CALLDATALOAD."""
    charge(frame, 3)
    stack = frame.stack
    start = stack[-1]
    stack[-1] = int.from_bytes(bytes(frame.msg.data[start : start + 32]).ljust(32, b"\0"), "big")


def codesize(frame: Frame) -> None:
    """CODESIZE."""
    charge(frame, 2)
    push(frame, len(frame.code_bytes))


def codecopy(frame: Frame) -> None:
    """CODECOPY."""
    target, source, size = frame.stack_pop_ints(3)
    charge(frame, 3 + 3 * ((size + 31) >> 5))
    frame.extend_memory(target, size)
    frame.memory_write(target, size, frame.code_bytes[source : source + size].ljust(size, b"\0"))


# ---------------------------------------------------------------------------- flow


def jump(frame: Frame) -> None:
    """JUMP."""
    charge(frame, 8)
    target = frame.stack.pop()
    if target not in jump_destinations(frame.code_bytes):
        raise InvalidJumpDestination
    frame.pc = target


def jump_if(frame: Frame) -> None:
    """JUMPI."""
    charge(frame, 10)
    stack = frame.stack
    target = stack.pop()
    if stack.pop():
        if target not in jump_destinations(frame.code_bytes):
            raise InvalidJumpDestination
        frame.pc = target


def program_counter(frame: Frame) -> None:
    """PC."""
    charge(frame, 2)
    push(frame, frame.pc - 1)


def gas(frame: Frame) -> None:
    """GAS."""
    charge(frame, 2)
    push(frame, frame.gas)


def jumpdest(frame: Frame) -> None:
    """JUMPDEST."""
    left = frame.gas - 1
    if left < 0:
        raise OutOfGas
    frame.gas = left


def stop(_: Frame) -> None:
    """STOP."""
    raise Halt
