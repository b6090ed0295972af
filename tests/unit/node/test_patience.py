import pytest

from optimistic.node.patience import Patience
from optimistic.protocol.hashing import keccak256
from optimistic.service.clock import FakeClock

TX = keccak256(b"tx")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_failure__that_time_can_mend__is_tried_again_ever_more_rarely(clock: FakeClock) -> None:
    patience = Patience(clock)
    tries = []

    for second in range(130):
        if patience.may_try(TX):
            tries.append(second)
            assert not patience.is_exhausted_by(TX, "insufficient_funds")
        clock.advance(1)

    assert tries == [0, 1, 3, 7, 15, 31, 63, 123]


def test_failure__that_stays__is_given_up_at_once(clock: FakeClock) -> None:
    patience = Patience(clock)

    assert patience.is_exhausted_by(TX, "nonce_too_low")
    assert patience.may_try(TX)


def test_failure__for_too_long__is_given_up(clock: FakeClock) -> None:
    patience = Patience(clock)
    assert not patience.is_exhausted_by(TX, "nonce_too_high")

    clock.advance(1_801)

    assert patience.is_exhausted_by(TX, "nonce_too_high")


def test_hurry__balances_changed__everything_is_tried_at_once(clock: FakeClock) -> None:
    patience = Patience(clock)
    patience.is_exhausted_by(TX, "insufficient_funds")
    assert not patience.may_try(TX)

    patience.hurry()

    assert patience.may_try(TX)


def test_ended__ran_in_the_end__starts_anew(clock: FakeClock) -> None:
    patience = Patience(clock)
    patience.is_exhausted_by(TX, "insufficient_funds")

    patience.ended(TX)

    assert patience.may_try(TX)
