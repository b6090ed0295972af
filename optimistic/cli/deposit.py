"""`optimistic deposit`: move ether to L2, or have any L2 action run without the sequencer's consent."""

import click

from optimistic.cli.session import Session, with_session, with_signer
from optimistic.protocol.records import deposit_tx_hash
from optimistic.protocol.transactions import intrinsic_message_gas
from optimistic.protocol.types import Address
from optimistic.service.contracts import Bridge
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_events import DepositEnqueued
from optimistic.service.options import ADDRESS, AMOUNT_WEI, FlatEnvCommand, HexBytes, option
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit


@click.command(cls=FlatEnvCommand)
@with_session
@with_signer
@click.argument("amount", type=AMOUNT_WEI)
@option("--to", type=ADDRESS, default=None, help="Receiver on L2; default: the sender.")
@option("--value", type=AMOUNT_WEI, default=None, help="Ether of the L2 call; default: the whole amount.")
@option("--data", type=HexBytes(), default="0x", help="Call data, or init code with --create.")
@option(
    "--gas-limit", type=click.IntRange(21_000), default=None, help="L2 gas; default: what a transfer needs."
)
@option("--create", is_flag=True, help="Create a contract from --data.")
def deposit(  # noqa: PLR0913 - one argument per option
    *,
    session: Session,
    signer: Signer,
    amount: int,
    to: bytes | None,
    value: int | None,
    data: bytes,
    gas_limit: int | None,
    create: bool,
) -> None:
    """Deposit AMOUNT (1.5ether, 20gwei, 7wei) through the L1 bridge."""
    bridge = Bridge(session.l1, session.deployment.contracts.bridge)
    call = bridge.deposit_call(
        to=None if create else Address(to or signer.address),
        value=amount if value is None else value,
        gas_limit=gas_limit or intrinsic_message_gas(data, is_create=create),
        data=data,
        mint_wei=amount,
    )
    receipt = session.send(signer, call)
    events = (decode_event(log) for log in receipt.logs)
    (enqueued,) = (event for event in events if isinstance(event, DepositEnqueued))
    emit(
        {
            "depositIndex": enqueued.index,
            "l2TransactionHash": deposit_tx_hash(enqueued.index, enqueued.deposit),
            "l1TransactionHash": receipt.tx_hash,
            "l1Block": receipt.block_number,
            "gasUsed": receipt.gas_used,
        }
    )
