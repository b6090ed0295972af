"""The one writer of the chain database.

Readers (JSON-RPC among them) use what `ChainStore` inherits from
`chain_reader.ChainReader`; the values are in `chain_records`. Every method
that writes is one transaction, and several may be joined into one with
`atomic()`, so a crash leaves either all of a step or nothing of it.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from optimistic.node.chain_codec import batch_to_row, block_to_row, deposit_to_row
from optimistic.node.chain_reader import ChainReader
from optimistic.node.chain_records import (
    Batch,
    Block,
    Draft,
    ExecutedBlock,
    ExecutedUnit,
    StoredAssertion,
)
from optimistic.protocol.engine import Lane, Log, Outcome
from optimistic.protocol.errors import CriticalError
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Address, Hash32
from optimistic.service.database import SERVICE_MIGRATIONS, Database, Parameters, Row

CHAIN_MIGRATIONS: Final = (SERVICE_MIGRATIONS, "optimistic.node.migrations")
"""Tables of the log reader, the transaction manager and the chain: one file, one transaction."""


class WrongDatabase(CriticalError):
    """The database belongs to another rollup."""


class ChainStore(ChainReader):
    """Write access; one object per process, writes from any thread are serialised.

    Parameters
    ----------
    database : opened with `CHAIN_MIGRATIONS`; others may keep tables of their own in it
    path : the file of `database`, for the connections of readers
    """

    def __init__(self, database: Database, path: Path) -> None:
        super().__init__(path)
        self._database = database
        self._writing_thread: int | None = None

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Join every write inside the block into one transaction; nests; reads inside see the writes."""
        with self._database.transaction():
            outermost = self._writing_thread is None
            self._writing_thread = threading.get_ident()
            try:
                yield
            finally:
                if outermost:
                    self._writing_thread = None

    def _rows(self, query: str, arguments: Parameters = ()) -> list[Row]:
        if self._writing_thread == threading.get_ident():
            return self._database.query(query, arguments)
        return super()._rows(query, arguments)

    def _write(self, query: str, arguments: Parameters = ()) -> None:
        self._database.execute(query, arguments)

    def _write_many(self, query: str, rows: Sequence[Parameters]) -> None:
        self._database.execute_many(query, rows)

    # ------------------------------------------------------------------------------ set-up

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

    def note(self, key: str) -> str | None:
        """Return what `set_note` stored under `key`."""
        row = self._row("SELECT value FROM meta WHERE key = ?", (f"note:{key}",))
        return None if row is None else bytes(row[0]).decode()

    def set_note(self, key: str, value: str) -> None:
        """Store a short text that a loop must find again after a restart."""
        self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"note:{key}", value.encode()))

    # ------------------------------------------------------------------------------ blocks

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

    def rewind(self, number: int, *, requeue: bool) -> int:
        """Remove every block above `number`.

        Batches derived into removed blocks go too, and the safe and finalized
        heads fall back as far as they must.

        Parameters
        ----------
        number : the new unsafe head
        requeue : keep the transactions, oldest first, to be executed again (deposits come again from L1)

        Returns
        -------
        Number of transactions removed, without deposits.
        """
        with self.atomic():
            query = (
                "SELECT hash, raw FROM transactions WHERE block_number > ? AND deposit_index IS NULL"
                " ORDER BY block_number, tx_index"
            )
            removed = self._rows(query, (number,))
            waiting = self._rows("SELECT hash, raw FROM requeued ORDER BY position")
            self._write("DELETE FROM requeued")
            self._write_many(
                "INSERT OR IGNORE INTO requeued (hash, raw) VALUES (?, ?)",
                removed + waiting if requeue else [],
            )
            self._write("DELETE FROM logs WHERE block_number > ?", (number,))
            self._write("DELETE FROM transactions WHERE block_number > ?", (number,))
            self._write("DELETE FROM blocks WHERE number > ?", (number,))
            self._write("DELETE FROM batches WHERE last_block > ?", (number,))
            self._lower_heads(number)
            return len(removed)

    def _lower_heads(self, number: int) -> None:
        latest = self.latest_batch()
        safe = latest.last_block if latest else 0
        self._write("UPDATE heads SET number = min(number, ?)", (number,))
        self._write("UPDATE heads SET number = min(number, ?) WHERE label <> 'unsafe'", (safe,))

    def requeued(self) -> list[tuple[Hash32, bytes]]:
        """Return (hash, raw) of transactions that a reorg removed and no block holds again, oldest first."""
        rows = self._rows("SELECT hash, raw FROM requeued ORDER BY position")
        return [(Hash32(row[0]), row[1]) for row in rows]

    def requeued_raw(self, tx_hash: Hash32) -> bytes | None:
        """Return a requeued transaction's bytes."""
        row = self._row("SELECT raw FROM requeued WHERE hash = ?", (tx_hash,))
        return None if row is None else bytes(row[0])

    def drop_requeued(self, tx_hashes: Sequence[Hash32]) -> None:
        """Forget requeued transactions that can no longer be executed."""
        with self.atomic():
            self._write_many("DELETE FROM requeued WHERE hash = ?", [(item,) for item in tx_hashes])

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
        query = "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self._write(query, block_to_row(block))

    def _insert_units(self, executed: ExecutedBlock) -> None:
        number = executed.block.number
        rows: list[Parameters] = []
        log_rows: list[Parameters] = []
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
        self._write_many(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        self._write_many("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", log_rows)
        self._write_many(
            "DELETE FROM requeued WHERE hash = ?", [(unit.outcome.tx_hash,) for unit in executed.units]
        )

    # ------------------------------------------------------------------------------ what L1 says

    def append_batch(self, batch: Batch, data: bytes, leaves: Sequence[Hash32]) -> None:
        """Store a derived batch whose blocks are in the chain, and move the safe head to its end."""
        with self.atomic():
            self._write("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", batch_to_row(batch))
            self._write("INSERT INTO batch_payloads VALUES (?, ?, ?)", (batch.index, data, b"".join(leaves)))
            self._write("UPDATE heads SET number = ? WHERE label = 'safe'", (batch.last_block,))

    def add_deposits(self, deposits: Sequence[tuple[int, Deposit]], l1_block_number: int) -> None:
        """Append queue entries (index, deposit) that L1 block `l1_block_number` emitted."""
        with self.atomic():
            self._write_many(
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

    def add_draft(self, draft: Draft) -> None:
        """Remember a commitment that was computed from unit leaves."""
        self._write(
            "INSERT OR IGNORE INTO drafts VALUES (?, ?, ?, ?, ?, ?)",
            (
                draft.from_batch,
                draft.to_batch,
                draft.acc,
                draft.unit_root,
                draft.end_leaf,
                draft.children_root,
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

    def knows_l1_above(self, number: int) -> bool:
        """Return whether anything stored came from an L1 block above `number`."""
        row = self._row(
            "SELECT EXISTS (SELECT 1 FROM deposits WHERE l1_block_number > ?)"
            " OR EXISTS (SELECT 1 FROM batches WHERE l1_block_number > ?)"
            " OR EXISTS (SELECT 1 FROM assertions WHERE l1_block_number > ?"
            " OR confirmed_at_l1_block > ? OR died_at_l1_block > ?)",
            (number,) * 5,
        )
        return bool(row and row[0])

    def rewind_l1(self, number: int) -> None:
        """Forget everything that L1 blocks above `number` said.

        L2 blocks stay, as unsafe blocks; the caller removes those that ran a
        forgotten deposit.
        """
        with self.atomic():
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
