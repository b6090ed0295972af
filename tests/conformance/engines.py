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


def case_limit_s(engine: str) -> float:
    """Return the processor seconds a case may take: one of a million steps runs twice before it is proven."""
    return 600 if engine in PROVING else 60


def run_case(case: Case, setting: Setting, run: Run) -> Verdict:
    """Run a case on the engine that is asked for."""
    return ENGINES[run.engine](case, setting, run)


ENGINES_HELP = """\b
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
