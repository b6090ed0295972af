"""Calls of all kinds on the deployed contracts and on their twins: the same results, errors, logs and state.

The contracts' side is rebuilt from their logs after every call, and compared with their storage in the end.
"""

from collections import Counter

import pytest

from optimistic.protocol.settlement import closing
from optimistic.protocol.settlement.batch_codec import Batch, Fill
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.reasons import Bust
from optimistic.protocol.settlement.types import BookReport
from tests.helpers.contract_host import Reverted
from tests.helpers.settlement_offices import Outcomes
from tests.helpers.settlement_run import Run
from tests.helpers.settlement_storage import compare_storage
from tests.helpers.settlement_twins import FEEDS, MIDDLE, PERPETUALS, STEPS, Twins

SEQUENCES, CALLS = 200, 30
NIGHTLY_PARTS, NIGHTLY_SEQUENCES = 4, 500
UNREACHED = {Bust.TOO_MANY_LEGS}
"""Three markets are too few for it; tests/unit/protocol/settlement has one."""
ENDS = {
    "Clearing.raiseNonceFloor": ("", "FloorNotRaised"),
    "Clearing.setSessionKey": ("", "InvalidSessionKey"),
    "Collateral.cancel": ("", "NotOwner", "UnknownWithdrawal"),
    "Collateral.creditToken": ("",),
    "Collateral.depositEther": ("", "NotOwner", "OverCap", "ZeroAmount"),
    "Collateral.release": ("", "NotReady", "NotWithdrawable", "StalePrice", "UnknownWithdrawal"),
    "Collateral.requestWithdrawal": (
        *("", "InvalidRecipient", "NotOwner", "NotWithdrawable"),
        *("StalePrice", "TooManyWithdrawals", "ZeroAmount"),
    ),
    "Collateral.transfer": ("", "NotOwner", "NotWithdrawable", "StalePrice", "ZeroAmount"),
    "InsuranceFund.donate": ("", "NotOwner", "NotWithdrawable", "StalePrice"),
    "Ledger.open": ("", "InvalidMarginMode"),
    "Liquidator.flag": ("", "Healthy", "StalePrice", "UnknownSubaccount"),
    "Liquidator.forceClose": (
        *("", "MarketNotOpen", "NotExecutable", "NotRequested", "NothingToClose"),
        *("OverInsuranceCap", "StalePrice", "Unhealthy"),
    ),
    "Liquidator.liquidate": (
        *("", "Healthy", "InGrace", "NotFlagged", "NotOwner", "NothingToClose", "StalePrice"),
    ),
    "Liquidator.requestClose": ("", "NotOwner", "NothingToClose"),
    "Liquidator.resolve": ("", "Healthy", "UnknownSubaccount"),
    "Liquidator.unflag": ("", "NotFlagged", "Unhealthy"),
    "Liquidator.unwind": ("", "NothingToClose", "UnknownMarket"),
    "Markets.closeExpired": ("", "NotSettled", "UnknownMarket"),
    "Markets.settleFuture": ("", "NoSettlementPriceYet", "NotExpired", "UnknownMarket"),
    "RiskGovernor.cancel": ("", "NotOwner", "NotScheduled"),
    "RiskGovernor.execute": (
        *("", "CallFailed: OutOfBounds", "CallFailed: UnknownMarket"),
        *("Expired", "NotOwner", "NotReady", "NotScheduled"),
    ),
    "RiskGovernor.loosen": ("", "NotTightened", "StillTightened"),
    "RiskGovernor.schedule": ("", "AlreadyScheduled", "NotATarget", "NotOwner"),
    "RiskGovernor.seal": ("AlreadySealed", "NotOwner"),
    "RiskGovernor.setUp": ("AlreadySealed", "NotOwner"),
    "RiskGovernor.tighten": ("", "InCooldown", "NotGuardian", "NotOpen", "UnknownMarket"),
}
"""How each function ends in the sequences: well (empty), or with an error."""
EFFECTS = {
    "bad debt",
    "ether seized",
    "global tranche pays",
    "global tranche pays twice a day",
    "market tranche pays",
    "position of the fund",
    "position of the fund ends",
}


def run(seeds: range) -> tuple[Counter[Bust], Outcomes, Counter[str]]:
    """Run sequences from these seeds, each on fresh contracts.

    Returns
    -------
    How often each reason, each outcome of a call and each effect came up
    """
    seen, outcomes = Counter[Bust](), Outcomes()
    twins = Twins()
    mark = twins.chain.snapshot()
    for seed in seeds:
        sequence = Run(twins, seed)
        for _ in range(CALLS):
            sequence.step()
        compare_storage(twins)
        seen, outcomes = seen + sequence.seen, outcomes + sequence.offices.outcomes
        twins.chain.restore(mark)
        mark = twins.chain.snapshot()
    return seen, outcomes, twins.effects


@pytest.mark.timeout(600)
def test_sequences__any_calls_in_any_order__both_agree_on_everything() -> None:
    seen, outcomes, effects = run(range(SEQUENCES))

    assert set(Bust) - set(seen) <= UNREACHED
    assert seen[Bust.NONE] > SEQUENCES
    assert {(call, error) for call, errors in ENDS.items() for error in errors} <= set(outcomes)
    assert set(effects) >= EFFECTS


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(NIGHTLY_PARTS))
def test_sequences__many_more__both_agree_on_everything(part: int) -> None:
    run(range((part + 1) * 10_000, (part + 1) * 10_000 + NIGHTLY_SEQUENCES))


def test_pitfall_32__pushed_mark__both_find_the_account_healthy_at_the_index() -> None:
    twins, market, nonce = Twins(), PERPETUALS[0], 0

    def trade(buyer: int, seller: int, lots: int, ticks: int) -> None:
        nonlocal nonce
        nonce += 1
        orders = (
            twins.people[seller].order(-lots, ticks, market=market, nonce=nonce),
            twins.people[buyer].order(lots, ticks, market=market, nonce=nonce),
        )
        settled = twins.settle(Batch(orders=orders, fills=(Fill(0, 1, lots),)))
        assert settled is not None
        assert settled.n_fills == 1

    def tick(seconds: int, ticks: int) -> None:
        twins.chain.move_to(twins.chain.now + seconds)
        twins.push(FEEDS[0], ticks * STEPS.tick_wad)
        twins.refresh(market)

    trade(4, 0, 1_000, MIDDLE)
    for _ in range(30):
        tick(15, MIDDLE * 9 // 10)
        trade(1, 0, 1, MIDDLE // 2)
    tick(1, MIDDLE * 9 // 10)
    low = MIDDLE // 2 * STEPS.tick_wad
    report = BookReport(
        best_bid_wad=low,
        best_ask_wad=low,
        impact_bid_wad=low,
        impact_ask_wad=low,
        depth_wad=0,
        timestamp=twins.chain.now,
    )
    twins.report(market, report)
    tick(1, MIDDLE * 9 // 10)

    target = twins.people[4].id
    assert not margin_of(twins.state, target).is_maintained
    assert closing.close_terms(twins.state, target, market) == (0, 0)
    with pytest.raises(Reverted):
        twins.chain.act(twins.people[0].address, "Liquidator", "flag", target)
    compare_storage(twins)
    tick(1, MIDDLE * 89 // 100)
    assert closing.close_terms(twins.state, target, market) != (0, 0)
    twins.chain.act(twins.people[0].address, "Liquidator", "flag", target)
    compare_storage(twins)
