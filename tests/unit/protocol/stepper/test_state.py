"""Hashes of the machine: each from scratch, whatever was remembered."""

import inspect
import sys
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.constants import TAG_FRAME, TAG_MACHINE
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.stepper.state import Frame, Machine, Stack, hash_of
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Phase, machine_hash
from tests.helpers.opcode_stage import TX, UNIT, memory, stage, view

BASE = stage()

items = st.integers(0, (1 << 256) - 1)
small = st.integers(0, 3)


def chain(values: list[int], below: Hash32 = ZERO_HASH) -> Hash32:
    """The hash of a stack by its definition."""
    for value in values:
        below = keccak256(below + value.to_bytes(32, "big"))
    return below


def fresh(frame: Frame) -> Hash32:
    """The hash of a frame by its definition."""
    return struct_hash(
        TAG_FRAME,
        hash_of(frame.parent),
        hash_of(frame.snapshot),
        frame.depth,
        frame.kind,
        frame.is_static,
        frame.address,
        frame.caller,
        frame.value,
        frame.code_hash,
        frame.precompile,
        frame.calldata.root,
        frame.calldata.offset,
        frame.calldata.length,
        frame.pc,
        frame.gas,
        chain(list(frame.stack), frame.stack.below_hash),
        frame.stack.height,
        frame.memory.root,
        frame.memory_words,
        frame.returndata.root,
        frame.returndata.offset,
        frame.returndata.length,
        frame.out_offset,
        frame.out_length,
        frame.halt,
    )


def stage_frame(parent: Frame | Hash32, depth: int) -> Frame:
    """A frame below another one."""
    return replace(BASE.frame, parent=parent, depth=depth)


@given(
    edits=st.lists(st.tuples(st.sampled_from(("push", "pop", "swap", "set", "hash")), small), max_size=60),
    start=st.lists(small, max_size=40),
)
def test_stack__any_edits_between_hashes__hash_is_the_chain(
    edits: list[tuple[str, int]], start: list[int]
) -> None:
    stack = Stack(start)
    for kind, value in edits:
        if kind == "push":
            stack.append(value)
        elif kind == "hash":
            assert stack.hash() == chain(list(stack))
        elif stack and kind == "pop":
            stack.pop()
        elif stack and kind == "swap":
            other = value % len(stack)
            stack[-1], stack[other] = stack[other], stack[-1]
        elif stack:
            stack[value % len(stack)] = value
    assert stack.hash() == chain(list(stack))


@given(low=st.lists(items, max_size=5), high=st.lists(items, max_size=5))
def test_stack__highest_items_above_a_hash__hashes_as_the_whole(low: list[int], high: list[int]) -> None:
    part = Stack(high, len(low), chain(low))
    assert part.hash() == chain(low + high)
    assert part.height == len(low) + len(high)


def test_frame__fields_of_the_head_change__hash_follows() -> None:
    frame = stage(code=b"\x5b").frame
    assert frame.hash() == fresh(frame)
    frame.pc, frame.gas = 3, 4
    assert frame.hash() == fresh(frame)
    frame.address = Address(b"\x09" * 20)
    frame.calldata = view(b"abc")
    frame.memory = memory(b"xyz")
    frame.snapshot = Hash32(b"\7" * 32)
    assert frame.hash() == fresh(frame)


def test_frame__another_parent__hash_follows() -> None:
    parent, frame = stage().frame, stage().frame
    frame.parent = parent
    assert frame.hash() == fresh(frame)
    frame.parent = stage(gas=5).frame
    assert frame.hash() == fresh(frame)
    frame.parent = parent.hash()
    assert frame.hash() == fresh(frame)


def test_frame__a_thousand_callers__hashes_within_a_small_python_stack() -> None:
    frame = stage().frame
    hashes = [frame.hash()]
    for depth in range(1, 1_100):
        frame = stage_frame(frame, depth)
        plain = stage_frame(hashes[-1], depth)
        hashes.append(plain.hash())
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 50)
    try:
        assert frame.hash() == hashes[-1]
    finally:
        sys.setrecursionlimit(limit)


def test_machine__parts_replaced_between_hashes__hash_follows() -> None:
    m = stage().m
    for tx in (TX, replace(TX, value=1), TX):
        for unit in (UNIT, replace(UNIT, number=9)):
            m.tx, m.unit = tx, unit
            assert m.hash() == struct_hash(
                TAG_MACHINE,
                m.phase,
                unit.hash(),
                tx.hash(),
                hash_of(m.journal),
                hash_of(m.frame),
                ZERO_HASH,
            )


def test_machine__journal_known_by_its_hash__stands_for_itself() -> None:
    m = stage().m
    known = m.hash()
    m.journal = hash_of(m.journal)
    assert m.hash() == known


def test_machine__at_rest__hashes_as_between_units() -> None:
    assert Machine(Phase.BOUNDARY, UNIT).hash() == machine_hash(Phase.BOUNDARY, UNIT)
