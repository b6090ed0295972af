"""The file that says how an exchange is opened."""

import json
from pathlib import Path
from typing import Any

import pytest

from optimistic.cli.devnet_market import opening
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement.types import MarketKind
from optimistic.service.market_opening import InvalidOpening, Opening, seal_call


def written(folder: Path, values: Any) -> Path:
    path = folder / "markets.json"
    path.write_text(json.dumps(values))
    return path


def test_opening__written_and_read__is_the_same(tmp_path: Path) -> None:
    meant = opening()

    read = Opening.load(written(tmp_path, meant.to_json()))

    assert read == meant
    assert read.markets[0].terms.kind is MarketKind.PERPETUAL


def test_calls__all_go_through_the_governor() -> None:
    calls = [*opening().calls(), seal_call()]

    assert len(calls) == 6
    assert {call.to for call in calls} == {SETTLEMENT_CONTRACTS["RiskGovernor"]}


def without(values: dict[str, Any], member: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != member}


def broken() -> dict[str, Any]:
    good = opening().to_json()
    (market,), (feed,) = good["markets"], good["feeds"]
    limits, terms = market["limits"], market["terms"]
    return {
        "no feeds": without(good, "feeds"),
        "no limit": good | {"markets": [market | {"limits": without(limits, "initialPips")}]},
        "misspelt limit": good | {"markets": [market | {"limits": limits | {"initalPips": 1}}]},
        "unknown kind": good | {"markets": [market | {"terms": terms | {"kind": "option"}}]},
        "kind of another type": good | {"markets": [market | {"terms": terms | {"kind": 0}}]},
        "short address": good | {"reporter": "0x07"},
        "two ages": good | {"feeds": [feed | {"maxAgesS": [1, 2]}]},
        "no number": good | {"collateral": good["collateral"] | {"hourlyPips": "many"}},
        "a list": [],
    }


@pytest.mark.parametrize("case", broken())
def test_opening__malformed__is_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(InvalidOpening, match="does not say how"):
        Opening.load(written(tmp_path, broken()[case]))
