"""The HTTP and WebSocket server: an ASGI application in a uvicorn thread of its own.

This is the only asyncio code of the node. The event loop parses messages and
answers light ones; reads and transactions run on one small thread pool, calls
and traces on another.
"""

import asyncio
import ipaddress
import threading
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
import uvicorn
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from optimistic.node.listener import Listener, post, uvicorn_config
from optimistic.node.mempool import PooledTransaction
from optimistic.node.rpc.dispatch import Dispatcher, Message, failure
from optimistic.node.rpc.errors import limit_exceeded
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.options import RpcOptions
from optimistic.node.rpc.registry import Cost
from optimistic.node.rpc.subscriptions import SubscriptionHub
from optimistic.node.rpc.websocket import WebSocketSession, serve_websocket
from optimistic.protocol.errors import RollupError

log = structlog.get_logger(__name__)

_STOP_TIMEOUT_S: Final = 5
_CONTENT_TYPES: Final = frozenset((b"application/json", b"application/json-rpc", b"application/jsonrequest"))

Headers = Sequence[tuple[bytes, bytes]]


class RpcApp:
    """The ASGI application.

    Parameters
    ----------
    dispatcher : answers messages
    hub : live subscriptions
    options : who may ask, and limits
    """

    def __init__(self, dispatcher: Dispatcher, hub: SubscriptionHub, options: RpcOptions) -> None:
        self._dispatcher = dispatcher
        self._hub = hub
        self._options = options
        self._limits = options.limits
        self._pools = {
            cost: ThreadPoolExecutor(self._limits.workers, thread_name_prefix=f"rpc-{cost.name.lower()}")
            for cost in (Cost.READ, Cost.EXECUTE)
        }
        self._n_waiting = dict.fromkeys(self._pools, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request or one WebSocket connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    def close(self) -> None:
        """Stop the workers; a call that runs ends by itself."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._http_refusal(scope)
        if refusal is not None:
            await _send_response(send, refusal[0], refusal[1], b"text/plain")
            return
        if scope["method"] == "GET":
            await _send_response(send, 200, b"", b"text/plain")
            return
        body = await self._read_body(receive)
        if body is None:
            await _send_response(send, 413, b"content too large", b"text/plain")
            return
        reply = self._answer(body, None)
        payload = reply if isinstance(reply, bytes) else await reply
        await _send_response(send, 200 if payload else 204, payload, b"application/json")

    def _http_refusal(self, scope: Scope) -> tuple[int, bytes] | None:
        headers: Headers = scope["headers"]
        if not self._is_known_host(_header(headers, b"host")):
            return 403, b"invalid host specified"
        if scope["method"] not in ("POST", "GET"):
            return 405, b"method not allowed"
        if scope["method"] == "GET":
            return None
        if _header(headers, b"content-type").split(b";")[0].strip().lower() not in _CONTENT_TYPES:
            return 415, b"invalid content type, only application/json is supported"
        length = _header(headers, b"content-length")
        if length.isdigit() and int(length) > self._limits.max_body_bytes:
            return 413, b"content too large"
        return None

    async def _read_body(self, receive: Receive) -> bytes | None:
        chunks: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                return b""
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
            if size > self._limits.max_body_bytes:
                return None
            if not event.get("more_body", False):
                return b"".join(chunks)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = scope["headers"]
        await receive()
        if not self._is_known_host(_header(headers, b"host")) or not self._is_known_origin(headers):
            await send({"type": "websocket.close", "code": 1008})
            return
        await send({"type": "websocket.accept"})
        session = WebSocketSession(self._hub, self._limits)
        await serve_websocket(session, receive, send, self._answer)

    def _answer(self, body: bytes, session: WebSocketSession | None) -> bytes | Awaitable[bytes]:
        message = self._dispatcher.parse(body)
        cost = self._dispatcher.cost(message)
        if cost is Cost.LIGHT:
            return self._dispatcher.run(message, session)
        if self._n_waiting[cost] >= self._limits.max_waiting_calls:
            return _busy(message)
        return self._run_on_worker(cost, message, session)

    async def _run_on_worker(self, cost: Cost, message: Message, session: WebSocketSession | None) -> bytes:
        self._n_waiting[cost] += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pools[cost], self._dispatcher.run, message, session)
        finally:
            self._n_waiting[cost] -= 1

    def _is_known_host(self, host: bytes) -> bool:
        name = _host_name(host.decode("latin-1"))
        return not name or "*" in self._options.vhosts or name in self._options.vhosts or _is_ip_address(name)

    def _is_known_origin(self, headers: Headers) -> bool:
        origin = _header(headers, b"origin").decode("latin-1")
        return not origin or "*" in self._options.cors_origins or origin in self._options.cors_origins


class RpcServer:
    """The application on a socket, in a thread.

    Parameters
    ----------
    dispatcher : answers messages
    hub : live subscriptions
    feed : what happens on the chain
    options : where to listen, who may ask, and limits
    """

    def __init__(
        self, dispatcher: Dispatcher, hub: SubscriptionHub, feed: ChainFeed, options: RpcOptions
    ) -> None:
        self._app = RpcApp(dispatcher, hub, options)
        self._hub = hub
        self._feed = feed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener = Listener(options.host, options.port)
        self._server = uvicorn.Server(
            uvicorn_config(
                _with_origins(self._app, options),
                max_message_bytes=options.limits.max_body_bytes,
                max_connections=options.limits.max_connections,
            )
        )
        self._thread = threading.Thread(target=self._run, name="rpc", daemon=True)

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        return self._listener.port

    @property
    def url(self) -> str:
        """HTTP address of the server, once started."""
        return self._listener.url

    def start(self) -> None:
        """Listen and serve.

        Raises
        ------
        PortTaken : the address cannot be bound.
        """
        self._listener.open()
        self._thread.start()
        log.info("rpc_started", url=self.url)

    def chain_changed(self) -> None:
        """Look at the chain soon and tell subscribers; returns at once, for any thread."""
        if self._loop is not None:
            post(self._loop, self._refresh)

    def transaction_accepted(self, pooled: PooledTransaction) -> None:
        """Tell subscribers and filters about a transaction that the pool took; returns at once."""
        self._feed.add_pending(pooled)

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)
        self._app.close()
        self._listener.close()
        log.info("rpc_stopped")

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._feed.on_blocks(lambda events: post(loop, self._hub.publish_blocks, events))
        self._feed.on_pending(lambda event: post(loop, self._hub.publish_pending, event))
        self._loop = loop
        self._refresh()
        await self._listener.serve(self._server)

    def _refresh(self) -> None:
        try:
            self._feed.refresh()
        except RollupError as exc:
            log.warning("chain_feed_failed", error=str(exc))


def _with_origins(app: RpcApp, options: RpcOptions) -> ASGIApp:
    if not options.cors_origins:
        return app
    return CORSMiddleware(
        app, allow_origins=options.cors_origins, allow_methods=("POST", "GET"), allow_headers=("*",)
    )


def _busy(message: Message) -> bytes:
    error = limit_exceeded("server busy: too many requests are waiting")
    answers = [failure(call.id, error) for call in message.calls if not call.is_notification]
    return b"[" + b",".join(answers) + b"]" if message.is_batch else b"".join(answers)


def _header(headers: Headers, name: bytes) -> bytes:
    return next((value for key, value in headers if key == name), b"")


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0].lower() if host.count(":") == 1 else host.lower()


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _send_response(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
