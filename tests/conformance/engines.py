"""The engines that cases can be run on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.conformance.cases import Case
from tests.conformance.execution import Engine, Run, Setting, Verdict, run_pyevm
from tests.conformance.stepping import run_stepper

ENGINES: Final[Mapping[str, Engine]] = MappingProxyType({"py-evm": run_pyevm, "stepper": run_stepper})
STEPPING: Final = ("stepper",)
"""Engines that count steps."""


def run_case(case: Case, setting: Setting, run: Run) -> Verdict:
    """Run a case on the engine that is asked for."""
    return ENGINES[run.engine](case, setting, run)
