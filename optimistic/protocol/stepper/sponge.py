"""Keccak-256 by blocks: the sponge of a hash that takes more than one step.

The machine absorbs a long input over several steps and keeps the 25 lanes of the
sponge between them. A lane is an integer below 2^64; lane x + 5·y stands in column
x of row y, and the lanes of a block are little-endian.

Twin: solidity/src/libraries/Keccak.sol.
"""

from struct import Struct
from typing import Final

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32

Sponge = tuple[int, ...]
"""25 lanes."""

BLOCK: Final = 136
"""Bytes absorbed by one permutation."""

LANES: Final = 25
EMPTY: Final[Sponge] = (0,) * LANES
"""The sponge that has absorbed nothing."""

_BLOCK_LANES: Final = Struct("<17Q")
_DIGEST_LANES: Final = Struct("<4Q")


class InvalidBlocks(InvalidInput):
    """The bytes to absorb are not whole blocks, or the last ones fill a block."""


def absorb(sponge: Sponge, blocks: bytes) -> Sponge:
    """Take in whole blocks.

    Raises
    ------
    InvalidBlocks : the length of `blocks` is no multiple of 136
    """
    if len(blocks) % BLOCK:
        raise InvalidBlocks(f"{len(blocks)} bytes are not whole blocks")
    for block in _BLOCK_LANES.iter_unpack(blocks):
        mixed = (lane ^ more for lane, more in zip(sponge, block, strict=False))
        sponge = _permute((*mixed, *sponge[len(block) :]))
    return sponge


def finish(sponge: Sponge, tail: bytes) -> Hash32:
    """Digest of everything absorbed and the `tail`, which is shorter than a block.

    Raises
    ------
    InvalidBlocks : the tail has 136 bytes or more
    """
    if len(tail) >= BLOCK:
        raise InvalidBlocks(f"a tail of {len(tail)} bytes fills a block")
    padded = bytearray(tail.ljust(BLOCK, b"\0"))
    padded[len(tail)] ^= 0x01
    padded[-1] ^= 0x80
    return Hash32(_DIGEST_LANES.pack(*absorb(sponge, bytes(padded))[: 256 // 64]))


def _round_constants() -> tuple[int, ...]:
    """The constants of the 24 rounds: output bits of an 8-bit shift register at positions 2^j - 1."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << ((1 << j) - 1)
            register = (register << 1) ^ (register >> 7) * 0x171
        constants.append(constant)
    return tuple(constants)


_ROUND_CONSTANTS: Final = _round_constants()
_MASK: Final = (1 << 64) - 1


def _permute(sponge: Sponge) -> Sponge:
    """Keccak-f[1600], unrolled: hashing by steps spends its time here."""
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12 = sponge[:13]
    a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24 = sponge[13:]
    for constant in _ROUND_CONSTANTS:
        # theta: every lane takes the parity of two columns
        c0, c1 = a0 ^ a5 ^ a10 ^ a15 ^ a20, a1 ^ a6 ^ a11 ^ a16 ^ a21
        c2, c3 = a2 ^ a7 ^ a12 ^ a17 ^ a22, a3 ^ a8 ^ a13 ^ a18 ^ a23
        c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
        d0, d1 = c4 ^ (c1 << 1 & _MASK | c1 >> 63), c0 ^ (c2 << 1 & _MASK | c2 >> 63)
        d2, d3 = c1 ^ (c3 << 1 & _MASK | c3 >> 63), c2 ^ (c4 << 1 & _MASK | c4 >> 63)
        d4 = c3 ^ (c0 << 1 & _MASK | c0 >> 63)
        a0, a1, a2, a3, a4 = a0 ^ d0, a1 ^ d1, a2 ^ d2, a3 ^ d3, a4 ^ d4
        a5, a6, a7, a8, a9 = a5 ^ d0, a6 ^ d1, a7 ^ d2, a8 ^ d3, a9 ^ d4
        a10, a11, a12, a13, a14 = a10 ^ d0, a11 ^ d1, a12 ^ d2, a13 ^ d3, a14 ^ d4
        a15, a16, a17, a18, a19 = a15 ^ d0, a16 ^ d1, a17 ^ d2, a18 ^ d3, a19 ^ d4
        a20, a21, a22, a23, a24 = a20 ^ d0, a21 ^ d1, a22 ^ d2, a23 ^ d3, a24 ^ d4
        # rho and pi: every lane is rotated and moves to another place
        b0, b1, b2 = a0, a6 << 44 & _MASK | a6 >> 20, a12 << 43 & _MASK | a12 >> 21
        b3, b4 = a18 << 21 & _MASK | a18 >> 43, a24 << 14 & _MASK | a24 >> 50
        b5, b6 = a3 << 28 & _MASK | a3 >> 36, a9 << 20 & _MASK | a9 >> 44
        b7, b8 = a10 << 3 & _MASK | a10 >> 61, a16 << 45 & _MASK | a16 >> 19
        b9 = a22 << 61 & _MASK | a22 >> 3
        b10, b11 = a1 << 1 & _MASK | a1 >> 63, a7 << 6 & _MASK | a7 >> 58
        b12, b13 = a13 << 25 & _MASK | a13 >> 39, a19 << 8 & _MASK | a19 >> 56
        b14 = a20 << 18 & _MASK | a20 >> 46
        b15, b16 = a4 << 27 & _MASK | a4 >> 37, a5 << 36 & _MASK | a5 >> 28
        b17, b18 = a11 << 10 & _MASK | a11 >> 54, a17 << 15 & _MASK | a17 >> 49
        b19 = a23 << 56 & _MASK | a23 >> 8
        b20, b21 = a2 << 62 & _MASK | a2 >> 2, a8 << 55 & _MASK | a8 >> 9
        b22, b23 = a14 << 39 & _MASK | a14 >> 25, a15 << 41 & _MASK | a15 >> 23
        b24 = a21 << 2 & _MASK | a21 >> 62
        # chi along the rows, and the constant of the round
        a0, a1, a2 = b0 ^ ~b1 & b2 ^ constant, b1 ^ ~b2 & b3, b2 ^ ~b3 & b4
        a3, a4 = b3 ^ ~b4 & b0, b4 ^ ~b0 & b1
        a5, a6, a7 = b5 ^ ~b6 & b7, b6 ^ ~b7 & b8, b7 ^ ~b8 & b9
        a8, a9 = b8 ^ ~b9 & b5, b9 ^ ~b5 & b6
        a10, a11, a12 = b10 ^ ~b11 & b12, b11 ^ ~b12 & b13, b12 ^ ~b13 & b14
        a13, a14 = b13 ^ ~b14 & b10, b14 ^ ~b10 & b11
        a15, a16, a17 = b15 ^ ~b16 & b17, b16 ^ ~b17 & b18, b17 ^ ~b18 & b19
        a18, a19 = b18 ^ ~b19 & b15, b19 ^ ~b15 & b16
        a20, a21, a22 = b20 ^ ~b21 & b22, b21 ^ ~b22 & b23, b22 ^ ~b23 & b24
        a23, a24 = b23 ^ ~b24 & b20, b24 ^ ~b20 & b21
    return (
        *(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12),
        *(a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24),
    )
