"""What a frame may know of an account.

Source: EIP-1052, EIP-1884, EIP-2929
"""

from typing import Final

from optimistic.protocol.accounts import EMPTY_CODE_HASH, Account
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge
from optimistic.protocol.stepper.ops.items import address_in
from optimistic.protocol.stepper.state import Frame, Machine
from optimistic.protocol.stepper.world import is_dead, journal_of, open_account, touch_address
from optimistic.protocol.types import Address

_WARM: Final = 100
_COLD: Final = 2_600


def access_gas(was_warm: bool) -> int:
    """Return what it costs to look at an account."""
    return _WARM if was_warm else _COLD


def balance(be: Backend, m: Machine) -> None:
    """Push an account's wei.

    Asks: warmth; [gas]; account.
    """
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # GAS, OPERATION
    stack.append(_look_at(be, m, frame, address_in(stack.pop())).balance)
    # PC
    frame.pc += 1


def self_balance(be: Backend, m: Machine) -> None:
    """Push the own account's wei."""
    frame = m.frame
    assert frame is not None
    # OPERATION
    _, account = open_account(be, journal_of(m).state_root, frame.address)
    frame.stack.append(account.balance)
    # PC
    frame.pc += 1


def extcodesize(be: Backend, m: Machine) -> None:
    """Push the length of an account's code.

    Asks: warmth; [gas]; account; its code unless that is empty.
    """
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # GAS, OPERATION
    account = _look_at(be, m, frame, address_in(stack.pop()))
    stack.append(0 if account.code_hash == EMPTY_CODE_HASH else len(be.code(account.code_hash)))
    # PC
    frame.pc += 1


def extcodehash(be: Backend, m: Machine) -> None:
    """Push the hash of an account's code, zero if there is no account.

    Asks: warmth; [gas]; account.
    """
    frame = m.frame
    assert frame is not None
    stack = frame.stack
    # GAS, OPERATION
    account = _look_at(be, m, frame, address_in(stack.pop()))
    stack.append(0 if is_dead(account) else int.from_bytes(account.code_hash, "big"))
    # PC
    frame.pc += 1


def _look_at(be: Backend, m: Machine, frame: Frame, address: Address) -> Account:
    """Return an account after paying for the look."""
    charge(frame, access_gas(touch_address(be, m, address)))
    _, account = open_account(be, journal_of(m).state_root, address)
    return account
