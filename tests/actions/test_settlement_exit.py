"""Forced exit: a position is closed and the money leaves although the operator takes nothing from anybody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.node.sequencer import SequencerOptions
from tests.helpers.settlement_setup import BTC_FEED, BTC_PRICE, PERPETUAL, TOKEN, WAD, observations
from tests.helpers.settlement_world import SettlementWorld, Trader, running_world

CASH = 0
TICKS = BTC_PRICE * 10 // WAD
LOTS = 1_000
NEVER = SequencerOptions(deposit_confirmations=1_000)
"""Of a sequencer that takes no deposit by itself."""


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[SettlementWorld]:
    """A world with markets that are open and prices that are fresh."""
    with running_world(tmp_path) as built:
        yield built


def turn_hostile(floor: SettlementWorld) -> None:
    """From now on the operator ignores the deposit queue, and nobody's transactions reach it."""
    floor.until_safe(floor.node)
    floor.node.close()
    floor.node = floor.aggregator(sequencer=NEVER)


def force(floor: SettlementWorld) -> None:
    """Wait until what is queued is due, and have L1 take it in."""
    floor.l1.advance_time(floor.params.force_delay_s + 1)
    floor.alice.send(floor.inbox.force_batch_call())
    floor.turn(floor.node, times=2)


def wait(floor: SettlementWorld, until: int) -> None:
    """Let time pass on L1; L2 follows with its next block."""
    floor.l1.advance_time(max(0, until - floor.l1.time_s()) + 1)
    floor.turn(floor.node)


def push_by_l1(floor: SettlementWorld, trader: Trader, price_wad: int) -> None:
    """Queue a signed price."""
    now = floor.l1.time_s()
    floor.force(trader, "PriceOracle", "push", BTC_FEED, observations(BTC_FEED, price_wad, now))


def test_forced_exit__operator_ignores_everybody__position_closed_and_money_on_l1(
    floor: SettlementWorld,
) -> None:
    trader, other = floor.trader(0, 50_000), floor.trader(1, 500_000)
    floor.push_prices()
    floor.act(other.wallet, "InsuranceFund", "donate", PERPETUAL, other.subaccount, 100_000 * WAD)
    floor.trade(trader, other, LOTS, TICKS)
    turn_hostile(floor)
    account = trader.subaccount

    floor.force(trader, "Liquidator", "requestClose", account, PERPETUAL)
    force(floor)
    _, executable_at = floor.read("Liquidator", "closeRequest", account, PERPETUAL)
    assert executable_at
    wait(floor, executable_at)
    push_by_l1(floor, trader, BTC_PRICE)
    floor.force(trader, "Liquidator", "forceClose", account, PERPETUAL)
    force(floor)
    assert floor.size(trader) == 0

    units = floor.cash(trader) * TOKEN // WAD
    floor.force(trader, "Collateral", "requestWithdrawal", account, CASH, units, trader.address)
    force(floor)
    number = floor.logs("Collateral", "WithdrawalRequested")[-1]["number"]
    wait(floor, floor.read("Collateral", "withdrawal", number)[4])
    floor.force(trader, "Collateral", "release", number)
    force(floor)
    sent = floor.last_message()
    floor.confirm_all()
    floor.finalize(trader, sent)

    assert floor.tokens_of(trader.address) == units
    assert units > 49_000 * TOKEN


def test_forced_exit__no_position__request_and_release_are_enough(floor: SettlementWorld) -> None:
    trader = floor.trader(0, 1_000)
    turn_hostile(floor)

    units = 1_000 * TOKEN
    floor.force(trader, "Collateral", "requestWithdrawal", trader.subaccount, CASH, units, trader.address)
    force(floor)
    number = floor.logs("Collateral", "WithdrawalRequested")[-1]["number"]
    wait(floor, floor.read("Collateral", "withdrawal", number)[4])
    floor.force(trader, "Collateral", "release", number)
    force(floor)
    sent = floor.last_message()
    floor.confirm_all()
    floor.finalize(trader, sent)

    assert floor.tokens_of(trader.address) == units
