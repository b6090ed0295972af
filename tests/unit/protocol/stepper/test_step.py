"""The driver of opcodes: what it checks before a handler, and how long it runs."""

import pytest

from optimistic.protocol.stepper.opcode_table import OPCODES, Op, StaticRule
from optimistic.protocol.stepper.state import EMPTY_VIEW, Halt, Journal, Stack
from optimistic.protocol.stepper.step import run, step
from optimistic.protocol.stepper.words import Memory
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.opcode_stage import GAS, Stage, stage

UNDEFINED = [opcode for opcode in range(256) if OPCODES[opcode] is None]
DEFINED = [Op(opcode) for opcode in range(256) if OPCODES[opcode] is not None]


def halted(scene: Stage) -> bool:
    """Whether the frame ended in an exceptional halt, and in the one form of it."""
    frame = scene.frame
    if scene.m.phase is not Phase.EXIT or frame.halt is not Halt.EXCEPTIONAL:
        return False
    assert (frame.gas, frame.pc, frame.memory_words, frame.stack.height) == (0, 0, 0, 0)
    assert frame.returndata == EMPTY_VIEW
    assert frame.memory.root == Memory().root
    assert scene.m.journal == frame.snapshot
    assert scene.m.pend is None
    return True


@pytest.mark.parametrize("opcode", UNDEFINED)
def test_step__undefined_opcode__halts(opcode: int) -> None:
    scene = stage(code=bytes((opcode,)), stack=Stack([1] * 20))
    step(scene.be, scene.m)
    assert halted(scene)


@pytest.mark.parametrize("op", [op for op in DEFINED if OPCODES[op].pops])  # type: ignore[union-attr]
def test_step__too_few_items__halts(op: Op) -> None:
    row = OPCODES[op]
    assert row is not None
    scene = stage(code=bytes((op,)), stack=Stack([0] * (row.pops - 1)))
    step(scene.be, scene.m)
    assert halted(scene)


@pytest.mark.parametrize("op", [op for op in DEFINED if OPCODES[op].pushes > OPCODES[op].pops])  # type: ignore[union-attr]
def test_step__full_stack__halts_if_it_grows(op: Op) -> None:
    scene = stage(code=bytes((op,)), stack=Stack([0] * 1024))
    step(scene.be, scene.m)
    assert halted(scene)
    below = stage(code=bytes((op,)), stack=Stack([0] * 1023))
    step(below.be, below.m)
    assert below.frame.stack.height == 1024


@pytest.mark.parametrize("op", [op for op in DEFINED if OPCODES[op].gas])  # type: ignore[union-attr]
def test_step__less_than_the_base_gas__halts(op: Op) -> None:
    row = OPCODES[op]
    assert row is not None
    scene = stage(code=bytes((op,)), stack=Stack([0] * 20), gas=row.gas - 1)
    step(scene.be, scene.m)
    assert halted(scene)


@pytest.mark.parametrize("op", DEFINED)
def test_step__static_frame__forbids_what_the_table_forbids(op: Op) -> None:
    row = OPCODES[op]
    assert row is not None
    scene = stage(code=bytes((op,)), stack=Stack([0] * 20), is_static=True)
    step(scene.be, scene.m)
    if row.static is StaticRule.FORBIDDEN:
        assert halted(scene)


def test_step__end_of_code__is_stop() -> None:
    scene = stage(code=b"")
    step(scene.be, scene.m)
    assert scene.frame.halt is Halt.SUCCESS
    assert scene.frame.gas == GAS


def test_step__handler_fails_after_a_change__leaves_the_snapshot() -> None:
    scene = stage(code=bytes((Op.CREATE,)), stack=Stack([49_153, 0, 0]))
    before = scene.m.journal
    scene.frame.snapshot = Journal(state_root=Hash32(b"\5" * 32))
    step(scene.be, scene.m)
    assert halted(scene)
    assert scene.m.journal != before


def test_step__phase_fails__halts() -> None:
    scene = stage()
    scene.m.phase = Phase.CREATE_ENTER  # of an account with a nonce
    step(scene.be, scene.m)
    assert halted(scene)


def test_step__code_not_loaded__is_asked_for_once() -> None:
    scene = stage(code=b"\x5b\x5b")
    scene.frame.code = None
    step(scene.be, scene.m)
    assert scene.frame.code == b"\x5b\x5b"
    assert scene.frame.pc == 1


@pytest.mark.parametrize("limit", [0, 1, 2, 7, 100])
def test_run__limit__makes_as_many_steps_as_step(limit: int) -> None:
    code = bytes.fromhex("5b60015f525f600056")
    one, many = stage(code=code), stage(code=code)
    for _ in range(limit):
        step(one.be, one.m)
    assert run(many.be, many.m, limit) == limit
    assert many.m.hash() == one.m.hash()


@pytest.mark.parametrize("phase", [Phase.BOUNDARY, Phase.IDLE, Phase.ERRORED])
def test_run__at_rest__makes_no_step(phase: Phase) -> None:
    scene = stage()
    scene.m.phase = phase
    assert run(scene.be, scene.m, 5) == 0
