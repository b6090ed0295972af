"""TX_END and TX_DESTROY: settle the gas, write the receipt, remove what was destroyed."""

from dataclasses import replace
from typing import Final

from optimistic.protocol.derivation import append_receipt, charge_lane
from optimistic.protocol.engine import lane_of, receipts_acc
from optimistic.protocol.stepper.backend import Backend
from optimistic.protocol.stepper.phases.parts import tx_of
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.transfers import credit
from optimistic.protocol.stepper.world import journal_of, open_account
from optimistic.protocol.unit import Phase

REFUND_QUOTIENT: Final = 5
"""At most this fraction of the gas used is refunded (EIP-3529)."""


def tx_end(be: Backend, m: Machine) -> None:
    """Refund, pay the coinbase, append the receipt.

    Asks of a transaction: the sender, if it gets gas back, and the coinbase, if it gets a fee (proof each).
    """
    tx, journal = tx_of(m), journal_of(m)
    used = tx.gas_limit - tx.gas_left
    used -= min(journal.refund, used // REFUND_QUOTIENT)
    if not tx.is_deposit:
        _settle(be, m, used)
        journal = journal_of(m)
    receipts = receipts_acc(m.unit.receipts_acc, tx.tx_hash, tx.status, used, journal.log_acc)
    m.unit = append_receipt(m.unit, receipts, used, m.unit.state_root)
    if not tx.is_deposit:
        lane = lane_of(None if tx.is_create else tx.target)
        m.unit = charge_lane(m.unit, lane, max(0, used - tx.intrinsic_gas))
    _destroy_or_finish(m)


def tx_destroy(be: Backend, m: Machine) -> None:
    """Remove the account that was added to the destroy chain last.

    Asks: the link of the chain (blob), the account (proof), its removal if it is there (proof).
    """
    journal = journal_of(m)
    acc, address = be.destroyed(journal.destroy_acc)
    leaf, _ = open_account(be, journal.state_root, address)
    m.journal = replace(
        journal,
        state_root=journal.state_root if leaf.value is None else be.delete_leaf(leaf),
        destroy_acc=acc,
        destroy_count=journal.destroy_count - 1,
    )
    _destroy_or_finish(m)


def _settle(be: Backend, m: Machine, used: int) -> None:
    """Give the sender back what was not used, and the coinbase its fee."""
    tx, journal = tx_of(m), journal_of(m)
    root = journal.state_root
    for address, amount in (
        (tx.sender, (tx.gas_limit - used) * tx.gas_price),
        (m.unit.coinbase, used * (tx.gas_price - m.unit.base_fee)),
    ):
        if amount:
            root = credit(be, root, address, amount)
    m.journal = replace(journal, state_root=root)


def _destroy_or_finish(m: Machine) -> None:
    """Go on with the destroy chain, or end the unit when nothing is left of it."""
    journal = journal_of(m)
    if journal.destroy_count:
        m.phase = Phase.TX_DESTROY
        return
    m.unit = replace(m.unit, state_root=journal.state_root)
    m.tx = m.journal = None
    m.phase = Phase.BOUNDARY
