"""What the servers of a node share: a socket, and an ASGI application on it."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from optimistic.protocol.errors import TemporaryError

log = structlog.get_logger(__name__)

_BACKLOG: Final = 1_024
_KEEP_ALIVE_S: Final = 120


class PortTaken(TemporaryError):
    """The address to listen on is in use or not available."""


class Listener:
    """An address to serve at.

    Parameters
    ----------
    host, port : 0 takes a free port
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port listened on, once open."""
        assert self._socket is not None, "the server is not started"
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """HTTP address, once open."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def open(self) -> None:
        """Listen; raises PortTaken if the address cannot be bound."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # The explicit protocol number makes asyncio set TCP_NODELAY on connections.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self._port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            raise PortTaken(f"cannot listen on {self._host}:{self._port}: {error.strerror}") from error
        self._socket = listener

    async def serve(self, server: uvicorn.Server) -> None:
        """Serve until the server is told to exit."""
        assert self._socket is not None, "it listens before it serves"
        await server.serve(sockets=[self._socket])

    def close(self) -> None:
        """Release the address."""
        if self._socket is not None:
            self._socket.close()


def uvicorn_config(app: ASGIApp, *, max_message_bytes: int, max_connections: int) -> uvicorn.Config:
    """Return how an application is served: bounded, quiet, without compression."""
    return uvicorn.Config(
        app,
        ws="websockets-sansio",
        ws_max_size=max_message_bytes,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=max_connections,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )


def post(loop: asyncio.AbstractEventLoop, publish: Callable[..., None], *items: object) -> None:
    """Have a server's loop call something soon; from any thread, and in vain once the loop has ended."""
    try:
        loop.call_soon_threadsafe(publish, *items)
    except RuntimeError:  # nobody listens any more
        log.debug("notification_dropped")
