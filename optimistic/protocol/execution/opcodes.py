"""Handlers of the opcodes that programs spend their time in.

They do what py-evm's functions do, with the base gas and the stack accesses in
one place. Popping an empty stack raises IndexError, which the interpreter loop
reads as a stack underflow. All words are ints in [0, 2^256).

Source: Ethereum execution specs (Cancun), `vm/instructions`
"""

from collections.abc import Callable
from typing import Final

from eth.exceptions import FullStack, Halt, InvalidJumpDestination, OutOfBoundsRead, OutOfGas

from optimistic.protocol.execution.frame import STACK_LIMIT, Frame
from optimistic.protocol.hashing import keccak256

Handler = Callable[[Frame], None]

UINT256_MAX: Final = (1 << 256) - 1
_SIGN_BIT: Final = 1 << 255
_BLOB_BASE_FEE: Final = 1
"""There are no blobs, so no excess blob gas: the least fee (EIP-7516)."""


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


# ------------------------------------------------------------------------------ arithmetic


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
    """Read a word as two's complement."""
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


# ------------------------------------------------------------------------------ stack


def pop(frame: Frame) -> None:
    """POP."""
    left = frame.gas - 2
    if left < 0:
        raise OutOfGas
    frame.gas = left
    frame.stack.pop()


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


# ------------------------------------------------------------------------------ memory and data


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


def calldatacopy(frame: Frame) -> None:
    """CALLDATACOPY."""
    target, source, size = frame.stack_pop_ints(3)
    charge(frame, 3 + 3 * ((size + 31) >> 5))
    if size:
        expand(frame, target, size)
        frame._memory[target : target + size] = bytes(frame.msg.data[source : source + size]).ljust(
            size, b"\0"
        )


def returndatacopy(frame: Frame) -> None:
    """RETURNDATACOPY: reading beyond the data halts, even for no bytes."""
    target, source, size = frame.stack_pop_ints(3)
    charge(frame, 3 + 3 * ((size + 31) >> 5))
    if source + size > len(frame.return_data):
        raise OutOfBoundsRead
    if size:
        expand(frame, target, size)
        frame._memory[target : target + size] = frame.return_data[source : source + size]


def mcopy(frame: Frame) -> None:
    """MCOPY."""
    target, source, size = frame.stack_pop_ints(3)
    charge(frame, 3 + 3 * ((size + 31) >> 5))
    if size:
        expand(frame, max(target, source), size)
        frame.memory_copy(target, source, size)


def codecopy(frame: Frame) -> None:
    """CODECOPY."""
    target, source, size = frame.stack_pop_ints(3)
    charge(frame, 3 + 3 * ((size + 31) >> 5))
    if size:
        expand(frame, target, size)
        frame._memory[target : target + size] = frame.code_bytes[source : source + size].ljust(size, b"\0")


# ------------------------------------------------------------------------------ flow


def _jump_to(frame: Frame, target: int) -> None:
    """Move to a jump destination, or halt."""
    jumps = frame.jumps
    if jumps is None:
        jumps = frame.jumps = frame.state.jump_table(frame.code_bytes)
    known = jumps.known
    if (target >= len(known) or not known[target]) and not jumps.find(target):
        raise InvalidJumpDestination
    frame.pc = target


def jump(frame: Frame) -> None:
    """JUMP."""
    charge(frame, 8)
    _jump_to(frame, frame.stack.pop())


def jump_if(frame: Frame) -> None:
    """JUMPI."""
    charge(frame, 10)
    stack = frame.stack
    target = stack.pop()
    if stack.pop():
        _jump_to(frame, target)


def _environment(value: Callable[[Frame], int]) -> Handler:
    """Make a handler that pushes something known to the frame for 2 gas."""

    def handler(frame: Frame) -> None:
        left = frame.gas - 2
        if left < 0:
            raise OutOfGas
        frame.gas = left
        stack = frame.stack
        if len(stack) >= STACK_LIMIT:
            raise FullStack
        stack.append(value(frame))

    return handler


def _word(data: bytes) -> int:
    """Read big-endian bytes."""
    return int.from_bytes(data, "big")


ENVIRONMENT: Final[dict[int, Handler]] = {
    0x30: _environment(lambda frame: _word(frame.address)),
    0x32: _environment(lambda frame: _word(frame.transaction_context.origin)),
    0x33: _environment(lambda frame: _word(frame.msg.sender)),
    0x34: _environment(lambda frame: frame.msg.value),
    0x36: _environment(lambda frame: len(frame.msg.data)),
    0x38: _environment(lambda frame: len(frame.code_bytes)),
    0x3A: _environment(lambda frame: frame.transaction_context.gas_price),
    0x3D: _environment(lambda frame: len(frame.return_data)),
    0x41: _environment(lambda frame: _word(frame.state.env.coinbase)),
    0x42: _environment(lambda frame: frame.state.env.timestamp),
    0x43: _environment(lambda frame: frame.state.env.number),
    0x44: _environment(lambda frame: _word(frame.state.env.prev_randao)),
    0x45: _environment(lambda frame: frame.state.env.gas_limit),
    0x46: _environment(lambda frame: frame.state.env.chain_id),
    0x48: _environment(lambda frame: frame.state.env.base_fee),
    0x4A: _environment(lambda _: _BLOB_BASE_FEE),
    0x58: _environment(lambda frame: frame.pc - 1),
    0x59: _environment(lambda frame: len(frame._memory)),
    0x5A: _environment(lambda frame: frame.gas),
    0x5F: _environment(lambda _: 0),
}
"""ADDRESS, ORIGIN, CALLER, CALLVALUE, CALLDATASIZE, CODESIZE, GASPRICE, RETURNDATASIZE, COINBASE, TIMESTAMP,
NUMBER, PREVRANDAO, GASLIMIT, CHAINID, BASEFEE, BLOBBASEFEE, PC, MSIZE, GAS, PUSH0."""


def jumpdest(frame: Frame) -> None:
    """JUMPDEST."""
    left = frame.gas - 1
    if left < 0:
        raise OutOfGas
    frame.gas = left


def stop(_: Frame) -> None:
    """STOP."""
    raise Halt
