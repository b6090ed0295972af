import pytest

from optimistic.node.l1_clock import L1Clock
from optimistic.service.clock import FakeClock
from tests.helpers.offline_node import l1_header


@pytest.fixture
def local() -> FakeClock:
    return FakeClock(5_000)


def test_time__before_any_block__is_zero(local: FakeClock) -> None:
    assert L1Clock(local).time_s() == 0


def test_time__between_blocks__runs_on_from_the_newest_timestamp(local: FakeClock) -> None:
    clock = L1Clock(local)
    clock.observe(l1_header(1, 900))
    local.advance(2.5)
    clock.observe(l1_header(1, 900))

    assert (clock.time_s(), clock.head_timestamp_s()) == (902, 900)


@pytest.mark.parametrize("timestamp", [700, 903, 12_000])
def test_time__new_block__is_believed_whatever_it_says(local: FakeClock, timestamp: int) -> None:
    clock = L1Clock(local)
    clock.observe(l1_header(1, 900))
    local.advance(3)

    clock.observe(l1_header(2, timestamp))

    assert clock.time_s() == timestamp
