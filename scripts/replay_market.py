"""Replay order flow and price bars of a real market through the exchange, the rollup and a watchtower."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import click

from optimistic.service.logging import configure_logging
from scripts.staging.bars import generated_closes, read_closes
from tests.bench.market.flow import Event, generated_flow, opening_of, read_flow
from tests.bench.market.market_replay import MarketReplay, middle_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
GENERATED_EVENTS = 5_000
GENERATED_PRICE_WAD = 60_000 * 10**18


@click.command(help=__doc__)
@click.option(
    "--flow", type=_FILE, help="Order flow, message by message (CSV, may be gzip); generated without."
)
@click.option(
    "--bars", type=_FILE, help="Minute bars with a column close (CSV, may be gzip); generated without."
)
@click.option("--tick", type=int, default=250_000_000, show_default=True, help="Of the flow, in 1e-9.")
@click.option("--limit", type=click.IntRange(min=1), help="Play only so many events.")
@click.option(
    "--more-bars", type=click.IntRange(min=0), default=60, show_default=True, help="Behind the flow."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of what is generated.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(  # noqa: PLR0913, PLR0917 - one argument per option
    flow: Path | None,
    bars: Path | None,
    tick: int,
    limit: int | None,
    more_bars: int,
    seed: int,
    as_json: bool,
) -> None:
    """Run the replay."""
    configure_logging(level="critical")

    def events() -> Iterator[Event]:
        return read_flow(flow, tick) if flow else generated_flow(limit or GENERATED_EVENTS, seed)

    closes = read_closes(bars) if bars else generated_closes(seed, GENERATED_PRICE_WAD)
    with (
        tempfile.TemporaryDirectory() as folder,
        MarketReplay(Path(folder), closes, lambda text: click.echo(text, err=True)) as replay,
    ):
        result = replay.play(
            islice(events(), limit),
            middle_of(events()),
            starts_at_ns=opening_of(events()),
            more_bars=more_bars,
        )
    click.echo(
        json.dumps(asdict(result)) if as_json else "\n".join(f"{k}: {v}" for k, v in asdict(result).items())
    )
    raise SystemExit(0 if result.is_good else 1)


if __name__ == "__main__":
    main()
