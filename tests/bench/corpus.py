"""Code that is as slow as possible for its gas: one loop per kind of work.

A case is runtime code that runs until its gas is gone (or, for deep calls, a
shape that gas alone does not buy). Gas per second over this corpus bounds what
a batch's gas budget can cost a watchtower.
"""

from dataclasses import dataclass
from hashlib import sha256

from tests.helpers.assembly import asm

PUSH0, POP, JUMP, JUMPDEST, DUP1 = b"\x5f", b"\x50", b"\x56", b"\x5b", b"\x80"
GAS, CALL, STATICCALL, ADDRESS = b"\x5a", b"\xf1", b"\xfa", b"\x30"
CURVE_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617
G2 = bytes.fromhex(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
    "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
    "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
)
G1 = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
KZG_INFINITY = b"\xc0" + bytes(47)


_LONG = 1 << 19
"""Bytes of memory that leave most of the gas for using them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of work."""

    name: str
    code: bytes
    calldata: bytes = b""


def loop(body: bytes, prologue: bytes = b"") -> bytes:
    """Return code that repeats `body` for ever."""
    return prologue + JUMPDEST + body + asm(len(prologue)) + JUMP


def lasting(body: bytes, prologue: bytes = b"") -> bytes:
    """Return code that repeats `body` and ends in time: what it wrote must be committed."""
    enough = asm(60_000) + GAS + b"\x11"
    return prologue + JUMPDEST + body + enough + asm(len(prologue)) + b"\x57"


def binary(opcode: int, a: int, b: int) -> bytes:
    """Return a stack-neutral use of a two-operand opcode."""
    return asm(b) + asm(a) + bytes([opcode]) + POP


def counting(body: bytes) -> bytes:
    """Return a loop whose body finds a fresh number on top of the stack, and must leave it there."""
    return lasting(body + asm(1) + b"\x01", prologue=GAS)  # no two runs count the same numbers


def precompile(number: int, input_len: int, output_len: int = 64) -> bytes:
    """Return a loop that calls a precompile with the calldata as input."""
    body = asm(output_len) + asm(input_len) + asm(input_len) + PUSH0 + asm(number) + GAS + STATICCALL + POP
    return loop(body, prologue=asm(input_len) + PUSH0 + PUSH0 + b"\x37")


def opcode_cases() -> list[Case]:
    """Return loops over opcodes."""
    full = (1 << 256) - 1
    top_bit = 1 << 255
    return [
        Case(name="jumpdest", code=loop(JUMPDEST * 200)),
        Case(name="push_pop", code=loop((asm(full) + POP) * 20)),
        Case(name="dup_swap", code=loop((DUP1 + b"\x90" + POP) * 20, prologue=asm(1))),
        Case(name="add", code=loop(binary(0x01, full, full) * 10)),
        Case(name="mul", code=loop(binary(0x02, full, full) * 10)),
        Case(name="sdiv", code=loop(binary(0x05, top_bit, 3) * 10)),
        Case(name="mulmod", code=loop((asm(full - 2) + asm(full - 1) + asm(full) + b"\x09" + POP) * 10)),
        Case(name="exp", code=loop(binary(0x0A, full, full) * 4)),
        Case(name="keccak_32", code=loop((asm(32) + PUSH0 + b"\x20" + POP) * 8)),
        Case(name="keccak_4096", code=loop((asm(4096) + PUSH0 + b"\x20" + POP) * 4)),
        Case(name="mstore", code=loop((asm(full) + PUSH0 + b"\x52") * 10)),
        Case(name="mload", code=loop((PUSH0 + b"\x51" + POP) * 10)),
        Case(name="mcopy_1024", code=loop((asm(1024) + asm(1) + asm(64) + b"\x5e") * 4)),
        Case(name="calldatacopy_1024", code=loop((asm(1024) + PUSH0 + PUSH0 + b"\x37") * 4)),
        Case(name="log4_32", code=lasting((asm(1) * 4 + asm(32) + PUSH0 + b"\xa4") * 4)),
        Case(name="blockhash", code=loop((PUSH0 + b"\x40" + POP) * 10)),
    ]


def state_cases() -> list[Case]:
    """Return loops over accounts and storage, every access cold unless named."""
    call = PUSH0 * 5 + b"\x85" + asm(1 << 100) + b"\x01" + GAS + CALL + POP
    return [
        Case(name="sload_cold", code=counting(DUP1 + b"\x54" + POP)),
        Case(name="sload_warm", code=loop((PUSH0 + b"\x54" + POP) * 10)),
        Case(name="sstore_new", code=counting(asm(1) + b"\x81" + b"\x55")),
        Case(name="sstore_dirty", code=counting(DUP1 + PUSH0 + b"\x55")),
        Case(name="tstore", code=counting(DUP1 + b"\x81" + b"\x5d")),
        Case(name="balance_cold", code=counting(DUP1 + asm(1 << 100) + b"\x01" + b"\x31" + POP)),
        Case(name="extcodehash_cold", code=counting(DUP1 + asm(1 << 100) + b"\x01" + b"\x3f" + POP)),
        Case(name="extcodesize_self", code=loop((ADDRESS + b"\x3b" + POP) * 10)),
        Case(name="call_absent_cold", code=counting(call)),
        Case(name="call_long_input", code=loop(PUSH0 * 2 + asm(_LONG) + PUSH0 * 2 + GAS + STATICCALL + POP)),
        Case(name="call_self_deep", code=PUSH0 * 5 + ADDRESS + GAS + CALL + POP + loop(JUMPDEST)),
        Case(name="call_identity", code=loop((PUSH0 * 4 + asm(4) + GAS + STATICCALL + POP) * 4)),
        Case(name="create_empty", code=lasting((PUSH0 * 3 + b"\xf0" + POP) * 2)),
        Case(name="create2_fresh", code=counting(DUP1 + PUSH0 * 3 + b"\xf5" + POP)),
    ]


def precompile_cases() -> list[Case]:
    """Return loops over every precompile with an input that takes its expensive path."""
    scalar = (CURVE_ORDER - 1).to_bytes(32, "big")
    modexp = b"".join(n.to_bytes(32, "big") for n in (32, 32, 32)) + b"\xff" * 96
    wide = b"".join(n.to_bytes(32, "big") for n in (1024, 1, 1024)) + b"\xff" * 2049
    blake = (1 << 18).to_bytes(4, "big") + bytes(range(64)) + bytes(128) + bytes(16) + b"\x01"
    versioned = b"\x01" + sha256(KZG_INFINITY).digest()[1:]
    inputs = [
        ("ecrecover", 1, _signature(), 32),
        ("sha256_1024", 2, bytes(1024), 32),
        ("ripemd160_1024", 3, bytes(1024), 32),
        ("identity_1024", 4, bytes(1024), 0),
        ("modexp_32", 5, modexp, 32),
        ("modexp_1024", 5, wide, 0),
        ("bn254_add", 6, G1 * 2, 64),
        ("bn254_mul", 7, G1 + scalar, 64),
        ("bn254_pairing_1", 8, G1 + G2, 32),
        ("bn254_pairing_8", 8, (G1 + G2) * 8, 32),
        ("blake2f", 9, blake, 64),
        ("kzg_point", 10, versioned + bytes(64) + KZG_INFINITY * 2, 64),
    ]
    return [
        Case(name=name, code=precompile(number, len(data), output), calldata=data)
        for name, number, data, output in inputs
    ]


def _signature() -> bytes:
    """Return a valid ecrecover input: r = x of the generator, s = 1."""
    generator_x = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
    return b"\x11" * 32 + b"".join(n.to_bytes(32, "big") for n in (27, generator_x, 1))


def all_cases() -> list[Case]:
    """Return the whole corpus of the general lane."""
    return [*opcode_cases(), *state_cases(), *precompile_cases()]
