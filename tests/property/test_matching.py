"""The engine against one that searches a list anew for every step."""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.events import Accepted, Done, Fill, Rejected
from optimistic.protocol.matching.types import Order, PostOnly, SelfTrade, Side, Terms, TimeInForce
from tests.helpers.slow_matching import SlowEngine

PRICES = st.integers(1, 8)
LOTS = st.integers(1, 12)

Command = Order | tuple[Any, ...]


@st.composite
def all_terms(draw: st.DrawFn) -> Terms:
    kind = draw(st.sampled_from(list(TimeInForce)))
    rests = kind in (TimeInForce.GTC, TimeInForce.GTD)
    return Terms(
        time_in_force=kind,
        expires_ms=draw(st.integers(1, 40)) if kind is TimeInForce.GTD else 0,
        post_only=draw(st.sampled_from(list(PostOnly))) if rests else PostOnly.NO,
        is_reduce_only=draw(st.booleans()),
        self_trade=draw(st.sampled_from(list(SelfTrade))),
        display=draw(st.sampled_from([0, 0, 1, 3])) if rests else 0,
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    subaccount = draw(st.integers(0, 6))
    return Order(
        draw(st.integers(0, 60)),
        subaccount % 4,
        subaccount,
        draw(st.sampled_from(list(Side))),
        draw(PRICES),
        draw(LOTS),
        draw(st.one_of(st.just(Terms()), all_terms())),
    )


COMMANDS = st.one_of(
    orders(),
    orders(),
    orders(),
    st.tuples(st.just("cancel"), st.integers(0, 60)),
    st.tuples(st.just("amend"), st.integers(0, 60), PRICES, st.integers(0, 12)),
    st.tuples(st.just("tick"), st.integers(0, 45)),
)

MAKERS = st.builds(
    Order,
    id=st.integers(0, 60),
    owner=st.integers(1, 3),
    subaccount=st.integers(1, 3),
    side=st.just(Side.SELL),
    price=st.integers(4, 6),
    lots=LOTS,
    terms=st.builds(Terms, is_reduce_only=st.booleans(), display=st.sampled_from([0, 1, 3])),
)
"""Of whom one is the taker's owner."""


def play(commands: list[Command]) -> tuple[Engine, SlowEngine]:
    engine, slow = Engine(), SlowEngine()
    for command in commands:
        match command:
            case Order():
                engine.place(replace(command))
                slow.place(command)
            case ("cancel", id_):
                engine.cancel(id_)
                slow.cancel(id_)
            case ("amend", id_, price, lots):
                engine.amend(id_, price, lots)
                slow.amend(id_, price, lots)
            case ("tick", now_ms):
                engine.tick(now_ms)
                slow.expire(now_ms)
    return engine, slow


@given(st.lists(COMMANDS, max_size=80))
def test_engine__random_commands__fills_ends_and_queues_equal_the_slow_one(
    commands: list[Command],
) -> None:
    engine, slow = play(commands)
    fills = [(e.maker, e.taker, e.price, e.lots) for e in engine.events if isinstance(e, Fill)]
    assert fills == slow.fills
    ended = [(e.order, e.reason, e.lots) for e in engine.events if isinstance(e, Done)]
    assert sorted(ended) == sorted(slow.ended)
    assert [(e.order, e.reason) for e in engine.events if isinstance(e, Rejected)] == slow.refused
    for side in Side:
        mine = [(o.id, o.price, o.lots, o.visible) for o in engine.sides[side].orders()]
        its = [(e.order.id, e.order.price, e.order.lots, e.visible) for e in slow.queue(side)]
        assert mine == its
    assert {k: v for k, v in engine.positions.items() if v} == {k: v for k, v in slow.positions.items() if v}


@given(st.lists(COMMANDS, max_size=80))
def test_engine__random_commands__every_accepted_order_ends_once_or_rests(
    commands: list[Command],
) -> None:
    engine, _ = play(commands)
    accepted = Counter(e.order for e in engine.events if isinstance(e, Accepted))
    ended = Counter(e.order for e in engine.events if isinstance(e, Done))
    resting = Counter(engine.orders.keys())
    assert accepted == ended + resting


@given(st.lists(COMMANDS, max_size=80))
def test_engine__random_commands__positions_sum_to_zero_and_the_book_never_crosses(
    commands: list[Command],
) -> None:
    engine, _ = play(commands)
    assert sum(engine.positions.values()) == 0
    bid, ask = (side.best for side in engine.sides)
    assert bid is None or ask is None or bid < ask
    for side in engine.sides:
        assert side.keys == sorted(side.sign * price for price in side.levels)
        assert all(side.levels.values())


@given(st.lists(COMMANDS, max_size=60))
def test_engine__the_same_commands__the_same_events(commands: list[Command]) -> None:
    assert play(commands)[0].events == play(commands)[0].events


@settings(max_examples=500)
@given(
    st.lists(st.integers(0, 20), min_size=3, max_size=3),
    st.lists(MAKERS, min_size=1, max_size=8),
    st.integers(1, 40),
    st.sampled_from(SelfTrade),
)
def test_fok__against_any_mix_of_makers__fills_completely_or_not_at_all(
    positions: list[int], makers: list[Order], lots: int, self_trade: SelfTrade
) -> None:
    engine, slow = Engine(), SlowEngine()
    for subaccount, held in enumerate(positions, 1):
        engine.set_position(subaccount, held)
        slow.positions[subaccount] = held
    for maker in makers:
        engine.place(replace(maker))
        slow.place(maker)
    engine.events.clear()
    taker = Order(99, 1, 9, Side.BUY, 6, lots, Terms(time_in_force=TimeInForce.FOK, self_trade=self_trade))

    engine.place(replace(taker))
    slow.place(taker)

    filled = sum(event.lots for event in engine.events if isinstance(event, Fill))
    assert filled in (0, lots)
    assert filled == sum(count for _, id_, _, count in slow.fills if id_ == 99)
