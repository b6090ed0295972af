"""What a frame knows of its call, its transaction and its block."""

import pytest

from optimistic.protocol.stepper.opcode_table import Op
from tests.helpers.opcode_stage import (
    BLOCK,
    CALLER,
    COINBASE,
    SELF,
    SENDER,
    UNIT,
    hash_of_block,
    number,
    stage,
    view,
)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (Op.ADDRESS, number(SELF)),
        (Op.ORIGIN, number(SENDER)),
        (Op.CALLER, number(CALLER)),
        (Op.CALLVALUE, 77),
        (Op.CALLDATASIZE, 5),
        (Op.CODESIZE, 9),
        (Op.GASPRICE, 9),
        (Op.RETURNDATASIZE, 4),
        (Op.COINBASE, number(COINBASE)),
        (Op.TIMESTAMP, 1_700_000_000),
        (Op.NUMBER, BLOCK),
        (Op.PREVRANDAO, number(UNIT.prev_randao)),
        (Op.GASLIMIT, 30_000_000),
        (Op.CHAINID, 420),
        (Op.BASEFEE, 7),
        (Op.BLOBBASEFEE, 1),
    ],
)
def test_constant__of_call_or_block__is_pushed(op: Op, expected: int) -> None:
    scene = stage(code=bytes(9), value=77, calldata=view(b"abcde"), returndata=view(b"wxyz"))

    gas = scene.run(op)

    assert scene.stack == [expected]
    assert scene.frame.pc == 1
    assert gas == 2


@pytest.mark.parametrize("index", [0, 1, (1 << 256) - 1])
def test_blob_hash__any_index__is_zero(index: int) -> None:
    scene = stage()

    scene.run(Op.BLOBHASH, index)

    assert scene.stack == [0]


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (0, b"abcdefghijklmnopqrstuvwxyz0123456789"[:32]),
        (5, b"fghijklmnopqrstuvwxyz0123456789\0"),
        (35, b"9" + bytes(31)),
        (36, bytes(32)),
        (1 << 64, bytes(32)),
        ((1 << 256) - 1, bytes(32)),
    ],
)
def test_calldata_load__any_offset__has_zeros_beyond_the_end(offset: int, expected: bytes) -> None:
    scene = stage(calldata=view(b"abcdefghijklmnopqrstuvwxyz0123456789"))

    scene.run(Op.CALLDATALOAD, offset)

    assert scene.stack == [number(expected)]


@pytest.mark.parametrize("height", [BLOCK - 1, BLOCK - 2, BLOCK - 255, BLOCK - 256])
def test_block_hash__last_256__is_known(height: int) -> None:
    scene = stage()

    scene.run(Op.BLOCKHASH, height)

    assert scene.stack == [number(hash_of_block(height))]


@pytest.mark.parametrize("height", [0, BLOCK - 257, BLOCK, BLOCK + 1, (1 << 64) + BLOCK - 1, (1 << 256) - 1])
def test_block_hash__others__is_zero(height: int) -> None:
    scene = stage()

    scene.run(Op.BLOCKHASH, height)

    assert scene.stack == [0]
