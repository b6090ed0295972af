"""Names of the game's objects: hashes of what they are about, so that equal content is one object.

Twin: solidity/src/types/Dispute.sol
"""

from enum import IntEnum
from typing import TypeVar

from optimistic.protocol.constants import TAG_COMMITMENT, TAG_DISPUTE, TAG_DIVERGENCE, TAG_DUEL
from optimistic.protocol.hashing import struct_hash
from optimistic.protocol.types import Hash32

Ids = tuple[Hash32, Hash32]
"""Two commitments, by side."""
_T = TypeVar("_T")


class Side(IntEnum):
    """One of the two siblings of a dispute, by age; an index into every pair."""

    OLDER = 0
    NEWER = 1

    @property
    def other(self) -> "Side":
        """The opponent."""
        return Side(1 - self)

    def pair(self, mine: _T, theirs: _T) -> tuple[_T, _T]:
        """Return what this side and what the opponent has, older side first."""
        return (mine, theirs) if self is Side.OLDER else (theirs, mine)


def dispute_id(older: Hash32, newer: Hash32) -> Hash32:
    """Return H(TAG_DISPUTE, older, newer)."""
    return struct_hash(TAG_DISPUTE, older, newer)


def commitment_id(dispute: Hash32, side: Side, depth: int, root: Hash32) -> Hash32:
    """Return H(TAG_COMMITMENT, dispute, side, depth, root)."""
    return struct_hash(TAG_COMMITMENT, dispute, int(side), depth, root)


def duel_id(dispute: Hash32, commitments: Ids) -> Hash32:
    """Return H(TAG_DUEL, dispute, commitments by side)."""
    return struct_hash(TAG_DUEL, dispute, *commitments)


def divergence_hash(pre: Hash32, nodes: tuple[Hash32, Hash32]) -> Hash32:
    """Return H(TAG_DIVERGENCE, pre, nodes by side): all that L1 keeps of them."""
    return struct_hash(TAG_DIVERGENCE, pre, *nodes)
