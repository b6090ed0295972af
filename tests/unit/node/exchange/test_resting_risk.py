"""Resting orders end when their owner can no longer carry them, and not before."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from optimistic.node.exchange.events import OrderDone, TradeBusted
from optimistic.node.exchange.exchange import Exchange
from optimistic.node.exchange.records import MassCancelled, Record
from optimistic.node.exchange.resting_risk import RestingRisk
from optimistic.protocol.constants import LEDGER, MARKETS, PRICE_ORACLE
from optimistic.protocol.matching.types import Reason
from optimistic.protocol.settlement.orders import REDUCE_ONLY
from optimistic.protocol.settlement.types import VAULT, SubaccountId
from optimistic.protocol.settlement.units import WAD
from tests.helpers.exchange_world import FEED, LIMITS, MARKET, PRICE_TICKS, TICK_WAD, ExchangeWorld
from tests.helpers.fake_chain import _LIMITS, event_log
from tests.unit.node.exchange.test_following import Stage

CASH_MOVED = "CashMoved(uint64,uint64,int256,uint8)"
PRICE_PUSHED = "PricePushed(uint32,uint256,uint64,uint256)"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.house.close()


def leave(stage: Stage, cash_wad: int) -> None:
    """Let the first trader withdraw all but so much."""
    id_ = SubaccountId(stage.chain.traders[0].subaccount)
    accounts = stage.chain.state.subaccounts
    taken = accounts[id_].cash_wad - cash_wad
    accounts[id_].cash_wad -= taken
    accounts[VAULT].cash_wad += taken
    stage.chain.add_block(event_log(LEDGER, CASH_MOVED, [id_, VAULT], taken, 0))
    stage.house.turn()


def ended(stage: Stage) -> dict[int, Reason]:
    return {event.order_id: event.reason for event in stage.of(OrderDone)}


def test_attack__withdrawal_behind_a_resting_order__ends_it_before_anybody_hits(stage: Stage) -> None:
    alice, bob = stage.chain.traders[:2]
    [first] = stage.accept(alice.place(20_000, PRICE_TICKS))

    leave(stage, 101 * WAD)
    assert not ended(stage), "still covered"
    leave(stage, 100 * WAD)

    assert ended(stage) == {first.order_id: Reason.RISK}
    stage.accept(bob.place(-20_000, PRICE_TICKS))
    stage.turn(4)
    assert not stage.of(TradeBusted)


def test_short_of_margin__orders_that_only_reduce__stay(stage: Stage) -> None:
    alice, bob = stage.chain.traders[:2]
    stage.accept(bob.place(-20_000, PRICE_TICKS), alice.place(20_000, PRICE_TICKS))
    stage.turn(3)
    close, reduce_only, more = stage.accept(
        alice.place(-10_000, PRICE_TICKS + 5),
        alice.place(-10_000, PRICE_TICKS + 6, flags=REDUCE_ONLY),
        alice.place(10, PRICE_TICKS - 5),
    )

    leave(stage, 80 * WAD)

    assert ended(stage).keys() & {close.order_id, reduce_only.order_id, more.order_id} == {more.order_id}


def test_price__that_moves_against_a_position__ends_the_orders_on_top_of_it(stage: Stage) -> None:
    alice, bob = stage.chain.traders[:2]
    stage.accept(bob.place(-20_000, PRICE_TICKS), alice.place(20_000, PRICE_TICKS))
    stage.turn(3)
    leave(stage, 150 * WAD)
    [more] = stage.accept(alice.place(5_000, PRICE_TICKS - 500))

    for step, price in enumerate((PRICE_TICKS + 1, PRICE_TICKS - 50, PRICE_TICKS - 300)):
        assert more.order_id not in ended(stage)
        time_s = stage.house.core.state.feeds[FEED].timestamp + 1
        stage.chain.add_block(
            event_log(PRICE_ORACLE, PRICE_PUSHED, [FEED], price * TICK_WAD, time_s, step + 2)
        )
        stage.house.turn()

    assert ended(stage)[more.order_id] is Reason.RISK


def test_rules__that_ask_for_more__are_applied_to_resting_orders(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path / "exchange")
    alice = world.traders[0]
    world.state.subaccounts[SubaccountId(alice.subaccount)].cash_wad = 101 * WAD
    world.do(alice.place(20_000, PRICE_TICKS))
    watch = RestingRisk(world.state, world.exchange.machine.exposures, world.exchange.pretrade)
    assert not [*watch.records(())]

    world.state.markets[MARKET].limits = replace(LIMITS, initial_pips=60_000)

    assert [type(record) for record in watch.records(())] == [MassCancelled]
    world.exchange.close()


def commit(core: Exchange, records: list[Record]) -> None:
    core.commit(lambda _: records)


@pytest.mark.parametrize("seed", range(8))
def test_room__that_was_remembered__never_hides_who_is_short(tmp_path: Path, seed: int) -> None:
    """Against judging everybody at every tick."""
    random, world = Random(seed), ExchangeWorld(tmp_path / "exchange", n_traders=12)
    state, core = world.state, world.exchange
    for trader in world.traders:
        state.subaccounts[SubaccountId(trader.subaccount)].cash_wad = 10**4 * WAD
        orders = [
            trader.place(
                random.choice((-1, 1)) * random.randrange(1, 20_000), random.randrange(9_600, 10_400)
            )
            for _ in range(6)
        ]
        world.do(*orders)
        equity, needed = core.pretrade.needed_wad(
            trader.subaccount, core.machine.exposures.of(trader.subaccount)
        )
        spare = needed * random.randrange(20) // 100
        state.subaccounts[SubaccountId(trader.subaccount)].cash_wad += needed + spare - equity
    watch = RestingRisk(state, core.machine.exposures, core.pretrade)
    n_ended = 0
    for _ in range(60):
        feed = state.feeds[FEED]
        feed.timestamp += 1
        feed.price_wad += random.randrange(-40, 41) * TICK_WAD
        short = {
            id_
            for id_, exposures in core.machine.exposures.by_subaccount.items()
            if int.__lt__(*core.pretrade.needed_wad(id_, exposures))
            and any(core.pretrade.increasing(id_, exposures))
        }
        records = [*watch.records(())]
        assert {record.subaccount for record in records if isinstance(record, MassCancelled)} == short
        commit(core, records)
        n_ended += len(short)
    assert n_ended
    core.close()


def test_fee__raised_above_what_was_signed__ends_the_order(stage: Stage) -> None:
    alice, bob = stage.chain.traders[:2]
    cheap, dear = stage.accept(
        alice.place(5, PRICE_TICKS, max_fee_pips=500), alice.place(5, PRICE_TICKS, max_fee_pips=700)
    )
    limits = replace(LIMITS, maker_fee_pips=700)
    stage.chain.state.markets[MARKET].limits = limits
    values = [getattr(limits, name) for name in limits.__dataclass_fields__]
    stage.chain.add_block(event_log(MARKETS, f"LimitsChanged(uint32,{_LIMITS})", [MARKET], *values))
    stage.house.turn()

    assert ended(stage) == {cheap.order_id: Reason.BUSTED}
    stage.accept(bob.place(-10, PRICE_TICKS))
    stage.turn(4)
    assert not stage.of(TradeBusted)
    assert ended(stage)[dear.order_id] is Reason.FILLED
