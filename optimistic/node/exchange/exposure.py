"""What each subaccount has at stake in each market beyond what the chain knows; in lots and ticks."""

from dataclasses import dataclass, field, replace

from optimistic.node.exchange.live import LiveOrder, Trade


@dataclass(slots=True)
class OpenSide:
    """Orders of one side that may still fill."""

    lots: int = 0
    levels: dict[int, int] = field(default_factory=dict)
    """Ticks -> lots."""
    reducing: int = 0
    """Lots of orders that may only reduce; not among the others."""

    def add(self, ticks: int, lots: int) -> None:
        """Count lots at a price; negative: no longer."""
        self.lots += lots
        total = self.levels.get(ticks, 0) + lots
        if total:
            self.levels[ticks] = total
        else:
            del self.levels[ticks]


@dataclass(slots=True)
class Exposure:
    """Of one subaccount in one market."""

    bids: OpenSide = field(default_factory=OpenSide)
    asks: OpenSide = field(default_factory=OpenSide)
    unsettled_lots: int = 0
    """Change of the position by trades that are not settled."""
    unsettled_product: int = 0
    """What they pay: price times change."""
    unsettled_notional: int = 0
    """Price times lots of each of them, for its fee."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at stake."""
        return not (self.has_orders or self.unsettled_notional)

    @property
    def has_orders(self) -> bool:
        """Whether orders are open."""
        bids, asks = self.bids, self.asks
        return bool(bids.lots or asks.lots or bids.reducing or asks.reducing)


class Exposures:
    """All of them, by subaccount and market."""

    __slots__ = ("by_subaccount", "grown")

    def __init__(self) -> None:
        self.by_subaccount: dict[int, dict[int, Exposure]] = {}
        self.grown: set[int] = set()
        """Subaccounts with new orders or trades since somebody emptied it."""

    def of(self, subaccount: int) -> dict[int, Exposure]:
        """Return the exposures of a subaccount by market; not to be changed."""
        return self.by_subaccount.get(subaccount, {})

    def without(self, order: LiveOrder) -> dict[int, Exposure]:
        """Return the exposures of an order's subaccount as if the order were over."""
        exposures = dict(self.of(order.subaccount))
        lots, ticks = order.reserved
        if lots:
            exposure = exposures[order.market]
            side = exposure.bids if order.is_buy else exposure.asks
            side = replace(side, levels=dict(side.levels))
            if order.is_reduce_only:
                side.reducing -= lots
            else:
                side.add(ticks, -lots)
            instead = replace(exposure, bids=side) if order.is_buy else replace(exposure, asks=side)
            exposures[order.market] = instead
        return exposures

    def reserve(self, order: LiveOrder, lots: int, ticks: int) -> None:
        """Count so many lots of an order as possible fills, instead of what was counted before."""
        old_lots, old_ticks = order.reserved
        if (lots, ticks) == (old_lots, old_ticks):
            return
        exposure = self._at(order.subaccount, order.market)
        side = exposure.bids if order.is_buy else exposure.asks
        if lots > old_lots or ticks != old_ticks:
            self.grown.add(order.subaccount)
        if order.is_reduce_only:
            side.reducing += lots - old_lots
        elif ticks == old_ticks:
            side.add(ticks, lots - old_lots)
        else:
            if old_lots:
                side.add(old_ticks, -old_lots)
            if lots:
                side.add(ticks, lots)
        order.reserved = (lots, ticks)
        self._tidy(order.subaccount, order.market, exposure)

    def trade(self, trade: Trade, direction: int) -> None:
        """Count a trade as unsettled (1), or no longer (-1)."""
        signed, notional = direction * trade.taker_lots, direction * trade.lots * trade.ticks
        for order, lots in ((trade.taker, signed), (trade.maker, -signed)):
            exposure = self._at(order.subaccount, trade.market)
            exposure.unsettled_lots += lots
            exposure.unsettled_product += lots * trade.ticks
            exposure.unsettled_notional += notional
            self.grown.add(order.subaccount)
            self._tidy(order.subaccount, trade.market, exposure)

    def _at(self, subaccount: int, market: int) -> Exposure:
        markets = self.by_subaccount.get(subaccount)
        if markets is None:
            markets = self.by_subaccount[subaccount] = {}
        exposure = markets.get(market)
        if exposure is None:
            exposure = markets[market] = Exposure()
        return exposure

    def _tidy(self, subaccount: int, market: int, exposure: Exposure) -> None:
        if exposure.is_empty:
            markets = self.by_subaccount[subaccount]
            del markets[market]
            if not markets:
                del self.by_subaccount[subaccount]
