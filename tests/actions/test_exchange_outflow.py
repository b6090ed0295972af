"""What is said about withdrawals before they are asked for is what the contracts then do."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from optimistic.node.api.chain_view import NodeView
from optimistic.protocol.settlement.collateral import MAX_WITHDRAWALS
from optimistic.protocol.settlement.types import MarketId
from optimistic.service.contract import NamedRevert
from optimistic.service.one_shot import OneShotSender
from optimistic.service.outflow import Outflow, Outflows
from optimistic.service.settlement_contracts import Asset, Collateral
from optimistic.service.signer import Signer
from tests.helpers.settlement_setup import BTC_PRICE, PERPETUAL, TOKEN, WAD
from tests.helpers.settlement_world import SettlementWorld, Trader, running_world
from tests.helpers.trading_stage import WorldClock, node_client
from tests.helpers.watchtower_stage import ETHER

TICKS = BTC_PRICE * 10 // WAD


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SettlementWorld]:
    with running_world(tmp_path) as made:
        yield made


class Withdrawer:
    """A trader at the contracts, who asks first."""

    def __init__(self, world: SettlementWorld, trader: Trader) -> None:
        self._world, self.trader = world, trader
        self.node = node_client(world)
        self._collateral = Collateral.of(self.node)
        self._sender = OneShotSender(self.node, Signer(trader.key.secret), clock=WorldClock(world))

    def told(self, asset: Asset) -> Outflow:
        now_s = self._world.node.chain.head.timestamp
        return Outflows(self.node).of(self.trader.subaccount, asset, now_s)

    def deposit_ether(self, amount_wei: int) -> None:
        self._sender.send(self._collateral.deposit_ether_call(self.trader.subaccount, amount_wei))

    def refusal(self, asset: Asset, amount: int) -> str:
        """The error with which a request would fail; empty if it would not."""
        call = self._collateral.request_withdrawal_call(
            self.trader.subaccount, asset, amount, self.trader.address
        )
        asked = replace(call, sender=self.trader.address)
        try:
            self._collateral.read_call(asked, "requestWithdrawal", at="latest")
        except NamedRevert as error:
            return error.name
        return ""

    def withdraw(self, asset: Asset, amount: int) -> tuple[int, int]:
        """Ask for it; return when it was asked for and when it is ready."""
        trader = self.trader
        call = self._collateral.request_withdrawal_call(trader.subaccount, asset, amount, trader.address)
        at = self._sender.send(call).block_number
        (number,) = self._collateral.read("withdrawalsOf", trader.subaccount, at=at)[0][-1:]
        (withdrawal,) = self._collateral.read("withdrawal", number, at=at)
        return self.node.header(at).timestamp, int(withdrawal[4])


def test_outflow__no_positions__is_everything_that_is_held(world: SettlementWorld) -> None:
    desk = Withdrawer(world, world.trader(0, 5_000))
    desk.deposit_ether(ETHER)

    cash, ether = desk.told(Asset.CASH), desk.told(Asset.ETHER)

    assert (cash.most, cash.at_once, cash.reason) == (5_000 * TOKEN, 5_000 * TOKEN, "")
    assert (ether.most, ether.reason) == (ETHER, "")
    assert desk.refusal(Asset.CASH, cash.most) == ""
    assert desk.refusal(Asset.CASH, cash.most + 1) == "NotWithdrawable"


def test_outflow__positions__is_the_most_that_margin_lets_go(world: SettlementWorld) -> None:
    long, short = world.trader(0, 4_000), world.trader(1, 50_000)
    desk = Withdrawer(world, long)
    desk.deposit_ether(2 * ETHER)
    world.push_prices()
    world.trade(long, short, 1_000, TICKS)
    world.push_prices()
    world.act(world.owner, "Markets", "refresh", MarketId(PERPETUAL))

    for asset in Asset:
        told = desk.told(asset)

        assert told.reason == "margin needs the rest"
        assert told.most > 0
        assert desk.refusal(asset, told.most) == ""
        assert desk.refusal(asset, told.most + 1) == "NotWithdrawable"


def test_outflow__line_is_full__tells_the_second_it_is_ready(world: SettlementWorld) -> None:
    desk = Withdrawer(world, world.trader(0, 100, wei=300 * ETHER))
    desk.deposit_ether(250 * ETHER)
    first = desk.told(Asset.ETHER)
    desk.withdraw(Asset.ETHER, first.at_once)
    second = desk.told(Asset.ETHER)
    amount = 60 * ETHER
    asked_at, ready_at = desk.withdraw(Asset.ETHER, amount)
    view = NodeView(desk.node, WorldClock(world))
    gates = {gate.name: gate for gate in view.gates()}

    assert first.at_once == 100 * ETHER
    assert second.at_once < second.most == 150 * ETHER
    assert replace(second, time_s=asked_at + 1).ready_at(amount) == ready_at
    assert ready_at > asked_at + 1_800
    closed = gates["withdrawals: ether at once"]
    assert not closed.is_open
    assert closed.opens_at > asked_at
    assert "waits in line" in closed.reason
    assert gates["withdrawals: cash at once"].is_open
    assert gates["deposits: ether"].is_open


def test_outflow__prices_too_old_or_too_many_pending__says_so(world: SettlementWorld) -> None:
    long, short, idle = (world.trader(number, 50_000) for number in range(3))
    desk, other = Withdrawer(world, long), Withdrawer(world, idle)
    world.push_prices()
    world.trade(long, short, 1_000, TICKS)
    world.turn(world.node, times=60)

    told = desk.told(Asset.CASH)

    assert (told.most, told.ready_at(1)) == (0, None)
    assert "too old" in told.reason
    assert desk.refusal(Asset.CASH, 1) == "StalePrice"
    for _ in range(MAX_WITHDRAWALS):
        other.withdraw(Asset.CASH, 1)
    assert "pending" in other.told(Asset.CASH).reason
    assert other.refusal(Asset.CASH, 1) == "TooManyWithdrawals"
