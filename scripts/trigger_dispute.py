"""Lie on a running rollup and play the disputes; never use it with real stakes.

Liars stake on wrong results and play against whoever runs: the daemons, or a person on either side.
With --embedded everything, a rollup included, happens in this process.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from optimistic.service.logging import configure_logging
from optimistic.service.terminal import emit, reports_errors, say
from scripts.staging.plot import Choices
from scripts.staging.scenarios import SCENARIOS
from scripts.staging.stages import Stage, embedded_stage, running_stage
from scripts.staging.strategies import STRATEGIES

KINDS = "\n".join(f"  {name.ljust(20)}  {scenario.help}" for name, scenario in SCENARIOS.items())


@click.command(help=__doc__, epilog=f"\b\nKinds:\n{KINDS}")
@click.option(
    "--kind", type=click.Choice(list(SCENARIOS)), default="step", show_default=True, help="Which lie."
)
@click.option("--l1-rpc-url", default="http://127.0.0.1:8545", show_default=True, help="Endpoint of L1.")
@click.option(
    "--deployment",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("devnet-data/deployment.json"),
    show_default=True,
    help="Deployment file.",
)
@click.option("--embedded", is_flag=True, help="Set up a rollup in this process and lie there.")
@click.option(
    "--unit",
    "place",
    help="newest, settlement, liquidation, first, last, padding, or BATCH:UNIT.",
)
@click.option(
    "--step", default="last", show_default=True, help="First wrong step: first, middle, last, or N."
)
@click.option(
    "--strategy", type=click.Choice(list(STRATEGIES)), help="How the liars play.  [default: by kind]"
)
@click.option(
    "--publish-leaves", "publishes", is_flag=True, help="Publish the leaves of the wrong assertions."
)
@click.option("--by-hand", type=click.Choice(["right", "liar"]), help="Play this side yourself.")
@click.option("--post-only", is_flag=True, help="Post the wrong assertions and leave.")
@click.option("--key-file", type=click.Path(exists=True, path_type=Path), help="Key whose stake is lost.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@reports_errors
def main(*, embedded: bool, l1_rpc_url: str, deployment: Path, key_file: Path | None, **values: Any) -> None:
    """Stage a lie."""
    configure_logging(level="critical")
    with TemporaryDirectory() as folder:
        scenario = SCENARIOS[values["kind"]]
        if embedded:
            stage = embedded_stage(Path(folder), scenario, is_defended=values["by_hand"] != "right")
        else:
            stage = running_stage(Path(folder), scenario, l1_rpc_url, deployment, key_file)
        with stage:
            has_won = _play(stage, values)
    raise SystemExit(1 if has_won else 0)


def _play(stage: Stage, values: dict[str, Any]) -> bool:
    chosen = {name: values[name] for name in ("place", "step", "publishes", "strategy")}
    target = stage.post(Choices(**chosen))
    say(f"the lie is about unit {target.unit_in_batch} of batch {target.batch}: {values['kind']}")
    if not values["post_only"]:
        stage.play(values["by_hand"], say)
    emit({"kind": values["kind"], **stage.plot.document()})
    return stage.plot.has_won


if __name__ == "__main__":
    main()
