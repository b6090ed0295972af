"""What the engine says: tuples, because there are hundreds of thousands a second."""

from typing import NamedTuple

from optimistic.protocol.matching.types import Reason, Side


class Accepted(NamedTuple):
    """An order was taken in; fills of its own follow, then, if lots are left, it rests."""

    order: int
    price: int
    """Ticks; another than asked for if it slid."""
    lots: int


class Rejected(NamedTuple):
    """An order or an amendment was not taken in; nothing changed."""

    order: int
    reason: Reason


class Fill(NamedTuple):
    """Two orders traded at the maker's price."""

    maker: int
    taker: int
    price: int
    lots: int
    taker_side: Side
    maker_left: int
    """Lots of the maker that are still open."""
    taker_left: int


class Resized(NamedTuple):
    """An order has fewer lots open than before, without a fill, and keeps its place."""

    order: int
    lots: int


class Requeued(NamedTuple):
    """An order lost its place: amended in price or upwards, or an iceberg's next part."""

    order: int
    price: int
    lots: int
    """Lots open."""
    visible: int


class Triggered(NamedTuple):
    """A stop became an order; its events follow."""

    order: int


class Done(NamedTuple):
    """An order is over; nothing about it follows."""

    order: int
    reason: Reason
    lots: int
    """Lots that did not trade."""


Event = Accepted | Rejected | Fill | Resized | Requeued | Triggered | Done
