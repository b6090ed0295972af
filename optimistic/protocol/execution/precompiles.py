"""The precompiled contracts 0x01 to 0x0a, each a price and a function of its input.

The range of the input and the price are tested before any work, and a failure
consumes all gas and returns nothing, exactly as the verifier on L1 decides it.

Source: EIP-152, EIP-198, EIP-1108, EIP-2565, EIP-4844, EIP-7823, EIP-7883
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from optimistic.protocol.params import RollupParams
from optimistic.protocol.precompiles.bn254 import PAIR_BYTES
from optimistic.protocol.precompiles.inputs import MODEXP_HEADER_BYTES, padded_number
from optimistic.protocol.precompiles.results import RESULTS
from optimistic.protocol.types import Address

PRECOMPILE_ADDRESSES: Final = tuple(Address(number.to_bytes(20, "big")) for number in range(1, 11))
HASH_INPUT_LIMIT: Final = 65_536
"""Longest input of SHA-256 and RIPEMD-160 when prices are capped."""

_MODEXP_OSAKA_LENGTH_LIMIT: Final = 1_024
_BLAKE2F_BYTES: Final = 213

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
        prices: tuple[Price, ...] = (
            lambda _: 3_000,
            self._hash_price(60, 12),
            self._hash_price(600, 120),
            lambda data: 15 + 3 * _word_count(data),
            modexp_price,
            lambda _: 150,
            lambda _: 6_000,
            pairing_price,
            blake2f_price,
            lambda _: 50_000,
        )
        pairs = zip(prices, RESULTS.values(), strict=True)
        entries = (Precompile(price, run) for price, run in pairs)
        self._table = dict(zip(PRECOMPILE_ADDRESSES, entries, strict=True))

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


# ------------------------------------------------------------------------------ 0x05 MODEXP


def _modexp_lengths(data: bytes) -> tuple[int, int, int]:
    """Return the byte lengths of base, exponent and modulus."""
    base, exponent, modulus = (padded_number(data, start, 32) for start in (0, 32, 64))
    return base, exponent, modulus


def _exponent_bits(data: bytes, base_length: int, exponent_length: int, per_byte: int) -> int:
    """Return the iteration count of EIP-2565 (8 per byte) or EIP-7883 (16 per byte)."""
    head = padded_number(data, MODEXP_HEADER_BYTES + base_length, min(exponent_length, 32))
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


# ------------------------------------------------------------------------------ 0x08 pairing


def pairing_price(data: bytes) -> int | None:
    """Return the price by EIP-1108, None for a length that is no number of pairs."""
    pairs, rest = divmod(len(data), PAIR_BYTES)
    return None if rest else 45_000 + 34_000 * pairs


# ------------------------------------------------------------------------------ 0x09 BLAKE2F


def blake2f_price(data: bytes) -> int | None:
    """Return one gas per round, None for a malformed input."""
    if len(data) != _BLAKE2F_BYTES or data[-1] > 1:
        return None
    return int.from_bytes(data[:4], "big")
