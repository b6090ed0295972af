"""The load of the API's bench, as a process of its own: sends prepared messages, times the answers.

Started as ``python -m tests.bench.exchange_generator URL FILE WINDOW RATE``. FILE has one message per
line: with RATE 0 up to WINDOW of them are on their way at a time, else RATE messages a second are
sent. Prints one JSON object: seconds, CPU seconds, what came back, and the answers' delays.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

import click
import httpx
from websockets.asyncio.client import ClientConnection, connect


async def frames(url: str, messages: list[str], window: int, rate: int) -> dict[str, object]:
    """Send over one WebSocket; answers come in the order of the requests."""
    sent_at: list[float] = []
    delays_s: list[float] = []
    results: Counter[str] = Counter()
    gate = asyncio.Semaphore(window if not rate else len(messages))

    async def receive(connection: ClientConnection) -> None:
        for index in range(len(messages)):
            answer = await connection.recv(decode=False)
            delays_s.append(time.perf_counter() - sent_at[index])
            results["taken"] += answer.count(b'"status":"taken"')
            results["refused"] += answer.count(b'"status":"refused"') + answer.count(b'"type":"error"')
            gate.release()

    async with connect(url + "/v1/stream", compression=None, max_size=None) as connection:
        receiver = asyncio.create_task(receive(connection))
        started_s, cpu_s = time.perf_counter(), time.process_time()
        for index, message in enumerate(messages):
            await gate.acquire()
            if rate and (pause_s := started_s + index / rate - time.perf_counter()) > 0:
                await asyncio.sleep(pause_s)
            sent_at.append(time.perf_counter())
            await connection.send(message)
        await receiver
        ended_s = time.perf_counter()
    return report(ended_s - started_s, time.process_time() - cpu_s, results, delays_s)


def posts(url: str, messages: list[str]) -> dict[str, object]:
    """Send one HTTP request after the other over one connection."""
    delays_s: list[float] = []
    results: Counter[str] = Counter()
    with httpx.Client(base_url="http" + url.removeprefix("ws")) as client:
        started_s, cpu_s = time.perf_counter(), time.process_time()
        for message in messages:
            at_s = time.perf_counter()
            answer = client.post("/v1/orders", content=message)
            delays_s.append(time.perf_counter() - at_s)
            results["taken" if b'"status":"taken"' in answer.content else "refused"] += 1
        ended_s = time.perf_counter()
    return report(ended_s - started_s, time.process_time() - cpu_s, results, delays_s)


def report(seconds: float, cpu_s: float, results: Counter[str], delays_s: list[float]) -> dict[str, object]:
    """Put a run into one object."""
    ordered = sorted(delays_s)
    quantiles = {name: ordered[min(len(ordered) - 1, int(len(ordered) * q))] * 1e3 for name, q in QUANTILES}
    return {"seconds": seconds, "generator_cpu_s": cpu_s, **results, **quantiles}


QUANTILES = (("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999))


def main(url: str, file: str, window: str, rate: str) -> None:
    """Run one load."""
    messages = Path(file).read_text().splitlines()
    if window == "http":
        click.echo(json.dumps(posts(url, messages)))
    else:
        click.echo(json.dumps(asyncio.run(frames(url, messages, int(window), int(rate)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
