"""Which cases are not run, by committed rule.

An entry names a case (a whole id, a prefix of one that ends at `::` or `[`, or
`*`), one of the rules below, and the reason. An entry whose case passes when it
is run is an error: it hides something that works.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.cases import Case

PATH = Path(__file__).with_name("exclusions.json")

RULES: dict[str, Callable[[Case], bool]] = {
    "blob-transaction": lambda case: case.is_valid_blob,
    "eip-7610": lambda _: True,
    "l1-gas": lambda _: True,
    "memory": lambda _: True,
    "steps": lambda _: True,
    "timeout": lambda _: True,
}
"""Rule name to what must hold of a case besides being named by the entry."""

STEP_RULES = ("memory",)
"""Rules by which the step machine differs from Ethereum; other engines run what they exclude."""
L1_RULES = ("l1-gas",)
"""Rules for steps that L1 cannot prove without the rollup's caps; only an engine that asks L1 has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """One entry of the committed list."""

    case: str
    rule: str
    reason: str

    def covers(self, case: Case) -> bool:
        """Whether this entry excludes `case`."""
        named = self.case in ("*", case.id) or case.id.startswith((self.case + "::", self.case + "["))
        return named and RULES[self.rule](case)


def load_exclusions(path: Path = PATH) -> tuple[Exclusion, ...]:
    """Read the committed list.

    Raises
    ------
    ValueError : an unknown rule, an empty reason, or `*` with a rule that does not restrict it
    """
    entries = tuple(Exclusion(**entry) for entry in json.loads(path.read_text()))
    for entry in entries:
        if entry.rule not in RULES or not entry.reason or not entry.case:
            raise ValueError(f"exclusion without a known rule, a case or a reason: {entry}")
        if entry.case == "*" and entry.rule != "blob-transaction":
            raise ValueError(f"exclusion of everything: {entry}")
    return entries


def without_rules(entries: Sequence[Exclusion], rules: Collection[str]) -> tuple[Exclusion, ...]:
    """Return the entries that have none of these rules."""
    return tuple(entry for entry in entries if entry.rule not in rules)


def find_exclusion(case: Case, entries: Sequence[Exclusion]) -> Exclusion | None:
    """Return the first entry that covers `case`."""
    return next((entry for entry in entries if entry.covers(case)), None)
