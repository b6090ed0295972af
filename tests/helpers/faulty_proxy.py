"""A JSON-RPC proxy that fails and lies on demand; put it between a daemon and its L1.

Faults apply to requests as they come, by plan: always (`set`), or a part of them from a
seeded random source (`mix`). Everything else is passed on unchanged.
"""

import json
import random
import threading
from collections.abc import Mapping
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx


class Fault(StrEnum):
    """What goes wrong with one request."""

    TIMEOUT = "timeout"
    """No answer until the client gives up (or `release` is called)."""
    ERROR = "error"
    """A JSON-RPC error object."""
    HTTP_500 = "http_500"
    GARBAGE = "garbage"
    """An answer that is not JSON."""
    DISCONNECT = "disconnect"
    """The connection is closed without an answer."""
    ANSWER_LOST = "answer_lost"
    """The endpoint acts on the request, but its answer never arrives."""
    HEAD_AHEAD = "head_ahead"
    """Newest block: the true one with a number that is too high."""
    HEAD_BEHIND = "head_behind"
    """Newest block: an older one of the same chain."""
    NULL = "null"
    """`result` is null: no such block, receipt or transaction."""


_LIES_ABOUT_HEAD = (Fault.HEAD_AHEAD, Fault.HEAD_BEHIND)
_HEAD_METHODS = ("eth_getBlockByNumber", "eth_blockNumber")
_HEAD_SHIFT = 3


class FaultyProxy:
    """Listens on a free port of 127.0.0.1 and forwards to `upstream`; use as a context manager."""

    def __init__(self, upstream: str, *, seed: int = 0) -> None:
        self._upstream = upstream
        self._http = httpx.Client(timeout=60)
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._always: dict[str | None, Fault] = {}
        self._parts: dict[Fault, float] = {}
        self._released = threading.Event()
        self.requests: list[str] = []
        self.faults: list[tuple[str, Fault]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and let go of waiting requests."""
        self.release()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._http.close()

    # ------------------------------------------------------------------------------ plan

    def set(self, fault: Fault, method: str | None = None) -> None:
        """Apply a fault to every request of a method, or of all methods."""
        with self._lock:
            self._always[method] = fault
            self._released.clear()

    def mix(self, parts: Mapping[Fault, float]) -> None:
        """Apply each fault to a random part (0 to 1) of all requests; lies only where they make sense."""
        with self._lock:
            self._parts = dict(parts)
            self._released.clear()

    def heal(self) -> None:
        """Pass everything on again."""
        with self._lock:
            self._always.clear()
            self._parts.clear()
        self.release()

    def release(self) -> None:
        """Let requests that wait for their time-out end now."""
        self._released.set()

    # ------------------------------------------------------------------------------ requests

    def answer(self, body: bytes) -> tuple[int, bytes] | None:
        """Return status and body of the answer to a request; None closes the connection."""
        request = json.loads(body)
        method = str(request.get("method")) if isinstance(request, dict) else "batch"
        fault = self._choose(method, request)
        match fault:
            case None:
                return self._forward(body)
            case Fault.HEAD_AHEAD | Fault.HEAD_BEHIND:
                return self._lie(request, fault)
            case Fault.TIMEOUT:
                self._released.wait(120)
                return None
            case Fault.DISCONNECT:
                return None
            case Fault.ANSWER_LOST:
                self._forward(body)
                return None
            case Fault.HTTP_500:
                return 500, b"internal server error"
            case Fault.GARBAGE:
                return 200, b"<html>try again later</html>"
            case Fault.ERROR:
                return 200, _envelope(request, error={"code": -32_000, "message": "internal error"})
            case Fault.NULL:
                return 200, _envelope(request, result=None)

    def _choose(self, method: str, request: Any) -> Fault | None:
        with self._lock:
            self.requests.append(method)
            fault = self._always.get(method, self._always.get(None))
            if fault is None and self._parts:
                draw = self._random.random()
                for candidate, part in self._parts.items():
                    if draw < part:
                        fault = candidate
                        break
                    draw -= part
            if fault in _LIES_ABOUT_HEAD and not _asks_for_head(request):
                fault = None
            if fault is not None:
                self.faults.append((method, fault))
            return fault

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        response = self._http.post(self._upstream, content=body, headers={"Content-Type": "application/json"})
        return response.status_code, response.content

    def _lie(self, request: Any, fault: Fault) -> tuple[int, bytes]:
        status, body = self._forward(json.dumps(request).encode())
        result = json.loads(body)["result"]
        if isinstance(result, str):
            shift = _HEAD_SHIFT if fault is Fault.HEAD_AHEAD else -_HEAD_SHIFT
            return status, _envelope(request, result=hex(max(0, int(result, 16) + shift)))
        number = int(result["number"], 16)
        if fault is Fault.HEAD_AHEAD:
            return status, _envelope(request, result={**result, "number": hex(number + _HEAD_SHIFT)})
        older = {**request, "params": [hex(max(0, number - _HEAD_SHIFT)), *request["params"][1:]]}
        return self._forward(json.dumps(older).encode())


def _asks_for_head(request: Any) -> bool:
    if not isinstance(request, dict) or request.get("method") not in _HEAD_METHODS:
        return False
    return bool(request["method"] == "eth_blockNumber" or request.get("params", [None])[0] == "latest")


def _envelope(request: Any, **fields: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request.get("id"), **fields}).encode()


def _handler(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                answer = proxy.answer(body)
            except httpx.HTTPError as error:
                answer = (502, str(error).encode())
            if answer is None:
                self.close_connection = True
                return
            try:
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])
            except OSError:
                self.close_connection = True  # the client gave up

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    return Handler
