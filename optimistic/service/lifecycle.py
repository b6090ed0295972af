"""Loops, their reaction to errors, and the process around them.

One process runs one command. Its main thread supervises; every loop is a
thread running `run_loop`. Errors are handled by the reaction their class asks
for (`optimistic.protocol.errors`), never by their text.
"""

import os
import random
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FrameType

import structlog

from optimistic.protocol.errors import CriticalError, InvalidInput, ResetError, RollupError, TemporaryError
from optimistic.service.clock import Clock

log = structlog.get_logger(__name__)

Step = Callable[[], bool | None]
"""One turn of a loop; True asks for the next turn at once, without the pause."""

Service = Callable[[threading.Event], None]
"""The body of a supervised thread; returns soon after the event is set."""

EXIT_OK = 0
EXIT_CRITICAL = 1
EXIT_HUNG = 3


class UnexpectedError(CriticalError):
    """A loop raised something outside the error tree: a bug, so the process stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential backoff with full jitter on its upper half."""

    first_s: float = 0.5
    factor: float = 2.0
    limit_s: float = 30.0

    def delay_s(self, failures: int, jitter: float) -> float:
        """Return the pause after `failures` (>= 1) failures in a row; `jitter` lies in [0, 1)."""
        exponent = min(failures - 1, 63)
        ceiling = min(self.limit_s, self.first_s * self.factor**exponent)
        return ceiling * (0.5 + jitter / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOptions:
    """How one loop runs and reacts.

    `on_reset` handles a reorganisation of L1; without it a ResetError is retried like
    a temporary one. `on_failure` sees every retried error (metrics, health).
    """

    name: str
    interval_s: float
    on_reset: Callable[[ResetError], None] | None = None
    on_failure: Callable[[RollupError], None] | None = None
    on_success: Callable[[], None] | None = None
    backoff: Backoff = field(default_factory=Backoff)
    jitter: Callable[[], float] = random.random


def run_loop(step: Step, options: LoopOptions, stop: threading.Event, clock: Clock) -> None:
    """Call `step` until `stop` is set.

    Parameters
    ----------
    step : one turn; see `Step`
    options : pause between turns and reactions

    Raises
    ------
    CriticalError : raised by a turn, or standing for an error nobody declared
    """
    failures = 0
    while not stop.is_set():
        outcome = _turn(step, options)
        if isinstance(outcome, RollupError):
            failures += 1
            _pause_after(outcome, failures, options, stop, clock)
            continue
        failures = 0
        if not outcome:
            clock.wait(stop, options.interval_s)


def _turn(step: Step, options: LoopOptions) -> RollupError | bool:
    """Run one turn; return whether to go on at once, or the error to retry after."""
    try:
        return _attempt(step, options)
    except (InvalidInput, TemporaryError, ResetError) as error:
        return error
    except CriticalError as error:
        log.critical("loop_stopped", loop=options.name, error=str(error), error_type=type(error).__name__)
        raise
    except Exception as error:
        log.critical("loop_broke", loop=options.name, error=str(error), exc_info=True)
        raise UnexpectedError(f"{options.name}: {type(error).__name__}: {error}") from error


def _attempt(step: Step, options: LoopOptions) -> bool:
    try:
        more = step()
    except ResetError as error:
        if options.on_reset is None:
            raise
        log.warning("loop_reset", loop=options.name, error=str(error))
        options.on_reset(error)
        return True
    if options.on_success is not None:
        options.on_success()
    return bool(more)


def _pause_after(
    error: RollupError, failures: int, options: LoopOptions, stop: threading.Event, clock: Clock
) -> None:
    delay_s = options.backoff.delay_s(failures, options.jitter())
    log.warning(
        "loop_step_failed",
        loop=options.name,
        error=str(error),
        error_type=type(error).__name__,
        failures=failures,
        retry_in_s=round(delay_s, 3),
    )
    if options.on_failure is not None:
        options.on_failure(error)
    clock.wait(stop, delay_s)


def exit_code(error: Exception | None) -> int:
    """Return the process exit code that stands for `error`."""
    return EXIT_OK if error is None else EXIT_CRITICAL


class Supervisor:
    """Runs named threads until one fails, all end, or the process is told to stop.

    The first critical error stops the others. Closers run last, in reverse order of
    registration, in the calling thread.
    """

    def __init__(self, *, grace_s: float = 20.0) -> None:
        self.stop_event = threading.Event()
        self._grace_s = grace_s
        self._services: list[tuple[str, Service]] = []
        self._closers: list[tuple[str, Callable[[], None]]] = []
        self._errors: list[Exception] = []
        self._wake = threading.Event()
        self._lock = threading.Lock()

    def add(self, name: str, service: Service) -> None:
        """Register a thread; `service` gets the stop event and ends soon after it is set."""
        self._services.append((name, service))

    def add_loop(self, step: Step, options: LoopOptions, clock: Clock) -> None:
        """Register a thread that runs `run_loop`."""
        self.add(options.name, lambda stop: run_loop(step, options, stop, clock))

    def on_close(self, name: str, close: Callable[[], None]) -> None:
        """Register what to release after all threads ended."""
        self._closers.append((name, close))

    def stop(self) -> None:
        """Ask every thread to end; safe from any thread and from a signal handler."""
        self.stop_event.set()
        self._wake.set()

    def run(self, *, install_signals: bool = True) -> int:
        """Start the threads, wait for the end, release everything and return the exit code."""
        previous = _install_signals(self.stop) if install_signals else {}
        try:
            threads = [self._start(name, service) for name, service in self._services]
            self._wait(threads)
            hung = self._join(threads)
            self._close()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        if hung:
            log.critical("threads_hung", threads=hung)
            return EXIT_HUNG
        return exit_code(self.first_error)

    @property
    def first_error(self) -> Exception | None:
        """The error that stopped the process, if any."""
        return self._errors[0] if self._errors else None

    def _start(self, name: str, service: Service) -> threading.Thread:
        def body() -> None:
            try:
                service(self.stop_event)
            except Exception as error:  # noqa: BLE001 - a thread's last words: reported, then the process stops
                with self._lock:
                    self._errors.append(error)
                log.critical(
                    "service_failed", service=name, error=str(error), error_type=type(error).__name__
                )
                self.stop()
            finally:
                self._wake.set()

        thread = threading.Thread(target=body, name=name, daemon=True)
        thread.start()
        return thread

    def _wait(self, threads: list[threading.Thread]) -> None:
        while not self.stop_event.is_set() and any(thread.is_alive() for thread in threads):
            self._wake.wait(0.5)
            self._wake.clear()
        self.stop_event.set()

    def _join(self, threads: list[threading.Thread]) -> list[str]:
        for thread in threads:
            thread.join(self._grace_s)
        return [thread.name for thread in threads if thread.is_alive()]

    def _close(self) -> None:
        for name, close in reversed(self._closers):
            try:
                close()
            except Exception as error:
                log.exception("close_failed", resource=name, error=str(error))
                self._errors.append(error)


def _install_signals(
    stop: Callable[[], None],
) -> dict[int, "signal.Handlers | int | Callable[[int, FrameType | None], object] | None"]:
    """Turn SIGTERM and SIGINT into a clean stop; a second one ends the process at once."""
    seen = [0]

    def handle(number: int, _frame: FrameType | None) -> None:
        seen[0] += 1
        if seen[0] > 1:
            os._exit(128 + number)
        stop()

    return {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
