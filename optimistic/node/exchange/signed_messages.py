"""Commands as the messages their owners signed."""

from typing import Any

from optimistic.node.exchange.commands import Place, PlaceQuotes
from optimistic.protocol.settlement.batch_codec import SignedOrder
from optimistic.protocol.settlement.orders import Order, Quotes
from optimistic.protocol.settlement.quote_trees import Leaf, QuoteTree
from optimistic.protocol.settlement.types import MarketId, SubaccountId


def order_of(place: Place) -> Order:
    """Return an order as its owner signed it."""
    return Order(
        subaccount=SubaccountId(place.subaccount),
        market=MarketId(place.market),
        is_buy=place.is_buy,
        lots=place.lots,
        ticks=place.ticks,
        max_fee_pips=place.max_fee_pips,
        expiry=place.expiry,
        nonce=place.nonce,
        flags=place.flags,
    )


def place_of(signed: SignedOrder, **extras: Any) -> Place:
    """Return the command of a signed order; `extras` are the terms that are not signed."""
    order = signed.order
    return Place(
        subaccount=order.subaccount,
        market=order.market,
        is_buy=order.is_buy,
        lots=order.lots,
        ticks=order.ticks,
        max_fee_pips=order.max_fee_pips,
        expiry=order.expiry,
        nonce=order.nonce,
        flags=order.flags,
        signature=signed.signature,
        **extras,
    )


def tree_of(quotes: PlaceQuotes) -> QuoteTree:
    """Return the tree over quotes; the index of a leaf is its place."""
    return QuoteTree(
        [Leaf(index, leaf.is_buy, leaf.lots, leaf.ticks) for index, leaf in enumerate(quotes.leaves)]
    )


def quotes_of(quotes: PlaceQuotes, tree: QuoteTree) -> Quotes:
    """Return quotes as their owner signed them."""
    return Quotes(
        subaccount=SubaccountId(quotes.subaccount),
        market=MarketId(quotes.market),
        max_fee_pips=quotes.max_fee_pips,
        expiry=quotes.expiry,
        nonce=quotes.nonce,
        root=tree.root,
    )
