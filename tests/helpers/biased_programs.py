"""Random transactions that do, more often than not, what engines are known to disagree about.

Each theme makes its own pieces likely: calls that revert, ranges at the edges of memory,
slots written again and again, creations of the same address, transfers to oneself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address
from tests.helpers import random_programs
from tests.helpers.assembly import asm, call, create, returning, store
from tests.helpers.evm_world import ALICE, BOB, ETHER, Alloc, sign_tx
from tests.helpers.frame_programs import CALLS, WORD_MAX, created2_by, created_by
from tests.helpers.random_programs import BALANCE, CONTRACTS
from tests.helpers.stepper_batch import StepperBatch, stepper_batch

MAIN, SECOND, THIRD = (Address(address) for address in CONTRACTS)
FIRST_MADE: Final = created_by(MAIN, 1)
MADE_BY_ALICE: Final = create_address(ALICE, 1)
INITCODES: Final = (
    b"",
    returning(asm(1, 0, Op.SSTORE)),
    returning(asm(Op.CALLER, Op.SELFDESTRUCT)),
    returning(b"\xef"),
    asm(7, 1, Op.SSTORE, 0, 1, Op.SSTORE),
    asm(Op.ADDRESS, Op.SELFDESTRUCT),
    store(b"why") + asm(3, 0, Op.REVERT),
    b"\xfe",
)
PLACES: Final = (0, 1, 31, 32, 33, 63, 64, 95, 255, 1_000, 40_000, 1 << 21, 1 << 64, WORD_MAX - 31, WORD_MAX)
LENGTHS: Final = (0, 0, 1, 31, 32, 33, 64, 100, 1 << 21, 1 << 64, WORD_MAX)
ON_RANGES: Final[Mapping[Op, int]] = {
    Op.MLOAD: 1,
    Op.MSTORE: 2,
    Op.MSTORE8: 2,
    Op.CALLDATALOAD: 1,
    Op.KECCAK256: 2,
    Op.LOG0: 2,
    Op.LOG1: 3,
    Op.CALLDATACOPY: 3,
    Op.CODECOPY: 3,
    Op.RETURNDATACOPY: 3,
    Op.MCOPY: 3,
    Op.RETURN: 2,
    Op.REVERT: 2,
}
"""Opcodes of ranges, and how many items they take."""

addresses = st.sampled_from(
    (
        *(MAIN, SECOND, THIRD, ALICE, BOB, DEVNET.coinbase, FIRST_MADE, MADE_BY_ALICE),
        *(Address(bytes(19) + bytes((n,))) for n in (1, 2, 4, 11)),
    )
)


@st.composite
def on_calls(draw: st.DrawFn) -> bytes:
    """A call whose end is looked at, or a return, or a revert."""
    if draw(st.integers(0, 5)) == 0:
        return asm(
            draw(st.integers(0, 99)), draw(st.integers(0, 99)), draw(st.sampled_from((Op.RETURN, Op.REVERT)))
        )
    code = call(
        draw(st.sampled_from(CALLS)),
        draw(addresses),
        gas=draw(st.sampled_from((0, 2_300, 9_000, 40_000, WORD_MAX))),
        value=draw(st.sampled_from((0, 0, 1, BALANCE, 2 * BALANCE))),
        args=draw(st.tuples(st.integers(0, 70), st.integers(0, 70))),
        out=draw(st.tuples(st.integers(0, 70), st.integers(0, 70))),
    )
    return code + asm(Op.RETURNDATASIZE, 9, Op.MSTORE, 8, Op.SSTORE)


@st.composite
def on_memory(draw: st.DrawFn) -> bytes:
    """A range opcode with operands at the edges, far ones seldom."""
    op = draw(st.sampled_from(tuple(ON_RANGES)))
    pool = PLACES if draw(st.integers(0, 7)) == 0 else PLACES[:10]
    lengths = LENGTHS if draw(st.integers(0, 7)) == 0 else LENGTHS[:8]
    items = [draw(st.sampled_from(pool)) for _ in range(ON_RANGES[op])]
    if op not in (Op.MLOAD, Op.MSTORE, Op.MSTORE8, Op.CALLDATALOAD):
        items[-1 if op is not Op.LOG1 else 1] = draw(st.sampled_from(lengths))
    if op in (Op.RETURN, Op.REVERT) and draw(st.booleans()):
        return b""
    return asm(*reversed(items), op)


@st.composite
def on_storage(draw: st.DrawFn) -> bytes:
    """Writes of one slot, permanent or transient, or a read."""
    slot = draw(st.sampled_from((0, 1, 2, 300)))
    values = draw(st.lists(st.sampled_from((0, 0, 7, 8, WORD_MAX)), min_size=1, max_size=4))
    write, read = draw(st.sampled_from(((Op.SSTORE, Op.SLOAD),) * 3 + ((Op.TSTORE, Op.TLOAD),)))
    return b"".join(asm(value, slot, write) for value in values) + asm(slot, read, 3, Op.SSTORE)


@st.composite
def on_creations(draw: st.DrawFn) -> bytes:
    """A creation, by a salt most likely of an address that is taken."""
    op = draw(st.sampled_from((Op.CREATE, Op.CREATE2)))
    initcode = draw(st.sampled_from(INITCODES))
    code = create(op, initcode, value=draw(st.sampled_from((0, 0, 3, 2 * BALANCE))), salt=5)
    follow = draw(st.sampled_from((b"", asm(Op.EXTCODEHASH), asm(8, Op.SSTORE), _paid())))
    return code + follow


def _paid() -> bytes:
    """Return code that calls the account on the stack, with a value."""
    return asm(0, 0, 0, 0, 2, Op.DUP1 + 5, 30_000, Op.CALL)


@st.composite
def on_transfers(draw: st.DrawFn) -> bytes:
    """A value sent to oneself or around, all of it, or left behind."""
    value = draw(st.sampled_from((asm(1), asm(Op.SELFBALANCE), asm(BALANCE + 1))))
    to = draw(st.one_of(st.just(asm(Op.ADDRESS)), st.just(asm(Op.CALLER)), addresses.map(asm)))
    if draw(st.integers(0, 9)) == 0:
        return to + asm(Op.SELFDESTRUCT)
    op = draw(st.sampled_from((Op.CALL, Op.CALL, Op.CALLCODE)))
    return asm(0, 0, 0, 0) + value + to + asm(draw(st.sampled_from((0, 30_000))), op) + to + asm(Op.BALANCE)


THEMES: Final[Mapping[str, Callable[[], st.SearchStrategy[bytes]]]] = {
    "calls": on_calls,
    "memory": on_memory,
    "storage": on_storage,
    "creations": on_creations,
    "transfers": on_transfers,
}


def programs(theme: str) -> st.SearchStrategy[bytes]:
    """Codes most of whose pieces are of the theme."""
    other = st.one_of(*(piece() for name, piece in THEMES.items() if name != theme))
    piece = st.one_of(*[THEMES[theme]()] * 3, other, random_programs.pieces())
    return st.lists(piece, min_size=2, max_size=12).map(b"".join)


@dataclass(frozen=True)
class Case:
    """A block of transactions."""

    alloc: Mapping[Address, Alloc]
    raw: tuple[bytes, ...]
    batch: StepperBatch


@st.composite
def cases(draw: st.DrawFn, theme: str) -> Case:
    """Up to three transactions of ALICE, the second of which may create what is there already."""
    slots = {1: 7, 2: 8, 300: 1}
    alloc = {ALICE: Alloc(balance=9 * ETHER), BOB: Alloc(balance=1)}
    for address in (MAIN, SECOND, THIRD):
        alloc[address] = Alloc(nonce=1, balance=BALANCE, code=draw(programs(theme)), storage=slots)
    there = (Alloc(nonce=1), Alloc(code=b"\0"), Alloc(balance=1, storage={1: 1}), Alloc(balance=5))
    taken = (FIRST_MADE, MADE_BY_ALICE, created2_by(MAIN, INITCODES[1]))
    for address in draw(st.lists(st.sampled_from(taken), max_size=1)):
        alloc[address] = draw(st.sampled_from(there))
    raw = tuple(sign_tx(**_fields(draw, theme), nonce=nonce) for nonce in range(draw(st.integers(1, 3))))
    return Case(alloc, raw, stepper_batch(raw, alloc))


def _fields(draw: st.DrawFn, theme: str) -> dict[str, Any]:
    fee = draw(st.sampled_from((0, 3)))
    to = draw(st.one_of(st.just(MAIN), st.just(MAIN), st.none(), addresses))
    return {
        "to": to,
        "data": draw(programs(theme) if to is None else st.binary(max_size=70)),
        "value": draw(st.sampled_from((0, 0, 1, BALANCE, ETHER))),
        "gas": draw(st.sampled_from((25_000, 90_000, 300_000, 900_000, 900_000))),
        "maxFeePerGas": fee,
        "maxPriorityFeePerGas": fee,
    }
