"""Which precompile calls fail, and what the others cost, as the verifier on L1 decides it.

Written apart from the rules of `protocol.execution`; only the results are
shared. Twin: solidity/src/dispute/osp/PrecompileRules.sol, function by function.

A call that fails is like one that runs out of gas: it uses all it was given and
returns nothing. So a price that no frame can pay counts as a failure, too, and
lengths of 2^256 - 1 in a MODEXP header need no wide arithmetic on L1.

The rules see the beginning of the input and its length: `input_needed` says how
much of it decides price and result, so that a call with two megabytes of unused
input is as easy to prove as any.

Source: EIP-152, EIP-198, EIP-1108, EIP-2565, EIP-4844, EIP-7823, EIP-7883
"""

from dataclasses import dataclass
from typing import Final

from optimistic.protocol.params import RollupParams
from optimistic.protocol.precompiles.inputs import MODEXP_HEADER_BYTES, padded_number
from optimistic.protocol.precompiles.results import RESULTS
from optimistic.protocol.types import Address

ECRECOVER: Final = 0x01
SHA256: Final = 0x02
RIPEMD160: Final = 0x03
IDENTITY: Final = 0x04
MODEXP: Final = 0x05
BN254_ADD: Final = 0x06
BN254_MUL: Final = 0x07
BN254_PAIRING: Final = 0x08
BLAKE2F: Final = 0x09
POINT_EVALUATION: Final = 0x0A

HIGHEST_GAS: Final = (1 << 64) - 1
"""No frame has more."""

HASH_BYTES: Final = 65_536
MODEXP_OPERAND_BYTES: Final = 1_024
BLAKE2F_BYTES: Final = 213
POINT_EVALUATION_BYTES: Final = 192
PAIR_BYTES: Final = 192


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecompileRules:
    """What the parameter set says of precompiles."""

    price_cap: int
    """A call priced above it fails; 0 means no cap."""
    modexp_osaka: bool
    """MODEXP by EIP-7823 and EIP-7883 instead of EIP-2565."""

    @classmethod
    def of(cls, params: RollupParams) -> "PrecompileRules":
        """Take the rules out of a parameter set."""
        return cls(price_cap=params.precompile_price_cap, modexp_osaka=params.modexp_osaka)

    @property
    def highest_price(self) -> int:
        """The highest price that does not fail."""
        return self.price_cap or HIGHEST_GAS


def precompile_at(address: Address) -> int:
    """Return the number of the precompile at an address, 0 if there is none."""
    number = int.from_bytes(address, "big")
    return number if number <= POINT_EVALUATION else 0


def input_needed(rules: PrecompileRules, number: int, length: int) -> int:
    """Return how many first bytes of an input of `length` bytes decide price and result."""
    if number in (ECRECOVER, BN254_ADD):
        return min(length, 128)
    if number == BN254_MUL:
        return min(length, 96)
    if number == MODEXP and rules.modexp_osaka:
        return min(length, MODEXP_HEADER_BYTES + 3 * MODEXP_OPERAND_BYTES)
    if number == IDENTITY or _fails_by_length(rules, number, length):
        return 0
    return length


def least_price(number: int, length: int) -> int:
    """Return what a call costs at least, whatever stands in its `length` bytes."""
    return 0 if number in (MODEXP, BLAKE2F) else _price_by_length(number, length)


def price(rules: PrecompileRules, number: int, head: bytes, length: int | None = None) -> int | None:
    """Return what a call costs, None if it fails whatever gas it gets.

    Parameters
    ----------
    number : address of the precompile; any but 1 to 10 fails
    head : the input, or the first `input_needed` bytes of it
    length : bytes of the whole input, if `head` is not all of it
    """
    if length is None:
        length = len(head)
    if _fails_by_length(rules, number, length):
        return None
    if number == MODEXP:
        asked = _modexp_price(rules, head)
    elif number == BLAKE2F:
        asked = int.from_bytes(head[:4], "big") if head[BLAKE2F_BYTES - 1] <= 1 else None
    else:
        asked = _price_by_length(number, length)
    return None if asked is None or asked > rules.highest_price else asked


def run(number: int, head: bytes) -> bytes | None:
    """Return the output of a call that has a price and is paid for, None if its input is invalid."""
    return RESULTS[number](head)


def _fails_by_length(rules: PrecompileRules, number: int, length: int) -> bool:
    """Whether no input of this length has a price."""
    if number in (SHA256, RIPEMD160):
        return (rules.price_cap != 0 and length > HASH_BYTES) or (
            _price_by_length(number, length) > rules.highest_price
        )
    if number == BN254_PAIRING:
        return length % PAIR_BYTES != 0 or _price_by_length(number, length) > rules.highest_price
    if number == BLAKE2F:
        return length != BLAKE2F_BYTES
    if number == POINT_EVALUATION:
        return length != POINT_EVALUATION_BYTES
    return not ECRECOVER <= number <= POINT_EVALUATION


def _price_by_length(number: int, length: int) -> int:
    """Return the price of a precompile that does not look into its input."""
    words = -(-length // 32)
    if number == SHA256:
        return 60 + 12 * words
    if number == RIPEMD160:
        return 600 + 120 * words
    if number == IDENTITY:
        return 15 + 3 * words
    if number == BN254_PAIRING:
        return 45_000 + 34_000 * (length // PAIR_BYTES)
    return {ECRECOVER: 3_000, BN254_ADD: 150, BN254_MUL: 6_000, POINT_EVALUATION: 50_000}[number]


def _modexp_price(rules: PrecompileRules, head: bytes) -> int | None:
    """Return the price of MODEXP, None for an operand that is too long."""
    base, exponent, modulus = (padded_number(head, at, 32) for at in (0, 32, 64))
    longest = max(base, modulus)
    leading = padded_number(head, MODEXP_HEADER_BYTES + base, min(exponent, 32))
    steps = max(leading.bit_length(), 1) - 1
    eights = -(-longest // 8)
    if rules.modexp_osaka:
        if max(longest, exponent) > MODEXP_OPERAND_BYTES:
            return None
        if exponent > 32:
            steps += 16 * (exponent - 32)
        return max(500, (2 * eights * eights if longest > 32 else 16) * max(steps, 1))
    if exponent > 32:
        steps += 8 * (exponent - 32)
    return max(200, eights * eights * max(steps, 1) // 3)
