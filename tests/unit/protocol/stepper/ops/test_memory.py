"""Memory words, copies, hashes and logs: what they leave and what they cost."""

import pytest

from optimistic.protocol.constants import CHUNK_BYTES
from optimistic.protocol.engine import Log, log_acc
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.types import Hash32
from tests.helpers.evm_world import Alloc
from tests.helpers.opcode_stage import ABSENT, GAS, OTHER, SELF, Stage, memory, number, stage, view

MAX = (1 << 256) - 1
DATA = bytes(range(1, 101))
LONG = bytes(i * 7 % 251 for i in range(3 * CHUNK_BYTES))


def words(n: int) -> int:
    """Price of n words of memory."""
    return 3 * n + n * n // 512


# -------------------------------------------------------------------------------------------- words


def test_load_word__across_words__reads_and_pays_for_both() -> None:
    scene = stage(memory=memory(DATA[:40]))

    gas = scene.run(Op.MLOAD, 20)

    assert scene.stack == [number(DATA[20:40] + bytes(12))]
    assert gas == 3 + words(2)
    assert scene.frame.memory_words == 2


def test_store_word__across_words__keeps_what_is_around() -> None:
    scene = stage(memory=memory(DATA[:64]), memory_words=2)

    gas = scene.run(Op.MSTORE, 16, number(b"\xff" * 32))

    assert scene.memory_at(0, 64) == DATA[:16] + b"\xff" * 32 + DATA[48:64]
    assert gas == 3


def test_store_byte__large_item__writes_its_lowest_byte() -> None:
    scene = stage(memory=memory(DATA[:32]), memory_words=1)

    scene.run(Op.MSTORE8, 32, 0x1234)
    scene.run(Op.MSTORE8, 1, MAX)

    assert scene.memory_at(0, 33) == DATA[:1] + b"\xff" + DATA[2:32] + b"\x34"
    assert scene.frame.memory_words == 2


@pytest.mark.parametrize("offset", [1 << 21, (1 << 64) - 1, MAX - 31, MAX])
@pytest.mark.parametrize("op", [Op.MLOAD, Op.MSTORE, Op.MSTORE8])
def test_word__no_memory_reaches_there__fails(op: Op, offset: int) -> None:
    assert stage(gas=1 << 60).fails(op, offset, 0)


# ------------------------------------------------------------------------------------------- copies


def prepared(op: Op) -> Stage:
    """A stage on which `op` copies from DATA."""
    return stage(
        {SELF: Alloc(nonce=1), OTHER: Alloc(code=DATA)},
        code=DATA if op is Op.CODECOPY else b"",
        calldata=view(DATA),
        returndata=view(DATA),
    )


def operands(op: Op, dst: int, src: int, length: int) -> tuple[int, ...]:
    """Items of a copy."""
    return (number(OTHER), dst, src, length) if op is Op.EXTCODECOPY else (dst, src, length)


EXTENDING = (Op.CALLDATACOPY, Op.CODECOPY, Op.EXTCODECOPY)
COPIES = (*EXTENDING, Op.RETURNDATACOPY)


@pytest.mark.parametrize("op", COPIES)
def test_copy__inside_the_source__is_exact(op: Op) -> None:
    scene = prepared(op)

    gas = scene.run(op, *operands(op, 5, 10, 50))

    assert scene.memory_at(0, 64) == bytes(5) + DATA[10:60] + bytes(9)
    assert scene.stack == []
    assert scene.frame.pc == 1
    assert gas == (2_600 if op is Op.EXTCODECOPY else 3) + 2 * 3 + words(2)


@pytest.mark.parametrize("op", EXTENDING)
@pytest.mark.parametrize("src", [80, 99, 100, 1 << 64, MAX])
def test_copy__beyond_the_source__writes_zeros(op: Op, src: int) -> None:
    scene = prepared(op)
    scene.frame.memory = memory(b"\xff" * 64)

    scene.run(op, *operands(op, 0, src, 40))

    assert scene.memory_at(0, 64) == DATA[src : src + 40].ljust(40, b"\0") + b"\xff" * 24


@pytest.mark.parametrize("op", COPIES)
def test_copy__no_bytes__ignores_the_destination(op: Op) -> None:
    scene = prepared(op)

    scene.run(op, *operands(op, MAX, 0, 0))

    assert scene.frame.memory_words == 0
    assert scene.stack == []


@pytest.mark.parametrize("op", [*COPIES, Op.MCOPY])
@pytest.mark.parametrize(("dst", "length"), [(MAX, 1), (1 << 21, 1), (0, MAX), (0, 1 << 64), (MAX, MAX)])
def test_copy__no_memory_reaches_there__fails(op: Op, dst: int, length: int) -> None:
    assert prepared(op).fails(op, *operands(op, dst, 0, length))


@pytest.mark.parametrize(("src", "length"), [(100, 1), (101, 0), (0, 101), (MAX, 1), (MAX, 0), (1, MAX)])
def test_returndata_copy__beyond_the_end__fails_even_without_bytes(src: int, length: int) -> None:
    assert prepared(Op.RETURNDATACOPY).fails(Op.RETURNDATACOPY, 0, src, length)


def test_returndata_copy__nothing_from_the_end__is_fine() -> None:
    assert not prepared(Op.RETURNDATACOPY).fails(Op.RETURNDATACOPY, 0, 100, 0)


def test_extcode_copy__twice__is_cheap_the_second_time() -> None:
    scene = prepared(Op.EXTCODECOPY)

    assert scene.run(Op.EXTCODECOPY, number(OTHER), 0, 0, 0) == 2_600
    assert scene.run(Op.EXTCODECOPY, number(OTHER), 0, 0, 0) == 100


def test_extcode_copy__nobody_there__writes_zeros() -> None:
    scene = prepared(Op.EXTCODECOPY)
    scene.frame.memory = memory(b"\xff" * 32)

    scene.run(Op.EXTCODECOPY, number(ABSENT), 0, 0, 20)

    assert scene.memory_at(0, 32) == bytes(20) + b"\xff" * 12


@pytest.mark.parametrize(("dst", "src"), [(10, 0), (0, 10), (7, 7)])
def test_memory_copy__overlapping__moves_what_was_there(dst: int, src: int) -> None:
    scene = stage(memory=memory(DATA), memory_words=4)
    expected = bytearray(DATA)
    expected[dst : dst + 50] = DATA[src : src + 50]

    gas = scene.run(Op.MCOPY, dst, src, 50)

    assert scene.memory_at(0, 100) == bytes(expected)
    assert gas == 3 + 3 * 2


def test_memory_copy__far_source__pays_for_the_farther_end() -> None:
    scene = stage()

    gas = scene.run(Op.MCOPY, 0, 320, 32)

    assert scene.frame.memory_words == 11
    assert gas == 3 + 3 + words(11)


# ------------------------------------------------------------------------------------- long copies


@pytest.mark.parametrize("op", COPIES)
@pytest.mark.parametrize(
    ("length", "steps"), [(CHUNK_BYTES + 1, 2), (2 * CHUNK_BYTES, 2), (2 * CHUNK_BYTES + 5, 3)]
)
def test_long_copy__chunks__gives_what_one_copy_would(op: Op, length: int, steps: int) -> None:
    source = LONG[: 2 * CHUNK_BYTES - 100]
    scene = stage(
        {SELF: Alloc(nonce=1), OTHER: Alloc(code=source)},
        code=source,
        calldata=view(source),
        returndata=view(LONG),
    )

    gas = scene.run(op, *operands(op, 3, 64, length))
    settled = scene.frame.gas
    kept = len(scene.stack)

    assert scene.finish() == steps
    assert kept == len(operands(op, 3, 64, length))
    assert scene.stack == []
    assert scene.frame.pc == 1
    assert scene.frame.gas == settled
    expected = (
        LONG[64 : 64 + length] if op is Op.RETURNDATACOPY else source[64:].ljust(length, b"\0")[:length]
    )
    assert scene.memory_at(0, 3 + length + 10) == bytes(3) + expected + bytes(10)
    n_words = -(-length // 32)
    assert gas == (2_600 if op is Op.EXTCODECOPY else 3) + 3 * n_words + words(-(-(length + 3) // 32))


@pytest.mark.parametrize("op", EXTENDING)
@pytest.mark.parametrize("src", [100, MAX])
def test_long_copy__wholly_beyond_the_source__writes_zeros(op: Op, src: int) -> None:
    scene = prepared(op)
    scene.frame.memory = memory(b"\xff" * (CHUNK_BYTES + 64))

    scene.run(op, *operands(op, 0, src, CHUNK_BYTES + 9))
    pend = scene.m.pend

    assert pend is not None
    assert pend.src_offset == 100 + (3 if op is Op.CALLDATACOPY else 0)
    assert scene.finish() == 2
    assert scene.memory_at(0, CHUNK_BYTES + 12) == bytes(CHUNK_BYTES + 9) + b"\xff" * 3


@pytest.mark.parametrize(("dst", "src"), [(0, 1_000), (1_000, 0), (CHUNK_BYTES, 0), (0, CHUNK_BYTES)])
def test_long_memory_copy__overlapping__moves_what_was_there(dst: int, src: int) -> None:
    length = 2 * CHUNK_BYTES - 7
    scene = stage(memory=memory(LONG), memory_words=3 * CHUNK_BYTES // 32)
    expected = bytearray(LONG)
    expected[dst : dst + length] = LONG[src : src + length]

    scene.run(Op.MCOPY, dst, src, length)

    assert scene.finish() == 2
    assert scene.memory_at(0, len(LONG)) == bytes(expected)


# ------------------------------------------------------------------------------------------- hashes


@pytest.mark.parametrize("length", [0, 1, 32, 100, 135, 136, 137, CHUNK_BYTES])
def test_keccak__short_range__is_the_hash_at_once(length: int) -> None:
    scene = stage(memory=memory(LONG))

    gas = scene.run(Op.KECCAK256, 9 if length else MAX, length)

    assert scene.m.pend is None
    assert scene.stack == [number(keccak256(LONG[9 : 9 + length]))]
    assert gas == 30 + 6 * -(-length // 32) + words(-(-(9 + length) // 32) if length else 0)


@pytest.mark.parametrize(
    ("length", "steps"),
    [
        (CHUNK_BYTES + 1, 4),
        (4 * 8_704 - 1, 4),
        (4 * 8_704, 4),
        (4 * 8_704 + 1, 5),
        (5 * 8_704 - 136, 5),
    ],
)
def test_keccak__long_range__takes_steps(length: int, steps: int) -> None:
    scene = stage(memory=memory(LONG))
    scene.frame.stack.append(5)

    scene.run(Op.KECCAK256, 9, length)
    settled = scene.frame.gas

    assert scene.stack == [9, length, 5]
    assert scene.finish() == steps
    assert scene.stack == [number(keccak256(LONG[9 : 9 + length])), 5]
    assert scene.frame.pc == 1
    assert scene.frame.gas == settled


@pytest.mark.parametrize(("offset", "length"), [(0, MAX), (MAX, 1), (0, 1 << 64)])
@pytest.mark.parametrize("op", [Op.KECCAK256, Op.LOG0])
def test_hash__no_memory_reaches_there__fails(op: Op, offset: int, length: int) -> None:
    assert stage().fails(op, offset, length)


# --------------------------------------------------------------------------------------------- logs


@pytest.mark.parametrize("n_topics", range(5))
@pytest.mark.parametrize("length", [0, 50, CHUNK_BYTES + 1])
def test_log__any_topics__extends_the_accumulator(n_topics: int, length: int) -> None:
    scene = stage(memory=memory(LONG))
    topics = [MAX - i for i in range(n_topics)]
    logs = []

    for round_ in range(2):
        gas = scene.run(Op(Op.LOG0 + n_topics), 4, length, *topics)
        scene.finish()
        logs.append(
            Log(
                address=SELF,
                topics=tuple(Hash32(t.to_bytes(32, "big")) for t in topics),
                data=LONG[4 : 4 + length],
            )
        )
        expansion = words(-(-(4 + length) // 32)) if length and not round_ else 0
        assert gas == 375 * (1 + n_topics) + 8 * length + expansion

    assert scene.journal.log_acc == log_acc(logs)
    assert scene.journal.log_count == 2
    assert scene.stack == []
    assert scene.frame.pc == 2
    assert scene.frame.gas < GAS
