"""A lying aggregator forges settlements; the watchtower, which sees only L1, catches each as any lie."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from challenger.model import Judgement
from optimistic.artifacts import load
from optimistic.node.asserter import AsserterOptions
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.settlement.batch_codec import Batch, Fill, encode
from optimistic.protocol.types import Hash32
from scripts.staging.contract_views import call_data
from scripts.staging.faults import FaultPlan, Lie, lying_engines
from scripts.staging.pretence import (
    LEDGER_ACCOUNTS_SLOT,
    Pretence,
    skipped_margin_check,
    worse_fill,
    wrong_liquidation,
)
from tests.actions.test_fraud import assertion_and_unit
from tests.helpers.settlement_setup import BTC_PRICE, PERPETUAL, WAD
from tests.helpers.settlement_world import SettlementWorld

TICKS = BTC_PRICE * 10 // WAD
LOTS = 1_000
PUBLISHING = AsserterOptions(interval_s=0, publishes_leaves=True)


class LyingFloor(SettlementWorld):
    """A world whose aggregator lies about the transaction of its plan."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.plan = FaultPlan(Lie.CREDIT)
        self.open(self.aggregator(build_engine=lying_engines(self.plan), asserter=PUBLISHING))

    def forge(self, pretence: Pretence, contract: str, data: bytes) -> Hash32:
        """Send a call whose effect is the pretence's."""
        self.plan.lie = pretence
        raw = self.owner.call(self.address_of(contract), data, gas=3_000_000)
        self.plan.tx_hash = keccak256(raw)
        self.node.gateway.submit(raw)
        self.turn(self.node)
        return self.plan.tx_hash


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[LyingFloor]:
    built = LyingFloor(tmp_path)
    yield built
    built.close()


def forge_skipped_margin_check(floor: LyingFloor) -> Hash32:
    """A trader with a hundred dollars buys a bitcoin."""
    poor, rich = floor.trader(0, 100), floor.trader(1, 500_000)
    floor.push_prices()
    data = floor.trade_data(
        floor.signed(rich, LOTS, TICKS, is_buy=False), floor.signed(poor, LOTS, TICKS, is_buy=True), LOTS
    )

    forged = floor.forge(skipped_margin_check(), "Clearing", data)

    assert floor.size(poor) == WAD
    return forged


def forge_worse_fill(floor: LyingFloor) -> Hash32:
    """A buyer pays a thousand dollars more than its limit."""
    buyer, seller = floor.trader(0, 50_000), floor.trader(1, 50_000)
    floor.push_prices()
    before = floor.cash(seller)
    data = floor.trade_data(
        floor.signed(seller, LOTS, TICKS, is_buy=False), floor.signed(buyer, LOTS, TICKS, is_buy=True), LOTS
    )

    forged = floor.forge(worse_fill(buyer.subaccount, seller.subaccount, 1_000 * WAD), "Clearing", data)

    assert floor.size(buyer) == WAD
    assert floor.cash(seller) > before + 900 * WAD
    return forged


def forge_wrong_liquidation(floor: LyingFloor) -> Hash32:
    """A healthy account is liquidated."""
    victim, maker = floor.trader(0, 50_000), floor.trader(1, 500_000)
    floor.push_prices()
    floor.trade(victim, maker, LOTS, TICKS)
    floor.push_prices()
    bid = floor.signed(maker, LOTS, TICKS, is_buy=True)
    makers = encode(Batch(orders=(bid,), fills=(Fill(maker=0, taker=0xFFFF, lots=LOTS),)))
    data = call_data("Liquidator", "liquidate", victim.subaccount, PERPETUAL, 0, makers)

    forged = floor.forge(wrong_liquidation(victim.subaccount, 49_300 * WAD), "Liquidator", data)

    assert floor.size(victim) < WAD
    return forged


@pytest.mark.parametrize("forge", [forge_skipped_margin_check, forge_worse_fill, forge_wrong_liquidation])
def test_forged_settlement__any_kind__rival_is_posted_and_the_transaction_named(
    floor: LyingFloor, forge: Callable[[LyingFloor], Hash32]
) -> None:
    forged = forge(floor)
    floor.until_safe(floor.node)
    floor.turn(floor.node, times=6)
    wrong, unit = assertion_and_unit(floor.node, forged)
    tower = floor.tower()

    floor.run(tower, rounds=6)

    findings = tower.monitor.findings
    assert findings is not None
    verdict = findings.known.verdicts[wrong.id]
    assert verdict.judgement is Judgement.INVALID
    assert verdict.wrong is not None
    assert verdict.wrong.unit == unit
    rival = findings.known.drafts[wrong.parent].id
    assert floor.state(rival).status is AssertionStatus.LIVE
    assert floor.state(rival).poster == floor.watcher.address


def test_pretence__accounts_of_the_ledger__are_where_it_looks() -> None:
    slots = {row["label"]: row["slot"] for row in load("Ledger").storage_layout}

    assert slots["_accounts"] == LEDGER_ACCOUNTS_SLOT
