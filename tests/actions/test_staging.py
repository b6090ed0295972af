"""What people run to see a dispute: the demonstration, and scenarios on the embedded chain."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimistic.protocol.types import Hash32
from scripts.staging.bars import generated_closes
from scripts.staging.dispute_act import CALLS
from scripts.staging.faults import Lie
from scripts.staging.forged_settlement import SKIPPED_MARGIN_CHECK
from scripts.staging.lies import NoRoomForLie
from scripts.staging.plot import Choices
from scripts.staging.scenarios import SCENARIOS, Scenario
from scripts.staging.stages import embedded_stage
from scripts.staging.story import FIRST_PRICE_WAD, SECOND_WITHDRAWN_WEI, WITHDRAWN_WEI, Story
from scripts.staging.trading_act import TradingAct
from scripts.staging.trading_floor import TradingFloor
from scripts.staging.world import World

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[Lie.NONCE], ids=str)
def told(request: pytest.FixtureRequest) -> tuple[dict[str, Any], list[str]]:
    lines: list[str] = []
    with World() as world:
        return Story(world, lines.append, lie=request.param, seed=3).play(), lines


def test_demo__its_last_line__counts_the_dispute(told: tuple[dict[str, Any], list[str]]) -> None:
    result, _ = told
    dispute = result["dispute"]

    assert result["ok"]
    assert result["fraud_detected"]
    assert result["withdrawn_wei"] == WITHDRAWN_WEI + SECOND_WITHDRAWN_WEI
    assert dispute["winner"] == "honest"
    assert dispute["arity"] == 32
    assert 12 <= dispute["moves"] <= 14
    assert 7 <= dispute["honest_txs"] <= 9
    assert 0 < dispute["honest_gas"] < dispute["total_gas"]
    assert 0 < dispute["refunded_wei"] < dispute["burned_wei"]


def test_demo__what_it_tells__goes_from_the_lie_to_the_withdrawal(
    told: tuple[dict[str, Any], list[str]],
) -> None:
    _, lines = told
    told_of = [
        "lie:",
        "rival:",
        "open:",
        "walk:",
        "commit:",
        "duel:",
        "step:",
        "settle:",
        "claim:",
        "withdraw:",
    ]

    heads = [line.split()[0] for line in lines if not line.startswith(" ")]

    order = [heads.index(head, heads.index("lie:")) for head in told_of]
    assert order == sorted(order)
    assert any(f"of {CALLS}" in line for line in lines)


@pytest.mark.parametrize("seed", [2, 5])
def test_trading_act__whatever_the_market_does__ends_whole(seed: int) -> None:
    chance = random.Random(seed)
    closes = generated_closes(chance.randrange(1 << 32), FIRST_PRICE_WAD)
    with World() as world:
        world.start_node()
        act = TradingAct(world, lambda _: None, chance, closes)
        try:
            told = act.play()
        finally:
            act.close()

    assert told["liquidations"] > 0
    assert told["fills"] > 100
    assert told["bad_debt_wei"] == 0
    assert told["conservation_ok"]
    assert act.message is not None


@pytest.mark.parametrize(
    "kind",
    ["credit", "sabotage", "silent", "late", "skipped-margin-check", "worse-fill", "wrong-liquidation"],
)
def test_scenario__against_the_watchtower__every_lie_dies(tmp_path: Path, kind: str) -> None:
    lines: list[str] = []

    with embedded_stage(tmp_path, SCENARIOS[kind], is_defended=True) as stage:
        stage.post(Choices())
        stage.play(None, lines.append)
        document = stage.plot.document()

    assert {wrong["status"] for wrong in document["assertions"]} == {"dead"}
    assert not stage.plot.has_won


def test_scenario__settlement_that_ends_the_same_falsely__is_no_lie(tmp_path: Path) -> None:
    def garbage(_: World, floor: TradingFloor) -> Hash32:
        (trader,) = floor.pay_in(["nobody"], 1)
        return floor.send(trader.secret, "Clearing", "settleBatch", b"\x09")

    scenario = Scenario(help="", forgery=replace(SKIPPED_MARGIN_CHECK, send=garbage))

    with (
        embedded_stage(tmp_path, scenario, is_defended=False) as stage,
        pytest.raises(NoRoomForLie, match="ends the same"),
    ):
        stage.post(Choices())
