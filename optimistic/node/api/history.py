"""What happened to whom lately: the events of each owner, ended orders, fills and how final they are.

Everything is bounded: the oldest events are forgotten, and who asks for them is told so.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import dropwhile, islice
from typing import NamedTuple

from optimistic.node.exchange.events import (
    ExchangeEvent,
    Finality,
    HeadsMoved,
    OrderChanged,
    OrderDone,
    OrderOpened,
    OrderTriggered,
    OwnEvent,
    PositionMoved,
    Published,
    TradeBusted,
    Traded,
    TradeSettled,
    TradeUndone,
)
from optimistic.protocol.types import Address


class Entry(NamedTuple):
    """One event of an owner."""

    sequence: int
    ts_ms: int
    event: OwnEvent


def sequence_of(group: int) -> int:
    """Return the sequence number of a group of the exchange's log: the first is 1, 0 is before all."""
    return group + 1


def owners_of(event: ExchangeEvent) -> tuple[Address, ...]:
    """Return whom an event is about; nobody for events everybody may see."""
    if isinstance(event, Traded):
        maker, taker = event.maker.owner, event.taker.owner
    elif isinstance(event, TradeSettled | TradeBusted | TradeUndone):
        maker, taker = event.maker, event.taker
    elif isinstance(event, OrderOpened | OrderTriggered | OrderChanged | OrderDone | PositionMoved):
        return (event.owner,)
    else:
        return ()
    return (maker,) if maker == taker else (maker, taker)


class History:
    """The events of owners, up to a number of them in all.

    Parameters
    ----------
    max_events : kept; an event with two owners counts twice
    after : the last sequence number of which nothing will be added
    """

    def __init__(self, max_events: int, after: int) -> None:
        self._max_events = max_events
        self._owners: dict[Address, deque[Entry]] = {}
        self._arrivals: deque[Address] = deque()
        """Owner of each kept event, oldest first."""
        self._forgotten: OrderedDict[Address, int] = OrderedDict()
        """Sequence of the last event that was forgotten, by owner; bounded like the events."""
        self._floor = after
        """Of owners who are not in `_forgotten`, nothing after this sequence is missing."""
        self._outcomes: OrderedDict[int, TradeSettled | TradeBusted] = OrderedDict()
        self.posted = 0
        self.final = 0

    def add(self, published: Published) -> dict[Address, list[OwnEvent]]:
        """Take a group in; return its events by owner."""
        found: dict[Address, list[OwnEvent]] = {}
        for event in published.events:
            if isinstance(event, HeadsMoved):
                self.posted, self.final = event.posted, event.final
                continue
            if isinstance(event, TradeSettled | TradeBusted):
                self._outcomes[event.trade_id] = event
            elif isinstance(event, TradeUndone):
                self._outcomes.pop(event.trade_id, None)
            for owner in owners_of(event):
                found.setdefault(owner, []).append(event)  # type: ignore[arg-type] # only own events have owners
        for owner, events in found.items():
            kept = self._owners.setdefault(owner, deque())
            for event in events:
                kept.append(Entry(sequence_of(published.group), published.ts_ms, event))
                self._arrivals.append(owner)
        self._forget()
        return found

    def _forget(self) -> None:
        while len(self._arrivals) > self._max_events:
            owner = self._arrivals.popleft()
            kept = self._owners[owner]
            self._forgotten[owner] = kept.popleft().sequence
            self._forgotten.move_to_end(owner)
            if not kept:
                del self._owners[owner]
        while len(self._forgotten) > self._max_events:
            _, sequence = self._forgotten.popitem(last=False)
            self._floor = max(self._floor, sequence)
        while len(self._outcomes) > self._max_events:
            self._outcomes.popitem(last=False)

    def reaches(self, owner: Address, after: int) -> bool:
        """Whether everything of an owner after a sequence number is still here."""
        return after >= self._forgotten.get(owner, self._floor)

    def after(self, owner: Address, sequence: int) -> Iterator[Entry]:
        """Yield an owner's kept events after a sequence number, oldest first."""
        return (entry for entry in self._owners.get(owner, ()) if entry.sequence > sequence)

    def newest(self, owner: Address, limit: int, before: int | None = None) -> list[Entry]:
        """Return an owner's newest kept events, those before a sequence number, newest first."""
        kept: Iterator[Entry] = reversed(self._owners.get(owner, deque()))
        if before is not None:
            kept = dropwhile(lambda entry: entry.sequence >= before, kept)
        return list(islice(kept, limit))

    def last(self, owner: Address) -> int:
        """Return the sequence of an owner's last event, as far as it is known."""
        kept = self._owners.get(owner)
        return kept[-1].sequence if kept else self._forgotten.get(owner, self._floor)

    def outcome(self, trade_id: int) -> TradeSettled | TradeBusted | None:
        """Return what became of a trade on the chain; None while it is only matched."""
        return self._outcomes.get(trade_id)

    def finality(self, block: int) -> Finality:
        """Return how final what happened in an L2 block is."""
        if block <= self.final:
            return Finality.FINAL
        return Finality.POSTED if block <= self.posted else Finality.SOFT
