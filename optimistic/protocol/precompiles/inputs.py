"""How precompiled contracts read their input: it goes on with zeros for ever."""

from typing import Final

MODEXP_HEADER_BYTES: Final = 96
"""Three words: the lengths of base, exponent and modulus."""


def padded(data: bytes, start: int, length: int) -> bytes:
    """Return bytes [start, start + length) of the input."""
    return data[start : start + length].ljust(length, b"\0")


def padded_number(data: bytes, start: int, length: int) -> int:
    """Return the big-endian number in bytes [start, start + length) of the input."""
    return int.from_bytes(padded(data, start, length), "big")
