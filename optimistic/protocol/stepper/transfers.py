"""Wei that moves between accounts, one leaf at a time.

Sums are modulo 2^256: one beyond it needs more ether than exists.

Twin: solidity/src/dispute/osp/Transfers.sol
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.accounts import Account
from optimistic.protocol.stepper.backend import Backend, Leaf
from optimistic.protocol.stepper.world import open_account, write_account
from optimistic.protocol.types import Address, Hash32

_UINT256: Final = (1 << 256) - 1


def plus(balance: int, amount: int) -> int:
    """Return the sum of two amounts of wei."""
    return (balance + amount) & _UINT256


def credit(be: Backend, root: Hash32, to: Address, amount: int) -> Hash32:
    """Return the state root after adding `amount` wei; opens and writes one account."""
    leaf, account = open_account(be, root, to)
    return write_account(be, leaf, replace(account, balance=plus(account.balance, amount)))


def debit(be: Backend, root: Hash32, payer: Address, amount: int) -> Hash32:
    """Return the state root after taking `amount` wei, which are there; opens and writes one account."""
    leaf, account = open_account(be, root, payer)
    return write_account(be, leaf, replace(account, balance=account.balance - amount))


def move(be: Backend, payer: tuple[Leaf, Account], to: Address, value: int) -> Hash32:
    """Return the state root after `value` went from an account, which has it, to another one.

    Asks, after what opened the payer at the present root: deletion of the payer, if nothing
    is left of it; receiver at the new root.
    """
    leaf, account = payer
    root = write_account(be, leaf, replace(account, balance=account.balance - value))
    return credit(be, root, to, value)
