"""A small HTTP(S) server for ``/health`` and ``/metrics``."""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from optimistic.protocol.errors import CriticalError
from optimistic.service.metrics import PrometheusMetrics

_CONTENT_JSON = "application/json"
_CONTENT_METRICS = "text/plain; version=0.0.4; charset=utf-8"


class HealthServerFailed(CriticalError):
    """The health endpoint cannot be opened: address in use or unreadable certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthOptions:
    """Where to listen; port 0 takes a free one. A certificate turns HTTP into HTTPS."""

    host: str = "127.0.0.1"
    port: int = 0
    certificate: Path | None = None
    private_key: Path | None = None


class Health:
    """The process's state, written by its loops and read by the server.

    A part is healthy while it reported success later than failure; a process is healthy
    while all its parts are.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problems: dict[str, str | None] = {}
        self._facts: dict[str, Any] = {}

    def ok(self, part: str) -> None:
        """Report that `part` works."""
        with self._lock:
            self._problems[part] = None

    def failed(self, part: str, problem: str) -> None:
        """Report that `part` does not work at present."""
        with self._lock:
            self._problems[part] = problem

    def set_fact(self, name: str, value: Any) -> None:
        """Publish one JSON-serialisable fact, such as a head number."""
        with self._lock:
            self._facts[name] = value

    def snapshot(self) -> tuple[bool, Mapping[str, Any]]:
        """Return whether all parts work, and the document served at ``/health``."""
        with self._lock:
            problems = dict(self._problems)
            facts = dict(self._facts)
        healthy = all(problem is None for problem in problems.values())
        parts = {part: problem or "ok" for part, problem in sorted(problems.items())}
        return healthy, {"healthy": healthy, "parts": parts, **facts}


class HealthServer:
    """Serves ``/health`` (200 or 503) and ``/metrics`` from a thread of its own."""

    def __init__(
        self, options: HealthOptions, health: Health, metrics: PrometheusMetrics | None = None
    ) -> None:
        exposition = metrics.exposition if metrics is not None else None
        try:
            context = _tls_context(options)
            self._server = ThreadingHTTPServer((options.host, options.port), _handler(health, exposition))
        except OSError as error:
            raise HealthServerFailed(
                f"cannot serve health on {options.host}:{options.port}: {error}; "
                "choose another port or fix the certificate"
            ) from error
        self._server.daemon_threads = True
        if context is not None:
            # The handshake happens in the request's own thread: a silent client blocks nobody else.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _tls_context(options: HealthOptions) -> ssl.SSLContext | None:
    if options.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.private_key)
    return context


def _handler(health: Health, exposition: Callable[[], bytes] | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.split("?", 1)[0]
            if path in ("/health", "/healthz"):
                healthy, document = health.snapshot()
                self._answer(200 if healthy else 503, _CONTENT_JSON, json.dumps(document).encode())
            elif path == "/metrics" and exposition is not None:
                self._answer(200, _CONTENT_METRICS, exposition())
            else:
                self._answer(404, _CONTENT_JSON, b'{"error":"not found"}')

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the access log out of the process's own log."""

    return Handler
