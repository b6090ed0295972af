from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from optimistic.cli.node_options import aggregator_config, follower_options, sequencing_options
from optimistic.node.config import NodeConfig
from optimistic.protocol.params import DEVNET


def config_of(folder: Path, *arguments: str) -> NodeConfig:
    """Return what an aggregator would run with."""
    made: list[NodeConfig] = []

    @click.command()
    @follower_options
    @sequencing_options
    def program(**values: Any) -> None:
        made.append(aggregator_config(values))

    deployment = folder / "deployment.json"
    deployment.touch()
    common = ["--l1-rpc-url", "http://host", "--deployment", str(deployment), "--data-dir", str(folder)]
    result = CliRunner().invoke(program, [*common, *arguments])
    assert result.exit_code == 0, result.output
    return made[0]


def test_aggregator_config__no_options__is_the_default_config(tmp_path: Path) -> None:
    config = config_of(tmp_path)

    assert config == NodeConfig(data_dir=tmp_path)
    config.check(DEVNET)


@pytest.mark.parametrize(
    ("arguments", "field", "value"),
    [
        (("--publish-leaves",), "asserter.publishes_leaves", True),
        (("--no-defend",), "defends", False),
        (("--batch-delay", "3s"), "batcher.max_delay_s", 3),
        (("--block-interval", "200ms"), "sequencer.block_interval_ms", 200),
        (("--max-fee-gwei", "2"), "transactions.max_fee_wei", 2 * 10**9),
        (("--rpc-cors", "*"), "rpc.cors_origins", ("*",)),
    ],
)
def test_aggregator_config__option__reaches_its_field(
    tmp_path: Path, arguments: tuple[str, ...], field: str, value: object
) -> None:
    found: Any = config_of(tmp_path, *arguments)
    for name in field.split("."):
        found = getattr(found, name)

    assert found == value
