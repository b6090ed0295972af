"""The API on a socket: a starlette application in a uvicorn thread of its own."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as HttpRoute
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from optimistic.node.api.bond import BondReader
from optimistic.node.api.channels import Hub
from optimistic.node.api.connection import Connection, serve_connection
from optimistic.node.api.errors import ApiError, Code, malformed, overloaded
from optimistic.node.api.intake import Intake
from optimistic.node.api.limits import address_of
from optimistic.node.api.office import Caller, Office
from optimistic.node.api.openapi import document
from optimistic.node.api.options import ApiOptions
from optimistic.node.api.ports import ChainView
from optimistic.node.api.queries import Queries
from optimistic.node.api.routes import ROUTES, Asked, Route
from optimistic.node.api.signature_pool import SignaturePool
from optimistic.node.exchange.events import Published
from optimistic.node.exchange.ports import ExchangePort
from optimistic.node.listener import Listener, post, uvicorn_config
from optimistic.protocol.errors import TemporaryError
from optimistic.service.clock import Clock
from optimistic.service.metrics import Metrics

log = structlog.get_logger(__name__)

_STOP_TIMEOUT_S: Final = 10
_START_TIMEOUT_S: Final = 30
_BUSY_MS: Final = 250
_FULL_MS: Final = 5_000
_JSON: Final = "application/json"
_encode = msgspec.json.Encoder().encode


class ApiNotStarted(TemporaryError):
    """The workers did not come up."""


class ApiServer:
    """The exchange's API in a thread.

    Parameters
    ----------
    exchange, view : whose front this is
    chain_id : of L2
    options : where to listen, and bounds
    clock : of challenges and allowances
    metrics : of the process
    receipt_key : 32 bytes, if the exchange leaves receipts unsigned (`UnsignedReceipts`)
    bond : of the exchange's key on L1
    """

    def __init__(  # noqa: PLR0913 - a process of its own in all but name
        self,
        exchange: ExchangePort,
        view: ChainView,
        chain_id: int,
        options: ApiOptions,
        *,
        clock: Clock,
        metrics: Metrics,
        receipt_key: bytes | None = None,
        bond: BondReader | None = None,
    ) -> None:
        options.check()
        self._receipt_key = receipt_key
        self._bond = bond
        self._exchange = exchange
        self._view = view
        self._chain_id = chain_id
        self._options = options
        self._clock = clock
        self._metrics = metrics
        self._listener = Listener(options.host, options.port)
        self._server: uvicorn.Server | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        return self._listener.port

    @property
    def url(self) -> str:
        """HTTP address, once started."""
        return self._listener.url

    def start(self) -> None:
        """Listen and serve.

        Raises
        ------
        PortTaken : the address cannot be bound
        ApiNotStarted : a worker does not start
        """
        self._listener.open()
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_S) or self._server is None:
            raise ApiNotStarted("the API's workers did not start; the log says why")
        log.info("api_started", url=self.url)

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)
        self._listener.close()
        log.info("api_stopped")

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            log.exception("api_failed", error=str(error))
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        limits = self._options.limits
        pool = SignaturePool(self._options.verifiers, limits.max_waiting_orders, self._receipt_key)
        await pool.start()

        def publish(published: Published) -> None:
            hub.publish(published)

        # Listen first: what is published between the two is in the books already, or waits for them.
        self._exchange.subscribe(_on_loop(loop, publish))
        hub = Hub(self._exchange, limits)
        office = Office(
            self._exchange,
            self._view,
            Intake(self._exchange, pool, self._chain_id),
            hub,
            limits,
            chain_id=self._chain_id,
            clock=self._clock,
            metrics=self._metrics,
        )
        queries = Queries(self._exchange, self._view, hub.history, self._chain_id, self._bond)
        app = ApiApp(office, queries, self._options)
        self._server = uvicorn.Server(
            uvicorn_config(
                app.application(),
                max_message_bytes=limits.max_message_bytes,
                max_connections=limits.max_connections,
            )
        )
        self._ready.set()
        try:
            await self._listener.serve(self._server)
        finally:
            app.close()
            await pool.close()


class ApiApp:
    """The starlette application: REST routes, the stream, the OpenAPI document.

    Parameters
    ----------
    office : does what is asked
    queries : answers questions, on threads
    options : bounds
    """

    def __init__(self, office: Office, queries: Queries, options: ApiOptions) -> None:
        self._office = office
        self._queries = queries
        self._options = options
        self._limits = options.limits
        self._readers = ThreadPoolExecutor(options.readers, thread_name_prefix="api-read")
        self._n_reading = 0
        self._streams: Counter[str] = Counter()
        """Open ones by network address."""

    def application(self) -> Starlette:
        """Return the ASGI application."""
        routes: list[HttpRoute | WebSocketRoute] = [
            HttpRoute(route.path, self._endpoint(route), methods=[route.method]) for route in ROUTES
        ]
        routes.append(HttpRoute("/v1/openapi.json", self._openapi, methods=["GET"]))
        routes.append(WebSocketRoute("/v1/stream", self._stream))
        cors = Middleware(
            CORSMiddleware,
            allow_origins=self._options.cors_origins,
            allow_methods=("POST", "GET"),
            allow_headers=("*",),
        )
        handlers = {404: _not_found, 405: _not_found}
        middleware = [cors] if self._options.cors_origins else []
        return Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)

    def close(self) -> None:
        """Stop the threads; a read that runs ends by itself."""
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def _openapi(self, request: Request) -> Response:
        return Response(document(), media_type=_JSON)

    async def _stream(self, websocket: WebSocket) -> None:
        origin = websocket.headers.get("origin", "")
        if origin and "*" not in self._options.cors_origins and origin not in self._options.cors_origins:
            await websocket.close(1008)
            return
        peer = _peer(websocket)
        refusal = self._stream_refusal(peer)
        if refusal is not None:
            self._office.metrics.count("api_refusals", code=str(refusal.code))
            await websocket.send_denial_response(_failure(refusal))
            return
        self._streams[peer] += 1
        try:
            await websocket.accept()
            connection = Connection(self._office, peer)
            await serve_connection(connection, websocket.receive, websocket.send, self._limits.max_in_flight)
        finally:
            self._streams -= Counter((peer,))  # forgets addresses that have none

    def _stream_refusal(self, peer: str) -> ApiError | None:
        if self._streams.total() >= self._limits.max_streams:
            return overloaded(_FULL_MS)
        most = self._limits.max_streams_per_address
        if self._streams[peer] < most:
            return None
        return ApiError(
            Code.OVERLOADED,
            f"{peer} has {most} streams open, which is all one address may have",
            fix="close a stream, or subscribe to more channels on one",
            retryAfterMs=_FULL_MS,
        )

    def _endpoint(self, route: Route) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            try:
                reply = await route.handler(await self._asked(route, request))
            except ApiError as error:
                self._office.metrics.count("api_refusals", code=str(error.code))
                return _failure(error)
            except ClientDisconnect:
                return Response(status_code=400)
            except Exception as error:
                # The boundary to clients: one bad request must not end the server.
                log.exception("api_request_failed", path=route.path, error=str(error))
                return _failure(ApiError(Code.INTERNAL, "internal error"))
            return Response(_encode(reply), media_type=_JSON)

        return serve

    async def _asked(self, route: Route, request: Request) -> Asked:
        caller = Caller(_peer(request))
        self._identify(caller, request.headers.get("authorization", ""))
        if route.needs_login:
            self._office.rights(caller)
        if route.weight:
            self._office.charge(caller, route.weight)
        query = _query(route, request)
        body = None if route.body is None else _body(route, await self._read(request))
        return Asked(self._office, self._queries, caller, query, body, self._on_thread)

    def _identify(self, caller: Caller, authorization: str) -> None:
        if not authorization:
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise ApiError(Code.LOGIN_REQUIRED, "the Authorization header must be `Bearer <token>`")
        caller.login = self._office.sessions.find(token.strip())

    async def _read(self, request: Request) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > self._limits.max_message_bytes:
                raise ApiError(
                    Code.TOO_LARGE, f"at most {self._limits.max_message_bytes} bytes are read of a body"
                )
            chunks.append(chunk)
        return b"".join(chunks)

    async def _on_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        if self._n_reading >= self._limits.max_waiting_reads:
            raise overloaded(_BUSY_MS)
        self._n_reading += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._readers, function, *arguments)
        finally:
            self._n_reading -= 1


def _query(route: Route, request: Request) -> Any:
    values: dict[str, str] = dict(request.query_params)
    values.update(request.path_params)
    try:
        return msgspec.convert(values, route.query, strict=False)
    except msgspec.ValidationError as error:
        raise malformed(str(error)) from error


def _body(route: Route, raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw, type=route.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(str(error)) from error


def _failure(error: ApiError) -> Response:
    headers = {}
    retry_ms = error.details.get("retryAfterMs")
    if isinstance(retry_ms, int):
        headers["retry-after"] = str(-(-retry_ms // 1_000))
    body = _encode({"error": error.to_json()})
    return Response(body, status_code=error.status, media_type=_JSON, headers=headers)


async def _not_found(request: Request, _error: Exception) -> Response:
    return _failure(ApiError(Code.NOT_FOUND, f"there is no {request.method} {request.url.path}"))


def _peer(connection: Request | WebSocket) -> str:
    return "" if connection.client is None else address_of(connection.client.host)


def _on_loop(
    loop: asyncio.AbstractEventLoop, publish: Callable[[Published], None]
) -> Callable[[Published], None]:
    """Return a listener for any thread; made on the loop's own, from which it needs no wake-up."""
    own = threading.get_ident()

    def listener(published: Published) -> None:
        if threading.get_ident() == own and not loop.is_closed():
            loop.call_soon(publish, published)
        else:
            post(loop, publish, published)

    return listener
