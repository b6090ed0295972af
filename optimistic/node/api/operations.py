"""What may be asked over a WebSocket: operations, told apart by `op`, and the answers to them."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from optimistic.node.api.replies import BookOut, ErrorOut, Hex, Out, RefusedOut, TakenOut
from optimistic.node.api.wire import (
    AmendsIn,
    CancelAllIn,
    CancelIn,
    DeadManIn,
    LoginIn,
    Natural,
    Number64,
    PlaceIn,
    RequestId,
    Wire,
)

ChannelName = Annotated[str, Meta(max_length=32, description="book:N, trades:N, prices:N or account")]


class PlaceOp(PlaceIn, frozen=True, kw_only=True, tag_field="op", tag="place"):
    """Place orders and trees of quotes."""

    id: RequestId = 0


class AmendOp(AmendsIn, frozen=True, kw_only=True, tag_field="op", tag="amend"):
    """Amend orders."""

    id: RequestId = 0


class CancelOp(CancelIn, frozen=True, kw_only=True, tag_field="op", tag="cancel"):
    """Cancel orders."""

    id: RequestId = 0


class CancelAllOp(CancelAllIn, frozen=True, kw_only=True, tag_field="op", tag="cancelAll"):
    """Cancel many orders."""

    id: RequestId = 0


class DeadManOp(DeadManIn, frozen=True, kw_only=True, tag_field="op", tag="deadMan"):
    """Arm or disarm the dead-man switch."""

    id: RequestId = 0


class ChallengeOp(Wire, frozen=True, kw_only=True, tag_field="op", tag="challenge"):
    """Ask for something to sign."""

    id: RequestId = 0


class LoginOp(LoginIn, frozen=True, kw_only=True, tag_field="op", tag="login"):
    """Log the connection in."""

    id: RequestId = 0


class SubscribeOp(Wire, frozen=True, kw_only=True, tag_field="op", tag="subscribe"):
    """Hear a channel."""

    id: RequestId = 0
    channel: ChannelName
    after: Number64 | None = None
    """For `account`: replay what came after this sequence first."""
    depth: Natural = 50
    """For books: levels a side of the snapshot; changes of all levels follow."""


class UnsubscribeOp(Wire, frozen=True, kw_only=True, tag_field="op", tag="unsubscribe"):
    """No longer hear a channel."""

    id: RequestId = 0
    channel: ChannelName


class TimeOp(Wire, frozen=True, kw_only=True, tag_field="op", tag="time"):
    """Ask for the exchange's clock; also keeps a connection busy."""

    id: RequestId = 0


Operation = (
    PlaceOp
    | AmendOp
    | CancelOp
    | CancelAllOp
    | DeadManOp
    | ChallengeOp
    | LoginOp
    | SubscribeOp
    | UnsubscribeOp
    | TimeOp
)


class ResultsReply(Out, frozen=True, kw_only=True):
    """One result per order, tree, amendment or cancel, in the order of the request."""

    type: Literal["results"] = "results"
    id: RequestId
    results: list[TakenOut | RefusedOut]


class ErrorReply(Out, frozen=True, kw_only=True):
    """The whole message was refused; nothing of it was taken in."""

    type: Literal["error"] = "error"
    id: RequestId
    error: ErrorOut


class ChallengeReply(Out, frozen=True, kw_only=True):
    """What to sign."""

    type: Literal["challenge"] = "challenge"
    id: RequestId
    challenge: Hex
    expires_at: int
    chain_id: int


class LoginReply(Out, frozen=True, kw_only=True):
    """The connection speaks for an account from now on."""

    type: Literal["login"] = "login"
    id: RequestId
    account: Hex


class SubscribedReply(Out, frozen=True, kw_only=True):
    """A channel, and where it stands."""

    type: Literal["subscribed"] = "subscribed"
    id: RequestId
    channel: str
    sequence: int
    is_live: bool = True
    """False: there is more to replay; subscribe again after `sequence`."""
    snapshot: BookOut | UnsetType = UNSET


class UnsubscribedReply(Out, frozen=True, kw_only=True):
    """A channel that is no longer heard."""

    type: Literal["unsubscribed"] = "unsubscribed"
    id: RequestId
    channel: str


class TimeReply(Out, frozen=True, kw_only=True):
    """The exchange's clock."""

    type: Literal["time"] = "time"
    id: RequestId
    time_ms: int


Reply = (
    ResultsReply | ErrorReply | ChallengeReply | LoginReply | SubscribedReply | UnsubscribedReply | TimeReply
)

decode_operation: Final = msgspec.json.Decoder(Operation).decode
