"""Lets take effect what the chain made of a batch: settled trades no longer count, busted ones never did."""

from collections.abc import Callable

from optimistic.node.exchange.desk import Desk
from optimistic.node.exchange.events import (
    ExchangeEvent,
    PositionMoved,
    TradeBusted,
    TradeSettled,
    TradeUndone,
)
from optimistic.node.exchange.exposure import Exposures
from optimistic.node.exchange.live import Trade
from optimistic.node.exchange.records import REVERTED, BatchSettled, BatchUndone
from optimistic.node.exchange.settling import Settling
from optimistic.protocol.settlement.reasons import Bust


class Outcomes:
    """Applies outcomes of batches."""

    def __init__(self, exposures: Exposures, settling: Settling, events: list[ExchangeEvent]) -> None:
        self._exposures = exposures
        self._settling = settling
        self._events = events

    def settle(self, record: BatchSettled, desk: Callable[[int], Desk]) -> None:
        """Settle a batch trade by trade."""
        trades = self._settling.batches[record.batch].trades
        pairs = list(zip(trades, record.outcomes, strict=True))
        busted = frozenset(trade.id for trade, outcome in pairs if outcome[0])
        batch = self._settling.settle(record.batch, record.block, busted)
        for trade, (reason, maker_fee, taker_fee) in pairs:
            self._exposures.trade(trade, -1)
            if reason:
                self._move(trade, -1, desk)
                self._bust(trade, record.block, reason)
                continue
            self._events.append(
                TradeSettled(
                    trade.id,
                    trade.market,
                    trade.maker.owner,
                    trade.taker.owner,
                    record.block,
                    batch.tx_hash,
                    int.from_bytes(maker_fee, "big"),
                    int.from_bytes(taker_fee, "big"),
                )
            )

    def undo(self, record: BatchUndone, desk: Callable[[int], Desk]) -> None:
        """Let the trades of a batch count as unsettled again."""
        batch = self._settling.undo(record.batch)
        for trade in batch.trades:
            self._exposures.trade(trade, 1)
            if trade.id in batch.busted:
                self._move(trade, 1, desk)
            self._events.append(TradeUndone(trade.id, trade.market, trade.maker.owner, trade.taker.owner))
        batch.busted = frozenset()

    def _move(self, trade: Trade, direction: int, desk: Callable[[int], Desk]) -> None:
        """Add a trade to the positions of the engine, or take it off."""
        engine = desk(trade.market).engine
        change = direction * trade.taker_lots
        for order, lots in ((trade.taker, change), (trade.maker, -change)):
            after = engine.positions.get(order.subaccount, 0) + lots
            engine.set_position(order.subaccount, after)
            self._events.append(PositionMoved(order.owner, order.subaccount, trade.market, after))

    def _bust(self, trade: Trade, block: int, reason: int) -> None:
        name = "REVERTED" if reason == REVERTED else Bust(reason).name
        self._events.append(
            TradeBusted(trade.id, trade.market, trade.maker.owner, trade.taker.owner, block, name)
        )
