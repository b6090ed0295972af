"""What endpoints mean by their error objects: nodes word the same thing in many ways."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from optimistic.service.l1_errors import ContractReverted, JsonRpcError, L1BlockMissing, L1RequestFailed

_CODE_REVERT: Final = 3
_CODE_LIMIT: Final = -32_005
_CODE_NOT_FOUND: Final = -32_001

_MISSING_BLOCK: Final = (
    "header not found",
    "block not found",
    "unknown block",
    "blockoutofrange",
    "block out of range",
    "hash not found",
    "not currently canonical",
    "hash is not canonical",
    "missing trie node",
    "resource not found",
    "no block found",
)
_TOO_WIDE: Final = (
    "query returned more than",
    "block range",
    "range too",
    "too many results",
    "response size",
    "limit exceeded",
    "query timeout",
    "more than 10000",
)
_EVM_FAILURES: Final = (
    "revert",
    "out of gas",
    "outofgas",
    "invalid opcode",
    "invalidfeopcode",
    "evm error",
    "stack ",
    "gas required exceeds",
)


class SendStatus(StrEnum):
    """What an endpoint said to a raw transaction."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    """Already in the pool or in a block."""
    NONCE_TOO_LOW = "nonce_too_low"
    UNDERPRICED = "underpriced"
    NO_FUNDS = "no_funds"
    REJECTED = "rejected"


_SEND_MESSAGES: Final = (
    (SendStatus.KNOWN, ("already known", "already imported", "known transaction", "already in mempool")),
    (
        SendStatus.NONCE_TOO_LOW,
        ("nonce too low", "nonce is too low", "invalid transaction nonce", "tx nonce"),
    ),
    (
        SendStatus.UNDERPRICED,
        ("underpriced", "max fee per gas less than block base fee", "fee too low", "feetoolow"),
    ),
    (SendStatus.NO_FUNDS, ("insufficient funds", "insufficient balance", "sender does not have enough")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReply:
    """The endpoint's answer to a raw transaction, with its words."""

    status: SendStatus
    message: str = ""


class RangeTooWide(L1RequestFailed):
    """The endpoint wants a smaller range of blocks."""


def classify(method: str, error: JsonRpcError) -> Exception:
    """Return the exception that says what an error object means for the caller of `method`."""
    text = error.message.lower()
    if method in ("eth_call", "eth_estimateGas"):
        payload = _revert_data(error.data)
        if payload is not None or error.code == _CODE_REVERT or any(part in text for part in _EVM_FAILURES):
            return ContractReverted(payload or b"", error.message)
    if method == "eth_getLogs" and (error.code == _CODE_LIMIT or any(part in text for part in _TOO_WIDE)):
        return RangeTooWide(str(error))
    if error.code == _CODE_NOT_FOUND or any(part in text for part in _MISSING_BLOCK):
        return L1BlockMissing(f"{method}: {error}")
    return L1RequestFailed(f"{method}: {error}")


def read_refusal(error: JsonRpcError) -> SendReply:
    """Return what the refusal of a raw transaction means."""
    text = error.message.lower()
    for status, phrases in _SEND_MESSAGES:
        if any(phrase in text for phrase in phrases):
            return SendReply(status=status, message=error.message)
    return SendReply(status=SendStatus.REJECTED, message=str(error))


def _revert_data(value: object) -> bytes | None:
    """Return the revert data of an error object: a hex string, or one inside an object."""
    if isinstance(value, dict):
        value = value.get("data")
    if not isinstance(value, str):
        return None
    digits = value.removeprefix("Reverted ").removeprefix("0x")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None
