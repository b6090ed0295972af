"""The runner of the official state tests, on small state tests of our own."""

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from optimistic.protocol.params import CONFORMANCE
from scripts.conformance import main
from tests.conformance.cases import Case, cases_of, read_cases
from tests.conformance.engines import ENGINES, PROVING, exclusions_for, run_case
from tests.conformance.exclusions import Exclusion, find_exclusion, load_exclusions
from tests.conformance.execution import Run, load_setting
from tests.conformance.pool import TIMED_OUT, run_cases
from tests.conformance.report import Sample, Selection, run_selection
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, Alloc, sign_tx
from tests.helpers.state_tests import entry, state_test, transfer

ENDLESS = bytes.fromhex("5b5f56")
PRE = {ALICE: Alloc(balance=ETHER)}
AFTER = {ALICE: Alloc(balance=ETHER - 7, nonce=1), BOB: Alloc(balance=7)}
GOOD = entry(transfer(), AFTER)
WRONG_ROOT = entry(transfer(), PRE)
REJECTED = entry(transfer(nonce=1), PRE, "TransactionException.NONCE_MISMATCH_TOO_HIGH")
NOT_REJECTED = entry(transfer(), PRE, "TransactionException.SOMETHING")
CHECKED = Run(engine="stepper", check_witness=True)
BLOB = entry(b"\x03\xc0", PRE)
BAD_BLOB = entry(b"\x03\xc0", PRE, "TransactionException.TYPE_3_TX_ZERO_BLOBS")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    lines = [
        state_test("good", PRE, GOOD, REJECTED, BAD_BLOB),
        state_test("blob", PRE, BLOB),
        state_test("bad", PRE, WRONG_ROOT, NOT_REJECTED),
    ]
    with gzip.open(tmp_path / "own.jsonl.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")
    return tmp_path


def failures(cases: list[Case], run: Run) -> list[str | None]:
    return [run_case(case, load_setting(case.line), run).failure for case in cases]


def test_cases__are_read_in_order_with_their_place(folder: Path) -> None:
    assert [case.id for case in read_cases(folder)] == [
        "own/good.json::good[d0,g0,v0]",
        "own/good.json::good[d1,g0,v0]",
        "own/good.json::good[d2,g0,v0]",
        "own/blob.json::blob[d0,g0,v0]",
        "own/bad.json::bad[d0,g0,v0]",
        "own/bad.json::bad[d1,g0,v0]",
    ]


@pytest.mark.parametrize(
    "run", [*(Run(engine=name) for name in ENGINES if name not in PROVING), CHECKED], ids=str
)
def test_run_case__passes_only_on_the_expected_root_or_rejection(folder: Path, run: Run) -> None:
    verdicts = failures(list(read_cases(folder)), run)
    assert verdicts[:3] == [None, None, None]
    assert [verdict is not None for verdict in verdicts[3:]] == [True, True, True]


def test_exclusions__committed_list__is_well_formed() -> None:
    entries = load_exclusions()
    assert len({exclusion.case for exclusion in entries}) == len(entries)
    assert [exclusion.rule for exclusion in entries if exclusion.case == "*"] == ["blob-transaction"]


def test_exclusions__of_one_engine__hide_nothing_from_those_before_it() -> None:
    evm, stepper, onchain = ({entry.rule for entry in exclusions_for(name)} for name in ENGINES)
    assert evm < stepper < onchain
    assert (stepper - evm, onchain - stepper) == ({"memory"}, {"l1-gas"})


def test_exclusion__names_a_case_a_test_or_a_file(folder: Path) -> None:
    good, other, _, blob, *_ = read_cases(folder)
    for name in ("own/good.json", "own/good.json::good", good.id):
        assert Exclusion(case=name, rule="timeout", reason="r").covers(good)
    assert not Exclusion(case=good.id, rule="timeout", reason="r").covers(other)
    assert not Exclusion(case="own/goo", rule="timeout", reason="r").covers(good)
    everything = (Exclusion(case="*", rule="blob-transaction", reason="r"),)
    assert find_exclusion(blob, everything) is not None
    assert find_exclusion(good, everything) is None


@pytest.mark.parametrize(
    "entry_fields",
    [
        {"case": "x", "rule": "unknown", "reason": "r"},
        {"case": "x", "rule": "timeout", "reason": ""},
        {"case": "*", "rule": "timeout", "reason": "r"},
    ],
)
def test_exclusions__malformed_entry__is_refused(tmp_path: Path, entry_fields: dict[str, str]) -> None:
    path = tmp_path / "exclusions.json"
    path.write_text(json.dumps([entry_fields]))
    with pytest.raises(ValueError, match="exclusion"):
        load_exclusions(path)


@pytest.mark.slow
def test_summary__counts_every_case_read_once(folder: Path) -> None:
    said: list[str] = []
    selection = Selection(fixtures=folder, limit=5, entries=load_exclusions())
    summary = run_selection(selection, Run(), 2, 60, said.append)
    assert summary.pop("seconds") >= 0
    assert summary == {
        "cases": 4,
        "passed": 3,
        "failed": 1,
        "excluded": 1,
        "excluded_by_reason": {"blob-transaction": 1},
    }
    assert [line.split(":")[0] for line in said] == ["FAIL own/bad.json"]


@pytest.mark.slow
def test_pool__endless_case__is_ended_and_the_next_one_runs() -> None:
    pre = {**PRE, CONTRACT: Alloc(nonce=1, code=ENDLESS)}
    endless = entry(sign_tx(chainId=CONFORMANCE.l2_chain_id, to=CONTRACT, gas=10**11), pre)
    lines = [state_test("endless", pre, endless), state_test("good", PRE, GOOD)]
    results = list(run_cases([case for line in lines for case in cases_of(line)], 1, 1, Run()))
    assert [result.verdict.failure for result in results] == [TIMED_OUT, None]


@pytest.mark.slow
def test_summary__steps__are_counted_and_bound_the_selection(folder: Path) -> None:
    selection = Selection(fixtures=folder, limit=3, entries=())
    summary = run_selection(selection, Run(engine="stepper", max_steps=2), 1, 60, print)
    assert (summary["cases"], summary["failed"], summary["steps"]) == (2, 0, 4)


@pytest.mark.slow
def test_summary__cases_with_too_few_steps__are_dropped(folder: Path) -> None:
    def run(least: int) -> tuple[int, int]:
        selection = Selection(fixtures=folder, limit=3, entries=())
        summary = run_selection(selection, Run(engine="stepper", min_steps=least), 1, 60, print)
        return summary["cases"] - summary["failed"], summary["steps"]

    assert run(2)[0] == 3
    long, steps = run(3)
    assert long == 1
    assert run(steps) == (long, steps)
    assert run(steps + 1) == (0, 0)


@pytest.mark.slow
def test_sample__same_seed__draws_the_same_cases_whatever_the_jobs(folder: Path) -> None:
    drawn = []
    for jobs in (1, 2):
        selection = Selection(fixtures=folder, limit=None, entries=(), sample=Sample(3, seed=5))
        run = Run(engine="stepper", max_steps=100)
        results = selection.results(run_cases(selection, jobs, 60, run))
        drawn.append([result.case.id for result in results])
    assert len(drawn[0]) == 3
    assert drawn[0] == drawn[1]


@pytest.mark.slow
def test_script__json__is_one_line_on_stdout(folder: Path) -> None:
    result = CliRunner().invoke(
        main, ["--fixtures", str(folder), "--engine", "py-evm", "--limit", "4", "--json"]
    )
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    assert json.loads(line)["passed"] == 3


@pytest.mark.slow
def test_script__excluded_case_passes__is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = (Exclusion(case="own/good.json", rule="timeout", reason="it does not time out"),)
    monkeypatch.setattr("scripts.conformance.exclusions_for", lambda _: hidden)
    result = CliRunner().invoke(main, ["--fixtures", str(folder), "--check-exclusions", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[0])["passed"] == 3
