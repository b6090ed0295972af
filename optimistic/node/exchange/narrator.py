"""Turns what the engine says into what the exchange keeps and tells."""

from collections.abc import Callable

from optimistic.node.exchange.desk import Desk
from optimistic.node.exchange.events import (
    ExchangeEvent,
    OrderChanged,
    OrderDone,
    OrderOpened,
    OrderTriggered,
    Party,
    Traded,
)
from optimistic.node.exchange.exposure import Exposures
from optimistic.node.exchange.live import Kind, LiveOrder, Trade
from optimistic.node.exchange.registry import Registry
from optimistic.node.exchange.settling import Settling
from optimistic.protocol.matching import events as said
from optimistic.protocol.matching.types import Reason, Side


class Narrator:
    """Follows the engines; slices are told as their parent."""

    def __init__(
        self, registry: Registry, exposures: Exposures, settling: Settling, events: list[ExchangeEvent]
    ) -> None:
        self.refused: Reason | None = None
        """Why the order told last was turned away, if it was."""
        self._registry = registry
        self._exposures = exposures
        self._settling = settling
        self._events = events
        self._touched: dict[int, LiveOrder] = {}
        self._handlers: dict[type, Callable[..., None]] = {
            said.Accepted: self._accepted,
            said.Rejected: self._rejected,
            said.Fill: self._filled,
            said.Resized: self._resized,
            said.Requeued: self._requeued,
            said.Triggered: self._triggered,
            said.Done: self._done,
        }

    def tell(self, desk: Desk) -> None:
        """Take what a market's engine has said since the last time."""
        self.refused = None
        heard = desk.engine.events
        if not heard:
            return
        for event in heard:
            self._handlers[type(event)](event)
        heard.clear()
        resting = desk.engine.orders
        for number, order in self._touched.items():
            desk.levels.show(order, resting.get(number))
        self._touched.clear()

    def _accepted(self, event: said.Accepted) -> None:
        order = self._registry.orders.get(event.order)
        if order is None:
            return
        order.ticks, order.open = event.price, event.lots
        self._exposures.reserve(order, event.lots, event.price)
        self._touched[order.id] = order
        message = order.message
        self._events.append(
            OrderOpened(
                order.id,
                order.client_id,
                message.owner,
                order.subaccount,
                order.market,
                order.is_buy,
                event.price,
                event.lots,
                order.key,
                order.kind.name.lower(),
                message.command.expiry,
            )
        )

    def _rejected(self, event: said.Rejected) -> None:
        order = self._registry.orders.get(event.order)
        if order is not None:
            self.refused = event.reason
            self._end(order, event.reason, order.open)

    def _filled(self, event: said.Fill) -> None:
        maker, taker = self._registry.orders[event.maker], self._registry.find(event.taker)
        assert taker is not None
        lots = event.lots
        maker.open = event.maker_left
        taker.open -= lots
        settling = self._settling
        trade = Trade(
            settling.next_trade, maker.market, event.price, lots, event.taker_side is Side.BUY, maker, taker
        )
        settling.next_trade += 1
        settling.match(trade)
        self._exposures.trade(trade, 1)
        self._exposures.reserve(maker, maker.open, maker.ticks)
        self._exposures.reserve(taker, taker.open, taker.ticks)
        self._touched[maker.id] = maker
        self._events.append(
            Traded(
                trade.id, maker.market, event.price, lots, trade.taker_is_buy, _party(maker), _party(taker)
            )
        )

    def _resized(self, event: said.Resized) -> None:
        order = self._registry.orders[event.order]
        order.open = event.lots
        self._changed(order)

    def _requeued(self, event: said.Requeued) -> None:
        order = self._registry.orders[event.order]
        order.open, order.ticks = event.lots, event.price
        self._changed(order)

    def _changed(self, order: LiveOrder) -> None:
        self._exposures.reserve(order, order.open, order.ticks)
        self._touched[order.id] = order
        self._events.append(OrderChanged(order.id, order.owner, order.market, order.ticks, order.open))

    def _triggered(self, event: said.Triggered) -> None:
        order = self._registry.orders[event.order]
        order.kind = Kind.LIMIT
        self._touched[order.id] = order
        self._events.append(OrderTriggered(order.id, order.owner, order.market))

    def _done(self, event: said.Done) -> None:
        order = self._registry.orders.get(event.order)
        if order is not None:
            self._end(order, event.reason, event.lots)

    def _end(self, order: LiveOrder, reason: Reason, lots: int) -> None:
        order.open = 0
        self._exposures.reserve(order, 0, order.ticks)
        self._registry.remove(order)
        self._touched[order.id] = order
        self._events.append(
            OrderDone(order.id, order.client_id, order.owner, order.subaccount, order.market, reason, lots)
        )


def _party(order: LiveOrder) -> Party:
    return Party(order.id, order.client_id, order.owner, order.subaccount, order.open)
