"""Selecting cases, running them, counting."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from tests.conformance.cases import Case, read_cases
from tests.conformance.exclusions import Exclusion, find_exclusion
from tests.conformance.pool import run_cases

PROGRESS_EVERY = 1_000


@dataclass(slots=True, kw_only=True)
class Selection:
    """Cases to read, split by the exclusion list while they are read."""

    fixtures: Path
    limit: int | None
    entries: tuple[Exclusion, ...]
    run_excluded: bool = False
    """Run what the list excludes instead of the rest."""
    excluded: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Case]:
        for case in islice(read_cases(self.fixtures), self.limit):
            entry = find_exclusion(case, self.entries)
            if entry is not None:
                self.excluded[entry.rule] += 1
            if (entry is not None) == self.run_excluded:
                yield case


def run_selection(
    selection: Selection, jobs: int, limit_s: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run the selection and return the summary; failures and progress go to `say`."""
    started = time.monotonic()
    passed = failed = 0
    for result in run_cases(selection, jobs, limit_s):
        if result.failure is None:
            passed += 1
        else:
            failed += 1
        if (result.failure is None) == selection.run_excluded:
            say(f"{'PASSES' if selection.run_excluded else 'FAIL'} {result.case.id}: {result.failure or ''}")
        if (passed + failed) % PROGRESS_EVERY == 0:
            say(f"{passed + failed} cases run, {failed} failed, {time.monotonic() - started:.0f} s")
    return {
        "cases": passed + failed,
        "passed": passed,
        "failed": failed,
        "excluded": selection.excluded.total(),
        "excluded_by_reason": dict(sorted(selection.excluded.items())),
        "seconds": round(time.monotonic() - started, 1),
    }
