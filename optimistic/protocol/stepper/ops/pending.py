"""Range operations longer than a chunk: how they begin, and their further steps.

The first step has checked and paid for everything, so nothing fails here. Operands
stay on the stack until the last step, which drops them and goes on as the short
operation does. Copies take a chunk per step, hashes 64 Keccak blocks and the last
step all that is left.

Source: docs/spec/09-step-machine.md
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.constants import CHUNK_BYTES
from optimistic.protocol.stepper import sponge
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.opcode_table import OPCODES, Op
from optimistic.protocol.stepper.ops.logs import finish_log
from optimistic.protocol.stepper.state import PENDING_OUTPUT, Frame, Machine, Pend, View

HASH_BYTES: Final = 64 * sponge.BLOCK
"""Bytes that one step of a hash absorbs."""


def resume(be: Backend, m: Machine) -> None:
    """Do the next part of the pending operation."""
    pend = m.pend
    assert pend is not None
    if pend.op == Op.KECCAK256 or Op.LOG0 <= pend.op <= Op.LOG4:
        _hash(be, m, pend)
    else:
        _copy(be, m, pend)


# ------------------------------------------------------------------------------------------- hashes


def _hash(be: Backend, m: Machine, pend: Pend) -> None:
    """Absorb blocks of memory; after the last use the digest as the opcode does."""
    frame = m.frame
    assert frame is not None
    left = pend.length - pend.done
    data = be.read_memory(frame, pend.src_offset + pend.done, min(left, HASH_BYTES))
    if left > HASH_BYTES:
        m.pend = replace(pend, done=pend.done + HASH_BYTES, sponge=sponge.absorb(pend.sponge, data))
        return
    whole = len(data) - len(data) % sponge.BLOCK
    digest = sponge.finish(sponge.absorb(pend.sponge, data[:whole]), data[whole:])
    m.pend = None
    if pend.op != Op.KECCAK256:
        finish_log(m, pend.op - Op.LOG0, digest)
        return
    frame.stack[-2:] = (int.from_bytes(digest, "big"),)
    frame.pc += 1


# ------------------------------------------------------------------------------------------- copies


def _copy(be: Backend, m: Machine, pend: Pend) -> None:
    """Copy a chunk.

    Asks: the source, where it has bytes in this range; memory.
    """
    frame = m.frame
    assert frame is not None
    done = pend.done + min(CHUNK_BYTES, pend.length - pend.done)
    be.write_memory(frame, pend.dst + pend.done, _read(be, frame, pend, done - pend.done))
    if done < pend.length:
        m.pend = replace(pend, done=done)
        return
    m.pend = None
    if pend.op == PENDING_OUTPUT:
        return
    row = OPCODES[pend.op]
    assert row is not None
    del frame.stack[-row.pops :]
    frame.pc += 1


def _read(be: Backend, frame: Frame, pend: Pend, length: int) -> bytes:
    """Return the next bytes of the source, zero beyond its end."""
    if pend.op in (Op.CODECOPY, Op.EXTCODECOPY):
        start = pend.src_offset + pend.done
        return be.code(pend.src_root)[start : start + length].ljust(length, b"\0")
    if pend.op == Op.MCOPY:
        source = View(pend.src_root, pend.src_offset, pend.length, pend.words)
    else:
        source = frame.calldata if pend.op == Op.CALLDATACOPY else frame.returndata
    return be.read_view(source, pend.src_offset - source.offset + pend.done, length)
