"""Selecting cases, running them, counting."""

import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median_low
from typing import Any

from tests.conformance.cases import Case, read_cases
from tests.conformance.engines import PROVING, STEPPING
from tests.conformance.exclusions import Exclusion, find_exclusion
from tests.conformance.execution import Proofs, Run
from tests.conformance.pool import Result, run_cases

PROGRESS_EVERY = 1_000


@dataclass(frozen=True, slots=True)
class Sample:
    """How many cases to draw, and from which seed."""

    size: int
    seed: int


@dataclass(slots=True, kw_only=True)
class Selection:
    """Cases to read, split by the exclusion list while they are read.

    A sample is the first cases of a shuffled list that are not dropped: those beyond it
    are not given out once `kept` says that there are enough.
    """

    fixtures: Path
    limit: int | None
    entries: tuple[Exclusion, ...]
    run_excluded: bool = False
    """Run what the list excludes instead of the rest."""
    sample: Sample | None = None
    excluded: Counter[str] = field(default_factory=Counter)
    drawn: list[str] = field(default_factory=list)
    """Ids of the cases given out, in order."""
    kept: int = 0
    """Cases that were run to their end."""

    def __iter__(self) -> Iterator[Case]:
        for case in self._draw(self._read()):
            if self.sample is not None and self.kept >= self.sample.size:
                return
            self.drawn.append(case.id)
            yield case

    def _read(self) -> Iterator[Case]:
        for case in islice(read_cases(self.fixtures), self.limit):
            entry = find_exclusion(case, self.entries)
            if entry is not None:
                self.excluded[entry.rule] += 1
            if (entry is not None) == self.run_excluded:
                yield case

    def _draw(self, cases: Iterable[Case]) -> Iterable[Case]:
        if self.sample is None:
            return cases
        shuffled = list(cases)
        Random(self.sample.seed).shuffle(shuffled)
        return shuffled

    def results(self, results: Iterable[Result]) -> Iterator[Result]:
        """Yield the results that count: without those dropped, and no more than the sample."""
        if self.sample is None:
            yield from self._keep(results)
            return
        arrived = {result.case.id: result for result in self._keep(results)}
        in_order = (arrived[id_] for id_ in self.drawn if id_ in arrived)
        yield from islice(in_order, self.sample.size)

    def _keep(self, results: Iterable[Result]) -> Iterator[Result]:
        for result in results:
            if not result.verdict.is_dropped:
                self.kept += 1
                yield result


@dataclass(slots=True)
class Totals:
    """What the steps of all cases add up to."""

    steps: int = 0
    proven: int = 0
    max_witness_bytes: int = 0
    gas: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, steps: int, proofs: Proofs | None) -> None:
        """Count a case."""
        self.steps += steps
        if proofs is not None:
            self.proven += proofs.proven
            self.max_witness_bytes = max(self.max_witness_bytes, proofs.max_witness_bytes)
            self.gas.extend(proofs.gas)

    def summary(self, engine: str) -> dict[str, int]:
        """Return what is known of the steps of an engine."""
        if engine not in STEPPING:
            return {}
        if engine not in PROVING:
            return {"steps": self.steps}
        return {
            "steps": self.steps,
            "steps_proven": self.proven,
            "max_witness_bytes": self.max_witness_bytes,
            "max_step_gas": max(self.gas, default=0),
            "median_step_gas": median_low(self.gas or (0,)),
        }


def run_selection(
    selection: Selection, run: Run, jobs: int, limit_s: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run the selection and return the summary; failures and progress go to `say`."""
    started = time.monotonic()
    passed = failed = 0
    totals = Totals()
    for result in selection.results(run_cases(selection, jobs, limit_s, run)):
        failure = result.verdict.failure
        totals.add(result.verdict.steps, result.verdict.proofs)
        if failure is None:
            passed += 1
        else:
            failed += 1
        if (failure is None) == selection.run_excluded:
            say(f"{'PASSES' if selection.run_excluded else 'FAIL'} {result.case.id}: {failure or ''}")
        if (passed + failed) % PROGRESS_EVERY == 0:
            say(f"{passed + failed} cases run, {failed} failed, {time.monotonic() - started:.0f} s")
    return {
        "cases": passed + failed,
        "passed": passed,
        "failed": failed,
        "excluded": selection.excluded.total(),
        "excluded_by_reason": dict(sorted(selection.excluded.items())),
        "seconds": round(time.monotonic() - started, 1),
        **totals.summary(run.engine),
    }
