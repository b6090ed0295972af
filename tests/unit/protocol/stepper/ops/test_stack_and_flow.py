"""PUSH, DUP, SWAP, POP, jumps, and what a frame knows of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.ops.jumpdests import jump_destinations
from tests.helpers.opcode_stage import GAS, stage

MAX = (1 << 256) - 1


@pytest.mark.parametrize("size", range(33))
def test_push__data_in_code__is_the_number_and_skips_it(size: int) -> None:
    data = bytes(range(0x81, 0x81 + size))
    scene = stage(code=bytes((Op.PUSH0 + size,)) + data + b"\x5b")

    scene.run(Op(Op.PUSH0 + size))

    assert scene.stack == [int.from_bytes(data, "big")]
    assert scene.frame.pc == 1 + size


@pytest.mark.parametrize(
    ("code", "expected"), [("60", 0), ("61ab", 0xAB00), ("7f01", 1 << 248), ("63aabbcc", 0xAABBCC00)]
)
def test_push__data_beyond_the_code__is_zeros_on_the_right(code: str, expected: int) -> None:
    scene = stage(code=bytes.fromhex(code))

    scene.run(Op(bytes.fromhex(code)[0]))

    assert scene.stack == [expected]
    assert scene.frame.pc == bytes.fromhex(code)[0] - 0x5F + 1


@pytest.mark.parametrize("depth", range(1, 17))
def test_dup_and_swap__each_depth__reach_that_item(depth: int) -> None:
    copied, swapped = stage(), stage()

    copied.run(Op(Op.DUP1 + depth - 1), *range(100, 120))
    swapped.run(Op(Op.SWAP1 + depth - 1), *range(100, 120))

    assert copied.stack == [99 + depth, *range(100, 120)]
    expected = list(range(100, 120))
    expected[0], expected[depth] = expected[depth], expected[0]
    assert swapped.stack == expected


def test_pop__items__drops_the_top() -> None:
    scene = stage()

    scene.run(Op.POP, 1, 2)

    assert scene.stack == [2]


def test_jump__destination__goes_there() -> None:
    scene = stage(code=bytes.fromhex("5660005b"))

    scene.run(Op.JUMP, 3)

    assert scene.frame.pc == 3
    assert scene.stack == []


@pytest.mark.parametrize("target", [0, 1, 2, 4, 5, 1 << 64, (1 << 64) + 3, MAX])
def test_jump__anything_else__fails(target: int) -> None:
    code = bytes.fromhex("56605b5b60")

    assert stage(code=code).fails(Op.JUMP, target)
    assert stage(code=code).fails(Op.JUMPI, target, 1)
    assert not stage(code=code).fails(Op.JUMPI, target, 0)


def test_jump_if__zero_condition__goes_on() -> None:
    scene = stage(code=bytes.fromhex("57005b"))

    scene.run(Op.JUMPI, MAX, 0)

    assert scene.frame.pc == 1
    assert scene.stack == []


def test_jump_if__any_other_condition__jumps() -> None:
    scene = stage(code=bytes.fromhex("57005b"))

    scene.run(Op.JUMPI, 2, 1 << 255)

    assert scene.frame.pc == 2


def test_own_progress__pushes_pc_memory_and_gas() -> None:
    scene = stage(pc=7, memory_words=3)

    scene.run(Op.PC)
    scene.run(Op.MSIZE)
    scene.run(Op.GAS)
    scene.run(Op.JUMPDEST)

    assert scene.stack == [GAS - 6, 96, 7]
    assert scene.frame.gas == GAS - 7
    assert scene.frame.pc == 11


@given(
    st.binary(max_size=200),
    st.lists(st.sampled_from([0x5B, 0x60, 0x61, 0x7F, 0x7E, 0x5F, 0x80]), max_size=60),
)
def test_destinations__any_code__are_those_found_from_the_end(noise: bytes, pattern: list[int]) -> None:
    code = bytes(pattern) + noise
    # reachable[i]: an instruction begins at i; computed for each place from all shorter prefixes
    reachable = [False] * (len(code) + 40)
    reachable[0] = True
    for place, opcode in enumerate(code):
        if reachable[place]:
            reachable[place + 1 + (opcode - 0x5F if 0x60 <= opcode <= 0x7F else 0)] = True

    marks = jump_destinations(code)

    assert len(marks) == len(code)
    assert [mark == 1 for mark in marks] == [
        reachable[place] and opcode == 0x5B for place, opcode in enumerate(code)
    ]
