import threading

import pytest

from optimistic.service.clock import FakeClock, SystemClock


def test_fake_clock__waiting__moves_time_and_returns_at_once() -> None:
    clock = FakeClock(start_s=100)

    stopped = clock.wait(threading.Event(), 2.5)

    assert not stopped
    assert (clock.time_s(), clock.time_ms(), clock.monotonic_s()) == (102, 102_500, 2.5)
    assert clock.waits == [2.5]


def test_fake_clock__waiting_for_a_set_event__does_not_move() -> None:
    clock = FakeClock(start_s=100)
    stop = threading.Event()
    stop.set()

    assert clock.wait(stop, 5)
    assert clock.time_s() == 100


def test_fake_clock__going_back__refuses() -> None:
    with pytest.raises(ValueError, match="does not go back"):
        FakeClock().advance(-1)


def test_system_clock__all_readings__agree() -> None:
    clock = SystemClock()

    assert abs(clock.time_ms() // 1000 - clock.time_s()) <= 1
    assert not clock.wait(threading.Event(), -1)
    assert clock.monotonic_s() <= clock.monotonic_s()
