"""What orders ask for, rule by rule."""

from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.events import (
    Accepted,
    Done,
    Event,
    Fill,
    Rejected,
    Requeued,
    Resized,
    Triggered,
)
from optimistic.protocol.matching.types import (
    Order,
    PostOnly,
    Reason,
    SelfTrade,
    Side,
    Stop,
    Terms,
    TimeInForce,
    TriggerSource,
    TriggerWhen,
    Twap,
)

BUY, SELL = Side.BUY, Side.SELL
IOC = Terms(time_in_force=TimeInForce.IOC)
FOK = Terms(time_in_force=TimeInForce.FOK)
POST = Terms(post_only=PostOnly.REJECT)
SLIDE = Terms(post_only=PostOnly.SLIDE)
REDUCE = Terms(is_reduce_only=True)
ICEBERG = Terms(display=2)


def order(
    id: int,
    side: Side,
    price: int,
    lots: int,
    terms: Terms = Terms(),  # noqa: B008 - frozen
    owner: int | None = None,
) -> Order:
    who = id if owner is None else owner
    return Order(id, who, who, side, price, lots, terms)


def new(*orders: Order) -> Engine:
    engine = Engine()
    for one in orders:
        engine.place(one)
    engine.events.clear()
    return engine


def taken(engine: Engine) -> list[Event]:
    events = list(engine.events)
    engine.events.clear()
    return events


def ends(events: list[Event]) -> list[tuple[int, Reason, int]]:
    return [(event.order, event.reason, event.lots) for event in events if isinstance(event, Done)]


def fills(events: list[Event]) -> list[tuple[int, int, int, int]]:
    return [(e.maker, e.taker, e.price, e.lots) for e in events if isinstance(e, Fill)]


def test_place__better_price_then_earlier__trades_first() -> None:
    engine = new(order(1, SELL, 11, 5), order(2, SELL, 10, 5), order(3, SELL, 10, 5))

    engine.place(order(4, BUY, 11, 12))

    assert fills(taken(engine)) == [(2, 4, 10, 5), (3, 4, 10, 5), (1, 4, 11, 2)]
    assert engine.sides[SELL].depth(5) == [(11, 3)]


def test_place__resting_order__is_accepted_and_rests() -> None:
    engine = new()
    engine.place(order(1, BUY, 10, 5))
    assert taken(engine) == [Accepted(1, 10, 5)]
    assert engine.sides[BUY].depth(1) == [(10, 5)]


def test_place__same_id_twice__is_refused_and_changes_nothing() -> None:
    engine = new(order(1, BUY, 10, 5))
    engine.place(order(1, SELL, 10, 5))
    assert taken(engine) == [Rejected(1, Reason.DUPLICATE_ID)]
    assert engine.orders[1].lots == 5


def test_place__nonsense__is_refused() -> None:
    engine = new()
    for one in (
        order(1, BUY, 0, 5),
        order(2, BUY, 5, 0),
        order(3, BUY, 5, 1, Terms(expires_ms=5)),
        order(4, BUY, 5, 1, Terms(time_in_force=TimeInForce.IOC, display=1)),
    ):
        engine.place(one)
    assert taken(engine) == [Rejected(n, Reason.INVALID) for n in (1, 2, 3, 4)]


def test_ioc__partly_filled__ends_with_the_rest() -> None:
    engine = new(order(1, SELL, 10, 3))
    engine.place(order(2, BUY, 10, 5, IOC))
    assert ends(taken(engine)) == [(1, Reason.FILLED, 0), (2, Reason.IOC_REMAINDER, 2)]


def test_fok__too_little_there__is_refused_untouched() -> None:
    engine = new(order(1, SELL, 10, 3), order(2, SELL, 11, 9))
    engine.place(order(3, BUY, 10, 4, FOK))
    assert taken(engine) == [Rejected(3, Reason.FOK_NOT_FILLED)]
    assert engine.orders[1].lots == 3


def test_fok__hidden_lots__count() -> None:
    engine = new(order(1, SELL, 10, 9, ICEBERG))
    engine.place(order(2, BUY, 10, 9, FOK))
    assert sum(lots for *_, lots in fills(taken(engine))) == 9


def test_fok__maker_sells_what_his_reduce_only_order_counts_on__is_refused_untouched() -> None:
    engine = new()
    engine.set_position(2, 10)
    for maker in (order(1, SELL, 100, 10, owner=2), order(2, SELL, 101, 10, REDUCE)):
        engine.place(maker)
    taken(engine)

    engine.place(order(3, BUY, 101, 20, FOK))
    assert taken(engine) == [Rejected(3, Reason.FOK_NOT_FILLED)]
    engine.place(order(4, BUY, 101, 10, FOK))
    assert ends(taken(engine)) == [(1, Reason.FILLED, 0), (2, Reason.REDUCE_ONLY, 10), (4, Reason.FILLED, 0)]


def test_fok__own_order_before_what_an_iceberg_hides__is_refused_untouched() -> None:
    engine = new(order(1, SELL, 10, 9, ICEBERG), order(2, SELL, 10, 1, owner=3))

    engine.place(order(3, BUY, 10, 5, FOK))

    assert taken(engine) == [Rejected(3, Reason.FOK_NOT_FILLED)]


def test_post_only__would_take__is_refused_or_slides() -> None:
    engine = new(order(1, SELL, 10, 3))
    engine.place(order(2, BUY, 12, 1, POST))
    engine.place(order(3, BUY, 12, 1, SLIDE))
    assert taken(engine) == [Rejected(2, Reason.POST_ONLY_WOULD_TAKE), Accepted(3, 9, 1)]


def test_reduce_only__no_position__is_refused() -> None:
    engine = new()
    engine.place(order(1, BUY, 10, 1, REDUCE))
    assert taken(engine) == [Rejected(1, Reason.REDUCE_ONLY)]


def test_reduce_only__more_than_the_position__is_cut_and_follows_it() -> None:
    engine = new()
    engine.set_position(7, 5)
    engine.place(order(1, SELL, 10, 9, REDUCE, owner=7))
    assert engine.orders[1].lots == 5
    taken(engine)
    engine.set_position(7, 2)
    engine.set_position(7, -1)
    assert taken(engine) == [Resized(1, 2), Done(1, Reason.REDUCE_ONLY, 2)]


def test_iceberg__visible_part_gone__queues_again() -> None:
    engine = new(order(1, SELL, 10, 5, ICEBERG), order(2, SELL, 10, 2))
    engine.place(order(3, BUY, 10, 5))
    events = taken(engine)
    assert fills(events) == [(1, 3, 10, 2), (2, 3, 10, 2), (1, 3, 10, 1)]
    assert Requeued(1, 10, 3, 2) in events


def test_self_trade__each_mode__does_what_it_says() -> None:
    for mode, expected in (
        (SelfTrade.CANCEL_NEWEST, [(2, Reason.SELF_TRADE, 3)]),
        (SelfTrade.CANCEL_OLDEST, [(1, Reason.SELF_TRADE, 5)]),
        (SelfTrade.CANCEL_BOTH, [(1, Reason.SELF_TRADE, 5), (2, Reason.SELF_TRADE, 3)]),
        (SelfTrade.DECREMENT, [(2, Reason.SELF_TRADE, 0)]),
    ):
        engine = new(order(1, SELL, 10, 5, owner=9))
        engine.place(order(2, BUY, 10, 3, Terms(self_trade=mode), owner=9))
        assert ends(taken(engine)) == expected, mode


def test_amend__fewer_lots__keeps_its_place_and_more_loses_it() -> None:
    engine = new(order(1, SELL, 10, 5), order(2, SELL, 10, 5))
    engine.amend(1, 10, 4)
    assert [one.id for one in engine.sides[SELL].orders()] == [1, 2]
    engine.amend(1, 10, 6)
    assert [one.id for one in engine.sides[SELL].orders()] == [2, 1]


def test_amend__to_a_crossing_price__trades() -> None:
    engine = new(order(1, SELL, 10, 5), order(2, BUY, 9, 5))
    engine.amend(2, 10, 5)
    assert fills(taken(engine)) == [(1, 2, 10, 5)]


def test_cancel_all__of_an_owner__takes_orders_stops_and_parents() -> None:
    engine = new(order(1, SELL, 20, 5, owner=3), order(2, SELL, 21, 5, owner=4))
    engine.place_stop(stop(5, BUY, 30, 1, trigger=25, owner=3))
    engine.place_twap(
        Twap(order=order(6, BUY, 5, 6, owner=3), duration_ms=60, interval_ms=20, first_child_id=100), 0
    )
    taken(engine)
    assert engine.cancel_all(3) == 3
    assert {event.order for event in taken(engine) if isinstance(event, Done)} == {1, 5, 6}
    assert set(engine.orders) == {2}


def test_tick__dead_man_switch__goes_off_once() -> None:
    engine = new(order(1, SELL, 20, 5, owner=3))
    engine.set_deadline(3, 1_000)
    engine.tick(999)
    assert taken(engine) == []
    engine.tick(1_000)
    assert taken(engine) == [Done(1, Reason.DEAD_MAN, 5)]


def test_tick__good_till_date__expires_at_its_time() -> None:
    engine = new(order(1, SELL, 20, 5, Terms(time_in_force=TimeInForce.GTD, expires_ms=50)))
    engine.tick(49)
    assert taken(engine) == []
    engine.tick(50)
    assert taken(engine) == [Done(1, Reason.EXPIRED, 5)]


def stop(id: int, side: Side, price: int, lots: int, *, trigger: int, owner: int | None = None) -> Stop:
    return Stop(
        order=order(id, side, price, lots, owner=owner),
        source=TriggerSource.LAST,
        when=TriggerWhen.AT_OR_ABOVE,
        trigger=trigger,
    )


def test_stop__last_trade_reaches_it__enters_and_wakes_the_next_one() -> None:
    engine = new(order(1, SELL, 10, 1), order(2, SELL, 11, 1), order(3, SELL, 12, 1))
    engine.place_stop(stop(4, BUY, 11, 1, trigger=10))
    engine.place_stop(stop(5, BUY, 12, 1, trigger=11))
    taken(engine)

    engine.place(order(6, BUY, 10, 1))

    events = taken(engine)
    assert [event.order for event in events if isinstance(event, Triggered)] == [4, 5]
    assert fills(events) == [(1, 6, 10, 1), (2, 4, 11, 1), (3, 5, 12, 1)]


def test_stop__mark_price__wakes_in_order_of_arrival() -> None:
    engine = new()
    for id_, trigger in ((1, 30), (2, 20), (3, 40)):
        engine.place_stop(
            Stop(
                order=order(id_, BUY, 5, 1),
                source=TriggerSource.MARK,
                when=TriggerWhen.AT_OR_BELOW,
                trigger=trigger,
            )
        )
    taken(engine)
    engine.set_price(TriggerSource.MARK, 30)
    assert [event.order for event in taken(engine) if isinstance(event, Triggered)] == [1, 3]


def test_stop__reduce_only__says_what_is_left_of_it_when_it_wakes() -> None:
    engine = new()
    engine.set_position(1, 5)
    engine.place_stop(
        Stop(
            order=order(1, SELL, 10, 8, REDUCE),
            source=TriggerSource.MARK,
            when=TriggerWhen.AT_OR_BELOW,
            trigger=10,
        )
    )
    taken(engine)

    engine.set_price(TriggerSource.MARK, 9)

    assert taken(engine) == [Triggered(1), Resized(1, 5)]


def test_stop__price_reaches_it_in_a_halt__wakes_if_the_price_at_the_end_does() -> None:
    engine = new()
    for id_, trigger in ((1, 20), (2, 15)):
        engine.place_stop(
            Stop(
                order=order(id_, SELL, 10, 1),
                source=TriggerSource.MARK,
                when=TriggerWhen.AT_OR_BELOW,
                trigger=trigger,
            )
        )
    engine.halt(is_halted=True)
    taken(engine)

    for price in (14, 18):
        engine.set_price(TriggerSource.MARK, price)
        engine.tick(price)
    assert taken(engine) == []
    engine.halt(is_halted=False)

    assert taken(engine) == [Triggered(1)]
    assert engine.orders.keys() == {1}


def test_twap__slices__follow_the_schedule_and_catch_up_within_bounds() -> None:
    engine = new(order(1, SELL, 10, 100))
    engine.place_twap(
        Twap(order=order(2, BUY, 10, 10), duration_ms=100, interval_ms=20, first_child_id=50), 0
    )
    taken(engine)
    engine.tick(0)
    assert fills(taken(engine)) == [(1, 50, 10, 2)]
    engine.tick(85)  # it is the last one, and 8 lots are due: 6 is the most at a time
    events = taken(engine)
    assert fills(events) == [(1, 51, 10, 6)]
    assert ends(events)[-1] == (2, Reason.TWAP_DONE, 2)


def test_halt__of_the_market__refuses_orders_and_lets_cancel() -> None:
    engine = new(order(1, SELL, 10, 1))
    engine.halt(is_halted=True)
    engine.place(order(2, BUY, 10, 1))
    assert engine.cancel(1)
    assert taken(engine) == [Rejected(2, Reason.MARKET_HALTED), Done(1, Reason.CANCELLED, 1)]
