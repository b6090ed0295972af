"""The transaction pool of a node that takes no transactions."""

from optimistic.node.mempool import PooledTransaction, ReadAccount
from optimistic.node.pool_errors import PoolRejection
from optimistic.protocol.types import Address, Hash32


class NoSequencer(PoolRejection):
    """A replica was asked to take a transaction."""

    def __init__(self) -> None:
        super().__init__("this node only follows L1 and takes no transactions: send them to the aggregator")


class ClosedPool:
    """Always empty; refuses everything.

    Parameters
    ----------
    read_account : reads an account at the head
    """

    def __init__(self, read_account: ReadAccount) -> None:
        self._read_account = read_account

    def submit(self, raw: bytes) -> PooledTransaction:
        """Refuse a transaction.

        Raises
        ------
        NoSequencer : always
        """
        raise NoSequencer

    def get(self, tx_hash: Hash32) -> PooledTransaction | None:
        """Return None: nothing waits."""
        return None

    def next_nonce(self, sender: Address) -> int:
        """Return the account's nonce."""
        return self._read_account(sender).nonce

    def waiting(self) -> list[PooledTransaction]:
        """Return nothing."""
        return []

    def counts(self) -> tuple[int, int]:
        """Return no executable and no other transactions."""
        return 0, 0

    def min_tip_wei(self) -> int:
        """Return 0: no tip is asked for."""
        return 0
