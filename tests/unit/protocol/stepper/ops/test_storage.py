"""Storage: values, warmth, gas and refunds."""

import pytest

from optimistic.protocol.stepper.opcode_table import Op
from tests.helpers.evm_world import Alloc
from tests.helpers.opcode_stage import OTHER, SELF, Stage, stage

SLOT = 5
MAX = (1 << 256) - 1


def with_slot(value: int) -> Stage:
    """SELF has `value` in SLOT since before the transaction."""
    return stage({SELF: Alloc(nonce=1, storage={SLOT: value} if value else {})})


# -------------------------------------------------------------------------------------------- reads


@pytest.mark.parametrize("value", [0, 1, 0x7F, 0x80, MAX])
def test_load__twice__is_cheap_the_second_time(value: int) -> None:
    scene = with_slot(value)

    assert scene.run(Op.SLOAD, SLOT) == 2_100
    assert scene.run(Op.SLOAD, SLOT) == 100
    assert scene.stack == [value, value]


def test_load__other_slot_or_account__is_cold() -> None:
    scene = with_slot(1)
    scene.run(Op.SLOAD, SLOT)

    assert scene.run(Op.SLOAD, SLOT + 1) == 2_100
    scene.frame.address = OTHER
    assert scene.run(Op.SLOAD, SLOT) == 2_100
    assert scene.stack == [0, 0, 1]


def test_load__too_little_gas__fails() -> None:
    scene = with_slot(1)
    scene.frame.gas = 2_099

    assert scene.fails(Op.SLOAD, SLOT)


# ------------------------------------------------------------------------------------------- writes


@pytest.mark.parametrize(
    ("original", "writes", "gas", "refund"),
    [
        # the table of EIP-3529; every write is to a warm slot
        (0, (0, 0), 200, 0),
        (0, (0, 1), 20_100, 0),
        (0, (1, 0), 20_100, 19_900),
        (0, (1, 2), 20_100, 0),
        (0, (1, 1), 20_100, 0),
        (1, (0, 0), 3_000, 4_800),
        (1, (0, 1), 3_000, 2_800),
        (1, (0, 2), 3_000, 0),
        (1, (2, 0), 3_000, 4_800),
        (1, (2, 3), 3_000, 0),
        (1, (2, 1), 3_000, 2_800),
        (1, (2, 2), 3_000, 0),
        (1, (1, 0), 3_000, 4_800),
        (1, (1, 2), 3_000, 0),
        (1, (1, 1), 200, 0),
        (0, (1, 0, 1), 40_100, 19_900),
        (1, (0, 1, 0), 5_900, 7_600),
    ],
)
def test_store__writes_in_a_row__cost_and_refund_as_in_eip3529(
    original: int, writes: tuple[int, ...], gas: int, refund: int
) -> None:
    scene = with_slot(original)
    scene.run(Op.SLOAD, SLOT)

    paid = sum(scene.run(Op.SSTORE, SLOT, value) for value in writes)

    assert paid == gas
    assert scene.journal.refund == refund
    assert scene.slot(SELF, SLOT) == writes[-1]


def test_store__cold_slot__costs_more_and_becomes_warm() -> None:
    scene = with_slot(1)

    assert scene.run(Op.SSTORE, SLOT, 1) == 2_200
    assert scene.run(Op.SSTORE, SLOT, 1) == 100
    assert scene.run(Op.SSTORE, SLOT + 1, 1) == 22_100


@pytest.mark.parametrize("gas", [0, 100, 2_300])
def test_store__no_more_than_the_stipend__fails(gas: int) -> None:
    scene = with_slot(1)
    scene.run(Op.SLOAD, SLOT)
    scene.frame.gas = gas

    assert scene.fails(Op.SSTORE, SLOT, 1)


def test_store__one_more_than_the_stipend__is_enough_for_no_change() -> None:
    scene = with_slot(1)
    scene.run(Op.SLOAD, SLOT)
    scene.frame.gas = 2_301

    assert not scene.fails(Op.SSTORE, SLOT, 1)


def test_store__zero_again__leaves_the_state_as_it_was() -> None:
    scene = with_slot(0)
    before = scene.journal.state_root

    scene.run(Op.SSTORE, SLOT, 1)
    assert scene.journal.state_root != before
    scene.run(Op.SSTORE, SLOT, 0)

    assert scene.journal.state_root == before


@pytest.mark.parametrize(
    ("start", "gas"),
    [
        # the present value is 1 in each case
        ({SELF: Alloc(nonce=9, storage={SLOT: 1})}, 2_900),
        ({SELF: Alloc(nonce=1, storage={SLOT: 7})}, 100),
        ({SELF: Alloc(nonce=1, storage={SLOT: 1, 6: 6})}, 2_900),
        ({SELF: Alloc(nonce=1, storage={6: 6})}, 100),
        ({SELF: Alloc(nonce=1)}, 100),
        ({OTHER: Alloc(nonce=1)}, 100),
        ({}, 100),
    ],
)
def test_store__other_start_state__compares_with_the_value_there(start: dict[bytes, Alloc], gas: int) -> None:
    scene = stage({SELF: Alloc(nonce=1, storage={SLOT: 1})}, start=start)  # type: ignore[arg-type]
    scene.run(Op.SLOAD, SLOT)

    assert scene.run(Op.SSTORE, SLOT, 2) == gas


# ---------------------------------------------------------------------------------------- transient


def test_transient__written_and_read__is_apart_from_storage() -> None:
    scene = with_slot(1)
    root = scene.journal.state_root

    assert scene.run(Op.TSTORE, SLOT, 9) == 100
    assert scene.run(Op.TLOAD, SLOT) == 100
    scene.run(Op.TLOAD, SLOT + 1)
    scene.frame.address = OTHER
    scene.run(Op.TLOAD, SLOT)

    assert scene.stack == [0, 0, 9]
    assert scene.journal.state_root == root


def test_transient__zero__is_stored_too() -> None:
    scene = with_slot(1)
    before = scene.journal.transient_root

    scene.run(Op.TSTORE, SLOT, 0)
    scene.run(Op.TLOAD, SLOT)

    assert scene.stack == [0]
    assert scene.journal.transient_root != before
