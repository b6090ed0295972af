"""Parents that are worked in slices."""

from dataclasses import dataclass
from typing import Final

from optimistic.protocol.matching.types import Twap

CATCH_UP: Final = 3
"""A slice is at most this many times the regular one."""


@dataclass(slots=True)
class TwapWork:
    """How far a parent has come."""

    twap: Twap
    start_ms: int
    slices_sent: int = 0
    traded: int = 0
    """Lots."""

    @property
    def slices(self) -> int:
        """Number of slices, at least one."""
        return max(1, self.twap.duration_ms // self.twap.interval_ms)

    @property
    def left(self) -> int:
        """Lots that are still to be traded."""
        return self.twap.order.lots - self.traded

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent."""
        return self.left == 0 or self.slices_sent == self.slices

    @property
    def next_ms(self) -> int:
        """When the next slice is due."""
        return self.start_ms + self.slices_sent * self.twap.interval_ms

    def next_slice(self, now_ms: int) -> tuple[int, int]:
        """Return (order id, lots) of the one slice to send now; lots may be 0.

        Slices missed meanwhile are made up for within the bound of `CATCH_UP`.
        """
        due = min((now_ms - self.start_ms) // self.twap.interval_ms + 1, self.slices)
        total, slices = self.twap.order.lots, self.slices
        scheduled = -(-total * due // slices)
        regular = -(-total // slices)
        lots = max(0, min(scheduled - self.traded, CATCH_UP * regular, self.left))
        child = self.twap.first_child_id + self.slices_sent
        self.slices_sent = due
        return child, lots
