"""Play the whole story on the embedded chain; the last line is one JSON object."""

import json
from pathlib import Path

import click

from optimistic.service.logging import configure_logging
from scripts.staging.bars import read_closes
from scripts.staging.faults import Lie
from scripts.staging.story import Story
from scripts.staging.world import World


@click.command(help=__doc__)
@click.option("--lie", type=click.Choice([lie.value for lie in Lie]), default=None, help="Default: random.")
@click.option("--seed", type=int, default=None, help="Makes the random choices repeatable.")
@click.option(
    "--bars",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Minute bars with a column close (CSV, may be gzip) for the trading act; made up without.",
)
@click.option("--log-level", default="critical", help="Level of the daemons' own logs, on stderr.")
def main(lie: str | None, seed: int | None, bars: Path | None, log_level: str) -> None:
    """Run the demonstration."""
    configure_logging(level=log_level)
    click.echo("setting up: embedded L1, contracts, aggregator, watchtower")
    with World() as world:
        closes = read_closes(bars) if bars else None
        story = Story(world, click.echo, lie=Lie(lie) if lie else None, seed=seed, closes=closes)
        result = story.play()
    click.echo(json.dumps({"demo": result}))
    raise SystemExit(0 if result["ok"] else 1)


if __name__ == "__main__":
    main()
