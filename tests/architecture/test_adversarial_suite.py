"""Every row of the adversarial suite names tests, and every test it names exists."""

import re

from tests.architecture.source_tree import ROOT, files_under

PAGE = ROOT / "docs" / "adversarial-suite.md"
NAMED = re.compile(r"`((?:test|invariant|check)\w+)`")
DEFINED = re.compile(r"^\s*(?:def|function) ((?:test|invariant|check)\w+)\(", re.MULTILINE)


def test_suite__each_test_it_names__exists() -> None:
    paths = files_under("tests", suffix=".py") + files_under("solidity/test", suffix=".sol")
    defined = {name for path in paths for name in DEFINED.findall(path.read_text())}

    assert not [name for name in NAMED.findall(PAGE.read_text()) if name not in defined]


def test_suite__each_row__names_a_test() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "---" not in line]

    assert not [row for row in rows if not NAMED.search(row) and not row.endswith("| tests |")]
