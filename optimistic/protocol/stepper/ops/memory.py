"""Words and bytes of memory; copies of its ranges are in `copies`.

Source: Yellow Paper, appendix H.2 (50s)
"""

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import expand
from optimistic.protocol.stepper.state import Machine


def load_word(be: Backend, m: Machine) -> None:
    """Push 32 bytes from any offset."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    offset = stack.pop()
    # GAS
    if offset + 32 > 32 * frame.memory_words:
        expand(frame, offset, 32)
    # OPERATION
    stack.append(int.from_bytes(be.read_memory(frame, offset, 32), "big"))
    # PC
    frame.pc += 1


def store_word(be: Backend, m: Machine) -> None:
    """Write 32 bytes to any offset."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    offset, word = stack.pop(), stack.pop()
    # GAS
    if offset + 32 > 32 * frame.memory_words:
        expand(frame, offset, 32)
    # OPERATION
    be.write_memory(frame, offset, word.to_bytes(32, "big"))
    # PC
    frame.pc += 1


def store_byte(be: Backend, m: Machine) -> None:
    """Write the lowest byte of an item."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    offset, word = stack.pop(), stack.pop()
    # GAS
    expand(frame, offset, 1)
    # OPERATION
    be.write_memory(frame, offset, bytes((word & 0xFF,)))
    # PC
    frame.pc += 1
