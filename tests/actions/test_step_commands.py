"""Single steps of L2 on the command line: shown, proven, checked, from the in-process L1 alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from challenger.cli import main
from challenger.unit_run import open_transaction, open_unit, read_view
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.derivation import UnitResult
from optimistic.protocol.engine import Outcome
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import deposit_tx_hash
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_HASH
from optimistic.service.l1_events import DepositEnqueued
from optimistic.service.unit_run import UnitRun
from tests.helpers.l2_wallet import Wallet
from tests.helpers.tiny_contracts import ONCE_RUNTIME, installer
from tests.helpers.watchtower_stage import Stage

UNITS = 7
"""Of batch 0: its beginning, the block's, a deposit, two transactions, the block's end, its own end."""
CREATION, CALL = 3, 4


class Scene:
    """Three batches: a contract is made and called; a transaction comes too early, and again; odd blocks."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        wallet = Wallet(1)
        self.stage.deposit(wallet.address)
        contract = create_address(wallet.address, 0)
        self.creation = wallet.deploy(installer(ONCE_RUNTIME))
        self.call = wallet.call(contract)
        self.stage.append(self.creation, self.call)
        early, late = (
            wallet.transfer(self.stage.bob.address, nonce=3),
            wallet.transfer(self.stage.bob.address, nonce=2),
        )
        self.twice = early
        self.stage.append(early, late, early, b"\x00garbage")
        self.stage.deposit(wallet.address)
        self.stage.deposit(wallet.address)
        self.last = wallet.transfer(self.stage.bob.address, nonce=4)
        self.stage.append(data=self._two_blocks())
        self.leaves = self.stage.leaves(3)

    def _two_blocks(self) -> bytes:
        """Batch data that names one of two deposits and has a transaction too long to be read."""
        time_s = self.stage.l1.time_s()
        too_long = BlockInput(timestamp=time_s, n_deposits=0, transactions=(bytes(70_000), self.last))
        return encode_batch([BlockInput(timestamp=time_s, n_deposits=1, transactions=()), too_long])

    def run(self, *arguments: str, **variables: str) -> Result:
        values = {
            "CHALLENGER_L1_RPC_URL": "http://embedded",
            "CHALLENGER_DEPLOYMENT": str(self.stage.deployment_file),
            "CHALLENGER_DATA_DIR": str(self.stage.folder / "cli"),
            "CHALLENGER_L1_CONFIRMATIONS": "0",
            "CHALLENGER_LOG_LEVEL": "error",
            **variables,
        }
        env = {name: value for name, value in values.items() if value}
        return CliRunner().invoke(main, list(arguments), env=env, obj=self.stage.wiring())

    def json(self, *arguments: str, **variables: str) -> Any:
        result = self.run(*arguments, "--json", **variables)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def prove(self, file: Path, unit: str, step: int) -> Any:
        self.json("prove-step", "--unit", unit, "--step", str(step), "--out", str(file))
        return json.loads(file.read_text())

    def store_step(self) -> int:
        """Number of the step of the call that writes to storage."""
        rows = self.json("trace", "--unit", f"0:{CALL}")["rows"]
        return next(int(row["step"]) for row in rows if row["opcode"] == "SSTORE")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    built = Scene(tmp_path_factory.mktemp("scene"))
    yield built
    built.stage.close()


def tx_hash(raw: bytes) -> str:
    return "0x" + keccak256(raw).hex()


# ------------------------------------------------------------------------------ trace


@pytest.mark.parametrize("unit", range(UNITS))
def test_trace__each_unit_of_a_batch__leads_from_leaf_to_leaf(scene: Scene, unit: int) -> None:
    traced = scene.json("trace", "--unit", f"0:{unit}")

    rows = traced["rows"]
    assert [row["step"] for row in rows] == list(range(traced["steps"] + 1))
    assert rows[-1]["machineHash"] == traced["endHash"] == "0x" + scene.leaves[0][unit].hex()
    if unit:
        assert rows[0]["machineHash"] == "0x" + scene.leaves[0][unit - 1].hex()


def test_trace__by_transaction__shows_its_opcodes(scene: Scene) -> None:
    traced = scene.json("trace", "--tx", tx_hash(scene.call))

    store = next(row for row in traced["rows"] if row["opcode"] == "SSTORE")
    assert (traced["batch"], traced["unit"], traced["kind"]) == (0, CALL, "TRANSACTION")
    assert (store["phase"], store["depth"], store["stackTop"]) == ("EXEC", 0, "0x0")
    assert store["gas"] > 2_300


def test_trace__by_deposit__finds_its_unit(scene: Scene) -> None:
    event = next(found for found in scene.stage.events() if isinstance(found, DepositEnqueued))

    traced = scene.json("trace", "--tx", "0x" + deposit_tx_hash(event.index, event.deposit).hex())

    assert (traced["batch"], traced["unit"], traced["kind"]) == (0, 2, "DEPOSIT")


def test_trace__transaction_passed_over_at_first__shows_where_it_ran(scene: Scene) -> None:
    traced = scene.json("trace", "--tx", tx_hash(scene.twice))

    assert (traced["batch"], traced["unit"]) == (1, 4)
    assert "EXEC" in {row["phase"] for row in traced["rows"]}


def test_trace__transaction_never_run__shows_how_it_is_passed_over(scene: Scene) -> None:
    traced = scene.json("trace", "--tx", tx_hash(b"\x00garbage"))

    assert [row["phase"] for row in traced["rows"]] == ["BOUNDARY", "TX_BEGIN", "BOUNDARY"]


@pytest.mark.parametrize("batch", range(3))
def test_trace__transactions_of_a_batch__are_looked_for_where_the_replay_has_them(
    scene: Scene, batch: int
) -> None:
    tower = scene.stage.tower(f"units-{batch}")
    view = read_view(tower)
    tower.verifier.rebuild_state(tower.loader, batch)
    units: list[UnitResult] = []
    tower.verifier.replay(batch, tower.loader.batch(batch), units.append)

    named = [unit for unit in units if isinstance(unit.effect, Outcome) or unit.raw is not None]

    assert named
    for unit in named:
        known = unit.effect.tx_hash if isinstance(unit.effect, Outcome) else keccak256(unit.raw or b"")
        found = open_transaction(tower, view, known, lambda *_: None)
        assert found.place.batch == batch
        assert found.result is not None
        assert found.result.unit == unit.unit or not isinstance(unit.effect, Outcome)
    scene.stage.close_tower(tower)


def test_trace__engines_disagree__shows_the_steps_and_says_so(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lying(*arguments: Any) -> UnitRun:
        unit = open_unit(*arguments)
        assert unit.result is not None
        return replace(unit, result=replace(unit.result, leaf=ZERO_HASH))

    monkeypatch.setattr("challenger.step_commands.open_unit", lying)

    result = scene.run("trace", "--unit", f"0:{CALL}")

    assert result.exit_code == 1
    assert "TX_END" in result.stdout
    assert "one of the two engines is wrong" in result.stderr


def test_trace__window__shows_a_part(scene: Scene) -> None:
    whole = scene.json("trace", "--unit", f"0:{CALL}")["rows"]

    part = scene.json("trace", "--unit", f"0:{CALL}", "--from-step", "3", "--count", "4")["rows"]
    end = scene.json("trace", "--unit", f"0:{CALL}", "--from-step", str(len(whole) - 1))["rows"]

    assert part == whole[3:7]
    assert end == whole[-1:]


def test_trace__table__has_a_line_for_each_state(scene: Scene) -> None:
    result = scene.run("trace", "--unit", f"0:{CALL}")
    steps = scene.json("trace", "--unit", f"0:{CALL}")["steps"]

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split()[:3] == ["step", "phase", "opcode"]
    assert len(result.stdout.splitlines()) == steps + 2
    assert f"unit 0:{CALL}, TRANSACTION {tx_hash(scene.call)}: {steps} steps\n" == result.stderr


def test_trace__unit_of_one_step__is_not_in_the_plural(scene: Scene) -> None:
    assert scene.run("trace", "--unit", "0:0").stderr == "unit 0:0, BEGIN_BATCH: 1 step\n"


def test_trace__units_of_transactions__name_them(scene: Scene) -> None:
    garbage = scene.json("trace", "--tx", tx_hash(b"\x00garbage"))
    event = next(found for found in scene.stage.events() if isinstance(found, DepositEnqueued))

    assert garbage["transaction"] == tx_hash(b"\x00garbage")
    assert scene.json("trace", "--unit", f"0:{CALL}", "--step", "1")["transaction"] == tx_hash(scene.call)
    assert scene.json("trace", "--unit", "0:1")["transaction"] is None
    assert (
        scene.json("trace", "--unit", "0:2")["transaction"]
        == "0x" + deposit_tx_hash(event.index, event.deposit).hex()
    )


def test_trace__bar_on_a_terminal__stays_out_of_the_result(scene: Scene) -> None:
    result = scene.run("trace", "--unit", f"0:{CALL}", "--json", FORCE_COLOR="1", TERM="xterm")

    assert json.loads(result.stdout)["unit"] == CALL
    assert "steps" in result.stderr


def test_trace__terminal_that_cannot_redraw__sees_no_bar(scene: Scene) -> None:
    result = scene.run("trace", "--unit", f"0:{CALL}", "--json", FORCE_COLOR="1", TERM="dumb")

    assert json.loads(result.stdout)["unit"] == CALL
    assert not result.stderr


def test_trace__one_step__shows_the_machine_and_the_size_of_its_proof(scene: Scene) -> None:
    step = scene.store_step()
    row, after = scene.json("trace", "--unit", f"0:{CALL}", "--from-step", str(step), "--count", "2")["rows"]

    shown = scene.json("trace", "--unit", f"0:{CALL}", "--step", str(step))

    assert {key: shown[key] for key in row} == row
    assert shown["nextHash"] == after["machineHash"]
    assert shown["stack"] == ["0x0", "0x1"]
    assert shown["witness"]["proofs"] == 4
    assert shown["witness"]["code"] == len(ONCE_RUNTIME)


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("--unit", "0:7"), 1, "batch 0 has 7"),
        (("--unit", "0:32767"), 1, "batch 0 has 7"),
        (("--unit", "3:0"), 1, "L1 has 3"),
        (("--unit", "0:0", "--step", "1"), 1, "no step 1: its steps go from 0 to 0"),
        (("--unit", "0:0", "--from-step", "2"), 1, "no step 2: its steps go from 0 to 0"),
        (("--unit", "0:0", "--step", "0", "--from-step", "1"), 2, "leave out --from-step"),
        (("--unit", "0:0", "--step", "0", "--count", "1"), 2, "leave out --from-step"),
        (("--tx", "0x" + "77" * 32), 1, "no batch on L1 contains"),
        (("--tx", "0x77"), 2, "expected 32 bytes"),
        (("--unit", "0"), 2, "write BATCH:UNIT"),
        (("--unit", "0:-1"), 2, "write BATCH:UNIT"),
        (("--unit", "0:32768"), 2, "at most 32768 units"),
        (("--unit", "0:1", "--step", "33554432"), 2, "--step"),
        (("--unit", "0:1", "--count", "0"), 2, "--count"),
        ((), 2, "either --tx or --unit"),
        (("--unit", "0:1", "--tx", "0x" + "77" * 32), 2, "either --tx or --unit"),
    ],
)
def test_trace__wrong_arguments__are_named(
    scene: Scene, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    result = scene.run("trace", *arguments)

    assert result.exit_code == code
    assert problem in result.output


# ------------------------------------------------------------------------------ prove and verify


@pytest.mark.parametrize(
    ("unit", "step", "phase"),
    [
        ("1:0", 0, "IDLE"),
        ("0:1", 1, "BLOCK_BEGIN"),
        ("0:2", 1, "DEPOSIT"),
        ("0:3", 1, "TX_BEGIN"),
        ("1:2", 1, "TX_BEGIN"),
        ("0:3", 2, "TX_ENTER"),
        ("0:3", 3, "CREATE_ENTER"),
        ("0:4", 5, "EXEC"),
        ("0:5", 1, "BLOCK_END"),
        ("0:6", 0, "BOUNDARY"),
        ("0:6", 1, "IDLE"),
        ("0:4", (1 << 25) - 1, "BOUNDARY"),
    ],
)
def test_verify_step__right_proof__all_three_ways_agree(
    scene: Scene, tmp_path: Path, unit: str, step: int, phase: str
) -> None:
    proof = scene.prove(tmp_path / "step.json", unit, step)

    verified = scene.json("verify-step", str(tmp_path / "step.json"))

    assert proof["phase"] == phase
    assert verified["ok"]
    assert [(way["way"], way["agrees"], way["post"]) for way in verified["ways"]] == [
        (way, True, proof["post"]) for way in ("execution", "witness", "contracts")
    ]


def test_prove_step__without_a_file__prints_what_the_file_would_hold(scene: Scene, tmp_path: Path) -> None:
    step = scene.store_step()
    proof = scene.prove(tmp_path / "step.json", f"0:{CALL}", step)

    result = scene.run("prove-step", "--unit", f"0:{CALL}", "--step", str(step))

    assert json.loads(result.stdout) == proof
    assert (proof["j"], proof["step"], proof["opcode"]) == (CALL, step, "SSTORE")
    assert proof["sizes"]["bytes"] == len(proof["witness"]) // 2 - 1


def test_verify_step__table__has_a_line_for_each_way(scene: Scene, tmp_path: Path) -> None:
    scene.prove(tmp_path / "step.json", "0:2", 1)

    result = scene.run("verify-step", str(tmp_path / "step.json"))

    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["execution", "yes"],
        ["witness", "yes"],
        ["contracts", "yes"],
    ]


def test_verify_step__without_l1__leaves_out_the_execution(scene: Scene, tmp_path: Path) -> None:
    scene.prove(tmp_path / "step.json", "0:2", 1)

    verified = scene.json("verify-step", str(tmp_path / "step.json"), CHALLENGER_L1_RPC_URL="")

    assert [way["agrees"] for way in verified["ways"]] == [None, True, True]
    assert "--l1-rpc-url" in verified["ways"][0]["detail"]


def _flip(digits: str, at: int) -> str:
    """Change one hex digit of `digits`, counted from the end."""
    place = len(digits) - 1 - at
    return digits[:place] + f"{int(digits[place], 16) ^ 1:x}" + digits[place + 1 :]


@pytest.mark.parametrize(
    ("field", "agreeing", "problem"),
    [
        ("post", [False, False, False], "post is 0x"),
        ("pre", [False, False, False], "pre is 0x"),
        ("acc", [False, True, True], "acc is 0x"),
        ("depositHash", [False, False, False], "depositHash is 0x"),
    ],
)
def test_verify_step__wrong_claim__fails(
    scene: Scene, tmp_path: Path, field: str, agreeing: list[bool], problem: str
) -> None:
    file = tmp_path / "step.json"
    proof = scene.prove(file, "0:2", 1)
    file.write_text(json.dumps({**proof, field: _flip(proof[field], 0)}))

    result = scene.run("verify-step", str(file), "--json")

    assert result.exit_code == 1
    verified = json.loads(result.stdout)
    assert not verified["ok"]
    assert [way["agrees"] for way in verified["ways"]] == agreeing
    assert problem in verified["ways"][0]["detail"]
    assert "the proof is wrong" in result.stderr


def test_verify_step__wrong_post__each_way_says_what_the_file_claims(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "step.json"
    proof = scene.prove(file, "0:2", 1)
    claimed = _flip(proof["post"], 0)
    file.write_text(json.dumps({**proof, "post": claimed}))

    ways = json.loads(scene.run("verify-step", str(file), "--json").stdout)["ways"]

    assert [claimed in way["detail"] for way in ways] == [True, True, True]


def test_verify_step__forged_proof__is_refused_in_both_languages(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "step.json"
    proof = scene.prove(file, f"0:{CALL}", scene.store_step())
    stored = create_address(Wallet(1).address, 0).hex()
    at = proof["witness"].index(stored)
    forged = proof["witness"][:at] + "11" * 20 + proof["witness"][at + 40 :]
    file.write_text(json.dumps({**proof, "witness": forged}))

    verified = json.loads(scene.run("verify-step", str(file), "--json").stdout)

    assert [way["agrees"] for way in verified["ways"]] == [True, False, False]
    assert "refused" in verified["ways"][1]["detail"]
    assert "WrongMachine" in verified["ways"][2]["detail"]


def test_verify_step__unit_that_l1_does_not_have__fails(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "step.json"
    proof = scene.prove(file, "0:6", 1)
    file.write_text(json.dumps({**proof, "unit": 9, "j": 9}))

    verified = json.loads(scene.run("verify-step", str(file), "--json").stdout)

    assert [way["agrees"] for way in verified["ways"]] == [False, True, True]
    assert "batch 0 has 7" in verified["ways"][0]["detail"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"format": "other"}, "of format 'other'"),
        ({"configHash": "0x" + "11" * 32}, "name the rollup's own --deployment"),
        ({"pre": "0x11"}, "pre: 0x11 is not 32 bytes"),
        ({"pre": None}, "step.json is no proof of a step: pre: null is no hex string"),
        ({"step": -1}, "no number"),
        ({"step": True}, "no number"),
        ({"unit": 1 << 15}, "no number"),
        ({"j": 3}, "j is 3"),
        ({"witness": "0x1234"}, "no proof of a step: witness: "),
        ({"witness": "zz"}, "witness: it is not hexadecimal"),
        ({"depositHash": 7}, "depositHash: 7 is no hex string"),
    ],
)
def test_verify_step__malformed_file__is_refused(
    scene: Scene, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    file = tmp_path / "step.json"
    proof = scene.prove(file, "0:2", 1)
    file.write_text(json.dumps({**proof, **change}))

    result = scene.run("verify-step", str(file))

    assert result.exit_code == 1
    assert problem in result.output


def test_verify_step__field_left_out__is_named(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "step.json"
    proof = scene.prove(file, "0:2", 1)
    del proof["acc"]
    file.write_text(json.dumps(proof))

    assert "no proof of a step: acc is missing" in scene.run("verify-step", str(file)).output


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "{}", "[" * 100_000])
def test_verify_step__no_proof_at_all__is_refused(scene: Scene, tmp_path: Path, text: str) -> None:
    file = tmp_path / "step.json"
    file.write_text(text)

    result = scene.run("verify-step", str(file))

    assert result.exit_code == 1
    assert "proof" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("--unit", "0:7", "--step", "0"), 1, "batch 0 has 7"),
        (("--unit", "9:0", "--step", "0"), 1, "L1 has 3"),
        (("--unit", "0:0", "--step", "33554432"), 2, "--step"),
        (("--unit", "0:0"), 2, "--step"),
        (("--step", "0"), 2, "--unit"),
        (("--unit", "0:0", "--step", "0", "--out", "/nowhere/at/all.json"), 2, "its folder does not exist"),
        (("--unit", "0:0", "--step", "0", "--submit"), 1, "--submit needs a key"),
    ],
)
def test_prove_step__wrong_arguments__are_named(
    scene: Scene, arguments: tuple[str, ...], code: int, problem: str
) -> None:
    result = scene.run("prove-step", *arguments)

    assert result.exit_code == code
    assert problem in result.output


@pytest.mark.parametrize(
    ("unit", "step", "is_over"), [("0:1", 1, False), ("0:1", 2, True), ("0:6", 0, False)]
)
def test_prove_step__unit_is_over__is_said(scene: Scene, unit: str, step: int, is_over: bool) -> None:
    result = scene.run("prove-step", "--unit", unit, "--step", str(step))

    proof = json.loads(result.stdout)
    assert ("changes nothing" in result.stderr) == is_over == (proof["pre"] == proof["post"])


# ------------------------------------------------------------------------------ on L1


def test_prove_step__submitted__l1_gives_the_same_machine(scene: Scene, tmp_path: Path) -> None:
    step = scene.store_step()
    key = scene.stage.l1.keys[5].hex()
    arguments = ("prove-step", "--unit", f"0:{CALL}", "--step", str(step), "--submit")

    printed = json.loads(scene.run(*arguments, CHALLENGER_PRIVATE_KEY=key).stdout)
    summary = scene.json(*arguments, "--out", str(tmp_path / "step.json"), CHALLENGER_PRIVATE_KEY=key)

    onchain = printed["onchain"]
    assert onchain["agrees"]
    assert onchain["post"] == printed["post"]
    assert onchain["verifier"] == "0x" + scene.stage.deployment.contracts.one_step_verifier.hex()
    assert 100_000 < onchain["gasUsed"] < 1 << 24
    receipt = scene.stage.client.receipt(bytes.fromhex(onchain["txHash"][2:]))  # type: ignore[arg-type]
    assert receipt is not None
    assert receipt.gas_used == onchain["gasUsed"]
    assert summary["onchain"]["post"] == onchain["post"]
    assert json.loads((tmp_path / "step.json").read_text())["witness"] == printed["witness"]


def test_prove_step__deposit_submitted__is_checked_against_the_inbox(scene: Scene) -> None:
    key = scene.stage.l1.keys[5].hex()

    printed = json.loads(
        scene.run("prove-step", "--unit", "0:2", "--step", "1", "--submit", CHALLENGER_PRIVATE_KEY=key).stdout
    )

    assert printed["onchain"]["agrees"]


def test_prove_step__account_without_funds__is_told(scene: Scene) -> None:
    arguments = ("prove-step", "--unit", "0:0", "--step", "0", "--submit")

    result = scene.run(*arguments, CHALLENGER_PRIVATE_KEY="99" * 32)

    assert result.exit_code == 1
    assert "has 0 wei and needs" in result.output
