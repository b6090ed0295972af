"""The lines of withdrawals: the terms of the contract's own tests, and what must hold of any."""

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement.rate_line import DAY_S, HOUR_S, RateLine
from optimistic.protocol.settlement.units import WAD

START = 1_700_000_000
MILLION = 10**6 * WAD
LIMITS = st.integers(1, 10**30)
ENDS = st.integers(0, (START + 20 * DAY_S) * WAD)
LINES = st.builds(RateLine, LIMITS, LIMITS, ENDS, ENDS)


def test_ready_at__hour_and_day__is_what_the_contract_gives() -> None:
    """CollateralLimits.t.sol: two million an hour, twenty a day."""
    line = RateLine(2 * MILLION, 20 * MILLION, 0, 0)
    hour_taken = RateLine(2 * MILLION, 20 * MILLION, (START + HOUR_S) * WAD, 0)
    day_taken = RateLine(2 * MILLION, 20 * MILLION, 0, (START + DAY_S) * WAD)

    assert line.at_once(START) == 2 * MILLION
    assert line.ready_at(2 * MILLION, START) == START
    assert line.ready_at(3 * MILLION, START) == START + 1_800
    assert line.ready_at(20 * MILLION, START) == START + 9 * HOUR_S
    assert hour_taken.at_once(START) == 0
    assert hour_taken.ready_at(1, START) == START + 1
    assert day_taken.ready_at(20 * MILLION, START) == START + DAY_S


@given(LINES)
def test_at_once__any_line__is_the_most_that_does_not_wait(line: RateLine) -> None:
    most = line.at_once(START)

    if most:
        assert line.ready_at(most, START) == START
    assert line.ready_at(most + 1, START) > START
