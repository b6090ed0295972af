"""Order flow of a market, order by order, as exchanges publish it; read from a file, or generated.

A file is CSV (or CSV in gzip) with the columns ts_event_ns, action, side, price_1e9, size, order_id, flags,
sequence: one row per message, the last of an event with bit 7 of its flags. Actions: A(dd), C(ancel),
M(odify), T(rade: an order that took) and F(ill of an order in a trade). Trades change no book; what they did
to an order is said by a C or M of the same event.
"""

import csv
import gzip
import random
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from optimistic.protocol.matching.types import Side

_LAST_OF_EVENT: Final = 0x80
_SIDES: Final = {"B": Side.BUY, "A": Side.SELL}


class Action(StrEnum):
    """What a message says."""

    ADD = "A"
    CANCEL = "C"
    MODIFY = "M"
    TRADE = "T"
    FILL = "F"


class Message(NamedTuple):
    """One row; prices are ticks, sizes lots. `side` is None where the exchange names none (an auction)."""

    action: Action
    side: Side | None
    ticks: int
    lots: int
    order: int
    ts_ns: int


Event = list[Message]


def read_flow(path: Path, tick_1e9: int) -> Iterator[Event]:
    """Yield the events of a file whose prices are in units of 1e-9; `tick_1e9` is the market's tick."""
    with _open(path) as file:
        event: Event = []
        for row in csv.DictReader(file):
            event.append(_message(row, tick_1e9))
            if int(row["flags"]) & _LAST_OF_EVENT:
                yield event
                event = []


def _open(path: Path) -> TextIO:
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def _message(row: dict[str, str], tick_1e9: int) -> Message:
    ticks, rest = divmod(int(row["price_1e9"]), tick_1e9)
    if rest:
        raise ValueError(f"a price of {row['price_1e9']} is no multiple of the tick {tick_1e9}")
    return Message(
        Action(row["action"]),
        _SIDES.get(row["side"]),
        ticks,
        int(row["size"]),
        int(row["order_id"]),
        int(row["ts_event_ns"]),
    )


def generated_flow(events: int, seed: int, ticks: int = 20_000) -> Iterator[Event]:
    """Yield the events of a market that never was: 55 % orders that rest, 15 % that take, 30 % cancels."""
    chance = random.Random(seed)
    queues: tuple[dict[int, list[list[int]]], ...] = ({}, {})
    living: list[tuple[Side, int, int]] = []
    number = 0
    for at in range(events):
        ts_ns = at * 1_000_000
        draw = chance.random()
        side = Side(chance.randrange(2))
        if draw < 0.55 or not living:
            number += 1
            price = ticks + (chance.randint(1, 30) if side is Side.SELL else -chance.randint(1, 30))
            lots = chance.randint(1, 20)
            queues[side].setdefault(price, []).append([number, lots])
            living.append((side, price, number))
            yield [Message(Action.ADD, side, price, lots, number, ts_ns)]
        elif draw < 0.70:
            yield from _taken(queues[1 - side], side, chance.randint(1, 30), ts_ns)
        else:
            where, price, order = living.pop(chance.randrange(len(living)))
            yield from _cancelled(queues[where], where, price, order, ts_ns)


def _taken(queues: dict[int, list[list[int]]], side: Side, lots: int, ts_ns: int) -> Iterator[Event]:
    """The event of an order that takes from the best price, if anything is there."""
    if not queues:
        return
    price = min(queues) if side is Side.BUY else max(queues)
    trade, ends = [], []
    for entry in list(queues[price]):
        order, open_lots = entry
        part = min(lots, open_lots)
        if not part:
            break
        lots -= part
        entry[1] -= part
        trade.append(Message(Action.FILL, Side(1 - side), price, part, order, ts_ns))
        action = Action.MODIFY if entry[1] else Action.CANCEL
        ends.append(Message(action, Side(1 - side), price, entry[1] or part, order, ts_ns))
    queues[price] = [entry for entry in queues[price] if entry[1]]
    if not queues[price]:
        del queues[price]
    traded = sum(message.lots for message in trade)
    yield [Message(Action.TRADE, side, price, traded, 0, ts_ns), *trade, *ends]


def _cancelled(
    queues: dict[int, list[list[int]]], side: Side, price: int, order: int, ts_ns: int
) -> Iterator[Event]:
    """The event of a cancel, unless the order has traded."""
    entry = next((entry for entry in queues.get(price, ()) if entry[0] == order), None)
    if entry is None:
        return
    queues[price].remove(entry)
    if not queues[price]:
        del queues[price]
    yield [Message(Action.CANCEL, side, price, entry[1], order, ts_ns)]


class SourceBook:
    """The book as the messages of its exchange describe it."""

    def __init__(self) -> None:
        self.orders: dict[int, Message] = {}
        """Order -> the message with its side, price and present lots."""
        self._levels: dict[tuple[Side, int], dict[int, None]] = {}

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: only before an opening auction."""
        bids = [ticks for side, ticks in self._levels if side is Side.BUY]
        asks = [ticks for side, ticks in self._levels if side is Side.SELL]
        return bool(bids) and bool(asks) and max(bids) >= min(asks)

    def queue(self, side: Side, ticks: int) -> list[tuple[int, int]]:
        """Return (order, lots) in the order in which they would trade."""
        return [(order, self.orders[order].lots) for order in self._levels.get((side, ticks), ())]

    def resting(self) -> Iterator[Message]:
        """Yield all orders, those of a price in the order in which they would trade."""
        for level in self._levels.values():
            yield from (self.orders[order] for order in level)

    def apply(self, event: Event) -> None:
        """Take in an event: first what ends, then what changes, then what comes.

        An order whose visible lots traded away and that is modified in the same event shows its next part, at
        the end of its queue.
        """
        filled = fills_of(event)
        for message in in_order(event):
            present = self.orders.get(message.order)
            if message.action is Action.CANCEL:
                if present is not None:
                    self._remove(present)
            elif present is None:
                self._add(message)
            elif self._keeps_its_place(present, message, filled.get(message.order, 0)):
                self.orders[message.order] = message
            else:
                self._remove(present)
                self._add(message)

    @staticmethod
    def _keeps_its_place(present: Message, changed: Message, filled: int) -> bool:
        return present.ticks == changed.ticks and changed.lots <= present.lots and filled < present.lots

    def _add(self, message: Message) -> None:
        if message.side is None:
            raise ValueError(f"order {message.order} rests on no side")
        self.orders[message.order] = message
        self._levels.setdefault((message.side, message.ticks), {})[message.order] = None

    def _remove(self, message: Message) -> None:
        del self.orders[message.order]
        assert message.side is not None
        level = self._levels[message.side, message.ticks]
        del level[message.order]
        if not level:
            del self._levels[message.side, message.ticks]


def opening_of(events: Iterable[Event]) -> int:
    """Return the time of the last auction, whose trades name no side; 0 if there was none."""
    return max(
        (m.ts_ns for event in events for m in event if m.action is Action.TRADE and m.side is None),
        default=0,
    )


_BOOK_ORDER: Final = {Action.CANCEL: 0, Action.MODIFY: 1, Action.ADD: 2}


def in_order(event: Event) -> Sequence[Message]:
    """Return what an event does to the book: cancels, modifications, additions."""
    changes = [message for message in event if message.action in _BOOK_ORDER]
    return sorted(changes, key=lambda message: _BOOK_ORDER[message.action])


def fills_of(event: Iterable[Message]) -> dict[int, int]:
    """Return lots traded by resting order; an order that took is not among them."""
    filled: dict[int, int] = {}
    taker = 0
    for message in event:
        if message.action is Action.TRADE:
            taker = message.order
        elif message.action is Action.FILL and message.order != taker:
            filled[message.order] = filled.get(message.order, 0) + message.lots
    return filled
