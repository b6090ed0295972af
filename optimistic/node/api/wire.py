"""What clients send: one struct per message, turned into commands of the exchange.

JSON members are in camelCase and unknown ones are refused, so that a misspelt option is not
silently dropped. Prices are ticks, sizes are lots, both whole numbers.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from optimistic.node.api.errors import malformed
from optimistic.node.api.sessions import Rights, not_covered
from optimistic.node.exchange.commands import (
    Cancel,
    Command,
    DeadMan,
    MassCancel,
    OrderFlag,
    Place,
    PlaceQuotes,
    QuoteLeaf,
    Replace,
    Shrink,
    Slices,
    Trigger,
)
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.matching.types import SelfTrade, TimeInForce, TriggerSource, TriggerWhen
from optimistic.protocol.settlement.orders import MAX_EXPIRY, MAX_FEE_PIPS, MAX_LOTS, MAX_TICKS
from optimistic.protocol.settlement.signatures import compact_signature
from optimistic.protocol.types import Address, Hash32

Natural = Annotated[int, Meta(ge=0)]
Number64 = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Number32 = Annotated[int, Meta(ge=0, le=(1 << 32) - 1)]
Lots = Annotated[int, Meta(ge=1, le=MAX_LOTS, description="whole lots of the market")]
Ticks = Annotated[int, Meta(ge=1, le=MAX_TICKS, description="whole ticks of the market")]
FeePips = Annotated[int, Meta(ge=0, le=MAX_FEE_PIPS, description="millionths of the notional")]
Expiry = Annotated[int, Meta(ge=0, le=MAX_EXPIRY, description="Unix seconds")]
ClientId = Annotated[str, Meta(max_length=36, description="the owner's own name for an order")]
AddressHex = Annotated[str, Meta(min_length=42, max_length=42, description="0x and 40 hex digits")]
HashHex = Annotated[str, Meta(min_length=66, max_length=66, description="0x and 64 hex digits")]
SignatureHex = Annotated[
    str, Meta(min_length=130, max_length=132, description="0x and r, s, v (65 bytes) or EIP-2098 (64 bytes)")
]
RequestId = Annotated[str, Meta(max_length=64)] | int

_SELF_TRADE: Final = {mode.name.lower(): mode for mode in SelfTrade}
_TIME_IN_FORCE: Final = {kind.name.lower(): kind for kind in TimeInForce}
_SOURCE: Final = {source.name.lower(): source for source in TriggerSource}
_WHEN: Final = {when.name.lower(): when for when in TriggerWhen}


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False):
    """Base of what comes in; a message cannot hold itself, so the garbage collector need not look."""


class TriggerIn(Wire, frozen=True, kw_only=True):
    """Makes an order a stop or a take-profit."""

    source: Literal["last", "mark", "index"]
    when: Literal["at_or_above", "at_or_below"]
    ticks: Ticks


class SlicesIn(Wire, frozen=True, kw_only=True):
    """Makes an order a parent that is worked in equal immediate-or-cancel slices."""

    duration_ms: Annotated[int, Meta(ge=1)]
    interval_ms: Annotated[int, Meta(ge=1)]


class OrderIn(Wire, frozen=True, kw_only=True):
    """A signed order. Subaccount to nonce, and the flags, are what Clearing's EIP-712 `Order` says."""

    subaccount: Number64
    market: Number32
    side: Literal["buy", "sell"]
    lots: Lots
    ticks: Ticks
    max_fee_pips: FeePips
    expiry: Expiry
    nonce: Number64
    signature: SignatureHex
    time_in_force: Literal["gtc", "gtd", "ioc", "fok"] = "gtc"
    reduce_only: bool = False
    post_only: Literal["no", "reject", "slide"] = "no"
    client_id: ClientId = ""
    self_trade: Literal["cancel_newest", "cancel_oldest", "cancel_both", "decrement"] = "cancel_newest"
    display_lots: Natural = 0
    trigger: TriggerIn | None = None
    slices: SlicesIn | None = None


class QuoteIn(Wire, frozen=True, kw_only=True):
    """One leaf of a quote tree; its index is its place in the list."""

    side: Literal["buy", "sell"]
    lots: Lots
    ticks: Ticks


class QuotesIn(Wire, frozen=True, kw_only=True):
    """Many orders under one signature (EIP-712 `Quotes` of Clearing over the tree's root)."""

    subaccount: Number64
    market: Number32
    max_fee_pips: FeePips
    expiry: Expiry
    nonce: Number64
    quotes: list[QuoteIn]
    signature: SignatureHex
    client_id: ClientId = ""
    post_only: bool = True


class OrderName(Wire, frozen=True, kw_only=True):
    """One order of the caller: its number, or his own name for it."""

    order_id: Number64 = 0
    client_id: ClientId = ""


class AmendIn(Wire, frozen=True, kw_only=True):
    """Fewer lots for an order in its place of the queue (`lots`), or another order for it (`replacement`)."""

    order: OrderName
    lots: Lots | None = None
    replacement: OrderIn | None = None


class PlaceIn(Wire, frozen=True, kw_only=True):
    """Orders, and trees of quotes, taken or refused one by one, in this order."""

    orders: list[OrderIn] = []
    quotes: list[QuotesIn] = []
    cancel_on_disconnect: bool = False
    """End them when this WebSocket connection ends (after a login)."""


class CancelIn(Wire, frozen=True, kw_only=True):
    """Orders to cancel."""

    orders: list[OrderName]


class AmendsIn(Wire, frozen=True, kw_only=True):
    """Orders to amend."""

    amendments: list[AmendIn]
    cancel_on_disconnect: bool = False
    """End the replacements when this WebSocket connection ends."""


class CancelAllIn(Wire, frozen=True, kw_only=True):
    """All orders of the caller for which everything that is named holds."""

    subaccount: Number64 | None = None
    market: Number32 | None = None
    side: Literal["buy", "sell"] | None = None


class DeadManIn(Wire, frozen=True, kw_only=True):
    """Cancel all orders of the caller unless this comes again in time; 0 disarms."""

    timeout_ms: Annotated[int, Meta(ge=0, le=86_400_000)]


class LoginIn(Wire, frozen=True, kw_only=True):
    """A signed challenge."""

    account: AddressHex
    challenge: HashHex
    expires_at: Expiry
    signature: SignatureHex


# ---------------------------------------------------------------------------------- commands


def n_orders(message: PlaceIn) -> int:
    """Return how many orders a message places; a leaf of a tree is one."""
    return len(message.orders) + sum(len(tree.quotes) for tree in message.quotes)


def place_commands(message: PlaceIn, session: int) -> list[Command]:
    """Return the commands of a message, those of the trees last."""
    kept = session if message.cancel_on_disconnect else 0
    commands: list[Command] = [place_command(order, kept) for order in message.orders]
    commands += [_quotes_command(tree, kept) for tree in message.quotes]
    return commands


def place_command(order: OrderIn, session: int) -> Place:
    """Return the command of one order."""
    flags = _TIME_IN_FORCE[order.time_in_force] << OrderFlag.TIME_IN_FORCE_SHIFT
    if order.reduce_only:
        flags |= OrderFlag.REDUCE_ONLY
    if order.post_only != "no":
        flags |= OrderFlag.POST_ONLY
    special = order.trigger is not None or order.slices is not None
    return Place(
        subaccount=order.subaccount,
        market=order.market,
        is_buy=order.side == "buy",
        lots=order.lots,
        ticks=order.ticks,
        max_fee_pips=order.max_fee_pips,
        expiry=order.expiry,
        nonce=order.nonce,
        flags=flags,
        signature=signature_bytes(order.signature),
        client_id=order.client_id.encode(),
        session=session,
        slides=order.post_only == "slide",
        self_trade=_SELF_TRADE[order.self_trade],
        display=order.display_lots,
        trigger=_trigger(order.trigger) if special else None,
        slices=_slices(order.slices) if special else None,
    )


def _trigger(trigger: TriggerIn | None) -> Trigger | None:
    if trigger is None:
        return None
    return Trigger(source=_SOURCE[trigger.source], when=_WHEN[trigger.when], ticks=trigger.ticks)


def _slices(slices: SlicesIn | None) -> Slices | None:
    return None if slices is None else Slices(duration_ms=slices.duration_ms, interval_ms=slices.interval_ms)


def _quotes_command(tree: QuotesIn, session: int) -> PlaceQuotes:
    if not tree.quotes:
        raise malformed("a quote tree needs at least one quote")
    return PlaceQuotes(
        subaccount=tree.subaccount,
        market=tree.market,
        max_fee_pips=tree.max_fee_pips,
        expiry=tree.expiry,
        nonce=tree.nonce,
        leaves=tuple(
            QuoteLeaf(is_buy=quote.side == "buy", lots=quote.lots, ticks=quote.ticks) for quote in tree.quotes
        ),
        signature=signature_bytes(tree.signature),
        client_id=tree.client_id.encode(),
        session=session,
        post_only=tree.post_only,
    )


def subaccounts_of(message: PlaceIn | AmendsIn) -> set[int]:
    """Return the subaccounts whose orders a message brings."""
    if isinstance(message, PlaceIn):
        orders = {order.subaccount for order in message.orders}
        return orders | {tree.subaccount for tree in message.quotes}
    return {item.replacement.subaccount for item in message.amendments if item.replacement is not None}


def cancel_command(name: OrderName, rights: Rights) -> Cancel:
    """Return the command that cancels one order."""
    if bool(name.order_id) == bool(name.client_id):
        raise malformed("name an order by orderId or by clientId, and by one of them only")
    return Cancel(
        owner=rights.owner,
        order_id=name.order_id,
        client_id=name.client_id.encode(),
        subaccount=rights.subaccount,
    )


def amend_commands(message: AmendsIn, rights: Rights, session: int) -> list[Command]:
    """Return the commands of a message."""
    kept = session if message.cancel_on_disconnect else 0
    return [_amend_command(item, rights, kept) for item in message.amendments]


def _amend_command(amendment: AmendIn, rights: Rights, session: int) -> Command:
    cancel = cancel_command(amendment.order, rights)
    if (amendment.lots is None) == (amendment.replacement is None):
        raise malformed("an amendment needs lots or replacement, and one of them only")
    if amendment.replacement is not None:
        return Replace(cancel=cancel, place=place_command(amendment.replacement, session))
    assert amendment.lots is not None, "checked above"
    return Shrink(
        owner=cancel.owner,
        order_id=cancel.order_id,
        client_id=cancel.client_id,
        subaccount=cancel.subaccount,
        lots=amendment.lots,
    )


def cancel_all_command(message: CancelAllIn, rights: Rights) -> MassCancel:
    """Return the command that cancels what a message describes, as far as the caller may."""
    if message.subaccount is not None and not rights.cover(message.subaccount):
        raise not_covered(f"orders of subaccount {message.subaccount}", rights)
    return MassCancel(
        owner=rights.owner,
        subaccount=rights.subaccount if message.subaccount is None else message.subaccount,
        market=message.market,
        is_buy=None if message.side is None else message.side == "buy",
    )


def dead_man_command(message: DeadManIn, owner: Address) -> DeadMan:
    """Return the command that arms or disarms the switch."""
    return DeadMan(owner=owner, timeout_ms=message.timeout_ms)


# ---------------------------------------------------------------------------------- hexadecimal


def address_bytes(text: str) -> Address:
    """Return the 20 bytes of a 0x-address; the case of its letters does not matter."""
    return Address(_raw(text, 20, "an address"))


def hash_bytes(text: str) -> Hash32:
    """Return the 32 bytes of a 0x-hash."""
    return Hash32(_raw(text, 32, "a hash"))


def signature_bytes(text: str) -> bytes:
    """Return a signature in the 64 bytes of EIP-2098, from these or from r, s, v."""
    raw = _raw(text, 65 if len(text) == 132 else 64, "a signature")
    if len(raw) == 64:
        return raw
    r, s, v = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64]
    try:
        return compact_signature(r, s, (v - 27 if v >= 27 else v) & 1)
    except InvalidInput as error:
        raise malformed(f"{error}: sign with a library that follows EIP-2") from error


def _raw(text: str, length: int, what: str) -> bytes:
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise malformed(f"{text[:140]!r} is not hexadecimal") from error
    if len(raw) != length:
        raise malformed(f"{what} has {length} bytes, not {len(raw)}")
    return raw
