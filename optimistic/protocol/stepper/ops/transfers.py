"""Wei that moves from one account to another."""

from dataclasses import replace

from optimistic.protocol.accounts import Account
from optimistic.protocol.stepper.backend import Backend, Leaf
from optimistic.protocol.stepper.ops.items import WORD_MASK
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.world import journal_of, open_account, write_account
from optimistic.protocol.types import Address


def transfer(be: Backend, m: Machine, payer: tuple[Leaf, Account], to: Address, value: int) -> None:
    """Move `value` from an account, which has it, to another one, whose balance wraps at 2^256.

    Asks, after what opened the payer at the present root: deletion of the payer, if nothing
    is left of it; receiver at the new root.
    """
    leaf, account = payer
    root = write_account(be, leaf, replace(account, balance=account.balance - value))
    leaf, account = open_account(be, root, to)
    root = write_account(be, leaf, replace(account, balance=account.balance + value & WORD_MASK))
    m.journal = replace(journal_of(m), state_root=root)
