"""`optimistic status`: where a rollup stands, on L1 and at a node."""

from typing import Any

import click

from optimistic.cli.session import Session, with_session
from optimistic.service.contracts import AssertionChain, Bridge, Inbox
from optimistic.service.options import URL, FlatEnvCommand, option
from optimistic.service.terminal import emit


@click.command(cls=FlatEnvCommand)
@with_session
@option("--l2-rpc-url", type=URL, default=None, help="Also ask this rollup node.")
def status(session: Session, l2_rpc_url: str | None) -> None:
    """Show batches, deposits and assertions on L1, and a node's heads."""
    values = _l1_status(session)
    if l2_rpc_url is not None:
        values["node"] = session.node(l2_rpc_url).raw_request("rollup_status", [])
    emit(values)


def _l1_status(session: Session) -> dict[str, Any]:
    contracts, head = session.deployment.contracts, session.l1.head()
    inbox = Inbox(session.l1, contracts.inbox)
    chain = AssertionChain(session.l1, contracts.assertion_chain)
    confirmed = chain.latest_confirmed(at=head.hash)
    newest = chain.assertion(confirmed, at=head.hash)
    budgets = inbox.available_budgets(at=head.hash)
    return {
        "l1Block": head.number,
        "batches": inbox.batch_count(at=head.hash),
        "deposits": inbox.deposit_count(at=head.hash),
        "depositsWaiting": inbox.deposit_count(at=head.hash) - inbox.consumed_deposits(at=head.hash),
        "gasBudget": budgets.general,
        "systemGasBudget": budgets.system,
        "confirmedAssertion": confirmed,
        "confirmedBatches": newest.to,
        "liveChildren": newest.live_children,
        "bridgeBalance": str(session.l1.balance_wei(contracts.bridge, head.hash)),
        "withdrawalsPausedUntil": Bridge(session.l1, contracts.bridge).paused_until(at=head.hash),
        "configHash": inbox.active_config_hash(at=head.hash),
    }
