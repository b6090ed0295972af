"""POP, PUSH0 to PUSH32, DUP1 to DUP16, SWAP1 to SWAP16.

Source: Yellow Paper, appendix H.2 (50s to 90s); EIP-3855
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.ops.handler import Handler
from optimistic.protocol.stepper.state import Machine


def pop(be: Backend, m: Machine) -> None:
    """Drop the top."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.pop()
    # PC
    frame.pc += 1


def push0(be: Backend, m: Machine) -> None:
    """Push zero."""
    frame = m.frame
    assert frame is not None
    # STACK
    frame.stack.append(0)
    # PC
    frame.pc += 1


def push_of(size: int) -> Handler:
    """Return the handler of PUSH1 to PUSH32: the next `size` bytes of code, zeros beyond its end."""
    length = 1 + size

    def push(be: Backend, m: Machine) -> None:
        """Push the bytes after the opcode."""
        frame = m.frame
        assert frame is not None
        assert frame.code is not None
        # STACK
        start = frame.pc
        end = start + length
        data = frame.code[start + 1 : end]
        word = int.from_bytes(data, "big")
        if len(data) < size:
            word <<= 8 * (size - len(data))
        frame.stack.append(word)
        # PC
        frame.pc = end

    return push


def dup_of(depth: int) -> Handler:
    """Return the handler of DUP1 to DUP16: a copy of the item `depth` from the top."""

    def dup(be: Backend, m: Machine) -> None:
        """Push a copy of an item."""
        frame = m.frame
        assert frame is not None
        # STACK
        stack = frame.stack
        stack.append(stack[-depth])
        # PC
        frame.pc += 1

    return dup


def swap_of(depth: int) -> Handler:
    """Return the handler of SWAP1 to SWAP16: the top and the item `depth` below it change places."""
    other = -1 - depth

    def swap(be: Backend, m: Machine) -> None:
        """Exchange two items."""
        frame = m.frame
        assert frame is not None
        # STACK
        stack = frame.stack
        stack[-1], stack[other] = stack[other], stack[-1]
        # PC
        frame.pc += 1

    return swap
