"""The `challenger` commands on the in-process L1."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from challenger.cli import main
from challenger.watchtower import Wiring
from optimistic.service.contract import explain_revert, load_abi
from optimistic.service.contracts import PrecompileProbe
from optimistic.service.embedded_l1 import EmbeddedL1
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import Posted, Stage, wrong_gas


class Scene:
    """A stage with a right and a wrong assertion, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        wallet = Wallet(1)
        self.stage.deposit(wallet.address)
        self.stage.append(wallet.transfer(self.stage.bob.address), b"\x00garbage")
        self.stage.append(wallet.transfer(self.stage.bob.address))
        self.right = self.stage.post(self.stage.alice, 1)
        self.wrong: Posted = self.stage.post(self.stage.eve, 2, parent=self.right.id, tamper=wrong_gas(0))
        self.stage.publish(self.stage.eve, self.wrong)

    def run(self, *arguments: str, **variables: str) -> Result:
        variables = {
            "CHALLENGER_L1_RPC_URL": "http://embedded",
            "CHALLENGER_DEPLOYMENT": str(self.stage.deployment_file),
            "CHALLENGER_DATA_DIR": str(self.stage.folder / "cli"),
            "CHALLENGER_L1_CONFIRMATIONS": "0",
            "CHALLENGER_LOG_LEVEL": "error",
            **variables,
        }
        return CliRunner().invoke(main, list(arguments), env=variables, obj=self.stage.wiring())

    def json(self, *arguments: str, **variables: str) -> Any:
        result = self.run(*arguments, "--json", **variables)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    built = Scene(tmp_path_factory.mktemp("scene"))
    yield built
    built.stage.close()


def test_assertions__json__names_verdicts_and_the_first_wrong_unit(scene: Scene) -> None:
    listed = {entry["id"]: entry for entry in scene.json("assertions")["assertions"]}

    assert listed["0x" + scene.right.id.hex()]["verdict"] == "valid"
    wrong = listed["0x" + scene.wrong.id.hex()]
    assert wrong["verdict"] == "invalid"
    assert wrong["wrong"]["isExact"]
    assert wrong["wrong"]["knownFrom"] == "published_leaves"
    assert (wrong["wrong"]["batch"], wrong["wrong"]["unitInBatch"]) == (1, 2)


def test_assertions__table__has_a_line_each(scene: Scene) -> None:
    result = scene.run("assertions")

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 4
    assert "invalid" in result.stdout


def test_show__by_a_prefix__shows_one(scene: Scene) -> None:
    shown = scene.json("show", scene.right.id.hex()[:12])

    assert shown["id"] == "0x" + scene.right.id.hex()
    assert shown["children"] == ["0x" + scene.wrong.id.hex()]


def test_show__unknown_id__says_so(scene: Scene) -> None:
    result = scene.run("show", "0x0123456789")

    assert result.exit_code == 1
    assert "commitments begin with 0x0123456789" in result.output


def test_status__of_an_account__plans_its_moves(scene: Scene) -> None:
    status = scene.json("status", "--account", "0x" + scene.stage.watcher.address.hex())

    assert status["source"] == "fresh"
    assert status["assertions"] == {"valid": 2, "invalid": 1}
    assert [action["action"] for action in status["actions"]] == ["assert"]
    assert "wrong_assertion" in [alert["alert"] for alert in status["alerts"]]


def test_status__while_a_daemon_runs__shows_what_it_found(scene: Scene) -> None:
    tower = scene.stage.tower("cli")
    tower.catch_up()

    status = scene.json("status")

    scene.stage.close_tower(tower)
    assert status["source"] == "daemon"
    assert status["replayed"] == 2


def test_replay__range__tells_what_each_batch_gives(scene: Scene) -> None:
    (line,) = scene.json("replay", "--from-batch", "1", "--to-batch", "2")["batches"]
    first, second = scene.json("replay")["batches"]

    assert line["endLeaf"] == second["endLeaf"]
    assert (first["deposits"], first["transactions"], first["skipped"]) == (1, 1, 1)
    assert first["gasUsed"] >= 2 * 21_000


def test_replay__beyond_l1__is_refused(scene: Scene) -> None:
    result = scene.run("replay", "--to-batch", "9")

    assert result.exit_code == 1
    assert "L1 has 2" in result.output


def test_verify_config__everything_right__is_ok(scene: Scene) -> None:
    key = scene.stage.l1.keys[5].hex()

    verified = scene.json("verify-config", CHALLENGER_PRIVATE_KEY=key)

    assert verified["ok"]
    assert [c["check"] for c in verified["checks"]][-5:] == [
        "precompiles",
        "key",
        "stake",
        "funds",
        "account",
    ]


@pytest.mark.parametrize(
    ("error", "number", "problem"),
    [
        ("PrecompileBroken", 5, "L1 differs from what the one-step verifier counts on"),
        ("NotEnoughGas", 9_000_000, "too little gas to tell"),
    ],
)
def test_verify_config__probe_of_precompiles_fails__is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, error: str, number: int, problem: str
) -> None:
    data = load_abi("PrecompileProbe").errors[error].selector + number.to_bytes(32, "big")

    def fail(*_: Any, **__: Any) -> None:
        raise explain_revert(ContractReverted(data))

    monkeypatch.setattr(PrecompileProbe, "probe", fail)

    result = scene.run("verify-config", "--mode", "watch-only", "--json")

    assert result.exit_code == 1
    (check,) = (found for found in json.loads(result.stdout)["checks"] if not found["ok"])
    assert check["check"] == "precompiles"
    assert problem in check["detail"]
    assert str(number) in check["detail"]


def test_verify_config__no_key__names_the_problem(scene: Scene) -> None:
    result = scene.run("verify-config", "--json")

    assert result.exit_code == 1
    (check,) = json.loads(result.stdout)["checks"]
    assert "mode act needs a key" in check["detail"]


def test_run__bad_options__names_all_problems(scene: Scene) -> None:
    result = scene.run("run", "--max-spend", "0wei")

    assert result.exit_code == 1
    assert "mode act needs a key" in result.output
    assert "--max-spend" in result.output


@pytest.mark.parametrize("amount", ["2", "eth", "-1eth", "0.5wei", "nanwei"])
def test_run__malformed_amount__is_a_usage_error(scene: Scene, amount: str) -> None:
    result = scene.run("run", "--max-spend", amount)

    assert result.exit_code == 2


def test_run__wrong_deployment__is_refused(scene: Scene, tmp_path: Path) -> None:
    values = json.loads(scene.stage.deployment_file.read_text())
    values["configHash"] = "0x" + "00" * 32
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(values))

    result = scene.run("run", "--mode", "watch-only", CHALLENGER_DEPLOYMENT=str(broken))

    assert result.exit_code == 1
    assert "configHash" in result.output


# ------------------------------------------------------------------------------ snapshots


def test_snapshot__through_the_command_line__starts_another_watchtower(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "state.snap"
    too_early = scene.run("snapshot", "export", str(file))
    scene.stage.l1.advance_time(scene.stage.params.challenge_period_s + 1)
    scene.stage.bob.send(scene.stage.chain.confirm_call(scene.right.id))

    exported = scene.json("snapshot", "export", str(file))
    imported = scene.json("snapshot", "import", str(file), CHALLENGER_DATA_DIR=str(tmp_path / "fresh"))
    listed = scene.json("assertions", CHALLENGER_DATA_DIR=str(tmp_path / "fresh"))["assertions"]
    replayed = scene.run("replay", CHALLENGER_DATA_DIR=str(tmp_path / "fresh"))

    assert too_early.exit_code == 1
    assert exported == imported
    assert exported["toBatch"] == 1
    assert {entry["verdict"] for entry in listed} == {"valid", "invalid"}
    assert replayed.exit_code == 0


# ------------------------------------------------------------------------------ broken files


def test_cache__database_is_garbage__says_what_to_do(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "watchtower.db").write_bytes(b"no database at all" * 1_000)

    result = scene.run("status", CHALLENGER_DATA_DIR=str(tmp_path))

    assert result.exit_code == 1
    assert "delete it and start again" in result.output


def test_cache__nodes_are_garbage__says_what_to_do(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "nodes").mkdir()
    (tmp_path / "nodes" / "data.mdb").write_bytes(b"\xff" * 10_000)

    result = scene.run("status", CHALLENGER_DATA_DIR=str(tmp_path))

    assert result.exit_code == 1
    assert "delete the folder and start again" in result.output


def test_deployment__of_another_chain__is_refused(scene: Scene, tmp_path: Path) -> None:
    other = EmbeddedL1(chain_id=99)
    wiring = Wiring(connect=lambda _url, chain_id, _timeout: L1Client(other, chain_id=chain_id))
    variables = {
        "CHALLENGER_L1_RPC_URL": "http://embedded",
        "CHALLENGER_DEPLOYMENT": str(scene.stage.deployment_file),
        "CHALLENGER_DATA_DIR": str(tmp_path),
    }

    result = CliRunner().invoke(main, ["status"], env=variables, obj=wiring)

    assert result.exit_code == 1
    assert "serves chain 99" in result.output


def test_deployment__contracts_elsewhere__is_refused(scene: Scene, tmp_path: Path) -> None:
    other = EmbeddedL1()
    variables = {
        "CHALLENGER_L1_RPC_URL": "http://embedded",
        "CHALLENGER_DEPLOYMENT": str(scene.stage.deployment_file),
        "CHALLENGER_DATA_DIR": str(tmp_path),
    }

    result = CliRunner().invoke(
        main, ["status"], env=variables, obj=Wiring(connect=lambda *_: other.client())
    )

    assert result.exit_code == 1
    assert "has other code" in result.output
