"""Calls: what the child gets, what the caller pays, and when there is no child."""

from typing import Any

import pytest

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.state import EMPTY_VIEW, FrameKind, Halt
from optimistic.protocol.types import Address
from optimistic.protocol.unit import Phase
from tests.helpers.evm_world import Alloc
from tests.helpers.opcode_stage import (
    ABSENT,
    CALLER,
    OTHER,
    SELF,
    SENDER,
    Stage,
    memory,
    number,
    stage,
    view,
)

MAX = (1 << 256) - 1
CODE = b"\x5b\x00"
CALLS = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
VALUED = (Op.CALL, Op.CALLCODE)
DATA = bytes(range(1, 65))


def world(**changes: Any) -> Stage:
    """SELF has wei and 64 bytes of memory; OTHER has code."""
    fields: dict[str, Any] = {"memory": memory(DATA), "memory_words": 2, "value": 5, **changes}
    return stage({SELF: Alloc(nonce=1, balance=100), OTHER: Alloc(code=CODE)}, **fields)


def items(
    op: Op,
    to: bytes = OTHER,
    value: int = 0,
    gas: int = 50_000,
    args: tuple[int, int] = (0, 0),
    out: tuple[int, int] = (0, 0),
) -> tuple[int, ...]:
    """Stack of a call."""
    return (gas, number(to), *([value] if op in VALUED else []), *args, *out)


@pytest.mark.parametrize(
    ("op", "address", "caller", "value", "is_static"),
    [
        (Op.CALL, OTHER, SELF, 0, False),
        (Op.CALLCODE, SELF, SELF, 0, False),
        (Op.DELEGATECALL, SELF, CALLER, 5, False),
        (Op.STATICCALL, OTHER, SELF, 0, True),
    ],
)
def test_call__each_kind__makes_the_childs_frame(
    op: Op, address: Address, caller: Address, value: int, is_static: bool
) -> None:
    scene = world(returndata=view(b"old"), depth=3)
    parent = scene.frame

    scene.run(op, *items(op, args=(2, 40), out=(64, 32)))

    child = scene.frame
    assert scene.m.phase is Phase.EXEC
    assert child.parent is parent
    assert (child.address, child.caller, child.value, child.is_static) == (address, caller, value, is_static)
    assert child.code_hash == keccak256(CODE)
    assert child.precompile == 0
    assert child.kind is FrameKind.CALL
    assert child.depth == 4
    assert child.gas == 50_000
    assert scene.be.read_view(child.calldata, 0, 40) == DATA[2:42]
    assert child.calldata.length == 40
    assert (child.out_offset, child.out_length) == (64, 32)
    assert child.halt is Halt.RUNNING
    assert child.snapshot is scene.journal
    assert parent.pc == 1
    assert parent.returndata is EMPTY_VIEW
    assert list(parent.stack) == []
    assert parent.memory_words == 3
    # 2,600 for the cold account, one word of memory, and what the child has
    assert parent.gas == 10_000_000 - 2_600 - 3 - 50_000
    assert scene.warm_bits(OTHER) == b"\x01"


@pytest.mark.parametrize("op", CALLS)
def test_call__more_gas_than_there_is__leaves_a_64th(op: Op) -> None:
    scene = world(gas=2_600 + 6_400)
    parent = scene.frame

    scene.run(op, *items(op, gas=MAX))

    assert scene.frame.gas == 6_300
    assert parent.gas == 100


@pytest.mark.parametrize("op", CALLS)
def test_call__static_frame__makes_static_children(op: Op) -> None:
    scene = world(is_static=True)

    scene.run(op, *items(op))

    assert scene.frame.is_static


def test_call__value_in_a_static_frame__fails() -> None:
    assert world(is_static=True).fails(Op.CALL, *items(Op.CALL, value=1))
    assert not world(is_static=True).fails(Op.CALLCODE, *items(Op.CALLCODE, value=1))


@pytest.mark.parametrize(
    ("op", "to", "value", "gas"),
    [
        (Op.CALL, OTHER, 1, 2_600 + 9_000),
        (Op.CALL, ABSENT, 1, 2_600 + 9_000 + 25_000),
        (Op.CALL, ABSENT, 0, 2_600),
        (Op.CALL, SENDER, 1, 100 + 9_000 + 25_000),
        (Op.CALL, SELF, 1, 2_600 + 9_000),
        (Op.CALLCODE, ABSENT, 1, 2_600 + 9_000),
        (Op.CALLCODE, ABSENT, 0, 2_600),
        (Op.DELEGATECALL, ABSENT, 0, 2_600),
        (Op.STATICCALL, ABSENT, 0, 2_600),
        (Op.STATICCALL, bytes(19) + b"\x04", 0, 100),
    ],
)
def test_call__value_and_new_accounts__have_their_price(op: Op, to: Address, value: int, gas: int) -> None:
    scene = world()
    parent = scene.frame

    scene.run(op, *items(op, to, value, gas=1_000))

    assert 10_000_000 - parent.gas == gas + 1_000
    assert scene.frame.gas == 1_000 + (2_300 if value else 0)


@pytest.mark.parametrize("op", CALLS)
@pytest.mark.parametrize(("args", "out"), [((MAX, 1), (0, 0)), ((0, 0), (0, MAX)), ((0, 1 << 64), (0, 0))])
def test_call__no_memory_reaches_there__fails(op: Op, args: tuple[int, int], out: tuple[int, int]) -> None:
    assert world().fails(op, *items(op, args=args, out=out))


@pytest.mark.parametrize("op", CALLS)
def test_call__empty_ranges_anywhere__are_fine(op: Op) -> None:
    scene = world()

    scene.run(op, *items(op, args=(MAX, 0), out=(MAX, 0)))

    assert scene.frame.calldata is EMPTY_VIEW
    assert (scene.frame.out_offset, scene.frame.out_length) == (0, 0)


@pytest.mark.parametrize("op", CALLS)
def test_call__too_little_gas_for_the_account__fails(op: Op) -> None:
    assert world(gas=2_599).fails(op, *items(op))
    assert not world(gas=2_600).fails(op, *items(op))


# -------------------------------------------------------------------------------------------- value


def test_call__value__moves_and_the_snapshot_is_from_before() -> None:
    scene = world()
    before = scene.journal

    scene.run(Op.CALL, *items(Op.CALL, value=30))

    assert scene.account(SELF).balance == 70
    assert scene.account(OTHER).balance == 30
    snapshot = scene.frame.snapshot
    assert not isinstance(snapshot, bytes)
    assert snapshot.state_root == before.state_root
    assert snapshot.warm_root != before.warm_root


def test_call__value_to_nobody__makes_an_account() -> None:
    scene = world()

    scene.run(Op.CALL, *items(Op.CALL, ABSENT, value=100))

    assert scene.account(ABSENT).balance == 100
    assert scene.account(SELF).balance == 0
    assert scene.has(SELF)


def test_call__no_value_to_nobody__makes_none() -> None:
    scene = world()
    root = scene.journal.state_root

    scene.run(Op.CALL, *items(Op.CALL, ABSENT))

    assert scene.journal.state_root == root
    assert scene.frame.code_hash == keccak256(b"")


@pytest.mark.parametrize(("op", "to"), [(Op.CALL, SELF), (Op.CALLCODE, OTHER)])
def test_call__value_to_itself__changes_nothing(op: Op, to: Address) -> None:
    scene = world()
    root = scene.journal.state_root

    scene.run(op, *items(op, to, value=100))

    assert scene.m.frame is not None
    assert scene.frame.depth == 1
    assert scene.frame.value == 100
    assert scene.journal.state_root == root


# ----------------------------------------------------------------------------------------- no child


def check_no_child(scene: Stage, spent: int) -> None:
    """The frame goes on with a zero, its gas but for `spent`, and no return data."""
    assert scene.m.phase is Phase.EXEC
    assert scene.stack == [0]
    assert scene.frame.pc == 1
    assert scene.frame.returndata is EMPTY_VIEW
    assert scene.frame.gas == 10_000_000 - spent
    assert scene.warm_bits(OTHER) == b"\x01"


@pytest.mark.parametrize("op", VALUED)
def test_call__more_value_than_there_is__gives_gas_and_stipend_back(op: Op) -> None:
    scene = world(returndata=view(b"old"))
    root = scene.journal.state_root

    scene.run(op, *items(op, value=101))

    check_no_child(scene, 2_600 + 9_000 - 2_300)
    assert scene.journal.state_root == root


@pytest.mark.parametrize("op", CALLS)
@pytest.mark.parametrize("value", [0, 1])
def test_call__too_deep__gives_the_gas_back(op: Op, value: int) -> None:
    scene = world(depth=1_024, returndata=view(b"old"))
    root = scene.journal.state_root
    has_value = value and op in VALUED

    scene.run(op, *items(op, value=value))

    check_no_child(scene, 2_600 + (9_000 - 2_300 if has_value else 0))
    assert scene.journal.state_root == root


@pytest.mark.parametrize("op", CALLS)
def test_call__last_depth__has_a_child(op: Op) -> None:
    scene = world(depth=1_023)

    scene.run(op, *items(op))

    assert scene.frame.depth == 1_024


# -------------------------------------------------------------------------------------- precompiles


@pytest.mark.parametrize("op", CALLS)
@pytest.mark.parametrize("last", [1, 10])
def test_call__precompile__has_a_frame_without_code(op: Op, last: int) -> None:
    scene = world()

    scene.run(op, *items(op, bytes(19) + bytes((last,)), args=(0, 64)))

    assert scene.m.phase is Phase.PRECOMPILE
    assert scene.frame.precompile == last
    assert scene.frame.calldata.length == 64


@pytest.mark.parametrize("to", [bytes(20), bytes(19) + b"\x0b", b"\x01" + bytes(18) + b"\x01"])
def test_call__next_to_the_precompiles__is_an_account(to: bytes) -> None:
    scene = world()

    scene.run(Op.CALL, *items(Op.CALL, to))

    assert scene.m.phase is Phase.EXEC
    assert scene.frame.precompile == 0


def test_call__high_bytes_of_the_address__are_ignored() -> None:
    scene = world()

    scene.run(Op.CALL, 1_000, number(OTHER) | MAX << 160 & MAX, 0, 0, 0, 0, 0)

    assert scene.frame.address == OTHER


# ----------------------------------------------------------------------------------------- the ends


@pytest.mark.parametrize(("op", "status"), [(Op.RETURN, Halt.SUCCESS), (Op.REVERT, Halt.REVERT)])
def test_end__with_output__is_a_view_of_memory(op: Op, status: Halt) -> None:
    scene = world()

    gas = scene.run(op, 10, 60)

    assert scene.m.phase is Phase.EXIT
    assert scene.frame.halt is status
    assert scene.be.read_view(scene.frame.returndata, 0, 60) == DATA[10:] + bytes(6)
    assert scene.frame.returndata.offset == 10
    assert gas == 3
    assert (scene.stack, scene.frame.memory_words, scene.frame.pc) == ([], 0, 0)


@pytest.mark.parametrize("op", [Op.RETURN, Op.REVERT])
def test_end__no_output__ignores_the_offset(op: Op) -> None:
    scene = world()

    scene.run(op, MAX, 0)

    assert scene.frame.returndata is EMPTY_VIEW
    assert world().fails(op, MAX, 1)


def test_revert__journal_changed__is_put_back() -> None:
    scene = world()
    before = scene.journal
    scene.run(Op.SSTORE, 1, 1)
    scene.run(Op.TSTORE, 1, 1)

    scene.run(Op.REVERT, 0, 0)

    assert scene.journal is before
    assert scene.frame.gas > 0


def test_stop__succeeds_with_nothing() -> None:
    scene = world(returndata=view(b"old"))

    scene.run(Op.STOP)

    assert scene.frame.halt is Halt.SUCCESS
    assert scene.frame.returndata is EMPTY_VIEW
