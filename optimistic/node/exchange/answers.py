"""What the exchange answers to a command: taken, with its number in the log, or refused, with the reason."""

from enum import StrEnum

import msgspec

from optimistic.node.exchange.receipts import SignedReceipt
from optimistic.protocol.matching.types import Reason
from optimistic.protocol.types import Address, Hash32


class Refusal(StrEnum):
    """Why a command was not taken; it left no trace."""

    INVALID = "invalid"
    UNKNOWN_MARKET = "unknown_market"
    MARKET_NOT_OPEN = "market_not_open"
    MARKET_REDUCE_ONLY = "market_reduce_only"
    HALTED = "halted"
    UNKNOWN_SUBACCOUNT = "unknown_subaccount"
    BAD_SIGNATURE = "bad_signature"
    NOT_A_SESSION_KEY = "not_a_session_key"
    EXPIRED = "expired"
    EXPIRES_TOO_LATE = "expires_too_late"
    NONCE_BELOW_FLOOR = "nonce_below_floor"
    NONCE_USED = "nonce_used"
    NONCE_TOO_OLD = "nonce_too_old"
    CLIENT_ID_TAKEN = "client_id_taken"
    FEE_CAP = "fee_cap_below_fee"
    PRICE_BAND = "price_out_of_band"
    STALE_PRICE = "stale_price"
    WOULD_TAKE = "would_take"
    """A post-only order that would slide: it trades at what is signed, so it has to be signed again."""
    ORDER_SIZE = "order_size"
    TOO_MANY_ORDERS = "too_many_orders"
    MARGIN = "margin"
    UNKNOWN_ORDER = "unknown_order"
    OVERLOADED = "overloaded"
    """Settlement or the queue is behind; the same command may be taken later."""
    STORAGE = "storage"
    """The log cannot be written; nothing was taken."""
    STOPPED = "stopped"


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The command is in the log; what it brought about comes as events."""

    seq: int
    ts_ms: int
    """Time of the log."""
    order_id: int = 0
    """Of the order placed, or of the one concerned; 0 for commands about many."""
    order_ids: tuple[int, ...] = ()
    """Of all orders of a quote tree."""
    receipt: SignedReceipt | None = None
    """Of signed orders."""
    refused_by_book: Reason | None = None
    """The engine turned the order away (post-only, fill-or-kill, reduce-only): it is over."""
    cancelled: int = 0
    """Orders that a cancel ended."""
    is_repeat: bool = False
    """The same order under the same client id was taken before; this is that answer again."""


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """The command was refused."""

    refusal: Refusal
    detail: str = ""
    """For people."""
    digest: Hash32 | None = None
    """What should have been signed, if the signature was wrong."""
    recovered: Address | None = None
    """Who signed it, if the signature was wrong."""
    ticks: int | None = None
    """The price at which the order would be taken, if it would take (`WOULD_TAKE`)."""


Answer = Ack | Reject
