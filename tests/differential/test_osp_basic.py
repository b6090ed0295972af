"""The verifier's contracts against the step machine: every basic opcode, in every way it can end."""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

import pytest

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.opcode_table import OPCODES, Group, Op
from optimistic.protocol.stepper.state import Halt
from optimistic.protocol.unit import Phase
from tests.helpers.onchain_host import OnchainHost
from tests.helpers.opcode_stage import stage_on, view
from tests.helpers.stepper_batch import prove_step

pytestmark = pytest.mark.timeout(900)  # the first test that needs the contracts may have to compile them

WORD_MAX: Final = (1 << 256) - 1
EDGES: Final = (0, 1, 2, 7, 31, 32, 255, 256, 1 << 64, (1 << 255) - 1, 1 << 255, WORD_MAX - 1, WORD_MAX)
STACK_LIMIT: Final = 1024
BASIC: Final = [op for op in Op if (row := OPCODES[op]) is not None and row.group is Group.BASIC]
UNDEFINED: Final = [byte for byte in range(256) if OPCODES[byte] is None]
COMPUTING: Final = [op for op in BASIC if op <= Op.SAR]
LONG_CODE: Final = bytes((Op.PUSH0 + i % 33) if i % 3 else Op.JUMPDEST for i in range(24_576))


@pytest.fixture(scope="module")
def host() -> OnchainHost:
    return OnchainHost(DEVNET)


def prove(host: OnchainHost, code: bytes, items: tuple[int, ...] = (), **frame: Any) -> Halt:
    """Run one step of a frame with `items` (top first) on both sides and return how the frame stands then."""
    setting = stage_on(items, code=code, **frame)
    step = prove_step(setting.be, setting.m)

    assert host.prove(step) == step.post
    assert (setting.m.phase is Phase.EXIT) == (setting.frame.halt is not Halt.RUNNING)
    return setting.frame.halt


@pytest.mark.parametrize("op", BASIC, ids=lambda op: op.name)
def test_step__basic_opcode_at_each_limit__both_sides_agree(host: OnchainHost, op: Op) -> None:
    row = OPCODES[op]
    assert row is not None
    code = bytes((op, Op.JUMPDEST, *range(33)))
    items = (1,) * row.pops
    gas = row.gas + (50 if op is Op.EXP else 0)
    view_fields = {"calldata": view(b"abc"), "returndata": view(b"defgh"), "value": 6, "memory_words": 3}

    assert prove(host, code, items, **view_fields) is Halt.RUNNING
    assert prove(host, code, items, gas=gas, is_static=True) is Halt.RUNNING
    assert prove(host, code, items, gas=gas - 1) is Halt.EXCEPTIONAL
    if row.pops:
        assert prove(host, code, items[1:]) is Halt.EXCEPTIONAL
    full = items + (5,) * (STACK_LIMIT - row.pops)
    expected = Halt.EXCEPTIONAL if row.pushes > row.pops else Halt.RUNNING
    assert prove(host, code, full) is expected
    assert prove(host, code, full[: STACK_LIMIT - 1]) is Halt.RUNNING


@pytest.mark.parametrize("byte", UNDEFINED, ids=hex)
def test_step__undefined_opcode__halts_on_both_sides(host: OnchainHost, byte: int) -> None:
    assert prove(host, bytes((byte,)), (1, 2, 3)) is Halt.EXCEPTIONAL


@pytest.mark.parametrize("op", COMPUTING, ids=lambda op: op.name)
def test_step__edges_of_arithmetic__both_sides_agree(host: OnchainHost, op: Op) -> None:
    row = OPCODES[op]
    assert row is not None
    values = EDGES if row.pops < 3 else EDGES[::3]

    for items in product(values, repeat=row.pops):
        assert prove(host, bytes((op,)), items) is Halt.RUNNING


def _jumps() -> Iterator[tuple[str, bytes, int, Halt]]:
    """Yield codes that begin with a JUMP, where to, and how that ends."""
    for target in (1, 2, 3, 1 << 64, (1 << 64) + 1, WORD_MAX):
        yield f"plain_{target:#x}", b"\x56\x5b\x00", target, Halt.RUNNING if target == 1 else Halt.EXCEPTIONAL
    for size in range(1, 33):
        code = bytes((Op.JUMP, Op.PUSH0 + size)) + b"\x5b" * (size + 1)
        yield f"last_of_push{size}", code, size + 1, Halt.EXCEPTIONAL
        yield f"after_push{size}", code, size + 2, Halt.RUNNING
    yield "cut_off", bytes((Op.JUMP, Op.PUSH32, 0x5B)), 2, Halt.EXCEPTIONAL


@pytest.mark.parametrize(
    ("code", "target", "expected"), [case[1:] for case in _jumps()], ids=[case[0] for case in _jumps()]
)
def test_step__jump__both_sides_agree(host: OnchainHost, code: bytes, target: int, expected: Halt) -> None:
    conditional = bytes((Op.JUMPI,)) + code[1:]

    assert prove(host, code, (target,)) is expected
    assert prove(host, conditional, (target, WORD_MAX)) is expected
    assert prove(host, conditional, (target, 0)) is Halt.RUNNING


def test_step__jumps_into_long_code__both_sides_agree(host: OnchainHost) -> None:
    code = bytes((Op.JUMP,)) + LONG_CODE[1:]

    ends = [prove(host, code, (target,)) for target in range(24_300, len(code) + 1)]

    assert set(ends) == {Halt.RUNNING, Halt.EXCEPTIONAL}


@pytest.mark.parametrize("size", range(33))
def test_step__push_at_the_end_of_the_code__both_sides_agree(host: OnchainHost, size: int) -> None:
    code = bytes((Op.PUSH0 + size,)) + bytes(range(0xC0, 0xC0 + size))

    for length in range(1, size + 2):
        assert prove(host, code[:length]) is Halt.RUNNING


@pytest.mark.parametrize("pc", [1, 2, 1 << 40], ids=["end", "behind", "far"])
def test_step__beyond_the_code__stops_on_both_sides(host: OnchainHost, pc: int) -> None:
    assert prove(host, bytes((Op.ADD,)), (1, 2), pc=pc) is Halt.SUCCESS
    assert prove(host, b"", pc=pc) is Halt.SUCCESS
