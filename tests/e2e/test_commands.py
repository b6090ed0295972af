"""The user's commands against a running rollup: what they print, and how they refuse."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.protocol.constants import MESSAGE_PASSER
from optimistic.service.l1_client import L1Client
from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import USER, RollupOnAnvil, wait_for


@pytest.fixture(scope="module")
def rollup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollupOnAnvil]:
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with RollupOnAnvil(tmp_path_factory.mktemp("rollup"), challenge_period_s=5) as built:
        yield built


@pytest.fixture(scope="module")
def url(rollup: RollupOnAnvil) -> str:
    aggregator = rollup.aggregator().start()
    rollup.deposit(rollup.node_of(aggregator))
    return rollup.url_of(aggregator)


def test_withdraw__start_prove_finalize__by_files(rollup: RollupOnAnvil, url: str, tmp_path: Path) -> None:
    started = rollup.cli("optimistic", "withdraw", "start", "0.5ether", "--l2-rpc-url", url)
    proof = tmp_path / "proof.json"
    prove = ("withdraw", "prove", started["key"], "--l2-rpc-url", url, "--out", str(proof))
    wait_for(
        lambda: rollup.cli("optimistic", *prove, check=False).get("status") == "confirmed",
        "a confirmed proof",
    )
    before = rollup.l1.balance_wei(rollup.deployment.contracts.bridge, "latest")

    done = rollup.cli(
        "optimistic", "withdraw", "finalize", started["key"], *rollup.on_l1, "--proof", str(proof)
    )
    again = rollup.cli(
        "optimistic",
        "withdraw",
        "finalize",
        started["key"],
        *rollup.on_l1,
        "--proof",
        str(proof),
        check=False,
    )

    assert done["delivered"]
    assert before - rollup.l1.balance_wei(rollup.deployment.contracts.bridge, "latest") == 5 * 10**17
    assert "AlreadyFinalized" in again["error"]


def test_status_and_inspect__running_rollup__agree_with_l1(rollup: RollupOnAnvil, url: str) -> None:
    wait_for(lambda: rollup.inbox.batch_count(at="latest"), "a batch")
    status = rollup.cli("optimistic", "status", *rollup.on_l1, "--l2-rpc-url", url)
    wait_for(lambda: L1Client.connect(url).raw_request("rollup_batch", ["0x0"]), "the batch at the node")

    batch = rollup.cli("optimistic", "inspect", "batch", "0", "--l2-rpc-url", url)
    block = rollup.cli("optimistic", "inspect", "block", "1", "--l2-rpc-url", url)
    genesis = rollup.deployment.genesis.assertion_id.hex()
    assertion = rollup.cli("optimistic", "inspect", "assertion", "0x" + genesis, *rollup.on_l1)
    proof = rollup.cli(
        "optimistic", "inspect", "proof", "0x" + MESSAGE_PASSER.hex(), "0x0", "--l2-rpc-url", url
    )

    assert status["configHash"] == "0x" + rollup.deployment.config_hash.hex()
    assert bytes.fromhex(batch["acc"][2:]) == rollup.inbox.acc(0, at="latest")
    assert block["number"] == "0x1"
    assert assertion["status"] == "confirmed"
    assert proof["accountProof"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inspect", "batch", "99999"), "knows no such"),
        (("inspect", "block", "0x" + "11" * 32), "knows no such"),
        (("withdraw", "prove", "0x" + "11" * 32), "no such message"),
        (("withdraw", "start", "1.5wei"), "fraction of a wei"),
    ],
)
def test_command__impossible__says_why(
    rollup: RollupOnAnvil, url: str, arguments: tuple[str, ...], words: str
) -> None:
    done = rollup.cli("optimistic", *arguments, "--l2-rpc-url", url, check=False)

    assert words in done["error"]
    assert "Traceback" not in done["error"]


def test_command__deployment_of_another_chain__refused(rollup: RollupOnAnvil, tmp_path: Path) -> None:
    values = json.loads(rollup.deployment_file.read_text())
    other = tmp_path / "deployment.json"
    other.write_text(json.dumps(values | {"l1ChainId": 1}))

    done = rollup.cli(
        "optimistic", "status", "--l1-rpc-url", rollup.anvil.url, "--deployment", str(other), check=False
    )

    assert "chain ids differ" in done["error"]


def test_deploy__from_the_command_line__a_rollup_that_verifies(rollup: RollupOnAnvil, tmp_path: Path) -> None:
    out = tmp_path / "second.json"

    made = rollup.cli(
        "optimistic",
        "deploy",
        "--l1-rpc-url",
        rollup.anvil.url,
        "--l2-chain-id",
        "777",
        "--out",
        str(out),
        key=USER,
    )
    checked = rollup.cli(
        "challenger",
        "verify-config",
        "--l1-rpc-url",
        rollup.anvil.url,
        "--deployment",
        str(out),
        "--mode",
        "watch-only",
        check=False,
    )

    assert made["l2ChainId"] == 777
    assert checked["ok"], checked


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"key": 5}'])
def test_finalize__file_without_a_proof__refused(rollup: RollupOnAnvil, tmp_path: Path, content: str) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(content)

    done = rollup.cli(
        "optimistic",
        "withdraw",
        "finalize",
        "0x" + "11" * 32,
        *rollup.on_l1,
        "--proof",
        str(proof),
        check=False,
    )

    assert "proof" in done["error"]
    assert "Traceback" not in done["error"]


def test_deploy__nowhere_to_write__refused_before_anything_is_sent(
    rollup: RollupOnAnvil, tmp_path: Path
) -> None:
    before = rollup.l1.nonce(rollup.signers[USER].address, "latest")

    done = rollup.cli(
        "optimistic",
        "deploy",
        "--l1-rpc-url",
        rollup.anvil.url,
        "--out",
        str(tmp_path / "no" / "a.json"),
        check=False,
    )

    assert "its folder does not exist" in done["error"]
    assert rollup.l1.nonce(rollup.signers[USER].address, "latest") == before
