"""What clients get: one struct per answer and per pushed message.

Amounts in WAD (10^-18) are decimal strings, because JSON numbers are floats to many readers;
ticks, lots and numbers of things are JSON integers.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from optimistic.node.api.errors import ApiError, Code
from optimistic.node.exchange.answers import Ack, Answer, Refusal, Reject
from optimistic.node.exchange.events import OrderDone
from optimistic.node.exchange.receipts import SignedReceipt

Wad = Annotated[str, Meta(pattern="^-?[0-9]+$", description="10^-18 units, a whole number")]
Whole = Annotated[str, Meta(pattern="^[0-9]+$", description="a whole number")]
Hex = Annotated[str, Meta(pattern="^0x[0-9a-f]*$")]
Side = Literal["buy", "sell"]
FinalityName = Literal["soft", "posted", "final", "busted"]
LevelOut = tuple[int, int]


class Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Base of what goes out; see `Wire` for the garbage collector."""


class ErrorOut(Out, frozen=True, kw_only=True):
    """A refusal: `code` is for programs, `message` says what happened, `fix` what to do."""

    code: str
    message: str
    fix: str
    reason: str | UnsetType = UNSET
    """Why the exchange refused the command."""
    typed_data_hash: Hex | UnsetType = UNSET
    """What should have been signed."""
    recovered: Hex | UnsetType = UNSET
    """Who signed that hash."""
    ticks: int | UnsetType = UNSET
    """The price to sign instead, of a post-only order that would have to slide."""
    retry_after_ms: int | UnsetType = UNSET


class FailureOut(Out, frozen=True, kw_only=True):
    """The body of every HTTP answer that is not 200."""

    error: ErrorOut


class TimeOut(Out, frozen=True, kw_only=True):
    """The clock that nonces and expiries are compared with."""

    time_ms: int


class LimitsOut(Out, frozen=True, kw_only=True):
    """Margin, fees and caps of a market; the words are those of IMarkets.Limits."""

    initial_pips: int
    size_margin_pips: int
    maintenance_pips: int
    volatility_pips: int
    mark_band_pips: int
    open_interest_cap_wad: Wad
    position_cap_wad: Wad
    min_notional_wad: Wad


class MarketOut(Out, frozen=True, kw_only=True):
    """A market. A price in ticks times `tickWad`, a size in lots times `lotWad`, are WAD."""

    market: int
    feed: int
    kind: str
    status: str
    expiry: int
    tick_wad: Wad
    lot_wad: Wad
    price_quantum_wad: Wad
    size_quantum_wad: Wad
    taker_fee_pips: int
    maker_fee_pips: int
    index_wad: Wad
    mark_wad: Wad
    funding_8h_wad: Wad
    priced_at: int
    open_interest_wad: Wad
    limits: LimitsOut | None


class MarketsOut(Out, frozen=True, kw_only=True):
    """All markets, and what orders are signed for."""

    chain_id: int
    clearing: Hex
    receipt_signer: Hex
    markets: list[MarketOut]


class BookOut(Out, frozen=True, kw_only=True):
    """A book's levels, best first; `sequence` is the last change in it."""

    type: Literal["book_snapshot"] = "book_snapshot"
    market: int
    sequence: int
    bids: list[LevelOut]
    asks: list[LevelOut]
    checksum: int
    """CRC-32 of the best ten levels a side."""


class BookChangeOut(Out, frozen=True, kw_only=True):
    """Levels that changed; `previous` is the `sequence` of the message before on this channel."""

    type: Literal["book"] = "book"
    market: int
    sequence: int
    previous: int
    time_ms: int
    bids: tuple[LevelOut, ...]
    asks: tuple[LevelOut, ...]
    checksum: int


class TradeOut(Out, frozen=True, kw_only=True):
    """A match, as everybody sees it."""

    trade: int
    side: Side
    """Of the taker."""
    ticks: int
    lots: int
    time_ms: int


class TradesOut(Out, frozen=True, kw_only=True):
    """Trades of a market."""

    type: Literal["trades"] = "trades"
    market: int
    sequence: int
    previous: int
    trades: list[TradeOut]


class PricesOut(Out, frozen=True, kw_only=True):
    """Prices of a market on the chain."""

    type: Literal["prices"] = "prices"
    market: int
    sequence: int
    previous: int
    index_wad: Wad
    mark_wad: Wad
    funding_8h_wad: Wad
    priced_at: int


class ReceiptOut(Out, frozen=True, kw_only=True):
    """The exchange's signed promise that an order is number `seq`, after the receipt `prev`."""

    order_hash: Hex
    seq: int
    prev: Hex
    ts_ms: int
    signature: Hex


class TakenOut(Out, frozen=True, kw_only=True, tag_field="status", tag="taken"):
    """A command that is in the log."""

    seq: int
    time_ms: int
    order_id: int
    """Of the order placed, cancelled or made smaller; 0 for commands about many."""
    order_ids: tuple[int, ...] | UnsetType = UNSET
    receipt: ReceiptOut | UnsetType = UNSET
    over: str | UnsetType = UNSET
    """The book turned the order away at once, with this reason."""
    cancelled: int | UnsetType = UNSET
    is_repeat: bool | UnsetType = UNSET


class RefusedOut(Out, frozen=True, kw_only=True, tag_field="status", tag="refused"):
    """A command that left no trace."""

    error: ErrorOut


class ResultsOut(Out, frozen=True, kw_only=True):
    """One result per command, in the order of the request."""

    results: list[TakenOut | RefusedOut]


class OrderOut(Out, frozen=True, kw_only=True):
    """An order: open, or over with the reason."""

    order_id: int
    client_id: str
    subaccount: int
    market: int
    state: Literal["open", "over"]
    reason: str | UnsetType = UNSET
    side: Side | UnsetType = UNSET
    ticks: int | UnsetType = UNSET
    lots: int | UnsetType = UNSET
    """At first."""
    lots_left: int
    kind: str | UnsetType = UNSET
    time_in_force: Literal["gtc", "gtd", "ioc", "fok"] | UnsetType = UNSET
    post_only: bool | UnsetType = UNSET
    reduce_only: bool | UnsetType = UNSET
    display_lots: int | UnsetType = UNSET
    """That show at a time; 0: all."""
    expiry: int | UnsetType = UNSET
    order_hash: Hex | UnsetType = UNSET
    time_ms: int
    sequence: int | UnsetType = UNSET


class OrdersOut(Out, frozen=True, kw_only=True):
    """Orders of the caller, the open ones first."""

    orders: list[OrderOut]


class FillOut(Out, frozen=True, kw_only=True):
    """The caller's side of a trade."""

    trade: int
    market: int
    order_id: int
    client_id: str
    subaccount: int
    side: Side
    role: Literal["maker", "taker"]
    ticks: int
    lots: int
    lots_left: int
    time_ms: int
    sequence: int
    finality: FinalityName
    block: int | UnsetType = UNSET
    """L2 block that settled it."""
    fee_wad: Wad | UnsetType = UNSET
    bust: str | UnsetType = UNSET


class FillsOut(Out, frozen=True, kw_only=True):
    """Fills of the caller, newest first."""

    fills: list[FillOut]


class PositionOut(Out, frozen=True, kw_only=True):
    """A position; `matchedWad` counts trades that are not settled yet."""

    market: int
    settled_wad: Wad
    matched_wad: Wad
    mark_wad: Wad
    unsettled_pnl_wad: Wad
    notional_wad: Wad
    initial_wad: Wad
    maintenance_wad: Wad


class PositionsOut(Out, frozen=True, kw_only=True):
    """Positions of a subaccount."""

    subaccount: int
    positions: list[PositionOut]


class MarginOut(Out, frozen=True, kw_only=True):
    """Why the margin is what it is: both requirements, line by line, and the line that costs most."""

    subaccount: int
    cash_wad: Wad
    equity_wad: Wad
    initial_equity_wad: Wad
    initial_wad: Wad
    maintenance_wad: Wad
    reserved_wad: Wad
    """What open orders may add to the initial margin."""
    free_wad: Wad
    """Initial equity less initial margin and reserve; negative: only reducing orders are taken."""
    health_pips: int | None
    """Equity over maintenance margin; liquidation starts below 1,000,000. None without positions."""
    withdrawable_wad: Wad
    worst_market: int | None
    lines: list[PositionOut]
    block: int


class SubaccountsOut(Out, frozen=True, kw_only=True):
    """Subaccounts of the caller."""

    account: Hex
    subaccounts: list[int]


class DepositOut(Out, frozen=True, kw_only=True):
    """Cash or ether that came in."""

    subaccount: int
    asset: str
    amount: Whole
    """Units of the token, or wei."""
    block: int
    transaction_hash: Hex
    finality: FinalityName


class DepositsOut(Out, frozen=True, kw_only=True):
    """Deposits, newest first."""

    deposits: list[DepositOut]


class WithdrawalOut(Out, frozen=True, kw_only=True):
    """A withdrawal."""

    number: int
    subaccount: int
    asset: str
    amount: Whole
    recipient: Hex
    ready_at: int
    status: str
    block: int
    message_key: Hex | None
    finality: FinalityName


class WithdrawalsOut(Out, frozen=True, kw_only=True):
    """Withdrawals, newest first."""

    withdrawals: list[WithdrawalOut]


class WithdrawableOut(Out, frozen=True, kw_only=True):
    """What may leave a subaccount if asked for now, in units of the token or in wei."""

    subaccount: int
    asset: str
    most: Whole
    """No withdrawal of more is taken in."""
    at_once: Whole
    """Of it, what need not wait in line."""
    reason: str
    """Why no more may leave; empty if nothing holds the rest back."""
    amount: Whole
    """The amount asked about; `most` if none was."""
    ready_at: int | None
    """When that amount could be released, if asked for now; None if it is above `most` or zero."""


class GateOut(Out, frozen=True, kw_only=True):
    """Whether something may be done now, and if not why and until when."""

    name: str
    is_open: bool
    reason: str
    opens_at: int


class StatusOut(Out, frozen=True, kw_only=True):
    """How the exchange fares, and what is closed."""

    sequence: int
    live_orders: int
    unsettled_trades: int
    chain_block: int
    posted_block: int
    final_block: int
    is_overloaded: bool
    is_stopped: bool
    gates: list[GateOut]


class ChallengeOut(Out, frozen=True, kw_only=True):
    """What to sign to log in."""

    challenge: Hex
    expires_at: int
    chain_id: int


class SessionOut(Out, frozen=True, kw_only=True):
    """A login: send the token as ``Authorization: Bearer``."""

    account: Hex
    token: str
    expires_at: int


# ---------------------------------------------------------------------------------- from the exchange

_FIXES: Final[dict[str, str]] = {
    Refusal.INVALID: "see the message: a value of the order is out of its range",
    Refusal.MARKET_NOT_OPEN: "see the market's status at /v1/markets",
    Refusal.MARKET_REDUCE_ONLY: "send reduceOnly orders, or wait until the market is open again",
    Refusal.HALTED: "wait: see /v1/status; cancels work",
    Refusal.NOT_A_SESSION_KEY: "register the key with Clearing.setSessionKey, or sign with the owner's key",
    Refusal.EXPIRED: "compare your clock with /v1/time and sign a later expiry",
    Refusal.EXPIRES_TOO_LATE: "sign an earlier expiry",
    Refusal.NONCE_BELOW_FLOOR: "sign a nonce at or above Clearing.nonceFloor(owner); milliseconds of time do",
    Refusal.NONCE_USED: "sign a nonce that no other order has",
    Refusal.NONCE_TOO_OLD: "sign a larger nonce; milliseconds of time do",
    Refusal.CLIENT_ID_TAKEN: "cancel the order of that name, or choose another name",
    Refusal.FEE_CAP: "sign a maxFeePips of at least the market's fee",
    Refusal.PRICE_BAND: "move the price nearer to the mark",
    Refusal.STALE_PRICE: "wait for a price, or push signed observations to PriceOracle",
    Refusal.ORDER_SIZE: "send a smaller order",
    Refusal.TOO_MANY_ORDERS: "cancel some orders",
    Refusal.WOULD_TAKE: "sign it again at that price: an order trades at what is signed, or not at all",
    Refusal.MARGIN: "see the margin of the subaccount: deposit, cancel orders, or send reduceOnly orders",
    Refusal.STORAGE: "wait: the operator's disk cannot be written; nothing was taken",
    Refusal.STOPPED: "wait until the exchange is back; see /v1/status",
}
_CODES: Final = {
    Refusal.UNKNOWN_MARKET: Code.UNKNOWN_MARKET,
    Refusal.UNKNOWN_SUBACCOUNT: Code.UNKNOWN_SUBACCOUNT,
    Refusal.UNKNOWN_ORDER: Code.UNKNOWN_ORDER,
    Refusal.BAD_SIGNATURE: Code.BAD_SIGNATURE,
    Refusal.OVERLOADED: Code.OVERLOADED,
}
_OVERLOADED_MS: Final = 250


def hex_of(raw: bytes) -> str:
    """Return bytes as 0x-hexadecimal."""
    return "0x" + raw.hex()


def error_out(error: ApiError) -> ErrorOut:
    """Return the wire form of an error."""
    return msgspec.convert(error.to_json(), ErrorOut)


def result_out(answer: Answer) -> TakenOut | RefusedOut:
    """Return the wire form of the exchange's answer to one command."""
    return _refused(answer) if isinstance(answer, Reject) else _taken(answer)


def _taken(ack: Ack) -> TakenOut:
    return TakenOut(
        seq=ack.seq,
        time_ms=ack.ts_ms,
        order_id=ack.order_id,
        order_ids=ack.order_ids or UNSET,
        receipt=UNSET if ack.receipt is None else receipt_out(ack.receipt),
        over=UNSET if ack.refused_by_book is None else str(ack.refused_by_book),
        cancelled=ack.cancelled or UNSET,
        is_repeat=ack.is_repeat or UNSET,
    )


def receipt_out(signed: SignedReceipt) -> ReceiptOut:
    """Return the wire form of a receipt."""
    receipt = signed.receipt
    return ReceiptOut(
        order_hash="0x" + receipt.order_hash.hex(),
        seq=receipt.seq,
        prev="0x" + receipt.prev.hex(),
        ts_ms=receipt.ts_ms,
        signature="0x" + signed.signature.hex(),
    )


def _refused(reject: Reject) -> RefusedOut:
    code = _CODES.get(reject.refusal, Code.REJECTED)
    error = ApiError(code, reject.detail or str(reject.refusal), fix=_FIXES.get(reject.refusal, ""))
    return RefusedOut(
        error=ErrorOut(
            code=str(code),
            message=error.message,
            fix=error.fix,
            reason=str(reject.refusal),
            typed_data_hash=UNSET if reject.digest is None else hex_of(reject.digest),
            recovered=UNSET if reject.recovered is None else hex_of(reject.recovered),
            ticks=UNSET if reject.ticks is None else reject.ticks,
            retry_after_ms=_OVERLOADED_MS if code is Code.OVERLOADED else UNSET,
        )
    )


def done_out(done: OrderDone, sequence: int, ts_ms: int) -> OrderOut:
    """Return the wire form of an order that is over."""
    return OrderOut(
        order_id=done.order_id,
        client_id=done.client_id.decode(errors="replace"),
        subaccount=done.subaccount,
        market=done.market,
        state="over",
        reason=str(done.reason),
        lots_left=done.lots,
        time_ms=ts_ms,
        sequence=sequence,
    )
