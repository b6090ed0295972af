"""Run the long checks section by section; a section that passed on this commit is not run again."""

from pathlib import Path

import click

from tests.nightly.runner import ROOT, NightlyRun
from tests.nightly.sections import SECTIONS

RESULT = ROOT / "build" / "nightly.json"
FIXTURES = ROOT.parent / "shared" / "fixtures" / "state-tests"


@click.command(help=__doc__)
@click.option("--result", type=click.Path(path_type=Path), default=RESULT, help="Result file to continue.")
@click.option("--fixtures", type=click.Path(path_type=Path), default=FIXTURES, help="Official state tests.")
@click.option("--only", multiple=True, help="Names of sections; all if not given.")
@click.option("--hours", type=float, default=6.0, show_default=True, help="Start nothing after this long.")
def main(result: Path, fixtures: Path, only: tuple[str, ...], hours: float) -> None:
    """Print the result as one JSON line; exit non-zero unless every wanted section has passed."""
    run = NightlyRun.resume(result, fixtures, hours * 3_600)
    wanted = [section for section in SECTIONS if not only or section.name in only]
    for section in wanted:
        click.echo(f"{section.name}: {' '.join(section.command)}", err=True)
        run.run(section)
    click.echo(run.to_json())
    raise SystemExit(0 if all(run.has_passed(section) for section in wanted) else 1)


if __name__ == "__main__":
    main()
