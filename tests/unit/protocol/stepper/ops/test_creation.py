"""CREATE and CREATE2: the child's frame, the price, and when there is none."""

from typing import Any

import pytest

from optimistic.protocol.accounts import MAX_NONCE
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.state import EMPTY_VIEW, FrameKind
from optimistic.protocol.types import Address
from optimistic.protocol.unit import Phase
from tests.helpers.evm_world import Alloc
from tests.helpers.opcode_stage import SELF, Stage, memory, number, stage, view

MAX = (1 << 256) - 1
INITCODE = bytes(range(1, 41))
CREATES = (Op.CREATE, Op.CREATE2)
SALT = 0x1234


def world(nonce: int = 1, creator: Address = SELF, **changes: Any) -> Stage:
    """The creator has wei, and initcode at offset 3 of its memory."""
    return stage(
        {creator: Alloc(nonce=nonce, balance=100)},
        address=creator,
        memory=memory(b"\xff" * 3 + INITCODE),
        memory_words=2,
        **changes,
    )


def items(op: Op, value: int = 0, offset: int = 3, length: int = len(INITCODE)) -> tuple[int, ...]:
    """Stack of a creation."""
    return (value, offset, length, *([SALT] if op is Op.CREATE2 else []))


@pytest.mark.parametrize(("op", "word_gas"), [(Op.CREATE, 2), (Op.CREATE2, 8)])
def test_create__initcode__runs_in_a_child(op: Op, word_gas: int) -> None:
    scene = world(depth=7, returndata=view(b"old"))
    parent = scene.frame
    left = 10_000_000 - 32_000 - 2 * word_gas

    scene.run(op, *items(op, value=30))

    child = scene.frame
    assert scene.m.phase is Phase.CREATE_ENTER
    assert child.kind is FrameKind.CREATE
    assert child.parent is parent
    assert (child.caller, child.value, child.depth, child.is_static) == (SELF, 30, 8, False)
    assert child.code_hash == keccak256(INITCODE)
    assert scene.be.code(child.code_hash) == INITCODE
    assert child.calldata is EMPTY_VIEW
    assert child.gas == left - left // 64
    assert parent.gas == left // 64
    assert (parent.pc, list(parent.stack), parent.returndata) == (1, [], EMPTY_VIEW)
    # nonce and warmth stay whatever becomes of the child, the value has not moved yet
    assert child.snapshot is scene.journal
    assert scene.account(SELF).nonce == 2
    assert scene.account(SELF).balance == 100
    assert scene.warm_bits(child.address) == b"\x01"
    assert not scene.has(child.address)


def test_create2__known_case__has_the_address_of_eip1014() -> None:
    creator = Address(bytes.fromhex("00000000000000000000000000000000deadbeef"))
    scene = stage({creator: Alloc(nonce=1)}, address=creator, memory=memory(bytes.fromhex("deadbeef")))

    scene.run(Op.CREATE2, 0, 0, 4, 0xCAFEBABE)

    assert scene.frame.address.hex() == "60f3f640a8508fc6a86d45df051962668e1e8ac7"


@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        (0, "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
        (1, "343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
        (2, "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
    ],
)
def test_create__known_creator__has_the_known_address(nonce: int, address: str) -> None:
    creator = Address(bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"))
    scene = world(nonce, creator)

    scene.run(Op.CREATE, *items(Op.CREATE))

    assert scene.frame.address.hex() == address


@pytest.mark.parametrize("op", CREATES)
def test_create__no_initcode__reads_nothing(op: Op) -> None:
    scene = world()

    scene.run(op, *items(op, offset=MAX, length=0))

    assert scene.frame.code_hash == keccak256(b"")


@pytest.mark.parametrize("op", CREATES)
def test_create__longest_initcode__is_the_limit(op: Op) -> None:
    assert not world().fails(op, *items(op, length=49_152))
    assert world().fails(op, *items(op, length=49_153))


@pytest.mark.parametrize("op", CREATES)
@pytest.mark.parametrize(("offset", "length"), [(MAX, 1), (0, MAX), (1 << 64, 1)])
def test_create__no_memory_reaches_there__fails(op: Op, offset: int, length: int) -> None:
    assert world().fails(op, *items(op, offset=offset, length=length))


@pytest.mark.parametrize("op", CREATES)
@pytest.mark.parametrize(
    ("value", "nonce", "depth"), [(101, 1, 0), (MAX, 1, 0), (0, MAX_NONCE, 0), (0, 1, 1_024)]
)
def test_create__impossible__goes_on_with_a_zero(op: Op, value: int, nonce: int, depth: int) -> None:
    scene = world(nonce, depth=depth, returndata=view(b"old"))
    before = scene.journal

    gas = scene.run(op, *items(op, value=value))

    assert scene.m.phase is Phase.EXEC
    assert scene.stack == [0]
    assert scene.frame.pc == 1
    assert scene.frame.returndata is EMPTY_VIEW
    assert scene.journal is before
    assert gas == 32_000 + 2 * (8 if op is Op.CREATE2 else 2)


@pytest.mark.parametrize("op", CREATES)
def test_create__all_wei_and_last_nonce_and_depth__is_possible(op: Op) -> None:
    scene = world(MAX_NONCE - 1, depth=1_023)

    scene.run(op, *items(op, value=100))

    assert scene.m.phase is Phase.CREATE_ENTER
    assert scene.account(SELF).nonce == MAX_NONCE


def test_create__exact_gas__leaves_the_child_none() -> None:
    scene = world(gas=32_004)

    scene.run(Op.CREATE, *items(Op.CREATE))

    assert scene.frame.gas == 0
    assert world(gas=32_003).fails(Op.CREATE, *items(Op.CREATE))
    assert number(scene.frame.address)
