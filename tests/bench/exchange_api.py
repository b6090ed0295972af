"""Signed orders to signed receipts through the real API and exchange, on loopback.

The server is this process with its signature worker; the load is a process of its own that sends
messages signed beforehand. There is no chain behind the exchange: its state is made by hand, and
trades wait for a settlement that does not come.
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from optimistic.node.api.intake import UnsignedReceipts
from optimistic.node.api.options import ApiLimits, ApiOptions
from optimistic.node.api.server import ApiServer
from optimistic.node.exchange.commands import Place
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.service import ExchangeService
from optimistic.service.clock import SystemClock
from optimistic.service.metrics import NoopMetrics
from optimistic.service.wal import SyncPolicy
from tests.architecture.source_tree import ROOT
from tests.helpers.exchange_world import CHAIN_ID, PRICE_TICKS, RECEIPT_KEY, ExchangeWorld
from tests.helpers.fake_exchange import FakeView

_N_TRADERS = 40
_TICK_S = 0.01
_UNBOUND = ApiLimits(anonymous_per_s=10**9, anonymous_burst=10**9)


def order_json(place: Place) -> dict[str, Any]:
    """A command as clients send it."""
    return {
        "subaccount": place.subaccount,
        "market": place.market,
        "side": "buy" if place.is_buy else "sell",
        "lots": place.lots,
        "ticks": place.ticks,
        "maxFeePips": place.max_fee_pips,
        "expiry": place.expiry,
        "nonce": place.nonce,
        "signature": "0x" + place.signature.hex(),
    }


def signed_messages(world: ExchangeWorld, count: int, frame: int, seed: int = 1) -> list[str]:
    """Messages of `frame` orders around one price; about half of the orders meet another."""
    chance = random.Random(seed)
    orders = []
    for number in range(count):
        trader = world.traders[number % len(world.traders)]
        lots = chance.choice((-1, 1)) * chance.randint(1, 5)
        ticks = PRICE_TICKS + chance.randint(-3, 3) - (1 if lots > 0 else -1)
        orders.append(order_json(trader.place(lots, ticks)))
    return [
        json.dumps({"op": "place", "id": at, "orders": orders[at : at + frame]}, separators=(",", ":"))
        for at in range(0, count, frame)
    ]


@contextmanager
def served(policy: SyncPolicy = SyncPolicy.GROUP, verifiers: int = 1) -> Iterator[tuple[ExchangeWorld, str]]:
    """Run the API over an exchange in a folder of its own; yield the world and the WebSocket address."""
    with tempfile.TemporaryDirectory() as folder:
        world = ExchangeWorld(
            Path(folder) / "exchange", n_traders=_N_TRADERS, options=ExchangeOptions(sync_policy=policy)
        )
        world.exchange.signer = UnsignedReceipts(RECEIPT_KEY, CHAIN_ID)
        options = ApiOptions(port=0, limits=_UNBOUND, verifiers=verifiers)
        server = ApiServer(
            ExchangeService(world.exchange),
            FakeView(),
            CHAIN_ID,
            options,
            clock=SystemClock(),
            metrics=NoopMetrics(),
            receipt_key=RECEIPT_KEY,
        )
        server.start()
        stop = threading.Event()
        ticker = threading.Thread(target=lambda: _tick(world, stop))
        ticker.start()
        try:
            yield world, "ws" + server.url.removeprefix("http")
        finally:
            stop.set()
            ticker.join()
            server.stop()
            world.exchange.close()


def _tick(world: ExchangeWorld, stop: threading.Event) -> None:
    """Do what a running exchange does beside: what is due, and writing down what was told."""
    while not stop.wait(_TICK_S):
        world.exchange.tick()


def load(url: str, messages: list[str], window: str, rate: int = 0) -> dict[str, Any]:
    """Run the generator; return what it measured and this process's CPU meanwhile."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(messages))
        file.flush()
        command = [sys.executable, "-m", "tests.bench.exchange_generator", url, file.name, window, str(rate)]
        before_s = time.process_time()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**found, "server_cpu_s": time.process_time() - before_s}


def measure_frames(
    n_orders: int = 20_000, frame: int = 100, policy: SyncPolicy = SyncPolicy.GROUP, verifiers: int = 1
) -> dict[str, Any]:
    """Orders a second from sent to receipt, in frames, a few frames on their way at a time."""
    with served(policy, verifiers) as (world, url):
        found = load(url, signed_messages(world, n_orders, frame), "8")
    return {"orders_s_to_receipt": found.get("taken", 0) / found["seconds"], **found}


def measure_latency(
    n_orders: int = 5_000, rate: int = 1_000, policy: SyncPolicy = SyncPolicy.GROUP
) -> dict[str, Any]:
    """Delay from sent to receipt of single orders at a steady rate."""
    with served(policy) as (world, url):
        return load(url, signed_messages(world, n_orders, 1), "0", rate)


def measure_http(n_orders: int = 2_000) -> dict[str, Any]:
    """Single orders over HTTP, one after the other."""
    with served() as (world, url):
        bodies = [
            json.dumps({"orders": json.loads(text)["orders"]}) for text in signed_messages(world, n_orders, 1)
        ]
        found = load(url, bodies, "http")
    return {"orders_s_http": found.get("taken", 0) / found["seconds"], **found}


def main() -> None:
    """Print all measurements, one JSON object a line."""
    click.echo(json.dumps({"frames": measure_frames()}))
    click.echo(json.dumps({"latency": measure_latency()}))
    click.echo(json.dumps({"http": measure_http()}))


if __name__ == "__main__":
    main()
