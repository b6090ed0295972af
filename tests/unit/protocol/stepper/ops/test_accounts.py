"""What opcodes tell of accounts, and what SELFDESTRUCT does to them."""

import pytest

from optimistic.protocol.constants import TAG_DESTROY
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.state import EMPTY_VIEW, Halt
from optimistic.protocol.types import ZERO_HASH, Address
from optimistic.protocol.unit import Phase
from tests.helpers.evm_world import Alloc
from tests.helpers.opcode_stage import (
    ABSENT,
    COINBASE,
    OTHER,
    SELF,
    SENDER,
    TARGET,
    Stage,
    number,
    stage,
)

CODE = b"\x60\x01\x00"
CREATED, WARM, DESTROYED = 2, 1, 4


def world() -> Stage:
    """SELF has wei; OTHER has code and wei."""
    return stage({SELF: Alloc(nonce=1, balance=50), OTHER: Alloc(code=CODE, balance=7)})


# -------------------------------------------------------------------------------------------- looks


@pytest.mark.parametrize(
    ("op", "expected"),
    [(Op.BALANCE, 7), (Op.EXTCODESIZE, 3), (Op.EXTCODEHASH, number(keccak256(CODE)))],
)
def test_look__at_an_account__is_cheap_the_second_time(op: Op, expected: int) -> None:
    scene = world()

    assert scene.run(op, number(OTHER)) == 2_600
    assert scene.run(op, number(OTHER) | 0xDEAD << 160) == 100
    assert scene.stack == [expected, expected]


@pytest.mark.parametrize("op", [Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH])
def test_look__at_nobody__is_zero(op: Op) -> None:
    scene = world()

    assert scene.run(op, number(ABSENT)) == 2_600
    assert scene.stack == [0]


def test_code_hash__account_without_code__is_that_of_nothing() -> None:
    scene = world()

    scene.run(Op.EXTCODEHASH, number(SELF))
    scene.run(Op.EXTCODESIZE, number(SELF))

    assert scene.stack == [0, number(keccak256(b""))]


@pytest.mark.parametrize("address", [SENDER, TARGET, COINBASE, bytes(19) + b"\x01", bytes(19) + b"\x0a"])
def test_look__warm_by_rule__is_cheap_and_leaves_no_trace(address: bytes) -> None:
    scene = world()
    before = scene.journal.warm_root

    assert scene.run(Op.BALANCE, number(address)) == 100
    assert scene.journal.warm_root == before


@pytest.mark.parametrize("address", [bytes(20), bytes(19) + b"\x0b"])
def test_look__next_to_the_precompiles__is_cold(address: bytes) -> None:
    assert world().run(Op.BALANCE, number(address)) == 2_600


def test_self_balance__own_wei__needs_no_warmth() -> None:
    scene = world()

    assert scene.run(Op.SELFBALANCE) == 5
    assert scene.stack == [50]
    assert scene.warm_bits(SELF) is None


@pytest.mark.parametrize("op", [Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH])
def test_look__too_little_gas__fails(op: Op) -> None:
    scene = world()
    scene.frame.gas = 2_599

    assert scene.fails(op, number(OTHER))


# ------------------------------------------------------------------------------------ selfdestruct


def created(scene: Stage) -> Stage:
    """Make SELF a contract of this transaction."""
    key = keccak256(SELF)
    root = scene.be.put_leaf(scene.be.open_leaf(scene.journal.warm_root, key), bytes((WARM | CREATED,)))
    object.__setattr__(scene.journal, "warm_root", root)
    return scene


def check_end(scene: Stage) -> None:
    """The frame succeeded without output."""
    assert scene.m.phase is Phase.EXIT
    assert scene.frame.halt is Halt.SUCCESS
    assert scene.frame.returndata is EMPTY_VIEW


@pytest.mark.parametrize("is_new", [False, True])
def test_selfdestruct__to_another__moves_the_balance(is_new: bool) -> None:
    scene = created(world()) if is_new else world()

    assert scene.run(Op.SELFDESTRUCT, number(OTHER)) == 7_600

    check_end(scene)
    assert scene.account(SELF).balance == 0
    assert scene.account(SELF).nonce == 1
    assert scene.account(OTHER).balance == 57
    assert scene.journal.destroy_count == int(is_new)
    assert scene.journal.destroy_acc == (struct_hash(TAG_DESTROY, ZERO_HASH, SELF) if is_new else ZERO_HASH)
    assert scene.warm_bits(SELF) == (bytes((WARM | CREATED | DESTROYED,)) if is_new else None)
    assert scene.warm_bits(OTHER) == b"\x01"


@pytest.mark.parametrize("is_new", [False, True])
def test_selfdestruct__to_itself__burns_only_what_is_new(is_new: bool) -> None:
    scene = created(world()) if is_new else world()

    scene.run(Op.SELFDESTRUCT, number(SELF))

    check_end(scene)
    assert scene.account(SELF).balance == (0 if is_new else 50)
    assert scene.journal.destroy_count == int(is_new)


def test_selfdestruct__again__is_noted_once() -> None:
    scene = created(world())
    scene.run(Op.SELFDESTRUCT, number(OTHER))
    acc = scene.journal.destroy_acc

    gas = scene.run(Op.SELFDESTRUCT, number(OTHER))

    assert gas == 5_000
    assert scene.journal.destroy_count == 1
    assert scene.journal.destroy_acc == acc


@pytest.mark.parametrize(
    ("balance", "beneficiary", "gas"),
    [
        (50, ABSENT, 32_600),
        (0, ABSENT, 7_600),
        (50, SENDER, 30_000),
        (0, SENDER, 5_000),
        (50, OTHER, 7_600),
        (50, SELF, 7_600),
        (0, SELF, 7_600),
    ],
)
def test_selfdestruct__new_account__costs_more_if_it_gets_wei(
    balance: int, beneficiary: Address, gas: int
) -> None:
    scene = stage({SELF: Alloc(nonce=1, balance=balance), OTHER: Alloc(balance=1)})

    assert scene.run(Op.SELFDESTRUCT, number(beneficiary)) == gas
    assert scene.has(beneficiary) == (beneficiary in (SELF, OTHER) or balance > 0)


def test_selfdestruct__too_little_gas__fails() -> None:
    scene = world()
    scene.frame.gas = 7_599

    assert scene.fails(Op.SELFDESTRUCT, number(OTHER))
