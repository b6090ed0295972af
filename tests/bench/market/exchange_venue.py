"""The whole exchange as a venue: signed orders in, trades out to the chain."""

from collections import Counter
from collections.abc import Callable

from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.commands import Cancel, Command, OrderFlag, Place, Replace, Shrink
from optimistic.node.exchange.events import Published, Traded
from optimistic.node.exchange.signed_messages import place_of
from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.types import Side, TimeInForce
from optimistic.protocol.settlement.types import MarketId
from tests.helpers.exchange_stage import ExchangeStage
from tests.helpers.settlement_world import Trader

_AT_ONCE = TimeInForce.IOC << OrderFlag.TIME_IN_FORCE_SHIFT


class RefusedByVenue(Exception):
    """The exchange turned a command of the flow away."""


class ExchangeVenue:
    """Orders that rest belong to the makers in turn, those that take to the taker.

    Parameters
    ----------
    offset_ticks : what a price of the flow lies below the market's
    after_trade : told the number of matches after each order that took
    """

    def __init__(
        self,
        stage: ExchangeStage,
        market: MarketId,
        makers: list[Trader],
        taker: Trader,
        *,
        offset_ticks: int,
        after_trade: Callable[[int], None],
    ) -> None:
        self._stage = stage
        self._market = market
        self._makers = makers
        self._taker = taker
        self._offset = offset_ticks
        self._after_trade = after_trade
        self._ids: dict[int, int] = {}
        """Order of the flow -> id of its latest part."""
        self._names: dict[int, int] = {}
        self._traded: Counter[int] = Counter()
        self._matches = 0
        stage.house.core.subscribe(self._hear)

    def rest(self, order: int, side: Side, ticks: int, lots: int) -> None:
        """Place an order that rests."""
        self._remember(order, self._send(self._signed(self._maker(order), side, ticks, lots)))

    def take(self, side: Side, ticks: int, lots: int) -> None:
        """Place an order that trades at once or not at all."""
        self._send(self._signed(self._taker, side, ticks, lots, _AT_ONCE))
        matches, self._matches = self._matches, 0
        self._after_trade(matches)

    def cancel(self, order: int) -> None:
        """Cancel an order, if it is there."""
        id_ = self._ids.pop(order, 0)
        if id_ in self._engine.orders:
            self._send(Cancel(owner=self._maker(order).address, order_id=id_))

    def resize(self, order: int, ticks: int, lots: int) -> None:
        """Change an order; it keeps its place if only its lots fall."""
        id_ = self._ids[order]
        found, owner = self._engine.orders[id_], self._maker(order)
        keeps_price = ticks + self._offset == found.price
        if keeps_price and lots == found.lots:
            return
        if keeps_price and lots < found.lots:
            self._send(Shrink(owner=owner.address, order_id=id_, lots=lots))
            return
        placed = self._signed(owner, found.side, ticks, lots)
        cancel = Cancel(owner=owner.address, order_id=id_)
        self._remember(order, self._send(Replace(cancel=cancel, place=placed)))

    def lots_of(self, order: int) -> int:
        """Return the open lots of an order's latest part; 0 if it is not there."""
        found = self._engine.orders.get(self._ids.get(order, 0))
        return 0 if found is None else found.lots

    def queue(self, side: Side, ticks: int) -> list[tuple[int, int]]:
        """Return (order, lots) in the order in which they would trade."""
        level = self._engine.sides[side].levels.get(ticks + self._offset)
        return [] if level is None else [(self._names[order.id], order.lots) for order in level.values()]

    def trades(self) -> Counter[int]:
        """Return lots traded by resting order since this was last asked."""
        traded, self._traded = self._traded, Counter()
        return traded

    @property
    def _engine(self) -> Engine:
        return self._stage.house.core.machine.desk(self._market).engine

    def _maker(self, order: int) -> Trader:
        return self._makers[order % len(self._makers)]

    def _signed(self, trader: Trader, side: Side, ticks: int, lots: int, flags: int = 0) -> Place:
        signed = self._stage.world.signed(
            trader,
            lots,
            ticks + self._offset,
            is_buy=side is Side.BUY,
            market=self._market,
            flags=flags,
        )
        return place_of(signed)

    def _send(self, command: Command) -> int:
        [answer] = self._stage.house.core.submit([command])
        if not isinstance(answer, Ack):
            raise RefusedByVenue(f"{answer} to {command}")
        return answer.order_id

    def _remember(self, order: int, id_: int) -> None:
        self._ids[order] = id_
        self._names[id_] = order

    def _hear(self, published: Published) -> None:
        for event in published.events:
            if isinstance(event, Traded):
                self._traded[self._names[event.maker.order_id]] += event.lots
                self._matches += 1
