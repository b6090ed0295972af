"""Every step can be proven by one transaction of L1, and most by a cheap one."""

import json
import statistics
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from optimistic.service.one_step import L1_TX_GAS_CAP
from tests.bench.osp import PROGRAMS, Cost, program_costs, setting_cost, summary, worst_of_longest
from tests.bench.osp_batches import BEGINNINGS, LONGEST
from tests.bench.osp_worst import WORST
from tests.helpers.onchain_host import L1_TX_BYTES

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

GAME_BYTES = 8_192
"""Left for what a game sends along with the step, and for the envelope of the transaction."""
HIGHEST_MEDIAN = {"token_transfer": 200_000, "swap": 300_000}
SNAPSHOT = Path(__file__).parents[1] / "bench" / "snapshots" / "osp.json"
SETTINGS = {**WORST, **BEGINNINGS}


@cache
def cost_of(name: str) -> Cost:
    return setting_cost(SETTINGS[name]())


@cache
def costs_of(program: str) -> list[Cost]:
    return list(program_costs(PROGRAMS[program]()))


def assert_fits(cost: Cost) -> None:
    assert cost.gas < L1_TX_GAS_CAP
    assert cost.calldata <= L1_TX_BYTES - GAME_BYTES


@pytest.mark.parametrize("name", SETTINGS)
def test_step__dearest_of_its_kind__fits_a_transaction(name: str) -> None:
    assert_fits(cost_of(name))


@pytest.mark.parametrize("program", PROGRAMS)
def test_step__of_usual_program__is_cheap(program: str) -> None:
    costs = costs_of(program)

    assert statistics.median(cost.gas for cost in costs) <= HIGHEST_MEDIAN[program]
    assert max(cost.gas for cost in costs) < 1_000_000


@cache
def longest_costs(name: str) -> list[Cost]:
    return worst_of_longest(LONGEST[name])


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", LONGEST)
def test_step__of_longest_operation__fits_a_transaction(name: str) -> None:
    for cost in longest_costs(name):
        assert_fits(cost)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
def test_snapshot__of_costs__is_fresh() -> None:
    """`scripts/bench.py osp --out tests/bench/snapshots/osp.json` writes it."""
    committed = json.loads(SNAPSHOT.read_text())["osp"]
    present = {name: summary(costs_of(name)) for name in PROGRAMS}
    worst = {name: [cost_of(name)] for name in SETTINGS} | {name: longest_costs(name) for name in LONGEST}

    for name, figures in present.items():
        assert figures["steps"] == committed[name]["steps"]
        for figure in ("gas", "calldata_bytes"):
            assert committed[name][figure] == _near(figures[figure])
    assert {row["case"] for row in committed["worst"]} == worst.keys()
    for row in committed["worst"]:
        costs = worst[row["case"]]
        assert row["gas"] == _near(max(cost.gas for cost in costs)), row["case"]
        assert row["calldata_bytes"] == max(cost.calldata for cost in costs), row["case"]


def _near(figures: Any) -> Any:
    """Allow for what the compiler does differently when it compiles other files as well."""
    return pytest.approx(figures, rel=0.005)
