"""The lines in which withdrawals wait: so much may leave in an hour, and so much in a day.

A leaky bucket per window (the generic cell rate algorithm of ITU-T I.371). Its line ends at a time; an
amount x under the limit L per window w moves the end by x * w / L, rounded up, and its turn is w before it.
Twin: solidity/src/libraries/settlement/RateLine.sol
"""

from typing import Final, NamedTuple, Self

from optimistic.protocol.settlement.units import WAD, ceil_div

HOUR_S: Final = 3_600
DAY_S: Final = 86_400


class Place(NamedTuple):
    """By how much an amount has moved the ends of a line, in seconds with 18 decimals."""

    hour: int
    day: int


class RateLine(NamedTuple):
    """One asset's line, as `Collateral.lineOf` tells it; amounts are cash in WAD, or ether in wei."""

    hourly_limit: int
    """What may leave in an hour; above zero."""
    daily_limit: int
    hour_end_wad: int
    """Seconds with 18 decimals."""
    day_end_wad: int

    def place_of(self, amount: int) -> Place:
        """Return the place that an amount takes, rounded up."""
        return Place(
            ceil_div(amount * HOUR_S * WAD, self.hourly_limit),
            ceil_div(amount * DAY_S * WAD, self.daily_limit),
        )

    def joined(self, place: Place, time_s: int) -> Self:
        """Return the line with one place more, which starts no earlier than a time."""
        return self._replace(
            hour_end_wad=max(self.hour_end_wad, time_s * WAD) + place.hour,
            day_end_wad=max(self.day_end_wad, time_s * WAD) + place.day,
        )

    def left(self, place: Place) -> Self:
        """Return the line with a place given back, whether or not its turn has come."""
        return self._replace(
            hour_end_wad=self.hour_end_wad - place.hour, day_end_wad=self.day_end_wad - place.day
        )

    def ready_at(self, amount: int, time_s: int) -> int:
        """Return when an amount asked for at a time could be released, in Unix seconds."""
        line = self.joined(self.place_of(amount), time_s)
        turns = ceil_div(line.hour_end_wad, WAD) - HOUR_S, ceil_div(line.day_end_wad, WAD) - DAY_S
        return max(time_s, *turns)

    def at_once(self, time_s: int) -> int:
        """Return the greatest amount, rounded down, that could be released at the time itself."""
        return min(
            max(0, (time_s + window_s) * WAD - max(end_wad, time_s * WAD)) * limit // (window_s * WAD)
            for limit, end_wad, window_s in self._windows()
        )

    def _windows(self) -> tuple[tuple[int, int, int], ...]:
        """Return limit, end in seconds with 18 decimals and length in seconds of both windows."""
        return (
            (self.hourly_limit, self.hour_end_wad, HOUR_S),
            (self.daily_limit, self.day_end_wad, DAY_S),
        )
