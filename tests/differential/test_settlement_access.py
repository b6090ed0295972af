"""Who may call what: every external mutator of every settlement contract, called by everybody and a stranger.

The functions come from the ABIs, so that a new one is missing here until its callers are named.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import pytest

from optimistic import artifacts
from optimistic.protocol.constants import CLEARING, LEDGER, MESSAGE_PASSER, RISK_GOVERNOR
from optimistic.protocol.execution.simulate import AccountOverride
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.records import alias_address
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.types import ZERO_HASH, Address
from optimistic.service import settlement_section
from optimistic.service.contract import load_abi
from scripts.staging.contract_views import call_data, function_of
from tests.helpers.assembly import asm
from tests.helpers.settlement_contracts import zero_arguments
from tests.helpers.settlement_engine import GATEWAY, GUARDIAN, OWNER, TRADER_NUMBER, SettlementEngine
from tests.helpers.settlement_setup import key_of

STRANGER = Address(b"\x51" * 20)
_, TRADER = key_of(TRADER_NUMBER)
SUBACCOUNT, CASH = 16, 0
CALLERS: Final[Mapping[str, Address]] = {
    "stranger": STRANGER,
    "owner": OWNER,
    "guardian": GUARDIAN,
    "gateway": alias_address(GATEWAY),
    "trader": TRADER,
    **SETTLEMENT_CONTRACTS,
}
DENIALS: Final = (
    "NotModule",
    "NotEntered",
    "Reentered",
    "NotGovernor",
    "NotOwner",
    "NotGuardian",
    "NotItself",
    "NotGateway",
    "NotReporter",
)

PERMISSIONLESS: Final[Mapping[str, str]] = {
    "Ledger.open": "a subaccount of the caller, empty",
    "Clearing.settleBatch": "what is settled is signed",
    "Clearing.raiseNonceFloor": "of the caller",
    "Clearing.setSessionKey": "of the caller",
    "Markets.refresh": "follows from the price and the time",
    "Markets.refreshForTrading": "the same",
    "Markets.closeExpired": "a future that has expired is worth what it settled at",
    "Markets.settleFuture": "follows from the prices and the time",
    "PriceOracle.push": "prices are signed",
    "Liquidator.flag": "a subaccount below its margin only",
    "Liquidator.unflag": "a subaccount above its margin only",
    "Liquidator.liquidate": "a subaccount below its margin only, against signed orders",
    "Liquidator.resolve": "a subaccount that owes more than it has",
    "Liquidator.unwind": "positions of the insurance fund, against signed orders within a limit",
    "Liquidator.forceClose": "what its owner asked for",
    "Collateral.depositEther": "ether of the caller, for a subaccount of its own",
    "Collateral.release": "to the recipient that the owner named",
    "RiskGovernor.loosen": "after the time that the guardian had",
}
"""What anybody may call, and why that harms nobody."""

OWNERS_ONLY: Final = frozenset(
    {
        "Collateral.requestWithdrawal",
        "Collateral.cancel",
        "Collateral.transfer",
        "InsuranceFund.donate",
        "Liquidator.requestClose",
    }
)
"""For the owner of the subaccount."""

RESTRICTED: Final[Mapping[str, frozenset[str]]] = {
    "Ledger.openFor": frozenset({"Collateral"}),
    "Ledger.settle": frozenset({"Clearing", "Liquidator", "Markets"}),
    "Ledger.closeExpired": frozenset({"Markets"}),
    "Ledger.move": frozenset({"Collateral", "Liquidator", "InsuranceFund", "Clearing"}),
    "Ledger.enter": frozenset({"Clearing", "Collateral", "Liquidator", "InsuranceFund", "Markets"}),
    "Ledger.leave": frozenset({"Clearing", "Collateral", "Liquidator", "InsuranceFund", "Markets"}),
    "Clearing.closeAgainst": frozenset({"Liquidator"}),
    "Markets.noteTrades": frozenset({"Clearing"}),
    "Markets.reportBook": frozenset({"owner"}),
    "Markets.list": frozenset({"RiskGovernor"}),
    "Markets.setLimits": frozenset({"RiskGovernor"}),
    "Markets.setStatus": frozenset({"RiskGovernor"}),
    "Markets.setReporter": frozenset({"RiskGovernor"}),
    "PriceOracle.setFeed": frozenset({"RiskGovernor"}),
    "InsuranceFund.receivePenalty": frozenset({"Liquidator"}),
    "InsuranceFund.cover": frozenset({"Liquidator"}),
    "InsuranceFund.reconcile": frozenset({"Liquidator", "Markets"}),
    "InsuranceFund.setBackstop": frozenset({"RiskGovernor"}),
    "Collateral.creditToken": frozenset({"gateway"}),
    "Collateral.cancelAll": frozenset({"Liquidator"}),
    "Collateral.seizeEther": frozenset({"Liquidator"}),
    "Collateral.setSettings": frozenset({"RiskGovernor"}),
    "RiskGovernor.schedule": frozenset({"owner"}),
    "RiskGovernor.execute": frozenset({"owner"}),
    "RiskGovernor.cancel": frozenset({"owner", "guardian"}),
    "RiskGovernor.setUp": frozenset({"owner"}),
    "RiskGovernor.seal": frozenset({"owner"}),
    "RiskGovernor.tighten": frozenset({"guardian"}),
    "RiskGovernor.setGuardian": frozenset({"RiskGovernor"}),
    "RiskGovernor.transferOwnership": frozenset({"RiskGovernor"}),
}
"""Who gets past the guard of a function; the owner is also the one that reports books."""

ARGUMENTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "Collateral.requestWithdrawal": (SUBACCOUNT, CASH, 1, STRANGER),
    "Collateral.cancel": (1,),
    "Collateral.transfer": (SUBACCOUNT, SUBACCOUNT, 1),
    "InsuranceFund.donate": (1, SUBACCOUNT, 1),
    "Liquidator.requestClose": (SUBACCOUNT, 1),
}
"""Of functions for owners; those of all others are zero."""


def mutators() -> list[str]:
    """All functions that may change something, as contract.function."""
    return [
        f"{contract}.{entry['name']}"
        for contract in SETTLEMENT_CONTRACTS
        for entry in artifacts.load(contract).abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    ]


@cache
def denials() -> frozenset[bytes]:
    """Selectors of the errors that say: not you, or not now."""
    errors = (error for contract in SETTLEMENT_CONTRACTS for error in load_abi(contract).errors.values())
    return frozenset(error.selector for error in errors if error.name in DENIALS)


def locking(target: Address) -> bytes:
    """Code that takes the lock of the Ledger, then calls `target` with its own call data and ends like it."""
    enter = int.from_bytes(call_data("Ledger", "enter"), "big")
    head = asm(enter, 224, Op.SHL, Op.PUSH0, Op.MSTORE) + call_of(LEDGER, asm(4)) + asm(Op.POP)
    head += asm(Op.CALLDATASIZE, Op.PUSH0, Op.PUSH0, Op.CALLDATACOPY) + call_of(target, asm(Op.CALLDATASIZE))
    head += asm(Op.RETURNDATASIZE, Op.PUSH0, Op.PUSH0, Op.RETURNDATACOPY)
    failing = asm(Op.RETURNDATASIZE, Op.PUSH0, Op.REVERT)
    jump = asm(bytes([len(head) + 3 + len(failing)]), Op.JUMPI)
    return head + jump + failing + asm(Op.JUMPDEST, Op.RETURNDATASIZE, Op.PUSH0, Op.RETURN)


def call_of(target: Address, size: bytes) -> bytes:
    """A CALL with `size` bytes of memory and no value."""
    return asm(Op.PUSH0, Op.PUSH0) + size + asm(Op.PUSH0, Op.PUSH0, bytes(target), Op.GAS, Op.CALL)


@cache
def world() -> SettlementEngine:
    """A trader with some cash, and a withdrawal that waits."""
    built = SettlementEngine()
    built.trader(0, 1_000)
    data = call_data("Collateral", "requestWithdrawal", SUBACCOUNT, CASH, 1, TRADER)
    built.act(TRADER, "Collateral", data)
    return built


def is_denied(function: str, caller: str) -> bool:
    """Whether a function turns a caller away, with the lock of the Ledger in its hands and without."""
    contract, name = function.split(".")
    arguments = ARGUMENTS.get(function) or zero_arguments(function_of(contract, name))
    data, sender, target = (
        call_data(contract, name, *arguments),
        CALLERS[caller],
        SETTLEMENT_CONTRACTS[contract],
    )
    answers = [world().views().run(target, data, sender)]
    if sender not in (target, LEDGER):
        code = {sender: AccountOverride(code=locking(target))}
        answers.append(world().views(code).run(sender, data, STRANGER))
    return all(answer.reverted and answer.output[:4] in denials() for answer in answers)


@pytest.mark.parametrize("function", mutators())
def test_pitfall_09__mutator__turns_everybody_away_unless_named(function: str) -> None:
    allowed = {caller for caller in CALLERS if not is_denied(function, caller)}

    if function in PERMISSIONLESS:
        assert allowed == set(CALLERS)
    elif function in OWNERS_ONLY:
        assert allowed == {"trader"}
    else:
        assert allowed == RESTRICTED[function]


def test_mutators__the_lists__name_each_once_and_no_other() -> None:
    named = [*PERMISSIONLESS, *OWNERS_ONLY, *RESTRICTED]

    assert sorted(named) == sorted(mutators())


def test_gateway__a_stranger__cannot_pay_out() -> None:
    """The one restricted mutator on L1; the bridge's messages are those of Collateral only."""
    changing = {
        entry["name"]
        for entry in artifacts.load(settlement_section.GATEWAY).abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }

    assert changing == {"deposit", "release"}


@pytest.mark.parametrize(
    "target", [LEDGER, CLEARING, MESSAGE_PASSER, GATEWAY, OWNER], ids=lambda target: target.hex()
)
def test_governor__its_owner_schedules_for_another_target__is_refused(target: Address) -> None:
    data = call_data("RiskGovernor", "schedule", target, b"", ZERO_HASH)

    answer = world().views().run(RISK_GOVERNOR, data, OWNER)

    assert answer.output[:4] == load_abi("RiskGovernor").errors["NotATarget"].selector
