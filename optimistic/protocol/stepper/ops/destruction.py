"""SELFDESTRUCT.

Source: EIP-6780, EIP-2929, EIP-161
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.gas import charge
from optimistic.protocol.stepper.halts import halt
from optimistic.protocol.stepper.ops.items import address_in
from optimistic.protocol.stepper.state import Halt, Machine
from optimistic.protocol.stepper.transfers import move
from optimistic.protocol.stepper.world import (
    CREATED,
    DESTROYED,
    is_dead,
    journal_of,
    open_account,
    open_bits,
    touch_address,
    write_account,
    write_bits,
)
from optimistic.protocol.types import Address

_COLD: Final = 2_600
_NEW_ACCOUNT: Final = 25_000


def self_destruct(be: Backend, m: Machine) -> None:
    """Send the balance to a beneficiary and succeed; what this transaction created goes at its end.

    Asks: the beneficiary's warmth; own account; the beneficiary, if another; [gas]; own
    warmth; the beneficiary at the root after the own account, if it gets wei.
    """
    frame = m.frame
    assert frame is not None
    # STACK
    own_address, beneficiary = frame.address, address_in(frame.stack.pop())
    # GAS
    cost = 0 if touch_address(be, m, beneficiary) else _COLD
    root = journal_of(m).state_root
    leaf, own = open_account(be, root, own_address)
    if beneficiary != own_address and is_dead(open_account(be, root, beneficiary)[1]) and own.balance:
        cost += _NEW_ACCOUNT
    charge(frame, cost)
    # OPERATION
    warm_leaf, bits = open_bits(be, m, keccak256(own_address))
    if beneficiary != own_address:
        if own.balance:
            root = move(be, (leaf, own), beneficiary, own.balance)
            m.journal = replace(journal_of(m), state_root=root)
    elif bits & CREATED:
        m.journal = replace(journal_of(m), state_root=write_account(be, leaf, replace(own, balance=0)))
    if bits & (CREATED | DESTROYED) == CREATED:
        write_bits(be, m, warm_leaf, bits | DESTROYED)
        _condemn(be, m, own_address)
    halt(be, m, Halt.SUCCESS)


def _condemn(be: Backend, m: Machine, address: Address) -> None:
    """Add an account to those that TX_DESTROY removes."""
    journal = journal_of(m)
    m.journal = replace(
        journal,
        destroy_acc=be.keep_destroyed(journal.destroy_acc, address),
        destroy_count=journal.destroy_count + 1,
    )
