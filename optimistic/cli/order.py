"""`optimistic order`: place, amend, cancel and list orders through the exchange's API."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from optimistic.cli.session import KEY_VARIABLE
from optimistic.client.errors import Refused
from optimistic.client.keys import TradingKey
from optimistic.client.orders import Market, OrderSigner, Slices, Terms, Trigger
from optimistic.client.quantities import Rounding
from optimistic.client.receipts import ReceiptLog
from optimistic.client.rest import RestClient
from optimistic.protocol.errors import InvalidInput
from optimistic.service.options import (
    DURATION_MS,
    URL,
    FlatEnvCommand,
    FlatEnvGroup,
    compose,
    json_output,
    key_file,
    option,
)
from optimistic.service.signer import read_key
from optimistic.service.terminal import emit, reports_errors

api_url = option("--api-url", type=URL, required=True, help="Address of the exchange's API.")
receipts_file = option(
    "--receipts",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Keep receipts in this file, and hold each against those before it.",
)
NUMBER = click.IntRange(1)
_SLIDES: Final = 3
"""Prices to try for an order that slides: the book moves meanwhile."""


class NoSuchMarket(InvalidInput):
    """The exchange has no market of this number."""


class OrderIsOver(InvalidInput):
    """An order to amend that rests no longer."""


def with_api(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of a command that trades; it gets a `client` that is logged in, and the `key`."""

    @wraps(function)
    def wrapped(*, api_url: str, key_file: Path | None, as_json: bool, **rest: Any) -> None:
        del as_json  # `emit` reads it
        key = TradingKey(read_key(key_file, KEY_VARIABLE))
        with RestClient(api_url) as client:
            client.login(key)
            function(client=client, key=key, **rest)

    return compose(api_url, key_file, json_output)(reports_errors(wrapped))


@click.group(cls=FlatEnvGroup)
def order() -> None:
    """Orders at the exchange: place, amend, cancel, list; fills and own subaccounts."""


@order.command(cls=FlatEnvCommand)
@with_api
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("size")
@click.argument("price")
@option("--market", type=NUMBER, required=True, help="Number of the market.")
@option("--subaccount", type=NUMBER, default=None, help="Who trades; default: the key's only subaccount.")
@option(
    "--time-in-force",
    type=click.Choice(["gtc", "gtd", "ioc", "fok"]),
    default="gtc",
    help="How long it lives.",
)
@option("--lifetime", type=DURATION_MS, default="24h", help="From now to the signed expiry.")
@option("--post-only", type=click.Choice(["no", "reject", "slide"]), default="no", help="If it would take.")
@option("--reduce-only", is_flag=True, help="Only bring the position nearer to zero.")
@option(
    "--self-trade",
    type=click.Choice(["cancel_newest", "cancel_oldest", "cancel_both", "decrement"]),
    default="cancel_newest",
    help="Which order gives way if it meets another one of the owner.",
)
@option("--display", default=None, help="Contracts that show at a time: an iceberg.")
@option("--stop", default=None, help="Wait until the price is this bad: at or above it to buy.")
@option("--take-profit", default=None, help="Wait until the price is this good: at or below it to buy.")
@option(
    "--watch",
    type=click.Choice(["last", "mark", "index"]),
    default="mark",
    help="The price that --stop and --take-profit wait for.",
)
@option("--twap", type=DURATION_MS, default=None, help="Work it in equal parts over this time.")
@option("--interval", type=DURATION_MS, default="30s", help="From part to part of --twap.")
@option("--client-id", default="", help="Own name for the order, at most 36 bytes.")
@option(
    "--max-fee-pips", type=click.IntRange(0), default=None, help="Most to pay; default: the market's fee."
)
@option(
    "--round", "rounds", is_flag=True, help="Round to tick and lot, towards less risk, instead of failing."
)
@receipts_file
def place(*, client: RestClient, key: TradingKey, side: Any, size: str, price: str, **values: Any) -> None:
    """Place an order to buy or sell SIZE contracts at PRICE."""
    market = client.markets().get(values["market"])
    if market is None:
        raise NoSuchMarket(f"there is no market {values['market']}: see `optimistic market list`")
    _keep_receipts(client, values["receipts"])
    subaccount = values["subaccount"] or only_subaccount(client)
    terms = Terms(
        expiry_s=(client.time_ms() + values["lifetime"]) // 1_000,
        nonce=time.time_ns() // 1_000_000,
        max_fee_pips=values["max_fee_pips"],
        time_in_force=values["time_in_force"],
        post_only=values["post_only"],
        reduce_only=values["reduce_only"],
        client_id=values["client_id"],
        self_trade=values["self_trade"],
        display_lots=0 if values["display"] is None else market.steps.lots(values["display"]),
        trigger=_trigger(market, side, values),
        slices=None if values["twap"] is None else Slices(values["twap"], values["interval"]),
    )
    rounding = Rounding.DOWN if values["rounds"] else Rounding.REFUSE
    signer = OrderSigner(key, client.chain_id, subaccount)
    signed = signer.order(market, side, size, price, terms, rounding)
    (result,) = client.place([signed])
    for _ in range(_SLIDES):
        if result["status"] != "refused" or result["error"].get("reason") != "would_take":
            break
        terms = replace(terms, nonce=terms.nonce + 1)
        signed = signer.order_in_steps(market, side, signed["lots"], result["error"]["ticks"], terms)
        (result,) = client.place([signed])
    if result["status"] == "refused":
        raise Refused(result["error"])
    emit({"subaccount": subaccount, "lots": signed["lots"], "ticks": signed["ticks"], **result})


def _keep_receipts(client: RestClient, file: Path | None) -> None:
    """Have receipts kept, if there is a file for them; the markets are known."""
    if file is not None:
        client.receipts = ReceiptLog(client.chain_id, client.receipt_signer, file=file)


def _trigger(market: Market, side: str, values: dict[str, Any]) -> Trigger | None:
    """Return what the order waits for, if it does."""
    stop, take_profit = values["stop"], values["take_profit"]
    if stop is not None and take_profit is not None:
        raise click.UsageError("an order waits for --stop or for --take-profit")
    price = stop if take_profit is None else take_profit
    if price is None:
        return None
    rises = (side == "buy") == (take_profit is None)
    return Trigger(
        source=values["watch"],
        when="at_or_above" if rises else "at_or_below",
        ticks=market.steps.ticks(price),
    )


def only_subaccount(client: RestClient) -> int:
    """Return the one subaccount of who is logged in."""
    found = client.subaccounts()
    if len(found) != 1:
        raise click.UsageError(f"the key has {len(found)} subaccounts ({found}): name one with --subaccount")
    return found[0]


@order.command(cls=FlatEnvCommand)
@with_api
@click.argument("orders", type=NUMBER, nargs=-1)
@option("--all", "cancels_all", is_flag=True, help="Cancel every order of the key's owner.")
@option("--market", type=NUMBER, default=None, help="With --all: only those of this market.")
@option("--subaccount", type=NUMBER, default=None, help="With --all: only those of this subaccount.")
@option("--side", type=click.Choice(["buy", "sell"]), default=None, help="With --all: only this side.")
@click.pass_context
def cancel(
    context: click.Context,
    /,
    *,
    client: RestClient,
    key: TradingKey,
    orders: tuple[int, ...],
    cancels_all: bool,
    **which: Any,
) -> None:
    """Cancel ORDERS by number, or all; exits with 1 unless all of them were."""
    del key
    named = {name: value for name, value in which.items() if value is not None}
    if cancels_all == bool(orders) or (named and not cancels_all):
        raise click.UsageError("name orders, or give --all")
    results = client.cancel_all(**named) if cancels_all else client.cancel(orders)
    emit({"results": results})
    context.exit(int(any(result["status"] == "refused" for result in results)))


@order.command(cls=FlatEnvCommand)
@with_api
@click.argument("order", type=NUMBER)
@click.argument("size")
@option("--price", default=None, help="Another price; without it, the order's own.")
@option("--client-id", default="", help="Own name of a new order; the old one's is used up.")
@receipts_file
def amend(
    *, client: RestClient, key: TradingKey, order: int, size: str, price: str | None, **values: Any
) -> None:
    """Leave SIZE contracts of ORDER open.

    Fewer at its price keep their place in the queue. For more, or another price, a new order of the same
    terms takes its place in one step.
    """
    old = client.order(order)
    if old["state"] == "over":
        raise OrderIsOver(f"order {order} is over: {old['reason']}")
    market = client.markets()[old["market"]]
    _keep_receipts(client, values["receipts"])
    lots = market.steps.lots(size)
    ticks = int(old["ticks"]) if price is None else market.steps.ticks(price)
    if ticks == old["ticks"] and lots <= old["lotsLeft"]:
        (result,) = client.shrink(order, lots)
    else:
        signer = OrderSigner(key, client.chain_id, old["subaccount"])
        terms = _terms_of(old, lots, values["client_id"])
        (result,) = client.replace(order, signer.order_in_steps(market, old["side"], lots, ticks, terms))
    if result["status"] == "refused":
        raise Refused(result["error"])
    emit({"lots": lots, "ticks": ticks, **result})


def _terms_of(old: dict[str, Any], lots: int, client_id: str) -> Terms:
    """Return the terms of a resting order for one that takes its place."""
    if old["kind"] != "limit":
        raise click.UsageError(f"a {old['kind']} order can be cancelled and placed anew, not replaced")
    return Terms(
        expiry_s=old["expiry"],
        nonce=time.time_ns() // 1_000_000,
        time_in_force=old["timeInForce"],
        post_only="reject" if old["postOnly"] else "no",
        reduce_only=old["reduceOnly"],
        client_id=client_id,
        display_lots=min(old["displayLots"], lots),
    )


@order.command("dead-man", cls=FlatEnvCommand)
@with_api
@click.argument("timeout", type=DURATION_MS)
def dead_man(client: RestClient, key: TradingKey, timeout: int) -> None:
    """Cancel every order of the key's owner after TIMEOUT, unless this comes again before; 0 disarms."""
    del key
    (result,) = client.dead_man(timeout)
    if result["status"] == "refused":
        raise Refused(result["error"])
    emit(result)


@order.command(cls=FlatEnvCommand)
@with_api
@option("--limit", type=click.IntRange(1, 1_000), default=100, help="Most fills to list.")
def fills(client: RestClient, key: TradingKey, limit: int) -> None:
    """List own fills, newest first, with fee and finality."""
    del key
    emit({"fills": client.fills(limit=limit)})


@order.command(cls=FlatEnvCommand)
@with_api
def subaccounts(client: RestClient, key: TradingKey) -> None:
    """List the key's subaccounts; a first deposit opens one."""
    emit({"owner": key.address, "subaccounts": client.subaccounts()})


@order.command("list", cls=FlatEnvCommand)
@with_api
@option("--open", "is_open", is_flag=True, help="Leave out those that are over.")
@option("--limit", type=click.IntRange(1, 1_000), default=100, help="Most orders to list.")
def list_orders(client: RestClient, key: TradingKey, is_open: bool, limit: int) -> None:
    """List own orders: the open ones, and those that are over with the reason."""
    del key
    emit({"orders": client.orders(state="open" if is_open else "all", limit=limit)})
