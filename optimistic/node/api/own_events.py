"""The drop copy: what an owner is told about his own orders, trades and positions."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from msgspec import UNSET

from optimistic.node.api.history import Entry, History
from optimistic.node.api.replies import FillOut, FinalityName, Hex, Out, Side, Wad, hex_of
from optimistic.node.exchange.events import (
    OrderChanged,
    OrderDone,
    OrderOpened,
    OrderTriggered,
    OwnEvent,
    Party,
    TradeBusted,
    Traded,
    TradeSettled,
    TradeUndone,
)
from optimistic.protocol.types import Address


class OpenedOut(Out, frozen=True, kw_only=True, tag_field="event", tag="opened"):
    """An order was taken in."""

    order_id: int
    client_id: str
    subaccount: int
    market: int
    side: Side
    ticks: int
    lots: int
    order_hash: Hex
    kind: str
    """limit, stop or twap"""
    expiry: int


class TriggeredOut(Out, frozen=True, kw_only=True, tag_field="event", tag="triggered"):
    """A stop became an order."""

    order_id: int
    market: int


class ChangedOut(Out, frozen=True, kw_only=True, tag_field="event", tag="changed"):
    """Open lots or place in the queue changed without a trade."""

    order_id: int
    market: int
    ticks: int
    lots: int


class DoneOut(Out, frozen=True, kw_only=True, tag_field="event", tag="done"):
    """An order is over; `reason` says why, `lots` did not trade."""

    order_id: int
    client_id: str
    subaccount: int
    market: int
    reason: str
    lots: int


class FilledOut(Out, frozen=True, kw_only=True, tag_field="event", tag="filled"):
    """The owner's side of a trade; soft until it is settled."""

    trade: int
    market: int
    order_id: int
    client_id: str
    subaccount: int
    side: Side
    role: Literal["maker", "taker"]
    ticks: int
    lots: int
    lots_left: int


class SettledOut(Out, frozen=True, kw_only=True, tag_field="event", tag="settled"):
    """A trade took effect on L2."""

    trade: int
    market: int
    block: int
    transaction_hash: Hex
    fee_wad: Wad
    """Of the owner; of both sides if he was on both."""


class BustedOut(Out, frozen=True, kw_only=True, tag_field="event", tag="busted"):
    """The chain left a trade out; it is as if it had not happened."""

    trade: int
    market: int
    block: int
    reason: str


class UndoneOut(Out, frozen=True, kw_only=True, tag_field="event", tag="undone"):
    """The block in which a trade was settled or busted is gone; the trade is soft, and on its way again."""

    trade: int
    market: int


class MovedOut(Out, frozen=True, kw_only=True, tag_field="event", tag="moved"):
    """A position changed by something other than a trade here: a liquidation, a forced close, a bust."""

    subaccount: int
    market: int
    lots: int
    """After it."""


OwnOut = (
    OpenedOut
    | TriggeredOut
    | ChangedOut
    | DoneOut
    | FilledOut
    | SettledOut
    | BustedOut
    | UndoneOut
    | MovedOut
)


class AccountOut(Out, frozen=True, kw_only=True):
    """What happened to an account; `previous` is the `sequence` of the message before."""

    type: Literal["account"] = "account"
    account: Hex
    sequence: int
    previous: int
    time_ms: int
    events: list[OwnOut]


def own_out(event: OwnEvent, owner: Address) -> Iterator[OwnOut]:
    """Yield what an owner is told about an event: two things if he is on both sides of a trade."""
    if isinstance(event, Traded):
        yield from _filled(event, owner)
    elif isinstance(event, TradeSettled):
        yield _settled(event, owner)
    elif isinstance(event, TradeBusted):
        yield BustedOut(trade=event.trade_id, market=event.market, block=event.block, reason=event.reason)
    elif isinstance(event, TradeUndone):
        yield UndoneOut(trade=event.trade_id, market=event.market)
    elif isinstance(event, OrderOpened):
        yield _opened(event)
    elif isinstance(event, OrderDone):
        yield _done(event)
    elif isinstance(event, OrderChanged):
        yield ChangedOut(order_id=event.order_id, market=event.market, ticks=event.ticks, lots=event.lots)
    elif isinstance(event, OrderTriggered):
        yield TriggeredOut(order_id=event.order_id, market=event.market)
    else:
        yield MovedOut(subaccount=event.subaccount, market=event.market, lots=event.lots)


def _opened(event: OrderOpened) -> OpenedOut:
    return OpenedOut(
        order_id=event.order_id,
        client_id=event.client_id.decode(errors="replace"),
        subaccount=event.subaccount,
        market=event.market,
        side="buy" if event.is_buy else "sell",
        ticks=event.ticks,
        lots=event.lots,
        order_hash=hex_of(event.order_hash),
        kind=event.kind,
        expiry=event.expiry,
    )


def _done(event: OrderDone) -> DoneOut:
    return DoneOut(
        order_id=event.order_id,
        client_id=event.client_id.decode(errors="replace"),
        subaccount=event.subaccount,
        market=event.market,
        reason=str(event.reason),
        lots=event.lots,
    )


def _sides(trade: Traded, owner: Address) -> Iterator[tuple[Party, Literal["maker", "taker"], Side]]:
    """Yield the owner's parties of a trade with their role and side."""
    if trade.maker.owner == owner:
        yield trade.maker, "maker", "sell" if trade.taker_is_buy else "buy"
    if trade.taker.owner == owner:
        yield trade.taker, "taker", "buy" if trade.taker_is_buy else "sell"


def _filled(trade: Traded, owner: Address) -> Iterator[FilledOut]:
    for party, role, side in _sides(trade, owner):
        yield FilledOut(
            trade=trade.trade_id,
            market=trade.market,
            order_id=party.order_id,
            client_id=party.client_id.decode(errors="replace"),
            subaccount=party.subaccount,
            side=side,
            role=role,
            ticks=trade.ticks,
            lots=trade.lots,
            lots_left=party.lots_left,
        )


def _settled(event: TradeSettled, owner: Address) -> SettledOut:
    return SettledOut(
        trade=event.trade_id,
        market=event.market,
        block=event.block,
        transaction_hash=hex_of(event.tx_hash),
        fee_wad=str(_fee_wad(event, owner)),
    )


def _fee_wad(event: TradeSettled, owner: Address) -> int:
    maker = event.maker_fee_wad if event.maker == owner else 0
    return maker + (event.taker_fee_wad if event.taker == owner else 0)


def account_message(
    owner: Address, entries: Iterable[OwnEvent], *, sequence: int, previous: int, ts_ms: int
) -> AccountOut:
    """Return the message of one group of an owner's events."""
    events = [out for event in entries for out in own_out(event, owner)]
    return AccountOut(
        account=hex_of(owner), sequence=sequence, previous=previous, time_ms=ts_ms, events=events
    )


def fills(history: History, owner: Address, entries: Iterable[Entry]) -> Iterator[FillOut]:
    """Yield the fills among an owner's events, with what became of them on the chain."""
    for entry in entries:
        if not isinstance(entry.event, Traded):
            continue
        for filled in _filled(entry.event, owner):
            yield _fill(history, owner, entry, filled)


def _fill(history: History, owner: Address, entry: Entry, filled: FilledOut) -> FillOut:
    outcome = history.outcome(filled.trade)
    finality: FinalityName = "soft"
    if isinstance(outcome, TradeBusted):
        finality = "busted"
    elif outcome is not None:
        finality = history.finality(outcome.block).value
    return FillOut(
        **msgspec.structs.asdict(filled),
        time_ms=entry.ts_ms,
        sequence=entry.sequence,
        finality=finality,
        block=UNSET if outcome is None else outcome.block,
        fee_wad=str(_fee_wad(outcome, owner)) if isinstance(outcome, TradeSettled) else UNSET,
        bust=outcome.reason if isinstance(outcome, TradeBusted) else UNSET,
    )
