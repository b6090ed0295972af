"""`optimistic force-include`: have overdue deposits run although the sequencer ignores them."""

import threading

import click

from optimistic.cli.session import Session, with_session, with_signer
from optimistic.protocol.errors import InvalidInput
from optimistic.service.clock import SystemClock
from optimistic.service.contracts import Inbox
from optimistic.service.options import FlatEnvCommand, option
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit, say


class NothingToForce(InvalidInput):
    """Every deposit is in a batch, or the oldest one is not due yet."""


@click.command("force-include", cls=FlatEnvCommand)
@with_session
@with_signer
@option("--wait", is_flag=True, help="Wait until the oldest deposit is due instead of failing.")
def force_include(session: Session, signer: Signer, wait: bool) -> None:
    """Force a batch of all overdue deposits; make one with `optimistic deposit` first."""
    inbox = Inbox(session.l1, session.deployment.contracts.inbox)
    if not _until_due(session, inbox, wait=wait):
        emit({"forced": False, "batch": None, "reason": "the sequencer included it"})
        return
    receipt = session.send(signer, inbox.force_batch_call())
    index = inbox.batch_count(at=receipt.block_number) - 1
    emit(
        {
            "forced": True,
            "batch": index,
            "l1TransactionHash": receipt.tx_hash,
            "gasUsed": receipt.gas_used,
        }
    )


def _until_due(session: Session, inbox: Inbox, *, wait: bool) -> bool:
    """Return True once the oldest deposit is due, False if a batch took it meanwhile."""
    head = session.l1.head()
    oldest = inbox.consumed_deposits(at=head.hash)
    if oldest == inbox.deposit_count(at=head.hash):
        raise NothingToForce("no deposit is waiting for a batch")
    due_at = inbox.deposit_time(oldest, at=head.hash) + session.deployment.params.force_delay_s
    if head.timestamp < due_at and not wait:
        raise NothingToForce(f"deposit {oldest} is due in {due_at - head.timestamp} s; use --wait")
    clock, never = SystemClock(), threading.Event()
    while head.timestamp < due_at:
        say(f"deposit {oldest} is due in {due_at - head.timestamp} s")
        clock.wait(never, min(10, due_at - head.timestamp))
        head = session.l1.head()
        if inbox.consumed_deposits(at=head.hash) > oldest:
            return False
    return True
