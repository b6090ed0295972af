from pathlib import Path
from typing import Any

from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.commands import (
    Cancel,
    DeadMan,
    MassCancel,
    MassCancelWhy,
    Slices,
    Trigger,
)
from optimistic.node.exchange.events import BookChanged, OrderDone, OrderTriggered, Traded
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.records import (
    BatchFailed,
    BatchSent,
    BatchSettled,
    BatchUndone,
    BlockNoted,
    FloorRaised,
    PositionNoted,
    PriceNoted,
    Record,
    StatusNoted,
)
from optimistic.node.exchange.service import ExchangeService
from optimistic.protocol.matching.types import Reason, TriggerSource, TriggerWhen
from optimistic.protocol.settlement.orders import REDUCE_ONLY
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.types import MarketStatus
from tests.helpers.exchange_world import MARKET, OTHER_MARKET, PRICE_TICKS, ExchangeWorld

IOC = 2 << 2


def done(world: ExchangeWorld) -> list[tuple[int, Reason]]:
    return [(event.order_id, event.reason) for event in world.events if isinstance(event, OrderDone)]


def trades(world: ExchangeWorld) -> list[Traded]:
    return [event for event in world.events if isinstance(event, Traded)]


def commit(world: ExchangeWorld, *records: Record) -> None:
    world.exchange.commit(lambda _: list(records))


def position(world: ExchangeWorld, trader: int) -> int:
    engine = world.exchange.machine.desk(MARKET).engine
    return engine.positions.get(world.traders[trader].subaccount, 0)


def test_time__gtd_orders_end_before_they_expire_on_the_chain(world: ExchangeWorld) -> None:
    [placed] = world.do(world.traders[0].place(1, PRICE_TICKS, expiry=1_700_000_060))

    world.pass_time(49.999)
    assert not done(world)
    world.pass_time(0.001)

    assert done(world) == [(placed.order_id, Reason.EXPIRED)]


def test_dead_man__rings_unless_it_is_set_again(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    first, other, _ = world.do(
        alice.place(1, PRICE_TICKS), bob.place(1, PRICE_TICKS), DeadMan(owner=alice.owner, timeout_ms=5_000)
    )
    world.pass_time(4)
    world.do(DeadMan(owner=alice.owner, timeout_ms=5_000))
    world.pass_time(4)
    assert not done(world)

    world.pass_time(1)

    assert done(world) == [(first.order_id, Reason.DEAD_MAN)]
    assert other.order_id in world.exchange.machine.registry.orders


def test_mass_cancel__takes_what_fits__and_a_lost_connection_its_own_only(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    ids = [
        answer.order_id
        for answer in world.do(
            alice.place(1, PRICE_TICKS - 1, session=7),
            alice.place(-1, PRICE_TICKS + 1, session=7),
            alice.place(1, PRICE_TICKS - 2, session=8),
            alice.place(1, PRICE_TICKS - 2, market=OTHER_MARKET),
        )
    ]
    [lost] = world.do(MassCancel(owner=alice.owner, session=7, why=MassCancelWhy.DISCONNECTED))
    [other] = world.do(MassCancel(owner=alice.owner, market=OTHER_MARKET))
    [sells] = world.do(MassCancel(owner=alice.owner, is_buy=False))

    assert (lost.cancelled, other.cancelled, sells.cancelled) == (2, 1, 0)
    assert done(world) == [
        (ids[0], Reason.DISCONNECTED),
        (ids[1], Reason.DISCONNECTED),
        (ids[3], Reason.MASS_CANCELLED),
    ]


def test_stop__on_the_mark__wakes_at_its_price_rounded_against_nobody(world: ExchangeWorld) -> None:
    trigger = Trigger(source=TriggerSource.MARK, when=TriggerWhen.AT_OR_BELOW, ticks=PRICE_TICKS - 10)
    [placed] = world.do(world.traders[0].place(-1, PRICE_TICKS - 20, trigger=trigger))

    commit(world, PriceNoted(MARKET, (PRICE_TICKS - 10, PRICE_TICKS - 9), (1, 1)))
    assert not [event for event in world.events if isinstance(event, OrderTriggered)]
    commit(world, PriceNoted(MARKET, (PRICE_TICKS - 10, PRICE_TICKS - 10), (1, 1)))

    assert [event.order_id for event in world.events if isinstance(event, OrderTriggered)] == [
        placed.order_id
    ]
    assert ExchangeService(world.exchange).open_orders(world.traders[0].owner)[0].kind == "limit"


def test_stop__reached_in_a_halt__lives_and_hears_the_price_at_its_end(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    trigger = Trigger(source=TriggerSource.MARK, when=TriggerWhen.AT_OR_BELOW, ticks=PRICE_TICKS - 10)
    plain, reducing = world.do(
        alice.place(-5, PRICE_TICKS - 20, trigger=trigger),
        alice.place(-5, PRICE_TICKS - 20, trigger=trigger, flags=REDUCE_ONLY),
    )
    fallen = (PRICE_TICKS - 10, PRICE_TICKS - 10)
    commit(world, PositionNoted(alice.owner, alice.subaccount, MARKET, 3))
    commit(world, StatusNoted(MARKET, MarketStatus.HALTED), PriceNoted(MARKET, fallen, fallen))
    world.pass_time(1)
    assert world.exchange.machine.registry.orders.keys() == {plain.order_id, reducing.order_id}

    commit(world, StatusNoted(MARKET, MarketStatus.REDUCE_ONLY))

    machine = world.exchange.machine
    assert done(world) == [(plain.order_id, Reason.MARKET_HALTED)]
    resting, live = machine.desk(MARKET).engine.orders, machine.registry.orders
    assert live.keys() == resting.keys() == {reducing.order_id}
    assert live[reducing.order_id].open == resting[reducing.order_id].lots == 3


def test_slices__trade_as_their_parent__and_settle_under_its_signature(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.do(bob.place(-30, PRICE_TICKS))
    [parent] = world.do(alice.place(9, PRICE_TICKS, slices=Slices(duration_ms=3_000, interval_ms=1_000)))
    for seconds in (0, 1, 1, 1):
        world.pass_time(seconds)

    assert [(trade.lots, trade.taker.order_id) for trade in trades(world)] == [(3, parent.order_id)] * 3
    assert done(world) == [(parent.order_id, Reason.FILLED)]
    assert world.do(alice.place(1, PRICE_TICKS - 5))[0].order_id == parent.order_id + 4


def test_floor__raised_on_the_chain__kills_the_orders_below(world: ExchangeWorld) -> None:
    alice = world.traders[0]
    old, new = world.do(alice.place(1, PRICE_TICKS, nonce=5), alice.place(1, PRICE_TICKS, nonce=6))

    commit(world, FloorRaised(alice.owner, 6))

    assert done(world) == [(old.order_id, Reason.NONCE_FLOOR)]
    assert new.order_id in world.exchange.machine.registry.orders


def test_status__reduce_only_and_expired__end_what_may_not_trade(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.do(bob.place(-5, PRICE_TICKS), alice.place(5, PRICE_TICKS))
    opening, closing = world.do(
        alice.place(1, PRICE_TICKS - 1), alice.place(-5, PRICE_TICKS + 9, flags=REDUCE_ONLY)
    )
    world.events.clear()

    commit(world, StatusNoted(MARKET, MarketStatus.REDUCE_ONLY))
    assert done(world) == [(opening.order_id, Reason.MARKET_HALTED)]
    commit(world, StatusNoted(MARKET, MarketStatus.EXPIRED))
    assert done(world)[1:] == [(closing.order_id, Reason.MARKET_HALTED)]


def test_reduce_only__follows_a_position_that_a_liquidation_took(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.do(bob.place(-5, PRICE_TICKS), alice.place(5, PRICE_TICKS))
    [closing] = world.do(alice.place(-5, PRICE_TICKS + 9, flags=REDUCE_ONLY))

    commit(world, PositionNoted(alice.owner, alice.subaccount, MARKET, 2))
    assert world.exchange.machine.registry.orders[closing.order_id].open == 2
    commit(world, PositionNoted(alice.owner, alice.subaccount, MARKET, 0))

    assert done(world)[-1] == (closing.order_id, Reason.REDUCE_ONLY)


def test_batches__settled_busted_failed_and_undone__move_positions_and_exposures(
    world: ExchangeWorld,
) -> None:
    alice, bob = world.traders[:2]
    world.do(bob.place(-9, PRICE_TICKS), alice.place(4, PRICE_TICKS), alice.place(5, PRICE_TICKS))
    machine = world.exchange.machine
    sent = BatchSent(1, 1, 2, 0, bytes(32), b"raw")

    commit(world, sent)
    commit(world, BatchFailed(1))
    assert [trade.id for trade in machine.settling.waiting] == [1, 2]
    commit(world, BatchSent(2, 1, 2, 1, bytes(32), b"raw"))
    commit(world, BatchSettled(2, 3, ((0, b"\1", b"\2"), (Bust.MARGIN, b"", b""))))
    assert (position(world, 0), position(world, 1)) == (4, -4)
    assert not machine.exposures.of(alice.subaccount)
    assert machine.settling.n_unsettled == 0

    commit(world, BatchUndone(2))
    assert (position(world, 0), position(world, 1)) == (9, -9)
    assert machine.exposures.of(alice.subaccount)[MARKET].unsettled_lots == 9
    commit(world, BatchSettled(2, 4, ((0, b"\1", b"\2"), (0, b"\1", b"\2"))))
    commit(world, BlockNoted(4, bytes(32), 4, 0))
    assert not machine.settling.batches


def test_memory__of_many_orders_and_trades__is_given_back(tmp_path: Path) -> None:
    options = ExchangeOptions(client_id_window=50, nonce_window=40)
    world = ExchangeWorld(tmp_path, options=options)
    alice, bob = world.traders[:2]
    machine = world.exchange.machine
    for n in range(1_500):
        name = b"%d" % n
        [resting] = world.do(alice.place(2, PRICE_TICKS, client_id=name))
        world.do(bob.place(-1, PRICE_TICKS, flags=IOC))
        world.do(Cancel(owner=alice.owner, order_id=resting.order_id))
        commit(world, BatchSent(n + 1, n + 1, 1, n, bytes(32), b"raw"))
        commit(world, BatchSettled(n + 1, n + 1, ((0, b"", b""),)))
        commit(world, BlockNoted(n + 1, bytes(32), n + 1, 0))

    assert not machine.registry.orders
    assert not machine.exposures.by_subaccount
    assert not machine.settling.batches
    assert not machine.settling.waiting
    assert len(machine.registry.names) == 50
    assert len(machine.registry.ends) < 1_100
    assert [len(window.values()) for window in machine.windows.values()] == [40, 40]
    assert not machine.desk(MARKET).engine.n_live


def test_book__told_and_asked__are_the_same(world: ExchangeWorld) -> None:
    alice, bob, carol = world.traders[:3]
    copy: list[dict[int, int]] = [{}, {}]
    service = ExchangeService(world.exchange)
    commands: list[Any] = [
        alice.place(10, PRICE_TICKS - 1, display=3),
        bob.place(4, PRICE_TICKS - 1),
        carol.place(-5, PRICE_TICKS - 1),
        bob.quotes([(2, PRICE_TICKS - 7), (-8, PRICE_TICKS + 3)]),
        carol.place(6, PRICE_TICKS + 3),
        MassCancel(owner=bob.owner),
    ]
    for command in commands:
        [answer] = world.do(command)
        assert isinstance(answer, Ack)
        for event in world.events:
            if isinstance(event, BookChanged):
                for side, changes in enumerate((event.bids, event.asks)):
                    for ticks, lots in changes:
                        copy[side][ticks] = lots
        world.events.clear()
        book = service.book(MARKET)
        assert book is not None
        assert dict(book.bids) == {ticks: lots for ticks, lots in copy[0].items() if lots}
        assert dict(book.asks) == {ticks: lots for ticks, lots in copy[1].items() if lots}
        engine = world.exchange.machine.desk(MARKET).engine
        assert list(book.bids) == engine.sides[0].depth(50)
        assert list(book.asks) == engine.sides[1].depth(50)
