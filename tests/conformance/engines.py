"""The engines that cases can be run on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.conformance.cases import Case
from tests.conformance.exclusions import (
    L1_RULES,
    STEP_RULES,
    Exclusion,
    load_exclusions,
    without_rules,
)
from tests.conformance.execution import Engine, Run, Setting, Verdict, run_pyevm
from tests.conformance.onchain import run_onchain
from tests.conformance.stepping import run_stepper

ENGINES: Final[Mapping[str, Engine]] = MappingProxyType(
    {"py-evm": run_pyevm, "stepper": run_stepper, "onchain": run_onchain}
)
STEPPING: Final = ("stepper", "onchain")
"""Engines that count steps."""
PROVING: Final = ("onchain",)
"""Engines that have steps proven by the contracts of L1."""


def exclusions_for(engine: str) -> tuple[Exclusion, ...]:
    """Return the entries of the committed list that are there for an engine."""
    foreign = (() if engine in STEPPING else STEP_RULES) + (() if engine in PROVING else L1_RULES)
    return without_rules(load_exclusions(), foreign)


def run_case(case: Case, setting: Setting, run: Run) -> Verdict:
    """Run a case on the engine that is asked for."""
    return ENGINES[run.engine](case, setting, run)
