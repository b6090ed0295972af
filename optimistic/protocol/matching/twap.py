"""Parents that are worked in slices."""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from optimistic.protocol.matching.types import Twap

CATCH_UP: Final = 3
"""A slice is at most this many times the regular one."""
_STALE_TIMES: Final = 1_024


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


class TwapBook:
    """Parents by the time of their next slice."""

    def __init__(self) -> None:
        self.works: dict[int, TwapWork] = {}
        """By the parent's id, first come first."""
        self._times: list[tuple[int, int]] = []
        """Heap of (time in ms, id); parents that ended before may still be in it."""

    def add(self, work: TwapWork) -> None:
        """Take a parent in."""
        self.works[work.twap.order.id] = work
        self.wait(work)

    def wait(self, work: TwapWork) -> None:
        """Let a parent wait for its next slice; forget the times of ended ones, once they are most."""
        if len(self._times) > 2 * len(self.works) + _STALE_TIMES:
            self._times = [entry for entry in self._times if self._is_current(entry)]
            heapify(self._times)
        heappush(self._times, (work.next_ms, work.twap.order.id))

    def remove(self, id_: int) -> TwapWork:
        """Take a parent out."""
        return self.works.pop(id_)

    @property
    def first_ms(self) -> int | None:
        """When the first slice is due; None without parents."""
        while self._times and not self._is_current(self._times[0]):
            heappop(self._times)
        return self._times[0][0] if self._times else None

    def take_due(self, now_ms: int) -> list[TwapWork]:
        """Return the parents whose next slice is due, by id; each must `wait` again, or be removed."""
        due: set[int] = set()
        while (first_ms := self.first_ms) is not None and first_ms <= now_ms:
            due.add(heappop(self._times)[1])
        return [self.works[id_] for id_ in sorted(due)]

    def _is_current(self, entry: tuple[int, int]) -> bool:
        """Whether a parent waits for this time."""
        work = self.works.get(entry[1])
        return work is not None and work.next_ms == entry[0]
