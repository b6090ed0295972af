"""The REST side: a table of routes, from which requests are served and the OpenAPI document is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from optimistic.node.api.bond import ExchangeOut
from optimistic.node.api.history import Entry
from optimistic.node.api.office import WEIGHT_LOGIN, Caller, Office
from optimistic.node.api.queries import Queries
from optimistic.node.api.replies import (
    BookOut,
    ChallengeOut,
    DepositsOut,
    FillsOut,
    MarginOut,
    MarketOut,
    MarketsOut,
    OrderOut,
    OrdersOut,
    PositionsOut,
    ResultsOut,
    SessionOut,
    StatusOut,
    SubaccountsOut,
    TimeOut,
    TradesOut,
    WithdrawableOut,
    WithdrawalsOut,
    hex_of,
)
from optimistic.node.api.sessions import Rights
from optimistic.node.api.wire import (
    AmendsIn,
    CancelAllIn,
    CancelIn,
    DeadManIn,
    LoginIn,
    Natural,
    Number32,
    Number64,
    PlaceIn,
    Wire,
)
from optimistic.service.settlement_contracts import Asset

Page = Annotated[int, Meta(ge=1, le=1_000)]


class Nothing(Wire, frozen=True, kw_only=True):
    """No parameters."""


class BookQuery(Wire, frozen=True, kw_only=True):
    """Which part of a book."""

    market: Number32
    depth: Page = 50


class TradesQuery(Wire, frozen=True, kw_only=True):
    """Which trades."""

    market: Number32
    limit: Page = 100


class MarketQuery(Wire, frozen=True, kw_only=True):
    """Which market."""

    market: Number32


class OrdersQuery(Wire, frozen=True, kw_only=True):
    """Which orders of the caller."""

    state: Literal["open", "all"] = "all"
    market: Number32 | None = None
    limit: Page = 100


class OrderQuery(Wire, frozen=True, kw_only=True):
    """Which order of the caller."""

    order_id: Number64


class FillsQuery(Wire, frozen=True, kw_only=True):
    """Which fills of the caller: those before a sequence number, for the next page."""

    market: Number32 | None = None
    before: Number64 | None = None
    limit: Page = 100


class SubaccountQuery(Wire, frozen=True, kw_only=True):
    """Which subaccount of the caller."""

    subaccount: Number64
    limit: Page = 100


class WithdrawableQuery(Wire, frozen=True, kw_only=True):
    """Which subaccount of the caller, what of it, and optionally how much: token units, or wei."""

    subaccount: Number64
    asset: Literal["cash", "ether"] = "cash"
    amount: Natural | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    office: Office
    queries: Queries
    caller: Caller
    query: Any
    body: Any
    on_thread: Callable[..., Awaitable[Any]]
    """Runs a read on a worker thread."""

    def rights(self) -> Rights:
        """Return what the caller may see; raises ApiError if he has not logged in."""
        return self.office.rights(self.caller)


Handler = Callable[[Asked], Awaitable[msgspec.Struct]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path and method."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    handler: Handler
    reply: type[msgspec.Struct]
    query: type[Wire] = Nothing
    """Path and query parameters; those in the path are named there."""
    body: type[Wire] | None = None
    needs_login: bool = False
    weight: int = 1
    """Charged before the handler runs; 0: the handler charges by what is in the body."""


# ---------------------------------------------------------------------------------- public


async def _time(asked: Asked) -> TimeOut:
    return TimeOut(time_ms=asked.office.now_ms())


async def _markets(asked: Asked) -> msgspec.Struct:
    found: MarketsOut = await asked.on_thread(asked.queries.markets)
    return found


async def _market(asked: Asked) -> msgspec.Struct:
    found: MarketOut = await asked.on_thread(asked.queries.market, asked.query.market)
    return found


async def _book(asked: Asked) -> BookOut:
    return asked.office.hub.book(asked.query.market, asked.query.depth)


async def _trades(asked: Asked) -> TradesOut:
    market, hub = asked.query.market, asked.office.hub
    trades = hub.trades(market, asked.query.limit)
    sequence = hub.sequence(f"trades:{market}")
    return TradesOut(market=market, sequence=sequence, previous=sequence, trades=trades)


async def _status(asked: Asked) -> msgspec.Struct:
    found: StatusOut = await asked.on_thread(asked.queries.status)
    return found


async def _exchange(asked: Asked) -> msgspec.Struct:
    found: ExchangeOut = await asked.on_thread(asked.queries.exchange)
    return found


async def _challenge(asked: Asked) -> ChallengeOut:
    challenge, expires_s = asked.office.sessions.challenge()
    return ChallengeOut(challenge=hex_of(challenge), expires_at=expires_s, chain_id=asked.office.chain_id)


async def _login(asked: Asked) -> SessionOut:
    session = await asked.office.login(asked.caller, asked.body)
    return SessionOut(account=hex_of(session.account), token=session.token, expires_at=session.expires_s)


# ---------------------------------------------------------------------------------- orders


async def _place(asked: Asked) -> ResultsOut:
    return ResultsOut(results=await asked.office.place(asked.caller, asked.body))


async def _amend(asked: Asked) -> ResultsOut:
    return ResultsOut(results=await asked.office.amend(asked.caller, asked.body))


async def _cancel(asked: Asked) -> ResultsOut:
    return ResultsOut(results=await asked.office.cancel(asked.caller, asked.body))


async def _cancel_all(asked: Asked) -> ResultsOut:
    return ResultsOut(results=await asked.office.cancel_all(asked.caller, asked.body))


async def _dead_man(asked: Asked) -> ResultsOut:
    return ResultsOut(results=await asked.office.dead_man(asked.caller, asked.body))


def _entries(asked: Asked, before: int | None = None) -> list[Entry]:
    """Return the caller's newest events; on the event loop, which adds to them."""
    office = asked.office
    return office.hub.history.newest(asked.rights().owner, office.limits.max_scan, before)


async def _orders(asked: Asked) -> OrdersOut:
    rights, query = asked.rights(), asked.query
    entries = [] if query.state == "open" else _entries(asked)
    orders = await asked.on_thread(asked.queries.orders, rights, entries, query.market, query.limit)
    return OrdersOut(orders=orders)


async def _order(asked: Asked) -> msgspec.Struct:
    rights, entries = asked.rights(), _entries(asked)
    found: OrderOut = await asked.on_thread(asked.queries.order, rights, entries, asked.query.order_id)
    return found


async def _fills(asked: Asked) -> FillsOut:
    rights, query = asked.rights(), asked.query
    entries = _entries(asked, query.before)
    fills = await asked.on_thread(asked.queries.fills, rights, entries, query.market, query.limit)
    return FillsOut(fills=fills)


# ---------------------------------------------------------------------------------- subaccounts


async def _subaccounts(asked: Asked) -> SubaccountsOut:
    rights = asked.rights()
    found = await asked.on_thread(asked.queries.subaccounts, rights)
    return SubaccountsOut(account=hex_of(rights.owner), subaccounts=found)


async def _positions(asked: Asked) -> PositionsOut:
    rights, subaccount = asked.rights(), asked.query.subaccount
    positions = await asked.on_thread(asked.queries.positions, rights, subaccount)
    return PositionsOut(subaccount=subaccount, positions=positions)


async def _margin(asked: Asked) -> msgspec.Struct:
    rights = asked.rights()
    found: MarginOut = await asked.on_thread(asked.queries.margin, rights, asked.query.subaccount)
    return found


async def _deposits(asked: Asked) -> DepositsOut:
    rights, query = asked.rights(), asked.query
    found = await asked.on_thread(asked.queries.deposits, rights, query.subaccount, query.limit)
    return DepositsOut(deposits=found)


async def _withdrawals(asked: Asked) -> WithdrawalsOut:
    rights, query = asked.rights(), asked.query
    found = await asked.on_thread(asked.queries.withdrawals, rights, query.subaccount, query.limit)
    return WithdrawalsOut(withdrawals=found)


async def _withdrawable(asked: Asked) -> msgspec.Struct:
    rights, query = asked.rights(), asked.query
    asset = Asset[query.asset.upper()]
    found: WithdrawableOut = await asked.on_thread(
        asked.queries.withdrawable, rights, query.subaccount, asset, query.amount
    )
    return found


PUBLIC: Final = (
    Route(method="GET", path="/v1/time", summary="The exchange's clock", handler=_time, reply=TimeOut),
    Route(
        method="GET",
        path="/v1/markets",
        summary="All markets: tick, lot, quantum, limits, fees, prices",
        handler=_markets,
        reply=MarketsOut,
        weight=2,
    ),
    Route(
        method="GET",
        path="/v1/markets/{market}",
        summary="One market",
        handler=_market,
        reply=MarketOut,
        query=MarketQuery,
    ),
    Route(
        method="GET",
        path="/v1/markets/{market}/book",
        summary="A book's best levels with sequence and checksum",
        handler=_book,
        reply=BookOut,
        query=BookQuery,
        weight=5,
    ),
    Route(
        method="GET",
        path="/v1/markets/{market}/trades",
        summary="The newest trades, newest first",
        handler=_trades,
        reply=TradesOut,
        query=TradesQuery,
        weight=5,
    ),
    Route(
        method="GET",
        path="/v1/status",
        summary="Heads, load, and what is closed, why and until when",
        handler=_status,
        reply=StatusOut,
        weight=2,
    ),
    Route(
        method="GET",
        path="/v1/exchange",
        summary="Who signs receipts, and what it has at stake on L1",
        handler=_exchange,
        reply=ExchangeOut,
        weight=2,
    ),
    Route(
        method="POST",
        path="/v1/sessions/challenge",
        summary="Something to sign for a login",
        handler=_challenge,
        reply=ChallengeOut,
        weight=WEIGHT_LOGIN,
    ),
    Route(
        method="POST",
        path="/v1/sessions",
        summary="Log in with a signed challenge",
        handler=_login,
        reply=SessionOut,
        body=LoginIn,
        weight=0,
    ),
)

ORDERS: Final = (
    Route(
        method="POST",
        path="/v1/orders",
        summary="Place signed orders and quote trees, at most 100 in one message",
        handler=_place,
        reply=ResultsOut,
        body=PlaceIn,
        weight=0,
    ),
    Route(
        method="POST",
        path="/v1/orders/amend",
        summary="Fewer lots for orders, or other orders for them",
        handler=_amend,
        reply=ResultsOut,
        body=AmendsIn,
        needs_login=True,
        weight=0,
    ),
    Route(
        method="POST",
        path="/v1/orders/cancel",
        summary="Cancel orders",
        handler=_cancel,
        reply=ResultsOut,
        body=CancelIn,
        needs_login=True,
        weight=0,
    ),
    Route(
        method="POST",
        path="/v1/orders/cancel-all",
        summary="Cancel all orders, or those of a subaccount, market or side",
        handler=_cancel_all,
        reply=ResultsOut,
        body=CancelAllIn,
        needs_login=True,
        weight=0,
    ),
    Route(
        method="POST",
        path="/v1/orders/dead-man",
        summary="Cancel everything unless this comes again in time",
        handler=_dead_man,
        reply=ResultsOut,
        body=DeadManIn,
        needs_login=True,
        weight=0,
    ),
    Route(
        method="GET",
        path="/v1/orders",
        summary="Own orders: open, and over with the reason",
        handler=_orders,
        reply=OrdersOut,
        query=OrdersQuery,
        needs_login=True,
        weight=10,
    ),
    Route(
        method="GET",
        path="/v1/orders/{orderId}",
        summary="One own order",
        handler=_order,
        reply=OrderOut,
        query=OrderQuery,
        needs_login=True,
        weight=2,
    ),
    Route(
        method="GET",
        path="/v1/fills",
        summary="Own fills and how final they are",
        handler=_fills,
        reply=FillsOut,
        query=FillsQuery,
        needs_login=True,
        weight=10,
    ),
)

SUBACCOUNTS: Final = (
    Route(
        method="GET",
        path="/v1/subaccounts",
        summary="Own subaccounts",
        handler=_subaccounts,
        reply=SubaccountsOut,
        needs_login=True,
    ),
    Route(
        method="GET",
        path="/v1/subaccounts/{subaccount}/positions",
        summary="Positions",
        handler=_positions,
        reply=PositionsOut,
        query=SubaccountQuery,
        needs_login=True,
        weight=5,
    ),
    Route(
        method="GET",
        path="/v1/subaccounts/{subaccount}/margin",
        summary="Why the margin is what it is, line by line",
        handler=_margin,
        reply=MarginOut,
        query=SubaccountQuery,
        needs_login=True,
        weight=5,
    ),
    Route(
        method="GET",
        path="/v1/subaccounts/{subaccount}/deposits",
        summary="Deposits and how final they are",
        handler=_deposits,
        reply=DepositsOut,
        query=SubaccountQuery,
        needs_login=True,
        weight=10,
    ),
    Route(
        method="GET",
        path="/v1/subaccounts/{subaccount}/withdrawals",
        summary="Withdrawals and where they are",
        handler=_withdrawals,
        reply=WithdrawalsOut,
        query=SubaccountQuery,
        needs_login=True,
        weight=10,
    ),
    Route(
        method="GET",
        path="/v1/subaccounts/{subaccount}/withdrawable",
        summary="What may leave now, how much of it at once, why no more, and when an amount could",
        handler=_withdrawable,
        reply=WithdrawableOut,
        query=WithdrawableQuery,
        needs_login=True,
        weight=5,
    ),
)

ROUTES: Final = (*PUBLIC, *ORDERS, *SUBACCOUNTS)
