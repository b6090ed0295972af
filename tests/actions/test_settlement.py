"""Derivatives from a deposit on L1 to the money back on L1, with the real node, contracts and watchtower."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from challenger.model import Judgement
from optimistic.protocol.engine import Log
from optimistic.protocol.settlement.events import rebuild
from optimistic.protocol.settlement.invariants import broken
from scripts.staging.market_terms import LIMITS
from tests.helpers.settlement_setup import BTC_PRICE, FUTURE, TOKEN, WAD
from tests.helpers.settlement_world import SettlementWorld, Trader, running_world

CASH, ETHER_ASSET = 0, 1
TICKS = BTC_PRICE * 10 // WAD
"""The price in ticks of a tenth."""
LOTS = 1_000
"""One contract."""
PIPS = 10**6
FUNDING_WAD = WAD // 10
"""More than a position of one contract pays in the seconds of these stories."""


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[SettlementWorld]:
    """A world with markets that are open and prices that are fresh."""
    with running_world(tmp_path) as built:
        yield built


def fees(notional_wad: int) -> tuple[int, int]:
    """What maker and taker pay."""
    return notional_wad * LIMITS.maker_fee_pips // PIPS, notional_wad * LIMITS.taker_fee_pips // PIPS


def withdraw(floor: SettlementWorld, trader: Trader, units: int) -> None:
    """Request, wait for the turn, release."""
    floor.push_prices()
    account = trader.subaccount
    floor.act(trader.wallet, "Collateral", "requestWithdrawal", account, CASH, units, trader.address)
    number = floor.logs("Collateral", "WithdrawalRequested")[-1]["number"]
    ready_at = floor.read("Collateral", "withdrawal", number)[4]
    floor.l1.advance_time(max(0, ready_at - floor.l1.time_s()) + 1)
    floor.act(trader.wallet, "Collateral", "release", number)


def check_books(floor: SettlementWorld) -> None:
    """The state rebuilt from the logs alone keeps every invariant and says what the contracts say."""
    state = rebuild(
        (log.block_timestamp, Log(address=log.address, topics=log.topics, data=log.data))
        for log in floor.stored_logs()
    )
    assert not broken(state)
    for number, subaccount in state.subaccounts.items():
        assert floor.read("Ledger", "subaccount", number)[2] == subaccount.cash_wad


def test_settlement__deposit_trade_withdraw__the_money_is_on_l1(floor: SettlementWorld) -> None:
    buyer, seller = floor.trader(0, 50_000), floor.trader(1, 50_000)
    floor.push_prices()
    floor.trade(buyer, seller, LOTS, TICKS)
    assert (floor.size(buyer), floor.size(seller)) == (WAD, -WAD)
    _, taker_fee = fees(BTC_PRICE)
    gained = 600 * WAD

    floor.push_prices(BTC_PRICE + gained)
    floor.trade(seller, buyer, LOTS, TICKS + 6_000)
    assert floor.size(buyer) == floor.size(seller) == 0
    floor.trade(buyer, seller, LOTS, TICKS + 6_000, FUTURE)
    assert floor.size(buyer, FUTURE) == WAD
    floor.trade(seller, buyer, LOTS, TICKS + 6_000, FUTURE)
    later_maker, later_taker = fees(BTC_PRICE + gained)
    paid = taker_fee + later_maker + later_taker + later_maker
    assert abs(floor.cash(buyer) - (50_000 * WAD + gained - paid)) < FUNDING_WAD
    check_books(floor)

    units = floor.cash(buyer) * TOKEN // WAD
    withdraw(floor, buyer, units)
    sent = floor.last_message()
    floor.confirm_all()
    floor.finalize(buyer, sent)

    assert floor.tokens_of(buyer.address) == units
    check_books(floor)


def test_settlement__honest_story__the_watchtower_agrees(floor: SettlementWorld) -> None:
    buyer, seller = floor.trader(0, 50_000), floor.trader(1, 50_000)
    floor.push_prices()
    floor.trade(buyer, seller, LOTS, TICKS)
    floor.until_safe(floor.node)
    floor.turn(floor.node, times=6)
    tower = floor.tower()

    floor.run(tower)

    findings = tower.monitor.findings
    assert findings is not None
    judged = [findings.known.judgement(found.id) for found in floor.node.store.assertions()]
    assert judged
    assert set(judged) == {Judgement.VALID}


def test_settlement__trade_beyond_the_margin__is_busted_not_settled(floor: SettlementWorld) -> None:
    buyer, seller = floor.trader(0, 100), floor.trader(1, 50_000)
    floor.push_prices()

    floor.trade(buyer, seller, LOTS, TICKS)

    assert floor.size(buyer) == floor.size(seller) == 0
    assert [log["reason"] for log in floor.logs("Clearing", "FillBusted")]
    check_books(floor)
