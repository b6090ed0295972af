"""Write the vectors in tests/vectors: inputs and results that Python and Solidity must agree on."""

import json
from pathlib import Path

import click

from tests.helpers.vector_cases import all_vectors

VECTORS = Path(__file__).resolve().parent.parent / "tests" / "vectors"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a vector file is stale.")
def main(check: bool) -> None:
    """Write tests/vectors/*.json."""
    for name, cases in all_vectors().items():
        path, text = VECTORS / f"{name}.json", json.dumps({"cases": cases}, indent=1) + "\n"
        if check and (not path.exists() or path.read_text() != text):
            raise click.ClickException(f"{path.name} is stale: run scripts/gen_vectors.py")
        if not check:
            path.write_text(text)


if __name__ == "__main__":
    main()
