"""The one writer of the chain database.

Readers (JSON-RPC among them) use what `ChainStore` inherits from
`chain_reader.ChainReader`; the values are in `chain_records`. Every method
that writes is one transaction, and several may be joined into one with
`atomic()`, so a crash leaves either all of a step or nothing of it.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from optimistic.node.chain_codec import batch_to_row, block_to_row, deposit_to_row, l1_block_from_row
from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import (
    Batch,
    Block,
    ExecutedBlock,
    ExecutedUnit,
    L1Block,
    StoredAssertion,
)
from optimistic.node.database import database_errors, open_writer
from optimistic.protocol.engine import Lane, Log, Outcome
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Address, Hash32

_KEPT_L1_BLOCKS = 1_024


class WrongDatabase(CriticalError):
    """The database belongs to another rollup."""


class ChainStore(ChainReader):
    """Write access; one object per process, calls from any thread are serialised.

    Parameters
    ----------
    path : the database file, created when missing

    Raises
    ------
    DatabaseCorrupt : the file is damaged
    """

    def __init__(self, path: Path) -> None:
        self._writer = open_writer(path)
        self._write_lock = threading.RLock()
        self._lock_owner: int | None = None
        super().__init__(path)

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self._writer.close()

    def _connection(self) -> sqlite3.Connection:
        """Read through the writer inside one's own transaction, to see what it wrote."""
        if self._lock_owner == threading.get_ident():
            return self._writer
        return super()._connection()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Join every write inside the block into one atomic transaction; nests."""
        with self._write_lock:
            if self._lock_owner is not None:
                yield
                return
            self._lock_owner = threading.get_ident()
            try:
                with database_errors():
                    self._writer.execute("BEGIN IMMEDIATE")
                    try:
                        yield
                        self._writer.execute("COMMIT")
                    except BaseException:
                        if self._writer.in_transaction:
                            self._writer.execute("ROLLBACK")
                        raise
            finally:
                self._lock_owner = None

    def _write(self, query: str, arguments: Sequence[object] = ()) -> None:
        with self.atomic():
            self._writer.execute(query, arguments)

    # ---- set-up -----------------------------------------------------------------------------------

    def initialize(self, identity: Mapping[str, str], genesis: Block) -> None:
        """Bind a new database to a rollup and store its genesis block; check an old one.

        Parameters
        ----------
        identity : what must never differ between runs, such as the configuration hash
        genesis : block 0

        Raises
        ------
        WrongDatabase : the database was made for another identity
        """
        wanted = json.dumps(dict(sorted(identity.items()))).encode()
        with self.atomic():
            row = self._row("SELECT value FROM meta WHERE key = 'identity'")
            if row is not None:
                if row[0] != wanted:
                    raise WrongDatabase(f"the database belongs to {row[0].decode()}, not {wanted.decode()}")
                return
            self._write("INSERT INTO meta VALUES ('identity', ?)", (wanted,))
            self._insert_block(genesis)
            for label in ("unsafe", "safe", "finalized"):
                self._write("INSERT INTO heads VALUES (?, ?)", (label, genesis.number))

    # ---- blocks -----------------------------------------------------------------------------------

    def append_blocks(self, blocks: Sequence[ExecutedBlock]) -> None:
        """Append blocks to the unsafe chain and drop their transactions from the requeue.

        Raises
        ------
        CriticalError : a block does not follow the unsafe head
        """
        with self.atomic():
            for executed in blocks:
                head = self.heads().unsafe
                block = executed.block
                if block.number != head.number + 1 or block.parent_hash != head.hash:
                    raise CriticalError(f"block {block.number} does not follow block {head.number}")
                self._insert_block(block)
                self._insert_units(executed)
                self._write("UPDATE heads SET number = ? WHERE label = 'unsafe'", (block.number,))

    def rewind(self, number: int) -> list[bytes]:
        """Remove every block above `number`; its transactions wait in the requeue.

        Batches derived into removed blocks go too, and the safe and finalized
        heads fall back as far as they must.

        Returns
        -------
        The raw transactions removed, oldest first (deposits come again from L1).
        """
        with self.atomic():
            query = (
                "SELECT hash, raw FROM transactions WHERE block_number > ? AND deposit_index IS NULL"
                " ORDER BY block_number, tx_index"
            )
            removed = self._rows(query, (number,))
            waiting = self._rows("SELECT hash, raw FROM requeued ORDER BY position")
            self._write("DELETE FROM requeued")
            self._writer.executemany(
                "INSERT OR IGNORE INTO requeued (hash, raw) VALUES (?, ?)", removed + waiting
            )
            self._write("DELETE FROM logs WHERE block_number > ?", (number,))
            self._write("DELETE FROM transactions WHERE block_number > ?", (number,))
            self._write("DELETE FROM blocks WHERE number > ?", (number,))
            self._write("DELETE FROM batches WHERE last_block > ?", (number,))
            self._lower_heads(number)
            return [raw for _, raw in removed]

    def _lower_heads(self, number: int) -> None:
        latest = self.latest_batch()
        safe = latest.last_block if latest else 0
        self._write("UPDATE heads SET number = min(number, ?)", (number,))
        self._write("UPDATE heads SET number = min(number, ?) WHERE label <> 'unsafe'", (safe,))

    def requeued(self) -> list[bytes]:
        """Return transactions that a reorg removed and no block holds again, oldest first."""
        return [row[0] for row in self._rows("SELECT raw FROM requeued ORDER BY position")]

    def drop_requeued(self, tx_hashes: Sequence[Hash32]) -> None:
        """Forget requeued transactions that can no longer be executed."""
        with self.atomic():
            self._writer.executemany("DELETE FROM requeued WHERE hash = ?", [(item,) for item in tx_hashes])

    def executed_blocks(self, first: int, last: int) -> list[ExecutedBlock]:
        """Return blocks first..last with the outcomes of all their units, in order."""
        logs = self._logs_by_transaction(first, last)
        query = (
            "SELECT * FROM transactions WHERE block_number BETWEEN ? AND ? ORDER BY block_number, tx_index"
        )
        units: dict[int, list[ExecutedUnit]] = {}
        for row in self._rows(query, (first, last)):
            outcome = Outcome(
                tx_hash=Hash32(row[2]),
                sender=Address(row[5]),
                to=None if row[6] is None else Address(row[6]),
                nonce=row[7],
                status=row[8],
                gas_used=row[9],
                execution_gas=row[11],
                lane=Lane(row[12]),
                logs=tuple(logs.get((row[0], row[1]), ())),
                contract_address=None if row[14] is None else Address(row[14]),
                output=b"",
                effective_gas_price=int(row[15]),
                state_root=Hash32(row[16]),
            )
            unit = ExecutedUnit(outcome=outcome, raw=row[3], deposit_index=row[4], lane_demand=row[13])
            units.setdefault(row[0], []).append(unit)
        blocks = self.blocks(first, last)
        return [ExecutedBlock(block=block, units=units.get(block.number, ())) for block in blocks]

    def _logs_by_transaction(self, first: int, last: int) -> dict[tuple[int, int], list[Log]]:
        query = (
            "SELECT block_number, tx_index, address, topic0, topic1, topic2, topic3, data FROM logs"
            " WHERE block_number BETWEEN ? AND ? ORDER BY block_number, log_index"
        )
        found: dict[tuple[int, int], list[Log]] = {}
        for row in self._rows(query, (first, last)):
            topics = tuple(Hash32(topic) for topic in row[3:7] if topic is not None)
            log = Log(address=Address(row[2]), topics=topics, data=row[7])
            found.setdefault((row[0], row[1]), []).append(log)
        return found

    def _insert_block(self, block: Block) -> None:
        self._write("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", block_to_row(block))

    def _insert_units(self, executed: ExecutedBlock) -> None:
        number = executed.block.number
        rows: list[tuple[object, ...]] = []
        log_rows: list[tuple[object, ...]] = []
        cumulative = 0
        for index, unit in enumerate(executed.units):
            outcome = unit.outcome
            cumulative += outcome.gas_used
            rows.append(
                (
                    number,
                    index,
                    outcome.tx_hash,
                    unit.raw,
                    unit.deposit_index,
                    outcome.sender,
                    outcome.to,
                    outcome.nonce,
                    outcome.status,
                    outcome.gas_used,
                    cumulative,
                    outcome.execution_gas,
                    int(outcome.lane),
                    unit.lane_demand,
                    outcome.contract_address,
                    str(outcome.effective_gas_price),
                    outcome.state_root,
                    len(log_rows),
                )
            )
            for log in outcome.logs:
                topics = [*log.topics, None, None, None, None][:4]
                log_rows.append((number, len(log_rows), index, log.address, *topics, log.data))
        self._writer.executemany(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        self._writer.executemany("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", log_rows)
        self._writer.executemany("DELETE FROM requeued WHERE hash = ?", [(row[2],) for row in rows])

    # ---- what L1 says -----------------------------------------------------------------------------

    def append_batch(self, batch: Batch, data: bytes, leaves: Sequence[Hash32]) -> None:
        """Store a derived batch whose blocks are in the chain, and move the safe head to its end."""
        with self.atomic():
            self._write("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", batch_to_row(batch))
            self._write("INSERT INTO batch_payloads VALUES (?, ?, ?)", (batch.index, data, b"".join(leaves)))
            self._write("UPDATE heads SET number = ? WHERE label = 'safe'", (batch.last_block,))

    def add_deposits(self, deposits: Sequence[tuple[int, Deposit]], l1_block_number: int) -> None:
        """Append queue entries (index, deposit) that L1 block `l1_block_number` emitted."""
        with self.atomic():
            self._writer.executemany(
                "INSERT INTO deposits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(index, *deposit_to_row(deposit), l1_block_number) for index, deposit in deposits],
            )

    def add_assertion(self, assertion: StoredAssertion) -> None:
        """Store an assertion that L1 emitted (its fate comes separately)."""
        self._write(
            "INSERT INTO assertions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                assertion.id,
                assertion.parent,
                assertion.seq,
                assertion.poster,
                assertion.from_batch,
                assertion.to_batch,
                assertion.acc,
                assertion.unit_root,
                assertion.end_leaf,
                assertion.children_root,
                assertion.l1_timestamp,
                assertion.l1_block_number,
                None,
                None,
            ),
        )

    def mark_confirmed(self, assertion_id: Hash32, l1_block_number: int) -> None:
        """Note that an L1 block confirmed an assertion."""
        query = "UPDATE assertions SET confirmed_at_l1_block = ? WHERE id = ?"
        self._write(query, (l1_block_number, assertion_id))

    def mark_dead(self, assertion_id: Hash32, l1_block_number: int) -> None:
        """Note that an assertion died in an L1 block."""
        query = "UPDATE assertions SET died_at_l1_block = ? WHERE id = ?"
        self._write(query, (l1_block_number, assertion_id))

    def add_l1_block(self, block: L1Block) -> None:
        """Move the derive cursor to the next L1 block; old ones are forgotten."""
        with self.atomic():
            self._write("INSERT INTO l1_blocks VALUES (?, ?, ?)", (block.number, block.hash, block.timestamp))
            self._write("DELETE FROM l1_blocks WHERE number <= ?", (block.number - _KEPT_L1_BLOCKS,))

    def l1_blocks(self, limit: int = _KEPT_L1_BLOCKS) -> list[L1Block]:
        """Return followed L1 blocks, newest first."""
        rows = self._rows("SELECT * FROM l1_blocks ORDER BY number DESC LIMIT ?", (limit,))
        return [l1_block_from_row(row) for row in rows]

    def rewind_l1(self, number: int) -> None:
        """Forget everything that L1 blocks above `number` said.

        L2 blocks stay, as unsafe blocks; the caller removes those that ran a
        forgotten deposit.
        """
        with self.atomic():
            self._write("DELETE FROM l1_blocks WHERE number > ?", (number,))
            self._write("DELETE FROM deposits WHERE l1_block_number > ?", (number,))
            self._write("DELETE FROM batches WHERE l1_block_number > ?", (number,))
            self._write("DELETE FROM assertions WHERE l1_block_number > ?", (number,))
            self._write(
                "UPDATE assertions SET confirmed_at_l1_block = NULL WHERE confirmed_at_l1_block > ?",
                (number,),
            )
            self._write("UPDATE assertions SET died_at_l1_block = NULL WHERE died_at_l1_block > ?", (number,))
            self._lower_heads(self.heads().unsafe.number)

    def finalize_l1(self, number: int) -> None:
        """Move the finalized head to the last block derived from L1 blocks up to `number`."""
        query = (
            "UPDATE heads SET number = max(number, coalesce("
            "(SELECT max(last_block) FROM batches WHERE l1_block_number <= ?), 0)) WHERE label = 'finalized'"
        )
        self._write(query, (number,))
