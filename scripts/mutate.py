"""Make small wrong changes of Solidity files and count those that the recorded calls of contracts notice."""

import json
import subprocess
import sys

import click

from tests.helpers.contract_host import ROOT
from tests.nightly.corpus import CORPUS
from tests.nightly.mutation import Mutation
from tests.nightly.mutation_targets import TARGETS

RECORD = ("-m", "pytest", "-q", "-p", "tests.nightly.corpus", "--timeout", "7200", "tests/differential")


@click.command(help=__doc__)
@click.argument("files", nargs=-1, type=click.Choice(list(TARGETS)))
@click.option("--sample", type=int, default=0, help="Mutants of each file; all if not given.")
@click.option("--seed", type=int, default=1, show_default=True, help="Chooses the sample.")
@click.option("--record", is_flag=True, help="Record the calls anew, which runs the differential tests.")
@click.option("--least", type=float, default=0.0, help="Fail below this score, in percent.")
def main(files: tuple[str, ...], sample: int, seed: int, record: bool, least: float) -> None:
    """Print one JSON line for each file; results are kept in build/mutation and continued."""
    if record or not CORPUS.exists():
        subprocess.run([sys.executable, *RECORD], cwd=ROOT, check=True)
    mutation, is_enough = Mutation(), True
    for path in files or TARGETS:
        summary = mutation.measure(path, sample, seed)
        click.echo(json.dumps(summary))
        is_enough = is_enough and summary["score"] >= least
    raise SystemExit(0 if is_enough else 1)


if __name__ == "__main__":
    main()
