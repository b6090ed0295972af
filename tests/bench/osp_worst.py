"""Machines whose next step is as dear to prove as any of its kind.

Code is the longest, ranges are the longest and lie across words, tries are as deep as they can
be made (see `ground_tries`), and no byte of these is zero, as zeros are cheap.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

from optimistic.protocol.accounts import Account, encode_slot
from optimistic.protocol.constants import CHUNK_BYTES, MAX_INITCODE_BYTES
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.ops.pending import HASH_BYTES
from optimistic.protocol.stepper.phases.exit import MAX_CODE_BYTES
from optimistic.protocol.stepper.state import PENDING_OUTPUT, FrameKind, Halt, Journal, Machine, Pend, Stack
from optimistic.protocol.stepper.world import slot_key
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Phase
from tests.bench.ground_tries import ACCOUNT, SMALL, put, surround
from tests.helpers.memory_programs import bytes_of
from tests.helpers.opcode_stage import (
    CALLER,
    GAS,
    OTHER,
    SELF,
    Stage,
    memory,
    number,
    precompile_stage,
    stage,
    view,
)
from tests.helpers.precompile_cases import g1, g2, modexp_input
from tests.helpers.stepper_batch import Proven, prove_step

AT: Final = (1 << 17) - CHUNK_BYTES // 2 + 17
"""Where ranges of memory begin: in the middle of a word, and on both sides of the middle of all memory."""
MEMORY_BYTES: Final = 1 << 18
SLOT: Final = 5
TOPICS: Final = (1 << 255,) * 4
WARM: Final = b"\x01"
MOST: Final = (1 << 256) - 1


@dataclass(frozen=True)
class Setting:
    """A machine before a step; `be` has what the step asks for."""

    be: Full
    m: Machine
    j: int = 1
    v: int = 1
    acc: Hash32 = ZERO_HASH
    deposits: tuple[Hash32, ...] = ()
    """What the inbox has stored."""

    def prove(self) -> Proven:
        """Make the step, once, and return its proof."""
        return prove_step(self.be, self.m, self.j, self.v, self.acc)


# ------------------------------------------------------------------------------------------- parts


def initcode_of(op: int, filler: int = 0x01) -> bytes:
    """Return the longest initcode, which begins with an opcode."""
    return bytes((op,)) + bytes((filler,)) * (MAX_INITCODE_BYTES - 1)


@cache
def filled(length: int) -> bytes:
    """Return bytes none of which is zero."""
    return bytes_of(length)


@dataclass(frozen=True, kw_only=True)
class Tries:
    """The state at the start of the transaction and now, and what is warm; all ground."""

    now: Mapping[Address, Account]
    start: Mapping[Address, Account]
    warm: tuple[Hash32, ...] = ()
    """Keys that nobody has touched yet."""


def _frame(op: int, items: tuple[int, ...] = (), tries: Tries | None = None, **fields: Any) -> Setting:
    """Return a frame of the longest initcode about to run its first opcode."""
    code = fields.pop("code", None) or initcode_of(op)
    with_memory = fields.pop("with_memory", False)
    if with_memory:
        fields |= {"memory": memory(filled(MEMORY_BYTES)), "memory_words": MEMORY_BYTES // 32}
    staged = stage(code=code, kind=FrameKind.CREATE, stack=Stack((1, *reversed(items))), **fields)
    if tries is not None:
        _deepen(staged, tries)
    return Setting(staged.be, staged.m)


def _deepen(staged: Stage, tries: Tries) -> None:
    """Give the machine its tries."""
    be, m = staged.be, staged.m
    assert isinstance(m.journal, Journal)
    now = _state(be, tries.now)
    warm = surround(be.nodes, EMPTY_ROOT, tries.warm, WARM)
    transient = surround(be.nodes, EMPTY_ROOT, [slot_key(SELF, SLOT)], SMALL)
    m.journal = replace(m.journal, state_root=now, warm_root=warm, transient_root=transient)
    m.unit = replace(m.unit, state_root=_state(be, tries.start))


def _state(be: Full, accounts: Mapping[Address, Account]) -> Hash32:
    """Store a state of these accounts, the way to each of them and to nobody else's as deep as can be."""
    keys = {address: keccak256(address) for address in (SELF, OTHER, CALLER)} | {
        address: keccak256(address) for address in accounts
    }
    root = surround(be.nodes, EMPTY_ROOT, keys.values(), ACCOUNT)
    for address, account in accounts.items():
        root = put(be.nodes, root, keys[address], account.encode())
    return root


def _storage(be: Full, slots: Mapping[int, int]) -> Hash32:
    """Store a storage trie that is deep at `SLOT`, with these values."""
    root = surround(be.nodes, EMPTY_ROOT, [_slot_hash(SLOT)], SMALL)
    for slot, value in slots.items():
        root = put(be.nodes, root, _slot_hash(slot), encode_slot(value))
    return root


def _slot_hash(slot: int) -> Hash32:
    return keccak256(slot.to_bytes(32, "big"))


# ------------------------------------------------------------------------------------------- opcodes


def _basic() -> Iterator[tuple[str, Callable[[], Setting]]]:
    """Yield opcodes that need only code and stack."""
    yield "SWAP16", partial(_frame, Op.SWAP16, (MOST,) * 17)
    yield "EXP", partial(_frame, Op.EXP, (MOST, MOST))
    yield "ADDMOD", partial(_frame, Op.ADDMOD, (MOST, MOST, MOST))
    for name, filler in (("JUMP", Op.JUMPDEST), ("JUMP_over_PUSH1", Op.PUSH1)):
        target = MAX_INITCODE_BYTES - 1
        body = initcode_of(Op.JUMP, filler)[:-2] + bytes((Op.JUMPDEST,)) * 2
        yield name, partial(_frame, Op.JUMP, (target,), code=body)
    yield (
        "JUMPI",
        partial(_frame, Op.JUMPI, (MAX_INITCODE_BYTES - 1, 1), code=initcode_of(Op.JUMPI, Op.JUMPDEST)),
    )


def _memory() -> Iterator[tuple[str, Callable[[], Setting]]]:
    """Yield opcodes on words and on chunks of memory."""
    data: dict[str, Any] = {
        "calldata": view(filled(CHUNK_BYTES)),
        "returndata": view(filled(CHUNK_BYTES)),
    }
    chunk = CHUNK_BYTES
    operands: dict[Op, tuple[int, ...]] = {
        Op.MLOAD: (AT,),
        Op.MSTORE: (AT, MOST),
        Op.MSTORE8: (AT, 1),
        Op.CALLDATALOAD: (7,),
        Op.CALLDATACOPY: (AT, 0, chunk),
        Op.RETURNDATACOPY: (AT, 0, chunk),
        Op.CODECOPY: (AT, 1, chunk),
        Op.MCOPY: (AT, 17, chunk),
        Op.KECCAK256: (AT, chunk),
        Op.LOG4: (AT, chunk, *TOPICS),
    }
    for op, items in operands.items():
        yield op.name, partial(_frame, op, items, with_memory=True, **data)
    for length in (0, chunk):
        yield f"EXTCODECOPY_{length}", partial(_ext_code, Op.EXTCODECOPY, (AT, 0, length))


def _ext_code(op: Op, items: tuple[int, ...]) -> Setting:
    """Return an opcode on the longest code of another account."""
    code = filled(MAX_CODE_BYTES)
    contract = Account(nonce=1, code_hash=keccak256(code))
    tries = Tries(now={OTHER: contract}, start={}, warm=(keccak256(OTHER),))
    setting = _frame(op, (number(OTHER), *items), tries, with_memory=True)
    setting.be.keep_code(code)
    return setting


# ------------------------------------------------------------------------------------------- state


def _storage_op(op: Op, items: tuple[int, ...], before: int, now: int) -> Setting:
    """Return an opcode on `SLOT`, which was `before` and is `now`."""
    setting = _frame(op, items)
    be, m = setting.be, setting.m
    assert isinstance(m.journal, Journal)
    start = Account(nonce=1, storage_root=_storage(be, {SLOT: before} if before else {}))
    present = Account(nonce=1, storage_root=_storage(be, {1: 1, **({SLOT: now} if now else {})}))
    warm = (slot_key(SELF, SLOT),)
    _deepen(Stage(be, m), Tries(now={SELF: present}, start={SELF: start}, warm=warm))
    return setting


def _state_ops() -> Iterator[tuple[str, Callable[[], Setting]]]:
    """Yield opcodes of accounts and storage."""
    yield "SLOAD", partial(_storage_op, Op.SLOAD, (SLOT,), 1, MOST)
    yield "SSTORE_new", partial(_storage_op, Op.SSTORE, (SLOT, MOST), 0, 0)
    yield "SSTORE_change", partial(_storage_op, Op.SSTORE, (SLOT, MOST - 1), 1, MOST)
    yield "SSTORE_delete", partial(_storage_op, Op.SSTORE, (SLOT, 0), 1, MOST)
    yield "TLOAD", partial(_storage_op, Op.TLOAD, (SLOT,), 1, 1)
    yield "TSTORE", partial(_storage_op, Op.TSTORE, (SLOT, MOST), 1, 1)
    yield "BALANCE", partial(_ext_code, Op.BALANCE, ())
    yield "EXTCODESIZE", partial(_ext_code, Op.EXTCODESIZE, ())
    yield "EXTCODEHASH", partial(_ext_code, Op.EXTCODEHASH, ())
    yield "BLOCKHASH", partial(_frame, Op.BLOCKHASH, (999,))
    tries = _paying()
    yield "SELFBALANCE", partial(_frame, Op.SELFBALANCE, (), tries)
    yield "SELFDESTRUCT", partial(_frame, Op.SELFDESTRUCT, (number(OTHER),), tries)


def _paying(nonce: int = 1) -> Tries:
    """Return tries in which SELF has some wei."""
    warm = (keccak256(OTHER), keccak256(SELF))
    return Tries(now={SELF: Account(nonce=nonce, balance=1 << 90)}, start={}, warm=warm)


# ------------------------------------------------------------------------------------------- calls


def _calls() -> Iterator[tuple[str, Callable[[], Setting]]]:
    """Yield opcodes that begin a frame."""
    ranges = (AT, CHUNK_BYTES, AT, CHUNK_BYTES)
    to = number(OTHER)
    yield "CALL", partial(_frame, Op.CALL, (10**6, to, 1, *ranges), _paying(), with_memory=True)
    yield "CALL_all", partial(_frame, Op.CALL, (10**6, to, 1 << 90, *ranges), _paying(0), with_memory=True)
    yield "DELEGATECALL", partial(_frame, Op.DELEGATECALL, (10**6, to, *ranges), _paying(), with_memory=True)
    for op, salt in ((Op.CREATE, ()), (Op.CREATE2, (MOST,))):
        yield op.name, partial(_create, op, salt)
    yield "RETURN", partial(_frame, Op.RETURN, (AT, CHUNK_BYTES), with_memory=True)
    yield "REVERT", partial(_frame, Op.REVERT, (AT, CHUNK_BYTES), with_memory=True)


def _create(op: Op, salt: tuple[int, ...]) -> Setting:
    """Return a creation from the longest initcode, run by the longest initcode."""
    initcode = filled(MEMORY_BYTES)[AT : AT + MAX_INITCODE_BYTES]
    address = create_address(SELF, 1)
    if salt:
        hashed = keccak256(b"\xff" + SELF + salt[0].to_bytes(32, "big") + keccak256(initcode))
        address = Address(hashed[12:])
    tries = replace(_paying(), warm=(keccak256(address),))
    return _frame(op, (1, AT, MAX_INITCODE_BYTES, *salt), tries, with_memory=True)


# ------------------------------------------------------------------------------------------- long ranges


def _pending() -> Iterator[tuple[str, Callable[[], Setting]]]:
    """Yield further steps of long ranges, in the middle and at the end."""
    copies: dict[int, tuple[int, ...]] = {
        Op.CALLDATACOPY: (1, 1, 1),
        Op.RETURNDATACOPY: (1, 1, 1),
        Op.CODECOPY: (1, 1, 1),
        Op.EXTCODECOPY: (1, 1, 1, 1),
        Op.MCOPY: (1, 1, 1),
        PENDING_OUTPUT: (),
    }
    hashes: dict[int, tuple[int, ...]] = {Op.KECCAK256: (1, 1), Op.LOG4: (1, 1, *TOPICS)}
    for op, items in copies.items():
        for left in (CHUNK_BYTES, CHUNK_BYTES + 1):
            yield f"{_op_name(op)}_pending_{left}", partial(_copying, op, items, left)
    for op, items in hashes.items():
        for left in (HASH_BYTES - 1, HASH_BYTES, HASH_BYTES + 1):
            yield f"{_op_name(op)}_pending_{left}", partial(_hashing, op, items, left)


def _op_name(op: int) -> str:
    return "output" if op == PENDING_OUTPUT else Op(op).name


def _copying(op: int, items: tuple[int, ...], left: int) -> Setting:
    """Return a copy that has `left` bytes to go."""
    done = CHUNK_BYTES
    data = view(filled(3 * CHUNK_BYTES))
    setting = _frame(Op.STOP, items, with_memory=True, calldata=data, returndata=data)
    m = setting.m
    assert m.frame is not None
    source = (data.root, data.offset, data.words)
    if op in (Op.CODECOPY, Op.EXTCODECOPY):
        setting.be.keep_code(code := filled(MAX_INITCODE_BYTES if op == Op.CODECOPY else MAX_CODE_BYTES))
        source = (keccak256(code), 0, None)
    elif op == Op.MCOPY:
        source = (m.frame.memory.root, 17, setting.be.freeze(m.frame.memory))
    root, offset, words = source
    if op == Op.CODECOPY:
        m.frame.code, m.frame.code_hash = None, root
    m.pend = Pend(
        op=op, done=done, length=done + left, src_root=root, src_offset=offset, dst=AT - done, words=words
    )
    return setting


def _hashing(op: int, items: tuple[int, ...], left: int) -> Setting:
    """Return a hash that has `left` bytes to go."""
    setting = _frame(Op.STOP, items, with_memory=True)
    m = setting.m
    assert m.frame is not None
    done = 4 * HASH_BYTES
    sponge = tuple((1 << 64) - 1 - lane for lane in range(25))
    m.pend = Pend(
        op=op,
        done=done,
        length=done + left,
        src_root=m.frame.memory.root,
        src_offset=AT - done,
        dst=0,
        sponge=sponge,
    )
    return setting


# ------------------------------------------------------------------------------------------- other phases


def _frames() -> Iterator[tuple[str, Callable[[], Setting]]]:
    """Yield the steps at the ends of frames, and precompiles."""
    yield "EXIT_output", _exit_with_output
    yield "EXIT_deposit", _exit_with_code
    yield "CREATE_ENTER", _create_enter
    for name, (precompile, data) in {**dearest_inputs(), **dearest_failures()}.items():
        yield f"PRECOMPILE_{name}", partial(_precompile, precompile, data)


def _exit_with_output() -> Setting:
    """Return a child whose output its caller wants in memory."""
    parent = _frame(Op.CALL, with_memory=True).m.frame
    assert parent is not None
    output = view(filled(CHUNK_BYTES))
    fields: dict[str, Any] = {
        "kind": FrameKind.CALL,
        "parent": parent,
        "depth": 1,
        "out_offset": AT,
        "out_length": CHUNK_BYTES,
    }
    staged = stage(halt=Halt.SUCCESS, returndata=output, **fields)
    staged.m.phase = Phase.EXIT
    return Setting(staged.be, staged.m)


def _exit_with_code() -> Setting:
    """Return a creation whose code is the longest, below another frame."""
    parent = _frame(Op.CREATE).m.frame
    output = view(filled(MAX_CODE_BYTES), offset=17)
    fields: dict[str, Any] = {"kind": FrameKind.CREATE, "parent": parent, "depth": 1, "halt": Halt.SUCCESS}
    staged = stage(returndata=output, **fields)
    _deepen(staged, _paying())
    staged.m.phase = Phase.EXIT
    return Setting(staged.be, staged.m)


def _create_enter() -> Setting:
    """Return the beginning of a creation that is given ether."""
    staged = stage(kind=FrameKind.CREATE, value=1)
    payer = Account(nonce=1, balance=1 << 90)
    _deepen(staged, Tries(now={CALLER: payer}, start={}, warm=(keccak256(SELF),)))
    staged.m.phase = Phase.CREATE_ENTER
    return Setting(staged.be, staged.m)


@cache
def dearest_inputs() -> dict[str, tuple[int, bytes]]:
    """Return (precompile, input) pairs up to the highest price and length that do not fail."""
    pairs = (g1(6) + g2(1)) * 60
    return {
        "ecrecover": (1, b"\x11" * 31 + b"\x11" + bytes(31) + b"\x1b" + b"\x22" * 64),
        "sha256": (2, filled(65_536)),
        "ripemd160": (3, filled(65_536)),
        "identity": (4, filled(65_536)),
        "modexp_even": (5, modexp_input(b"\xa5" * 1_024, b"\xff" * 8, b"\xb6" * 1_024)),
        "modexp_odd": (5, modexp_input(b"\xa5" * 1_024, b"\xff" * 8, b"\xb7" * 1_024)),
        "modexp_exponent": (5, modexp_input(b"\xa5" * 200, b"\xff" * 103, b"\xb7" * 200)),
        "bn254_mul": (7, g1(7) + b"\xff" * 32),
        "bn254_pairing": (8, pairs),
        "blake2f": (9, (1 << 21).to_bytes(4, "big") + filled(208) + b"\x01"),
    }


@cache
def dearest_failures() -> dict[str, tuple[int, bytes]]:
    """Return (precompile, input) pairs that have the highest price and fail.

    A precompile that fails uses all the gas it gets, which is a multiple of its price.
    """
    number, pairs = dearest_inputs()["bn254_pairing"]
    return {"bn254_pairing_off_curve": (number, pairs[:-1] + bytes((pairs[-1] ^ 1,)))}


def _precompile(precompile: int, data: bytes) -> Setting:
    """Return the run of a precompile that can be paid for."""
    staged = precompile_stage(precompile, data, GAS)
    return Setting(staged.be, staged.m)


WORST: Final[Mapping[str, Callable[[], Setting]]] = dict(
    (*_basic(), *_memory(), *_state_ops(), *_calls(), *_pending(), *_frames())
)
"""What is in a frame, by name; each call makes a fresh machine."""
