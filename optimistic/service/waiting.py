"""Waiting for something another process does."""

import threading
from collections.abc import Callable

from optimistic.protocol.errors import TemporaryError
from optimistic.service.clock import Clock


class NotInTime(TemporaryError):
    """It has not happened yet; it may still."""


def wait_until(
    happened: Callable[[], bool], clock: Clock, *, timeout_s: int = 600, poll_s: float = 0.5
) -> None:
    """Return as soon as `happened` says so.

    Raises
    ------
    NotInTime : it did not within the timeout
    """
    never = threading.Event()
    deadline_s = clock.monotonic_s() + timeout_s
    while not happened():
        if clock.monotonic_s() > deadline_s:
            raise NotInTime(f"nothing happened within {timeout_s} s")
        clock.wait(never, poll_s)
