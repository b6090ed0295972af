"""Small programs that use every opcode of state and calls, in all the ways these can end.

Each case is one transaction to TARGET (or a create). What it must leave is not said
here: two engines and the proofs of every step have to agree on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from optimistic.protocol.accounts import MAX_NONCE
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.types import Address
from tests.helpers.assembly import SALT, asm, call, create, returning
from tests.helpers.evm_world import ALICE, ETHER, Alloc

TARGET: Final = Address(b"\xc0" * 20)
STORER: Final = Address(b"\xc1" * 20)
REVERTER: Final = Address(b"\xc2" * 20)
THROWER: Final = Address(b"\xc3" * 20)
LONG: Final = Address(b"\xc4" * 20)
DESTROYER: Final = Address(b"\xc5" * 20)
PAYEE: Final = Address(b"\xc6" * 20)
FACTORY: Final = Address(b"\xc7" * 20)
NOBODY: Final = Address(b"\xee" * 20)
WORD_MAX: Final = (1 << 256) - 1


def created_by(creator: bytes, nonce: int) -> Address:
    """Return the address of CREATE with a nonce below 128."""
    body = b"\x94" + creator + (bytes((nonce,)) if nonce else b"\x80")
    return Address(keccak256(bytes((0xC0 + len(body),)) + body)[12:])


def created2_by(creator: bytes, initcode: bytes, salt: int = SALT) -> Address:
    """Return the address of CREATE2."""
    return Address(keccak256(b"\xff" + creator + salt.to_bytes(32, "big") + keccak256(initcode))[12:])


@dataclass(frozen=True, kw_only=True)
class Program:
    """A transaction of ALICE and what differs from the usual world."""

    code: bytes
    """Of TARGET, or the initcode of a create."""
    gas: int = 1_000_000
    value: int = 0
    is_create: bool = False
    data: bytes = b""
    alloc: Mapping[Address, Alloc] = field(default_factory=dict)
    depth: int = 0
    """Of the top frame: one that is nearly too deep saves a thousand steps."""
    is_static: bool = False


WORLD: Final[Mapping[Address, Alloc]] = {
    ALICE: Alloc(balance=ETHER),
    STORER: Alloc(
        balance=3,
        storage={1: 7},
        code=asm(Op.CALLVALUE, 0, Op.CALLDATALOAD, Op.SSTORE, 1, Op.SLOAD, 0, Op.MSTORE, 32, 0, Op.RETURN),
    ),
    REVERTER: Alloc(code=asm(1, 9, Op.TSTORE, 1, 9, Op.SSTORE, 0xBAD, 0, Op.MSTORE, 64, 0, Op.REVERT)),
    THROWER: Alloc(balance=1, code=asm(1, 9, Op.SSTORE) + b"\xfe"),
    LONG: Alloc(code=asm(0xAB, 33_000, Op.MSTORE8, 40_001, 3, Op.RETURN)),
    DESTROYER: Alloc(balance=50, code=asm(0, Op.CALLDATALOAD, Op.SELFDESTRUCT)),
    PAYEE: Alloc(balance=1),
    FACTORY: Alloc(
        balance=100,
        nonce=1,
        code=create(Op.CREATE2, returning(asm(Op.CALLER, Op.SELFDESTRUCT)), value=4)
        + asm(0, Op.MSTORE, 32, 0, Op.RETURN),
    ),
}

TARGET_BALANCE: Final = 1_000
TARGET_STORAGE: Final[Mapping[int, int]] = {1: 7, 2: 9}
CALLS: Final = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)


def world_of(program: Program) -> dict[Address, Alloc]:
    """Return all accounts at the start of the transaction."""
    target = Alloc(balance=TARGET_BALANCE, nonce=1, storage=TARGET_STORAGE, code=program.code)
    own = {} if program.is_create else {TARGET: target}
    return {**WORLD, **own, **program.alloc}


# ------------------------------------------------------------------------------------------- state


def _accounts() -> dict[str, Program]:
    """Return reads of accounts, warm and cold, there and not there."""
    asked = {
        "self": TARGET,
        "payee": PAYEE,
        "contract": STORER,
        "nobody": NOBODY,
        "sender": ALICE,
        "precompile": bytes(19) + b"\x04",
        "dirty": b"\xff" * 12 + PAYEE,
    }
    return {
        f"{op.name}_{name}": Program(code=asm(address, op, address, op))
        for op in (Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH)
        for name, address in asked.items()
    } | {"SELFBALANCE": Program(code=asm(Op.SELFBALANCE))}


def _block_hashes() -> dict[str, Program]:
    """Return block hashes in range and not; the tests' block is number 300."""
    return {
        f"BLOCKHASH_{number:#x}": Program(code=asm(number, Op.BLOCKHASH))
        for number in (0, 43, 44, 45, 255, 256, 299, 300, 301, (1 << 64) + 299, WORD_MAX)
    }


_LOADS: Final = asm(1, Op.SLOAD, 1, Op.SLOAD, 5, Op.SLOAD, WORD_MAX, Op.SLOAD)


def _slots() -> dict[str, Program]:
    """Return reads, and writes of every kind: original and present value known, new one any."""
    programs = {
        "SLOAD": Program(code=_LOADS),
        "SLOAD_empty": Program(code=_LOADS, alloc={TARGET: Alloc(nonce=1, code=_LOADS)}),
        "SSTORE_all_deleted": Program(code=asm(0, 1, Op.SSTORE, 0, 2, Op.SSTORE, 3, 2, Op.SSTORE)),
        "SSTORE_stipend": Program(code=call(Op.CALL, STORER, gas=0, value=1)),
        "SSTORE_static": Program(code=call(Op.STATICCALL, STORER)),
        "SSTORE_of_created": Program(code=create(Op.CREATE, asm(5, 1, Op.SSTORE, 0, 1, Op.SSTORE))),
        "SSTORE_reverted": Program(code=call(Op.DELEGATECALL, REVERTER) + asm(9, Op.SLOAD, 2, 9, Op.SSTORE)),
        "TLOAD": Program(code=asm(1, Op.TLOAD, 6, 1, Op.TSTORE, 1, Op.TLOAD, 0, 1, Op.TSTORE, 1, Op.TLOAD)),
        "TLOAD_wide": Program(code=asm((1 << 256) - 1, 1, Op.TSTORE, 1, Op.TLOAD)),
        "TSTORE_static": Program(code=asm(1, 1, Op.TSTORE), is_static=True),
        "TSTORE_reverted": Program(code=call(Op.DELEGATECALL, REVERTER) + asm(9, Op.TLOAD)),
    }
    for slot in (1, 3):
        for first in (0, 7, 8):
            for second in (0, 7, 8):
                code = asm(first, slot, Op.SSTORE, second, slot, Op.SSTORE)
                programs[f"SSTORE_{slot}_{first}_{second}"] = Program(code=code)
    return programs


def _destructions() -> dict[str, Program]:
    """Return SELFDESTRUCT of old and new accounts, to every kind of beneficiary."""
    beneficiaries = {"nobody": NOBODY, "self": TARGET, "payee": PAYEE, "sender": ALICE}
    programs = {
        f"SELFDESTRUCT_{name}": Program(code=asm(address, Op.SELFDESTRUCT))
        for name, address in beneficiaries.items()
    }
    for name, address in beneficiaries.items():
        programs[f"SELFDESTRUCT_poor_{name}"] = Program(
            code=asm(address, Op.BALANCE, address, Op.SELFDESTRUCT),
            alloc={TARGET: Alloc(nonce=1, code=asm(address, Op.BALANCE, address, Op.SELFDESTRUCT))},
        )
        new = asm(address, Op.SELFDESTRUCT)
        programs[f"SELFDESTRUCT_new_{name}"] = Program(code=create(Op.CREATE, new, value=9))
        programs[f"SELFDESTRUCT_new_poor_{name}"] = Program(code=create(Op.CREATE, new))
    own = asm(Op.ADDRESS, Op.SELFDESTRUCT)
    again = call(Op.CALL, FACTORY, out=(0, 32)) + asm(0, 0, 0, 0, 3, 0, Op.MLOAD, 50_000, Op.CALL)
    return programs | {
        "SELFDESTRUCT_new_self_is_own": Program(code=create(Op.CREATE, own, value=9)),
        "SELFDESTRUCT_create_tx": Program(code=own, is_create=True, value=9),
        "SELFDESTRUCT_twice": Program(code=again + again[len(call(Op.CALL, FACTORY, out=(0, 32))) :]),
        "SELFDESTRUCT_static": Program(code=call(Op.STATICCALL, DESTROYER)),
        "SELFDESTRUCT_delegated": Program(code=call(Op.DELEGATECALL, DESTROYER)),
        "SELFDESTRUCT_empties": Program(code=call(Op.CALL, DESTROYER), alloc={DESTROYER: _bare(PAYEE)}),
    }


def _bare(beneficiary: Address) -> Alloc:
    """Return a contract with a balance but no nonce that destroys itself."""
    return Alloc(balance=5, code=asm(beneficiary, Op.SELFDESTRUCT))


# ------------------------------------------------------------------------------------------- calls


def _calls() -> dict[str, Program]:
    """Return the four kinds of call to everything there is."""
    callees = {
        "self_stop": bytes(19) + b"\xdd",
        "nobody": NOBODY,
        "payee": PAYEE,
        "storer": STORER,
        "reverter": REVERTER,
        "thrower": THROWER,
        "identity": bytes(19) + b"\x04",
        "sha256": bytes(19) + b"\x02",
        "pairing": bytes(19) + b"\x08",
        "no_precompile": bytes(19) + b"\x0b",
        "dirty": b"\xff" * 12 + STORER,
    }
    programs = {}
    for op in CALLS:
        for name, to in callees.items():
            code = asm(0xF00D, 0, Op.MSTORE) + call(op, to, args=(0, 37), out=(40, 50))
            programs[f"{op.name}_{name}"] = Program(code=code + asm(Op.RETURNDATASIZE, 40, Op.MLOAD))
    for op in CALLS[:2]:
        for name, to in {**callees, "self": TARGET, "sender": ALICE}.items():
            programs[f"{op.name}_value_{name}"] = Program(code=call(op, to, value=7, gas=30_000))
            programs[f"{op.name}_broke_{name}"] = Program(code=call(op, to, value=1_001) + asm(Op.GAS))
    return programs


def _call_memory() -> dict[str, Program]:
    """Return calls whose ranges are empty, long, far away or endless."""
    ranges = {
        "empty_far": ((WORD_MAX, 0), (WORD_MAX, 0)),
        "out_beyond": ((0, 0), (100, 2)),
        "in_beyond": ((100, 33), (0, 64)),
        "in_endless": ((WORD_MAX, 1), (0, 0)),
        "out_endless": ((0, 0), (1, WORD_MAX)),
        "in_too_much": ((1 << 21, 1), (0, 0)),
        "out_last_word": ((0, 0), ((1 << 21) - 1, 1)),
    }
    programs = {
        f"{op.name}_{name}": Program(code=call(op, STORER, args=args, out=out) + asm(Op.MSIZE))
        for op in CALLS
        for name, (args, out) in ranges.items()
    }
    for length in (32_768, 32_769, 40_000, 50_000):
        code = call(Op.CALL, LONG, out=(17, length)) + asm(33_014, Op.MLOAD, Op.RETURNDATASIZE)
        programs[f"CALL_long_{length}"] = Program(code=code)
    return programs


def _call_gas() -> dict[str, Program]:
    """Return calls that ask for all or no gas, in frames that are poor, static or too deep."""
    programs = {}
    for op in CALLS:
        for gas in (0, 1, WORD_MAX):
            programs[f"{op.name}_gas_{gas:#x}"] = Program(code=call(op, STORER, gas=gas) + asm(Op.GAS))
        programs[f"{op.name}_deepest"] = Program(code=call(op, STORER) + asm(Op.RETURNDATASIZE), depth=1_024)
        programs[f"{op.name}_last"] = Program(code=call(op, STORER) + asm(Op.RETURNDATASIZE), depth=1_023)
        programs[f"{op.name}_in_static"] = Program(code=call(op, STORER), is_static=True)
    for op in CALLS[:2]:
        programs[f"{op.name}_value_in_static"] = Program(code=call(op, PAYEE, value=1), is_static=True)
        code = call(op, PAYEE, value=1) + asm(Op.GAS)
        programs[f"{op.name}_value_deepest"] = Program(code=code, depth=1_024)
    return programs


def _ends() -> dict[str, Program]:
    """Return the ways a frame ends by itself."""
    ranges = {
        "empty": (0, 0),
        "one": (0, 1),
        "beyond": (77, 99),
        "far": (WORD_MAX, 0),
        "endless": (0, WORD_MAX),
    }
    programs = {
        f"{op.name}_{name}": Program(code=asm(1, 2, Op.SSTORE, 3, 0, Op.MSTORE8, length, offset, op))
        for op in (Op.RETURN, Op.REVERT)
        for name, (offset, length) in ranges.items()
    }
    return programs | {
        "STOP": Program(code=asm(1, Op.STOP)),
        "STOP_by_end": Program(code=asm(1)),
        "STOP_without_code": Program(code=b""),
        "INVALID": Program(code=b"\xfe"),
    }


# --------------------------------------------------------------------------------------- creations

_RUNTIME = asm(1, 0, Op.SSTORE)
_INITCODES: Final[Mapping[str, bytes]] = {
    "runtime": returning(_RUNTIME),
    "empty": b"",
    "stop": asm(Op.STOP),
    "reverts": asm(0xBAD, 0, Op.MSTORE, 32, 0, Op.REVERT),
    "throws": asm(1, 1, Op.SSTORE) + b"\xfe",
    "ef": returning(b"\xef\x00"),
    "longest": asm(24_576, 0, Op.RETURN),
    "too_long": asm(24_577, 0, Op.RETURN),
    "stores": asm(1, 1, Op.SSTORE, Op.CALLVALUE, 2, Op.SSTORE) + returning(_RUNTIME),
    "calls_home": call(Op.CALL, PAYEE, value=1) + asm(Op.CODESIZE, Op.CALLDATASIZE),
}


def _creations() -> dict[str, Program]:
    """Return creations by both opcodes and by transactions, and all that can go wrong."""
    programs = {}
    for name, initcode in _INITCODES.items():
        for op in (Op.CREATE, Op.CREATE2):
            code = create(op, initcode, value=3) + asm(Op.RETURNDATASIZE, Op.GAS)
            programs[f"{op.name}_{name}"] = Program(code=code, gas=6_000_000)
        programs[f"create_tx_{name}"] = Program(code=initcode, is_create=True, value=3, gas=6_000_000)
    return programs | _collisions() | _failing_creations()


def _collisions() -> dict[str, Program]:
    """Return creations of an address that is taken, or only rich."""
    there = {
        "nonce": Alloc(nonce=1),
        "code": Alloc(code=b"\x00"),
        "storage": Alloc(balance=1, storage={1: 1}),
        "balance": Alloc(balance=5),
    }
    initcode = _INITCODES["runtime"]
    programs = {}
    for name, alloc in there.items():
        for op, new in (
            (Op.CREATE, created_by(TARGET, 1)),
            (Op.CREATE2, created2_by(TARGET, initcode)),
        ):
            code = create(op, initcode) + asm(Op.GAS)
            programs[f"{op.name}_collision_{name}"] = Program(code=code, alloc={new: alloc})
        programs[f"create_tx_collision_{name}"] = Program(
            code=initcode, is_create=True, value=2, alloc={created_by(ALICE, 0): alloc}
        )
    twice = create(Op.CREATE2, initcode)
    return programs | {"CREATE2_twice": Program(code=twice + twice)}


def _failing_creations() -> dict[str, Program]:
    """Return creations that fail before or after they begin."""
    initcode = _INITCODES["runtime"]
    programs: dict[str, Program] = {}
    for op in (Op.CREATE, Op.CREATE2):
        salt = [SALT] if op is Op.CREATE2 else []
        code = create(op, initcode, value=3) + asm(Op.GAS)
        tired = Alloc(balance=9, nonce=MAX_NONCE, code=code)
        programs |= {
            f"{op.name}_broke": Program(code=create(op, initcode, value=1_001) + asm(Op.GAS)),
            f"{op.name}_deepest": Program(code=code, depth=1_024),
            f"{op.name}_last": Program(code=code, depth=1_023),
            f"{op.name}_static": Program(code=code, is_static=True),
            f"{op.name}_last_nonce": Program(code=code, alloc={TARGET: tired}),
            f"{op.name}_longest_initcode": Program(code=asm(*salt, 49_152, 0, 0, op)),
            f"{op.name}_too_long_initcode": Program(code=asm(*salt, 49_153, 0, 0, op)),
            f"{op.name}_endless_initcode": Program(code=asm(*salt, WORD_MAX, 0, 0, op)),
            f"{op.name}_far_initcode": Program(code=asm(*salt, 1, WORD_MAX, 0, op)),
            f"{op.name}_far_empty_initcode": Program(code=asm(*salt, 0, WORD_MAX, 0, op)),
            f"{op.name}_clears_returndata": Program(
                code=call(Op.CALL, STORER) + code + asm(Op.RETURNDATASIZE)
            ),
        }
    for length in (32, 100, 24_576):
        leaves = asm(length, 0, Op.RETURN)
        for gas in (53_200, 56_000, 4_000_000):
            programs[f"create_tx_deposit_{length}_{gas}"] = Program(code=leaves, is_create=True, gas=gas)
    return programs


PROGRAMS: Final[Mapping[str, Program]] = {
    **_accounts(),
    **_block_hashes(),
    **_slots(),
    **_destructions(),
    **_calls(),
    **_call_memory(),
    **_call_gas(),
    **_ends(),
    **_creations(),
}
