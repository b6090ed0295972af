"""Price levels with time priority."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator

from optimistic.protocol.matching.types import Order, Side

Level = OrderedDict[int, Order]
"""Orders of one price by id, first come first."""


class BookSide:
    """One side of a book.

    Prices are kept as keys that grow towards the best one, so that the best is the last of a
    sorted list and comes and goes in constant time.
    """

    __slots__ = ("best", "keys", "levels", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = 1 if side is Side.BUY else -1
        self.levels: dict[int, Level] = {}
        """Price -> level; none is empty."""
        self.keys: list[int] = []
        """sign · price, ascending: the best price is last."""
        self.best: int | None = None
        """Ticks; None while the side is empty."""

    def add(self, order: Order) -> None:
        """Put an order behind those of its price."""
        price = order.price
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = OrderedDict()
            key = self.sign * price
            keys = self.keys
            if not keys or key > keys[-1]:
                keys.append(key)
                self.best = price
            else:
                insort(keys, key)
        level[order.id] = order

    def drop(self, price: int) -> None:
        """Take an empty level out."""
        del self.levels[price]
        keys = self.keys
        if price == self.best:
            keys.pop()
            self.best = self.sign * keys[-1] if keys else None
        else:
            del keys[bisect_left(keys, self.sign * price)]

    def crosses(self, price: int) -> bool:
        """Whether an opposite order at `price` would trade."""
        best = self.best
        return best is not None and self.sign * (best - price) >= 0

    def prices(self) -> Iterator[int]:
        """Yield the prices, best first."""
        sign = self.sign
        return (sign * key for key in reversed(self.keys))

    def orders(self) -> Iterator[Order]:
        """Yield the orders in the order in which they would trade."""
        for price in self.prices():
            yield from self.levels[price].values()

    def depth(self, limit: int) -> list[tuple[int, int]]:
        """Return (price, visible lots) of the best `limit` levels."""
        found: list[tuple[int, int]] = []
        for price in self.prices():
            if len(found) == limit:
                break
            found.append((price, sum(order.visible for order in self.levels[price].values())))
        return found
