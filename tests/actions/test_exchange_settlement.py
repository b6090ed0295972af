"""Orders in at the exchange, positions on the chain: the real node and the real contracts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.events import Finality, TradeBusted, Traded, TradeSettled
from optimistic.node.exchange.image import dump
from optimistic.node.exchange.options import ExchangeOptions, SettlementOptions
from optimistic.node.exchange.records import BatchFailed, BatchUndone
from scripts.staging.contract_views import call_data
from tests.helpers.exchange_stage import ExchangeStage
from tests.helpers.settlement_setup import BTC_PRICE, WAD
from tests.helpers.settlement_world import Trader, running_world

TICKS = BTC_PRICE * 10 // WAD
LOTS = 1_000
OPTIONS = ExchangeOptions(settlement=SettlementOptions(max_age_ms=0, resend_ms=0))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[ExchangeStage]:
    with running_world(tmp_path) as world:
        made = ExchangeStage(world, tmp_path / "exchange", OPTIONS)
        yield made
        made.house.close()


def traders(stage: ExchangeStage, count: int = 2) -> list[Trader]:
    made = [stage.world.trader(number, 50_000) for number in range(count)]
    stage.world.push_prices()
    stage.turn(3)
    return made


def of(stage: ExchangeStage, kind: type) -> list[object]:
    return [event for event in stage.events if isinstance(event, kind)]


def test_exchange__orders_that_cross__become_positions_on_the_chain(stage: ExchangeStage) -> None:
    buyer, seller = traders(stage)
    assert isinstance(stage.place(seller, -LOTS, TICKS), Ack)
    assert isinstance(stage.place(buyer, LOTS // 2, TICKS), Ack)
    assert isinstance(stage.place(buyer, LOTS // 4, TICKS + 5), Ack)
    stage.turn(4)

    assert (stage.world.size(buyer), stage.world.size(seller)) == (3 * WAD // 4, -3 * WAD // 4)
    assert len(of(stage, Traded)) == len(of(stage, TradeSettled)) == 2
    assert stage.house.core.machine.settling.n_unsettled == 0
    account = stage.house.service.account(buyer.subaccount)
    assert account is not None
    assert account.cash_wad == stage.world.cash(buyer)
    [settled, _] = of(stage, TradeSettled)
    assert isinstance(settled, TradeSettled)
    assert stage.house.service.finality(settled.block) is not Finality.FINAL

    stage.world.confirm_all()
    stage.turn(2)
    assert stage.house.service.finality(settled.block) is Finality.FINAL
    assert not stage.house.core.machine.settling.batches


def test_exchange__started_again_at_any_point__settles_every_trade_once(stage: ExchangeStage) -> None:
    buyer, seller = traders(stage)
    lots = 0
    for n in range(6):
        stage.place(seller, -10, TICKS)
        stage.place(buyer, 10, TICKS)
        lots += 10
        if n % 3 == 0:
            stage.house.settler.step()
        if n % 3 == 1:
            stage.world.turn(stage.world.node)
        stage.house.core._journal.close()
        before = dump(stage.house.core.machine)
        stage.house = stage.open()
        if n % 3 != 1:
            assert dump(stage.house.core.machine) == before
    stage.turn(6)

    assert stage.world.size(buyer) == lots * WAD // LOTS
    assert stage.house.core.machine.settling.n_unsettled == 0
    settled = [event.trade_id for event in stage.events if isinstance(event, TradeSettled)]
    assert sorted(settled) == list(range(1, 7))


def test_exchange__failed_batch_of_a_lost_block__an_empty_transaction_takes_its_place(
    stage: ExchangeStage,
) -> None:
    buyer, seller = traders(stage)
    stage.place(seller, -10, TICKS)
    stage.place(buyer, 10, TICKS)
    stage.house.settler.step()
    core = stage.house.core
    [failed] = core.machine.settling.in_flight()
    core.commit(lambda _: [BatchFailed(failed.number, 1), BatchUndone(failed.number)])
    stage.turn(6)

    assert stage.house.follower._chain.result(failed.tx_hash) is None
    assert stage.world.size(buyer) == 10 * WAD // LOTS
    assert core.machine.settling.n_unsettled == 0
    assert len(of(stage, TradeSettled)) == 1


def test_exchange__trade_the_chain_refuses__is_busted_and_positions_are_repaired(
    stage: ExchangeStage,
) -> None:
    buyer, seller = traders(stage)
    first = stage.place(seller, -LOTS, TICKS)
    stage.place(buyer, LOTS, TICKS)
    world = stage.world
    world.submit(seller.wallet, "Clearing", call_data("Clearing", "raiseNonceFloor", seller.nonce + 1))
    world.turn(world.node)
    stage.turn(4)

    [busted] = of(stage, TradeBusted)
    assert isinstance(busted, TradeBusted)
    assert busted.reason == "NONCE_BELOW_FLOOR"
    assert isinstance(first, Ack)
    assert stage.world.size(buyer) == 0
    engine = stage.house.core.machine.desk(1).engine
    assert not any(engine.positions.values())
    assert not stage.house.core.machine.exposures.by_subaccount


def test_exchange__mirror_after_all_that__is_the_chain(stage: ExchangeStage) -> None:
    buyer, seller = traders(stage)
    for n in range(4):
        stage.place(seller, -100 - n, TICKS - n)
        stage.place(buyer, 100, TICKS)
        stage.turn()
    stage.turn(3)

    for number, account in stage.house.core.state.subaccounts.items():
        assert stage.world.read("Ledger", "subaccount", number)[2] == account.cash_wad
    assert stage.house.core.state.filled_lots
