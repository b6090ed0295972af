"""The matching engine alone as a venue."""

from collections import Counter

from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.events import Fill
from optimistic.protocol.matching.types import PLAIN, Order, Side, Terms, TimeInForce

_AT_ONCE = Terms(time_in_force=TimeInForce.IOC)


class EngineVenue:
    """Every order has an owner of its own, so that none is in the way of another."""

    def __init__(self) -> None:
        self.engine = Engine()
        self._last_id = 0
        self._ids: dict[int, int] = {}
        """Order of the flow -> id of its latest part."""
        self._names: dict[int, int] = {}
        """Id -> order of the flow."""

    def rest(self, order: int, side: Side, ticks: int, lots: int) -> None:
        """Place an order that rests."""
        self._last_id += 1
        self._ids[order] = self._last_id
        self._names[self._last_id] = order
        self._place(side, ticks, lots)

    def take(self, side: Side, ticks: int, lots: int) -> None:
        """Place an order that trades at once or not at all."""
        self._last_id += 1
        self._place(side, ticks, lots, _AT_ONCE)

    def cancel(self, order: int) -> None:
        """Cancel an order, if it is there."""
        id_ = self._ids.pop(order, None)
        if id_ in self.engine.orders:
            self.engine.cancel(id_)

    def resize(self, order: int, ticks: int, lots: int) -> None:
        """Change an order; it keeps its place if only its lots fall."""
        self.engine.amend(self._ids[order], ticks, lots)

    def lots_of(self, order: int) -> int:
        """Return the open lots of an order's latest part; 0 if it is not there."""
        found = self.engine.orders.get(self._ids.get(order, 0))
        return 0 if found is None else found.lots

    def queue(self, side: Side, ticks: int) -> list[tuple[int, int]]:
        """Return (order, lots) in the order in which they would trade."""
        level = self.engine.sides[side].levels.get(ticks)
        return [] if level is None else [(self._names[order.id], order.lots) for order in level.values()]

    def trades(self) -> Counter[int]:
        """Return lots traded by resting order since this was last asked."""
        traded: Counter[int] = Counter()
        for event in self.engine.events:
            if type(event) is Fill:
                traded[self._names[event.maker]] += event.lots
        self.engine.events.clear()
        return traded

    def _place(self, side: Side, ticks: int, lots: int, terms: Terms = PLAIN) -> None:
        id_ = self._last_id
        self.engine.place(
            Order(id=id_, owner=id_, subaccount=id_, side=side, price=ticks, lots=lots, terms=terms)
        )
