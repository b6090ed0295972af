"""Opcodes of memory: two engines agree on what they leave, and L1 on each of their steps."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.engine import Outcome
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.opcode_table import OPCODES, Group, Op
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import load_code
from optimistic.protocol.stepper.witness import opcode_at
from optimistic.protocol.unit import Phase
from tests.helpers.assembly import run
from tests.helpers.contract_host import Reverted
from tests.helpers.forgeries import misplaced, spoilt
from tests.helpers.frame_programs import WORD_MAX
from tests.helpers.memory_programs import (
    CHUNK,
    CONTRACT,
    IDENTITY,
    OBSERVE,
    OPS,
    PROGRAMS,
    SEED,
    MemoryProgram,
    batch_of,
    bytes_of,
    call,
)
from tests.helpers.onchain_host import L1_TX_BYTES, OnchainHost
from tests.helpers.stepper_batch import Proven, StepperBatch


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


def memory_steps(batch: StepperBatch) -> Iterator[Proven]:
    """Steps of opcodes of memory, and of long ranges."""
    return batch.proofs(is_of_memory)


def is_of_memory(be: Full, m: Machine, _j: int, _v: int) -> bool:
    if m.phase is not Phase.EXEC or m.frame is None:
        return False
    row = OPCODES[opcode_at(load_code(be, m.frame), m.frame.pc)]
    return m.pend is not None or (row is not None and row.group is Group.MEMORY)


def gas_used(batch: StepperBatch) -> int:
    """Of the only transaction, as the other engine counts it; zero if it is skipped."""
    (effect,) = (unit.effect for unit in batch.replay() if unit.raw is not None)
    return effect.gas_used if isinstance(effect, Outcome) else 0


def check(host: OnchainHost, batch: StepperBatch) -> int:
    """Compare the ends of units with the other engine's, and each step with L1's; the number of steps."""
    assert batch.leaves() == [unit.leaf for unit in batch.replay()]
    n_steps = 0
    for proven in memory_steps(batch):
        witness = proven.witness.encode()
        assert host.prove(proven, witness) == proven.post, proven.v
        assert len(witness) < L1_TX_BYTES
        n_steps += 1
    return n_steps


@pytest.mark.parametrize("name", PROGRAMS)
def test_memory__each_program__engines_and_l1_agree(host: OnchainHost, name: str) -> None:
    batch = batch_of(PROGRAMS[name])

    assert check(host, batch) > 0
    assert gas_used(batch) > 0


# ------------------------------------------------------------------------------------------- gas

PRICED = {
    "MLOAD": run(Op.MLOAD, 70),
    "MSTORE": run(Op.MSTORE, 70, 1),
    "MSTORE8": run(Op.MSTORE8, 70, 1),
    "KECCAK256": run(Op.KECCAK256, 70, 70),
    "KECCAK256_long": run(Op.KECCAK256, 70, CHUNK + 1),
    "CALLDATALOAD": run(Op.CALLDATALOAD, 70),
    "CALLDATACOPY": run(Op.CALLDATACOPY, 70, 0, 70),
    "CALLDATACOPY_long": run(Op.CALLDATACOPY, 70, 0, CHUNK + 1),
    "CODECOPY": run(Op.CODECOPY, 70, 0, 70),
    "EXTCODECOPY_cold": run(Op.EXTCODECOPY, int.from_bytes(CONTRACT, "big"), 70, 0, 70),
    "EXTCODECOPY_warm": run(Op.EXTCODECOPY, int.from_bytes(IDENTITY, "big"), 70, 0, 70),
    "RETURNDATACOPY": call(Op.CALL, IDENTITY, (0, 70), (0, 0), 1_000) + run(Op.RETURNDATACOPY, 70, 0, 70),
    "MCOPY": run(Op.MCOPY, 70, 170, 70),
    "LOG0": run(Op.LOG0, 70, 70),
    "LOG0_long": run(Op.LOG0, 70, CHUNK + 1),
    "LOG4": run(Op.LOG4, 70, 70, 1, 2, 3, 4),
}


@pytest.mark.parametrize("name", PRICED)
def test_memory__any_gas__fails_where_the_other_engine_fails(host: OnchainHost, name: str) -> None:
    program = MemoryProgram(code=PRICED[name])
    enough = gas_used(batch_of(program))
    least = 21_000

    limits = {enough, enough - 1, enough - 2, *range(least, enough, max(1, (enough - least) // 16))}
    for gas in limits:
        check(host, batch_of(replace(program, gas=gas)))


# ---------------------------------------------------------------------------------------- ranges

places = st.one_of(
    st.integers(0, 200),
    st.sampled_from((CHUNK - 1, CHUNK, CHUNK + 1, 40_000)),
    st.sampled_from((1 << 21, 1 << 64, WORD_MAX - 31, WORD_MAX)),
)
near = st.one_of(st.integers(0, 200), st.integers(CHUNK - 40, CHUNK + 40))


@st.composite
def pieces(draw: st.DrawFn) -> bytes:
    """One opcode on operands most of which are small."""
    op = draw(st.sampled_from(OPS))
    row = OPCODES[op]
    assert row is not None
    if draw(st.integers(0, 9)) == 0:
        return call(Op.CALL, IDENTITY, (draw(near), draw(near)), (draw(near), draw(near)), 10_000)
    operands = [draw(places if draw(st.integers(0, 9)) == 0 else near) for _ in range(row.pops)]
    if op is Op.EXTCODECOPY:
        operands[0] = int.from_bytes(draw(st.sampled_from((CONTRACT, IDENTITY))), "big")
    return run(op, *operands)


@given(code=st.lists(pieces(), min_size=1, max_size=4).map(b"".join), length=st.sampled_from((0, 90, 33_000)))
def test_memory__random_ranges__engines_and_l1_agree(host: OnchainHost, code: bytes, length: int) -> None:
    program = MemoryProgram(code=SEED + code + OBSERVE, data=bytes_of(length), gas=2_000_000)

    check(host, batch_of(program))


# ----------------------------------------------------------------------------------------- forgery

FORGED = (
    "MLOAD_0x21",
    "MSTORE_0x21",
    "MSTORE8_0x21",
    "CALLDATALOAD_0x21_of_100",
    "CALLDATACOPY_0x1f_0x5a_0x21",
    "CODECOPY_0x1f_0x5a_0x21",
    "CODECOPY_0x7_0x5_0x8001",
    "EXTCODECOPY_0x1f_0x5a_0x21_contract",
    "EXTCODECOPY_0x1f_0x1_0x8001_largest",
    "RETURNDATACOPY_0x5_0xa_0x14_echo",
    "MCOPY_0x0_0x1_0x40",
    "MCOPY_0x6_0x5_0x8001",
    "KECCAK256_0x3_0x88",
    "KECCAK256_0x1_0x8800",
    "LOG3_0x3_0x88",
    "LOG3_0x1_0x8800",
    "output_32769_of_c5",
)


@pytest.mark.parametrize("name", FORGED)
def test_memory__forged_witness__l1_refuses(host: OnchainHost, name: str) -> None:
    for proven in memory_steps(batch_of(PROGRAMS[name])):
        right = proven.witness
        for forged in (*misplaced(right), *spoilt(right)):
            with pytest.raises(Reverted):
                host.prove(proven, forged.encode())
