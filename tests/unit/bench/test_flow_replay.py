"""The replay of order flow notices when a venue trades otherwise than the source did."""

from pathlib import Path

from optimistic.protocol.matching.types import Side
from tests.bench.market.engine_venue import EngineVenue
from tests.bench.market.flow import Action, Message, SourceBook, generated_flow, read_flow
from tests.bench.market.flow_replay import FlowReplay

HEADER = "ts_event_ns,action,side,price_1e9,size,order_id,flags,sequence\n"


def message(action: str, side: Side | None, ticks: int, lots: int, order: int) -> Message:
    return Message(Action(action), side, ticks, lots, order, 0)


class Unfair(EngineVenue):
    """Forgets every tenth order that should rest."""

    def rest(self, order: int, side: Side, ticks: int, lots: int) -> None:
        if order % 10:
            super().rest(order, side, ticks, lots)


def test_replay__generated_flow__books_are_equal_throughout() -> None:
    tally = FlowReplay(EngineVenue()).play(generated_flow(5_000, seed=3))

    assert tally.fills > 500
    assert tally.l3_mismatches == 0


def test_replay__venue_that_forgets_orders__is_noticed() -> None:
    assert FlowReplay(Unfair()).play(generated_flow(1_000, seed=3)).l3_mismatches > 50


def test_replay__iceberg_that_trades_more_than_it_showed__shows_its_next_part_at_the_end() -> None:
    replay = FlowReplay(EngineVenue())
    replay.play(
        [
            [message("A", Side.SELL, 100, 2, 1)],
            [message("A", Side.SELL, 100, 5, 2)],
            [
                message("T", Side.BUY, 100, 8, 9),
                message("F", Side.SELL, 100, 3, 1),
                message("F", Side.SELL, 100, 5, 2),
                message("C", Side.SELL, 100, 5, 2),
                message("M", Side.SELL, 100, 1, 1),
            ],
        ]
    )

    assert replay.tally.l3_mismatches == 0
    assert replay.tally.lots == 8


def test_replay__self_trade_prevention_at_the_source__cancels_before_the_trade() -> None:
    replay = FlowReplay(EngineVenue())
    replay.play(
        [
            [message("A", Side.SELL, 100, 1, 1)],
            [message("A", Side.SELL, 100, 1, 2)],
            [
                message("T", Side.BUY, 100, 1, 9),
                message("F", Side.SELL, 100, 1, 2),
                message("C", Side.SELL, 100, 1, 2),
                message("C", Side.SELL, 100, 1, 1),
            ],
        ]
    )

    assert replay.tally.l3_mismatches == 0


def test_replay__crossed_book__waits_until_it_is_uncrossed() -> None:
    replay = FlowReplay(EngineVenue(), starts_at_ns=0)
    replay.play(
        [
            [message("A", Side.SELL, 100, 1, 1), message("A", Side.BUY, 101, 1, 2)],
            [message("A", Side.BUY, 99, 1, 3)],
            [message("C", Side.BUY, 101, 1, 2)],
            [message("A", Side.BUY, 98, 1, 4)],
        ]
    )

    assert replay.tally.events_before_the_start == 3
    assert replay.tally.events == 1
    assert replay.tally.l3_mismatches == 0


def test_source_book__modified__keeps_its_place_only_with_fewer_lots() -> None:
    book = SourceBook()
    for order in (1, 2):
        book.apply([message("A", Side.BUY, 99, 5, order)])

    book.apply([message("M", Side.BUY, 99, 4, 1)])
    assert book.queue(Side.BUY, 99) == [(1, 4), (2, 5)]
    book.apply([message("M", Side.BUY, 99, 6, 1)])
    assert book.queue(Side.BUY, 99) == [(2, 5), (1, 6)]
    book.apply([message("M", Side.BUY, 98, 5, 2)])
    assert book.queue(Side.BUY, 98) == [(2, 5)]


def test_read_flow__rows__become_events(tmp_path: Path) -> None:
    file = tmp_path / "flow.csv"
    file.write_text(HEADER + "5,T,B,500,2,0,0,1\n5,F,A,500,2,7,130,1\n6,A,N,250,1,8,128,2\n")

    trade, added = list(read_flow(file, 250))

    assert [m.action for m in trade] == [Action.TRADE, Action.FILL]
    assert trade[1] == Message(Action.FILL, Side.SELL, 2, 2, 7, 5)
    assert added[0].side is None
