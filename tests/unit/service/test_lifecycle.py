import os
import signal
import threading
from collections.abc import Callable

import pytest

from optimistic.protocol.errors import CriticalError, InvalidInput, ResetError, RollupError, TemporaryError
from optimistic.service.clock import FakeClock, SystemClock
from optimistic.service.lifecycle import (
    EXIT_CRITICAL,
    EXIT_OK,
    Backoff,
    LoopOptions,
    Supervisor,
    UnexpectedError,
    run_loop,
)


def script(stop: threading.Event, *turns: Exception | bool | None) -> Callable[[], bool | None]:
    """Return a step that plays `turns`, then stops the loop."""
    left = list(turns)

    def step() -> bool | None:
        if len(left) == 1:
            stop.set()
        turn = left.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn

    return step


def run(*turns: Exception | bool | None, on_reset: Callable[[ResetError], None] | None = None) -> FakeClock:
    clock, stop = FakeClock(), threading.Event()
    options = LoopOptions(
        name="test",
        interval_s=7,
        on_reset=on_reset,
        backoff=Backoff(first_s=1, limit_s=5),
        jitter=lambda: 0.0,
    )
    run_loop(script(stop, *turns, None), options, stop, clock)
    return clock


def test_run_loop__idle_turns__pauses_between_them() -> None:
    assert run(None, False).waits == [7, 7]


def test_run_loop__more_work__goes_on_without_a_pause() -> None:
    assert run(True, True).waits == []


@pytest.mark.parametrize("kind", [InvalidInput, TemporaryError, ResetError])
def test_run_loop__retryable_errors__back_off_and_recover(kind: type[RollupError]) -> None:
    clock = run(kind("a"), kind("b"), kind("c"), kind("d"), kind("e"), None, kind("f"))

    assert clock.waits == [0.5, 1.0, 2.0, 2.5, 2.5, 7, 0.5]


def test_run_loop__reset_with_a_handler__calls_it_and_goes_on_at_once() -> None:
    seen: list[ResetError] = []

    clock = run(ResetError("gone"), on_reset=seen.append)

    assert [str(error) for error in seen] == ["gone"]
    assert clock.waits == []


def test_run_loop__critical__stops() -> None:
    with pytest.raises(CriticalError, match="damage"):
        run(CriticalError("damage"))


def test_run_loop__undeclared_error__stops_as_a_bug() -> None:
    with pytest.raises(UnexpectedError, match="ZeroDivisionError") as caught:
        run(ZeroDivisionError("oops"))

    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_run_loop__callbacks__see_success_and_failure() -> None:
    seen: list[str] = []
    stop = threading.Event()
    options = LoopOptions(
        name="test",
        interval_s=0,
        on_failure=lambda error: seen.append(str(error)),
        on_success=lambda: seen.append("ok"),
    )

    run_loop(script(stop, TemporaryError("down"), None), options, stop, FakeClock())

    assert seen == ["down", "ok"]


def test_backoff__delay__grows_to_the_limit_with_jitter_below() -> None:
    backoff = Backoff(first_s=1, factor=2, limit_s=8)

    assert [backoff.delay_s(n, 1.0) for n in (1, 2, 3, 4, 100)] == [1, 2, 4, 8, 8]
    assert backoff.delay_s(3, 0.0) == 2


def test_supervisor__all_threads_end__exits_clean_and_closes_in_reverse() -> None:
    supervisor = Supervisor()
    closed: list[str] = []
    supervisor.add("a", lambda _stop: None)
    supervisor.on_close("first", lambda: closed.append("first"))
    supervisor.on_close("second", lambda: closed.append("second"))

    assert supervisor.run(install_signals=False) == EXIT_OK
    assert closed == ["second", "first"]


def test_supervisor__one_critical_error__stops_the_others_and_exits_non_zero() -> None:
    supervisor = Supervisor()
    stopped = threading.Event()

    def fails(_stop: threading.Event) -> None:
        raise CriticalError("broken")

    def works(stop: threading.Event) -> None:
        stop.wait(10)
        stopped.set()

    supervisor.add("works", works)
    supervisor.add("fails", fails)

    assert supervisor.run(install_signals=False) == EXIT_CRITICAL
    assert stopped.is_set()
    assert str(supervisor.first_error) == "broken"


def test_supervisor__close_fails__exits_non_zero_but_closes_the_rest() -> None:
    supervisor = Supervisor()
    closed: list[str] = []

    def fail() -> None:
        raise OSError("busy")

    supervisor.on_close("good", lambda: closed.append("good"))
    supervisor.on_close("bad", fail)

    assert supervisor.run(install_signals=False) == EXIT_CRITICAL
    assert closed == ["good"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_supervisor__signal__stops_clean(number: signal.Signals) -> None:
    supervisor = Supervisor()

    def send(stop: threading.Event) -> None:
        os.kill(os.getpid(), number)
        stop.wait(10)

    supervisor.add("sender", send)
    before = signal.getsignal(number)

    assert supervisor.run() == EXIT_OK
    assert signal.getsignal(number) is before


def test_supervisor__loop__runs_until_stopped() -> None:
    supervisor = Supervisor()
    turns: list[int] = []

    def step() -> bool:
        turns.append(1)
        if len(turns) == 3:
            supervisor.stop()
        return True

    supervisor.add_loop(step, LoopOptions(name="loop", interval_s=0), SystemClock())

    assert supervisor.run(install_signals=False) == EXIT_OK
    assert len(turns) == 3
