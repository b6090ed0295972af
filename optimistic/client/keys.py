"""A trader's key: signs orders, trees of quotes and logins. It never leaves the process."""

from typing import Self

from coincurve import PrivateKey

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.signatures import compact_signature
from optimistic.protocol.types import Address, Hash32

_KEY_BYTES = 32


class BadKey(InvalidInput):
    """Not a secp256k1 key; the key itself is never shown."""


class TradingKey:
    """One secp256k1 key.

    Parameters
    ----------
    secret : 32 bytes
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise BadKey(f"a key has {_KEY_BYTES} bytes, not {len(secret)}")
        try:
            self._key = PrivateKey(secret)
        except ValueError as error:
            raise BadKey("this is not a secp256k1 key") from error
        self.address = Address(keccak256(self._key.public_key.format(compressed=False)[1:])[12:])

    def __repr__(self) -> str:
        return f"TradingKey(0x{self.address.hex()})"

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read 64 hex digits, with or without 0x."""
        try:
            return cls(bytes.fromhex(text.strip().removeprefix("0x")))
        except ValueError as error:
            raise BadKey("a key is written in hexadecimal") from error

    def sign(self, digest: Hash32) -> bytes:
        """Sign 32 bytes; return the 64 bytes of EIP-2098."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        return compact_signature(r, s, signature[64])

    def sign_long(self, digest: Hash32) -> bytes:
        """Sign 32 bytes; return the 65 bytes r, s, v (27 or 28)."""
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((27 + signature[64],))
