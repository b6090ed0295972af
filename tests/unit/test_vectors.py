"""The committed vectors are what the code says today."""

import json
from pathlib import Path

import pytest

from tests.helpers.vector_cases import all_vectors

VECTORS = Path(__file__).parents[1] / "vectors"
CASES = all_vectors()


@pytest.mark.parametrize("name", CASES)
def test_vectors__each_file__is_fresh(name: str) -> None:
    assert json.loads((VECTORS / f"{name}.json").read_text()) == {"cases": CASES[name]}
