"""The guardian's command on anvil."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optimistic.cli import main
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_ADDRESS
from optimistic.service.deployer import Roles, deploy
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.signer import Signer
from tests.helpers.anvil import Anvil

GUARDIAN, STRANGER = dev_keys()[1], dev_keys()[2]


@pytest.fixture
def options(anvil: Anvil, tmp_path: Path) -> list[str]:
    """Options that name a rollup with a guardian."""
    client, deployer = L1Client.connect(anvil.url), Signer(dev_keys()[0])
    roles = Roles(
        sequencer=deployer.address,
        governance=ZERO_ADDRESS,
        guardian=Signer(GUARDIAN).address,
        fee_recipient=deployer.address,
    )
    deployment = deploy(client, deployer, replace(DEVNET, l1_chain_id=client.chain_id), roles)
    deployment.save(tmp_path / "deployment.json")
    return ["--l1-rpc-url", anvil.url, "--deployment", str(tmp_path / "deployment.json"), "--json"]


def run(command: str, options: list[str], key: bytes) -> Result:
    return CliRunner().invoke(main, [command, *options], env={"OPTIMISTIC_PRIVATE_KEY": key.hex()})


def test_pause__guardian__stops_withdrawals_for_the_bounded_time(options: list[str]) -> None:
    paused = json.loads(run("pause", options, GUARDIAN).stdout)
    status = json.loads(run("status", options, STRANGER).stdout)

    assert status["withdrawalsPausedUntil"] == paused["withdrawalsPausedUntil"] > 0


def test_pause__anybody_else__is_refused_by_the_bridge(options: list[str]) -> None:
    result = run("pause", options, STRANGER)

    assert result.exit_code == 1
    assert "NotGuardian" in result.stderr
