"""The WebSocket side of the client: requests with answers, and channels that notice gaps.

One thread uses a stream. What arrives between a request and its answer is kept for `next_message`.
"""

import json
import time
from collections import deque
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final, Self

from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from optimistic.client.book import BookCopy, OutOfStep
from optimistic.client.commands import Commands
from optimistic.client.errors import Unreachable, error_of
from optimistic.client.keys import TradingKey
from optimistic.client.rest import signed_login
from optimistic.protocol.types import Address

_TIMEOUT_S: Final = 10
_ACCOUNT: Final = "account"
_MAX_MESSAGE_BYTES: Final = 16 << 20


class Stream(Commands):
    """One connection to the exchange.

    Parameters
    ----------
    url : http(s) address of the exchange, as for `RestClient`
    """

    def __init__(self, url: str, timeout_s: float = _TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._kept: deque[dict[str, Any]] = deque()
        self._next_id = 1
        self._stack = ExitStack()
        self._connection = self._connect()
        self.books: dict[int, BookCopy] = {}
        self.account_sequence: int | None = None
        """Of the last message of the account channel: where to go on after a new connection."""

    def _connect(self) -> ClientConnection:
        address = "ws" + self._url.removeprefix("http") + "/v1/stream"
        try:
            opening = connect(
                address, max_size=_MAX_MESSAGE_BYTES, compression=None, open_timeout=self._timeout_s
            )
            return self._stack.enter_context(opening)
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise Unreachable(f"{address}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._stack.close()

    # ------------------------------------------------------------------------------ requests

    def request(self, op: str, **values: Any) -> dict[str, Any]:
        """Send an operation and wait for its answer.

        Raises
        ------
        Refused, Busy : the exchange says no
        Unreachable : no answer in time, or the connection is gone
        """
        number = self.send(op, **values)
        while True:
            message = self._receive()
            if message.get("id") == number:
                if message["type"] == "error":
                    raise error_of(message["error"])
                return message
            self._kept.append(message)

    def send(self, op: str, **values: Any) -> int:
        """Send an operation without waiting; return the id of its answer."""
        number, self._next_id = self._next_id, self._next_id + 1
        try:
            self._connection.send(json.dumps({"op": op, "id": number, **values}))
        except (ConnectionClosed, OSError) as error:
            raise Unreachable(f"the connection is gone: {error}") from error
        return number

    def login(self, key: TradingKey, account: Address | None = None) -> None:
        """Log the connection in."""
        challenge = self.request("challenge")
        self.request("login", **signed_login(key, challenge, account))

    def _command(self, op: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self.request(op, **body)["results"]
        return results

    # ------------------------------------------------------------------------------ channels

    def subscribe_book(self, market: int, depth: int = 500) -> BookCopy:
        """Follow a book; the copy in `books` is kept up by `next_message`."""
        answer = self.request("subscribe", channel=f"book:{market}", depth=depth)
        book = self.books[market] = BookCopy(answer["snapshot"])
        return book

    def subscribe_account(self, after: int | None = None) -> None:
        """Follow the own account, from after a sequence number or from now on."""
        position = {} if after is None else {"after": after}
        answer = self.request("subscribe", channel=_ACCOUNT, **position)
        while not answer["isLive"]:
            answer = self.request("subscribe", channel=_ACCOUNT, after=answer["sequence"])
        if after is None:
            self.account_sequence = int(answer["sequence"])
        else:
            self.account_sequence = after

    def next_message(self) -> dict[str, Any]:
        """Return the next message of a channel, after the copies took it over.

        A book that is out of step is fetched anew, and the message that says so is its snapshot.

        Raises
        ------
        OutOfStep : a message of the account is missing; subscribe again after `account_sequence`
        Refused : the account's channel has ended, because the session key of the login is over
        Unreachable : nothing came in time, or the connection is gone
        """
        message = self._kept.popleft() if self._kept else self._receive()
        if message.get("type") == "book":
            return self._follow_book(message)
        if message.get("type") == _ACCOUNT:
            self._follow_account(message)
        if message.get("id") == _ACCOUNT:
            raise error_of(message["error"])
        return message

    def catch_up(self, quiet_s: float = 0.05, most_s: float = 1) -> None:
        """Let the copies take over what has come, until nothing comes for a while or the time is over.

        Raises
        ------
        OutOfStep, Unreachable : see `next_message`; but nothing having come is none
        """
        end_s = time.monotonic() + most_s
        while time.monotonic() < end_s:
            if not self._kept:
                try:
                    self._kept.append(json.loads(self._connection.recv(timeout=quiet_s)))
                except TimeoutError:
                    return
                except (ConnectionClosed, OSError) as error:
                    raise Unreachable(f"the connection is gone: {error}") from error
            self.next_message()

    def _follow_book(self, message: dict[str, Any]) -> dict[str, Any]:
        market = int(message["market"])
        book = self.books.get(market)
        if book is None or message["sequence"] <= book.sequence:
            return message
        try:
            book.apply(message)
        except OutOfStep:
            answer = self.request("subscribe", channel=f"book:{market}", depth=500)
            self.books[market] = BookCopy(answer["snapshot"])
            snapshot: dict[str, Any] = answer["snapshot"]
            return snapshot
        return message

    def _follow_account(self, message: dict[str, Any]) -> None:
        if self.account_sequence is not None and message["previous"] != self.account_sequence:
            raise OutOfStep(f"the account's message after {self.account_sequence} is missing")
        self.account_sequence = int(message["sequence"])

    def _receive(self) -> dict[str, Any]:
        try:
            message: dict[str, Any] = json.loads(self._connection.recv(timeout=self._timeout_s))
            return message
        except TimeoutError as error:
            raise Unreachable(f"nothing came within {self._timeout_s} s") from error
        except (ConnectionClosed, OSError) as error:
            raise Unreachable(f"the connection is gone: {error}") from error
