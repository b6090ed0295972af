"""Play the whole story on the embedded chain; the last line is one JSON object."""

import json

import click

from optimistic.service.logging import configure_logging
from scripts.staging.faults import Lie
from scripts.staging.story import Story
from scripts.staging.world import World


@click.command(help=__doc__)
@click.option("--lie", type=click.Choice([lie.value for lie in Lie]), default=None, help="Default: random.")
@click.option("--seed", type=int, default=None, help="Makes the random choices repeatable.")
@click.option("--log-level", default="critical", help="Level of the daemons' own logs, on stderr.")
def main(lie: str | None, seed: int | None, log_level: str) -> None:
    """Run the demonstration."""
    configure_logging(level=log_level)
    click.echo("setting up: embedded L1, contracts, aggregator, watchtower")
    with World() as world:
        story = Story(world, click.echo, lie=Lie(lie) if lie else None, seed=seed)
        result = story.play()
    click.echo(json.dumps({"demo": result}))
    raise SystemExit(0 if result["ok"] else 1)


if __name__ == "__main__":
    main()
