"""The opcode table is py-evm's: gas by attribute, stack items and static rule by running each opcode."""

from typing import Any

import pytest
from eth.db.atomic import AtomicDB
from eth.exceptions import InsufficientStack, WriteProtection
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.opcodes import CANCUN_OPCODES
from eth.vm.forks.cancun.state import CancunState
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message

from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.stepper.opcode_table import OPCODES, Op, OpcodeRow, StaticRule

PUSH0, PUSH1 = b"\x5f", b"\x60"
GAS = 100_000
COLD_ACCOUNT = 2_600
LOGS = [Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4]
ACCOUNT: Any = b"\xcc" * 20


def row_of(op: Op) -> OpcodeRow:
    row = OPCODES[op]
    assert row is not None
    return row


def run(code: bytes, *, is_static: bool = False) -> Any:
    """What py-evm's machine looks like after `code`."""
    number: Any = 1
    root: Any = EMPTY_ROOT
    block = ExecutionContext(
        coinbase=ACCOUNT,
        timestamp=1_000,
        block_number=number,
        difficulty=0,
        mix_hash=root,
        gas_limit=10**7,
        prev_hashes=(),
        chain_id=1,
        base_fee_per_gas=7,
        excess_blob_gas=0,
    )
    state: Any = CancunState(AtomicDB(), block, root)
    context = CancunTransactionContext(gas_price=9, origin=ACCOUNT)
    message = Message(gas=GAS, to=ACCOUNT, sender=ACCOUNT, value=0, data=b"", code=code, is_static=is_static)
    return state.computation_class.apply_computation(state, message, context)


def run_on_zeros(op: Op, items: int, *, is_static: bool = False) -> Any:
    return run(PUSH0 * items + bytes((op,)), is_static=is_static)


def test_opcodes__their_bytes__are_those_of_cancun() -> None:
    assert {byte for byte, row in enumerate(OPCODES) if row} == set(Op) == set(CANCUN_OPCODES)
    assert [row_of(op).name for op in Op] == [op.name for op in Op]


@pytest.mark.parametrize("op", [op for op in Op if op not in (*LOGS, Op.SELFDESTRUCT)])
def test_gas__each_opcode__is_the_constant_of_pyevm(op: Op) -> None:
    theirs: Any = CANCUN_OPCODES[op]

    assert row_of(op).gas == theirs.gas_cost


@pytest.mark.parametrize("op", [*LOGS, Op.SELFDESTRUCT])
def test_gas__topics_and_destruction__is_what_pyevm_charges(op: Op) -> None:
    row = row_of(op)
    cold = COLD_ACCOUNT if op is Op.SELFDESTRUCT else 0

    left = run_on_zeros(op, row.pops).get_gas_remaining()

    assert GAS - left == 2 * row.pops + row.gas + cold


@pytest.mark.parametrize("op", Op)
def test_stack__each_opcode__reads_and_leaves_what_pyevm_does(op: Op) -> None:
    row = row_of(op)

    exact = run_on_zeros(op, row.pops)

    assert exact._error is None or op in (Op.JUMP, Op.REVERT)  # zero is no destination
    assert len(exact._stack.values) == row.pushes
    if row.pops:
        assert isinstance(run_on_zeros(op, row.pops - 1)._error, InsufficientStack)


@pytest.mark.parametrize("op", Op)
def test_static__each_opcode__is_refused_where_pyevm_refuses(op: Op) -> None:
    row = row_of(op)
    valued = PUSH0 * 4 + PUSH1 + b"\x01" + PUSH0 * 2 + bytes((op,))  # value 1, if it is a call with value

    refused = isinstance(run_on_zeros(op, row.pops, is_static=True)._error, WriteProtection)
    refused_value = isinstance(run(valued, is_static=True)._error, WriteProtection)

    assert refused == (row.static is StaticRule.FORBIDDEN)
    assert refused_value == (row.static is not StaticRule.ALLOWED)
