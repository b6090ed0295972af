"""Compact signatures over digests.

Source: docs/spec/11-settlement.md §11.6; EIP-2, EIP-2098
"""

from typing import Final

from coincurve import PublicKey

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32

SIGNATURE_BYTES: Final = 64

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HALF_ORDER: Final = _CURVE_ORDER >> 1
_PARITY_BIT: Final = 1 << 255


def compact_signature(r: int, s: int, y_parity: int) -> bytes:
    """Return the 64 bytes of EIP-2098: r, then s with the parity of y in its top bit.

    Raises
    ------
    InvalidInput : s is not the lower of the two
    """
    if not 0 < s <= _HALF_ORDER:
        raise InvalidInput("the s of a signature must be low")
    return r.to_bytes(32, "big") + (s | y_parity << 255).to_bytes(32, "big")


def recover(digest: Hash32, signature: bytes) -> Address | None:
    """Return who signed; None for what `ecrecover` or the rule of the low s refuses.

    Parameters
    ----------
    signature : 64 bytes of EIP-2098
    """
    word = int.from_bytes(signature[32:], "big")
    s, r = word & ~_PARITY_BIT, int.from_bytes(signature[:32], "big")
    if len(signature) != SIGNATURE_BYTES or not 0 < r < _CURVE_ORDER or not 0 < s <= _HALF_ORDER:
        return None
    expanded = signature[:32] + s.to_bytes(32, "big") + bytes((word >> 255,))
    try:
        key = PublicKey.from_signature_and_message(expanded, digest, hasher=None)
    except ValueError:
        return None
    return Address(keccak256(key.format(compressed=False)[1:])[12:])
