"""Simulated calls, gas estimates, access lists and traces."""

from typing import Any

import pytest

from optimistic.protocol.engine import Outcome
from optimistic.protocol.execution.simulate import (
    AccountOverride,
    CallFailed,
    CallMessage,
    CannotRun,
    Simulation,
    trace_deposit,
    trace_transaction,
)
from optimistic.protocol.execution.tracers import CallTracer, StepTracer
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import Deposit
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address, Hash32
from tests.helpers.evm_world import ALICE, BOB, CONTRACT, ETHER, Alloc, make_env, make_state, sign_tx

CALLEE = Address(b"\xdd" * 20)
REVERTER = bytes.fromhex("6308c379a05f526004601cfd")
"""Reverts with the four bytes 08c379a0."""
CALLER = bytes.fromhex("5f35600155" + "5f5f5f5f5f73" + CALLEE.hex() + "5af1" + "5f5260205ff3")
"""sstore(1, calldata[0:32]); return call(CALLEE)."""
SELFDESTRUCT = bytes.fromhex("33ff")
NEEDS_GAS = bytes.fromhex("6203d0905a105f57" + "00")
"""Halts on a bad jump when less than 250,000 gas is left."""
SPENDER = bytes.fromhex("5b6103e85a11600057" + "00")
"""Loops until at most 1,000 gas is left."""


def simulation(overrides: dict[Address, AccountOverride] | None = None, **codes: bytes) -> Simulation:
    alloc = {ALICE: Alloc(balance=ETHER)}
    for address, name in ((CONTRACT, "contract"), (CALLEE, "callee")):
        if name in codes:
            alloc[address] = Alloc(nonce=1, balance=9, code=codes[name])
    nodes, root = make_state(alloc)
    return Simulation(params=DEVNET, nodes=nodes, env=make_env(), root=root, overrides=overrides or {})


def call(**fields: Any) -> CallMessage:
    return CallMessage(**{"sender": ALICE, "to": CONTRACT, **fields})


# ------------------------------------------------------------------------------ call


def test_call__runs_and_forgets() -> None:
    subject = simulation(contract=CALLER, callee=REVERTER)
    message = call(data=(5).to_bytes(32, "big"))
    first = subject.call(message)
    assert (first.error, first.output) == (None, bytes(32))
    assert subject.call(message) == first


def test_call__revert__has_the_data() -> None:
    result = simulation(contract=REVERTER).call(call())
    assert (result.error, result.reverted, result.output) == ("Revert", True, bytes.fromhex("08c379a0"))


def test_call__invalid_opcode__is_no_revert() -> None:
    result = simulation(contract=b"\xfe").call(call(gas=50_000))
    assert (result.error, result.reverted, result.output) == ("InvalidInstruction", False, b"")
    assert result.gas_used == 50_000


def test_call__from_an_account_with_code_or_no_money__runs() -> None:
    subject = simulation(contract=CALLER, callee=b"\0")
    assert subject.call(call(sender=CALLEE)).error is None
    assert subject.call(call(sender=BOB)).error is None


def test_call__cannot_pay_or_start__says_so() -> None:
    subject = simulation(contract=CALLER)
    with pytest.raises(CannotRun, match="insufficient funds"):
        subject.call(call(sender=BOB, value=1))
    with pytest.raises(CannotRun, match="insufficient funds"):
        subject.call(call(gas=100_000, gas_price=ETHER))
    with pytest.raises(CannotRun, match="intrinsic gas too low"):
        subject.call(call(gas=20_999))


def test_call__creation__returns_the_address() -> None:
    result = simulation().call(call(to=None, data=bytes.fromhex("600160005360015ff3")))
    assert result.error is None
    assert result.contract_address is not None
    assert result.output == b""


def test_call__overrides__are_assumed() -> None:
    code = bytes.fromhex("5f545f5260015460205260405ff3")
    overrides = {
        CONTRACT: AccountOverride(code=code, storage={0: 4}, storage_changes={1: 6}),
        BOB: AccountOverride(balance=3, nonce=2),
    }
    subject = simulation(overrides, contract=CALLER)
    result = subject.call(call(sender=BOB, value=3))
    assert result.output == (4).to_bytes(32, "big") + (6).to_bytes(32, "big")
    assert subject.call(call(sender=BOB, value=3)) == result
    whole = simulation({CONTRACT: AccountOverride(code=code, storage={})}, contract=CALLER)
    assert whole.call(call()).output == bytes(64)


# ------------------------------------------------------------------------------ gas


def test_estimate_gas__transfer__is_the_intrinsic_gas() -> None:
    assert simulation().estimate_gas(call(to=BOB, value=1)) == 21_000


@pytest.mark.parametrize("code", [CALLER, SELFDESTRUCT])
def test_estimate_gas__is_sufficient_and_minimal(code: bytes) -> None:
    subject = simulation(contract=code, callee=b"\0")
    message = call(data=(5).to_bytes(32, "big"))
    gas = subject.estimate_gas(message)
    assert subject.call(call(data=message.data, gas=gas)).error is None
    try:
        assert subject.call(call(data=message.data, gas=gas - 1)).error is not None
    except CannotRun:
        assert gas == 21_000


def test_estimate_gas__needs_more_than_it_uses__comes_close_to_it() -> None:
    subject = simulation(contract=NEEDS_GAS)
    gas = subject.estimate_gas(call())
    assert 271_000 < gas < 271_100 * 65 // 64
    assert subject.call(call(gas=gas)).error is None


def test_estimate_gas__spends_whatever_it_gets__needs_few_runs() -> None:
    subject = simulation(contract=SPENDER)
    gas = subject.estimate_gas(call(gas=60_000))
    assert subject.call(call(gas=gas)).error is None


def test_estimate_gas__always_fails__raises_with_the_result() -> None:
    with pytest.raises(CallFailed) as caught:
        simulation(contract=REVERTER).estimate_gas(call())
    assert caught.value.result.output == bytes.fromhex("08c379a0")


def test_estimate_gas__poor_sender__is_limited_by_the_balance() -> None:
    subject = simulation({BOB: AccountOverride(balance=50_000)}, contract=CALLER, callee=b"\0")
    with pytest.raises(CallFailed):
        subject.estimate_gas(call(sender=BOB, gas_price=2, data=(5).to_bytes(32, "big")))
    with pytest.raises(CannotRun):
        subject.estimate_gas(call(sender=BOB, gas_price=5))


def test_access_list__lists_what_is_not_warm_anyway() -> None:
    subject = simulation(contract=CALLER, callee=REVERTER)
    result = subject.access_list(call(data=(5).to_bytes(32, "big")))
    assert result.access_list == ((CONTRACT, (Hash32((1).to_bytes(32, "big")),)), (CALLEE, ()))
    assert result.error is None
    listed = call(data=(5).to_bytes(32, "big"), access_list=result.access_list)
    assert subject.call(listed).gas_used == result.gas_used


# ------------------------------------------------------------------------------ traces


def test_call_tracer__nested_calls__form_a_tree() -> None:
    subject = simulation(contract=CALLER, callee=REVERTER)
    tracer = CallTracer()
    outcome = trace_transaction(subject, sign_tx(to=CONTRACT, data=(5).to_bytes(32, "big")), tracer)
    assert isinstance(outcome, Outcome)
    root = tracer.root
    assert root is not None
    assert (root.kind, root.sender, root.to, root.error) == ("CALL", ALICE, CONTRACT, None)
    assert outcome.gas_used == root.gas_used + outcome.gas_used - outcome.execution_gas
    (inner,) = root.calls
    assert (inner.kind, inner.sender, inner.to) == ("CALL", CONTRACT, CALLEE)
    assert (inner.error, inner.reverted, inner.output) == ("Revert", True, bytes.fromhex("08c379a0"))


def test_call_tracer__creation_and_selfdestruct__are_calls_too() -> None:
    tracer = CallTracer()
    simulation().call(call(to=None, data=SELFDESTRUCT, value=3), tracer)
    assert tracer.root is not None
    assert tracer.root.kind == "CREATE"
    (inner,) = tracer.root.calls
    assert (inner.kind, inner.to, inner.value) == ("SELFDESTRUCT", ALICE, 3)


def test_call_tracer__creation_at_a_taken_address__is_one_failed_call() -> None:
    taken = create_address(ALICE, 0)
    tracer = CallTracer()
    simulation({taken: AccountOverride(nonce=1)}).call(call(to=None, gas=90_000), tracer)
    assert tracer.root is not None
    assert (tracer.root.error, tracer.root.gas_used) == ("ContractCreationCollision", 90_000 - 53_000)


def test_call_tracer__deposit__is_traced() -> None:
    entry = Deposit(
        sender=BOB, is_create=False, to=CONTRACT, mint=1, value=1, gas_limit=90_000, data=b"", l1_timestamp=0
    )
    tracer = CallTracer()
    assert trace_deposit(simulation(contract=CALLER, callee=b"\0"), 0, entry, tracer).status == 1
    assert tracer.root is not None
    assert len(tracer.root.calls) == 1


def test_step_tracer__costs_add_up_to_the_gas_used() -> None:
    subject = simulation(contract=CALLER, callee=REVERTER)
    tracer = StepTracer(memory=True)
    result = subject.call(call(data=(5).to_bytes(32, "big")), tracer)
    inner = [step for step in tracer.steps if step.depth == 2]
    outer = [step for step in tracer.steps if step.depth == 1]
    forwarded = inner[0].gas
    left = inner[-1].gas - inner[-1].gas_cost
    assert (
        sum(step.gas_cost for step in outer) - forwarded + (forwarded - left)
        == result.gas_used - 21_000 - 31 * 4 - 16
    )
    store = next(step for step in outer if step.mnemonic == "SSTORE")
    assert (store.storage, store.stack) == ({1: 5}, (5, 1))
    assert inner[-1].error == "Revert"
    assert inner[-1].memory is not None
    assert inner[-1].memory[28:32] == bytes.fromhex("08c379a0")


def test_step_tracer__limit__truncates() -> None:
    tracer = StepTracer(limit=3)
    simulation(contract=SPENDER).call(call(gas=30_000), tracer)
    assert len(tracer.steps) == 3
    assert tracer.truncated
