"""The results of the precompiled contracts 0x01 to 0x0a, on native libraries.

Nothing here knows of gas. Each engine decides by its own rules what a call
costs and whether its input is in range, and asks for the result only of a call
that is paid for: a length in a MODEXP header may be anything below 2^256.

Source: EIP-152, EIP-196, EIP-197, EIP-198, EIP-4844
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import ckzg
from blake2b import decode_and_compress
from coincurve import PublicKey
from Crypto.Hash import RIPEMD160

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.precompiles import bn254
from optimistic.protocol.precompiles.inputs import MODEXP_HEADER_BYTES, padded, padded_number

_BLAKE2F_BYTES: Final = 213
_KZG_BYTES: Final = 192
_KZG_VERSION: Final = b"\x01"
_BLS_MODULUS: Final = 52435875175126190479447740508185965837690552500527637822603658699938581184513
_KZG_OUTPUT: Final = (4096).to_bytes(32, "big") + _BLS_MODULUS.to_bytes(32, "big")
_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

Result = Callable[[bytes], bytes | None]


def ecrecover(data: bytes) -> bytes:
    """Return the signer's address in a word, nothing when the signature is invalid."""
    v, r, s = (padded_number(data, start, 32) for start in (32, 64, 96))
    if v not in (27, 28) or not 0 < r < _SECP256K1_ORDER or not 0 < s < _SECP256K1_ORDER:
        return b""
    signature = padded(data, 64, 64) + bytes((v - 27,))
    try:
        key = PublicKey.from_signature_and_message(signature, padded(data, 0, 32), hasher=None)
    except ValueError:
        return b""
    return bytes(12) + keccak256(key.format(compressed=False)[1:])[12:]


def sha256_digest(data: bytes) -> bytes:
    """Return the SHA-256 digest."""
    return sha256(data).digest()


def ripemd160(data: bytes) -> bytes:
    """Return the RIPEMD-160 digest in a word."""
    return RIPEMD160.new(data).digest().rjust(32, b"\0")


def identity(data: bytes) -> bytes:
    """Return the input."""
    return data


def modexp(data: bytes) -> bytes:
    """Return base^exponent mod modulus in as many bytes as the modulus has; zero modulo zero."""
    base_length, exponent_length, modulus_length = (padded_number(data, start, 32) for start in (0, 32, 64))
    if modulus_length == 0:
        return b""
    start = MODEXP_HEADER_BYTES + base_length
    modulus = padded_number(data, start + exponent_length, modulus_length)
    if modulus == 0:
        return bytes(modulus_length)
    base = padded_number(data, MODEXP_HEADER_BYTES, base_length)
    exponent = padded_number(data, start, exponent_length)
    return pow(base, exponent, modulus).to_bytes(modulus_length, "big")


def pairing(data: bytes) -> bytes | None:
    """Return whether the product of pairings is one, in a word; None for invalid pairs."""
    result = bn254.pairing_check(data)
    return None if result is None else int(result).to_bytes(32, "big")


def blake2f(data: bytes) -> bytes | None:
    """Return the state after the compression function, None for a malformed input."""
    if len(data) != _BLAKE2F_BYTES or data[-1] > 1:
        return None
    return bytes(decode_and_compress(data))


@lru_cache(maxsize=1)
def _trusted_setup() -> object:
    """Load Ethereum's setup of the point evaluation, once."""
    setup = files("optimistic.protocol.precompiles").joinpath("kzg_trusted_setup.txt")
    return ckzg.load_trusted_setup(str(setup), 0)


def point_evaluation(data: bytes) -> bytes | None:
    """Verify a KZG opening (EIP-4844); None if there is none or it is wrong."""
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


RESULTS: Final[Mapping[int, Result]] = MappingProxyType(
    {
        0x01: ecrecover,
        0x02: sha256_digest,
        0x03: ripemd160,
        0x04: identity,
        0x05: modexp,
        0x06: bn254.add,
        0x07: bn254.multiply,
        0x08: pairing,
        0x09: blake2f,
        0x0A: point_evaluation,
    }
)
"""By number: the output of a call, None where it fails in spite of its price."""
