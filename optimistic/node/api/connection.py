"""One WebSocket connection: operations in, answers and streams out.

Everything runs on the server's event loop. Messages are read one after the other; their signatures
are checked meanwhile in other processes, but what one connection sends is decided in its order.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
import structlog
from starlette.types import Receive, Send

from optimistic.node.api.errors import ApiError, Code, malformed
from optimistic.node.api.office import WEIGHT_LOGIN, WEIGHT_SUBSCRIBE, Caller, Office
from optimistic.node.api.operations import (
    AmendOp,
    CancelAllOp,
    CancelOp,
    ChallengeOp,
    ChallengeReply,
    DeadManOp,
    ErrorReply,
    LoginOp,
    LoginReply,
    Operation,
    PlaceOp,
    Reply,
    ResultsReply,
    SubscribedReply,
    SubscribeOp,
    TimeOp,
    TimeReply,
    UnsubscribedReply,
    UnsubscribeOp,
    decode_operation,
)
from optimistic.node.api.replies import error_out, hex_of
from optimistic.node.api.sessions import Session
from optimistic.node.exchange.commands import MassCancel, MassCancelWhy

log = structlog.get_logger(__name__)

SLOW_CONSUMER: Final = 4008
_CUT_REASON: Final = "slow consumer: connect again, subscribe with your last sequence, read faster"
_CLOSE_TIMEOUT_S: Final = 1
_CUT_TIMEOUT_S: Final = 10
"""How long a reader that was cut off may take to hear why."""
_OWN: Final = "account"
_OWN_WHAT: Final = "the account channel"

_encode = msgspec.json.Encoder().encode


class Connection:
    """A connection's state.

    Parameters
    ----------
    office : does what is asked
    peer : network address
    """

    def __init__(self, office: Office, peer: str) -> None:
        self._office = office
        self.caller = Caller(peer, session=1 + secrets.randbelow((1 << 63) - 1))
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._filled = asyncio.Event()
        self._channels: set[str] = set()
        self._own = _OwnChannel(self)
        self._last: asyncio.Future[object] | None = None
        """The decision about the message before."""
        self._has_bound_orders = False
        self.cut = asyncio.Event()

    # ------------------------------------------------------------------------------ out

    def push(self, payload: bytes) -> None:
        """Queue a message; a reader that lets too much wait is cut off."""
        if self.cut.is_set() or self._queued_bytes + len(payload) > self._office.limits.max_queue_bytes:
            if not self.cut.is_set():
                self._office.metrics.count("api_connections_cut")
                log.warning("api_connection_cut", reason="slow consumer", peer=self.caller.peer)
            self.cut.set()
            self._queue.clear()
            return
        self._queue.append(payload)
        self._queued_bytes += len(payload)
        self._filled.set()

    def push_own(self, payload: bytes) -> None:
        """Queue a message about the account, for as long as the login is good."""
        try:
            self._office.owner(self.caller, _OWN_WHAT)
        except ApiError as error:
            self._leave(_OWN)
            self._reply(ErrorReply(id=_OWN, error=error_out(error)))
        else:
            self.push(payload)

    async def drain(self, send: Send) -> None:
        """Send queued messages until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                payload = self._queue.popleft()
                await send({"type": "websocket.send", "text": payload.decode()})
                self._queued_bytes -= len(payload)

    def _reply(self, reply: Reply) -> None:
        self.push(_encode(reply))

    # ------------------------------------------------------------------------------ in

    async def handle(self, raw: bytes) -> None:
        """Do what one message asks for; whatever is wrong becomes an answer."""
        request_id: str | int = 0
        try:
            operation = _parse(raw)
            request_id = operation.id
            await _HANDLERS[type(operation)](self, operation)
        except ApiError as error:
            self._office.metrics.count("api_refusals", code=str(error.code))
            self._reply(ErrorReply(id=request_id, error=error_out(error)))
        except Exception as error:
            # The boundary to clients: one bad message must not end the connection.
            log.exception("api_operation_failed", error=str(error))
            problem = ApiError(Code.INTERNAL, "internal error")
            self._reply(ErrorReply(id=request_id, error=error_out(problem)))

    def _in_order(self) -> tuple["asyncio.Future[object] | None", "asyncio.Future[object]"]:
        """Return what this message must wait for, and what to set when it was decided."""
        before = self._last
        mine: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._last = mine
        return before, mine

    async def _results(self, operation: Any, run: Callable[..., Awaitable[Any]]) -> None:
        before, mine = self._in_order()
        try:
            results = await run(self.caller, operation, before)
        finally:
            _follow(before, mine)
        self._reply(ResultsReply(id=operation.id, results=results))

    async def place(self, operation: PlaceOp) -> None:
        """Place orders."""
        self._has_bound_orders |= operation.cancel_on_disconnect
        await self._results(operation, self._office.place)

    async def amend(self, operation: AmendOp) -> None:
        """Amend orders."""
        self._has_bound_orders |= operation.cancel_on_disconnect
        await self._results(operation, self._office.amend)

    async def cancel(self, operation: CancelOp) -> None:
        """Cancel orders."""
        await self._results(operation, self._office.cancel)

    async def cancel_all(self, operation: CancelAllOp) -> None:
        """Cancel many orders."""
        await self._results(operation, self._office.cancel_all)

    async def dead_man(self, operation: DeadManOp) -> None:
        """Arm or disarm the dead-man switch."""
        await self._results(operation, self._office.dead_man)

    async def challenge(self, operation: ChallengeOp) -> None:
        """Give out something to sign."""
        self._office.charge(self.caller, WEIGHT_LOGIN)
        challenge, expires_s = self._office.sessions.challenge()
        reply = ChallengeReply(
            id=operation.id,
            challenge=hex_of(challenge),
            expires_at=expires_s,
            chain_id=self._office.chain_id,
        )
        self._reply(reply)

    async def login(self, operation: LoginOp) -> None:
        """Log in; another account takes the place of the one before, whose stream and bound orders end."""
        login = await self._office.login(self.caller, operation)
        if self.caller.account not in (None, login.account):
            await self._end_account(login)
        self.caller.login = login
        self._reply(LoginReply(id=operation.id, account=hex_of(login.account)))

    async def subscribe(self, operation: SubscribeOp) -> None:
        """Open a channel: what is replayed comes before the answer, what is new after it."""
        self._office.charge(self.caller, WEIGHT_SUBSCRIBE)
        name, hub = operation.channel, self._office.hub
        if name not in self._channels and len(self._channels) >= self._office.limits.max_subscriptions:
            raise ApiError(
                Code.TOO_MANY_SUBSCRIPTIONS, f"this connection hears {len(self._channels)} channels"
            )
        if name == _OWN:
            owner = self._office.owner(self.caller, _OWN_WHAT)
            sequence, is_live = hub.subscribe_account(owner, self._own, operation.after)
            reply = SubscribedReply(id=operation.id, channel=name, sequence=sequence, is_live=is_live)
        else:
            snapshot = hub.subscribe(name, self, operation.depth)
            sequence = hub.sequence(name)
            reply = SubscribedReply(
                id=operation.id,
                channel=name,
                sequence=sequence,
                snapshot=msgspec.UNSET if snapshot is None else snapshot,
            )
        self._channels.add(name)
        self._reply(reply)

    async def unsubscribe(self, operation: UnsubscribeOp) -> None:
        """Close a channel."""
        if operation.channel not in self._channels:
            raise ApiError(Code.NOT_FOUND, f"this connection does not hear {operation.channel!r}")
        self._leave(operation.channel)
        self._reply(UnsubscribedReply(id=operation.id, channel=operation.channel))

    async def time(self, operation: TimeOp) -> None:
        """Tell the time."""
        self._office.charge(self.caller, 1)
        self._reply(TimeReply(id=operation.id, time_ms=self._office.now_ms()))

    # ------------------------------------------------------------------------------ end

    def _leave(self, name: str) -> None:
        self._channels.discard(name)
        if name == _OWN:
            if self.caller.account is not None:
                self._office.hub.unsubscribe_account(self.caller.account, self._own)
        else:
            self._office.hub.unsubscribe(name, self)

    async def _end_account(self, login: Session | None = None) -> None:
        """Leave the account's channel for another login's, and cancel the orders bound to it.

        What was sent before is decided before, also if its signatures are still being checked.
        """
        if _OWN in self._channels:
            self._leave(_OWN)
        account, self.caller.login = self.caller.account, login
        if self._has_bound_orders and account is not None:
            self._has_bound_orders = False
            why = MassCancelWhy.DISCONNECTED
            command = MassCancel(owner=account, session=self.caller.session, why=why)
            await self._office.run([command], self._last)

    async def close(self) -> None:
        """Leave all channels, and cancel the orders that were to end with the connection."""
        for name in tuple(self._channels - {_OWN}):
            self._leave(name)
        await self._end_account()


class _OwnChannel:
    """A connection as one that hears its account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def push(self, payload: bytes) -> None:
        """Take one message."""
        self._connection.push_own(payload)


_HANDLERS: Final[dict[type, Callable[[Connection, Any], Awaitable[None]]]] = {
    PlaceOp: Connection.place,
    AmendOp: Connection.amend,
    CancelOp: Connection.cancel,
    CancelAllOp: Connection.cancel_all,
    DeadManOp: Connection.dead_man,
    ChallengeOp: Connection.challenge,
    LoginOp: Connection.login,
    SubscribeOp: Connection.subscribe,
    UnsubscribeOp: Connection.unsubscribe,
    TimeOp: Connection.time,
}


def _follow(before: "asyncio.Future[object] | None", mine: "asyncio.Future[object]") -> None:
    """Call a message decided once the one before is, also if it failed without waiting for that."""
    if before is None or before.done():
        mine.set_result(None)
    else:
        before.add_done_callback(lambda _: mine.set_result(None))


def _parse(raw: bytes) -> Operation:
    try:
        operation: Operation = decode_operation(raw)
        return operation
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise malformed(str(error)) from error


async def serve_connection(connection: Connection, receive: Receive, send: Send, max_in_flight: int) -> None:
    """Serve an accepted connection until it closes or is cut.

    Parameters
    ----------
    receive, send : its ASGI channel
    max_in_flight : messages being worked on; no more are read then
    """
    tasks = [
        asyncio.create_task(connection.drain(send)),
        asyncio.create_task(connection.cut.wait()),
        asyncio.create_task(_read(connection, receive, max_in_flight)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception) and not isinstance(ended, OSError):  # OSError: the client left
                log.error("api_connection_failed", exc_info=ended)
        await connection.close()
    if connection.cut.is_set():
        closing = send({"type": "websocket.close", "code": SLOW_CONSUMER, "reason": _CUT_REASON})
        with suppress(TimeoutError, OSError):
            await asyncio.wait_for(closing, _CUT_TIMEOUT_S)


async def _read(connection: Connection, receive: Receive, max_in_flight: int) -> None:
    gate = asyncio.Semaphore(max_in_flight)
    running: set[asyncio.Task[None]] = set()
    try:
        while (event := await receive())["type"] == "websocket.receive":
            text, raw = event.get("text"), event.get("bytes")
            await gate.acquire()
            task = asyncio.create_task(connection.handle(text.encode() if text is not None else raw or b""))
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(lambda _: gate.release())
    finally:
        # What was taken in is decided, whether or not anybody waits for the answer.
        if running:
            await asyncio.wait(running, timeout=_CLOSE_TIMEOUT_S)
