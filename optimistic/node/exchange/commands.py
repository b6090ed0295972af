"""What may be asked of the exchange. Prices are ticks, quantities lots, times as named.

Orders are written to the log as they are here: new fields go to the end and have defaults.
"""

from enum import IntEnum

import msgspec

from optimistic.protocol.matching.types import SelfTrade, TriggerSource, TriggerWhen
from optimistic.protocol.types import Address


class OrderFlag(IntEnum):
    """Bits of the signed `flags` of an order; bits 2 and 3 are its time in force."""

    REDUCE_ONLY = 1
    POST_ONLY = 2
    TIME_IN_FORCE_SHIFT = 2


class Trigger(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Makes an order a stop or a take-profit."""

    source: TriggerSource
    when: TriggerWhen
    ticks: int


class Slices(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Makes an order the parent of equal immediate-or-cancel slices."""

    duration_ms: int
    interval_ms: int


class Place(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A signed order. The first nine fields are what the owner signed (EIP-712 `Order` of Clearing)."""

    subaccount: int
    market: int
    is_buy: bool
    lots: int
    ticks: int
    max_fee_pips: int
    expiry: int
    """Unix seconds; the chain refuses the order afterwards."""
    nonce: int
    flags: int
    """See `OrderFlag`."""

    signature: bytes
    """64 bytes, EIP-2098."""
    client_id: bytes = b""
    """At most 36 bytes, the owner's own name for the order; empty: none."""
    session: int = 0
    """Connection whose end cancels the order; 0: none."""
    slides: bool = False
    """A post-only order that would take moves behind the best price instead of being refused."""
    self_trade: SelfTrade = SelfTrade.CANCEL_NEWEST
    display: int = 0
    """Lots of an iceberg that show at a time; 0 shows all."""
    trigger: Trigger | None = None
    slices: Slices | None = None


class QuoteLeaf(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One order of a quote tree; its index is its place in the list."""

    is_buy: bool
    lots: int
    ticks: int


class PlaceQuotes(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Many orders under one signature over a Merkle root (EIP-712 `Quotes` of Clearing)."""

    subaccount: int
    market: int
    max_fee_pips: int
    expiry: int
    nonce: int
    leaves: tuple[QuoteLeaf, ...]
    signature: bytes
    client_id: bytes = b""
    """Names the first order; the others have none."""
    session: int = 0
    post_only: bool = True
    """A leaf that would take is refused."""


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """End one order of `owner`, named by id or by the owner's own name."""

    owner: Address
    order_id: int = 0
    client_id: bytes = b""
    subaccount: int | None = None
    """Only if the order is of this one."""


class Shrink(msgspec.Struct, frozen=True, kw_only=True):
    """Leave an order fewer lots in its place of the queue; needs no signature, the signed one covers it."""

    owner: Address
    order_id: int = 0
    client_id: bytes = b""
    subaccount: int | None = None
    """Only if the order is of this one."""
    lots: int
    """Open lots it keeps."""


class Replace(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel one order and place another with nothing in between.

    If `place` is refused at the door, or the one to be cancelled trades before, neither happens.
    """

    cancel: Cancel
    place: Place


class MassCancelWhy(IntEnum):
    """Who asked for a mass cancel."""

    ASKED = 0
    DISCONNECTED = 1
    KEY_CHANGED = 2
    """The owner changed a session key on the chain: what it signed may be worth nothing now."""
    RISK = 3
    """The owner has less than his open orders need; those that may only reduce stay."""
    SUBACCOUNT_GONE = 4
    """The block that opened the subaccount is no longer on the chain."""
    FEE_RAISED = 5
    """The market's fee is above what was signed."""


class MassCancel(msgspec.Struct, frozen=True, kw_only=True):
    """End all orders of `owner` for which everything that is named holds."""

    owner: Address
    subaccount: int | None = None
    market: int | None = None
    is_buy: bool | None = None
    session: int | None = None
    why: MassCancelWhy = MassCancelWhy.ASKED


class DeadMan(msgspec.Struct, frozen=True, kw_only=True):
    """Cancel all orders of `owner` unless the command comes again within `timeout_ms`; 0 disarms."""

    owner: Address
    timeout_ms: int


class Halt(msgspec.Struct, frozen=True, kw_only=True):
    """Operator: stop or resume taking orders in a market, or in all of them; cancels stay possible."""

    market: int | None
    is_halted: bool


Command = Place | PlaceQuotes | Cancel | Shrink | Replace | MassCancel | DeadMan | Halt
