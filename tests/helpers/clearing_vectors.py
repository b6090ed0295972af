"""Vectors of what traders sign and of the batches that settle it."""

from typing import Any

from eth_keys.datatypes import PrivateKey

from optimistic.protocol.settlement.batch_codec import Batch, Fill, SignedOrder, SignedQuotes, encode
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
from optimistic.protocol.settlement.signatures import compact_signature
from optimistic.protocol.settlement.types import FIRST_SUBACCOUNT, MarketId, SubaccountId
from optimistic.protocol.types import Hash32

CHAIN_ID = 901
STEPS = Steps(tick_wad=10**17, lot_wad=10**14)
NOW = 1_700_000_000
KEYS = tuple(PrivateKey(bytes([i + 1]) * 32) for i in range(3))


def hexed(value: bytes) -> str:
    """Bytes as 0x-prefixed hex."""
    return "0x" + value.hex()


def signed(trader: int, digest: Hash32) -> bytes:
    """A trader's compact signature."""
    signature = KEYS[trader].sign_msg_hash(digest)
    return compact_signature(signature.r, signature.s, signature.v)


def order(trader: int, is_buy: bool, lots: int, ticks: int, flags: int = 0) -> Order:
    """An order in the first market, of the trader's subaccount."""
    return Order(
        subaccount=SubaccountId(FIRST_SUBACCOUNT + trader),
        market=MarketId(1),
        is_buy=is_buy,
        lots=lots,
        ticks=ticks,
        max_fee_pips=500,
        expiry=NOW,
        nonce=1_000 + trader,
        flags=flags,
    )


def signed_order(trader: int, terms: Order) -> SignedOrder:
    """An order with its trader's signature."""
    digest = order_digest(domain_separator(CHAIN_ID), terms, STEPS)
    return SignedOrder(order=terms, signature=signed(trader, digest))


def signed_quotes(trader: int, leaves: list[Leaf], places: list[int]) -> SignedQuotes:
    """A tree of quotes in the first market, some of them shown."""
    tree = QuoteTree(leaves)
    quotes = Quotes(
        subaccount=SubaccountId(FIRST_SUBACCOUNT + trader),
        market=MarketId(1),
        max_fee_pips=300,
        expiry=NOW + 5,
        nonce=2_000,
        root=tree.root,
    )
    signature = signed(trader, quotes_digest(domain_separator(CHAIN_ID), quotes))
    return SignedQuotes(quotes=quotes, signature=signature, program=tree.program(places))


def ladder(count: int) -> list[Leaf]:
    """Bids one tick apart."""
    return [Leaf(index=i, is_buy=True, lots=10 + i, ticks=1_000 - i) for i in range(count)]


ORDERS = (
    (0, order(0, True, 50, 1_000)),
    (1, order(1, False, 2**48 - 1, 2**40 - 1, REDUCE_ONLY)),
    (2, order(2, True, 1, 1, POST_ONLY | 1 << 2)),
    (0, order(0, False, 0, 0, 3 << 2)),
)
TREES = ((0, ladder(1), [0]), (0, ladder(2), [1]), (1, ladder(5), [0, 4]), (2, ladder(13), [3, 4, 5, 12]))


def order_vectors() -> list[dict[str, Any]]:
    """Orders with their digests and signatures."""
    cases = []
    for trader, terms in ORDERS:
        entry = signed_order(trader, terms)
        fields: dict[str, Any] = {
            "subaccount": hex(terms.subaccount),
            "market": hex(terms.market),
            "isBuy": terms.is_buy,
            "sizeWad": hex(terms.lots * STEPS.lot_wad),
            "priceWad": hex(terms.ticks * STEPS.tick_wad),
            "maxFeePips": hex(terms.max_fee_pips),
            "expiry": hex(terms.expiry),
            "nonce": hex(terms.nonce),
            "flags": hex(terms.flags),
        }
        digest = order_digest(domain_separator(CHAIN_ID), terms, STEPS)
        results = {"digest": hexed(digest), "signature": hexed(entry.signature)}
        cases.append(
            {"chainId": hex(CHAIN_ID), **fields, **results, "signer": KEYS[trader].public_key.to_address()}
        )
    return cases


def batch_vectors() -> list[dict[str, Any]]:
    """Batches that settle completely, and what they leave filled; trader i owns subaccount 16 + i."""
    one = signed_order(0, order(0, True, 50, 1_000)), signed_order(1, order(1, False, 30, 990))
    batches = [("two orders", Batch(orders=one, fills=(Fill(0, 1, 20), Fill(0, 1, 10))))]
    for trader, leaves, places in TREES:
        taker = (trader + 1) % len(KEYS)
        n_shown = len(places)
        fills = tuple(Fill(place, n_shown, 3 + place) for place in range(n_shown))
        batch = Batch(
            quotes=(signed_quotes(trader, leaves, places),),
            orders=(signed_order(taker, order(taker, False, 100, 1)),),
            fills=fills,
            extra_markets=(MarketId(2),),
        )
        batches.append((f"{n_shown} of {len(leaves)} quotes", batch))
    return [
        {"name": name, "chainId": hex(CHAIN_ID), "time": hex(NOW)} | described(batch)
        for name, batch in batches
    ]


def described(batch: Batch) -> dict[str, Any]:
    """Bytes of a batch, and lots per key and index afterwards."""
    separator = domain_separator(CHAIN_ID)
    names = [
        (quotes_digest(separator, item.quotes), leaf.index) for item in batch.quotes for leaf in item.leaves
    ]
    names += [(order_digest(separator, entry.order, STEPS), 0) for entry in batch.orders]
    filled = [0] * len(names)
    for fill in batch.fills:
        filled[fill.maker] += fill.lots
        filled[fill.taker] += fill.lots
    return {
        "owners": [key.public_key.to_address() for key in KEYS],
        "lotWad": hex(STEPS.lot_wad),
        "tickWad": hex(STEPS.tick_wad),
        "batch": hexed(encode(batch)),
        "nFills": len(batch.fills),
        "keys": [hexed(key) for key, _ in names],
        "indices": [index for _, index in names],
        "filled": filled,
    }
