"""The precompiled contracts 0x01 to 0x0a, each a price and a function of its input.

The range of the input and the price are tested before any work, and a failure
consumes all gas and returns nothing, exactly as the verifier on L1 decides it.
Differences from py-evm: MODEXP with an empty base, native bn254, a trusted
setup loaded once, and the limits of the parameter set.

Source: EIP-152, EIP-196, EIP-197, EIP-198, EIP-1108, EIP-2565, EIP-4844, EIP-7823, EIP-7883
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final

import ckzg
from blake2b import decode_and_compress
from coincurve import PublicKey
from Crypto.Hash import RIPEMD160
from eth.precompiles.point_evaluation import TRUSTED_SETUP_PATH

from optimistic.protocol.execution import bn254
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Address

PRECOMPILE_ADDRESSES: Final = tuple(Address(number.to_bytes(20, "big")) for number in range(1, 11))
HASH_INPUT_LIMIT: Final = 65_536
"""Longest input of SHA-256 and RIPEMD-160 when prices are capped."""

_MODEXP_OSAKA_LENGTH_LIMIT: Final = 1_024
_MODEXP_HEADER: Final = 96
_BLAKE2F_BYTES: Final = 213
_KZG_BYTES: Final = 192
_KZG_VERSION: Final = b"\x01"
_BLS_MODULUS: Final = 52435875175126190479447740508185965837690552500527637822603658699938581184513
_KZG_OUTPUT: Final = (4096).to_bytes(32, "big") + _BLS_MODULUS.to_bytes(32, "big")
_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

Price = Callable[[bytes], int | None]
Run = Callable[[bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class Precompile:
    """Price and effect of one precompile; either returns None where the call fails."""

    price: Price
    run: Run


class Precompiles:
    """The precompiles under one parameter set."""

    def __init__(self, params: RollupParams) -> None:
        self._cap = params.precompile_price_cap
        modexp_price = modexp_price_osaka if params.modexp_osaka else modexp_price_berlin
        table = (
            Precompile(lambda _: 3_000, ecrecover),
            Precompile(self._hash_price(60, 12), lambda data: sha256(data).digest()),
            Precompile(self._hash_price(600, 120), ripemd160),
            Precompile(lambda data: 15 + 3 * _word_count(data), lambda data: data),
            Precompile(modexp_price, modexp),
            Precompile(lambda _: 150, bn254.add),
            Precompile(lambda _: 6_000, bn254.multiply),
            Precompile(pairing_price, pairing),
            Precompile(blake2f_price, blake2f),
            Precompile(lambda _: 50_000, point_evaluation),
        )
        self._table = dict(zip(PRECOMPILE_ADDRESSES, table, strict=True))

    def get(self, address: bytes) -> Precompile | None:
        """Return the precompile at `address`, if there is one."""
        return self._table.get(address)  # type: ignore[call-overload,no-any-return]

    def price(self, precompile: Precompile, data: bytes) -> int | None:
        """Return what the call costs, None when it fails whatever gas it gets."""
        price = precompile.price(data)
        if price is None or (self._cap and price > self._cap):
            return None
        return price

    def _hash_price(self, base: int, per_word: int) -> Price:
        """Return the price function of a hash precompile."""

        def price(data: bytes) -> int | None:
            if self._cap and len(data) > HASH_INPUT_LIMIT:
                return None
            return base + per_word * _word_count(data)

        return price


def _word_count(data: bytes) -> int:
    """Number of 32-byte words, rounded up."""
    return (len(data) + 31) >> 5


def _slice(data: bytes, start: int, length: int) -> bytes:
    """Cut `length` bytes out of input that continues with zeros for ever."""
    return data[start : start + length].ljust(length, b"\0")


def _number(data: bytes, start: int, length: int) -> int:
    """Read a big-endian number from zero-extended input."""
    return int.from_bytes(_slice(data, start, length), "big")


# ------------------------------------------------------------------------------ 0x01, 0x03


def ecrecover(data: bytes) -> bytes:
    """Return the signer's address in a word, nothing when the signature is invalid."""
    v, r, s = (_number(data, start, 32) for start in (32, 64, 96))
    if v not in (27, 28) or not 0 < r < _SECP256K1_ORDER or not 0 < s < _SECP256K1_ORDER:
        return b""
    signature = _slice(data, 64, 64) + bytes((v - 27,))
    try:
        key = PublicKey.from_signature_and_message(signature, _slice(data, 0, 32), hasher=None)
    except ValueError:
        return b""
    return bytes(12) + keccak256(key.format(compressed=False)[1:])[12:]


def ripemd160(data: bytes) -> bytes:
    """Return the RIPEMD-160 digest in a word."""
    return RIPEMD160.new(data).digest().rjust(32, b"\0")


# ------------------------------------------------------------------------------ 0x05 MODEXP


def _modexp_lengths(data: bytes) -> tuple[int, int, int]:
    """Return the byte lengths of base, exponent and modulus."""
    base, exponent, modulus = (_number(data, start, 32) for start in (0, 32, 64))
    return base, exponent, modulus


def _exponent_bits(data: bytes, base_length: int, exponent_length: int, per_byte: int) -> int:
    """Return the iteration count of EIP-2565 (8 per byte) or EIP-7883 (16 per byte)."""
    head = _number(data, _MODEXP_HEADER + base_length, min(exponent_length, 32))
    bits = max(head.bit_length() - 1, 0) + per_byte * max(exponent_length - 32, 0)
    return max(bits, 1)


def modexp_price_berlin(data: bytes) -> int:
    """Return the price by EIP-2565."""
    base, exponent, modulus = _modexp_lengths(data)
    words = (max(base, modulus) + 7) // 8
    return max(200, words * words * _exponent_bits(data, base, exponent, 8) // 3)


def modexp_price_osaka(data: bytes) -> int | None:
    """Return the price by EIP-7883, None above the lengths of EIP-7823."""
    base, exponent, modulus = _modexp_lengths(data)
    if max(base, exponent, modulus) > _MODEXP_OSAKA_LENGTH_LIMIT:
        return None
    words = (max(base, modulus) + 7) // 8
    complexity = 16 if max(base, modulus) <= 32 else 2 * words * words
    return max(500, complexity * _exponent_bits(data, base, exponent, 16))


def modexp(data: bytes) -> bytes:
    """Return base^exponent mod modulus in as many bytes as the modulus has; zero modulo zero."""
    base_length, exponent_length, modulus_length = _modexp_lengths(data)
    if modulus_length == 0:
        return b""
    start = _MODEXP_HEADER + base_length
    modulus = _number(data, start + exponent_length, modulus_length)
    if modulus == 0:
        return bytes(modulus_length)
    base = _number(data, _MODEXP_HEADER, base_length)
    exponent = _number(data, start, exponent_length)
    return pow(base, exponent, modulus).to_bytes(modulus_length, "big")


# ------------------------------------------------------------------------------ 0x08 pairing


def pairing_price(data: bytes) -> int | None:
    """Return the price by EIP-1108, None for a length that is no number of pairs."""
    pairs, rest = divmod(len(data), bn254.PAIR_BYTES)
    return None if rest else 45_000 + 34_000 * pairs


def pairing(data: bytes) -> bytes | None:
    """Return whether the product of pairings is one, in a word."""
    result = bn254.pairing_check(data)
    return None if result is None else int(result).to_bytes(32, "big")


# ------------------------------------------------------------------------------ 0x09 BLAKE2F


def blake2f_price(data: bytes) -> int | None:
    """Return one gas per round, None for a malformed input."""
    if len(data) != _BLAKE2F_BYTES or data[-1] > 1:
        return None
    return int.from_bytes(data[:4], "big")


def blake2f(data: bytes) -> bytes:
    """Return the state after the compression function; the price has checked the input."""
    return bytes(decode_and_compress(data))


# ------------------------------------------------------------------------------ 0x0a KZG


@lru_cache(maxsize=1)
def _trusted_setup() -> object:
    """Load the setup of the point evaluation once."""
    return ckzg.load_trusted_setup(TRUSTED_SETUP_PATH, 0)


def point_evaluation(data: bytes) -> bytes | None:
    """Verify a KZG opening (EIP-4844)."""
    if len(data) != _KZG_BYTES:
        return None
    versioned_hash, z, y = data[:32], data[32:64], data[64:96]
    commitment, proof = data[96:144], data[144:192]
    if _KZG_VERSION + sha256(commitment).digest()[1:] != versioned_hash:
        return None
    try:
        valid = ckzg.verify_kzg_proof(commitment, z, y, proof, _trusted_setup())
    except RuntimeError:
        return None
    return _KZG_OUTPUT if valid else None
