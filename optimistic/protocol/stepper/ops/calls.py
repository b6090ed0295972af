"""CALL, CALLCODE, DELEGATECALL, STATICCALL.

The step pays, moves the value and puts the child's frame on top; what the child
leaves, its EXIT gives back.

Source: EIP-150, EIP-214, EIP-2929; order: docs/spec/09-step-machine.md
"""

from dataclasses import dataclass, replace
from typing import Final

from optimistic.protocol.accounts import Account
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge, expand
from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.ops.accounts import access_gas
from optimistic.protocol.stepper.ops.items import address_in
from optimistic.protocol.stepper.precompiles import precompile_at
from optimistic.protocol.stepper.state import EMPTY_VIEW, Frame, FrameKind, Machine, view_of
from optimistic.protocol.stepper.transfers import move
from optimistic.protocol.stepper.world import is_dead, journal_of, open_account, touch_address
from optimistic.protocol.types import Address
from optimistic.protocol.unit import Phase

MAX_DEPTH: Final = 1_024
"""Depth of the deepest frame; the transaction's own has 0."""

_VALUE_GAS: Final = 9_000
_NEW_ACCOUNT_GAS: Final = 25_000
_STIPEND: Final = 2_300


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What one of the four opcodes asks for."""

    gas: int
    """As much as the caller wants to give."""
    code_address: Address
    address: Address
    """Whose storage and balance the code acts on."""
    caller: Address
    value: int
    """What the child sees as value."""
    sent: int
    """What the caller must have; zero where the value is only inherited."""
    is_static: bool
    input: tuple[int, int]
    """Offset and length in the caller's memory."""
    output: tuple[int, int]


def call(be: Backend, m: Machine) -> None:
    """Call an account with value; in a static frame any value is an exceptional halt."""
    frame = m.frame
    assert frame is not None
    # STACK
    gas, to, value = _pop3(frame)
    ranges = _pop_ranges(frame)
    if value and frame.is_static:
        raise ExceptionalHalt
    # GAS, OPERATION, PC
    target = address_in(to)
    request = _Call(
        gas=gas,
        code_address=target,
        address=target,
        caller=frame.address,
        value=value,
        sent=value,
        is_static=frame.is_static,
        input=ranges[0],
        output=ranges[1],
    )
    _call(be, m, frame, request)


def call_code(be: Backend, m: Machine) -> None:
    """Run another account's code on the own account; the value goes from itself to itself."""
    frame = m.frame
    assert frame is not None
    # STACK
    gas, to, value = _pop3(frame)
    ranges = _pop_ranges(frame)
    # GAS, OPERATION, PC
    request = _Call(
        gas=gas,
        code_address=address_in(to),
        address=frame.address,
        caller=frame.address,
        value=value,
        sent=value,
        is_static=frame.is_static,
        input=ranges[0],
        output=ranges[1],
    )
    _call(be, m, frame, request)


def delegate_call(be: Backend, m: Machine) -> None:
    """Run another account's code as if it were the own one: account, caller and value stay."""
    frame = m.frame
    assert frame is not None
    # STACK
    gas, to = frame.stack.pop(), frame.stack.pop()
    ranges = _pop_ranges(frame)
    # GAS, OPERATION, PC
    request = _Call(
        gas=gas,
        code_address=address_in(to),
        address=frame.address,
        caller=frame.caller,
        value=frame.value,
        sent=0,
        is_static=frame.is_static,
        input=ranges[0],
        output=ranges[1],
    )
    _call(be, m, frame, request)


def static_call(be: Backend, m: Machine) -> None:
    """Call an account that may change nothing, nor may anything it calls."""
    frame = m.frame
    assert frame is not None
    # STACK
    gas, to = frame.stack.pop(), frame.stack.pop()
    ranges = _pop_ranges(frame)
    # GAS, OPERATION, PC
    target = address_in(to)
    request = _Call(
        gas=gas,
        code_address=target,
        address=target,
        caller=frame.address,
        value=0,
        sent=0,
        is_static=True,
        input=ranges[0],
        output=ranges[1],
    )
    _call(be, m, frame, request)


def _pop3(frame: Frame) -> tuple[int, int, int]:
    """Take gas, address and value from the stack."""
    stack = frame.stack
    return stack.pop(), stack.pop(), stack.pop()


def _pop_ranges(frame: Frame) -> tuple[tuple[int, int], tuple[int, int]]:
    """Take offset and length of input and output from the stack."""
    stack = frame.stack
    return (stack.pop(), stack.pop()), (stack.pop(), stack.pop())


def _call(be: Backend, m: Machine, frame: Frame, call: _Call) -> None:
    """Pay, and put the child on top, or a zero if there is none.

    A child that would be too deep or that the caller cannot pay for costs what it costs
    to ask, and gives its gas back with the stipend.

    Asks: [memory gas]; warmth of the code's address; account there; [gas]; if value is sent,
    own account; if it goes to another, that one at the root after the own account.
    """
    # GAS
    expand(frame, *call.input)
    expand(frame, *call.output)
    cost = access_gas(touch_address(be, m, call.code_address))
    _, callee = open_account(be, journal_of(m).state_root, call.code_address)
    if call.sent:
        creates = call.code_address == call.address and is_dead(callee)
        cost += _VALUE_GAS + (_NEW_ACCOUNT_GAS if creates else 0)
    charge(frame, cost)
    gas = min(call.gas, all_but_one_64th(frame.gas))
    frame.gas -= gas
    if call.sent:
        gas += _STIPEND
    # OPERATION, PC
    frame.returndata = EMPTY_VIEW
    frame.pc += 1
    child = _child(be, m, frame, call, callee, gas)
    if _pay(be, m, frame, call):
        m.frame = child
        m.phase = Phase.PRECOMPILE if child.precompile else Phase.EXEC
    else:
        frame.gas += gas
        frame.stack.append(0)


def _child(be: Backend, m: Machine, frame: Frame, call: _Call, callee: Account, gas: int) -> Frame:
    """Return the frame of the call; a failure of it undoes the transfer, too."""
    out_offset, out_length = call.output
    return Frame(
        parent=frame,
        snapshot=journal_of(m),
        depth=frame.depth + 1,
        kind=FrameKind.CALL,
        is_static=call.is_static,
        address=call.address,
        caller=call.caller,
        value=call.value,
        code_hash=callee.code_hash,
        precompile=precompile_at(call.code_address),
        calldata=view_of(frame.memory, *call.input),
        gas=gas,
        memory=be.new_memory(),
        out_offset=out_offset if out_length else 0,
        out_length=out_length,
    )


def _pay(be: Backend, m: Machine, frame: Frame, call: _Call) -> bool:
    """Send the value; return False, changing nothing, if there is no room for a child or too little wei."""
    has_room = frame.depth < MAX_DEPTH
    if call.sent:
        payer = open_account(be, journal_of(m).state_root, frame.address)
        if payer[1].balance < call.sent:
            return False
        if has_room and call.address != frame.address:
            root = move(be, payer, call.address, call.sent)
            m.journal = replace(journal_of(m), state_root=root)
    return has_room


def all_but_one_64th(gas: int) -> int:
    """Return what a frame may give to a child (EIP-150)."""
    return gas - gas // 64
