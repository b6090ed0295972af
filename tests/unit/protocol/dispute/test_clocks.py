import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.dispute.clocks import (
    booked,
    duel_clock,
    is_closed,
    is_confirmable,
    is_window_open,
    loser,
    opening_clocks,
    remaining,
    sole_since,
)
from optimistic.protocol.dispute.ids import Side

seconds = st.integers(min_value=0, max_value=10_000)
sides = st.sampled_from(Side)


@given(t0=seconds, late=seconds, period=st.integers(min_value=1, max_value=10_000))
def test_opening__at_any_time__leaves_what_ends_at_twice_the_period(t0: int, late: int, period: int) -> None:
    now = t0 + late % period

    older, newer = opening_clocks(t0, period, now)

    assert older == period
    assert now + older + newer == t0 + 2 * period


@given(left=st.tuples(seconds, seconds), turn=sides, spent=seconds, more=seconds)
def test_booking__in_two_parts__is_booking_once(
    left: tuple[int, int], turn: Side, spent: int, more: int
) -> None:
    once = booked(left, turn, 0, spent + more)
    twice = booked(booked(left, turn, 0, spent), turn, spent, spent + more)

    assert once == twice
    assert remaining(left[turn], 0, spent + more) == remaining(twice[turn], spent + more, spent + more)
    assert once[turn.other] == left[turn.other]


@given(budget=seconds, pinned_at=seconds, spent=seconds, more=seconds)
def test_window__after_some_time__is_a_shorter_one_from_now(
    budget: int, pinned_at: int, spent: int, more: int
) -> None:
    now = pinned_at + spent

    rest = duel_clock(budget, pinned_at, now)

    assert rest == budget - spent
    assert is_closed(budget, pinned_at, now + more) == is_closed(rest, now, now + more)
    assert remaining(rest, now, now + more) == remaining(budget, pinned_at, now + more)


def test_clock__the_second_at_which_it_is_out__leaves_nothing() -> None:
    assert remaining(10, 100, 109) == 1
    assert remaining(10, 100, 110) == 0
    assert remaining(10, 100, 500) == 0
    assert not is_closed(10, 100, 109)
    assert is_closed(10, 100, 110)


def test_window_for_siblings__its_last_second__is_before_its_end() -> None:
    assert is_window_open(100, 10, 109)
    assert not is_window_open(100, 10, 110)


@pytest.mark.parametrize(
    ("closed", "live", "lost"),
    [
        ((True, False), (0, 1), Side.OLDER),
        ((False, True), (1, 0), Side.NEWER),
        ((True, True), (0, 3), Side.OLDER),
        ((True, True), (2, 0), Side.NEWER),
        ((True, True), (0, 0), Side.NEWER),
        ((True, False), (0, 0), None),
        ((False, True), (0, 0), None),
        ((False, False), (0, 1), None),
        ((True, True), (1, 1), None),
        ((False, True), (0, 1), None),
    ],
)
def test_loser__each_case__is_named_only_when_nothing_can_change_it(
    closed: tuple[bool, bool], live: tuple[int, int], lost: Side | None
) -> None:
    assert loser(closed, live) is lost


def test_survivor__alone_before_and_after_the_window__waits_for_its_end_and_the_airgap() -> None:
    assert sole_since(100, 10, 105) == 110
    assert sole_since(100, 10, 150) == 150
    assert not is_confirmable(1, 110, 5, 114)
    assert is_confirmable(1, 110, 5, 115)
    assert not is_confirmable(2, 110, 5, 200)
