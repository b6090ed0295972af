"""What a reporter says about a book: best prices, prices of a trade of some size, and depth.

Source: docs/spec/11-settlement.md, 11.4
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from optimistic.protocol.matching.depth import Level
from optimistic.protocol.settlement.markets import MAX_PRICE_WAD
from optimistic.protocol.settlement.orders import Steps
from optimistic.protocol.settlement.types import BookReport, Limits
from optimistic.protocol.settlement.units import PIPS, QUANTUM_WAD, WAD, ceil_div, ceil_to, floor_to

IMPACT_MARGIN_WAD: Final = 500 * WAD
"""Initial margin of a trade of the impact notional."""
DEPTH_PIPS: Final = 20_000
"""Orders at most 2 % from the mark are depth."""
DEPTH_MINUTES: Final = 10
_MINUTE_MS: Final = 60_000


class BookView(NamedTuple):
    """Visible levels, best first."""

    bids: Sequence[Level]
    asks: Sequence[Level]


def impact_notional_wad(limits: Limits) -> int:
    """Return the notional of which IMPACT_MARGIN_WAD is the initial margin, rounded down to the wei."""
    return IMPACT_MARGIN_WAD * PIPS // limits.initial_pips


def report_of(book: BookView, steps: Steps, impact_wad: int, depth_wad: int, timestamp: int) -> BookReport:
    """Return the report of a book; what a side does not have is zero.

    Parameters
    ----------
    impact_wad : notional whose average price is the impact price: bids rounded down to the quantum, asks up
    depth_wad : see `Depths`
    timestamp : Unix seconds of L2
    """
    bids, asks = (_priced(side, steps) for side in book)
    return BookReport(
        best_bid_wad=bids[0][0] * steps.tick_wad if bids else 0,
        best_ask_wad=asks[0][0] * steps.tick_wad if asks else 0,
        impact_bid_wad=floor_to(_impact_wad(bids, steps, impact_wad, is_up=False), QUANTUM_WAD),
        impact_ask_wad=ceil_to(_impact_wad(asks, steps, impact_wad, is_up=True), QUANTUM_WAD),
        depth_wad=depth_wad,
        timestamp=timestamp,
    )


def depth_near_wad(book: BookView, steps: Steps, mark_wad: int) -> int:
    """Return the notional within DEPTH_PIPS of the mark, of the side that has less, rounded down."""
    low, high = mark_wad * (PIPS - DEPTH_PIPS), mark_wad * (PIPS + DEPTH_PIPS)

    def near(levels: Iterable[Level]) -> int:
        units = sum(ticks * lots for ticks, lots in levels if low <= ticks * steps.tick_wad * PIPS <= high)
        return units * steps.tick_wad * steps.lot_wad // WAD

    return min(near(book.bids), near(book.asks))


class Depths:
    """The least depth of the last DEPTH_MINUTES, each minute averaged over its time.

    A hole of a moment, as when quotes are replaced, weighs what it lasted; depth that is shown for a moment
    weighs no more. The minute that runs counts only while there is no whole one.
    """

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, int, int]] = deque()
        """Number, depth x milliseconds, milliseconds."""
        self._last: tuple[int, int] | None = None

    def note(self, depth_wad: int, now_ms: int) -> None:
        """Take a depth over, which stands from now on; a minute without one ends the one before."""
        if self._last is not None:
            last_wad, last_ms = self._last
            span = now_ms - last_ms
            if 0 < span <= _MINUTE_MS:
                self._weigh(now_ms // _MINUTE_MS, last_wad, span)
        self._last = depth_wad, now_ms
        while self._minutes and self._minutes[0][0] < now_ms // _MINUTE_MS - DEPTH_MINUTES:
            self._minutes.popleft()

    def least_wad(self) -> int:
        """Return the least average of a minute, rounded down; zero before the second depth."""
        whole = list(self._minutes)[:-1] or self._minutes
        return min((weighed // span for _, weighed, span in whole), default=0)

    def _weigh(self, minute: int, depth_wad: int, span: int) -> None:
        """Let a depth count in a minute for some milliseconds."""
        weighed, before = 0, 0
        if self._minutes and self._minutes[-1][0] == minute:
            _, weighed, before = self._minutes.pop()
        self._minutes.append((minute, weighed + depth_wad * span, before + span))


def _priced(levels: Iterable[Level], steps: Steps) -> list[Level]:
    """Leave out what the contract would not take for a price."""
    return [level for level in levels if level[0] * steps.tick_wad <= MAX_PRICE_WAD]


def _impact_wad(levels: Iterable[Level], steps: Steps, impact_wad: int, *, is_up: bool) -> int:
    """Return the average price of a notional taken from the best level on; zero if there is less."""
    wanted = ceil_div(impact_wad * WAD, steps.tick_wad * steps.lot_wad)
    rest, taken = wanted, 0
    for ticks, lots in levels:
        if ticks * lots >= rest:
            # Taken lots are `taken + rest / ticks`.
            average = wanted * ticks * steps.tick_wad, taken * ticks + rest
            return ceil_div(*average) if is_up else average[0] // average[1]
        rest -= ticks * lots
        taken += lots
    return 0
