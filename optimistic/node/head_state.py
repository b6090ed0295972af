"""Accounts at the unsafe head, for checks before execution."""

import threading

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.types import Address, Hash32


class HeadState:
    """Reads accounts of the newest state, each at most once.

    Parameters
    ----------
    nodes : trie nodes
    state_root : world state root to begin with
    """

    def __init__(self, nodes: NodeReader, state_root: Hash32) -> None:
        self._nodes = nodes
        self._lock = threading.Lock()
        self._root = state_root
        self._cache: dict[Address, Account] = {}

    def move_to(self, state_root: Hash32) -> None:
        """Read from another state from now on."""
        with self._lock:
            if state_root != self._root:
                self._root = state_root
                self._cache = {}

    def account(self, address: Address) -> Account:
        """Return the account; an empty one when absent."""
        with self._lock:
            cache, root = self._cache, self._root
        found = cache.get(address)
        if found is None:
            raw = mpt.get(self._nodes, root, keccak256(address))
            found = Account() if raw is None else Account.decode(raw)
            cache[address] = found
        return found
