"""Small programs that use every opcode of memory, in all the ways a range can lie.

Each case is one transaction to TARGET whose end stores the hash of all its memory. What
it must leave is not said here: two engines and the proofs of every step have to agree on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from optimistic.protocol.stepper.opcode_table import OPCODES, Group, Op
from optimistic.protocol.types import Address
from tests.helpers import assembly
from tests.helpers.assembly import asm, run
from tests.helpers.evm_world import ALICE, ETHER, Alloc, sign_tx
from tests.helpers.frame_programs import NOBODY, TARGET, WORD_MAX
from tests.helpers.stepper_batch import StepperBatch, stepper_batch

CONTRACT: Final = Address(b"\xc1" * 20)
LOGGER: Final = Address(b"\xc2" * 20)
REVERTER: Final = Address(b"\xc3" * 20)
THROWER: Final = Address(b"\xc4" * 20)
ECHO: Final = Address(b"\xc5" * 20)
IDENTITY: Final = Address(bytes(19) + b"\x04")

MEMORY_MAX: Final = 1 << 21
CHUNK: Final = 32_768
HASH_CHUNK: Final = 64 * 136

OPS: Final = tuple(
    Op(number) for number, row in enumerate(OPCODES) if row is not None and row.group is Group.MEMORY
)
"""The opcodes of memory."""

Operands = tuple[int, ...]


def bytes_of(length: int) -> bytes:
    """Return bytes none of which is zero or like its neighbours."""
    return bytes(1 + (7 * i + i // 251) % 255 for i in range(length))


SEED: Final = b"".join(
    asm(int.from_bytes(bytes_of(96)[i : i + 32], "big"), i, Op.MSTORE) for i in (0, 32, 64)
)
"""Code that fills three words of memory."""
OBSERVE: Final = asm(Op.MSIZE, 0, Op.KECCAK256, 0, Op.SSTORE, Op.STOP)
"""Code that stores the hash of all memory."""
OBSERVE_LONG: Final = (
    asm(Op.MSIZE, 0, Op.SSTORE)
    + b"".join(asm(CHUNK, i * CHUNK, Op.KECCAK256, 1 + i, Op.SSTORE) for i in range(4))
    + asm(Op.STOP)
)
"""The same of much memory, in parts that need one step each."""
KEEP: Final = asm(1, Op.SSTORE)
"""Code that stores the item on top."""


def call(op: Op, to: Address, args: tuple[int, int], out: tuple[int, int], gas: int = 5_000_000) -> bytes:
    """Return code of a call without value whose result is dropped; ranges are (offset, length)."""
    return assembly.call(op, to, gas=gas, args=args, out=out) + asm(Op.POP)


@dataclass(frozen=True, kw_only=True)
class MemoryProgram:
    """A transaction of ALICE."""

    code: bytes
    """Of TARGET, or the initcode of a create."""
    gas: int = 1_000_000
    data: bytes = b""
    is_create: bool = False
    others: Mapping[Address, Alloc] = field(default_factory=dict)


WORLD: Final[Mapping[Address, Alloc]] = {
    ALICE: Alloc(balance=ETHER),
    CONTRACT: Alloc(code=bytes_of(100)),
    LOGGER: Alloc(code=SEED + run(Op.LOG2, 3, 50, 8, 9)),
    REVERTER: Alloc(code=SEED + run(Op.REVERT, 1, 90)),
    THROWER: Alloc(code=SEED + b"\xfe"),
    ECHO: Alloc(code=asm(Op.CALLDATASIZE, 0, 7, Op.CALLDATACOPY, Op.CALLDATASIZE, 7, Op.RETURN)),
}


def world_of(program: MemoryProgram) -> dict[Address, Alloc]:
    """Return all accounts at the start of the transaction."""
    own = {} if program.is_create else {TARGET: Alloc(nonce=1, code=program.code)}
    return {**WORLD, **own, **program.others}


def batch_of(program: MemoryProgram) -> StepperBatch:
    """Return a batch with the program's transaction alone."""
    to = None if program.is_create else TARGET
    return stepper_batch(
        [sign_tx(to=to, data=program.code if program.is_create else program.data, gas=program.gas)],
        world_of(program),
    )


def _named(op: Op, operands: Operands) -> str:
    return "_".join(
        (op.name, *(f"{item:#x}" if item < 1 << 64 else f"m{WORD_MAX - item}" for item in operands))
    )


# ------------------------------------------------------------------------------------------ words


def _words() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield loads and stores of words and bytes at every kind of place."""
    far = (MEMORY_MAX - 32, MEMORY_MAX - 31, MEMORY_MAX, 1 << 64, WORD_MAX - 32, WORD_MAX - 31, WORD_MAX)
    for place in (0, 1, 31, 32, 33, 64, 65, 95, 96, 1_000, 2_000_001, *far):
        gas = 8_388_608 if 2_000_000 < place <= MEMORY_MAX else 1_000_000
        for op, rest in ((Op.MLOAD, ()), (Op.MSTORE, (WORD_MAX - 5,)), (Op.MSTORE8, (0x1234,))):
            code = SEED + run(op, place, *rest) + (KEEP if op is Op.MLOAD else b"")
            # hashing two megabytes is another case
            end = asm(Op.MSIZE, 2, Op.SSTORE) if gas > 1_000_000 else OBSERVE
            yield _named(op, (place,)), MemoryProgram(code=code + end, gas=gas)


def _calldata_words() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield loads of calldata around its end."""
    places = (0, 1, 31, 32, 33, 69, 99, 100, 1 << 64, WORD_MAX - 31, WORD_MAX)
    for length, place in product((0, 1, 31, 32, 100), places):
        code = run(Op.CALLDATALOAD, place) + KEEP
        yield (
            f"{_named(Op.CALLDATALOAD, (place,))}_of_{length}",
            MemoryProgram(code=code, data=bytes_of(length)),
        )


# ----------------------------------------------------------------------------------------- copies

_EMPTY: Final = ((0, 0, 0), (WORD_MAX, 0, 0), (0, WORD_MAX, 0), (WORD_MAX, WORD_MAX, 0))
_SHORT: Final = (
    (5, 3, 40),
    (31, 90, 33),
    (32, 99, 1),
    (32, 100, 1),
    (64, 1_000, 7),
    (95, 0, 200),
    (3, WORD_MAX, 9),
)
_ENDLESS: Final = (
    *((WORD_MAX, 0, 1), (1, 0, WORD_MAX), (0, 0, WORD_MAX), (0, 0, 1 << 64), (2, 0, WORD_MAX - 30)),
    *((0, 0, MEMORY_MAX + 1), (MEMORY_MAX, 0, 1)),
)
_LONG: Final = (
    *((7, 5, CHUNK), (0, 0, CHUNK), (7, 5, CHUNK + 1), (0, 0, CHUNK + 1), (33, 31, 2 * CHUNK)),
    *((33, 31, 2 * CHUNK + 1), (64, 39_990, CHUNK + 9), (1, WORD_MAX, CHUNK + 1)),
)


def _copies() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield copies of calldata and of the running code."""
    for operands in (*_EMPTY, *_SHORT, *_ENDLESS, *_LONG):
        copied = bytes_of(40_000 if operands in _LONG else 100)
        end = OBSERVE_LONG if operands in _LONG else OBSERVE
        code = SEED + run(Op.CALLDATACOPY, *operands) + end
        yield _named(Op.CALLDATACOPY, operands), MemoryProgram(code=code, data=copied)
        yield f"{_named(Op.CALLDATACOPY, operands)}_of_nothing", MemoryProgram(code=code)
        code = SEED + run(Op.CODECOPY, *operands) + end
        longer = code + copied[: 24_576 - len(code)]
        yield _named(Op.CODECOPY, operands), MemoryProgram(code=longer)


def _ext_copies() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield copies of the code of all kinds of accounts."""
    owners = {"contract": CONTRACT, "nobody": NOBODY, "sender": ALICE, "own": TARGET, "precompile": IDENTITY}
    for (name, owner), operands in product(
        owners.items(), (_EMPTY[3], *_SHORT[:4], _ENDLESS[0], *_LONG[2:4])
    ):
        copy = run(Op.EXTCODECOPY, int.from_bytes(owner, "big"), *operands)
        code = SEED + copy + copy + (OBSERVE_LONG if operands in _LONG else OBSERVE)
        yield f"{_named(Op.EXTCODECOPY, operands)}_{name}", MemoryProgram(code=code)
    dirty = int.from_bytes(b"\xff" * 12 + CONTRACT, "big")
    code = SEED + run(Op.EXTCODECOPY, dirty, *_SHORT[0]) + run(Op.EXTCODECOPY, dirty, *_EMPTY[1]) + OBSERVE
    yield "EXTCODECOPY_dirty", MemoryProgram(code=code)
    largest = {CONTRACT: Alloc(code=bytes_of(24_576))}
    number = int.from_bytes(CONTRACT, "big")
    for operands in ((31, 1, CHUNK), (31, 1, CHUNK + 1), (31, 24_575, CHUNK + 1), (31, 24_576, 2 * CHUNK)):
        code = SEED + run(Op.EXTCODECOPY, number, *operands) + OBSERVE_LONG
        yield f"{_named(Op.EXTCODECOPY, operands)}_largest", MemoryProgram(code=code, others=largest)


def _returndata_copies() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield copies of what all kinds of calls returned, inside and beyond it."""
    calls = {
        "nothing": b"",
        "identity": call(Op.CALL, IDENTITY, (3, 90), (0, 0)),
        "echo": call(Op.STATICCALL, ECHO, (3, 90), (1, 5)),
        "revert": call(Op.CALL, REVERTER, (3, 90), (1, 5)),
        "throw": call(Op.CALL, THROWER, (3, 90), (1, 5)),
    }
    inside = ((0, 0, 90), (5, 10, 20), (31, 89, 1), (0, 90, 0), (WORD_MAX, 90, 0), *_EMPTY[:2])
    beyond = ((0, 0, 91), (0, 91, 0), (0, 90, 1), (0, 1, WORD_MAX), (0, WORD_MAX, 0), (0, WORD_MAX, 1))
    for (name, before), operands in product(calls.items(), (*inside, *beyond, (WORD_MAX, 0, 90))):
        code = SEED + before + run(Op.RETURNDATACOPY, *operands) + OBSERVE
        yield f"{_named(Op.RETURNDATACOPY, operands)}_{name}", MemoryProgram(code=code)
    for to, length in product((IDENTITY, ECHO), (CHUNK, CHUNK + 1, 2 * CHUNK + 40)):
        before = run(Op.CALLDATACOPY, 9, 1, 39_000) + call(Op.CALL, to, (11, length), (0, 0), 500_000)
        for operands in ((33, 0, length), (13, 1, length - 1)):
            code = before + run(Op.RETURNDATACOPY, *operands) + OBSERVE_LONG
            name = f"{_named(Op.RETURNDATACOPY, operands)}_long_{to[-1]:x}"
            yield name, MemoryProgram(code=code, data=bytes_of(40_000))


def _memory_copies() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield copies inside memory, most of them onto themselves."""
    short = (
        (0, 1, 64),
        (1, 0, 64),
        (0, 0, 96),
        (31, 33, 1),
        (100, 0, 50),
        (0, 100, 50),
        (32, 0, 32),
        (0, 90, 96),
    )
    endless = ((0, WORD_MAX, 1), (WORD_MAX, 0, 1), (0, 0, WORD_MAX), (1, 0, WORD_MAX), (0, 1, 1 << 64))
    for operands in (*_EMPTY, *short, *endless):
        yield _named(Op.MCOPY, operands), MemoryProgram(code=SEED + run(Op.MCOPY, *operands) + OBSERVE)
    longs = ((5, 6, CHUNK), (6, 5, CHUNK), (5, 6, CHUNK + 1), (6, 5, CHUNK + 1), (0, CHUNK, CHUNK + 1))
    for operands in (*longs, (CHUNK, 0, 2 * CHUNK), (0, 0, CHUNK + 1), (40_000, 9, CHUNK + 1)):
        code = run(Op.CALLDATACOPY, 9, 1, CHUNK) + run(Op.MCOPY, *operands) + OBSERVE_LONG
        yield _named(Op.MCOPY, operands), MemoryProgram(code=code, data=bytes_of(40_000))


def _largest() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield copies of a chunk in initcode of the greatest length: the longest witnesses there are."""
    echo = call(Op.STATICCALL, ECHO, (7, CHUNK + 1), (0, 0), 500_000)
    copies = {
        "CODECOPY": run(Op.CODECOPY, 9, 1, CHUNK) + run(Op.CODECOPY, 9, 1, CHUNK + 1),
        "EXTCODECOPY": run(Op.EXTCODECOPY, int.from_bytes(CONTRACT, "big"), 9, 1, CHUNK),
        "MCOPY": run(Op.CODECOPY, 9, 1, CHUNK) + run(Op.MCOPY, 41_011, 11, CHUNK),
        "RETURNDATACOPY": run(Op.CODECOPY, 9, 1, CHUNK) + echo + run(Op.RETURNDATACOPY, 41_011, 1, CHUNK),
        "output": run(Op.CODECOPY, 9, 1, CHUNK) + call(Op.CALL, ECHO, (7, CHUNK), (11, CHUNK), 500_000),
    }
    contract = {CONTRACT: Alloc(code=bytes_of(24_576))}
    for name, copy in copies.items():
        code = SEED + copy + OBSERVE_LONG
        longest = code + bytes_of(49_152 - len(code))
        program = MemoryProgram(code=longest, is_create=True, gas=3_000_000, others=contract)
        yield f"largest_{name}", program


# ----------------------------------------------------------------------------------------- hashes


def _hashes() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield hashes and logs of ranges of all lengths."""
    short = ((0, 0), (WORD_MAX, 0), (0, 1), (1, 31), (31, 33), (3, 136), (1, 135), (0, 272), (90, 99))
    endless = (
        (WORD_MAX, 1),
        (1, WORD_MAX),
        (0, WORD_MAX),
        (0, 1 << 64),
        (0, MEMORY_MAX + 1),
        (MEMORY_MAX, 1),
    )
    whole = 4 * HASH_CHUNK  # 34,816 bytes
    longs = (
        (3, CHUNK),
        (3, CHUNK + 1),
        (1, whole),
        (5, whole - 1),
        (5, whole + 1),
        (0, whole + 135),
        (2, 50_000),
    )
    ops = {Op.KECCAK256: ()} | {Op(Op.LOG0 + n): tuple(range(WORD_MAX, WORD_MAX - n, -1)) for n in range(5)}
    for (op, topics), operands in product(ops.items(), (*short, *endless)):
        code = SEED + run(op, *operands, *topics) + (KEEP if op is Op.KECCAK256 else b"") + OBSERVE
        yield _named(op, operands), MemoryProgram(code=code)
    for op, operands in product((Op.KECCAK256, Op.LOG0, Op.LOG3), longs):
        code = run(Op.CALLDATACOPY, 9, 1, CHUNK) + run(op, *operands, *ops[op])
        code += (KEEP if op is Op.KECCAK256 else b"") + OBSERVE_LONG
        yield _named(op, operands), MemoryProgram(code=code, data=bytes_of(40_000), gas=1_500_000)
    for op in (Op.CALL, Op.STATICCALL):
        code = call(op, LOGGER, (0, 0), (0, 0)) + OBSERVE
        yield f"LOG_in_{op.name}", MemoryProgram(code=code)


# ---------------------------------------------------------------------------------------- outputs


def _outputs() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield calls whose output is copied in one step and in more."""
    lengths = (CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1)
    for to, length in product((ECHO, IDENTITY), lengths):
        code = run(Op.CALLDATACOPY, 9, 1, 39_000)
        for out in ((17, length), (0, length + 9)):
            code += call(Op.CALL, to, (11, length), out, 300_000)
        yield f"output_{length}_of_{to[-1]:x}", MemoryProgram(code=code + OBSERVE_LONG, data=bytes_of(40_000))


# ----------------------------------------------------------------------------------------- driver


def _underflows() -> Iterator[tuple[str, MemoryProgram]]:
    """Yield every opcode with one item less than it needs."""
    for op in OPS:
        row = OPCODES[op]
        assert row is not None
        yield f"{op.name}_underflow", MemoryProgram(code=asm(*range(1, row.pops), op))


PROGRAMS: Final[Mapping[str, MemoryProgram]] = dict(
    (
        *_words(),
        *_calldata_words(),
        *_copies(),
        *_ext_copies(),
        *_returndata_copies(),
        *_memory_copies(),
        *_largest(),
        *_hashes(),
        *_outputs(),
        *_underflows(),
    )
)
