"""The ASGI application without sockets: what HTTP and WebSocket clients get."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.node.rpc.feed import BlockEvent
from optimistic.node.rpc.options import InvalidRpcOptions, RpcLimits, RpcOptions
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.registry import executing, light, reading
from optimistic.node.rpc.server import RpcApp
from optimistic.node.rpc.subscriptions import SubscriptionHub
from optimistic.protocol.params import DEVNET
from tests.helpers.chain_builder import make_genesis

LIMITS = RpcLimits(max_body_bytes=1_000, max_waiting_calls=1, workers=1, max_ws_queue=5, max_ws_requests=2)
OPTIONS = RpcOptions(
    vhosts=("localhost", "node.example"), cors_origins=("https://good.example",), limits=LIMITS
)
ECHO = {"jsonrpc": "2.0", "id": 1, "method": "echo", "params": ["hi"]}


def echo(params: Params) -> object:
    return params.required(0, lambda value: value)


class Server:
    """The application, and a method that blocks until it is released."""

    def __init__(self) -> None:
        self.blocked = threading.Event()
        self.release = threading.Event()
        self.hub = SubscriptionHub(DEVNET, LIMITS)
        methods = {"echo": light(echo), "block": executing(self._block), "read": reading(echo)}
        self.app = RpcApp(Dispatcher(methods, LIMITS), self.hub, OPTIONS)

    def _block(self, params: Params) -> object:
        self.blocked.set()
        self.release.wait(10)
        return "done"


def run(story: Callable[[Server], Coroutine[Any, Any, None]]) -> None:
    server = Server()
    try:
        asyncio.run(story(server))
    finally:
        server.release.set()
        server.app.close()


def client(server: Server, host: str = "localhost") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url=f"http://{host}")


def test_http__request__json_answer() -> None:
    async def story(server: Server) -> None:
        async with client(server) as http:
            answer = await http.post("/", json=ECHO)

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {"jsonrpc": "2.0", "id": 1, "result": "hi"}

    run(story)


def test_http__notification__no_content() -> None:
    async def story(server: Server) -> None:
        async with client(server) as http:
            answer = await http.post("/", json={"jsonrpc": "2.0", "method": "echo"})

        assert (answer.status_code, answer.content) == (204, b"")

    run(story)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ({"method": "GET"}, 200),
        ({"method": "PUT", "json": ECHO}, 405),
        ({"method": "POST", "content": b"{}", "headers": {"content-type": "text/plain"}}, 415),
        ({"method": "POST", "content": b"{}"}, 415),
        ({"method": "POST", "json": ["x" * 1_000]}, 413),
        ({"method": "POST", "json": ECHO, "headers": {"host": "evil.example"}}, 403),
        ({"method": "POST", "json": ECHO, "headers": {"host": "node.example:8545"}}, 200),
        ({"method": "POST", "json": ECHO, "headers": {"host": "10.0.0.1:8545"}}, 200),
        ({"method": "POST", "json": ECHO, "headers": {"host": "[::1]:8545"}}, 200),
        (
            {"method": "POST", "json": ECHO, "headers": {"content-type": "application/json; charset=utf-8"}},
            200,
        ),
    ],
)
def test_http__unusual_request__status(arguments: dict[str, Any], status: int) -> None:
    async def story(server: Server) -> None:
        async with client(server) as http:
            answer = await http.request(url="/", **arguments)

        assert answer.status_code == status

    run(story)


def test_http__chunked_body_beyond_limit__refused() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 500

    async def story(server: Server) -> None:
        async with client(server) as http:
            headers = {"content-type": "application/json"}
            answer = await http.post("/", content=chunks(), headers=headers)

        assert answer.status_code == 413

    run(story)


def test_http__workers_and_queue_full__busy_error() -> None:
    async def story(server: Server) -> None:
        body = {"jsonrpc": "2.0", "id": 1, "method": "block"}
        async with client(server) as http:
            running = asyncio.create_task(http.post("/", json=body))
            await asyncio.to_thread(server.blocked.wait, 10)
            refused = await http.post("/", json=body)
            light_one = await http.post("/", json=ECHO)
            read = await http.post("/", json={**ECHO, "method": "read"})
            server.release.set()

            assert refused.json()["error"]["code"] == -32005
            assert light_one.json()["result"] == read.json()["result"] == "hi"
            assert (await running).json()["result"] == "done"

    run(story)


class WebSocket:
    """A WebSocket client that speaks ASGI."""

    def __init__(self) -> None:
        self.to_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.from_server: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message: dict[str, Any]) -> None:
        """What the application sends; waits while the client does not read."""
        await self.reads.wait()
        self.from_server.put_nowait(message)

    def ask(self, **request: Any) -> None:
        body = {"jsonrpc": "2.0", "id": 1, **request}
        self.to_server.put_nowait({"type": "websocket.receive", "text": json.dumps(body)})

    async def answer(self) -> Any:
        event = await asyncio.wait_for(self.from_server.get(), 5)
        return json.loads(event["text"]) if event["type"] == "websocket.send" else event


@asynccontextmanager
async def connect(server: Server, **headers: str) -> AsyncIterator[WebSocket]:
    socket = WebSocket()
    raw_headers = [(key.encode(), value.encode()) for key, value in headers.items()]
    scope = {"type": "websocket", "path": "/", "headers": raw_headers}
    application: Awaitable[None] = server.app(scope, socket.to_server.get, socket.send)  # type: ignore[arg-type]
    task = asyncio.ensure_future(application)
    socket.to_server.put_nowait({"type": "websocket.connect"})
    yield socket
    socket.to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(task, 5)


def test_websocket__requests__answers() -> None:
    async def story(server: Server) -> None:
        async with connect(server, host="localhost") as socket:
            assert (await socket.answer())["type"] == "websocket.accept"
            socket.ask(method="echo", params=["a"])
            socket.to_server.put_nowait({"type": "websocket.receive", "bytes": b"{"})

            assert (await socket.answer())["result"] == "a"
            assert (await socket.answer())["error"]["code"] == -32700

    run(story)


def test_websocket__slow_call__later_light_ones_overtake() -> None:
    async def story(server: Server) -> None:
        async with connect(server) as socket:
            await socket.answer()
            socket.ask(method="block", id=1)
            socket.ask(method="echo", id=2, params=["a"])

            assert (await socket.answer())["id"] == 2
            server.release.set()
            assert (await socket.answer())["id"] == 1

    run(story)


def test_websocket__subscription__id_first_then_notifications() -> None:
    async def story(server: Server) -> None:
        async with connect(server) as socket:
            await socket.answer()
            socket.ask(method="eth_subscribe", params=["newHeads"])
            subscription = (await socket.answer())["result"]
            server.hub.publish_blocks([block_event()])
            note = await socket.answer()

            assert note["params"]["subscription"] == subscription
            socket.ask(method="eth_unsubscribe", params=[subscription])
            assert (await socket.answer())["result"] is True

    run(story)


def test_websocket__reader_too_slow__cut() -> None:
    async def story(server: Server) -> None:
        async with connect(server) as socket:
            await socket.answer()
            socket.ask(method="eth_subscribe", params=["newHeads"])
            await socket.answer()
            socket.reads.clear()
            for _ in range(10):
                server.hub.publish_blocks([block_event()])
            await asyncio.sleep(0)
            socket.reads.set()
            events = [await socket.answer()]
            while "type" not in events[-1]:
                events.append(await socket.answer())

            assert (events[-1]["type"], events[-1]["code"]) == ("websocket.close", 1008)

    run(story)


@pytest.mark.parametrize(
    ("headers", "reply"),
    [
        ({"origin": "https://good.example"}, "websocket.accept"),
        ({"origin": "https://evil.example"}, "websocket.close"),
        ({"host": "evil.example"}, "websocket.close"),
    ],
)
def test_websocket__origin_and_host__checked(headers: dict[str, str], reply: str) -> None:
    async def story(server: Server) -> None:
        async with connect(server, **headers) as socket:
            assert (await socket.answer())["type"] == reply

    run(story)


def test_options__contradictions__all_named() -> None:
    options = RpcOptions(host="", port=70_000, limits=RpcLimits(workers=0))

    with pytest.raises(InvalidRpcOptions, match=r"port .*host .*workers"):
        options.check()


def block_event() -> BlockEvent:
    return BlockEvent(block=make_genesis(), logs=(), removed=False)
