"""Random runs with four siblings and up to three commitments on each side."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from tests.model.exhaustive import Failure
from tests.model.runs import Run, play_runs
from tests.model.table import RunTerms, run_terms
from tests.model.terms import Terms, mutants

FEW = 400
MANY = 1_000_000
PARTS = 8
TRIES = 300
LOST = ("the right sibling died", "the right commitment died")


def failures(terms: RunTerms) -> list[str]:
    """What goes wrong in some runs."""
    found = []
    for seed in range(TRIES):
        try:
            Run(terms, Random(seed)).play()
        except Failure as failure:
            found.append(str(failure))
    return found


def test_runs__four_siblings_three_commitments__hold() -> None:
    disputes = play_runs(RunTerms(), 0, FEW)

    assert disputes > 3 * FEW


def test_runs__longer_trees_and_more_siblings__hold() -> None:
    play_runs(RunTerms(depth=5, siblings=6, delta=3, planned=10, censored=10), 0, FEW // 8)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("older side inherits lateness", LOST),
        ("newcomer gets a fresh clock", ("a dispute is undecided at t0 + 2T",)),
        ("settled with open windows", LOST),
        ("time is booked to the other side", LOST),
    ],
)
def test_mutant__random_runs__often_fail(name: str, expected: tuple[str, ...]) -> None:
    found = failures(run_terms(mutants(Terms())[name]))

    assert sum(failure in expected for failure in found) > TRIES // 25


def test_censorship__almost_the_whole_period__fails() -> None:
    terms = RunTerms()

    found = failures(replace(terms, censored=terms.period - 1))

    assert set(LOST) & set(found)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(PARTS))
def test_runs__a_million__hold(record_property: Callable[[str, object], None], part: int) -> None:
    count = MANY // PARTS

    disputes = play_runs(RunTerms(), FEW + part * count, count)

    record_property("table", f"{count:,} runs with {disputes:,} disputes")
