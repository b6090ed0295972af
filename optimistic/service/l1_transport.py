"""How JSON-RPC requests reach L1; one transport per kind of endpoint."""

import threading
from collections.abc import Sequence
from typing import Any, Final, Protocol

from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

from optimistic.service.clock import Clock
from optimistic.service.l1_errors import JsonRpcError, L1Unavailable
from optimistic.service.logging import strip_credentials

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.1
_ONCE: Final = frozenset({"eth_sendRawTransaction", "eth_getLogs"})
"""Sending is not repeated; a range of logs that is too wide is split by the client."""


class L1Transport(Protocol):
    """Sends one request and returns its `result`."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """Return the JSON value of `result`.

        Raises
        ------
        L1Unavailable : no usable answer
        JsonRpcError : the endpoint answered with an error object
        """


class HttpTransport:
    """A JSON-RPC endpoint behind an http(s) URL; safe from any thread.

    Parameters
    ----------
    url : the endpoint; credentials in it are never logged
    timeout_ms : longest wait for connecting, and for each part of the answer
    """

    def __init__(self, url: str, *, timeout_ms: int = 10_000) -> None:
        self._shown = strip_credentials(url)
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout_ms / 1000}, exception_retry_configuration=None
        )

    def __repr__(self) -> str:
        return f"HttpTransport({self._shown})"

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """Send one request; see `L1Transport.request`."""
        try:
            response: Any = self._provider.make_request(RPCEndpoint(method), list(params))
        except (OSError, Web3Exception, ValueError, TypeError) as error:
            raise L1Unavailable(f"{self._shown} {method}: {type(error).__name__}") from error
        return unwrap(response, f"{self._shown} {method}")


class RetryingTransport:
    """Another transport whose reads get a second and a third chance before they count as failed.

    For turns that make dozens of requests and need all of them: through an endpoint that fails
    one in ten they would never end. Reading again is harmless, sending again is the transaction
    manager's job.
    """

    def __init__(self, transport: L1Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._never = threading.Event()

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """Send one request; see `L1Transport.request`."""
        attempts = 1 if method in _ONCE else _ATTEMPTS
        for attempt in range(1, attempts):
            try:
                return self._transport.request(method, params)
            except L1Unavailable:
                self._clock.wait(self._never, attempt * _PAUSE_S)
            except JsonRpcError as error:
                if error.data is not None:
                    raise  # a revert: asking again gives the same
        return self._transport.request(method, params)


def unwrap(response: Any, context: str) -> Any:
    """Return the `result` of a JSON-RPC response object.

    Raises
    ------
    JsonRpcError : it carries an error object
    L1Unavailable : it is no response object at all
    """
    if not isinstance(response, dict):
        raise L1Unavailable(f"{context}: the answer is not a JSON-RPC object")
    error = response.get("error")
    if isinstance(error, dict):
        code = error.get("code")
        raise JsonRpcError(
            code if isinstance(code, int) else -32_000, str(error.get("message", "")), error.get("data")
        )
    if error is not None:
        raise JsonRpcError(-32_000, str(error))
    if "result" not in response:
        raise L1Unavailable(f"{context}: the answer has neither result nor error")
    return response["result"]
