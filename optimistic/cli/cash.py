"""`optimistic cash`: the token in through the L1 gateway, and out of a subaccount again."""

from typing import Any

import click

from optimistic.cli.session import Session, with_node, with_session, with_signer
from optimistic.client.quantities import from_wad, to_wad
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.types import SubaccountId
from optimistic.protocol.types import Address
from optimistic.service.clock import SystemClock
from optimistic.service.contract import load_abi
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import Call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.options import ADDRESS, FlatEnvCommand, FlatEnvGroup, option
from optimistic.service.outflow import Outflow, Outflows
from optimistic.service.settlement_contracts import Asset, Collateral
from optimistic.service.settlement_section import DEV_CASH, Settlement
from optimistic.service.signer import Signer
from optimistic.service.terminal import emit

_APPROVE = keccak256(b"approve(address,uint256)")[:4]
NUMBER = click.IntRange(1)


class NoCash(InvalidInput):
    """The rollup has no cash token, or the amount is finer than its units."""


@click.group(cls=FlatEnvGroup)
def cash() -> None:
    """The cash token of the exchange: deposit, withdraw, release; on a devnet also mint."""


@cash.command(cls=FlatEnvCommand)
@with_session
@with_signer
@click.argument("amount")
def mint(session: Session, signer: Signer, amount: str) -> None:
    """Make AMOUNT (12.5) of a devnet's worthless token on L1, for the key's account."""
    settlement = _settlement(session)
    units = _units(amount, 10 ** (18 - settlement.token_decimals))
    data = load_abi(DEV_CASH).functions["mint"].encode(("0x" + signer.address.hex(), units))
    try:
        receipt = session.send(signer, Call(to=settlement.token, data=data))
    except ContractReverted as error:
        raise NoCash("the cash token cannot be minted: it is not the worthless one of a devnet") from error
    emit({"units": units, "l1TransactionHash": receipt.tx_hash})


@cash.command(cls=FlatEnvCommand)
@with_session
@with_signer
@click.argument("amount")
@option("--subaccount", type=click.IntRange(0), default=0, help="Own subaccount; 0 opens one.")
def deposit(session: Session, signer: Signer, amount: str, subaccount: int) -> None:
    """Lock AMOUNT (12.5) of the token on L1; it becomes cash of a subaccount on L2."""
    settlement = _settlement(session)
    units = _units(amount, 10 ** (18 - settlement.token_decimals))
    gateway = load_abi("TokenGateway")
    approve = Call(
        to=settlement.token, data=_APPROVE + bytes(12) + settlement.gateway + units.to_bytes(32, "big")
    )
    session.send(signer, approve)
    data = gateway.functions["deposit"].encode((subaccount, units))
    receipt = session.send(signer, Call(to=settlement.gateway, data=data))
    (event,) = (
        gateway.events["TokenDeposited"].decode(log)
        for log in receipt.logs
        if log.address == settlement.gateway and log.topics[0] == gateway.events["TokenDeposited"].topic
    )
    emit(
        {
            "units": units,
            "depositIndex": event["depositIndex"],
            "l1TransactionHash": receipt.tx_hash,
            "gasUsed": receipt.gas_used,
        }
    )


@cash.command(cls=FlatEnvCommand)
@with_node
@with_signer
@click.argument("amount")
@option("--subaccount", type=NUMBER, required=True, help="Own subaccount.")
@option("--to", type=ADDRESS, default=None, help="Receiver on L1; default: the sender.")
@option("--ether", is_flag=True, help="Withdraw ether held as collateral instead of cash.")
def withdraw(
    *, node: L1Client, signer: Signer, amount: str, subaccount: int, to: bytes | None, ether: bool
) -> None:
    """Ask for AMOUNT of a subaccount to go to L1; `optimistic cash release` sends it when it is ready."""
    collateral = Collateral.of(node)
    units = to_wad(amount) if ether else _units(amount, collateral.token_unit_wad("latest"))
    call = collateral.request_withdrawal_call(
        SubaccountId(subaccount),
        Asset.ETHER if ether else Asset.CASH,
        units,
        Address(to or signer.address),
    )
    receipt = OneShotSender(node, signer).send(call)
    event = load_abi("Collateral").events["WithdrawalRequested"]
    (number,) = (int.from_bytes(log.topics[1], "big") for log in receipt.logs if log.topics[0] == event.topic)
    (waiting,) = collateral.read("withdrawal", number, at=receipt.block_number)
    emit({"withdrawal": number, "readyAt": waiting[4], "transactionHash": receipt.tx_hash})


@cash.command(cls=FlatEnvCommand)
@with_node
@click.argument("subaccount", type=NUMBER)
@click.argument("amount", required=False)
@option("--ether", is_flag=True, help="Of ether held as collateral instead of cash.")
def limits(node: L1Client, subaccount: int, amount: str | None, *, ether: bool) -> None:
    """Tell how much of SUBACCOUNT may leave now, how much at once, why no more, and when AMOUNT could."""
    found = Outflows(node).of(
        SubaccountId(subaccount), Asset.ETHER if ether else Asset.CASH, SystemClock().time_s()
    )
    asked = found.most if amount is None else to_wad(amount) if ether else _units(amount, found.unit_wad)
    emit(outflow_shown(found) | {"amount": _shown(found, asked), "readyAt": found.ready_at(asked)})


def outflow_shown(outflow: Outflow) -> dict[str, Any]:
    """Return what may leave a subaccount as people write it."""
    return {
        "most": _shown(outflow, outflow.most),
        "atOnce": _shown(outflow, outflow.at_once),
        "reason": outflow.reason,
    }


def _shown(outflow: Outflow, amount: int) -> str:
    return str(from_wad(amount * outflow.unit_wad))


@cash.command(cls=FlatEnvCommand)
@with_node
@with_signer
@click.argument("withdrawal", type=click.IntRange(0))
def release(node: L1Client, signer: Signer, withdrawal: int) -> None:
    """Send WITHDRAWAL to L1 now that it is ready; finish it with `optimistic withdraw finalize`."""
    receipt = OneShotSender(node, signer).send(Collateral.of(node).release_call(withdrawal))
    event = load_abi("Collateral").events["WithdrawalReleased"]
    keys = [event.decode(log)["messageKey"] for log in receipt.logs if log.topics[0] == event.topic]
    emit({"key": keys[0], "transactionHash": receipt.tx_hash, "l2Block": receipt.block_number})


def _settlement(session: Session) -> Settlement:
    if not session.deployment.settlement.has_token:
        raise NoCash("this rollup has no cash token: deploy it with --token")
    return session.deployment.settlement


def _units(amount: str, unit_wad: int) -> int:
    """Return an amount in units of the token."""
    if not unit_wad:
        raise NoCash("this rollup has no cash token")
    wad = to_wad(amount)
    if wad % unit_wad or wad <= 0:
        raise NoCash(f"{amount} is no positive multiple of {from_wad(unit_wad)}, one unit of the token")
    return wad // unit_wad
