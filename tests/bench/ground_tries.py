"""Tries as deep as anybody could make them around a key, by trying addresses or slots until their hashes fit.

Of 20 levels the first 14 are full branches: their siblings agree with the key in up to 13
digits, so each took 2^52 hashes. One sibling on each of the next levels ends at 2^76. Leaves
of small values are short enough there to stand inside their branch.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.types import Hash32

DEPTH: Final = 20
FULL: Final = 14
ACCOUNT: Final = Account(nonce=1, balance=1 << 80).encode()
SMALL: Final = b"\x01"


def surround(nodes: NodeStore, root: Hash32, keys: Iterable[Hash32], value: bytes) -> Hash32:
    """Add leaves of `value` beside the way to each key, and return the new root."""
    changes: dict[bytes, bytes | None] = {}
    for key in keys:
        changes |= dict.fromkeys(_neighbours(key), value)
    deeper, built = mpt.commit(nodes, root, changes)
    nodes.put_many(built)
    return deeper


def put(nodes: NodeStore, root: Hash32, key: Hash32, value: bytes) -> Hash32:
    """Write one leaf and return the new root."""
    changed, built = mpt.commit(nodes, root, {key: value})
    nodes.put_many(built)
    return changed


def _neighbours(key: Hash32) -> Iterator[Hash32]:
    """Yield keys that leave the way to `key` at each level."""
    rng, digits = random.Random(key), key.hex()
    for level in range(DEPTH):
        own = int(digits[level], 16)
        for step in range(1, 16 if level < FULL else 2):
            other = digits[:level] + f"{(own + step) % 16:x}"
            rest = rng.randbytes(32).hex()
            yield Hash32(bytes.fromhex((other + rest)[:64]))
