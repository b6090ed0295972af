"""Measure the rollup and print a table; with --json, the last line is the result of a section, or of all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from optimistic.service.logging import configure_logging
from tests.bench import dispute, node, osp, replay, settlement
from tests.bench.table import print_table

SECTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "replay": replay.measure,
    "node": node.measure,
    "osp": osp.measure,
    "dispute": dispute.measure,
    "settlement": settlement.measure,
}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
RESULT = Path(__file__).resolve().parent.parent / "build" / "bench.json"


@click.command(help=__doc__)
@click.argument("sections", nargs=-1, type=click.Choice(["all", *SECTIONS]))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULT, help="Also write the JSON here.")
@click.option("--flow", type=_FILE, help="Order flow for settlement (CSV, may be gzip); generated without.")
@click.option("--bars", type=_FILE, help="Minute bars for settlement (CSV, may be gzip); made up without.")
def main(sections: tuple[str, ...], as_json: bool, out: Path, flow: Path | None, bars: Path | None) -> None:
    """Run the named SECTIONS, or all."""
    configure_logging(level="error")
    wanted = list(SECTIONS) if not sections or "all" in sections else sections
    results = {}
    for name in wanted:
        click.echo(f"measuring {name}", err=True)
        results[name] = settlement.measure(flow, bars) if name == "settlement" else SECTIONS[name]()
        print_table(name, results[name])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    if as_json:
        click.echo(json.dumps(results[wanted[0]] if len(wanted) == 1 else results))


if __name__ == "__main__":
    main()
