from optimistic.node.api.history import History, owners_of
from optimistic.node.exchange.events import (
    Finality,
    HeadsMoved,
    MarketMoved,
    OrderChanged,
    Party,
    Published,
    Traded,
)
from optimistic.protocol.types import Address

ALICE, BOB, CAROL = (Address(bytes([i]) * 20) for i in (1, 2, 3))


def changed(owner: Address, order_id: int = 1) -> OrderChanged:
    return OrderChanged(order_id, owner, 1, 10, 5)


def test_owners__of_a_trade__are_both_and_of_prices_nobody() -> None:
    parties = [Party(i, b"", owner, 16, 0) for i, owner in enumerate((ALICE, BOB))]

    assert owners_of(Traded(1, 1, 5, 5, True, parties[0], parties[1])) == (ALICE, BOB)
    assert owners_of(Traded(1, 1, 5, 5, True, parties[0], parties[0])) == (ALICE,)
    assert owners_of(MarketMoved(1, 1, 1, 1, 1)) == ()


def test_events__beyond_the_bound__forget_the_oldest_of_whoever_it_is() -> None:
    history = History(max_events=3, after=0)
    history.add(Published(0, 1, (changed(BOB),)))
    for group in range(1, 5):
        history.add(Published(group, 1, (changed(ALICE, group),)))

    assert [entry.sequence for entry in history.after(ALICE, 0)] == [3, 4, 5]
    assert not history.reaches(ALICE, 1)
    assert history.reaches(ALICE, 2)
    assert not history.reaches(BOB, 0)
    assert history.reaches(BOB, 1)
    assert history.reaches(CAROL, 0)
    assert (history.last(ALICE), history.last(BOB), history.last(CAROL)) == (5, 1, 0)


def test_replay__from_before_the_start__is_not_promised() -> None:
    history = History(max_events=3, after=7)

    assert history.reaches(ALICE, 7)
    assert not history.reaches(ALICE, 6)


def test_newest__before_a_sequence__pages_backwards() -> None:
    history = History(max_events=10, after=0)
    for group in range(6):
        history.add(Published(group, 1, (changed(ALICE, group),)))

    assert [entry.sequence for entry in history.newest(ALICE, 2)] == [6, 5]
    assert [entry.sequence for entry in history.newest(ALICE, 2, before=5)] == [4, 3]


def test_finality__heads_move__grows() -> None:
    history = History(max_events=3, after=0)
    assert history.finality(5) is Finality.SOFT

    history.add(Published(0, 1, (HeadsMoved(6, 5),)))

    assert [history.finality(block) for block in (5, 6, 7)] == [
        Finality.FINAL,
        Finality.POSTED,
        Finality.SOFT,
    ]
