"""Puts trades into the batch that Clearing settles: as many as fit one transaction."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from optimistic.node.exchange.commands import Place, PlaceQuotes
from optimistic.node.exchange.live import LiveOrder, Message, Trade
from optimistic.node.exchange.options import SettlementOptions
from optimistic.node.exchange.signed_messages import order_of, quotes_of, tree_of
from optimistic.protocol.settlement.batch_codec import Batch, Fill, SignedOrder, SignedQuotes, encode
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Hash32

_MAX_TABLE = 255
"""Entries of a table of a batch."""
_ORDER_BYTES = 96
_FILL_BYTES = 10
_LEAF_BYTES = 14
_HASH_BYTES = 33


class Draft(NamedTuple):
    """Trades that fit, and their batch."""

    trades: list[Trade]
    payload: bytes
    gas: int
    """Estimate."""


class _Load:
    """What the trades chosen so far ask of a transaction."""

    def __init__(self, state: State, options: SettlementOptions) -> None:
        self._state = state
        self._options = options
        self.trades: list[Trade] = []
        self.orders: dict[int, LiveOrder] = {}
        self.quotes: dict[Hash32, Message] = {}
        self.subaccounts: dict[int, None] = {}
        self.markets: dict[int, None] = {}
        self.gas = options.gas_base
        self.size = 64

    def take(self, trade: Trade) -> bool:
        """Add a trade if it fits; the first one always does."""
        fresh = [order for order in (trade.maker, trade.taker) if order.id not in self.orders]
        quotes = {order.message.digest: order.message for order in fresh if order.leaf >= 0}
        subaccounts = {order.subaccount: None for order in (trade.maker, trade.taker)}
        new_accounts = [id_ for id_ in subaccounts if id_ not in self.subaccounts]
        markets = {trade.market: None}
        n_positions = 0
        for id_ in new_accounts:
            account = self._state.subaccounts.get(SubaccountId(id_))
            others = () if account is None else account.legs.keys() - {trade.market}
            n_positions += len(others)
            markets.update(dict.fromkeys(others))
        options = self._options
        gas = self.gas + options.gas_per_trade
        gas += sum(options.gas_per_order if order.leaf < 0 else options.gas_per_leaf for order in fresh)
        gas += len(new_accounts) * options.gas_per_subaccount + n_positions * options.gas_per_position
        new_quotes = [message for digest, message in quotes.items() if digest not in self.quotes]
        size = self.size + _FILL_BYTES + sum(_entry_bytes(order) for order in fresh)
        size += len(new_quotes) * _ORDER_BYTES
        fits = (
            gas <= options.max_estimate_gas
            and size <= options.max_bytes
            and len(self.subaccounts) + len(new_accounts) <= _MAX_TABLE
            and len({**self.markets, **markets}) <= _MAX_TABLE
            and len(self.quotes) + len(new_quotes) <= _MAX_TABLE
        )
        if self.trades and not fits:
            return False
        self.trades.append(trade)
        self.orders.update((order.id, order) for order in fresh)
        self.quotes.update(quotes)
        self.subaccounts.update(subaccounts)
        self.markets.update(markets)
        self.gas, self.size = gas, size
        return True


def _entry_bytes(order: LiveOrder) -> int:
    if order.leaf < 0:
        return _ORDER_BYTES
    command = order.message.command
    depth = len(command.leaves).bit_length() if isinstance(command, PlaceQuotes) else 0
    return _LEAF_BYTES + depth * (_HASH_BYTES + 1)


def draft(trades: Iterable[Trade], state: State, options: SettlementOptions, limit: int) -> Draft:
    """Choose the first of `trades` that fit one transaction, at most `limit`, and encode them.

    Parameters
    ----------
    trades : in the order of their match; at least one
    state : tells which other markets the traders hold
    """
    load = _Load(state, options)
    for trade in trades:
        if len(load.trades) == limit or not load.take(trade):
            break
    return Draft(load.trades, encode(_batch(load)), min(load.gas, options.gas_limit))


def _batch(load: _Load) -> Batch:
    numbers: dict[int, int] = {}
    quotes, orders = [], []
    for message in load.quotes.values():
        shown = [order for order in load.orders.values() if order.message is message]
        quotes.append(_signed_quotes(message, shown, numbers))
    for order in load.orders.values():
        command = order.message.command
        if isinstance(command, Place):
            numbers[order.id] = len(numbers)
            orders.append(SignedOrder(order=order_of(command), signature=command.signature))
    entered = {order.market for order in load.orders.values()}
    extra = tuple(MarketId(market) for market in sorted(load.markets) if market not in entered)
    fills = tuple(Fill(numbers[trade.maker.id], numbers[trade.taker.id], trade.lots) for trade in load.trades)
    return Batch(quotes=tuple(quotes), orders=tuple(orders), fills=fills, extra_markets=extra)


def _signed_quotes(message: Message, shown: Sequence[LiveOrder], numbers: dict[int, int]) -> SignedQuotes:
    """Show the quotes that traded; number them in the order in which the program does."""
    command = message.command
    assert isinstance(command, PlaceQuotes)
    tree = tree_of(command)
    for order in sorted(shown, key=lambda order: order.leaf):
        numbers[order.id] = len(numbers)
    return SignedQuotes(
        quotes=quotes_of(command, tree),
        signature=command.signature,
        program=tree.program([order.leaf for order in shown]),
    )
