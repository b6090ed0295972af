"""`optimistic bond` and `optimistic receipt`: ether against an exchange's word, and proof that it lied."""

from pathlib import Path
from typing import Any

import click

from optimistic.cli.session import Session, with_session, with_signer
from optimistic.client.receipts import ReceiptLog, TwoStories, receipts_in, signed_receipt
from optimistic.client.rest import RestClient
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.receipts import ReceiptDomain
from optimistic.protocol.types import Address
from optimistic.service.contract import load_abi
from optimistic.service.deployment import Deployment
from optimistic.service.options import (
    ADDRESS,
    AMOUNT_WEI,
    URL,
    FlatEnvCommand,
    FlatEnvGroup,
    deployment_file,
    json_output,
    option,
)
from optimistic.service.receipt_bond import ReceiptBond
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit, reports_errors

receipt_files = click.argument(
    "files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1, required=True
)


class NoContradiction(InvalidInput):
    """The receipts may all be of one honest exchange."""


# ---------------------------------------------------------------------------------- bond


@click.group(cls=FlatEnvGroup)
def bond() -> None:
    """The bond of an exchange's key on L1: post, withdraw, status."""


@bond.command(cls=FlatEnvCommand)
@with_session
@with_signer
@click.argument("amount", type=AMOUNT_WEI)
@option("--exchange", type=ADDRESS, default=None, help="Key that signs the receipts; default: the sender.")
def post(session: Session, signer: Signer, amount: int, exchange: bytes | None) -> None:
    """Add AMOUNT (32ether) to the bond of an exchange's key, which alone can take it out again."""
    contract = ReceiptBond.of(session.l1, session.deployment)
    key = Address(exchange or signer.address)
    receipt = session.send(signer, contract.post_call(key, amount))
    emit({**_status(contract, key, receipt.block_number), "l1TransactionHash": receipt.tx_hash})


@bond.command(cls=FlatEnvCommand)
@with_session
@with_signer
@option("--to", type=ADDRESS, default=None, help="Who is paid; default: the sender.")
@option("--cancel", is_flag=True, help="Leave the bond where it is after all.")
def withdraw(session: Session, signer: Signer, to: bytes | None, cancel: bool) -> None:
    """Take the sender's bond out: announce it, and pay it when the same command is given after the delay."""
    contract = ReceiptBond.of(session.l1, session.deployment)
    head = session.l1.head()
    ready_at = contract.bond(signer.address, at=head.hash).ready_at
    if cancel:
        step, call = "cancelled", contract.cancel_withdrawal_call()
    elif not ready_at:
        step, call = "announced", contract.request_withdrawal_call()
    else:
        step, call = "paid", contract.withdraw_call(Address(to or signer.address))
    receipt = session.send(signer, call)
    values = _status(contract, signer.address, receipt.block_number)
    emit({"step": step, **values, "l1TransactionHash": receipt.tx_hash})


@bond.command(cls=FlatEnvCommand)
@with_session
@option("--exchange", type=ADDRESS, default=None, help="Key that signs the receipts.")
@option("--api-url", type=URL, default=None, help="Ask the exchange at this address for its key.")
def status(session: Session, exchange: bytes | None, api_url: str | None) -> None:
    """Show what an exchange's key has at stake, and whether it is leaving."""
    if (exchange is None) == (api_url is None):
        raise click.UsageError("name the key with --exchange, or the exchange with --api-url")
    contract = ReceiptBond.of(session.l1, session.deployment)
    key = Address(exchange) if exchange is not None else _signer_at(str(api_url))
    emit(_status(contract, key, session.l1.head().number))


def _signer_at(api_url: str) -> Address:
    with RestClient(api_url) as client:
        client.markets()
        return client.receipt_signer


def _status(contract: ReceiptBond, key: Address, block: int) -> dict[str, Any]:
    state = contract.bond(key, at=block)
    return {
        "contract": contract.address,
        "exchange": key,
        "amountWei": str(state.amount_wei),
        "readyAt": state.ready_at,
        "isSlashed": state.is_slashed,
        "withdrawalDelay": contract.read_int("WITHDRAWAL_DELAY", at=block),
    }


# ---------------------------------------------------------------------------------- receipts


@click.group(cls=FlatEnvGroup)
def receipt() -> None:
    """Receipts of an exchange: compare, and prove that it told two stories."""


@receipt.command(cls=FlatEnvCommand)
@receipt_files
@deployment_file
@json_output
@reports_errors
def compare(files: tuple[Path, ...], deployment: Path, as_json: bool) -> None:
    """Look for receipts in FILES that contradict each other.

    A file is whatever holds receipts as JSON: answers of the exchange, a client's file of receipts. Those of
    several traders are best: two stories are rarely told to one.
    """
    del as_json  # `emit` reads it
    emit(_compared(files, Deployment.load(deployment).params.l2_chain_id))


@receipt.command(cls=FlatEnvCommand)
@with_session
@with_signer
@receipt_files
@option("--beneficiary", type=ADDRESS, default=None, help="Who gets half of the bond; default: the sender.")
def slash(session: Session, signer: Signer, files: tuple[Path, ...], beneficiary: bytes | None) -> None:
    """Take the bond of the key that signed two receipts in FILES that contradict each other."""
    contract = ReceiptBond.of(session.l1, session.deployment)
    found = _compared(files, session.deployment.params.l2_chain_id)
    if found["contradiction"] is None:
        raise NoContradiction(f"none of the {found['receipts']} receipts contradicts another of its key")
    first, second = map(signed_receipt, found["contradiction"])
    call = contract.slash_call(first, second, Address(beneficiary or signer.address))
    sent = session.send(signer, call)
    event = load_abi(contract.NAME).events["BondSlashed"]
    (told,) = (event.decode(log) for log in sent.logs if log.topics[0] == event.topic)
    emit(
        {
            "exchange": told["signer"],
            "beneficiary": told["beneficiary"],
            "rewardWei": str(told["reward"]),
            "burnedWei": str(told["burned"]),
            "l1TransactionHash": sent.tx_hash,
            "gasUsed": sent.gas_used,
        }
    )


def _compared(files: tuple[Path, ...], chain_id: int) -> dict[str, Any]:
    """Return how many receipts there are, whose, and the first two that contradict each other."""
    receipts = [values for file in files for values in receipts_in(file)]
    domain = ReceiptDomain(chain_id)
    logs: dict[Address, ReceiptLog] = {}
    contradiction = None
    for values in receipts:
        key = domain.signer(signed_receipt(values))
        log = logs.setdefault(key, ReceiptLog(chain_id, key, keep=len(receipts)))
        try:
            log.check(values)
        except TwoStories as found:
            contradiction = contradiction or found.receipts
    return {"receipts": len(receipts), "exchanges": list(logs), "contradiction": contradiction}
