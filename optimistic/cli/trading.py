"""Looking at the exchange on the chain: markets, positions, margin; closing what nobody else closes."""

from pathlib import Path
from typing import Any

import click

from optimistic.agents.keeper import Keeper
from optimistic.agents.risk_watch import Patient, RiskWatch
from optimistic.cli.cash import outflow_shown
from optimistic.cli.session import KEY_VARIABLE, with_node, with_signer
from optimistic.client.quantities import from_wad
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import ZERO_ADDRESS
from optimistic.service.clock import SystemClock
from optimistic.service.l1_client import L1Client
from optimistic.service.market_opening import Opening, seal_call
from optimistic.service.one_shot import OneShotSender
from optimistic.service.options import FlatEnvCommand, FlatEnvGroup, key_file, option
from optimistic.service.outflow import Outflows
from optimistic.service.settlement_contracts import (
    Asset,
    Ledger,
    Liquidator,
    MarginLine,
    Markets,
    MarketView,
    StandardMargin,
)
from optimistic.service.signer import Signer, read_key
from optimistic.service.terminal import emit

NUMBER = click.IntRange(1)
subaccount_argument = click.argument("subaccount", type=NUMBER)
market_argument = click.argument("market", type=NUMBER)


class UnknownAccount(InvalidInput):
    """Nobody has opened this subaccount."""


@click.group(cls=FlatEnvGroup)
def market() -> None:
    """What can be traded, as the chain has it; and the opening of a new exchange."""


@market.command("list", cls=FlatEnvCommand)
@with_node
def list_markets(node: L1Client) -> None:
    """List markets with tick, lot, fees, margins and prices."""
    emit({"markets": [_market(found) for found in Markets.of(node).all("latest")]})


def _market(found: MarketView) -> dict[str, Any]:
    return {
        "market": found.number,
        "kind": found.terms.kind.name.lower(),
        "status": found.status.name.lower(),
        "feed": found.terms.feed,
        "expiry": found.terms.expiry,
        "tick": str(from_wad(found.terms.tick_wad)),
        "lot": str(from_wad(found.terms.lot_wad)),
        "index": str(from_wad(found.index_price_wad)),
        "mark": str(from_wad(found.mark_wad)),
        "pricedAt": found.priced_at,
        "initialMarginPips": found.limits.initial_pips,
        "maintenancePips": found.limits.maintenance_pips,
        "takerFeePips": found.limits.taker_fee_pips,
        "makerFeePips": found.limits.maker_fee_pips,
    }


@market.command("open", cls=FlatEnvCommand)
@with_node
@with_signer
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--seal", is_flag=True, help="End the set-up: from then on changes wait, and deposits are taken.")
def open_markets(node: L1Client, signer: Signer, file: Path, seal: bool) -> None:
    """Set feeds, markets and collateral up as FILE says; for the owner of settlement, on a new chain."""
    calls = Opening.load(file).calls()
    sender = OneShotSender(node, signer)
    for call in [*calls, *([seal_call()] if seal else [])]:
        sender.send(call)
    emit({"calls": len(calls), "isSealed": seal})


@click.group(cls=FlatEnvGroup)
def position() -> None:
    """Positions of a subaccount on the chain, and the forced close of one."""


@position.command("list", cls=FlatEnvCommand)
@with_node
@subaccount_argument
def list_positions(node: L1Client, subaccount: int) -> None:
    """List the positions of SUBACCOUNT."""
    owner, cash_wad = _owner_and_cash(node, subaccount)
    _, lines = StandardMargin.of(node).explain(SubaccountId(subaccount), "latest")
    emit({"owner": owner, "cash": str(from_wad(cash_wad)), "positions": [_line(line) for line in lines]})


@position.command("request-close", cls=FlatEnvCommand)
@with_node
@with_signer
@subaccount_argument
@market_argument
def request_close(node: L1Client, signer: Signer, subaccount: int, market: int) -> None:
    """Ask to have the position of SUBACCOUNT in MARKET closed; later anybody may carry it out."""
    call = Liquidator.of(node).request_close_call(SubaccountId(subaccount), MarketId(market))
    receipt = OneShotSender(node, signer).send(call)
    _, executable_at = Liquidator.of(node).read("closeRequest", subaccount, market, at=receipt.block_number)
    emit({"executableAt": executable_at, "transactionHash": receipt.tx_hash})


@position.command("force-close", cls=FlatEnvCommand)
@with_node
@with_signer
@subaccount_argument
@market_argument
def force_close(node: L1Client, signer: Signer, subaccount: int, market: int) -> None:
    """Carry out a close that was requested and has waited long enough."""
    call = Liquidator.of(node).force_close_call(SubaccountId(subaccount), MarketId(market))
    receipt = OneShotSender(node, signer).send(call)
    legs = Ledger.of(node).legs(SubaccountId(subaccount), receipt.block_number)
    left = legs.get(MarketId(market), 0)
    emit({"sizeLeft": str(from_wad(left)), "transactionHash": receipt.tx_hash})


@click.group(cls=FlatEnvGroup)
def margin() -> None:
    """Why the margin of a subaccount is what it is, and who is nearest to liquidation."""


@margin.command("explain", cls=FlatEnvCommand)
@with_node
@subaccount_argument
def explain(node: L1Client, subaccount: int) -> None:
    """Explain the margin of SUBACCOUNT line by line, and what may leave it."""
    id_ = SubaccountId(subaccount)
    owner, cash_wad = _owner_and_cash(node, subaccount)
    found, lines = StandardMargin.of(node).explain(id_, "latest")
    outflows, now_s = Outflows(node), SystemClock().time_s()
    worst = max(lines, key=lambda line: line.maintenance_wad, default=None)
    emit(
        {
            "owner": owner,
            "cash": str(from_wad(cash_wad)),
            "equity": str(from_wad(found.equity_wad)),
            "initialEquity": str(from_wad(found.initial_equity_wad)),
            "initialMargin": str(from_wad(found.initial_wad)),
            "maintenanceMargin": str(from_wad(found.maintenance_wad)),
            "free": str(from_wad(found.initial_equity_wad - found.initial_wad)),
            "withdrawable": {
                asset.name.lower(): outflow_shown(outflows.of(id_, asset, now_s)) for asset in Asset
            },
            "isBelowMaintenance": found.equity_wad < found.maintenance_wad,
            "worstMarket": None if worst is None else worst.market,
            "lines": [_line(line) for line in lines],
        }
    )


@margin.command("list", cls=FlatEnvCommand)
@with_node
@option("--limit", type=NUMBER, default=20, help="Most subaccounts to list.")
def list_margins(node: L1Client, limit: int) -> None:
    """List subaccounts with positions or debt by their distance to liquidation, the nearest first."""
    found = RiskWatch(node).patients()
    shown = [
        {"subaccount": patient.id, "isBelowMaintenance": patient.is_below, **_health(patient)}
        for patient in found[:limit]
    ]
    emit({"watched": len(found), "subaccounts": shown})


def _health(patient: Patient) -> dict[str, Any]:
    return {
        "healthPips": patient.health_pips,
        "equity": str(from_wad(patient.equity_wad)),
        "maintenanceMargin": str(from_wad(patient.maintenance_wad)),
    }


def _owner_and_cash(node: L1Client, subaccount: int) -> tuple[bytes, int]:
    owner, cash_wad = Ledger.of(node).owner_and_cash(SubaccountId(subaccount), "latest")
    if owner == ZERO_ADDRESS:
        raise UnknownAccount(f"there is no subaccount {subaccount}: a first deposit opens one")
    return owner, cash_wad


def _line(line: MarginLine) -> dict[str, Any]:
    return {
        "market": line.market,
        "size": str(from_wad(line.size_wad)),
        "notional": str(from_wad(line.notional_wad)),
        "initialMargin": str(from_wad(line.initial_wad)),
        "maintenanceMargin": str(from_wad(line.maintenance_wad)),
        "unsettledProfit": str(from_wad(line.unsettled_wad)),
    }


@click.command(cls=FlatEnvCommand)
@with_node
@key_file
@subaccount_argument
@option(
    "--reward-to",
    type=NUMBER,
    required=True,
    help="Own subaccount: takes the position over, gets the reward.",
)
def liquidate(node: L1Client, key_file: Any, subaccount: int, reward_to: int) -> None:
    """Do the next thing about SUBACCOUNT below its maintenance margin: flag, close a part, resolve."""
    keeper = Keeper(node, read_key(key_file, KEY_VARIABLE), SubaccountId(reward_to), SystemClock())
    found = [patient for patient in keeper.patients() if patient.id == subaccount]
    if not found:
        raise UnknownAccount(f"subaccount {subaccount} has no position and no debt")
    (patient,) = found
    emit({"did": keeper.treat(patient), **_health(patient)})
