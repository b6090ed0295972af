from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.agents.market_maker import InvalidLadder, Ladder, changes
from optimistic.client.orders import Quote

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


LEAST_EXPIRY_S = 1_000
LADDERS = st.tuples(st.integers(1, 500), st.lists(st.integers(1, 9), max_size=6, unique=True))


def standing(quotes: list[Quote], expiry: int = LEAST_EXPIRY_S) -> list[dict[str, Any]]:
    return [
        {"orderId": i, "side": q.side, "ticks": q.ticks, "lotsLeft": q.lots, "expiry": expiry}
        for i, q in enumerate(quotes)
    ]


def ladder_of(middle: int, gaps: list[int]) -> list[Quote]:
    bids = [Quote("buy", 5, middle - gap) for gap in gaps if middle > gap]
    return bids + [Quote("sell", 5, middle + gap) for gap in gaps]


@given(LADDERS, LADDERS)
def test_changes__from_any_ladder_to_any__never_cross_on_the_way(
    before: tuple[int, list[int]], after: tuple[int, list[int]]
) -> None:
    old, new = ladder_of(*before), ladder_of(*after)

    todo = changes(standing(old), new, LEAST_EXPIRY_S)

    book = {number: quote for number, quote in enumerate(old) if number not in todo.cancelled}
    for number, quote in todo.replaced:
        del book[number]
        book[number] = quote
        highest_bid = max((q.ticks for q in book.values() if q.side == "buy"), default=0)
        assert all(q.ticks > highest_bid for q in book.values() if q.side == "sell")
    assert Counter([*book.values(), *todo.placed]) == Counter(new)


def test_changes__quotes_that_are_right__stay() -> None:
    quotes = ladder_of(100, [1, 2])

    assert not changes(standing(quotes), quotes, LEAST_EXPIRY_S)
    assert len(changes(standing(quotes, LEAST_EXPIRY_S - 1), quotes, LEAST_EXPIRY_S).replaced) == 4


def test_changes__quote_filled_in_part__is_replaced() -> None:
    quotes = ladder_of(100, [1])
    orders = standing(quotes)
    orders[0]["lotsLeft"] = 2

    todo = changes(orders, quotes, LEAST_EXPIRY_S)

    assert todo == ([(0, quotes[0])], [], [])
