"""DEPOSIT: mint, raise the nonce, and run the message if it can start.

Whatever fails, mint and nonce remain. A deposit that cannot start ends at once
and uses its whole gas limit.
"""

from dataclasses import replace

from optimistic.protocol.accounts import MAX_NONCE, Account
from optimistic.protocol.constants import MAX_INITCODE_BYTES
from optimistic.protocol.records import deposit_tx_hash
from optimistic.protocol.stepper.backend import Backend, DepositHead
from optimistic.protocol.stepper.state import Journal, Machine, TxContext
from optimistic.protocol.stepper.transfers import plus
from optimistic.protocol.stepper.world import open_account, write_account
from optimistic.protocol.transactions import create_address, intrinsic_message_gas
from optimistic.protocol.types import ZERO_ADDRESS
from optimistic.protocol.unit import Phase


def deposit(be: Backend, m: Machine) -> None:
    """Begin the next deposit of the queue.

    Asks: the deposit (blob), its data (range; none if empty), the sender (proof).
    """
    index = m.unit.deposit_cursor
    head = be.deposit(index)
    data = be.read_view(head.data, 0, head.data.length)
    leaf, before = open_account(be, m.unit.state_root, head.sender)
    sender = replace(before, balance=plus(before.balance, head.mint), nonce=min(before.nonce + 1, MAX_NONCE))
    m.unit = replace(m.unit, deposit_cursor=index + 1, block_deposits_left=m.unit.block_deposits_left - 1)
    m.tx = _context(index, head, data, before.nonce)
    m.journal = Journal(state_root=write_account(be, leaf, sender))
    starts = before.nonce < MAX_NONCE and _can_start(m.tx, sender)
    m.phase = Phase.TX_ENTER if starts else Phase.TX_END


def _context(index: int, head: DepositHead, data: bytes, nonce: int) -> TxContext:
    """Describe the message; `nonce` is the sender's before it was raised."""
    return TxContext(
        is_deposit=True,
        sender=head.sender,
        is_create=head.is_create,
        target=create_address(head.sender, nonce) if head.is_create else head.to,
        value=head.value,
        gas_price=0,
        gas_limit=head.gas_limit,
        intrinsic_gas=intrinsic_message_gas(data, is_create=head.is_create),
        data=head.data,
        tx_hash=deposit_tx_hash(index, head),
        access_cursor=0,
        access_end=0,
        access_keys_end=0,
        access_address=ZERO_ADDRESS,
        status=0,
        gas_left=0,
    )


def _can_start(tx: TxContext, sender: Account) -> bool:
    """Whether the message can start; `sender` has been given the mint."""
    return (
        sender.balance >= tx.value
        and tx.gas_limit >= tx.intrinsic_gas
        and not (tx.is_create and tx.data.length > MAX_INITCODE_BYTES)
    )
