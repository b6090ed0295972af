"""`optimistic pause`: the guardian's bounded stop of withdrawals."""

import click

from optimistic.cli.session import Session, with_session, with_signer
from optimistic.service.contracts import Bridge
from optimistic.service.options import FlatEnvCommand
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit


@click.command(cls=FlatEnvCommand)
@with_session
@with_signer
def pause(session: Session, signer: Signer) -> None:
    """Stop withdrawals for the bounded time of the deployment; only its guardian can, with its key."""
    bridge = Bridge(session.l1, session.deployment.contracts.bridge)
    receipt = session.send(signer, bridge.pause_call())
    emit(
        {
            "withdrawalsPausedUntil": bridge.paused_until(at=receipt.block_number),
            "l1TransactionHash": receipt.tx_hash,
            "gasUsed": receipt.gas_used,
        }
    )
