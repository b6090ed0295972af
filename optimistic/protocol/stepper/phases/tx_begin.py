"""TX_BEGIN: read a transaction and buy its gas, or pass over it.

Nothing the bytes can be is an error: what is not a valid transaction here moves
the cursor and changes nothing else.
"""

from dataclasses import replace

from optimistic.protocol.accounts import Account
from optimistic.protocol.batch import TxSpan
from optimistic.protocol.stepper.backend import Backend, Leaf
from optimistic.protocol.stepper.phases.parts import batch_view, tx_of
from optimistic.protocol.stepper.phases.units import item_at_cursor
from optimistic.protocol.stepper.state import Journal, Machine, TxContext
from optimistic.protocol.stepper.world import open_account, write_account
from optimistic.protocol.transactions import (
    BlockFields,
    InvalidTransaction,
    LocatedTx,
    Transaction,
    create_address,
    decode_located,
    intrinsic_gas,
    recover_sender,
    validate,
    within_budget,
)
from optimistic.protocol.types import ZERO_ADDRESS, Address
from optimistic.protocol.unit import Phase, Unit


def tx_begin(be: Backend, m: Machine) -> None:
    """Begin the transaction at the cursor.

    Asks: the item at the cursor (range); unless it is too long, its bytes (range);
    if they decode and the signature recovers a key, the sender (proof).
    """
    span = item_at_cursor(be, m.unit)
    assert isinstance(span, TxSpan)
    m.unit = replace(m.unit, cursor=span.end)
    m.phase = Phase.BOUNDARY
    length = span.end - span.start
    if length > be.params.max_tx_bytes:
        return
    raw = be.read_view(batch_view(m.unit, span.start, length), 0, length)
    try:
        located = decode_located(raw)
        sender = recover_sender(located.transaction)
        leaf, account = open_account(be, m.unit.state_root, sender)
        _validate(be, m.unit, located.transaction, account)
    except InvalidTransaction:
        return
    m.tx = _context(m.unit, span.start, located, sender)
    _buy_gas(be, m, leaf, account)
    m.phase = Phase.TX_ACCESS if located.access_length else Phase.TX_ENTER


def _validate(be: Backend, unit: Unit, tx: Transaction, account: Account) -> None:
    """Check the transaction against its sender's account, the block and the lane's budget."""
    validate(tx, account, be.params, BlockFields(unit.chain_id, unit.gas_limit, unit.base_fee))
    if not within_budget(tx, (unit.left_general, unit.left_system)):
        raise InvalidTransaction("over_budget")


def _context(unit: Unit, start: int, located: LocatedTx, sender: Address) -> TxContext:
    """Describe a valid transaction whose bytes begin at `start` of the batch data."""
    tx = located.transaction
    access_cursor = start + located.access_offset
    return TxContext(
        is_deposit=False,
        sender=sender,
        is_create=tx.to is None,
        target=create_address(sender, tx.nonce) if tx.to is None else tx.to,
        value=tx.value,
        gas_price=tx.gas_price(unit.base_fee),
        gas_limit=tx.gas_limit,
        intrinsic_gas=intrinsic_gas(tx),
        data=batch_view(unit, start + located.data_offset, len(tx.data)),
        tx_hash=tx.hash,
        access_cursor=access_cursor,
        access_end=access_cursor + located.access_length,
        access_keys_end=0,
        access_address=ZERO_ADDRESS,
        status=0,
        gas_left=0,
    )


def _buy_gas(be: Backend, m: Machine, leaf: Leaf, account: Account) -> None:
    """Take the price of the gas limit, raise the nonce and begin a journal."""
    tx = tx_of(m)
    balance = account.balance - tx.gas_limit * tx.gas_price
    sender = replace(account, nonce=account.nonce + 1, balance=balance)
    m.journal = Journal(state_root=write_account(be, leaf, sender))
