"""Fixed point: every division and root says which way it rounds, and does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.settlement import units
from optimistic.protocol.settlement.units import LOT_WAD, QUANTUM_WAD, WAD, OffQuantum

ANY = st.integers(-(10**60), 10**60)
POSITIVE = st.integers(1, 10**40)


def test_quanta__product_of_the_smallest__is_one() -> None:
    assert units.exact(LOT_WAD, QUANTUM_WAD) == 1
    assert units.exact(-3 * LOT_WAD, 7 * QUANTUM_WAD) == -21


@pytest.mark.parametrize(("size", "price"), [(LOT_WAD + 1, QUANTUM_WAD), (LOT_WAD, QUANTUM_WAD - 1), (1, 1)])
def test_exact__off_the_quanta__is_refused(size: int, price: int) -> None:
    with pytest.raises(OffQuantum):
        units.exact(size, price)


@pytest.mark.parametrize(
    ("a", "b", "down", "up", "inward"),
    [(7, 2, 3, 4, 3), (-7, 2, -4, -3, -3), (6, 2, 3, 3, 3), (-6, 2, -3, -3, -3), (0, 5, 0, 0, 0)],
)
def test_divisions__signs__round_as_they_say(a: int, b: int, down: int, up: int, inward: int) -> None:
    assert (units.floor_div(a, b), units.ceil_div(a, b), units.trunc_div(a, b)) == (down, up, inward)


def test_trunc_div__negative_divisor__goes_toward_zero() -> None:
    assert (units.trunc_div(7, -2), units.trunc_div(-7, -2)) == (-3, 3)


@given(value=ANY, step=POSITIVE)
def test_steps__any_value__are_its_neighbours(value: int, step: int) -> None:
    low, high = units.floor_to(value, step), units.ceil_to(value, step)

    assert low % step == high % step == 0
    assert low <= value <= high
    assert high - low == (0 if value % step == 0 else step)


@given(value=ANY)
def test_quantum_toward_zero__any_value__never_grows(value: int) -> None:
    cut = units.quantum_toward_zero(value)

    assert cut % QUANTUM_WAD == 0
    assert 0 <= abs(value) - abs(cut) < QUANTUM_WAD
    assert units.quantum_toward_zero(-value) == -cut


@given(
    value=st.one_of(st.integers(0, 300), st.integers(0, 10**80), st.integers(0, 10**40).map(lambda n: n * n))
)
def test_sqrt__any_value__is_between_two_squares(value: int) -> None:
    low, high = units.sqrt_down(value), units.sqrt_up(value)

    assert low * low <= value < (low + 1) * (low + 1)
    assert high * high >= value
    assert high - low == (low * low != value)


def test_sqrt__negative__is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        units.sqrt_down(-1)


@given(a=st.integers(0, 10**30), b=st.integers(0, 10**30))
def test_products__both_directions__differ_by_at_most_one(a: int, b: int) -> None:
    assert 0 <= units.mul_wad_up(a, b) - units.mul_wad_down(a, b) <= 1
    assert units.mul_wad_down(a, b) * WAD <= a * b <= units.mul_wad_up(a, b) * WAD
    assert 0 <= units.pips_up(a, b) - units.pips_down(a, b) <= 1


@given(values=st.tuples(ANY, ANY, ANY))
def test_median3__any_three__is_the_middle_one(values: tuple[int, int, int]) -> None:
    assert units.median3(*values) == sorted(values)[1]


@pytest.mark.parametrize(("value", "expected"), [(-5, 0), (3, 3), (15, 10)])
def test_clamp__inside_and_outside__is_the_nearest(value: int, expected: int) -> None:
    assert units.clamp(value, 0, 10) == expected
