"""What the bits of a stack item mean: a number with a sign, an address."""

from typing import Final

from optimistic.protocol.types import Address

WORD_MASK: Final = (1 << 256) - 1
SIGN_BIT: Final = 1 << 255
_MODULUS: Final = 1 << 256
_ADDRESS_MASK: Final = (1 << 160) - 1


def signed(word: int) -> int:
    """Return the two's complement reading of an item, in [-2^255, 2^255)."""
    return word - _MODULUS if word >= SIGN_BIT else word


def address_in(word: int) -> Address:
    """Return the low 20 bytes of an item; the high ones are ignored."""
    return Address((word & _ADDRESS_MASK).to_bytes(20, "big"))
