"""What can go wrong for a client, by what to do about it."""

from typing import Any

from optimistic.protocol.errors import CriticalError, InvalidInput, TemporaryError


class Refused(InvalidInput):
    """The exchange refuses the request; `fix` says what to change.

    Attributes
    ----------
    code : kind of refusal, for programs
    body : the whole error object (reason, recovered address, typed data hash)
    """

    def __init__(self, body: dict[str, Any]) -> None:
        self.code = str(body.get("code", ""))
        self.fix = str(body.get("fix", ""))
        self.body = body
        super().__init__(f"{self.code}: {body.get('message', '')}; {self.fix}")


class Busy(TemporaryError):
    """The exchange asks to come back later; nothing of the request was taken in."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.code = str(body.get("code", ""))
        self.retry_after_ms = int(body.get("retryAfterMs", 1_000))
        super().__init__(f"{self.code}: {body.get('message', '')}")


class Unreachable(TemporaryError):
    """No answer: whether the exchange took the request in is unknown; ask with the client id."""


class ReceiptsNotKept(CriticalError):
    """The file of receipts cannot be read or written: what the exchange said could not be proven."""


def error_of(body: dict[str, Any]) -> Refused | Busy:
    """Return the exception that stands for an error object."""
    return Busy(body) if body.get("code") in ("rate_limited", "overloaded") else Refused(body)
