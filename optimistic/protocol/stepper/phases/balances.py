"""Moving ether between accounts, one leaf at a time."""

from dataclasses import replace
from typing import Final

from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.world import open_account, write_account
from optimistic.protocol.types import Address, Hash32

_UINT256: Final = (1 << 256) - 1


def plus(balance: int, amount: int) -> int:
    """Add modulo 2^256: a sum beyond it needs more ether than exists."""
    return (balance + amount) & _UINT256


def credit(be: Backend, root: Hash32, address: Address, amount: int) -> Hash32:
    """Return the state root after adding `amount` wei; opens and writes one account."""
    leaf, account = open_account(be, root, address)
    return write_account(be, leaf, replace(account, balance=plus(account.balance, amount)))


def debit(be: Backend, root: Hash32, address: Address, amount: int) -> Hash32:
    """Return the state root after taking `amount` wei, which are there; opens and writes one account."""
    leaf, account = open_account(be, root, address)
    return write_account(be, leaf, replace(account, balance=account.balance - amount))
