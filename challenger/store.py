"""What the watchtower keeps on disk. All of it is a cache: deleting it costs time, nothing else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from challenger.state_codec import decode_state, encode_ring, encode_unit, end_leaf
from optimistic.protocol.commitment import Node
from optimistic.protocol.derivation import RollupState
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32
from optimistic.service.database import SERVICE_MIGRATIONS, Database
from optimistic.service.l1_types import Log
from optimistic.service.log_store import LogStore
from optimistic.service.storage_errors import CorruptStorage

CHALLENGER_MIGRATIONS: Final = "challenger.migrations"

RESUME_WINDOW: Final = 64
"""Recent batches whose end state is kept; older ones keep every 64th."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedBatch:
    """The outcome of replaying one batch."""

    index: int
    input_hash: Hash32
    """Fixes everything the replay of batches 0 … index read, and who ran which unit."""
    leaves: tuple[Hash32, ...]
    top: Node
    """Root of the batch's subtree of the unit tree."""
    end: RollupState


class Store:
    """The watchtower's tables: L1 events and replayed batches."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._logs = LogStore(database)

    @classmethod
    def open(cls, path: Path | None) -> "Store":
        """Open or create the database file; None keeps everything in memory."""
        return cls(Database(path, (SERVICE_MIGRATIONS, CHALLENGER_MIGRATIONS)))

    # ------------------------------------------------------------------------------ events

    def add_logs(self, logs: Iterable[Log]) -> None:
        """Add events; one that is already there stays."""
        self._logs.add(logs)

    def drop_logs_after(self, block_number: int) -> None:
        """Forget the events of blocks above `block_number`."""
        self._logs.drop_after(block_number)

    def logs(self) -> Iterator[Log]:
        """Yield all events in chain order."""
        return self._logs.all()

    def log(self, block_number: int, log_index: int) -> Log:
        """Return one event.

        Raises
        ------
        CorruptStorage : it is not there although it was stored
        """
        return self._logs.one(block_number, log_index)

    # ------------------------------------------------------------------------------ replay

    def put_batch(self, batch: ReplayedBatch) -> None:
        """Keep a replayed batch; its trie nodes must be stored already."""
        with self.database.transaction():
            self.database.execute(
                "INSERT OR REPLACE INTO replayed_batch (input_hash, batch_index, end_leaf, top_hash, leaves, "
                "unit, ring) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    batch.input_hash,
                    batch.index,
                    batch.top.end_state,
                    batch.top.hash,
                    b"".join(batch.leaves),
                    encode_unit(batch.end.unit),
                    encode_ring(batch.end.ring),
                ),
            )
            self.database.execute(
                "UPDATE replayed_batch SET unit = NULL, ring = NULL WHERE batch_index = ? "
                "AND leaves IS NOT NULL AND (batch_index + 1) % ? <> 0",
                (batch.index - RESUME_WINDOW, RESUME_WINDOW),
            )

    def put_state(self, index: int, input_hash: Hash32, state: RollupState) -> None:
        """Keep the state after batch `index` of which no leaves are known: the start of a replay."""
        self.database.execute(
            "INSERT OR IGNORE INTO replayed_batch (input_hash, batch_index, end_leaf, unit, ring) "
            "VALUES (?, ?, ?, ?, ?)",
            (input_hash, index, end_leaf(state), encode_unit(state.unit), encode_ring(state.ring)),
        )

    def state(self, input_hash: Hash32) -> RollupState | None:
        """Return the state after a batch, if it is kept.

        Raises
        ------
        CorruptStorage : what is stored is not that state
        """
        row = self.database.query_one(
            "SELECT end_leaf, unit, ring FROM replayed_batch WHERE input_hash = ?", (input_hash,)
        )
        if row is None or row[1] is None:
            return None
        try:
            state = decode_state(row[1], row[2])
        except InvalidInput as error:
            raise CorruptStorage(f"a cached state is damaged: {error}") from error
        if end_leaf(state) != row[0]:
            raise CorruptStorage("a cached state is not the one its leaf names")
        return state

    def resumable(self) -> list[tuple[int, Hash32]]:
        """Return (batch index, input hash) of every batch after which a replay can resume, newest first."""
        rows = self.database.query(
            "SELECT batch_index, input_hash FROM replayed_batch WHERE unit IS NOT NULL "
            "ORDER BY batch_index DESC"
        )
        return [(index, Hash32(input_hash)) for index, input_hash in rows]

    def top(self, input_hash: Hash32) -> Node | None:
        """Return the root of a batch's subtree, if the batch was replayed."""
        row = self.database.query_one(
            "SELECT end_leaf, top_hash FROM replayed_batch WHERE input_hash = ? AND top_hash IS NOT NULL",
            (input_hash,),
        )
        return None if row is None else Node(Hash32(row[0]), Hash32(row[1]))

    def end_leaf(self, input_hash: Hash32) -> Hash32 | None:
        """Return the leaf after a batch, if known."""
        row = self.database.query_one(
            "SELECT end_leaf FROM replayed_batch WHERE input_hash = ?", (input_hash,)
        )
        return None if row is None else Hash32(row[0])

    def leaves(self, input_hash: Hash32) -> tuple[Hash32, ...] | None:
        """Return the unit leaves of a replayed batch."""
        row = self.database.query_one(
            "SELECT leaves FROM replayed_batch WHERE input_hash = ? AND leaves IS NOT NULL", (input_hash,)
        )
        if row is None:
            return None
        return tuple(Hash32(row[0][i : i + 32]) for i in range(0, len(row[0]), 32))

    def snapshots(self) -> list[tuple[int, Hash32]]:
        """Return (batch index, input hash) of every state that was imported, not replayed."""
        rows = self.database.query("SELECT batch_index, input_hash FROM replayed_batch WHERE leaves IS NULL")
        return [(index, Hash32(input_hash)) for index, input_hash in rows]

    def clear_replay(self) -> None:
        """Forget every replayed batch: the replay starts again."""
        self.database.execute("DELETE FROM replayed_batch")

    # ------------------------------------------------------------------------------ corrections

    def add_correction(self, input_hash: Hash32, unit: int) -> None:
        """Remember a unit that the step machine has to run, because the engines disagree about it."""
        self.database.execute("INSERT OR IGNORE INTO correction VALUES (?, ?)", (input_hash, unit))

    def corrections(self) -> dict[Hash32, frozenset[int]]:
        """Return the units that the step machine has to run, by the input hash of their batch."""
        found: dict[Hash32, set[int]] = {}
        for input_hash, unit in self.database.query("SELECT input_hash, unit FROM correction"):
            found.setdefault(Hash32(input_hash), set()).add(unit)
        return {input_hash: frozenset(units) for input_hash, units in found.items()}

    # ------------------------------------------------------------------------------ spending

    def book_fee(self, tx_hash: Hash32, wei: int) -> None:
        """Remember the fee of a mined transaction."""
        self.database.execute("INSERT OR REPLACE INTO fee (tx_hash, wei) VALUES (?, ?)", (tx_hash, str(wei)))

    def fees_wei(self) -> int:
        """Return the sum of all fees booked."""
        return sum(int(wei) for (wei,) in self.database.query("SELECT wei FROM fee"))

    def close(self) -> None:
        """Close the database."""
        self.database.close()
