"""JSON-RPC errors: standard codes, and the texts that wallets and tools parse.

Source: JSON-RPC 2.0 §5.1, EIP-1474; codes 3 and -32000 as in go-ethereum.
"""

from typing import Final

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000
TIMED_OUT: Final = -32002
RESPONSE_TOO_LARGE: Final = -32003
LIMIT_EXCEEDED: Final = -32005
EXECUTION_REVERTED: Final = 3

_ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")
_PANIC_SELECTOR: Final = bytes.fromhex("4e487b71")

# Solidity's panic codes, worded as go-ethereum words them.
_PANIC_REASONS: Final = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}


class RpcError(Exception):
    """An error object that is sent to the client.

    Parameters
    ----------
    code : JSON-RPC error code
    message : one line for people and for the tools that match texts
    data : optional JSON value (hex revert data for code 3)
    """

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, object]:
        """The JSON-RPC error object."""
        body: dict[str, object] = {"code": self.code, "message": self.message}
        if self.data is not None:
            body["data"] = self.data
        return body


def invalid_params(message: str) -> RpcError:
    """Parameters of the wrong number, type or form."""
    return RpcError(INVALID_PARAMS, message)


def server_error(message: str) -> RpcError:
    """A well-formed request that the node cannot serve, such as an unknown block."""
    return RpcError(SERVER_ERROR, message)


def limit_exceeded(message: str) -> RpcError:
    """A request beyond a configured limit."""
    return RpcError(LIMIT_EXCEEDED, message)


def header_not_found() -> RpcError:
    """The block named by the request is not known."""
    return server_error("header not found")


def execution_reverted(output: bytes) -> RpcError:
    """The error for a call that ended in REVERT.

    Parameters
    ----------
    output : bytes returned by REVERT, any length
    """
    reason = revert_reason(output)
    message = "execution reverted" if reason is None else f"execution reverted: {reason}"
    return RpcError(EXECUTION_REVERTED, message, "0x" + output.hex())


def revert_reason(output: bytes) -> str | None:
    """The text of ``Error(string)`` or ``Panic(uint256)`` revert data, None for anything else."""
    selector, body = output[:4], output[4:]
    try:
        if selector == _ERROR_SELECTOR:
            return str(abi_decode(["string"], body)[0])
        if selector == _PANIC_SELECTOR:
            code = int(abi_decode(["uint256"], body)[0])
            return _PANIC_REASONS.get(code, f"unknown panic code: {code:#x}")
    except (DecodingError, UnicodeDecodeError, OverflowError):
        return None
    return None
