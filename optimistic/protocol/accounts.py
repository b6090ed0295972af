"""The account record in the world-state trie, and the value form of a storage slot.

Source: Ethereum Yellow Paper §4.1; twin: solidity/src/libraries/AccountCodec.sol.
"""

from dataclasses import dataclass
from typing import Final, Self

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt.nodes import EMPTY_ROOT
from optimistic.protocol.strict_rlp import (
    InvalidRlp,
    decode_int,
    encode_int,
    join_list,
    split_list,
    string_payload,
)
from optimistic.protocol.types import Hash32

EMPTY_CODE_HASH: Final = keccak256(b"")
"""Code hash of an account without code."""

MAX_NONCE: Final = (1 << 64) - 1
_HASH_PREFIX: Final = b"\xa0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account.

    Attributes
    ----------
    nonce : below 2^64
    balance : wei, below 2^256
    storage_root : 32-byte root of the account's storage trie
    code_hash : keccak of the code
    """

    nonce: int = 0
    balance: int = 0
    storage_root: Hash32 = EMPTY_ROOT
    code_hash: Hash32 = EMPTY_CODE_HASH

    def encode(self) -> bytes:
        """RLP of [nonce, balance, storageRoot, codeHash]: 70 to 110 bytes."""
        return join_list(
            (
                encode_int(self.nonce),
                encode_int(self.balance),
                _HASH_PREFIX + self.storage_root,
                _HASH_PREFIX + self.code_hash,
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Decode the trie value of an account.

        Raises
        ------
        InvalidRlp : anything but the canonical encoding of four fields in range
        """
        items = split_list(raw)
        if len(items) != 4:
            raise InvalidRlp(f"account with {len(items)} fields")
        if len(items[2]) != 33 or len(items[3]) != 33:
            raise InvalidRlp("account root or code hash is not 32 bytes")
        return cls(
            nonce=decode_int(string_payload(items[0]), 8),
            balance=decode_int(string_payload(items[1]), 32),
            storage_root=Hash32(string_payload(items[2])),
            code_hash=Hash32(string_payload(items[3])),
        )


EMPTY_ACCOUNT: Final = Account()
"""What an absent account reads as."""


def encode_slot(value: int) -> bytes:
    """Trie value of a storage slot; `value` in [1, 2^256). Zero has no value: the slot is deleted."""
    return encode_int(value)


def decode_slot(raw: bytes) -> int:
    """Inverse of `encode_slot`.

    Raises
    ------
    InvalidRlp : not the canonical encoding of an integer in [1, 2^256)
    """
    value = decode_int(string_payload(raw), 32)
    if value == 0:
        raise InvalidRlp("a stored zero")
    return value
