"""EXIT: leave a frame that has halted, for its caller or for the end of the transaction."""

from dataclasses import replace
from typing import Final

from optimistic.protocol.constants import CHUNK_BYTES
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.halts import halt
from optimistic.protocol.stepper.phases.parts import frame_of, tx_of
from optimistic.protocol.stepper.state import (
    EMPTY_VIEW,
    PENDING_OUTPUT,
    Frame,
    FrameKind,
    Halt,
    Machine,
    Pend,
    View,
)
from optimistic.protocol.stepper.world import journal_of, open_account, write_account
from optimistic.protocol.unit import Phase

MAX_CODE_BYTES: Final = 24_576
CODE_DEPOSIT_GAS: Final = 200
"""Per byte."""
_RESERVED_FIRST_BYTE: Final = b"\xef"


def exit_frame(be: Backend, m: Machine) -> None:
    """Settle a halted frame.

    Asks of a successful creation that returns code it can pay for: the code (range) and, unless
    it is refused, the account (proof). Below depth 0: the caller (blob); of a call with
    short output: the output and the caller's memory (range each).
    """
    frame = frame_of(m)
    if frame.kind is FrameKind.CREATE and frame.halt is Halt.SUCCESS:
        _deposit_code(be, m, frame)
    if frame.depth == 0:
        m.tx = replace(tx_of(m), status=int(frame.halt is Halt.SUCCESS), gas_left=frame.gas)
        m.frame = None
        m.phase = Phase.TX_END
        return
    _return_to(be, m, frame, be.parent_of(frame))


def _deposit_code(be: Backend, m: Machine, frame: Frame) -> None:
    """Charge for the returned code and store it; turn the halt into a failure if that cannot be."""
    output = frame.returndata
    if output.length == 0:
        return
    cost = CODE_DEPOSIT_GAS * output.length
    if output.length > MAX_CODE_BYTES or cost > frame.gas:
        halt(be, m, Halt.EXCEPTIONAL)
        return
    code = be.read_view(output, 0, output.length)
    if code[:1] == _RESERVED_FIRST_BYTE:
        halt(be, m, Halt.EXCEPTIONAL)
        return
    frame.gas -= cost
    journal = journal_of(m)
    leaf, account = open_account(be, journal.state_root, frame.address)
    contract = replace(account, code_hash=be.keep_code(code))
    m.journal = replace(journal, state_root=write_account(be, leaf, contract))


def _return_to(be: Backend, m: Machine, frame: Frame, parent: Frame) -> None:
    """Give the caller gas, return data and result, and copy the output into its memory."""
    succeeds = frame.halt is Halt.SUCCESS
    output = _frozen(be, frame.returndata, parent)
    parent.gas += frame.gas
    m.frame = parent
    m.phase = Phase.EXEC
    if frame.kind is FrameKind.CREATE:
        parent.returndata = EMPTY_VIEW if succeeds else output
        parent.stack.append(int.from_bytes(frame.address, "big") if succeeds else 0)
        return
    parent.returndata = output
    parent.stack.append(int(succeeds))
    _copy_output(be, m, parent, frame.out_offset, min(frame.out_length, output.length))


def _frozen(be: Backend, output: View, parent: Frame) -> View:
    """Return the output apart from the caller's memory, of which that of identity is a part."""
    words = output.words
    if words is None or words is not parent.memory:
        return output
    return replace(output, words=be.freeze(words))


def _copy_output(be: Backend, m: Machine, parent: Frame, offset: int, length: int) -> None:
    """Copy the first `length` bytes of the return data to memory that the caller has paid for."""
    output = parent.returndata
    if length > CHUNK_BYTES:
        m.pend = Pend(
            op=PENDING_OUTPUT,
            done=0,
            length=length,
            src_root=output.root,
            src_offset=output.offset,
            dst=offset,
            words=output.words,
        )
    elif length:
        be.write_memory(parent, offset, be.read_view(output, 0, length))
