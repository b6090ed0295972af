"""A book as its readers see it: visible lots by price, and the checksum by which copies are compared.

The exchange and its clients keep the same depth by the same rules, so a copy that has missed a
change has another checksum.

Source: docs/spec/14-exchange-api.md
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final
from zlib import crc32

from optimistic.protocol.matching.types import Side

CHECKSUM_LEVELS: Final = 10
"""Levels a side that the checksum covers."""

Level = tuple[int, int]
"""Ticks and visible lots."""

Change = tuple[int, int, int]
"""Side (0 buy, 1 sell), ticks, and the lots there from now on; 0 ends the level."""


class DepthSide:
    """The levels of one side, best first."""

    __slots__ = ("_keys", "_lots", "_sign")

    def __init__(self, side: Side) -> None:
        self._sign = -1 if side is Side.BUY else 1
        self._keys: list[int] = []
        """sign · ticks, ascending: the best level is first."""
        self._lots: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def set(self, ticks: int, lots: int) -> None:
        """Let a level have `lots`; 0 ends it."""
        key = self._sign * ticks
        if lots:
            if ticks not in self._lots:
                insort(self._keys, key)
            self._lots[ticks] = lots
        elif ticks in self._lots:
            del self._lots[ticks]
            del self._keys[bisect_left(self._keys, key)]

    def lots_at(self, ticks: int) -> int:
        """Return the visible lots of a level, 0 if there is none."""
        return self._lots.get(ticks, 0)

    def best(self, limit: int) -> list[Level]:
        """Return the best `limit` levels, best first."""
        return [(self._sign * key, self._lots[self._sign * key]) for key in self._keys[:limit]]


class Depth:
    """Both sides of a book."""

    __slots__ = ("sides",)

    def __init__(self, bids: Iterable[Level] = (), asks: Iterable[Level] = ()) -> None:
        self.sides = (DepthSide(Side.BUY), DepthSide(Side.SELL))
        for side, levels in zip(self.sides, (bids, asks), strict=True):
            for ticks, lots in levels:
                side.set(ticks, lots)

    def apply(self, changes: Iterable[Change]) -> None:
        """Take changes over, in order."""
        for side, ticks, lots in changes:
            self.sides[side].set(ticks, lots)

    def best(self, limit: int) -> tuple[list[Level], list[Level]]:
        """Return the best bids and asks, at most `limit` each."""
        return self.sides[0].best(limit), self.sides[1].best(limit)

    def checksum(self) -> int:
        """Return the CRC-32 of the best levels.

        The text is ``ticks:lots`` of the best ten bids, then of the best ten asks, best first,
        joined by commas, in ASCII.
        """
        bids, asks = self.best(CHECKSUM_LEVELS)
        return crc32(",".join(f"{ticks}:{lots}" for ticks, lots in (*bids, *asks)).encode())
