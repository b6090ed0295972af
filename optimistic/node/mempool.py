"""Transactions that wait for a block: by sender, in nonce order, gaps allowed.

The pool checks what can be checked before execution (signature, chain, fees,
nonce, funds at the unsafe head) and refuses with the texts clients know. A
waiting transaction is replaced by one of the same nonce that pays a tenth
more. What a block cannot execute is dropped when the sequencer says so.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final

from optimistic.node.pool_errors import (
    AlreadyKnown,
    InsufficientFunds,
    NonceTooHigh,
    NonceTooLow,
    NotReplayProtected,
    Oversized,
    PoolFull,
    ReplacementUnderpriced,
    SenderLimit,
    Undecodable,
    Underpriced,
    WrongChainId,
    broken_rule,
)
from optimistic.protocol.accounts import Account
from optimistic.protocol.params import RollupParams
from optimistic.protocol.transactions import (
    BlockFields,
    InvalidTransaction,
    Transaction,
    decode_transaction,
    intrinsic_gas,
    recover_sender,
    validate,
)
from optimistic.protocol.types import Address, Hash32

ReadAccount = Callable[[Address], Account]
"""An account at the unsafe head; an empty one when absent."""

_AMPLE_BALANCE: Final = 1 << 512
_EVICTED_SHARE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class MempoolLimits:
    """What the pool takes; nothing here is consensus."""

    max_transactions: int = 20_000
    max_per_sender: int = 1_024
    """Waiting transactions of one sender, and how far ahead of the account its nonces may lie."""
    replacement_bump_percent: int = 10
    min_tip_wei: int = 0
    allow_unprotected: bool = False
    """Take legacy transactions signed without a chain id (keyless deployers need it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledTransaction:
    """A decoded transaction with its sender and place in the order of arrival."""

    tx: Transaction
    sender: Address
    arrival: int
    lane_demand: int
    """Gas limit less intrinsic gas: what must be left in its lane."""

    @property
    def cost_wei(self) -> int:
        """Most it can take from the sender's balance."""
        return self.tx.gas_limit * self.tx.max_fee + self.tx.value


class Mempool:
    """The pool; every method may be called from any thread.

    Parameters
    ----------
    params : consensus parameters
    limits : the operator's limits
    read_account : reads an account at the current unsafe head
    """

    def __init__(self, params: RollupParams, limits: MempoolLimits, read_account: ReadAccount) -> None:
        self._params = params
        self.limits = limits
        self._read_account = read_account
        self._lock = threading.RLock()
        self._by_sender: dict[Address, dict[int, PooledTransaction]] = {}
        self._by_hash: dict[Hash32, PooledTransaction] = {}
        self._head_nonces: dict[Address, int] = {}
        self._costs_wei: dict[Address, int] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._by_hash)

    # ------------------------------------------------------------------------------ taking

    def decode(self, raw: bytes, *, trusted: bool = False) -> PooledTransaction:
        """Decode raw bytes and check everything that needs no state; takes no lock.

        Parameters
        ----------
        raw : the network encoding
        trusted : skip the operator's own limits (a transaction that was taken before)

        Raises
        ------
        PoolRejection : named by the broken rule
        """
        if len(raw) > self._params.max_tx_bytes:
            raise Oversized(len(raw), self._params.max_tx_bytes)
        try:
            tx = decode_transaction(raw)
            sender = recover_sender(tx)
        except InvalidTransaction as error:
            raise Undecodable(error) from error
        if tx.chain_id is not None and tx.chain_id != self._params.l2_chain_id:
            raise WrongChainId(tx.chain_id, self._params.l2_chain_id)
        if not trusted:
            self._check_policy(tx)
        demand = max(0, tx.gas_limit - intrinsic_gas(tx))
        return PooledTransaction(tx=tx, sender=sender, arrival=0, lane_demand=demand)

    def _check_policy(self, tx: Transaction) -> None:
        if tx.chain_id is None and not self.limits.allow_unprotected:
            raise NotReplayProtected
        tip = min(tx.max_priority_fee, tx.max_fee - self._params.base_fee_wei)
        if tip < self.limits.min_tip_wei:
            raise Underpriced(self.limits.min_tip_wei, tip)

    def check(self, pooled: PooledTransaction) -> None:
        """Check `pooled` against the unsafe head and the pool without adding it.

        Raises
        ------
        PoolRejection : named by the broken rule
        """
        with self._lock:
            self._check_state(pooled)
            self._check_room(pooled)

    def add(self, pooled: PooledTransaction) -> Hash32 | None:
        """Add a transaction that `check` accepted; return the hash of the one it replaced."""
        with self._lock:
            self._arrivals += 1
            waiting = self._by_sender.setdefault(pooled.sender, {})
            if not waiting:
                self._head_nonces[pooled.sender] = self._read_account(pooled.sender).nonce
            replaced = waiting.get(pooled.tx.nonce)
            if replaced is not None:
                del self._by_hash[replaced.tx.hash]
            freed_wei = replaced.cost_wei if replaced is not None else 0
            self._costs_wei[pooled.sender] = (
                self._costs_wei.get(pooled.sender, 0) + pooled.cost_wei - freed_wei
            )
            placed = PooledTransaction(
                tx=pooled.tx,
                sender=pooled.sender,
                arrival=self._arrivals,
                lane_demand=pooled.lane_demand,
            )
            waiting[pooled.tx.nonce] = placed
            self._by_hash[pooled.tx.hash] = placed
            return replaced.tx.hash if replaced is not None else None

    def _check_state(self, pooled: PooledTransaction) -> None:
        tx, sender = pooled.tx, pooled.sender
        if tx.hash in self._by_hash:
            raise AlreadyKnown
        account = self._read_account(sender)
        if tx.nonce < account.nonce:
            raise NonceTooLow(account.nonce, tx.nonce)
        if tx.nonce - account.nonce >= self.limits.max_per_sender:
            raise NonceTooHigh(account.nonce, tx.nonce)
        self._check_rules(pooled, account)
        replaced = self._check_replacement(pooled)
        freed_wei = replaced.cost_wei if replaced is not None else 0
        cost = pooled.cost_wei + self._costs_wei.get(sender, 0) - freed_wei
        if cost > account.balance:
            raise InsufficientFunds(account.balance, cost)

    def _check_rules(self, pooled: PooledTransaction, account: Account) -> None:
        """Apply the protocol's validity rules but those of nonce and funds."""
        assumed = Account(
            nonce=pooled.tx.nonce,
            balance=_AMPLE_BALANCE,
            storage_root=account.storage_root,
            code_hash=account.code_hash,
        )
        params = self._params
        block = BlockFields(params.l2_chain_id, params.block_gas_limit, params.base_fee_wei)
        try:
            validate(pooled.tx, assumed, params, block)
        except InvalidTransaction as error:
            cap = min(params.tx_gas_cap, params.block_gas_limit)
            raise broken_rule(error, pooled.tx, pooled.sender, cap) from error

    def _check_replacement(self, pooled: PooledTransaction) -> PooledTransaction | None:
        """Return the transaction that `pooled` would replace; it must pay enough more."""
        old = self._by_sender.get(pooled.sender, {}).get(pooled.tx.nonce)
        if old is None:
            return None
        percent = 100 + self.limits.replacement_bump_percent
        for new_fee, old_fee in (
            (pooled.tx.max_fee, old.tx.max_fee),
            (pooled.tx.max_priority_fee, old.tx.max_priority_fee),
        ):
            if new_fee * 100 < old_fee * percent or new_fee <= old_fee:
                raise ReplacementUnderpriced
        return old

    def _check_room(self, pooled: PooledTransaction) -> None:
        waiting = self._by_sender.get(pooled.sender, {})
        if pooled.tx.nonce in waiting:
            return
        if len(waiting) >= self.limits.max_per_sender:
            raise SenderLimit(self.limits.max_per_sender)
        if len(self._by_hash) >= self.limits.max_transactions and not self._evict(pooled):
            raise PoolFull

    def _evict(self, newcomer: PooledTransaction) -> bool:
        """Drop the cheapest last transactions of other senders; return whether there is room."""
        tails = [
            waiting[max(waiting)] for sender, waiting in self._by_sender.items() if sender != newcomer.sender
        ]
        cheaper = [tail for tail in tails if self._tip(tail) < self._tip(newcomer)]
        cheaper.sort(key=lambda tail: (self._tip(tail), -tail.arrival))
        for tail in cheaper[: 1 + self.limits.max_transactions // _EVICTED_SHARE]:
            self._remove(tail)
        return bool(cheaper)

    def _tip(self, pooled: PooledTransaction) -> int:
        return pooled.tx.gas_price(self._params.base_fee_wei) - self._params.base_fee_wei

    # ------------------------------------------------------------------------------ reading

    def get(self, tx_hash: Hash32) -> PooledTransaction | None:
        """Return a waiting transaction."""
        with self._lock:
            return self._by_hash.get(tx_hash)

    def next_nonce(self, sender: Address) -> int:
        """Return the nonce after the sender's gapless waiting transactions (`pending` of JSON-RPC)."""
        with self._lock:
            nonce = self._read_account(sender).nonce
            waiting = self._by_sender.get(sender, {})
            while nonce in waiting:
                nonce += 1
            return nonce

    def waiting(self) -> list[PooledTransaction]:
        """Return every waiting transaction in the order of arrival."""
        with self._lock:
            return sorted(self._by_hash.values(), key=lambda pooled: pooled.arrival)

    def counts(self) -> tuple[int, int]:
        """Return how many transactions are executable and how many wait behind a gap."""
        with self._lock:
            pending = 0
            for sender, waiting in self._by_sender.items():
                nonce = self._head_nonces[sender]
                while nonce in waiting:
                    nonce += 1
                    pending += 1
            return pending, len(self._by_hash) - pending

    # ------------------------------------------------------------------------------ block production

    def select(self) -> "Selection":
        """Start choosing transactions for one block."""
        return Selection(self)

    def first_of(self, sender: Address, nonce: int) -> PooledTransaction | None:
        """Return the sender's waiting transaction with this nonce."""
        with self._lock:
            return self._by_sender.get(sender, {}).get(nonce)

    def executable(self) -> list[PooledTransaction]:
        """Return each sender's next transaction, as far as it waits."""
        with self._lock:
            found = (waiting.get(self._head_nonces[sender]) for sender, waiting in self._by_sender.items())
            return [pooled for pooled in found if pooled is not None]

    def priority(self, pooled: PooledTransaction) -> tuple[int, int]:
        """Return the sort key of block production: highest tip first, then arrival."""
        return -self._tip(pooled), pooled.arrival

    def drop(self, tx_hash: Hash32) -> None:
        """Remove a transaction that cannot be executed."""
        with self._lock:
            pooled = self._by_hash.get(tx_hash)
            if pooled is not None:
                self._remove(pooled)

    def prune(self, senders: Iterable[Address]) -> None:
        """Remove transactions whose nonces the unsafe head has used."""
        with self._lock:
            for sender in set(senders):
                waiting = self._by_sender.get(sender)
                if waiting:
                    nonce = self._read_account(sender).nonce
                    self._head_nonces[sender] = nonce
                    for used in [pooled for pooled in waiting.values() if pooled.tx.nonce < nonce]:
                        self._remove(used)

    def prune_all(self) -> None:
        """Prune every sender, after the head moved in a way that is not one's own block."""
        self.prune(list(self._by_sender))

    def _remove(self, pooled: PooledTransaction) -> None:
        del self._by_hash[pooled.tx.hash]
        waiting = self._by_sender[pooled.sender]
        del waiting[pooled.tx.nonce]
        self._costs_wei[pooled.sender] -= pooled.cost_wei
        if not waiting:
            for table in (self._by_sender, self._head_nonces, self._costs_wei):
                del table[pooled.sender]


class Selection:
    """Gives the best executable transaction again and again while one block is built."""

    def __init__(self, pool: Mempool) -> None:
        self._pool = pool
        self._heap = [(pool.priority(pooled), pooled.tx.hash, pooled) for pooled in pool.executable()]
        heapify(self._heap)

    def next(self) -> PooledTransaction | None:
        """Return the best transaction left, or None; its sender's later ones wait for `executed`."""
        return heappop(self._heap)[2] if self._heap else None

    def executed(self, pooled: PooledTransaction) -> None:
        """Note that `pooled` is in the block: the sender's next nonce becomes executable."""
        following = self._pool.first_of(pooled.sender, pooled.tx.nonce + 1)
        if following is not None:
            heappush(self._heap, (self._pool.priority(following), following.tx.hash, following))
