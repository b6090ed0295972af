"""Gas and the memory it buys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.stepper.gas import (
    MAX_MEMORY_WORDS,
    charge,
    expand,
    expansion_gas,
    memory_cost,
    words_needed,
)
from optimistic.protocol.stepper.halts import ExceptionalHalt
from tests.helpers.opcode_stage import stage

HUGE = (1 << 256) - 1
END = MAX_MEMORY_WORDS * 32


def test_charge__exactly_all__leaves_nothing() -> None:
    frame = stage(gas=7).frame
    charge(frame, 7)
    assert frame.gas == 0
    with pytest.raises(ExceptionalHalt):
        charge(frame, 1)
    assert frame.gas == 0


@pytest.mark.parametrize(
    ("words", "cost"), [(0, 0), (1, 3), (22, 66), (23, 70), (32, 98), (1024, 5120), (65536, 8585216)]
)
def test_memory_cost__known_sizes__yellow_paper(words: int, cost: int) -> None:
    assert memory_cost(words) == cost


@pytest.mark.parametrize(
    ("offset", "length", "words"),
    [(0, 0, 0), (HUGE, 0, 0), (0, 1, 1), (31, 1, 1), (31, 2, 2), (32, 32, 2), (END - 1, 1, MAX_MEMORY_WORDS)],
)
def test_words_needed__range__reaches_to_its_end(offset: int, length: int, words: int) -> None:
    assert words_needed(offset, length) == words


@pytest.mark.parametrize(("offset", "length"), [(END, 1), (0, END + 1), (HUGE, 1), (1, HUGE), (HUGE, HUGE)])
def test_words_needed__beyond_every_memory__halts(offset: int, length: int) -> None:
    with pytest.raises(ExceptionalHalt):
        words_needed(offset, length)


@given(ranges=st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 500)), max_size=8))
def test_expand__any_order__costs_what_the_largest_size_does(ranges: list[tuple[int, int]]) -> None:
    frame = stage(gas=10**6).frame
    words = max((words_needed(*item) for item in ranges), default=0)
    for item in ranges:
        expand(frame, *item)
    assert frame.memory_words == words
    assert 10**6 - frame.gas == memory_cost(words)
    assert expansion_gas(frame, words) == 0


def test_expand__too_dear__halts_and_buys_nothing() -> None:
    frame = stage(gas=5).frame
    expand(frame, 0, 32)
    with pytest.raises(ExceptionalHalt):
        expand(frame, 32, 1)
    assert (frame.gas, frame.memory_words) == (2, 1)
