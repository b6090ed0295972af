"""Signed batches for tests: orders, quote trees, fills, some of them wrong."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from random import Random
from typing import Final

from optimistic.protocol.settlement.batch_codec import Batch, Fill, SignedOrder, SignedQuotes
from optimistic.protocol.settlement.orders import (
    MAX_TICKS,
    POST_ONLY,
    REDUCE_ONLY,
    Order,
    Quotes,
    Steps,
    domain_separator,
    order_digest,
    quotes_digest,
)
from optimistic.protocol.settlement.quote_trees import Leaf, QuoteTree
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Hash32
from tests.helpers.settlement_setup import compact, key_of

Entry = tuple[Quotes | Order, Leaf | Order]
"""What is signed, and the side, size and price in it."""
FOREVER: Final = (1 << 40) - 1
FIRST: Final = MarketId(1)


class Trader:
    """A key and one of its subaccounts."""

    def __init__(self, number: int, id_: SubaccountId, separator: Hash32, steps: Steps) -> None:
        self.key, self.address = key_of(number)
        self.id, self._separator, self._steps = id_, separator, steps

    def order(
        self,
        lots: int,
        ticks: int,
        *,
        market: MarketId = FIRST,
        nonce: int = 0,
        flags: int = 0,
        fee_pips: int = 10_000,
        expiry: int = FOREVER,
    ) -> SignedOrder:
        """A signed order; negative lots sell."""
        order = Order(
            subaccount=self.id,
            market=market,
            is_buy=lots > 0,
            lots=abs(lots),
            ticks=ticks,
            max_fee_pips=fee_pips,
            expiry=expiry,
            nonce=nonce,
            flags=flags,
        )
        return self.sign(order)

    def sign(self, order: Order) -> SignedOrder:
        """Sign an order, whosever it is."""
        digest = order_digest(self._separator, order, self._steps)
        return SignedOrder(order=order, signature=compact(self.key, digest))

    def quotes(
        self, leaves: list[Leaf], shown: list[int], *, market: MarketId = FIRST, nonce: int = 0
    ) -> SignedQuotes:
        """A signed tree that shows some of its quotes."""
        tree = QuoteTree(leaves)
        quotes = Quotes(
            subaccount=self.id,
            market=market,
            max_fee_pips=10_000,
            expiry=FOREVER,
            nonce=nonce,
            root=tree.root,
        )
        signature = compact(self.key, quotes_digest(self._separator, quotes))
        return SignedQuotes(quotes=quotes, signature=signature, program=tree.program(shown))


def traders(count: int, first: int, chain_id: int, steps: Steps, number: int = 7_000) -> list[Trader]:
    """Traders with consecutive subaccounts."""
    separator = domain_separator(chain_id)
    return [Trader(number + i, SubaccountId(first + i), separator, steps) for i in range(count)]


class Batches:
    """Batches at random: orders around a price, most of them good, and fills between most that fit.

    Parameters
    ----------
    people : who trades
    markets : where
    middle : the price in ticks
    """

    def __init__(
        self, random: Random, people: list[Trader], markets: tuple[MarketId, ...], middle: int
    ) -> None:
        self._random, self._people, self._markets, self._middle = random, people, markets, middle
        self.nonce = 0
        self._seen: list[SignedOrder] = []
        self._lent: list[tuple[Trader, Trader]] = []

    def lend(self, owner: Trader, key: Trader) -> None:
        """Let some orders of an owner be signed by another's key."""
        self._lent.append((owner, key))

    def draw(self, now: int) -> Batch:
        """A batch at a time."""
        random = self._random
        quotes = tuple(self._quotes() for _ in range(random.choice((0, 0, 1, 2))))
        orders = tuple(self._order(now) for _ in range(random.randint(2, 10)))
        self._seen += orders
        named = {item.quotes.market for item in quotes} | {signed.order.market for signed in orders}
        extra = tuple(market for market in self._markets if market not in named and random.random() < 0.5)
        batch = Batch(quotes=quotes, orders=orders, extra_markets=extra)
        return replace(batch, fills=tuple(self._fills(batch)))

    def _lots(self) -> int:
        return self._random.choice((1, 10, 100, 1_000, 5_000, 13_000)) * self._random.randint(1, 3)

    def _ticks(self) -> int:
        if self._random.random() < 0.03:
            return self._random.choice((0, 1, 10**11, 10**11 + 1, MAX_TICKS))
        reach = self._random.choice((0, self._middle // 500, self._middle // 50, self._middle // 5))
        return self._middle + self._random.randint(-reach, reach)

    def _market(self) -> MarketId:
        return self._random.choice((self._markets[0], self._markets[0], *self._markets))

    def _quotes(self) -> SignedQuotes:
        random, count = self._random, self._random.randint(1, 6)
        leaves = [Leaf(i, random.random() < 0.5, self._lots(), self._ticks()) for i in range(count)]
        shown = [i for i in range(count) if random.random() < 0.7] or [0]
        self.nonce += 1
        trader = random.choice(self._people)
        return trader.quotes(leaves, shown, market=self._market(), nonce=self.nonce)

    def _order(self, now: int) -> SignedOrder:
        """Mostly a good order; sometimes one that was there before, or is forged, late, or cheap."""
        random = self._random
        if self._seen and random.random() < 0.1:
            return random.choice(self._seen)
        self.nonce += 1
        trader = random.choice(self._people)
        signed = trader.order(
            self._lots() * random.choice((-1, 1)),
            self._ticks(),
            market=self._market(),
            nonce=self.nonce,
            flags=random.choice((0,) * 12 + (4, REDUCE_ONLY, REDUCE_ONLY, POST_ONLY)),
            fee_pips=random.choice((10_000,) * 20 + (300, 0)),
            expiry=random.choice((FOREVER,) * 20 + (now, now - 1)),
        )
        if self._lent and random.random() < 0.2:
            owner, key = random.choice(self._lent)
            return key.sign(replace(signed.order, subaccount=owner.id))
        if random.random() < 0.04:
            return replace(signed, signature=random.choice(self._seen or [signed]).signature)
        if random.random() < 0.03:
            stranger = SubaccountId(random.choice((1, 2, 3, 99)))
            return trader.sign(replace(signed.order, subaccount=stranger))
        return signed

    def _fills(self, batch: Batch) -> Iterator[Fill]:
        random = self._random
        entries: list[Entry] = [(item.quotes, leaf) for item in batch.quotes for leaf in item.leaves]
        entries += [(signed.order, signed.order) for signed in batch.orders]
        places = range(len(entries))
        fitting = [pair for pair in permutations(places, 2) if _fit(entries[pair[0]], entries[pair[1]])]
        for _ in range(random.randint(1, 14)):
            is_wild = not fitting or random.random() < 0.1
            maker, taker = (
                (random.choice(places), random.choice(places)) if is_wild else random.choice(fitting)
            )
            most = min(entries[maker][1].lots, entries[taker][1].lots)
            yield Fill(maker, taker, random.choice((1, most, most, random.randint(1, most), most + 1)))


def _fit(maker: Entry, taker: Entry) -> bool:
    """Whether two entries could fill each other."""
    (mine, offered), (theirs, wanted) = maker, taker
    if mine.market != theirs.market or mine.subaccount == theirs.subaccount:
        return False
    if offered.is_buy == wanted.is_buy:
        return False
    return offered.ticks <= wanted.ticks if wanted.is_buy else offered.ticks >= wanted.ticks
