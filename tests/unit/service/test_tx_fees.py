import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.service.tx_fees import Fees, bumped_fees, first_fees, gas_with_margin
from optimistic.service.tx_types import TxOptions

WEI = st.integers(min_value=0, max_value=10**13)


def test_first_fees__usual__cover_a_doubling_of_the_base_fee() -> None:
    assert first_fees(100, 5, TxOptions(max_fee_wei=1_000)) == Fees(max_fee_wei=205, tip_wei=5)


def test_first_fees__near_the_cap__are_cut_to_it() -> None:
    assert first_fees(100, 500, TxOptions(max_fee_wei=150)) == Fees(max_fee_wei=150, tip_wei=150)


def test_first_fees__base_fee_above_the_cap__are_none() -> None:
    assert first_fees(150, 5, TxOptions(max_fee_wei=150)) is None


def test_bumped_fees__cap_without_room__are_none() -> None:
    assert bumped_fees(Fees(max_fee_wei=100, tip_wei=10), 10, 1, TxOptions(max_fee_wei=112)) is None


@given(max_fee=WEI, tip=WEI, base=WEI, suggested=WEI)
def test_bumped_fees__always__are_a_valid_replacement_below_the_cap(
    max_fee: int, tip: int, base: int, suggested: int
) -> None:
    options = TxOptions(max_fee_wei=2 * 10**13)
    previous = Fees(max_fee_wei=max(max_fee, tip), tip_wei=tip)

    bumped = bumped_fees(previous, base, suggested, options)

    if bumped is not None:
        assert bumped.max_fee_wei * 100 >= previous.max_fee_wei * 110
        assert bumped.tip_wei * 100 >= previous.tip_wei * 110
        assert bumped.tip_wei <= bumped.max_fee_wei <= options.max_fee_wei
        assert bumped != previous


@pytest.mark.parametrize(
    ("estimate", "block", "gas"),
    [(100, 10**9, 125), (100, 110, 110), (2**24, 10**9, 2**24), (2**25, 10**9, 2**25), (100, 90, 100)],
)
def test_gas_with_margin__limits__bound_the_margin_but_not_the_estimate(
    estimate: int, block: int, gas: int
) -> None:
    assert gas_with_margin(estimate, block, TxOptions()) == gas
