"""KECCAK256, and how the hash of a long range begins.

Source: Yellow Paper, appendix H.2 (20s)
"""

from typing import Final

from optimistic.protocol.constants import CHUNK_BYTES
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge, expand
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.state import Frame, Machine, Pend

_WORD_GAS: Final = 6


def keccak(be: Backend, m: Machine) -> None:
    """Push the hash of a range of memory; a long one takes more steps."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    offset, length = stack[-1], stack[-2]
    # GAS
    charge(frame, _WORD_GAS * ((length + 31) // 32))
    expand(frame, offset, length)
    # OPERATION
    if length > CHUNK_BYTES:
        m.pend = pending_hash(frame, Op.KECCAK256, offset, length)
        return
    digest = keccak256(be.read_memory(frame, offset, length) if length else b"")
    stack[-2:] = (int.from_bytes(digest, "big"),)
    # PC
    frame.pc += 1


def pending_hash(frame: Frame, op: int, offset: int, length: int) -> Pend:
    """Return the beginning of a hash of memory that takes more steps."""
    return Pend(op=op, done=0, length=length, src_root=frame.memory.root, src_offset=offset, dst=0)
