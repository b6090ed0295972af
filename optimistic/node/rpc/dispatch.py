"""From request bytes to response bytes, with no sockets.

Parsing and running are two steps, so that a server can look at what a message
asks for before it chooses the thread to run it on.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import msgspec
import structlog

from optimistic.node.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RESPONSE_TOO_LARGE,
    TIMED_OUT,
    RpcError,
    server_error,
)
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import SESSION_METHODS, Cost, MethodTable, Session
from optimistic.protocol.errors import CriticalError, RollupError
from optimistic.protocol.mpt import MissingNode

log = structlog.get_logger(__name__)

_LIGHT_BATCH: Final = 8
_MAX_DEPTH: Final = 64
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_DEPTH_CHANGE: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a message; `error` is set when it is not a valid request."""

    id: object
    is_notification: bool
    method: str
    params: Params
    error: RpcError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A parsed body: one call, or a batch of them."""

    calls: tuple[Call, ...]
    is_batch: bool


def encode(value: object) -> bytes:
    """JSON bytes of a value made of dict, list, str, int, bool, None."""
    return _encoder.encode(value)


def response(request_id: object, result: object) -> bytes:
    """A success response."""
    return _encoder.encode({"jsonrpc": "2.0", "id": request_id, "result": result})


def failure(request_id: object, error: RpcError) -> bytes:
    """An error response."""
    return _encoder.encode({"jsonrpc": "2.0", "id": request_id, "error": error.to_json()})


class Dispatcher:
    """Runs requests against a table of methods; never raises for what a client sent.

    Parameters
    ----------
    methods : name to method
    limits : bounds on batches
    clock : monotonic seconds
    """

    def __init__(
        self, methods: MethodTable, limits: RpcLimits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._methods = methods
        self._limits = limits

    def parse(self, body: bytes) -> Message:
        """Split a body (UTF-8 JSON, a request or an array) into calls; what is wrong becomes an error."""
        if _is_too_deep(body):
            return _broken(RpcError(PARSE_ERROR, "parse error: nested too deeply"))
        try:
            value = _decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
            return _broken(RpcError(PARSE_ERROR, f"parse error: {exc}"))
        if not isinstance(value, list):
            return Message(calls=(_parse_call(value),), is_batch=False)
        if not value:
            return _broken(RpcError(INVALID_REQUEST, "empty batch"))
        if len(value) > self._limits.max_batch_items:
            return _broken(RpcError(INVALID_REQUEST, "batch too large"))
        return Message(calls=tuple(map(_parse_call, value)), is_batch=True)

    def cost(self, message: Message) -> Cost:
        """What the dearest call of the message takes; a long batch is never light."""
        least = Cost.LIGHT if len(message.calls) <= _LIGHT_BATCH else Cost.READ
        known = [method.cost for call in message.calls if (method := self._methods.get(call.method))]
        return max([least, *known])

    def run(self, message: Message, session: Session | None = None) -> bytes:
        """Run the calls in order; return the response bytes, empty for notifications only.

        Parameters
        ----------
        session : the connection that carries notifications, None over HTTP
        """
        if not message.is_batch:
            return self._answer(message.calls[0], session) or b""
        answers: list[bytes] = []
        size, deadline_s = 0, self._clock() + self._limits.max_batch_seconds
        for call in message.calls:
            if size > self._limits.max_batch_response_bytes:
                answer = _refused(call, RpcError(RESPONSE_TOO_LARGE, "response too large"))
            elif self._clock() > deadline_s:
                answer = _refused(call, RpcError(TIMED_OUT, "request timed out"))
            else:
                answer = self._answer(call, session)
            if answer is not None:
                answers.append(answer)
                size += len(answer)
        return b"[" + b",".join(answers) + b"]" if answers else b""

    def _answer(self, call: Call, session: Session | None) -> bytes | None:
        try:
            result = self._result(call, session)
        except RpcError as exc:
            return None if call.is_notification else failure(call.id, exc)
        return None if call.is_notification else response(call.id, result)

    def _result(self, call: Call, session: Session | None) -> object:
        if call.error is not None:
            raise call.error
        method = self._methods.get(call.method)
        try:
            if method is not None:
                return method.handler(call.params)
            return _session_result(call, session)
        except RpcError:
            raise
        except MissingNode as exc:
            raise server_error(f"historical state is not available: {exc}") from exc
        except CriticalError as exc:
            log.exception("rpc_method_failed", method=call.method)
            raise RpcError(INTERNAL_ERROR, "internal error") from exc
        except RollupError as exc:
            raise server_error(str(exc)) from exc
        except Exception as exc:
            # The boundary to clients: one bad request must not end the server.
            log.exception("rpc_method_failed", method=call.method)
            raise RpcError(INTERNAL_ERROR, "internal error") from exc


def _is_too_deep(body: bytes) -> bool:
    """Whether arrays and objects nest beyond the limit.

    The decoder recurses on the C stack and trusts Python's recursion limit, which the
    EVM raises: without this check a body of brackets would end the process.
    """
    if body.count(b"[") + body.count(b"{") <= _MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", body).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_DEPTH_CHANGE.__getitem__, brackets)), default=0) > _MAX_DEPTH


def _session_result(call: Call, session: Session | None) -> object:
    handler = SESSION_METHODS.get(call.method)
    if handler is None:
        raise RpcError(METHOD_NOT_FOUND, f"the method {call.method} does not exist/is not available")
    if session is None:
        raise RpcError(METHOD_NOT_FOUND, "notifications not supported")
    return handler(session, call.params)


def _refused(call: Call, error: RpcError) -> bytes | None:
    return None if call.is_notification else failure(call.id, error)


def _broken(error: RpcError) -> Message:
    call = Call(id=None, is_notification=False, method="", params=Params([]), error=error)
    return Message(calls=(call,), is_batch=False)


def _parse_call(value: object) -> Call:
    if not isinstance(value, dict):
        return _broken(RpcError(INVALID_REQUEST, "invalid request")).calls[0]
    request_id = value.get("id")
    error = _request_problem(value)
    params = value.get("params")
    return Call(
        id=request_id if isinstance(request_id, str | int | float) else None,
        is_notification="id" not in value and error is None,
        method=value["method"] if error is None else "",
        params=Params(params if isinstance(params, list) else []),
        error=error,
    )


def _request_problem(value: dict[str, object]) -> RpcError | None:
    if value.get("jsonrpc") != "2.0":
        return RpcError(INVALID_REQUEST, 'invalid request: jsonrpc must be "2.0"')
    if not isinstance(value.get("method"), str) or not value["method"]:
        return RpcError(INVALID_REQUEST, "invalid request: method must be a string")
    if isinstance(value.get("id"), bool | dict | list):
        return RpcError(INVALID_REQUEST, "invalid request: id must be a string, a number or null")
    if not isinstance(value.get("params"), list | None):
        return RpcError(INVALID_PARAMS, "non-array args")
    return None
