"""The examples of the documentation, run one after the other: deposit, trade, withdraw, forced exit."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optimistic.client.keys import TradingKey
from optimistic.node.api.options import ApiOptions
from optimistic.node.exchange.options import ExchangeOptions, SettlementOptions
from optimistic.node.sequencer import SequencerOptions
from optimistic.node.trading import TradingFloor, TradingOptions
from optimistic.service.l1_types import Call
from optimistic.service.signer import Signer
from scripts.staging.contract_views import call_data
from tests.architecture.source_tree import ROOT
from tests.helpers.settlement_setup import BTC_FEED, BTC_PRICE, PERPETUAL, TOKEN, WAD, observations
from tests.helpers.settlement_world import SettlementWorld, Trader, running_world
from tests.helpers.trading_stage import WorldClock, node_client
from tests.helpers.watchtower_stage import ETHER

OPTIONS = ExchangeOptions(settlement=SettlementOptions(max_age_ms=0, resend_ms=0))
EXCHANGE_KEY = bytes(31) + b"\x13"
NEVER = SequencerOptions(deposit_confirmations=1_000)


def example(name: str) -> Any:
    """A script of the documentation as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SettlementWorld]:
    with running_world(tmp_path) as made:
        yield made


def test_deposit__tokens_on_l1__become_cash(world: SettlementWorld) -> None:
    trader = world.trader(0, 1)
    mint = call_data("DevToken", "mint", trader.address, 500 * TOKEN)
    trader.l1.send(Call(to=world.token, data=mint))
    settlement = world.deployment.settlement

    number = example("deposit").deposit(
        world.client,
        node_client(world),
        settlement,
        Signer(trader.key.secret),
        500 * TOKEN,
        WorldClock(world),
    )

    assert number == trader.subaccount + 1
    assert world.read("Ledger", "subaccount", number)[2] == 500 * WAD


def test_trade_and_withdraw__through_the_api__ends_on_l1(world: SettlementWorld) -> None:
    buyer, seller = world.trader(0, 50_000), world.trader(1, 50_000)
    options = TradingOptions(exchange=OPTIONS, api=ApiOptions(port=0))
    floor = TradingFloor(world.node, EXCHANGE_KEY, options, clock=WorldClock(world))
    world.deposit(floor.account, 10 * ETHER)
    world.push_prices()
    world.turn(world.node, times=3)
    floor.start()
    server = floor.api
    try:
        trade = example("trade")
        keys = [TradingKey(trader.key.secret) for trader in (seller, buyer)]
        wanted = {"market": PERPETUAL, "size": "0.5"}
        sold = trade.trade(
            server.url, keys[0], subaccount=seller.subaccount, side="sell", price="60000.04", **wanted
        )
        bought = trade.trade(
            server.url, keys[1], subaccount=buyer.subaccount, side="buy", price="60000.19", **wanted
        )
        assert sold["status"] == bought["status"] == "taken"
        (fill,) = trade.fills(server.url, keys[1])
        assert (fill["finality"], fill["ticks"]) == ("soft", 600_001)
        world.turn(world.node, times=4)
        world.until_safe(world.node)
        world.turn(world.node, times=2)
        (fill,) = trade.fills(server.url, keys[1])
        assert fill["finality"] == "posted"
    finally:
        server.stop()
    assert world.size(buyer) == WAD // 2

    world.push_prices()
    key = example("withdraw").withdraw(
        node_client(world), Signer(buyer.key.secret), buyer.subaccount, 1_000 * TOKEN, clock=WorldClock(world)
    )
    assert len(key) == 32
    sent = world.last_message()
    world.confirm_all()
    world.finalize(buyer, sent)
    assert world.tokens_of(buyer.address) == 1_000 * TOKEN


def force_batch(world: SettlementWorld) -> None:
    """Let what is queued on L1 become due, and have it taken in."""
    world.l1.advance_time(world.params.force_delay_s + 1)
    world.alice.send(world.inbox.force_batch_call())
    world.turn(world.node, times=2)


def wait_for(world: SettlementWorld, time_s: int) -> None:
    """Let time pass on L1 and L2."""
    world.l1.advance_time(max(0, time_s - world.l1.time_s()) + 1)
    world.turn(world.node)


def push_through_l1(world: SettlementWorld, trader: Trader) -> None:
    """Queue a signed price."""
    seen = observations(BTC_FEED, BTC_PRICE, world.l1.time_s())
    world.force(trader, "PriceOracle", "push", BTC_FEED, seen)


def test_forced_exit__hostile_operator__money_is_on_l1(world: SettlementWorld) -> None:
    trader, other = world.trader(0, 50_000), world.trader(1, 500_000)
    world.push_prices()
    world.act(other.wallet, "InsuranceFund", "donate", PERPETUAL, other.subaccount, 100_000 * WAD)
    world.trade(trader, other, 1_000, BTC_PRICE * 10 // WAD)
    world.until_safe(world.node)
    world.node.close()
    world.node = world.aggregator(sequencer=NEVER)
    leave = example("forced_exit").ForcedExit(
        world.client,
        node_client(world),
        world.deployment.contracts.bridge,
        Signer(trader.key.secret),
        WorldClock(world),
    )

    leave.request_close(trader.subaccount, PERPETUAL)
    force_batch(world)
    wait_for(world, world.read("Liquidator", "closeRequest", trader.subaccount, PERPETUAL)[1])
    push_through_l1(world, trader)
    leave.close(trader.subaccount, PERPETUAL)
    force_batch(world)
    assert world.size(trader) == 0

    units = world.cash(trader) * TOKEN // WAD
    leave.request_withdrawal(trader.subaccount, units)
    force_batch(world)
    number = world.logs("Collateral", "WithdrawalRequested")[-1]["number"]
    wait_for(world, world.read("Collateral", "withdrawal", number)[4])
    leave.release(number)
    force_batch(world)
    sent = world.last_message()
    world.confirm_all()
    world.finalize(trader, sent)

    assert world.tokens_of(trader.address) == units > 49_000 * TOKEN
