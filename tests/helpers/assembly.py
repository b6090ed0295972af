"""Bytecode written by hand."""

from typing import Final

from optimistic.protocol.stepper.opcode_table import Op

SALT: Final = 5

Part = int | bytes


def asm(*parts: Part) -> bytes:
    """Return code: an `Op` is itself, another number its shortest PUSH, bytes a PUSH of all of them."""
    return b"".join(_encode(part) for part in parts)


def _encode(part: Part) -> bytes:
    if isinstance(part, Op):
        return bytes((part,))
    if isinstance(part, int):
        part = part.to_bytes(-(-part.bit_length() // 8), "big")
    return bytes((Op.PUSH0 + len(part),)) + part


def run(op: Op, *operands: Part) -> bytes:
    """Return code that runs an opcode on operands, top first."""
    return asm(*reversed(operands), op)


def store(data: bytes, offset: int = 0) -> bytes:
    """Return code that writes `data` to memory."""
    parts: list[Part] = []
    for start in range(0, len(data), 32):
        parts += [data[start : start + 32].ljust(32, b"\0"), offset + start, Op.MSTORE]
    return asm(*parts)


def call(
    op: Op,
    to: bytes,
    *,
    gas: int = 100_000,
    value: int = 0,
    args: tuple[int, int] = (0, 0),
    out: tuple[int, int] = (0, 0),
) -> bytes:
    """Return code of one call, whose result stays on the stack."""
    sent = [value] if op in (Op.CALL, Op.CALLCODE) else []
    return asm(out[1], out[0], args[1], args[0], *sent, to, gas, op)


def create(op: Op, initcode: bytes, *, value: int = 0, salt: int = SALT) -> bytes:
    """Return code that creates a contract, whose address stays on the stack."""
    seasoning = [salt] if op is Op.CREATE2 else []
    return store(initcode) + asm(*seasoning, len(initcode), 0, value, op)


def returning(runtime: bytes) -> bytes:
    """Return initcode that leaves `runtime`, at most 32 bytes."""
    return store(runtime) + asm(len(runtime), 0, Op.RETURN)
