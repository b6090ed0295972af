"""The engine that has the contracts of L1 prove each step of a state test, on small tests of our own."""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from optimistic.protocol.engine import Outcome
from optimistic.protocol.params import CONFORMANCE
from scripts.conformance import main
from tests.conformance.cases import Case, cases_of
from tests.conformance.execution import load_setting, logs_hash, replay
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, Alloc, sign_tx
from tests.helpers.state_tests import entry, hex_of, state_test

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

STORE: Final = "6001600055600054"
HASH: Final = "60205f2050"
LOG: Final = "60015f5fa1"
CALL_BOB: Final = "5f5f5f5f6001" + "73" + BOB.hex() + "5af1"
CALL_IDENTITY: Final = "5f5f60405f60045afa"
CREATE: Final = "60335f5360015f5ff0"
PROGRAM: Final = bytes.fromhex(STORE + HASH + LOG + CALL_BOB + CALL_IDENTITY + CREATE + "ff")
PRE: Final = {
    ALICE: Alloc(balance=ETHER),
    BOB: Alloc(nonce=1, code=bytes.fromhex("60205f5ffd")),
    CONTRACT: Alloc(nonce=1, balance=7, code=PROGRAM),
}
TRANSACTIONS: Final = (
    sign_tx(chainId=CONFORMANCE.l2_chain_id, to=CONTRACT, gas=10**6, value=3),
    sign_tx(chainId=CONFORMANCE.l2_chain_id, to=None, gas=10**6, data=bytes.fromhex("60015f53600160015ff3")),
    sign_tx(
        chainId=CONFORMANCE.l2_chain_id,
        accessList=[{"address": hex_of(BOB), "storageKeys": [hex_of(bytes(32))] * 5}],
        to=CONTRACT,
        gas=60_000,
    ),
    sign_tx(chainId=CONFORMANCE.l2_chain_id, nonce=1),
)


def judged(case: Case) -> dict[str, Any]:
    """Return the entry of a case with the result that `EvmEngine` has."""
    result = replay(case, load_setting(case.line))
    post = {**entry(case.raw, PRE), "hash": hex_of(result.state_root)}
    if isinstance(result.outcome, Outcome):
        return {**post, "logs": hex_of(logs_hash(result.outcome.logs))}
    return {**post, "expectException": result.outcome.reason}


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    cases = cases_of(state_test("own", PRE, *(entry(raw, PRE) for raw in TRANSACTIONS)))
    (tmp_path / "own.jsonl").write_text(state_test("own", PRE, *map(judged, cases)) + "\n")
    return tmp_path


def test_engine__every_step_of_every_case__has_the_same_hash_on_l1(folder: Path) -> None:
    arguments = ["--fixtures", str(folder), "--engine", "onchain", "--max-steps", "200", "--json"]

    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    summary = json.loads(line)
    assert (summary["cases"], summary["passed"], summary["failed"]) == (len(TRANSACTIONS),) * 2 + (0,)
    assert summary["steps"] == summary["steps_proven"] > 60
    assert 109 * 32 < summary["max_witness_bytes"] < 128 * 1024
    assert 21_000 < summary["median_step_gas"] < summary["max_step_gas"] < 1 << 24
