"""Boundary states: what the machine commits to between two units.

A unit is one piece of a batch: its beginning, a block's beginning, a deposit,
a transaction, a block's end, the batch's end. Between units the machine is in
phase BOUNDARY, and after a batch in phase IDLE; both are fully described by a
`Unit`, and their hashes are the leaves of the unit tree.

Source: docs/spec/05-state-commitments.md; twin: solidity/src/types/Unit.sol
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from itertools import pairwise

from optimistic.protocol.constants import BLOCK_RING_DEPTH, TAG_BLOCK, TAG_MACHINE, TAG_RANDAO, TAG_UNIT
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256, struct_hash
from optimistic.protocol.types import ZERO_HASH, Address, Hash32

RING_SIZE = 1 << BLOCK_RING_DEPTH


class Phase(IntEnum):
    """Phase of the machine; numbers are consensus."""

    BOUNDARY = 0
    IDLE = 1
    BLOCK_BEGIN = 2
    DEPOSIT = 3
    TX_BEGIN = 4
    TX_ACCESS = 5
    TX_ENTER = 6
    EXEC = 7
    PRECOMPILE = 8
    CREATE_ENTER = 9
    EXIT = 10
    TX_END = 11
    TX_DESTROY = 12
    BLOCK_END = 13
    ERRORED = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Rollup and block context; constant during a transaction except at its ends."""

    chain_id: int
    number: int
    timestamp: int
    coinbase: Address
    gas_limit: int
    base_fee: int
    prev_randao: Hash32
    block_hash_ring: Hash32
    """Root of the last 256 block hashes, leaf = number mod 256."""
    parent_hash: Hash32
    """Hash of the last finished block."""
    data_root: Hash32
    data_len: int
    cursor: int
    deposit_cursor: int
    """Next deposit of the queue; the one batch field that survives into IDLE."""
    deposit_end: int
    l1_timestamp: int
    config_hash: Hash32
    left_general: int
    left_system: int
    block_open: int
    block_deposits_left: int
    blocks: int
    """Blocks finished in this batch."""
    tx_index: int
    cum_gas_used: int
    receipts_acc: Hash32
    state_root: Hash32

    def hash(self) -> Hash32:
        """Return the unit hash, 32 bytes."""
        return struct_hash(TAG_UNIT, *(getattr(self, name) for name in _UNIT_FIELDS))

    def idle(self) -> "Unit":
        """Return this unit with the batch's fields zeroed, as IDLE has one encoding."""
        return replace(
            self,
            data_root=ZERO_HASH,
            data_len=0,
            cursor=0,
            deposit_end=0,
            l1_timestamp=0,
            config_hash=ZERO_HASH,
            left_general=0,
            left_system=0,
            block_open=0,
            block_deposits_left=0,
            blocks=0,
        )


_UNIT_FIELDS = tuple(field.name for field in fields(Unit))


def machine_hash(phase: Phase, unit: Unit) -> Hash32:
    """Return the machine hash between units: tx, journal, frame and pend are zero."""
    return struct_hash(TAG_MACHINE, phase, unit.hash(), ZERO_HASH, ZERO_HASH, ZERO_HASH, ZERO_HASH)


def block_hash(
    number: int, parent_hash: Hash32, state_root: Hash32, receipts_acc: Hash32, timestamp: int
) -> Hash32:
    """Return the L2 block hash: what BLOCKHASH answers, 32 bytes."""
    return struct_hash(TAG_BLOCK, number, parent_hash, state_root, receipts_acc, timestamp)


def prev_randao(parent_hash: Hash32, number: int) -> Hash32:
    """Return PREVRANDAO of a block: predictable by the sequencer, fixed by the parent."""
    return struct_hash(TAG_RANDAO, parent_hash, number)


class InvalidRing(InvalidInput):
    """Block hashes that cannot be a ring."""


class BlockRing:
    """The last 256 block hashes with their Merkle root; immutable, O(log) updates."""

    __slots__ = ("_levels",)

    def __init__(self, levels: list[list[Hash32]]) -> None:
        self._levels = levels

    @classmethod
    def from_hashes(cls, hashes: Iterable[Hash32]) -> "BlockRing":
        """Build the tree over 256 hashes of 32 bytes; raises InvalidRing otherwise."""
        leaves = list(hashes)
        if len(leaves) != RING_SIZE or any(len(leaf) != 32 for leaf in leaves):
            raise InvalidRing(f"a ring has {RING_SIZE} hashes of 32 bytes")
        levels = [leaves]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([keccak256(below[i] + below[i + 1]) for i in range(0, len(below), 2)])
        return cls(levels)

    @classmethod
    def empty(cls) -> "BlockRing":
        """Return the ring before the genesis block."""
        return cls.from_hashes([ZERO_HASH] * RING_SIZE)

    @property
    def root(self) -> Hash32:
        """Root of the depth-8 tree, 32 bytes."""
        return self._levels[-1][0]

    @property
    def hashes(self) -> tuple[Hash32, ...]:
        """All 256 leaves."""
        return tuple(self._levels[0])

    def with_block(self, number: int, hash_: Hash32) -> "BlockRing":
        """Return a ring in which block `number` has this hash."""
        levels = [level.copy() for level in self._levels]
        index = number % RING_SIZE
        levels[0][index] = hash_
        for below, level in pairwise(levels):
            index //= 2
            level[index] = keccak256(below[2 * index] + below[2 * index + 1])
        return BlockRing(levels)

    def lookup(self, current: int, number: int) -> Hash32:
        """Return what BLOCKHASH(number) gives in block `current`: zero outside the last 256."""
        in_range = current - RING_SIZE <= number < current and number >= 0
        return self._levels[0][number % RING_SIZE] if in_range else ZERO_HASH
