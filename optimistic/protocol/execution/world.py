"""The world state of one engine: dictionaries over a trie, with undo.

Reads go to dictionaries first and to the trie once per account or slot (a cold
read costs ~20 µs, a cached one ~0.1 µs). Writes are logged, so that a frame's
snapshot is the length of the log. At the end of a transaction the changes are
committed in one pass, and the state root after every transaction is known.

No account is ever stored empty: a write that leaves no nonce, balance and code
deletes the leaf, and touching an absent account writes nothing (EIP-161).
"""

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from optimistic.protocol import mpt
from optimistic.protocol.accounts import (
    EMPTY_CODE_HASH,
    Account,
    decode_slot,
    encode_slot,
)
from optimistic.protocol.engine import Log
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.execution.jumps import JumpTable, jump_table
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import EMPTY_ROOT, NodeOverlay, NodeReader, NodeStore
from optimistic.protocol.types import Hash32

CACHE_LIMIT: Final = 500_000
"""Cached accounts and slots above which the caches are dropped after a transaction; code counts by size."""

_UINT256: Final = (1 << 256) - 1
_ABSENT: Final = object()
_NO_CODE: Final = b""
_BYTES_PER_CACHED_ITEM: Final = 128


class Row(NamedTuple):
    """An account as execution handles it."""

    nonce: int
    balance: int
    storage_root: Hash32
    """Root at the start of the transaction; slots written since are not in it."""
    code_hash: Hash32


class Snapshot(NamedTuple):
    """A point to return to: lengths of the undo log and of the logs, and the refund counter."""

    undo: int
    logs: int
    refund: int


_EMPTY_ROW: Final = Row(0, 0, EMPTY_ROOT, EMPTY_CODE_HASH)


@lru_cache(maxsize=1 << 17)
def _address_key(address: bytes) -> Hash32:
    """Path of an account in the state trie."""
    return keccak256(address)


@lru_cache(maxsize=1 << 17)
def _slot_key(slot: int) -> Hash32:
    """Path of a slot in a storage trie."""
    return keccak256(slot.to_bytes(32, "big"))


def read_account(nodes: NodeReader, root: bytes, address: bytes) -> Account | None:
    """Return the account at `address` under `root`, None when absent."""
    raw = mpt.get(nodes, root, _address_key(address))
    return None if raw is None else Account.decode(raw)


def read_slot(nodes: NodeReader, storage_root: bytes, slot: int) -> int:
    """Return the value of `slot` under a storage root, 0 when absent."""
    if storage_root == EMPTY_ROOT:
        return 0
    raw = mpt.get(nodes, storage_root, _slot_key(slot))
    return 0 if raw is None else decode_slot(raw)


def read_code(nodes: NodeReader, code_hash: bytes) -> bytes:
    """Return the code with this hash.

    Raises
    ------
    CriticalError : the store lacks code that the state names
    """
    if code_hash == EMPTY_CODE_HASH:
        return _NO_CODE
    code = nodes.get(code_hash)
    if code is None:
        raise CriticalError(f"code {code_hash.hex()} is not stored")
    return code


class WorldState:
    """Accounts, storage and the state of the running transaction.

    The method names are those py-evm's opcodes call on its state object.
    """

    def __init__(self, nodes: NodeReader, root: Hash32) -> None:
        self.overlay = NodeOverlay(nodes)
        self._root = root
        self._accounts: dict[bytes, Row | None] = {}
        self._storage: dict[bytes, dict[int, int]] = {}
        self._codes: dict[bytes, bytes] = {EMPTY_CODE_HASH: _NO_CODE}
        self._jumps: dict[bytes, JumpTable] = {}
        self._loaded = 0
        self.begin_transaction()

    # ------------------------------------------------------------------------------ transaction

    def begin_transaction(self) -> None:
        """Forget everything that lives for one transaction only."""
        self._undo: list[tuple[MutableMapping[Any, Any], Any, Any]] = []
        self._dirty: dict[bytes, bool] = {}
        self._original: dict[tuple[bytes, int], int] = {}
        self._warm_addresses: dict[bytes, bool] = {}
        self._warm_slots: dict[tuple[bytes, int], bool] = {}
        self._transient: dict[tuple[bytes, int], bytes] = {}
        self._new_codes: dict[bytes, bytes] = {}
        self.created: dict[bytes, bool] = {}
        self.destroyed: dict[bytes, bool] = {}
        self.logs: list[Log] = []
        self.refund = 0

    def finish_transaction(self) -> Hash32:
        """Delete what was destroyed, commit all changes, and return the new state root."""
        for address in self.destroyed:
            self._write(address, None)
            self._storage.pop(address, None)
        slots = self._changed_slots()
        changes: dict[bytes, bytes | None] = {
            _address_key(address): self._seal(address, slots.get(address)) for address in self._dirty
        }
        self._root = self._commit(self._root, changes)
        self.begin_transaction()
        self.trim()
        return self._root

    def discard_transaction(self) -> None:
        """Undo everything since `begin_transaction`."""
        self.revert(Snapshot(0, 0, 0))
        self.begin_transaction()

    def trim(self) -> None:
        """Drop the read caches when they have grown large; call between transactions."""
        if self._loaded > CACHE_LIMIT:
            self._accounts.clear()
            self._storage.clear()
            self._codes = {EMPTY_CODE_HASH: _NO_CODE}
            self._jumps.clear()
            self._loaded = 0

    def flush(self, store: NodeStore) -> None:
        """Hand all nodes and code built so far to `store`."""
        if self.overlay.own:
            store.put_many(self.overlay.own)
            self.overlay.own = {}

    def _changed_slots(self) -> dict[bytes, dict[bytes, bytes | None]]:
        """Return the slots whose value differs from the start of the transaction, by account."""
        changed: dict[bytes, dict[bytes, bytes | None]] = {}
        for (address, slot), original in self._original.items():
            row = self._row(address)
            if row is None:
                continue
            value = self.get_storage(address, slot)
            if value != original or (value and row.storage_root == EMPTY_ROOT):
                self._dirty[address] = True
                changed.setdefault(address, {})[_slot_key(slot)] = encode_slot(value) if value else None
        return changed

    def _seal(self, address: bytes, slots: dict[bytes, bytes | None] | None) -> bytes | None:
        """Bring one account's storage root up to date and return its leaf, None when it is empty."""
        row = self._row(address)
        if row is None or (not row.nonce and not row.balance and row.code_hash == EMPTY_CODE_HASH):
            self._accounts[address] = None
            self._storage.pop(address, None)
            return None
        if slots:
            row = row._replace(storage_root=self._commit(row.storage_root, slots))
            self._accounts[address] = row
        if row.code_hash in self._new_codes:
            self.overlay.own[row.code_hash] = self._new_codes[row.code_hash]
        return Account(
            nonce=row.nonce, balance=row.balance, storage_root=row.storage_root, code_hash=row.code_hash
        ).encode()

    def _commit(self, root: Hash32, changes: dict[bytes, bytes | None]) -> Hash32:
        """Apply changes to a trie and keep its new nodes."""
        new_root, nodes = mpt.commit(self.overlay, root, changes)
        self.overlay.put_many(nodes)
        return new_root

    # ------------------------------------------------------------------------------ snapshots

    @property
    def state_root(self) -> Hash32:
        """Root after the last finished transaction."""
        return self._root

    def snapshot(self) -> Snapshot:
        """Mark a point to `revert` to."""
        return Snapshot(len(self._undo), len(self.logs), self.refund)

    def revert(self, snapshot: Snapshot) -> None:
        """Undo every change since `snapshot`, newest first."""
        undo = self._undo
        while len(undo) > snapshot.undo:
            table, key, old = undo.pop()
            if old is _ABSENT:
                table.pop(key, None)
            else:
                table[key] = old
        del self.logs[snapshot.logs :]
        self.refund = snapshot.refund

    def commit(self, snapshot: Snapshot) -> None:
        """Keep the changes since `snapshot`: they stay revertible by outer snapshots."""

    def lock_changes(self) -> None:
        """Nothing to do: original values are recorded per transaction."""

    def _set(self, table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """Write into a table and remember how to undo it."""
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    # ------------------------------------------------------------------------------ accounts

    def _row(self, address: bytes) -> Row | None:
        """Load an account once."""
        try:
            return self._accounts[address]
        except KeyError:
            account = read_account(self.overlay, self._root, address)
            row = None
            if account is not None:
                row = Row(account.nonce, account.balance, account.storage_root, account.code_hash)
            self._accounts[address] = row
            self._loaded += 1
            return row

    def _write(self, address: bytes, row: Row | None) -> None:
        """Replace an account and mark it dirty, both undoable."""
        self._undo.append((self._accounts, address, self._row(address)))
        self._accounts[address] = row
        if address not in self._dirty:
            self._set(self._dirty, address, True)

    def account(self, address: bytes) -> Account:
        """Return the account at `address`, an empty one when absent."""
        row = self._row(address) or _EMPTY_ROW
        return Account(
            nonce=row.nonce, balance=row.balance, storage_root=row.storage_root, code_hash=row.code_hash
        )

    def touch_account(self, address: bytes) -> None:
        """Mark the account for deletion at the end of the transaction if it is empty then."""
        if address not in self._dirty:
            self._set(self._dirty, address, True)

    def delete_account(self, address: bytes) -> None:
        """Remove the account."""
        self._write(address, None)

    def account_exists(self, address: bytes) -> bool:
        """Whether there is an account that is not empty."""
        return not self.account_is_empty(address)

    def account_is_empty(self, address: bytes) -> bool:
        """Whether the account has no nonce, balance and code."""
        row = self._row(address)
        return row is None or (not row.nonce and not row.balance and row.code_hash == EMPTY_CODE_HASH)

    def has_code_or_nonce(self, address: bytes) -> bool:
        """Whether a contract cannot be created here: nonce, code or storage (EIP-7610) are in the way."""
        row = self._row(address)
        if row is None:
            return False
        return row.nonce != 0 or row.code_hash != EMPTY_CODE_HASH or row.storage_root != EMPTY_ROOT

    def get_balance(self, address: bytes) -> int:
        """Return the balance in wei."""
        row = self._row(address)
        return 0 if row is None else row.balance

    def set_balance(self, address: bytes, balance: int) -> None:
        """Set the balance, modulo 2^256: a sum beyond it needs more ether than exists."""
        row = self._row(address) or _EMPTY_ROW
        self._write(address, Row(row.nonce, balance & _UINT256, row.storage_root, row.code_hash))

    def delta_balance(self, address: bytes, delta: int) -> None:
        """Add `delta` wei, which may be negative but not beyond the balance."""
        self.set_balance(address, self.get_balance(address) + delta)

    def get_nonce(self, address: bytes) -> int:
        """Return the nonce."""
        row = self._row(address)
        return 0 if row is None else row.nonce

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Set the nonce, below 2^64."""
        row = self._row(address) or _EMPTY_ROW
        self._write(address, Row(nonce, row.balance, row.storage_root, row.code_hash))

    def increment_nonce(self, address: bytes) -> None:
        """Add one to the nonce."""
        self.set_nonce(address, self.get_nonce(address) + 1)

    # ------------------------------------------------------------------------------ code

    def get_code_hash(self, address: bytes) -> Hash32:
        """Return the code hash, that of the empty string when there is no code."""
        row = self._row(address)
        return EMPTY_CODE_HASH if row is None else row.code_hash

    def get_code(self, address: bytes) -> bytes:
        """Return the code."""
        code_hash = self.get_code_hash(address)
        try:
            return self._codes[code_hash]
        except KeyError:
            code = self._codes[code_hash] = read_code(self.overlay, code_hash)
            self._count_bytes(len(code))
            return code

    def set_code(self, address: bytes, code: bytes) -> None:
        """Set the code."""
        code_hash = keccak256(code)
        self._codes[code_hash] = code
        self._count_bytes(len(code))
        self._new_codes[code_hash] = code
        row = self._row(address) or _EMPTY_ROW
        self._write(address, Row(row.nonce, row.balance, row.storage_root, code_hash))

    def jump_table(self, code: bytes) -> JumpTable:
        """Return where `code` may be jumped to.

        Kept beside the code: a transaction can call more contracts in turn than any
        cache of fixed size holds, and calling one again costs 100 gas.
        """
        table = self._jumps.get(code)
        if table is None:
            table = self._jumps[code] = jump_table(code)
            self._count_bytes(2 * len(code))
        return table

    def _count_bytes(self, size: int) -> None:
        """Count bytes that a cache keeps."""
        self._loaded += 1 + size // _BYTES_PER_CACHED_ITEM

    # ------------------------------------------------------------------------------ storage

    def get_storage(self, address: bytes, slot: int, from_journal: bool = True) -> int:
        """Return a slot's value: now, or at the start of the transaction."""
        if not from_journal:
            original = self._original.get((address, slot))
            if original is not None:
                return original
        slots = self._storage.get(address)
        if slots is None:
            slots = self._storage[address] = {}
        value = slots.get(slot)
        if value is None:
            row = self._row(address)
            value = 0 if row is None else read_slot(self.overlay, row.storage_root, slot)
            slots[slot] = value
            self._loaded += 1
        return value

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Set a slot; zero deletes it."""
        current = self.get_storage(address, slot)
        if (address, slot) not in self._original:
            self._original[address, slot] = current
        slots = self._storage[address]
        self._undo.append((slots, slot, current))
        slots[slot] = value

    def delete_storage(self, address: bytes) -> None:
        """Empty the storage of a contract that is about to be created."""
        self._set(self._storage, address, {})
        row = self._row(address)
        if row is not None and row.storage_root != EMPTY_ROOT:
            self._write(address, row._replace(storage_root=EMPTY_ROOT))

    def get_transient_storage(self, address: bytes, slot: int) -> bytes:
        """Return a transient slot as big-endian bytes, empty when never set."""
        return self._transient.get((address, slot), b"")

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        """Set a transient slot."""
        self._set(self._transient, (address, slot), value)

    # ------------------------------------------------------------------------------ access sets

    def is_address_warm(self, address: bytes) -> bool:
        """Whether the transaction has accessed the account (EIP-2929)."""
        return address in self._warm_addresses

    def mark_address_warm(self, address: bytes) -> None:
        """Record an access; undone with the frame that made it."""
        if address not in self._warm_addresses:
            self._set(self._warm_addresses, address, True)

    def is_storage_warm(self, address: bytes, slot: int) -> bool:
        """Whether the transaction has accessed the slot."""
        return (address, slot) in self._warm_slots

    def mark_storage_warm(self, address: bytes, slot: int) -> None:
        """Record an access; undone with the frame that made it."""
        if (address, slot) not in self._warm_slots:
            self._set(self._warm_slots, (address, slot), True)

    def mark_created(self, address: bytes) -> None:
        """Record that the contract was created in this transaction (EIP-6780)."""
        self._set(self.created, address, True)

    def mark_destroyed(self, address: bytes) -> None:
        """Delete the account at the end of the transaction."""
        self._set(self.destroyed, address, True)
