"""Run the official Ethereum state tests through the rollup's own execution path."""

import json
from pathlib import Path

import click

from tests.conformance.engines import ENGINES, exclusions_for
from tests.conformance.execution import Run
from tests.conformance.onchain import HOSTS, hosted
from tests.conformance.report import Sample, Selection, run_selection

CASE_LIMIT_S = 60.0
EPILOG = """\b
Engines:
  py-evm   EvmEngine against the official results
  stepper  the step machine against both
  onchain  the same, and steps proven by the contracts of L1: every step of a
           case up to 1,000 or --max-steps; of longer cases the first, the last,
           those at the bounds of call frames and 200 by chance

\b
With --json, onchain adds:
  steps              chosen to be proven
  steps_proven       for which L1 gave the hash of the step machine
  max_witness_bytes  length of the argument `witness`
  max_step_gas, median_step_gas
                     of a transaction that calls the verifier, as its receipt
                     would show: 21,000, the calldata and the execution, or
                     the floor of EIP-7623 if that is more
"""


@click.command(help=__doc__, epilog=EPILOG)
@click.option(
    "--fixtures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder of *.jsonl.gz files, one state test per line.",
)
@click.option("--engine", type=click.Choice(tuple(ENGINES)), default="py-evm", show_default=True)
@click.option("--limit", type=click.IntRange(min=1), help="Read only this many cases.")
@click.option("--max-steps", type=click.IntRange(min=1), help="Drop cases with more steps of the machine.")
@click.option("--sample", type=click.IntRange(min=1), help="Draw this many of the cases that remain.")
@click.option("--seed", type=int, default=0, show_default=True, help="What samples are drawn by.")
@click.option("--check-witness", is_flag=True, help="Repeat each step with nothing but its witness.")
@click.option(
    "--host", type=click.Choice(HOSTS), default="pyrevm", show_default=True, help="What runs the contracts."
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Worker processes.")
@click.option(
    "--case-limit", type=float, default=CASE_LIMIT_S, show_default=True, help="Processor seconds per case."
)
@click.option("--check-exclusions", is_flag=True, help="Run the excluded cases; fail if one passes.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def main(  # noqa: PLR0913, PLR0917 - one argument per option
    fixtures: Path,
    engine: str,
    limit: int | None,
    max_steps: int | None,
    sample: int | None,
    seed: int,
    check_witness: bool,
    host: str,
    jobs: int,
    case_limit: float,
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
    run = Run(engine=engine, max_steps=max_steps, check_witness=check_witness, seed=seed)
    click.echo(f"engine {engine}, fixtures {fixtures}", err=True)
    with hosted(run, host) as ready:
        summary = run_selection(selection, ready, jobs, case_limit, lambda line: click.echo(line, err=True))
    if as_json:
        click.echo(json.dumps(summary))
    else:
        for name, value in summary.items():
            click.echo(f"{name:20} {value}")
    if check_exclusions and summary["passed"]:
        raise SystemExit("an excluded case passes: remove its entry")


if __name__ == "__main__":
    main()
