"""What the RPC needs from the rest of the node, grouped by consumer.

Blocks, transactions, receipts and logs come straight from `ChainReader`;
these are the parts with more than one possible provider.
"""

from typing import Protocol

from optimistic.node.mempool import PooledTransaction
from optimistic.protocol.types import Address, Hash32


class TransactionPool(Protocol):
    """Where transactions wait; a replica passes them on or refuses them."""

    def submit(self, raw: bytes) -> PooledTransaction:
        """Take a signed transaction; it is not lost once this returns.

        Raises
        ------
        InvalidInput : it can never, or not now, be included; the text goes to the client.
        """

    def get(self, tx_hash: Hash32) -> PooledTransaction | None:
        """Return a waiting transaction."""

    def next_nonce(self, sender: Address) -> int:
        """Return the nonce after the sender's waiting transactions without a gap."""

    def waiting(self) -> list[PooledTransaction]:
        """Return every waiting transaction in the order of arrival."""

    def counts(self) -> tuple[int, int]:
        """Return how many transactions are executable and how many wait behind a gap."""

    def min_tip_wei(self) -> int:
        """Return the least priority fee per gas that is taken."""


class SyncSource(Protocol):
    """How far the node has followed L1."""

    def syncing(self) -> tuple[int, int, int] | None:
        """Return (L1 block at the start, L1 block reached, L1 head) while far behind, else None."""
