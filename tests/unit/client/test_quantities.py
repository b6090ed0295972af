from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.client.quantities import NotAnAmount, Rounding, Steps, from_wad, to_wad

STEPS = Steps(tick_wad=5 * 10**17, lot_wad=10**15)


@pytest.mark.parametrize("amount", [0.1, True, "x", "", "1e-19", "NaN", "Infinity", None])
def test_to_wad__float_or_no_number__is_refused(amount: object) -> None:
    with pytest.raises(NotAnAmount):
        to_wad(amount)  # type: ignore[arg-type] # that is the point


def test_to_wad__exact__whatever_it_is_written_as() -> None:
    assert to_wad("0.000000000000000001") == 1
    assert to_wad(3) == to_wad(Decimal("3.0")) == to_wad("3") == 3 * 10**18
    assert to_wad("-123456789012345678901234567890.5") == -1234567890123456789012345678905 * 10**17


@given(st.integers(-(10**40), 10**40))
def test_from_wad__and_back__is_the_same(wad: int) -> None:
    assert to_wad(from_wad(wad)) == wad
    assert to_wad(str(from_wad(wad))) == wad


def test_ticks__between_two_steps__names_both() -> None:
    with pytest.raises(NotAnAmount, match=r"price 100\.3 is not a multiple of 0\.5: take 100 or 100\.5"):
        STEPS.ticks("100.3")

    assert STEPS.ticks("100.3", Rounding.DOWN) == 200
    assert STEPS.ticks("100.3", Rounding.UP) == 201
    assert STEPS.price(201) == Decimal("100.5")


@given(st.integers(0, 10**30))
def test_lots__rounded__enclose_the_size(wad: int) -> None:
    down, up = (STEPS.lots(from_wad(wad), rounding) for rounding in (Rounding.DOWN, Rounding.UP))

    assert down * STEPS.lot_wad <= wad <= up * STEPS.lot_wad
    assert up - down == (wad % STEPS.lot_wad != 0)
    assert to_wad(STEPS.size(down)) == down * STEPS.lot_wad
