"""Replaying the log of any run of commands gives the exchange that made it, whole or from a snapshot."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from optimistic.node.exchange import records as rec
from optimistic.node.exchange.commands import (
    Cancel,
    DeadMan,
    Halt,
    MassCancel,
    Replace,
    Shrink,
    Slices,
    Trigger,
)
from optimistic.node.exchange.image import dump, load
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.protocol.matching.types import SelfTrade, TriggerSource, TriggerWhen
from optimistic.protocol.settlement.reasons import Bust
from optimistic.service.wal import SyncPolicy
from tests.helpers.exchange_world import MARKET, OTHER_MARKET, PRICE_TICKS, ExchangeWorld

OPTIONS = ExchangeOptions(
    sync_policy=SyncPolicy.NONE, nonce_window=8, client_id_window=4, segment_bytes=2_048, snapshot_every=20
)
TICKS = st.integers(PRICE_TICKS - 4, PRICE_TICKS + 4)
LOTS = st.integers(-9, 9).filter(bool)
WHO = st.integers(0, 2)
FLAGS = st.sampled_from([0, 0, 0, 1, 2, 1 << 2, 2 << 2, 3 << 2, 1 | 2 << 2])
TRIGGERS = st.builds(
    Trigger, source=st.sampled_from(TriggerSource), when=st.sampled_from(TriggerWhen), ticks=TICKS
)
SLICES = st.builds(Slices, duration_ms=st.integers(2_000, 5_000), interval_ms=st.just(1_000))
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "client_id": st.sampled_from([b"a", b"b", b"c"]),
        "display": st.just(1),
        "self_trade": st.sampled_from(SelfTrade),
        "session": st.integers(1, 2),
        "market": st.just(OTHER_MARKET),
        "expiry": st.just(1_700_000_020),
        "trigger": TRIGGERS,
        "slices": SLICES,
    },
)
STEPS = st.one_of(
    st.tuples(st.just("place"), WHO, LOTS, TICKS, FLAGS, EXTRAS),
    st.tuples(st.just("place"), WHO, LOTS, TICKS, st.just(0), st.just({})),
    st.tuples(st.just("quotes"), WHO, st.lists(st.tuples(LOTS, TICKS), min_size=1, max_size=4)),
    st.tuples(st.just("cancel"), WHO, st.integers(1, 40)),
    st.tuples(st.just("replace"), WHO, st.integers(1, 40), LOTS, TICKS),
    st.tuples(st.just("shrink"), WHO, st.integers(1, 40), st.integers(1, 4)),
    st.tuples(st.just("mass"), WHO, st.sampled_from([None, 1])),
    st.tuples(st.just("dead man"), WHO, st.sampled_from([0, 3_000])),
    st.tuples(st.just("halt"), st.booleans()),
    st.tuples(st.just("time"), st.integers(0, 3)),
    st.tuples(st.just("price"), TICKS),
    st.tuples(st.just("position"), WHO, st.integers(-5, 5)),
    st.tuples(st.just("floor"), WHO, st.integers(0, 10)),
    st.tuples(st.just("send"), st.integers(1, 5)),
    st.tuples(st.just("settle"), st.lists(st.sampled_from([Bust.NONE, Bust.MARGIN]), min_size=9, max_size=9)),
    st.tuples(st.just("fail")),
    st.tuples(st.just("undo")),
    st.tuples(st.just("post")),
)


class Run:
    """Plays steps on an exchange; what makes no sense now is passed over."""

    def __init__(self, world: ExchangeWorld) -> None:
        self.world = world
        self.block = 0

    def play(self, step: tuple[Any, ...]) -> None:
        name, *arguments = step
        getattr(self, f"_{name.replace(' ', '_')}")(*arguments)

    def _commit(self, *records: rec.Record) -> None:
        self.world.exchange.commit(lambda _: list(records))

    def _place(self, who: int, lots: int, ticks: int, flags: int, extras: dict[str, Any]) -> None:
        self.world.do(self.world.traders[who].place(lots, ticks, flags=flags, **extras))

    def _quotes(self, who: int, leaves: list[tuple[int, int]]) -> None:
        self.world.do(self.world.traders[who].quotes(leaves, post_only=False))

    def _cancel(self, who: int, id_: int) -> None:
        self.world.do(Cancel(owner=self.world.traders[who].owner, order_id=id_))

    def _replace(self, who: int, id_: int, lots: int, ticks: int) -> None:
        trader = self.world.traders[who]
        cancel = Cancel(owner=trader.owner, order_id=id_)
        hit = self.world.traders[(who + 1) % 3].place(-lots, ticks)
        self.world.do(hit, Replace(cancel=cancel, place=trader.place(lots, ticks)))

    def _shrink(self, who: int, id_: int, lots: int) -> None:
        self.world.do(Shrink(owner=self.world.traders[who].owner, order_id=id_, lots=lots))

    def _mass(self, who: int, session: int | None) -> None:
        self.world.do(MassCancel(owner=self.world.traders[who].owner, session=session))

    def _dead_man(self, who: int, timeout_ms: int) -> None:
        self.world.do(DeadMan(owner=self.world.traders[who].owner, timeout_ms=timeout_ms))

    def _halt(self, is_halted: bool) -> None:
        self.world.do(Halt(market=MARKET, is_halted=is_halted))

    def _time(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    def _price(self, ticks: int) -> None:
        self._commit(rec.PriceNoted(MARKET, (ticks, ticks + 1), (ticks, ticks)))

    def _position(self, who: int, lots: int) -> None:
        trader = self.world.traders[who]
        self._commit(rec.PositionNoted(trader.owner, trader.subaccount, MARKET, lots))

    def _floor(self, who: int, floor: int) -> None:
        self._commit(rec.FloorRaised(self.world.traders[who].owner, floor))

    def _send(self, count: int) -> None:
        settling = self.world.exchange.machine.settling
        count = min(count, len(settling.waiting))
        if count:
            number = settling.next_batch
            self._commit(rec.BatchSent(number, settling.waiting[0].id, count, number, bytes(32), b"raw"))

    def _settle(self, busts: list[Bust]) -> None:
        for batch in self.world.exchange.machine.settling.in_flight()[:1]:
            self.block += 1
            outcomes = tuple((int(bust), b"", b"") for bust in busts[: len(batch.trades)])
            self._commit(rec.BatchSettled(batch.number, self.block, outcomes))

    def _fail(self) -> None:
        for batch in self.world.exchange.machine.settling.in_flight()[:1]:
            self._commit(rec.BatchFailed(batch.number))

    def _undo(self) -> None:
        for batch in self.world.exchange.machine.settling.batches.values():
            if batch.block is not None:
                self._commit(rec.BatchUndone(batch.number))
                return

    def _post(self) -> None:
        self._commit(rec.BlockNoted(self.block, bytes(32), self.block, 0))


@given(st.lists(STEPS, max_size=60))
def test_replay__of_any_run__equals_the_live_exchange(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = ExchangeWorld(Path(folder), n_traders=3, options=OPTIONS)
        run = Run(world)
        for step in steps:
            run.play(step)

        again = world.open()

        assert dump(again.machine) == dump(world.exchange.machine)


@given(st.lists(STEPS, max_size=40), st.lists(STEPS, max_size=40))
def test_snapshot__anywhere_in_a_run__goes_on_like_the_original(
    before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = ExchangeWorld(Path(folder), n_traders=3, options=OPTIONS)
        run = Run(world)
        for step in before:
            run.play(step)
        image = dump(world.exchange.machine)
        copy = load(image, nonce_window=OPTIONS.nonce_window, name_window=OPTIONS.client_id_window)
        assert dump(copy) == image
        start = world.exchange.group + 1
        world.events.clear()
        for step in after:
            run.play(step)

        told: list[Any] = []
        for group in world.exchange._journal.replay(start):
            copy.advance(group.ts_ms)
            for record in group.records:
                copy.apply(record)
            told.extend(copy.take_events())

        assert dump(copy) == dump(world.exchange.machine)
        assert told == world.events


@given(st.lists(STEPS, max_size=60))
def test_bookkeeping__after_any_run__fits_the_engine(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = ExchangeWorld(Path(folder), n_traders=3, options=OPTIONS)
        run = Run(world)
        for step in steps:
            run.play(step)
        machine = world.exchange.machine

        assert len(machine.registry.orders) == sum(desk.engine.n_live for desk in machine.desks.values())
        assert all(machine.desks[o.market].engine.is_live(n) for n, o in machine.registry.orders.items())
        for desk in machine.desks.values():
            for side, levels in zip(desk.engine.sides, desk.levels.sides, strict=True):
                assert dict(side.depth(1_000)) == levels
        for order in machine.registry.orders.values():
            assert 0 < order.open <= order.lots
            if not order.is_reduce_only:
                assert order.reserved == (order.open, order.ticks)
        reserved = sum(order.open for order in machine.registry.orders.values() if not order.is_reduce_only)
        counted = sum(
            exposure.bids.lots + exposure.asks.lots
            for markets in machine.exposures.by_subaccount.values()
            for exposure in markets.values()
        )
        assert reserved == counted
