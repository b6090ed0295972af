"""Opcodes of state and calls on L1: each step of many programs is proven, at any gas, and in no wrong way."""

import copy
from functools import cache

import pytest

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.state import Machine
from tests.helpers.contract_host import Reverted
from tests.helpers.forgeries import misplaced, spoilt
from tests.helpers.frame_programs import PROGRAMS
from tests.helpers.frame_stage import charge_points, machines, name_of, proven
from tests.helpers.onchain_host import OnchainHost

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

READS = ("BALANCE", "SELFBALANCE", "EXTCODESIZE", "EXTCODEHASH", "BLOCKHASH", "SLOAD", "TLOAD")
CALLS = ("CALL", "CALLCODE", "DELEGATECALL", "STATICCALL", "CREATE", "CREATE2")
ENDS = ("RETURN", "REVERT", "STOP", "SELFDESTRUCT", "CREATE_ENTER", "PRECOMPILE", "EXIT")
STEPS = (*READS, "SSTORE", "TSTORE", *CALLS, *ENDS)


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


@cache
def kinds() -> dict[str, list[tuple[Full, Machine]]]:
    """The machines before steps that differ in what they ask for or how they end, by name of the step."""
    found: dict[str, dict[object, tuple[Full, Machine]]] = {name: {} for name in STEPS}
    for program in PROGRAMS.values():
        for be, m in machines(program):
            name = name_of(be, m)
            if name in found:
                one = proven(be, m)
                operands = one.witness.stack if name in ENDS else ()
                found[name].setdefault((operands, one.kind), (be, copy.deepcopy(m)))
    return {name: list(steps.values()) for name, steps in found.items()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_step__of_each_program__both_languages_agree(host: OnchainHost, name: str) -> None:
    for be, m in machines(PROGRAMS[name]):
        one = proven(be, m)

        assert host.prove(one) == one.post, name_of(be, m)


@pytest.mark.parametrize("name", STEPS)
def test_step__on_both_sides_of_each_charge__both_languages_agree(host: OnchainHost, name: str) -> None:
    assert kinds()[name]
    for be, m in kinds()[name]:
        for gas in charge_points(be, m):
            one = proven(be, m, gas)

            assert host.prove(one) == one.post, gas


@pytest.mark.parametrize("name", STEPS)
def test_step__wrong_witness__is_refused_or_changes_nothing(host: OnchainHost, name: str) -> None:
    for be, m in kinds()[name]:
        one = proven(be, m)
        for wrong in (*misplaced(one.witness), *spoilt(one.witness)):
            try:
                assert host.prove(one, wrong.encode()) == one.post
            except Reverted:
                continue
