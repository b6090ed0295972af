"""Every run of the scaled-down game, and mistakes in its rules that must not get past it.

What holds in every world: no wrong sibling can be confirmed; one sibling is alive; the right one never
dies, nor does the right commitment (and with it the stake behind it), not even in a moot dispute; what is
open at t0 + 2T can be ended at once, in favour of the right sibling, which can be confirmed then; every
dispute that ends can pay everybody.
"""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter

import pytest

from optimistic.protocol.constants import STEP_BITS
from tests.model.exhaustive import Failure, Report, explore, explore_alone
from tests.model.terms import Terms, deltas, mutants

Record = Callable[[str, object], None]
LOST = "the right (sibling|commitment) died"
CAUGHT = {
    "older side inherits lateness": LOST,
    "newcomer gets a fresh clock": "undecided at t0 \\+ 2T",
    "Cmax too large": LOST,
    "T one delta too small": LOST,
    "settled with open windows": LOST,
    "time is booked to the other side": LOST,
}
NIGHTLY = {
    "one rival, two commitments": Terms(commitments=2),
    "one rival, two commitments, longer censorship": Terms(commitments=2, censored=2, planned=2),
    "one rival, two commitments, answers at once too": Terms(commitments=2, prompt=True),
    "two rivals, one commitment": Terms(rivals=2),
    "one rival, as many levels as arity 32 has": Terms(depth=5, censored=3, planned=3),
    "one rival, long censorship": Terms(censored=8, planned=8, prompt=True),
}

NIGHTLY_DEPTHS = [pytest.param(depth, marks=pytest.mark.nightly) for depth in (3, 4)]


def explored(record_property: Record, terms: Terms, how: Callable[[Terms], Report] = explore) -> Report:
    start = perf_counter()
    report = how(terms)
    seconds = perf_counter() - start
    record_property("table", f"{report.worlds:,} worlds, {report.calls:,} calls, {seconds:.1f} s: {report}")
    return report


@pytest.mark.parametrize("prompt", [False, True])
def test_model__one_rival_one_commitment__holds(record_property: Record, prompt: bool) -> None:
    terms = Terms(prompt=prompt)

    report = explored(record_property, terms)

    assert report.worlds > 10_000
    assert report.latest <= 2 * terms.period


def test_model__nobody_honest__every_dispute_ends_by_twice_the_period(record_property: Record) -> None:
    terms = Terms()

    report = explored(record_property, terms, explore_alone)

    assert report.latest == 2 * terms.period


@pytest.mark.parametrize("spare", [0, 5])
def test_model__no_censorship__ends_after_the_period_and_a_few_answers(
    record_property: Record, spare: int
) -> None:
    terms = Terms(censored=0, planned=0, spare=spare)

    report = explored(record_property, terms)

    assert report.latest < terms.period + deltas(terms.depth)


@pytest.mark.parametrize("depth", [1, 2, *NIGHTLY_DEPTHS])
@pytest.mark.parametrize("cmax", [0, 1])
def test_period__one_delta_less_than_the_least__fails(depth: int, cmax: int) -> None:
    terms = Terms(depth=depth, censored=cmax, planned=cmax)

    explore(terms)

    with pytest.raises(Failure, match=LOST):
        explore(replace(terms, spare=-1))


@pytest.mark.parametrize("log_arity", [1, 5])
def test_period__real_number_of_levels__is_that_of_the_specification(log_arity: int) -> None:
    depth = STEP_BITS // log_arity

    assert deltas(depth) == 3 + 2 * -(-STEP_BITS // (2 * log_arity))


@pytest.mark.parametrize("name", CAUGHT)
def test_mutant__in_every_run__is_caught(name: str) -> None:
    terms = mutants(Terms())[name]

    with pytest.raises(Failure, match=CAUGHT[name]):
        explore(terms)


def test_mutants__all_of_them__are_tried() -> None:
    assert set(mutants(Terms())) == set(CAUGHT)


@pytest.mark.parametrize("name", ["newcomer gets a fresh clock", "time is booked to the other side"])
def test_mutant__nobody_honest__outlasts_twice_the_period(name: str) -> None:
    with pytest.raises(Failure, match="undecided at t0 \\+ 2T"):
        explore_alone(mutants(Terms())[name])


@pytest.mark.nightly
@pytest.mark.parametrize("name", NIGHTLY)
def test_model__all_of_it__holds(record_property: Record, name: str) -> None:
    terms = NIGHTLY[name]

    report = explored(record_property, terms)

    assert report.latest <= 2 * terms.period


@pytest.mark.nightly
def test_model__nobody_honest_two_commitments__ends_by_twice_the_period(record_property: Record) -> None:
    terms = Terms(commitments=2, censored=2, planned=2)

    report = explored(record_property, terms, explore_alone)

    assert report.latest == 2 * terms.period


@pytest.mark.nightly
@pytest.mark.parametrize("name", CAUGHT)
@pytest.mark.parametrize("shape", [{"commitments": 2}, {"rivals": 2, "censored": 0, "planned": 0}])
def test_mutant__of_the_larger_models__is_caught(shape: dict[str, int], name: str) -> None:
    terms = mutants(replace(Terms(), **shape))[name]  # type: ignore[arg-type] # integers, all of them

    with pytest.raises(Failure, match=CAUGHT[name]):
        explore(terms)
