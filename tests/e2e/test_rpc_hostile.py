"""Clients that misbehave on a real port: the server answers everybody else."""

import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from optimistic.node.listener import PortTaken
from optimistic.node.rpc.backend import RpcBackend, make_server
from optimistic.node.rpc.options import RpcLimits, RpcOptions
from optimistic.node.rpc.server import RpcServer
from tests.helpers.l2_wallet import Wallet
from tests.helpers.live_chain import LiveChain

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LIMITS = RpcLimits(max_body_bytes=100_000, max_connections=60, max_ws_queue=64, max_subscriptions=2_000)


class UpToDate:
    def syncing(self) -> None:
        return None


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveChain]:
    chain = LiveChain(tmp_path)
    chain.deposit(Wallet(1).address)
    yield chain
    chain.close()


@pytest.fixture
def server(live: LiveChain) -> Iterator[RpcServer]:
    backend = RpcBackend(
        reader=live.store, nodes=live.nodes, pool=live.pool, sync=UpToDate(), rollup=live.params
    )
    made = make_server(backend, RpcOptions(port=0, cors_origins=("https://wallet.example",), limits=LIMITS))
    live.chain.on_change(lambda _: made.chain_changed())
    made.start()
    yield made
    made.stop()


def ask(server: RpcServer, method: str, *params: object) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(server.url, json=body, timeout=20).json()["result"]


def ws_url(server: RpcServer) -> str:
    return server.url.replace("http", "ws")


@pytest.mark.parametrize(
    "payload",
    [
        os.urandom(4_000),
        b"GET / HTTP/9.9\r\n\r\n",
        POST + b"Content-Length: -5\r\n\r\n",
        POST + b"Content-Length: 50\r\n\r\n{",
        POST + b"A: " + b"a" * 200_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["noise", "version", "length", "half a body", "long header", "tls"],
)
def test_server__garbage_on_the_port__goes_on(server: RpcServer, payload: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(payload)

        assert ask(server, "eth_blockNumber") == "0x1"


def test_server__hundreds_of_half_open_connections__bounded_then_free_again(server: RpcServer) -> None:
    idle = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(100)]
    refused = httpx.post(server.url, json={}, timeout=20)
    for connection in idle:
        connection.close()

    assert refused.status_code == 503
    for _ in range(50):
        if httpx.post(server.url, json={}, timeout=20).status_code == 200:
            break
    assert ask(server, "eth_blockNumber") == "0x1"


def test_server__many_calls_at_once__all_answered(server: RpcServer) -> None:
    call = {"to": "0x" + "11" * 20, "data": "0x"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]}
    with httpx.Client() as client, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.post(server.url, json=body, timeout=20).json(), range(200)))

    assert [answer["result"] for answer in answers] == ["0x"] * 200


def test_server__browser_of_allowed_origin__cors_headers(server: RpcServer) -> None:
    asked = {"origin": "https://wallet.example", "access-control-request-method": "POST"}
    foreign = {**asked, "origin": "https://evil.example"}

    allowed, refused = (httpx.options(server.url, headers=headers) for headers in (asked, foreign))

    assert allowed.headers["access-control-allow-origin"] == "https://wallet.example"
    assert "access-control-allow-origin" not in refused.headers
    with pytest.raises(InvalidStatus):
        connect(ws_url(server), origin=Origin("https://evil.example"))


def test_websocket__message_beyond_limit__closed_with_1009(server: RpcServer) -> None:
    with connect(ws_url(server)) as client:
        client.send("x" * 200_000)

        with pytest.raises(ConnectionClosed) as caught:
            client.recv(timeout=10)

    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009
    assert ask(server, "eth_blockNumber") == "0x1"


def test_websocket__reader_that_stops_reading__cut_while_others_hear(
    server: RpcServer, live: LiveChain
) -> None:
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})
    with connect(ws_url(server), max_queue=1, close_timeout=0.2) as slow, connect(ws_url(server)) as quick:
        quick.send(request)
        quick.recv(timeout=10)
        for _ in range(50):  # more answers than its side of the connection buffers stay unread
            slow.send(request)
        heard = 0
        while server_subscriptions(server) != 1 or not heard:
            live.mine()
            heard += bool(quick.recv(timeout=10))

        assert ask(server, "eth_chainId")


def test_websocket__many_requests_ahead_of_their_answers__none_lost(server: RpcServer) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"})
    with connect(ws_url(server)) as client:
        for _ in range(500):
            client.send(body)
        answers = [client.recv(timeout=10) for _ in range(500)]

    assert len(set(answers)) == 1


def server_subscriptions(server: RpcServer) -> int:
    return sum(map(len, server._hub._active.values()))


def test_server__port_in_use__says_so(server: RpcServer, live: LiveChain) -> None:
    backend = RpcBackend(
        reader=live.store, nodes=live.nodes, pool=live.pool, sync=UpToDate(), rollup=live.params
    )
    second = make_server(backend, RpcOptions(port=server.port))

    with pytest.raises(PortTaken, match="Address already in use"):
        second.start()
