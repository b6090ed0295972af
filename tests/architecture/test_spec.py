"""The specification names fields, numbers and profiles exactly as the code has them."""

import json
import re
from dataclasses import fields

import pytest

from optimistic.protocol.derivation import UnitKind
from optimistic.protocol.params import PROFILES, RollupParams
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.unit import Phase, Unit
from optimistic.service.names import camel_case
from tests.architecture.source_tree import ROOT

SPEC = ROOT / "docs" / "spec"
CONSTANTS = json.loads((ROOT / "spec" / "constants.json").read_text())
PLAIN_INTEGERS = [name for name in CONSTANTS["integers"] if not name.startswith("TX_")]


def _page(number: str) -> str:
    return next(SPEC.glob(f"{number}-*.md")).read_text()


def test_parameters__table__lists_all_in_the_order_that_is_hashed() -> None:
    table = _page("01").split("## 1.4")[1].split("## 1.5")[0]
    rows = [row.split("|")[1] for row in table.splitlines() if row.startswith("| ")]
    named = [name.strip() for row in rows for name in row.split(",") if name.strip() != "field"]

    assert named == [field.name for field in fields(RollupParams)]


def test_profiles__table__names_all() -> None:
    header = _page("01").split("## 1.5")[1].splitlines()[2]

    assert [cell.strip() for cell in header.split("|")[2:-1]] == list(PROFILES)


@pytest.mark.parametrize("name", PLAIN_INTEGERS)
def test_constant__its_row__gives_its_value(name: str) -> None:
    page = _page("01") + _page("03")
    value = CONSTANTS["integers"][name]
    rows = [row.replace(",", "") for row in page.splitlines() if name in row] or [page.replace(",", "")]

    assert any(re.search(rf"\b(?:{value}|0x0?{value:x})\b", row) for row in rows)


def test_tags__table__names_all() -> None:
    table = _page("01").split("## 1.2")[1].split("## 1.3")[0]
    named = {
        tag for row in table.splitlines() if row.startswith("| ") for tag in row.split("|")[1].split(",")
    }

    assert {tag.strip().lower() for tag in named} - {"tag"} == set(CONSTANTS["tags"])


def test_unit__field_list__is_in_the_order_that_is_hashed() -> None:
    listed = _page("05").split("`Unit`, in order: ")[1].split(".")[0]

    assert [name.strip() for name in listed.split(",")] == [field.name for field in fields(Unit)]


def test_phases__their_numbers__are_those_of_the_code() -> None:
    listed = _page("05").split("Phases have fixed numbers: ")[1].split(".")[0]

    assert listed == ", ".join(f"{phase.name} {phase.value}" for phase in Phase)


def test_records__field_lists__are_those_of_the_code() -> None:
    page = _page("02")
    record = ", ".join(camel_case(field.name) for field in fields(BatchRecord))
    deposit = [camel_case(field.name) for field in fields(Deposit)]
    deposit[0] = "from"
    at = deposit.index("data")
    deposit[at : at + 1] = ["dataRoot", "dataLen"]

    assert f"{{{record}}}" in page
    assert f"{{{', '.join(deposit)}}}" in page


@pytest.mark.parametrize("kind", UnitKind)
def test_unit_kinds__each__is_explained(kind: UnitKind) -> None:
    name = "TRANSACTION" if kind is UnitKind.TRANSACTION else kind.name

    assert f"- **{name}**" in _page("03")
