"""What L1 reads return: plain frozen values, bytes inside, no library types."""

from dataclasses import dataclass
from typing import Literal

from optimistic.protocol.types import Address, Hash32

BlockTag = Literal["latest", "safe", "finalized", "earliest"]

BlockId = Hash32 | int | BlockTag
"""A block hash pins a read to one branch; a number or a tag does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One L1 block header."""

    number: int
    hash: Hash32
    parent_hash: Hash32
    timestamp: int
    base_fee_wei: int
    """Zero before EIP-1559."""
    gas_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One event as emitted."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    tx_index: int
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a mined transaction."""

    tx_hash: Hash32
    block_number: int
    block_hash: Hash32
    succeeded: bool
    gas_used: int
    effective_gas_price_wei: int
    contract_address: Address | None
    logs: tuple[Log, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Transaction:
    """A transaction the endpoint knows; block fields are None while it is pending."""

    hash: Hash32
    sender: Address
    nonce: int
    to: Address | None
    value_wei: int
    data: bytes
    block_hash: Hash32 | None
    block_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A message to simulate."""

    to: Address | None
    data: bytes = b""
    sender: Address | None = None
    value_wei: int = 0
    gas: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which events to read: from one of `addresses` (empty: none), first topic in `topics0` (empty: any)."""

    addresses: tuple[Address, ...]
    topics0: tuple[Hash32, ...] = ()

    def accepts(self, log: Log) -> bool:
        """Return whether `log` belongs to this filter."""
        if log.address not in self.addresses:
            return False
        return not self.topics0 or (bool(log.topics) and log.topics[0] in self.topics0)
