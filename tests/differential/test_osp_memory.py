"""Opcodes of memory: two engines agree on what they leave, and L1 on each of their steps."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.engine import Outcome
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.opcode_table import OPCODES, Group, Op
from optimistic.protocol.stepper.tape import Range
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.contract_host import Reverted
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
    run,
)
from tests.helpers.onchain_host import OnchainHost
from tests.helpers.stepper_batch import Proven, StepperBatch

Item = TypeVar("Item")

LONGEST_WITNESS = 128 * 1024


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


def memory_steps(batch: StepperBatch) -> Iterator[Proven]:
    """Steps of opcodes of memory, and of long ranges."""
    return (
        proven for proven in batch.proofs() if proven.phase is Phase.EXEC and is_of_memory(proven.witness)
    )


def is_of_memory(witness: Witness) -> bool:
    m = witness.start()
    assert m.frame is not None
    row = OPCODES[witness.code[m.frame.pc] if m.frame.pc < len(witness.code) else 0]
    return m.pend is not None or (row is not None and row.group is Group.MEMORY)


def gas_used(batch: StepperBatch) -> int:
    """Of the only transaction, as the other engine counts it; zero if it is skipped."""
    (effect,) = (unit.effect for unit in batch.replay() if unit.raw is not None)
    return effect.gas_used if isinstance(effect, Outcome) else 0


def prove(host: OnchainHost, proven: Proven, witness: Witness | None = None) -> Hash32:
    encoded = (witness or proven.witness).encode()
    post, _ = host.prove_step(proven.pre, proven.j, proven.v, proven.acc, encoded)
    assert len(encoded) <= LONGEST_WITNESS
    return post


def check(host: OnchainHost, batch: StepperBatch) -> int:
    """Compare the ends of units with the other engine's, and each step with L1's; the number of steps."""
    assert batch.leaves() == [unit.leaf for unit in batch.replay()]
    n_steps = 0
    for proven in memory_steps(batch):
        assert prove(host, proven) == proven.post, proven.v
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
        for forged in forgeries(proven.witness):
            with pytest.raises(Reverted):
                prove(host, proven, forged)


def forgeries(witness: Witness) -> Iterator[Witness]:
    """Witnesses that differ from a right one in one place."""
    for stack in changed_lists(witness.stack, lambda item: (item ^ 1,), 0):
        yield replace(witness, stack=stack)
    if witness.stack:
        yield replace(witness, stack_rest=Hash32(flipped(witness.stack_rest, 31)))
    yield replace(witness, code=witness.code + b"\0")
    tape = witness.tape
    extra = Range(bytes(32), (Hash32(bytes(32)),) * 16)
    for ranges in changed_lists(tape.ranges, forged_ranges, extra):
        yield replace(witness, tape=replace(tape, ranges=ranges))
    for proofs in changed_lists(tape.proofs, forged_proofs, ()):
        yield replace(witness, tape=replace(tape, proofs=proofs))
    for blobs in changed_lists(tape.blobs, lambda blob: (flipped(blob, 0), blob + b"\0"), b""):
        yield replace(witness, tape=replace(tape, blobs=blobs))


def forged_ranges(item: Range) -> Iterator[Range]:
    """Ranges with another byte at either end, or with a sibling more, less or changed."""
    for place in (0, 31, len(item.words) - 32, len(item.words) - 1):
        yield item._replace(words=flipped(item.words, place))
    yield item._replace(words=item.words + bytes(32))
    yield item._replace(siblings=item.siblings[1:])
    yield item._replace(siblings=(*item.siblings, Hash32(bytes(32))))
    yield item._replace(siblings=(*item.siblings[:-1], Hash32(flipped(item.siblings[-1], 0))))


def forged_proofs(proof: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    """Node lists with a node more or changed."""
    yield (*proof, b"\x80")
    if proof:
        yield (*proof[:-1], flipped(proof[-1], len(proof[-1]) - 1))


def changed_lists(
    items: Sequence[Item], forge: Callable[[Item], Iterable[Item]], extra: Item
) -> Iterator[tuple[Item, ...]]:
    """Lists with one item changed, missing or more."""
    for index, item in enumerate(items):
        for forged in forge(item):
            yield (*items[:index], forged, *items[index + 1 :])
        yield (*items[:index], *items[index + 1 :])
    yield (*items, extra)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
