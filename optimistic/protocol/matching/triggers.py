"""Stops that wait for a price."""

from bisect import bisect_left, insort
from collections.abc import Iterable

from optimistic.protocol.matching.types import Stop, TriggerSource, TriggerWhen

_Key = tuple[int, int, int]
"""Trigger price, arrival, order id."""


class StopBook:
    """Stops by the price they listen to; they wake in the order in which they arrived."""

    def __init__(self) -> None:
        self.stops: dict[int, Stop] = {}
        """By order id, first come first."""
        self._arrivals: dict[int, int] = {}
        self._next_arrival = 0
        self._waiting: dict[tuple[TriggerSource, TriggerWhen], list[_Key]] = {
            (source, when): [] for source in TriggerSource for when in TriggerWhen
        }

    def add(self, stop: Stop) -> None:
        """Let a stop wait."""
        id_, arrival = stop.order.id, self._next_arrival
        self._next_arrival += 1
        self.stops[id_] = stop
        self._arrivals[id_] = arrival
        insort(self._waiting[stop.source, stop.when], (stop.trigger, arrival, id_))

    def remove(self, id_: int) -> Stop:
        """Take a stop out."""
        stop = self.stops.pop(id_)
        key = (stop.trigger, self._arrivals.pop(id_), id_)
        waiting = self._waiting[stop.source, stop.when]
        del waiting[bisect_left(waiting, key)]
        return stop

    def wake(self, source: TriggerSource, below: int, above: int) -> list[Stop]:
        """Take out the stops that a price of `source` wakes, first come first.

        Parameters
        ----------
        below, above : the price in ticks, rounded down and up
        """
        rising = self._waiting[source, TriggerWhen.AT_OR_ABOVE]
        falling = self._waiting[source, TriggerWhen.AT_OR_BELOW]
        up_to = bisect_left(rising, (below + 1,))
        from_ = bisect_left(falling, (above,))
        if not up_to and from_ == len(falling):
            return []
        return self._take(sorted([*rising[:up_to], *falling[from_:]], key=lambda key: key[1]))

    def _take(self, keys: Iterable[_Key]) -> list[Stop]:
        """Take stops out by their keys."""
        return [self.remove(id_) for _, _, id_ in keys]
