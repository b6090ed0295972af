"""Time as a dependency: everything that waits or stamps takes a `Clock`."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time and interruptible waiting."""

    def time_s(self) -> int:
        """Return Unix time in whole seconds, rounded down."""

    def time_ms(self) -> int:
        """Return Unix time in whole milliseconds, rounded down."""

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until `stop` is set or `seconds` passed; return whether it is set."""


class SystemClock:
    """The machine's clock."""

    def time_s(self) -> int:
        """Return Unix time in whole seconds, rounded down."""
        return time.time_ns() // 1_000_000_000

    def time_ms(self) -> int:
        """Return Unix time in whole milliseconds, rounded down."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until `stop` is set or `seconds` passed; return whether it is set."""
        return stop.wait(max(0.0, seconds))


class FakeClock:
    """A clock that moves only when told to; waiting moves it and returns at once."""

    def __init__(self, start_s: int = 1_700_000_000) -> None:
        self._start_ms = start_s * 1000
        self._now_ms = self._start_ms
        self._lock = threading.Lock()
        self.waits: list[float] = []

    def advance(self, seconds: float) -> None:
        """Move the clock forward; it never goes back."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back: {seconds} s")
        with self._lock:
            self._now_ms += int(seconds * 1000)

    def time_s(self) -> int:
        """Return Unix time in whole seconds, rounded down."""
        return self._now_ms // 1000

    def time_ms(self) -> int:
        """Return Unix time in whole milliseconds, rounded down."""
        return self._now_ms

    def monotonic_s(self) -> float:
        """Return seconds since the clock was made."""
        return (self._now_ms - self._start_ms) / 1000

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Record the wait, advance by it unless `stop` is set, and return whether it is set."""
        if stop.is_set():
            return True
        self.waits.append(seconds)
        self.advance(max(0.0, seconds))
        return stop.is_set()
