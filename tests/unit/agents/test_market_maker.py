import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.agents.market_maker import InvalidLadder, Ladder

TICK_WAD = 10**17


@given(st.integers(10**19, 10**24), st.integers(-2_000, 2_000))
def test_quotes__any_mark_and_position__never_cross(mark_wad: int, position: int) -> None:
    quotes = Ladder(levels=5).quotes(mark_wad, TICK_WAD, position)

    bids = [quote.ticks for quote in quotes if quote.side == "buy"]
    asks = [quote.ticks for quote in quotes if quote.side == "sell"]
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert not bids or not asks or bids[0] < asks[0]
    assert all(ticks > 0 for ticks in bids + asks)


def test_quotes__position_at_its_bound__only_the_side_that_reduces() -> None:
    ladder = Ladder(levels=2, max_lots=10)

    assert {quote.side for quote in ladder.quotes(10**21, TICK_WAD, 10)} == {"sell"}
    assert {quote.side for quote in ladder.quotes(10**21, TICK_WAD, -11)} == {"buy"}


def test_quotes__long__stand_lower() -> None:
    ladder = Ladder(levels=1)

    flat, long = (ladder.quotes(10**21, TICK_WAD, lots) for lots in (0, 500))

    assert [quote.ticks for quote in long] < [quote.ticks for quote in flat]


def test_ladder__of_nothing__is_refused() -> None:
    with pytest.raises(InvalidLadder):
        Ladder(spread_pips=0)
