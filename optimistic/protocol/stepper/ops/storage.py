"""Storage that stays and storage that lives as long as the transaction.

Source: EIP-2200, EIP-2929, EIP-3529, EIP-1153
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.accounts import Account
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge
from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.state import Frame, Machine
from optimistic.protocol.stepper.world import (
    journal_of,
    open_account,
    open_slot,
    slot_key,
    touch_slot,
    write_account,
    write_slot,
)
from optimistic.protocol.strict_rlp import decode_int, encode_int, string_payload

_STIPEND: Final = 2_300
_WARM: Final = 100
_COLD: Final = 2_100
_SET: Final = 20_000
_RESET: Final = 2_900
_CLEAR_REFUND: Final = 4_800


def load(be: Backend, m: Machine) -> None:
    """Push the value of a slot.

    Asks: the slot's warmth; [gas]; own account; slot.
    """
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    slot = stack.pop()
    # GAS
    charge(frame, _WARM if touch_slot(be, m, frame.address, slot) else _COLD)
    # OPERATION
    _, account = open_account(be, journal_of(m).state_root, frame.address)
    _, value = open_slot(be, account.storage_root, slot)
    stack.append(value)
    # PC
    frame.pc += 1


def store(be: Backend, m: Machine) -> None:
    """Write a slot.

    Asks: [gas above the stipend]; the slot's warmth; own account; slot; the value before the
    transaction, see `_original_value`; [gas]; if the value changes to zero, the deletion of
    the slot. The account is written under its first leaf.
    """
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    slot, value = stack.pop(), stack.pop()
    # GAS
    if frame.gas <= _STIPEND:
        raise ExceptionalHalt
    was_warm = touch_slot(be, m, frame.address, slot)
    journal = journal_of(m)
    account_leaf, account = open_account(be, journal.state_root, frame.address)
    slot_leaf, current = open_slot(be, account.storage_root, slot)
    original = _original_value(be, m, frame, account, slot, current)
    charge(frame, store_gas(original, current, value) + (0 if was_warm else _COLD))
    # OPERATION
    if value != current:
        account = replace(account, storage_root=write_slot(be, slot_leaf, value))
        m.journal = replace(
            journal,
            state_root=write_account(be, account_leaf, account),
            refund=journal.refund + store_refund(original, current, value),
        )
    # PC
    frame.pc += 1


def _original_value(be: Backend, m: Machine, frame: Frame, account: Account, slot: int, current: int) -> int:
    """Return what a slot of the own account held when the transaction began.

    Asks, unless the state is as it was: own account in the unit's state; if its storage
    was another one, the slot there.
    """
    start_root = m.unit.state_root
    if start_root == journal_of(m).state_root:
        return current
    _, before = open_account(be, start_root, frame.address)
    if before.storage_root == account.storage_root:
        return current
    return open_slot(be, before.storage_root, slot)[1]


def store_gas(original: int, current: int, value: int) -> int:
    """Return what a write to a warm slot costs."""
    if original != current or current == value:
        return _WARM
    return _RESET if original else _SET


def store_refund(original: int, current: int, value: int) -> int:
    """Return what a write adds to the refund; negative where it takes back what another one had added."""
    if current == value:
        return 0
    refund = 0
    if original:
        if current == 0:
            refund -= _CLEAR_REFUND
        elif value == 0:
            refund += _CLEAR_REFUND
    if original == value:
        refund += (_RESET if original else _SET) - _WARM
    return refund


def transient_load(be: Backend, m: Machine) -> None:
    """Push the value of a transient slot."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    slot = stack.pop()
    # OPERATION
    leaf = be.open_leaf(journal_of(m).transient_root, slot_key(frame.address, slot))
    stack.append(0 if leaf.value is None else decode_int(string_payload(leaf.value)))
    # PC
    frame.pc += 1


def transient_store(be: Backend, m: Machine) -> None:
    """Write a transient slot; zero is stored like any other value."""
    frame = m.frame
    assert frame is not None
    # STACK
    stack = frame.stack
    slot, value = stack.pop(), stack.pop()
    # OPERATION
    journal = journal_of(m)
    leaf = be.open_leaf(journal.transient_root, slot_key(frame.address, slot))
    m.journal = replace(journal, transient_root=be.put_leaf(leaf, encode_int(value)))
    # PC
    frame.pc += 1
