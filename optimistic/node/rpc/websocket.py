"""One WebSocket connection: requests in, responses and notifications out.

Everything here runs on the server's event loop; heavy requests are handed to
the worker pool by the function given to :func:`serve_websocket`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog
from starlette.types import Receive, Send

from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.subscriptions import Subscription, SubscriptionHub

log = structlog.get_logger(__name__)

Answer = Callable[[bytes, "WebSocketSession"], bytes | Awaitable[bytes]]

_POLICY_VIOLATION: Final = 1008
_CLOSE_TIMEOUT_S: Final = 1


class WebSocketSession:
    """The outgoing side of a connection, and its subscriptions.

    Parameters
    ----------
    hub : where subscriptions live
    limits : bounds on the queue and on subscriptions
    """

    def __init__(self, hub: SubscriptionHub, limits: RpcLimits) -> None:
        self._hub = hub
        self._limits = limits
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._subscriptions: dict[str, Subscription] = {}
        self._opened: list[Subscription] = []
        self.max_requests = limits.max_ws_requests
        self.cut = asyncio.Event()
        self.has_room = asyncio.Event()
        """Cleared while half of the queue is taken: no more requests are read then."""
        self.has_room.set()

    def subscribe(self, params: Params) -> str:
        """Open a subscription; it delivers once its id was sent."""
        subscription = self._hub.parse(params, self.push, len(self._subscriptions))
        self._subscriptions[subscription.id] = subscription
        self._opened.append(subscription)
        return subscription.id

    def unsubscribe(self, params: Params) -> bool:
        """Close a subscription.

        Raises
        ------
        RpcError : no such subscription on this connection.
        """
        subscription = self._hub.find(params, self._subscriptions)
        del self._subscriptions[subscription.id]
        self._hub.remove(subscription)
        return True

    def respond(self, reply: bytes) -> None:
        """Queue a response, then let the subscriptions it announced deliver."""
        if reply:
            self.push(reply)
        for subscription in self._opened:
            if subscription.id in self._subscriptions:
                self._hub.add(subscription)
        self._opened.clear()

    def push(self, payload: bytes) -> None:
        """Queue a message; a reader that lets notifications fill the queue is cut off."""
        if 2 * self._waiting.qsize() >= self._limits.max_ws_queue:
            self.has_room.clear()
        if self._waiting.qsize() >= self._limits.max_ws_queue:
            if not self.cut.is_set():
                log.warning("websocket_cut", reason="slow consumer", waiting=self._waiting.qsize())
            self.cut.set()
            return
        self._waiting.put_nowait(payload)

    async def drain(self, send: Send) -> None:
        """Send queued messages until cancelled."""
        while True:
            payload = await self._waiting.get()
            await send({"type": "websocket.send", "text": payload.decode()})
            if 4 * self._waiting.qsize() <= self._limits.max_ws_queue:
                self.has_room.set()

    def close(self) -> None:
        """Drop every subscription."""
        for subscription in self._subscriptions.values():
            self._hub.remove(subscription)
        self._subscriptions.clear()


async def serve_websocket(session: WebSocketSession, receive: Receive, send: Send, answer: Answer) -> None:
    """Serve an accepted connection until it closes or is cut.

    Parameters
    ----------
    session : the connection's state
    receive, send : its ASGI channel
    answer : runs one message; the response bytes, or a promise of them from a worker
    """
    tasks = [
        asyncio.create_task(session.drain(send)),
        asyncio.create_task(session.cut.wait()),
        asyncio.create_task(_read(session, receive, answer)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        session.close()
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception) and not isinstance(ended, OSError):  # OSError: the client left
                log.error("websocket_failed", exc_info=ended)
    if session.cut.is_set():
        closing = send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "slow consumer"})
        with suppress(TimeoutError, OSError):
            await asyncio.wait_for(closing, _CLOSE_TIMEOUT_S)


async def _read(session: WebSocketSession, receive: Receive, answer: Answer) -> None:
    gate = asyncio.Semaphore(session.max_requests)
    running: set[asyncio.Task[None]] = set()
    try:
        while (event := await receive())["type"] == "websocket.receive":
            text, raw = event.get("text"), event.get("bytes")
            reply = answer(text.encode() if text is not None else raw or b"", session)
            if isinstance(reply, bytes):
                session.respond(reply)
                await session.has_room.wait()
                continue
            await gate.acquire()
            task = asyncio.create_task(_respond_later(session, reply, gate))
            running.add(task)
            task.add_done_callback(running.discard)
    finally:
        for task in running:
            task.cancel()


async def _respond_later(session: WebSocketSession, reply: Awaitable[bytes], gate: asyncio.Semaphore) -> None:
    try:
        session.respond(await reply)
    finally:
        gate.release()
