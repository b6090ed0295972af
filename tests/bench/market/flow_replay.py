"""Plays the order flow of another exchange on a venue of ours, and compares the books after each event.

What the messages do not say is worked out from what they say was done: the order that took is placed for
what it traded; orders that self-trade prevention ended are cancelled before it; and the hidden part of an
iceberg that traded beyond what it showed is placed as an order behind its queue, where its next part would
have shown.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from optimistic.protocol.matching.types import Side
from tests.bench.market.flow import Action, Event, Message, SourceBook, fills_of, in_order


class Venue(Protocol):
    """A market that takes orders; resting ones go by their names in the flow."""

    def rest(self, order: int, side: Side, ticks: int, lots: int) -> None:
        """Place an order that rests. An earlier part of the same order may still be in the book."""

    def take(self, side: Side, ticks: int, lots: int) -> None:
        """Place an order that trades at once or not at all."""

    def cancel(self, order: int) -> None:
        """Cancel an order, if it is there."""

    def resize(self, order: int, ticks: int, lots: int) -> None:
        """Change an order; it keeps its place if only its lots fall."""

    def lots_of(self, order: int) -> int:
        """Return the open lots of an order's latest part; 0 if it is not there."""

    def queue(self, side: Side, ticks: int) -> list[tuple[int, int]]:
        """Return (order, lots) in the order in which they would trade."""

    def trades(self) -> Counter[int]:
        """Return lots traded by resting order since this was last asked."""


class Trade(NamedTuple):
    """One order that took, and the resting orders it traded with."""

    side: Side
    ticks: int
    taker: int
    fills: dict[int, int]


@dataclass(slots=True)
class Tally:
    """What was compared."""

    events: int = 0
    events_before_the_start: int = 0
    """Of the call phase: the book that it left is what the replay starts with."""
    fills: int = 0
    lots: int = 0
    l3_mismatches: int = 0
    """Queues that differ after an event, and trades with other orders than at the source."""


class FlowReplay:
    """Feeds events to a venue; begins when the source's book is not crossed any more.

    Parameters
    ----------
    starts_at_ns : no earlier than this time of the flow
    """

    def __init__(self, venue: Venue, starts_at_ns: int = 0) -> None:
        self.tally = Tally()
        self._venue = venue
        self._starts_at_ns = starts_at_ns
        self._source = SourceBook()
        self._has_started = False

    def play(self, events: Iterable[Event]) -> Tally:
        """Feed all events."""
        for event in events:
            self.feed(event)
        return self.tally

    def feed(self, event: Event) -> None:
        """Play one event and compare every queue it touched."""
        if not self._has_started:
            self._wait_for(event)
            return
        self.tally.events += 1
        touched = self._touched(event)
        self._trade(event)
        for message in in_order(event):
            self._change(message)
        self._source.apply(event)
        for side, ticks in touched:
            self.tally.l3_mismatches += self._venue.queue(side, ticks) != self._source.queue(side, ticks)

    def _wait_for(self, event: Event) -> None:
        """Follow the source until its book can be continued, and hand that over."""
        self.tally.events_before_the_start += 1
        self._source.apply(event)
        if event[-1].ts_ns < self._starts_at_ns or self._source.is_crossed:
            return
        for message in self._source.resting():
            assert message.side is not None
            self._venue.rest(message.order, message.side, message.ticks, message.lots)
        self._has_started = True

    def _touched(self, event: Event) -> set[tuple[Side, int]]:
        """Return the queues that an event is about, before and after it."""
        places = {(message.side, message.ticks) for message in event}
        for message in event:
            present = self._source.orders.get(message.order)
            if present is not None:
                places.add((present.side, present.ticks))
        return {(side, ticks) for side, ticks in places if side is not None}

    # -------------------------------------------------------------------------------- trades

    def _trade(self, event: Event) -> None:
        trades = _trades_of(event)
        if not trades:
            return
        self._cancel_prevented(event, {trade.taker for trade in trades})
        left = {message.order: message.lots for message in event if message.action is Action.MODIFY}
        for trade in trades:
            self._show_hidden(trade, left)
            lots = sum(trade.fills.values())
            self._venue.cancel(trade.taker)
            self._venue.take(trade.side, trade.ticks, lots)
            self.tally.fills += len(trade.fills)
            self.tally.lots += lots
            self.tally.l3_mismatches += self._venue.trades() != trade.fills

    def _cancel_prevented(self, event: Event, takers: set[int]) -> None:
        """Cancel what ended in an event without a trade: it was in the way of an order of the same owner."""
        filled = fills_of(event)
        for message in event:
            is_prevented = message.order not in filled and message.order not in takers
            if message.action is Action.CANCEL and is_prevented:
                self._venue.cancel(message.order)

    def _show_hidden(self, trade: Trade, left: dict[int, int]) -> None:
        """Place the hidden lots of icebergs that traded more than they showed, and what they show next."""
        for order, lots in trade.fills.items():
            shown = self._venue.lots_of(order)
            if 0 < shown < lots:
                side = Side(1 - trade.side)
                self._venue.rest(order, side, trade.ticks, lots - shown + left.get(order, 0))

    def _change(self, message: Message) -> None:
        if message.action is Action.CANCEL:
            self._venue.cancel(message.order)
        elif message.action is Action.MODIFY and self._venue.lots_of(message.order):
            self._venue.resize(message.order, message.ticks, message.lots)
        else:
            assert message.side is not None
            self._venue.rest(message.order, message.side, message.ticks, message.lots)


def _trades_of(event: Event) -> list[Trade]:
    """Return the trades of an event. Whoever took is on the other side of those it traded with."""
    trades: list[Trade] = []
    for message in event:
        if message.action is Action.TRADE:
            side = message.side if message.side is not None else Side.BUY
            trades.append(Trade(side, message.ticks, message.order, {}))
        elif message.action is Action.FILL and message.order != trades[-1].taker:
            fills = trades[-1].fills
            fills[message.order] = fills.get(message.order, 0) + message.lots
            if message.side is not None:
                trades[-1] = trades[-1]._replace(side=Side(1 - message.side))
    return [trade for trade in trades if trade.fills]
