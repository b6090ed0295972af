"""CREATE and CREATE2.

The step pays, bumps the creator's nonce and puts a frame with the initcode on top;
its first step, CREATE_ENTER, makes the account.

Source: EIP-150, EIP-1014, EIP-2681, EIP-2929, EIP-3860
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.accounts import MAX_NONCE
from optimistic.protocol.constants import MAX_INITCODE_BYTES
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge, expand
from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.ops.calls import MAX_DEPTH, all_but_one_64th
from optimistic.protocol.stepper.state import EMPTY_VIEW, Frame, FrameKind, Machine
from optimistic.protocol.stepper.world import journal_of, open_account, touch_address, write_account
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Phase

_WORD_GAS: Final = 2
_HASH_WORD_GAS: Final = 6


def create(be: Backend, m: Machine) -> None:
    """Create a contract at the address that the creator's nonce gives."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    value, offset, length = stack.pop(), stack.pop(), stack.pop()
    # GAS
    _pay(frame, offset, length, _WORD_GAS)
    # OPERATION, PC
    _create(be, m, frame, value, (offset, length), None)


def create2(be: Backend, m: Machine) -> None:
    """Create a contract at the address that its initcode and a salt give."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    value, offset, length, salt = stack.pop(), stack.pop(), stack.pop(), stack.pop()
    # GAS
    _pay(frame, offset, length, _WORD_GAS + _HASH_WORD_GAS)
    # OPERATION, PC
    _create(be, m, frame, value, (offset, length), salt)


def _pay(frame: Frame, offset: int, length: int, word_gas: int) -> None:
    """Pay for the initcode; one that is too long is an exceptional halt of the creator."""
    if length > MAX_INITCODE_BYTES:
        raise ExceptionalHalt
    expand(frame, offset, length)
    charge(frame, word_gas * ((length + 31) // 32))


def _create(
    be: Backend, m: Machine, frame: Frame, value: int, initcode_range: tuple[int, int], salt: int | None
) -> None:
    """Put the child on top, or a zero if the creator cannot pay, is too deep or has no nonce left.

    The nonce and the new address's warmth stay when the child fails.

    Asks: [gas]; own account; [balance, nonce, depth]; initcode, if any; warmth of the new
    address. The own account is written under its leaf.
    """
    # GAS
    gas = all_but_one_64th(frame.gas)
    # OPERATION, PC
    frame.returndata = EMPTY_VIEW
    frame.pc += 1
    leaf, own = open_account(be, journal_of(m).state_root, frame.address)
    if own.balance < value or own.nonce == MAX_NONCE or frame.depth >= MAX_DEPTH:
        frame.stack.append(0)
        return
    frame.gas -= gas
    offset, length = initcode_range
    code_hash = be.keep_code(be.read_memory(frame, offset, length) if length else b"")
    root = write_account(be, leaf, replace(own, nonce=own.nonce + 1))
    m.journal = replace(journal_of(m), state_root=root)
    address = _new_address(frame.address, own.nonce, salt, code_hash)
    touch_address(be, m, address)
    m.frame = Frame(
        parent=frame,
        snapshot=journal_of(m),
        depth=frame.depth + 1,
        kind=FrameKind.CREATE,
        is_static=frame.is_static,
        address=address,
        caller=frame.address,
        value=value,
        code_hash=code_hash,
        precompile=0,
        calldata=EMPTY_VIEW,
        gas=gas,
        memory=be.new_memory(),
        out_offset=0,
        out_length=0,
    )
    m.phase = Phase.CREATE_ENTER


def _new_address(creator: Address, nonce: int, salt: int | None, code_hash: Hash32) -> Address:
    """Return the address of CREATE, or with a salt of CREATE2."""
    if salt is None:
        return create_address(creator, nonce)
    return Address(keccak256(b"\xff" + creator + salt.to_bytes(32, "big") + code_hash)[12:])
