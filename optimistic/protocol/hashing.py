"""Keccak-256 and the one way structs are hashed.

A struct hash is ``keccak256(abi.encode(TAG, field, ...))`` with every field in
one 32-byte word. Fixed width and one tag per struct make encodings injective
and keep the hashes of different structs apart (docs/spec/01-constants-and-params.md).
"""

from sha3 import keccak_256

from optimistic.protocol.types import Hash32

WORD_BYTES = 32
_WORD_LIMIT = 1 << 256


def keccak256(data: bytes) -> Hash32:
    """Return the 32-byte Keccak-256 digest of `data`."""
    return Hash32(keccak_256(data).digest())


def abi_word(value: int | bytes) -> bytes:
    """Encode one field as a 32-byte ABI word.

    Parameters
    ----------
    value : an int in [0, 2^256), a 32-byte string, or a 20-byte address (left-padded)

    Raises
    ------
    ValueError : the value has no such encoding (a programmer's error)
    """
    if isinstance(value, int):
        if not 0 <= value < _WORD_LIMIT:
            raise ValueError(f"integer does not fit a word: {value}")
        return int(value).to_bytes(WORD_BYTES, "big")
    if len(value) == WORD_BYTES:
        return bytes(value)
    if len(value) == 20:
        return bytes(12) + value
    raise ValueError(f"field of {len(value)} bytes is neither a word nor an address")


def abi_words(*fields: int | bytes) -> bytes:
    """Encode fields as consecutive ABI words; see `abi_word`."""
    return b"".join(map(abi_word, fields))


def struct_hash(tag: bytes, *fields: int | bytes) -> Hash32:
    """Hash a struct: ``keccak256(abi.encode(tag, *fields))``.

    Parameters
    ----------
    tag : 32-byte domain tag, one per struct
    fields : ints, 32-byte strings or 20-byte addresses, in the struct's order
    """
    return keccak256(tag + abi_words(*fields))
