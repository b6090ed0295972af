"""System-lane contracts call each other and cheap precompiles only, so the lane's worst speed is known."""

import pytest

from optimistic.artifacts import load
from optimistic.protocol.constants import MESSAGE_PASSER, SYSTEM_RANGE_START
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.stepper.opcode_table import Op
from tests.helpers.assembly import asm
from tests.helpers.call_sites import LEAVING, Site, call_sites, instructions

PREDEPLOYS = ("MessagePasser", "FeeVault", *SETTLEMENT_CONTRACTS)
CALLED = {int.from_bytes(address, "big") for address in (MESSAGE_PASSER, *SETTLEMENT_CONTRACTS.values())}
CHEAP_PRECOMPILES = {1, 2, 4}
CHECKED_TARGETS = {"RiskGovernor": 1}
"""Calls to a computed place: the governor's, which calls modules of a fixed list only."""


def sites_of(name: str) -> frozenset[Site]:
    return call_sites(load(name).deployed_bytecode)


@pytest.mark.parametrize("name", PREDEPLOYS)
def test_predeploy__its_code__neither_delegates_nor_creates_nor_destructs(name: str) -> None:
    found = {opcode for _, opcode, _ in instructions(load(name).deployed_bytecode)} & LEAVING

    assert found <= {Op.CALL, Op.STATICCALL}


@pytest.mark.parametrize("name", PREDEPLOYS)
def test_predeploy__every_call_in_its_code__is_one_that_the_paths_lead_to(name: str) -> None:
    written = {at for at, opcode, _ in instructions(load(name).deployed_bytecode) if opcode in LEAVING}

    assert written == {site.position for site in sites_of(name)}


@pytest.mark.parametrize("name", PREDEPLOYS)
def test_predeploy__its_calls__go_to_predeploys_and_cheap_precompiles(name: str) -> None:
    targets = [site.target for site in sites_of(name)]

    assert targets.count(None) == CHECKED_TARGETS.get(name, 0)
    assert {target for target in targets if target is not None} <= CALLED | CHEAP_PRECOMPILES


def test_fee_vault__its_code__calls_the_message_passer_only() -> None:
    assert {site.target for site in sites_of("FeeVault")} == {int.from_bytes(MESSAGE_PASSER, "big")}


def test_message_passer__its_code__calls_nobody() -> None:
    assert not sites_of("MessagePasser")


# ------------------------------------------------------------------------------ the reader of bytecode

PLACE = int.from_bytes(SYSTEM_RANGE_START, "big") + 0x21
NO_DATA = asm(*[Op.PUSH0] * 4)


def test_call_sites__address_carried_through_a_loop__is_known() -> None:
    calling = NO_DATA + asm(Op.DUP5, Op.GAS, Op.STATICCALL, Op.POP)
    loop = asm(PLACE, Op.JUMPDEST) + calling + asm(Op.CALLDATASIZE, 21, Op.JUMPI, Op.STOP)

    assert loop[21] == Op.JUMPDEST
    assert {site.target for site in call_sites(loop)} == {PLACE}


def test_call_sites__two_ways_to_one_call__both_targets_are_found() -> None:
    fork = asm(Op.CALLDATASIZE, 28, Op.JUMPI, PLACE, 50, Op.JUMP, Op.JUMPDEST, PLACE + 1, Op.JUMPDEST)
    code = fork + NO_DATA + asm(Op.DUP5, Op.GAS, Op.CALL, Op.STOP)

    assert code[28] == code[50] == Op.JUMPDEST
    assert {site.target for site in call_sites(code)} == {PLACE, PLACE + 1}


@pytest.mark.parametrize(
    "address",
    [
        asm(Op.PUSH0, Op.CALLDATALOAD),
        asm(Op.PUSH0, Op.SLOAD),
        asm(PLACE, Op.PUSH0, Op.CALLDATALOAD, Op.ADD),
        asm(Op.CALLER),
    ],
    ids=["calldata", "storage", "computed", "caller"],
)
def test_call_sites__address_of_the_callers_choice__is_unknown(address: bytes) -> None:
    code = NO_DATA + address + asm(Op.GAS, Op.STATICCALL, Op.STOP)

    assert {site.target for site in call_sites(code)} == {None}


def test_call_sites__jump_to_a_computed_place__is_refused() -> None:
    with pytest.raises(ValueError, match="computed place"):
        call_sites(asm(Op.PUSH0, Op.CALLDATALOAD, Op.JUMP))
