"""CREATE_ENTER: turn the address of a creation into a contract that runs its initcode."""

from dataclasses import replace

from optimistic.protocol.accounts import EMPTY_CODE_HASH, Account
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.halts import halt
from optimistic.protocol.stepper.phases.parts import frame_of
from optimistic.protocol.stepper.state import Halt, Machine
from optimistic.protocol.stepper.transfers import debit, plus
from optimistic.protocol.stepper.world import (
    CREATED,
    WARM,
    journal_of,
    open_account,
    open_bits,
    write_account,
    write_bits,
)
from optimistic.protocol.unit import Phase


def create_enter(be: Backend, m: Machine) -> None:
    """Fail if the address is taken; else mark it, give it nonce 1 and the value.

    Asks: the new account (proof); unless it is taken, its warm bits (proof); if there is a
    value, the creator and the new account again (proof each).
    """
    frame = frame_of(m)
    leaf, account = open_account(be, journal_of(m).state_root, frame.address)
    if _is_taken(account):
        halt(be, m, Halt.EXCEPTIONAL)
        return
    bits_leaf, bits = open_bits(be, m, keccak256(frame.address))
    write_bits(be, m, bits_leaf, bits | WARM | CREATED)
    journal = journal_of(m)
    if frame.value:
        root = debit(be, journal.state_root, frame.caller, frame.value)
        leaf, account = open_account(be, root, frame.address)
    contract = replace(account, nonce=1, balance=plus(account.balance, frame.value))
    m.journal = replace(journal, state_root=write_account(be, leaf, contract))
    m.phase = Phase.EXEC


def _is_taken(account: Account) -> bool:
    """Whether nonce, code or storage (EIP-7610) are in the way of a contract."""
    return account.nonce != 0 or account.code_hash != EMPTY_CODE_HASH or account.storage_root != EMPTY_ROOT
