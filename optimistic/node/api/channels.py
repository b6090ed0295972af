"""Streams: what the exchange publishes, cut into channels with sequence numbers of their own.

A message of a channel carries its `sequence` and that of the message before it, so a reader sees
that he missed one. Sequences are numbers of groups of the exchange's log: they grow, also across
restarts, and leave gaps.
"""

import re
from collections import deque
from collections.abc import Iterable
from itertools import groupby
from typing import Final, Protocol

import msgspec

from optimistic.node.api.errors import ApiError, Code, malformed
from optimistic.node.api.history import History, sequence_of
from optimistic.node.api.options import ApiLimits
from optimistic.node.api.own_events import account_message
from optimistic.node.api.replies import BookChangeOut, BookOut, PricesOut, TradeOut, TradesOut
from optimistic.node.exchange.events import BookChanged, MarketMoved, OwnEvent, Published, Traded
from optimistic.node.exchange.ports import ExchangePort
from optimistic.protocol.matching.depth import Depth
from optimistic.protocol.types import Address

_ALL_LEVELS: Final = 1 << 30
_PUBLIC: Final = re.compile(r"(book|trades|prices):(0|[1-9][0-9]*)")
"""One name for one channel: no leading zeros, no digits of other scripts."""
_encode = msgspec.json.Encoder().encode


class Subscriber(Protocol):
    """Somebody who listens."""

    def push(self, payload: bytes) -> None:
        """Take one message; returns at once."""


class Channel:
    """Subscribers of one stream, and where it stands."""

    __slots__ = ("sequence", "subscribers")

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        """Of its last message."""
        self.subscribers: set[Subscriber] = set()

    def advance(self, sequence: int) -> int:
        """Note a message; return the sequence of the one before."""
        previous, self.sequence = self.sequence, sequence
        return previous

    def push(self, message: msgspec.Struct) -> None:
        """Send a message to all who listen."""
        payload = _encode(message)
        for subscriber in tuple(self.subscribers):
            subscriber.push(payload)


class Hub:
    """All channels; everything runs on the server's event loop.

    Parameters
    ----------
    exchange : asked at first for the books as they are, and for what owners were told before
    limits : bounds
    """

    def __init__(self, exchange: ExchangePort, limits: ApiLimits) -> None:
        self._exchange = exchange
        self._limits = limits
        recalled, status = exchange.recall(), exchange.status()
        self._sequence = sequence_of(recalled.group)
        self.history = History(limits.max_events, recalled.first)
        self.history.posted, self.history.final = status.posted_block, status.final_block
        self._books: dict[int, Depth] = {}
        self._book_sequences: dict[int, int] = {}
        self._trades: dict[int, deque[TradeOut]] = {}
        self._channels: dict[str, Channel] = {}
        self._accounts: dict[Address, Channel] = {}
        for market in exchange.markets():
            self._open_book(market.market, exchange)
        for published in recalled.told:
            self.history.add(published)
            self._take_trades(published)

    def _open_book(self, market: int, exchange: ExchangePort) -> None:
        snapshot = exchange.book(market, _ALL_LEVELS)
        self._books[market] = Depth() if snapshot is None else Depth(snapshot.bids, snapshot.asks)
        self._book_sequences[market] = 0 if snapshot is None else sequence_of(snapshot.group)
        self._trades[market] = deque(maxlen=self._limits.max_trades)

    # ------------------------------------------------------------------------------ reading

    def book(self, market: int, depth: int) -> BookOut:
        """Return a book as of the last change that was streamed.

        Raises
        ------
        ApiError : unknown market
        """
        book = self._books.get(market)
        if book is None:
            raise unknown_market(market)
        bids, asks = book.best(min(depth, self._limits.book_depth))
        sequence = self._channel(f"book:{market}").sequence
        return BookOut(market=market, sequence=sequence, bids=bids, asks=asks, checksum=book.checksum())

    def trades(self, market: int, limit: int) -> list[TradeOut]:
        """Return the newest trades of a market, newest first.

        Raises
        ------
        ApiError : unknown market
        """
        found = self._trades.get(market)
        if found is None:
            raise unknown_market(market)
        return [found[-1 - i] for i in range(min(limit, len(found)))]

    # ------------------------------------------------------------------------------ subscribing

    def subscribe(self, name: str, subscriber: Subscriber, depth: int) -> BookOut | None:
        """Let somebody hear a public channel: book:N, trades:N or prices:N.

        Returns
        -------
        The book from which its changes go on, for book channels.
        """
        found = _PUBLIC.fullmatch(name)
        if found is None:
            raise malformed(f"there is no channel {name!r}: there are book:N, trades:N, prices:N and account")
        market = int(found[2])
        if market not in self._books:
            raise unknown_market(market)
        self._channel(name).subscribers.add(subscriber)
        return self.book(market, depth) if found[1] == "book" else None

    def sequence(self, name: str) -> int:
        """Return the sequence of the last message of a public channel."""
        return self._channel(name).sequence

    def unsubscribe(self, name: str, subscriber: Subscriber) -> None:
        """Let somebody no longer hear a public channel."""
        channel = self._channels.get(name)
        if channel is not None:
            channel.subscribers.discard(subscriber)

    def subscribe_account(
        self, owner: Address, subscriber: Subscriber, after: int | None
    ) -> tuple[int, bool]:
        """Let an owner hear his own channel, from after a sequence number or from now on.

        Returns
        -------
        The sequence of the last message there is or was sent, and whether the rest will follow. If
        not, there was more to replay than goes out at once: subscribe again after that sequence.

        Raises
        ------
        ApiError : what happened after that number is no longer known, or that number never was
        """
        channel = self._account(owner)
        if after is not None:
            if not self.history.reaches(owner, after):
                raise ApiError(Code.REPLAY_TOO_OLD, f"events after {after} are no longer kept")
            if after > sequence_of(self._exchange.status().group):
                raise ApiError(Code.REPLAY_TOO_OLD, f"the exchange never came to {after}, or lost it")
            reached, is_all = self._replay(owner, after, subscriber)
            if not is_all:
                return reached, False
        channel.subscribers.add(subscriber)
        return channel.sequence, True

    def unsubscribe_account(self, owner: Address, subscriber: Subscriber) -> None:
        """Let an owner no longer hear his own channel."""
        channel = self._accounts.get(owner)
        if channel is not None:
            channel.subscribers.discard(subscriber)
            if not channel.subscribers:
                del self._accounts[owner]

    def _replay(self, owner: Address, after: int, subscriber: Subscriber) -> tuple[int, bool]:
        groups = groupby(self.history.after(owner, after), key=lambda entry: entry.sequence)
        room_bytes = self._limits.max_replay_bytes
        for number, (sequence, entries) in enumerate(groups):
            kept = list(entries)
            message = account_message(
                owner, (entry.event for entry in kept), sequence=sequence, previous=after, ts_ms=kept[0].ts_ms
            )
            payload = _encode(message)
            room_bytes -= len(payload)
            if number and (number >= self._limits.max_page or room_bytes < 0):
                return after, False
            subscriber.push(payload)
            after = sequence
        return after, True

    def _channel(self, name: str) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(self._sequence)
        return channel

    def _account(self, owner: Address) -> Channel:
        channel = self._accounts.get(owner)
        if channel is None:
            channel = self._accounts[owner] = Channel(self.history.last(owner))
        return channel

    # ------------------------------------------------------------------------------ publishing

    def publish(self, published: Published) -> None:
        """Take a group of the exchange's log in and tell everybody whom it concerns."""
        sequence = sequence_of(published.group)
        if sequence <= self._sequence:
            return  # in the books already
        self._sequence = sequence
        for owner, events in self.history.add(published).items():
            self._publish_account(owner, events, sequence, published.ts_ms)
        for event in published.events:
            if isinstance(event, BookChanged):
                self._publish_book(event, sequence, published.ts_ms)
            elif isinstance(event, MarketMoved):
                self._publish_prices(event, sequence)
        for market, trades in self._take_trades(published).items():
            self._publish_trades(market, trades, sequence)

    def _publish_account(self, owner: Address, events: Iterable[OwnEvent], sequence: int, ts_ms: int) -> None:
        channel = self._accounts.get(owner)
        if channel is None:
            return
        previous = channel.advance(sequence)
        message = account_message(owner, events, sequence=sequence, previous=previous, ts_ms=ts_ms)
        channel.push(message)

    def _publish_book(self, event: BookChanged, sequence: int, ts_ms: int) -> None:
        book = self._known(event.market)
        if sequence <= self._book_sequences.get(event.market, 0):
            return
        book.apply((0, ticks, lots) for ticks, lots in event.bids)
        book.apply((1, ticks, lots) for ticks, lots in event.asks)
        channel = self._channel(f"book:{event.market}")
        previous = channel.advance(sequence)
        if channel.subscribers:
            message = BookChangeOut(
                market=event.market,
                sequence=sequence,
                previous=previous,
                time_ms=ts_ms,
                bids=event.bids,
                asks=event.asks,
                checksum=book.checksum(),
            )
            channel.push(message)

    def _known(self, market: int) -> Depth:
        """Return the book of a market, an empty one if it was listed since the start."""
        book = self._books.get(market)
        if book is None:
            book = self._books[market] = Depth()
            self._trades[market] = deque(maxlen=self._limits.max_trades)
        return book

    def _publish_prices(self, event: MarketMoved, sequence: int) -> None:
        self._known(event.market)
        channel = self._channel(f"prices:{event.market}")
        previous = channel.advance(sequence)
        if channel.subscribers:
            message = PricesOut(
                market=event.market,
                sequence=sequence,
                previous=previous,
                index_wad=str(event.index_wad),
                mark_wad=str(event.mark_wad),
                funding_8h_wad=str(event.funding_wad),
                priced_at=event.timestamp,
            )
            channel.push(message)

    def _take_trades(self, published: Published) -> dict[int, list[TradeOut]]:
        """Keep the trades of a group; return them by market."""
        found: dict[int, list[TradeOut]] = {}
        for event in published.events:
            if isinstance(event, Traded):
                found.setdefault(event.market, []).append(_trade_out(event, published.ts_ms))
        for market, trades in found.items():
            self._known(market)
            self._trades[market].extend(trades)
        return found

    def _publish_trades(self, market: int, trades: list[TradeOut], sequence: int) -> None:
        channel = self._channel(f"trades:{market}")
        previous = channel.advance(sequence)
        if channel.subscribers:
            message = TradesOut(market=market, sequence=sequence, previous=previous, trades=trades)
            channel.push(message)


def _trade_out(trade: Traded, ts_ms: int) -> TradeOut:
    return TradeOut(
        trade=trade.trade_id,
        side="buy" if trade.taker_is_buy else "sell",
        ticks=trade.ticks,
        lots=trade.lots,
        time_ms=ts_ms,
    )


def unknown_market(market: int) -> ApiError:
    """The refusal of a market number that means nothing."""
    return ApiError(Code.UNKNOWN_MARKET, f"there is no market {market}")
