"""What a client is told when something is refused: a code, what happened, and what to do about it.

Source: docs/spec/14-exchange-api.md
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Kinds of refusal; a client branches on these, never on texts."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    NOT_FOUND = "not_found"
    UNKNOWN_MARKET = "unknown_market"
    UNKNOWN_SUBACCOUNT = "unknown_subaccount"
    UNKNOWN_ORDER = "unknown_order"
    BAD_SIGNATURE = "bad_signature"
    LOGIN_REQUIRED = "login_required"
    NOT_AUTHORISED = "not_authorised"
    CHALLENGE_EXPIRED = "challenge_expired"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    TOO_MANY_SUBSCRIPTIONS = "too_many_subscriptions"
    REPLAY_TOO_OLD = "replay_too_old"
    REJECTED = "rejected"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    fix: str


_KINDS: Final = {
    Code.MALFORMED: _Kind(400, "send what the OpenAPI document at /v1/openapi.json describes"),
    Code.TOO_LARGE: _Kind(413, "send fewer orders in one message"),
    Code.NOT_FOUND: _Kind(404, "see the paths in /v1/openapi.json"),
    Code.UNKNOWN_MARKET: _Kind(404, "take a market number from /v1/markets"),
    Code.UNKNOWN_SUBACCOUNT: _Kind(404, "deposit first: the first deposit opens a subaccount"),
    Code.UNKNOWN_ORDER: _Kind(
        404, "take the order hash from the receipt; orders that are over are listed too"
    ),
    Code.BAD_SIGNATURE: _Kind(
        401,
        "compare typedDataHash with the hash you signed; if they are equal, the wrong key signed: "
        "sign with the owner's key, or register a session key",
    ),
    Code.LOGIN_REQUIRED: _Kind(401, "sign a challenge: POST /v1/sessions/challenge, then POST /v1/sessions"),
    Code.NOT_AUTHORISED: _Kind(403, "log in as the owner of the subaccount or with a session key of his"),
    Code.CHALLENGE_EXPIRED: _Kind(401, "ask for a new challenge and sign it at once"),
    Code.RATE_LIMITED: _Kind(429, "wait for retryAfterMs; orders in one frame cost no more than one by one"),
    Code.OVERLOADED: _Kind(429, "wait for retryAfterMs and send again: nothing of this message was taken in"),
    Code.TOO_MANY_SUBSCRIPTIONS: _Kind(429, "unsubscribe from a channel, or open another connection"),
    Code.REPLAY_TOO_OLD: _Kind(410, "read /v1/orders and /v1/fills, then subscribe without `after`"),
    Code.REJECTED: _Kind(422, "see `reason`"),
    Code.INTERNAL: _Kind(500, "try again; if it stays, tell the operator the time of the request"),
}


class ApiError(Exception):
    """A refusal that is sent to the client.

    Parameters
    ----------
    code : what kind
    message : what happened, in one line
    fix : what to do about it; the kind's own words if none are given
    details : more fields of the error object (recovered address, reason, retry time)
    """

    def __init__(self, code: Code, message: str, *, fix: str = "", **details: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix or _KINDS[code].fix
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status that goes with it."""
        return _KINDS[self.code].status

    def to_json(self) -> dict[str, object]:
        """The error object."""
        return {"code": str(self.code), "message": self.message, "fix": self.fix, **self.details}


def malformed(message: str) -> ApiError:
    """A message that is not what the schema says."""
    return ApiError(Code.MALFORMED, message)


def rate_limited(retry_after_ms: int) -> ApiError:
    """A client that has used up its allowance."""
    return ApiError(
        Code.RATE_LIMITED, f"too many requests: wait {retry_after_ms} ms", retryAfterMs=retry_after_ms
    )


def overloaded(retry_after_ms: int) -> ApiError:
    """A server that has more work waiting than it will let wait."""
    return ApiError(
        Code.OVERLOADED,
        f"the exchange is busy: try again in {retry_after_ms} ms",
        retryAfterMs=retry_after_ms,
    )


def kinds() -> dict[Code, int]:
    """Return the HTTP status of every kind of refusal."""
    return {code: kind.status for code, kind in _KINDS.items()}
