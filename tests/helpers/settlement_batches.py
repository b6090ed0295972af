"""Signed batches for tests: orders, quote trees, fills, some of them wrong."""

from itertools import permutations
from typing import Final

from hypothesis import strategies as st

from optimistic.protocol.settlement.batch_codec import Batch, Fill, SignedOrder, SignedQuotes
from optimistic.protocol.settlement.orders import (
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


@st.composite
def batches(draw: st.DrawFn, people: list[Trader], now: int, markets: tuple[int, ...], middle: int) -> Batch:
    """Orders around a price of `middle` ticks, most of them good, and fills between any of them."""
    ticks = st.integers(max(1, middle - middle // 50), middle + middle // 50)
    lots = st.one_of(st.integers(1, 50), st.integers(1, 5_000))
    market = st.sampled_from(markets).map(MarketId)
    quotes = []
    for nonce in range(draw(st.integers(0, 2))):
        trader, n_leaves = draw(st.sampled_from(people)), draw(st.integers(1, 5))
        leaves = [Leaf(i, draw(st.booleans()), draw(lots), draw(ticks)) for i in range(n_leaves)]
        shown = [i for i in range(n_leaves) if draw(st.booleans())] or [0]
        quotes.append(trader.quotes(leaves, shown, market=draw(market), nonce=nonce))
    orders: list[SignedOrder] = []
    for nonce in range(draw(st.integers(2, 8))):
        trader = draw(st.sampled_from(people))
        signed = trader.order(
            draw(lots) * draw(st.sampled_from([-1, 1])),
            draw(ticks),
            market=draw(market),
            nonce=100 + nonce,
            flags=draw(st.sampled_from([0, 0, 0, 0, 0, REDUCE_ONLY, POST_ONLY, 4])),
            fee_pips=draw(st.sampled_from([10_000, 10_000, 10_000, 10_000, 300, 0])),
            expiry=draw(st.sampled_from([FOREVER, FOREVER, FOREVER, FOREVER, now, now - 1])),
        )
        if draw(st.integers(0, 15)) == 0:
            signed = SignedOrder(
                order=signed.order, signature=draw(st.sampled_from(orders or [signed])).signature
            )
        orders.append(signed)
    batch = Batch(quotes=tuple(quotes), orders=tuple(orders))
    fills = draw(st.lists(_fills(batch, lots), min_size=1, max_size=14))
    named = {item.quotes.market for item in quotes} | {signed.order.market for signed in orders}
    extra = tuple(MarketId(number) for number in markets if number not in named and draw(st.booleans()))
    return Batch(quotes=batch.quotes, orders=batch.orders, fills=tuple(fills), extra_markets=extra)


def _fills(batch: Batch, lots: st.SearchStrategy[int]) -> st.SearchStrategy[Fill]:
    """Fills of a batch, most of them between two that fit."""
    entries: list[Entry] = [(item.quotes, leaf) for item in batch.quotes for leaf in item.leaves]
    entries += [(signed.order, signed.order) for signed in batch.orders]
    fitting = [
        (maker, taker)
        for maker, taker in permutations(range(len(entries)), 2)
        if _fit(entries[maker], entries[taker])
    ]
    anything = st.tuples(st.integers(0, len(entries) - 1), st.integers(0, len(entries) - 1))
    pairs = st.one_of(*[st.sampled_from(fitting)] * 3, anything) if fitting else anything
    return st.builds(lambda pair, size: Fill(pair[0], pair[1], size), pairs, lots)


def _fit(maker: Entry, taker: Entry) -> bool:
    """Whether two entries could fill each other."""
    (mine, offered), (theirs, wanted) = maker, taker
    if mine.market != theirs.market or mine.subaccount == theirs.subaccount:
        return False
    if offered.is_buy == wanted.is_buy:
        return False
    return offered.ticks <= wanted.ticks if wanted.is_buy else offered.ticks >= wanted.ticks
