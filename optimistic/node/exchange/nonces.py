"""Which nonces an owner has used: a window of the highest ones, so that memory is bounded.

A nonce is taken once. When the window is full the lowest leaves it, and from then on no nonce at or
below that one is taken: whoever counts upwards (or uses the time) never notices.
"""

from heapq import heappop, heappush


class NonceWindow:
    """The nonces of one owner."""

    __slots__ = ("_heap", "_used", "floor")

    def __init__(self, floor: int = -1, used: tuple[int, ...] = ()) -> None:
        self.floor = floor
        """Nonces up to this one are too old."""
        self._used = set(used)
        self._heap = sorted(used)

    def __contains__(self, nonce: int) -> bool:
        return nonce in self._used

    def use(self, nonce: int, size: int) -> None:
        """Note a nonce; keep at most `size`."""
        self._used.add(nonce)
        heappush(self._heap, nonce)
        while len(self._heap) > size:
            self.floor = heappop(self._heap)
            self._used.discard(self.floor)

    def values(self) -> tuple[int, ...]:
        """Return the nonces in the window, ascending."""
        return tuple(sorted(self._heap))
