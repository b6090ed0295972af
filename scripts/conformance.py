"""Run the official Ethereum state tests through the rollup's own execution path."""

import json
from pathlib import Path

import click

from tests.conformance.engines import ENGINES, ENGINES_HELP, case_limit_s, exclusions_for
from tests.conformance.execution import Run
from tests.conformance.onchain import HOSTS, hosted
from tests.conformance.report import Sample, Selection, run_selection


@click.command(help=__doc__, epilog=ENGINES_HELP)
@click.option(
    "--fixtures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of *.jsonl.gz files, one state test per line.",
)
@click.option("--engine", type=click.Choice(tuple(ENGINES)), default="py-evm", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), help="Read only this many cases.")
@click.option("--min-steps", type=click.IntRange(min=1), default=1, help="Drop cases with fewer steps.")
@click.option("--max-steps", type=click.IntRange(min=1), help="Drop cases with more steps of the machine.")
@click.option("--sample", type=click.IntRange(min=1), help="Draw this many of the cases that remain.")
@click.option("--seed", type=int, default=0, show_default=True, help="What samples are drawn by.")
@click.option("--check-witness", is_flag=True, help="Repeat each step with nothing but its witness.")
@click.option(
    "--host", type=click.Choice(HOSTS), default="pyrevm", show_default=True, help="What runs the contracts."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@click.option("--case-limit", type=float, help="Processor seconds per case; 60, or 600 for onchain.")
@click.option("--check-exclusions", is_flag=True, help="Run the excluded cases; fail if one passes.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(  # noqa: PLR0913, PLR0917 - one argument per option
    fixtures: Path,
    engine: str,
    limit: int | None,
    min_steps: int,
    max_steps: int | None,
    sample: int | None,
    seed: int,
    check_witness: bool,
    host: str,
    jobs: int,
    case_limit: float | None,
    check_exclusions: bool,
    as_json: bool,
) -> None:
    """Print the summary on stdout, progress and failures on stderr."""
    selection = Selection(
        fixtures=fixtures,
        limit=limit,
        entries=exclusions_for(engine),
        run_excluded=check_exclusions,
        sample=None if sample is None else Sample(sample, seed),
    )
    run = Run(engine=engine, min_steps=min_steps, max_steps=max_steps, check_witness=check_witness, seed=seed)
    limit_s = case_limit or case_limit_s(engine)
    click.echo(f"engine {engine}, fixtures {fixtures}", err=True)
    with hosted(run, host) as ready:
        summary = run_selection(selection, ready, jobs, limit_s, lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(summary))
    else:
        for name, value in summary.items():
            click.echo(f"{name:20} {value}")
    if check_exclusions and summary["passed"]:
        raise SystemExit("an excluded case passes: remove its entry")


if __name__ == "__main__":
    main()
