"""The visible book of one market by price, kept in step with the engine order by order."""

from optimistic.node.exchange.live import LiveOrder
from optimistic.protocol.matching.types import Order


class Levels:
    """Lots per price, of each side; remembers which prices changed."""

    __slots__ = ("_changed", "sides")

    def __init__(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """Bids and asks: ticks -> visible lots, never 0."""
        self._changed: tuple[dict[int, None], dict[int, None]] = ({}, {})

    def show(self, live: LiveOrder, resting: Order | None) -> None:
        """Count what the engine shows of an order now; None: nothing."""
        new = (0, 0) if resting is None else (resting.price, resting.visible)
        old = live.shown
        if new == old:
            return
        live.shown = new
        side = 0 if live.is_buy else 1
        self._add(side, old[0], -old[1])
        self._add(side, new[0], new[1])

    def _add(self, side: int, ticks: int, lots: int) -> None:
        if not lots:
            return
        levels = self.sides[side]
        total = levels.get(ticks, 0) + lots
        if total:
            levels[ticks] = total
        else:
            del levels[ticks]
        self._changed[side][ticks] = None

    def take_changes(self) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]] | None:
        """Return (ticks, lots) of the bids and asks that changed since the last time, None if none did."""
        bids, asks = self._changed
        if not bids and not asks:
            return None
        found = (
            tuple((ticks, self.sides[0].get(ticks, 0)) for ticks in bids),
            tuple((ticks, self.sides[1].get(ticks, 0)) for ticks in asks),
        )
        bids.clear()
        asks.clear()
        return found
