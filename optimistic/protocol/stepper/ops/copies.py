"""Copies into memory. One longer than a chunk only begins here, see `pending`.

Source: Yellow Paper, appendix H.2 (30s); EIP-211, EIP-2929, EIP-5656
"""

from typing import Final

from optimistic.protocol.accounts import EMPTY_CODE_HASH
from optimistic.protocol.constants import CHUNK_BYTES
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge, expand
from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.ops.accounts import access_gas
from optimistic.protocol.stepper.ops.items import address_in
from optimistic.protocol.stepper.state import Frame, Machine, Pend, View
from optimistic.protocol.stepper.world import journal_of, open_account, touch_address
from optimistic.protocol.types import Hash32

_WORD_GAS: Final = 3


def calldata_copy(be: Backend, m: Machine) -> None:
    """Copy calldata, zeros beyond its end.

    Asks: calldata, if the range has bytes of it; memory.
    """
    frame = m.frame
    assert frame is not None
    # STACK
    dst, offset, length = frame.stack[-1], frame.stack[-2], frame.stack[-3]
    # GAS
    _pay(frame, dst, length)
    # OPERATION, PC
    _copy_view(be, m, Op.CALLDATACOPY, frame.calldata, (dst, offset, length))


def returndata_copy(be: Backend, m: Machine) -> None:
    """Copy what the last call returned; a range beyond its end is an exceptional halt.

    Asks: [bounds, gas]; returndata; memory.
    """
    frame = m.frame
    assert frame is not None
    # STACK
    dst, offset, length = frame.stack[-1], frame.stack[-2], frame.stack[-3]
    if offset + length > frame.returndata.length:
        raise ExceptionalHalt
    # GAS
    _pay(frame, dst, length)
    # OPERATION, PC
    _copy_view(be, m, Op.RETURNDATACOPY, frame.returndata, (dst, offset, length))


def code_copy(be: Backend, m: Machine) -> None:
    """Copy the running code, zeros beyond its end."""
    frame = m.frame
    assert frame is not None
    assert frame.code is not None
    # STACK
    dst, offset, length = frame.stack[-1], frame.stack[-2], frame.stack[-3]
    # GAS
    _pay(frame, dst, length)
    # OPERATION, PC
    if length > CHUNK_BYTES:
        _begin_code(m, Op.CODECOPY, frame.code_hash, frame.code, (dst, offset, length))
        return
    _finish_code(be, frame, frame.code, (dst, offset, length), 3)


def extcode_copy(be: Backend, m: Machine) -> None:
    """Copy the code of an account, zeros beyond its end.

    Asks: warmth; [all gas]; account; its code unless that or the range is empty; memory.
    """
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    address = address_in(stack[-1])
    dst, offset, length = stack[-2], stack[-3], stack[-4]
    # GAS
    charge(frame, access_gas(touch_address(be, m, address)))
    _pay(frame, dst, length)
    # OPERATION, PC
    _, account = open_account(be, journal_of(m).state_root, address)
    code = be.code(account.code_hash) if length and account.code_hash != EMPTY_CODE_HASH else b""
    if length > CHUNK_BYTES:
        _begin_code(m, Op.EXTCODECOPY, account.code_hash, code, (dst, offset, length))
        return
    _finish_code(be, frame, code, (dst, offset, length), 4)


def memory_copy(be: Backend, m: Machine) -> None:
    """Copy memory to memory; the ranges may overlap.

    Asks: memory to read; memory to write.
    """
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    dst, src, length = stack[-1], stack[-2], stack[-3]
    # GAS
    _pay(frame, max(dst, src), length)
    # OPERATION
    if length > CHUNK_BYTES:
        root, words = frame.memory.root, be.freeze(frame.memory)
        m.pend = Pend(op=Op.MCOPY, done=0, length=length, src_root=root, src_offset=src, dst=dst, words=words)
        return
    del stack[-3:]
    if length:
        be.write_memory(frame, dst, be.read_memory(frame, src, length))
    # PC
    frame.pc += 1


def _pay(frame: Frame, offset: int, length: int) -> None:
    """Pay for a copy to memory, and for the memory."""
    charge(frame, _WORD_GAS * ((length + 31) // 32))
    expand(frame, offset, length)


def _copy_view(be: Backend, m: Machine, op: Op, view: View, operands: tuple[int, int, int]) -> None:
    """Copy from a view to (destination, offset, length), or begin to."""
    frame = m.frame
    assert frame is not None
    dst, offset, length = operands
    if length > CHUNK_BYTES:
        start = view.offset + min(offset, view.length)
        m.pend = Pend(op=op, done=0, length=length, src_root=view.root, src_offset=start, dst=dst)
        return
    del frame.stack[-3:]
    if length:
        be.write_memory(frame, dst, be.read_view(view, offset, length))
    frame.pc += 1


def _begin_code(m: Machine, op: Op, code_hash: Hash32, code: bytes, operands: tuple[int, int, int]) -> None:
    """Begin to copy code to (destination, offset, length)."""
    dst, offset, length = operands
    start = min(offset, len(code))
    m.pend = Pend(op=op, done=0, length=length, src_root=code_hash, src_offset=start, dst=dst)


def _finish_code(
    be: Backend, frame: Frame, code: bytes, operands: tuple[int, int, int], n_operands: int
) -> None:
    """Copy a short range of code to (destination, offset, length), drop the operands and go on."""
    dst, offset, length = operands
    del frame.stack[-n_operands:]
    if length:
        be.write_memory(frame, dst, code[offset : offset + length].ljust(length, b"\0"))
    frame.pc += 1
