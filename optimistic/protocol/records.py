"""What L1 records about a batch, a deposit and an assertion, and how it hashes the first two.

Source: docs/spec/02-l1-records.md; twins: Inbox.sol, Bridge.sol, Assertion.sol
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from optimistic.protocol import wordtree
from optimistic.protocol.constants import (
    ALIAS_OFFSET,
    TAG_ACC,
    TAG_DEPOSIT,
    TAG_DEPOSIT_TX,
    TAG_RECORD,
)
from optimistic.protocol.hashing import struct_hash
from optimistic.protocol.types import Address, Hash32

_ADDRESS_LIMIT = 1 << 160


class AssertionStatus(IntEnum):
    """Life of an assertion; numbers are those of Assertion.sol."""

    NONE = 0
    LIVE = 1
    DEAD = 2
    CONFIRMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """The inbox's record of one batch."""

    data_root: Hash32
    """WordTree root of the batch data."""
    data_len: int
    l1_timestamp: int
    deposit_start: int
    deposit_end: int
    """Deposits [deposit_start, deposit_end) of the queue belong to this batch."""
    gas_budget: int
    system_gas_budget: int
    config_hash: Hash32

    def hash(self) -> Hash32:
        """Return the record hash, 32 bytes."""
        return struct_hash(
            TAG_RECORD,
            self.data_root,
            self.data_len,
            self.l1_timestamp,
            self.deposit_start,
            self.deposit_end,
            self.gas_budget,
            self.system_gas_budget,
            self.config_hash,
        )


def next_acc(prev_acc: Hash32, record_hash: Hash32) -> Hash32:
    """Return the inbox accumulator after one more record; it starts at 32 zero bytes."""
    return struct_hash(TAG_ACC, prev_acc, record_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """One entry of the deposit queue: an L2 action paid for on L1."""

    sender: Address
    """Aliased when an L1 contract made the deposit."""
    is_create: bool
    to: Address
    """Zero address when `is_create`."""
    mint: int
    """Wei locked in the bridge and credited to the sender on L2."""
    value: int
    gas_limit: int
    data: bytes
    l1_timestamp: int

    def hash(self) -> Hash32:
        """Return what the inbox stores for this deposit, 32 bytes."""
        return hash_deposit(self, wordtree.root(self.data), len(self.data))


class DepositFields(Protocol):
    """A deposit, with its data or without."""

    @property
    def sender(self) -> Address:
        """L2 sender."""

    @property
    def is_create(self) -> bool:
        """Whether it creates a contract."""

    @property
    def to(self) -> Address:
        """Called account; zero address when `is_create`."""

    @property
    def mint(self) -> int:
        """Wei credited to the sender."""

    @property
    def value(self) -> int:
        """Wei sent along."""

    @property
    def gas_limit(self) -> int:
        """Gas paid for on L1."""

    @property
    def l1_timestamp(self) -> int:
        """Time of the L1 block."""

    def hash(self) -> Hash32:
        """Return what the inbox stores for this deposit, 32 bytes."""


def hash_deposit(deposit: DepositFields, data_root: Hash32, data_len: int) -> Hash32:
    """Return what the inbox stores for a deposit whose data has this root and length, 32 bytes."""
    return struct_hash(
        TAG_DEPOSIT,
        deposit.sender,
        deposit.is_create,
        deposit.to,
        deposit.mint,
        deposit.value,
        deposit.gas_limit,
        data_root,
        data_len,
        deposit.l1_timestamp,
    )


def deposit_tx_hash(index: int, deposit: DepositFields) -> Hash32:
    """Return the L2 transaction hash of deposit number `index`."""
    return struct_hash(TAG_DEPOSIT_TX, index, deposit.hash())


def alias_address(l1_contract: Address) -> Address:
    """Return the L2 sender of a deposit made by an L1 contract."""
    shifted = int.from_bytes(l1_contract, "big") + int.from_bytes(ALIAS_OFFSET, "big")
    return Address((shifted % _ADDRESS_LIMIT).to_bytes(20, "big"))
