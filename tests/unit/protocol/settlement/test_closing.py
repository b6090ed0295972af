"""Who may be liquidated: below maintenance margin at the marks and at the index prices alone."""

import pytest

from optimistic.protocol.settlement.closing import NOTHING, close_terms
from optimistic.protocol.settlement.portfolio import is_below, margin_of
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.units import WAD
from tests.helpers.settlement_states import ALICE, BOB, MARKET, set_price, state_of, trade


def state_at(index: int, mark: int) -> State:
    """Ten contracts bought at 100 with 100 beside them; maintenance margin is 5 %."""
    state = state_of(100, 1_000)
    trade(state, ALICE, BOB, 10 * WAD)
    set_price(state, mark * WAD)
    state.markets[MARKET].index_price_wad = index * WAD
    return state


@pytest.mark.parametrize(
    ("index", "mark", "below"),
    [(94, 94, True), (96, 96, False), (96, 91, False), (94, 99, False), (94, 91, True)],
)
def test_pitfall_32__index_and_mark__both_have_to_be_low(index: int, mark: int, below: bool) -> None:
    state = state_at(index, mark)

    assert is_below(state, ALICE, margin_of(state, ALICE)) is below
    assert (close_terms(state, ALICE, MARKET) != NOTHING) is below
    assert not is_below(state, BOB, margin_of(state, BOB))


def test_pitfall_32__settled_at_the_pushed_mark__changes_nothing() -> None:
    state = state_at(96, 91)
    trade(state, ALICE, BOB, 0)

    assert not margin_of(state, ALICE).is_maintained
    assert close_terms(state, ALICE, MARKET) == NOTHING
