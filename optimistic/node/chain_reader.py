"""The chain as readers see it: JSON-RPC, the command line and the node's own loops.

Every call is one consistent read; several calls that must agree go inside one
`snapshot()`. Any thread may read; only `chain_store.ChainStore` writes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Final

from optimistic.node.chain_codec import (
    assertion_from_row,
    batch_from_row,
    block_from_row,
    deposit_from_row,
)
from optimistic.node.chain_records import (
    Batch,
    Block,
    Draft,
    Heads,
    L1Block,
    LogFilter,
    Receipt,
    StoredAssertion,
    StoredLog,
    StoredTransaction,
    Unposted,
)
from optimistic.node.read_connections import ReadConnections, read_errors
from optimistic.protocol.batch import BlockInput
from optimistic.protocol.engine import Lane
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Address, Hash32
from optimistic.service.database import Parameters, Row

DERIVER: Final = "deriver"
"""Name of the log reader whose cursor is the node's view of L1."""

_DRAFT_FIELDS: Final = tuple(item.name for item in fields(Draft))


class TooManyLogs(InvalidInput):
    """A log query matches more logs than its limit."""


class ChainReader:
    """Read access to a chain database.

    Parameters
    ----------
    path : the database file, created by a `ChainStore`
    """

    def __init__(self, path: Path) -> None:
        self._connections = ReadConnections(path)

    def close(self) -> None:
        """Close the connections of all threads."""
        self._connections.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads of this thread inside the block see one state of the chain."""
        connection = self._connections.get()
        if connection.in_transaction:
            yield
            return
        connection.execute("BEGIN")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")

    def _rows(self, query: str, arguments: Parameters = ()) -> list[Row]:
        with read_errors():
            return self._connections.get().execute(query, arguments).fetchall()

    def _row(self, query: str, arguments: Parameters = ()) -> Row | None:
        rows = self._rows(query, arguments)
        return rows[0] if rows else None

    # ------------------------------------------------------------------------------ blocks

    def block_by_number(self, number: int) -> Block | None:
        """Return block `number` of the current (unsafe) chain."""
        row = self._row("SELECT * FROM blocks WHERE number = ?", (number,))
        return block_from_row(row) if row else None

    def block_by_hash(self, block_hash: Hash32) -> Block | None:
        """Return the block of the current chain with this 32-byte hash."""
        row = self._row("SELECT * FROM blocks WHERE hash = ?", (block_hash,))
        return block_from_row(row) if row else None

    def blocks(self, first: int, last: int) -> list[Block]:
        """Return blocks first..last inclusive, as far as they exist, in order."""
        query = "SELECT * FROM blocks WHERE number BETWEEN ? AND ? ORDER BY number"
        return [block_from_row(row) for row in self._rows(query, (first, last))]

    def state_root(self, number: int) -> Hash32 | None:
        """Return the world state root after block `number`."""
        block = self.block_by_number(number)
        return block.state_root if block else None

    def heads(self) -> Heads:
        """Return the unsafe, safe and finalized blocks; all are genesis in a new chain."""
        rows = self._rows("SELECT * FROM labelled_heads")
        by_label = {row[0]: block_from_row(row[1:]) for row in rows}
        return Heads(unsafe=by_label["unsafe"], safe=by_label["safe"], finalized=by_label["finalized"])

    def unposted(self) -> Unposted:
        """Return what the blocks above the safe head add up to."""
        row = self._row(
            "SELECT count(*), sum(size_bytes), sum(general_gas), sum(system_gas) FROM blocks"
            " WHERE number > (SELECT number FROM heads WHERE label = 'safe')"
        )
        n_blocks, *sums = row or (0, 0, 0, 0)
        size_bytes, general_gas, system_gas = (value or 0 for value in sums)
        return Unposted(
            n_blocks=n_blocks, size_bytes=size_bytes, general_gas=general_gas, system_gas=system_gas
        )

    def last_block_within_deposits(self, count: int) -> int:
        """Return the last block that ran none of the deposits from `count` on."""
        row = self._row("SELECT max(number) FROM blocks WHERE deposit_cursor <= ?", (count,))
        return 0 if row is None or row[0] is None else int(row[0])

    # ------------------------------------------------------------------------------ transactions and receipts

    def transaction_by_hash(self, tx_hash: Hash32) -> StoredTransaction | None:
        """Return the executed transaction or deposit with this hash."""
        row = self._row("SELECT * FROM placed_transactions WHERE hash = ?", (tx_hash,))
        return _transaction_from_row(row) if row else None

    def transactions(self, block_number: int) -> list[StoredTransaction]:
        """Return the transactions of a block in order, deposits first."""
        query = "SELECT * FROM placed_transactions WHERE block_number = ? ORDER BY tx_index"
        return [_transaction_from_row(row) for row in self._rows(query, (block_number,))]

    def receipt(self, tx_hash: Hash32) -> Receipt | None:
        """Return the receipt of an executed transaction or deposit."""
        row = self._row("SELECT * FROM placed_receipts WHERE hash = ?", (tx_hash,))
        if row is None:
            return None
        query = "SELECT * FROM placed_logs WHERE block_number = ? AND tx_index = ? ORDER BY log_index"
        return _receipt_from_row(row, [_log_from_row(log) for log in self._rows(query, (row[1], row[3]))])

    def receipts(self, block_number: int) -> list[Receipt]:
        """Return the receipts of a block in the order of its transactions."""
        logs = self.logs(LogFilter(from_block=block_number, to_block=block_number))
        query = "SELECT * FROM placed_receipts WHERE block_number = ? ORDER BY tx_index"
        rows = self._rows(query, (block_number,))
        return [_receipt_from_row(row, [log for log in logs if log.tx_index == row[3]]) for row in rows]

    def logs(self, wanted: LogFilter, limit: int | None = None) -> list[StoredLog]:
        """Return matching logs in chain order.

        Parameters
        ----------
        wanted : block range, addresses, topics
        limit : most logs to return; None for no limit

        Raises
        ------
        TooManyLogs : more than `limit` logs match
        """
        conditions, arguments = _log_conditions(wanted)
        order = "ORDER BY block_number, log_index LIMIT ?"
        query = f"SELECT * FROM placed_logs WHERE {' AND '.join(conditions)} {order}"  # noqa: S608 - own text
        rows = self._rows(query, [*arguments, -1 if limit is None else limit + 1])
        if limit is not None and len(rows) > limit:
            raise TooManyLogs(f"query returned more than {limit} results")
        return [_log_from_row(row) for row in rows]

    def block_inputs(self, first: int, last: int) -> list[BlockInput]:
        """Return blocks first..last as a batch names them."""
        query = (
            "SELECT block_number, raw FROM transactions WHERE block_number BETWEEN ? AND ?"
            " ORDER BY block_number, tx_index"
        )
        contents: dict[int, list[bytes]] = {}
        for number, raw in self._rows(query, (first, last)):
            contents.setdefault(number, []).append(raw)
        inputs = []
        for block in self.blocks(first, last):
            raws = contents.get(block.number, [])
            transactions = tuple(raw for raw in raws if raw)
            inputs.append(
                BlockInput(
                    timestamp=block.timestamp,
                    n_deposits=len(raws) - len(transactions),
                    transactions=transactions,
                )
            )
        return inputs

    # ------------------------------------------------------------------------------ what L1 says

    def deposit(self, index: int) -> Deposit | None:
        """Return entry `index` of the L1 deposit queue."""
        found = self.deposits(index, index + 1)
        return found[0] if found else None

    def deposits(self, start: int, end: int) -> list[Deposit]:
        """Return queue entries [start, end), as far as they are known, in order."""
        query = "SELECT * FROM deposits WHERE deposit_index >= ? AND deposit_index < ? ORDER BY deposit_index"
        return [deposit_from_row(row[1:9]) for row in self._rows(query, (start, end))]

    def deposit_count(self, up_to_l1_block: int | None = None) -> int:
        """Return how many deposits are known, optionally only those up to an L1 block."""
        bound = (1 << 62) if up_to_l1_block is None else up_to_l1_block
        row = self._row("SELECT max(deposit_index) FROM deposits WHERE l1_block_number <= ?", (bound,))
        return 0 if row is None or row[0] is None else int(row[0]) + 1

    def batch(self, index: int) -> Batch | None:
        """Return derived batch `index`."""
        row = self._row("SELECT * FROM batches WHERE batch_index = ?", (index,))
        return batch_from_row(row) if row else None

    def batch_data(self, index: int) -> bytes | None:
        """Return the bytes that batch `index` posted."""
        row = self._row("SELECT data FROM batch_payloads WHERE batch_index = ?", (index,))
        return row[0] if row else None

    def unit_leaves(self, index: int) -> list[Hash32]:
        """Return the unit leaves of batch `index` in order; empty if it is not derived."""
        row = self._row("SELECT unit_leaves FROM batch_payloads WHERE batch_index = ?", (index,))
        joined: bytes = row[0] if row else b""
        return [Hash32(joined[start : start + 32]) for start in range(0, len(joined), 32)]

    def latest_batch(self) -> Batch | None:
        """Return the last derived batch."""
        row = self._row("SELECT * FROM batches ORDER BY batch_index DESC LIMIT 1")
        return batch_from_row(row) if row else None

    def batch_count(self) -> int:
        """Return how many batches are derived."""
        row = self._row("SELECT max(batch_index) FROM batches")
        return 0 if row is None or row[0] is None else int(row[0]) + 1

    def batch_count_up_to(self, l1_block: int) -> int:
        """Return how many batches L1 blocks up to `l1_block` hold."""
        row = self._row("SELECT max(batch_index) FROM batches WHERE l1_block_number <= ?", (l1_block,))
        return 0 if row is None or row[0] is None else int(row[0]) + 1

    def draft(self, from_batch: int, to_batch: int, acc: Hash32) -> Draft | None:
        """Return the commitment over batches [from_batch, to_batch), once computed."""
        query = "SELECT * FROM drafts WHERE from_batch = ? AND to_batch = ? AND acc = ?"
        row = self._row(query, (from_batch, to_batch, acc))
        return None if row is None else Draft(**dict(zip(_DRAFT_FIELDS, row, strict=True)))

    def batch_of_block(self, number: int) -> Batch | None:
        """Return the batch that block `number` was derived from; None while it is unsafe."""
        query = "SELECT * FROM batches WHERE last_block >= ? ORDER BY last_block LIMIT 1"
        row = self._row(query, (number,))
        batch = batch_from_row(row) if row else None
        return batch if batch and batch.first_block <= number else None

    def assertion(self, assertion_id: Hash32) -> StoredAssertion | None:
        """Return an assertion by its 32-byte id."""
        row = self._row("SELECT * FROM assertions WHERE id = ?", (assertion_id,))
        return assertion_from_row(row) if row else None

    def assertions(self, limit: int = 100, offset: int = 0) -> list[StoredAssertion]:
        """Return assertions, newest first."""
        query = "SELECT * FROM assertions ORDER BY rowid DESC LIMIT ? OFFSET ?"
        return [assertion_from_row(row) for row in self._rows(query, (limit, offset))]

    def assertion_children(self, parent: Hash32) -> list[StoredAssertion]:
        """Return the assertions made on `parent`, oldest first."""
        query = "SELECT * FROM assertions WHERE parent = ? ORDER BY seq"
        return [assertion_from_row(row) for row in self._rows(query, (parent,))]

    def assertions_covering(self, batch_index: int) -> list[StoredAssertion]:
        """Return the assertions whose range contains batch `batch_index`, oldest first."""
        query = "SELECT * FROM assertions WHERE from_batch <= ? AND to_batch > ? ORDER BY rowid"
        return [assertion_from_row(row) for row in self._rows(query, (batch_index, batch_index))]

    def latest_confirmed_assertion(self) -> StoredAssertion | None:
        """Return the confirmed assertion that covers most; None while only genesis is confirmed."""
        row = self._row(
            "SELECT * FROM assertions WHERE confirmed_at_l1_block IS NOT NULL ORDER BY to_batch DESC LIMIT 1"
        )
        return assertion_from_row(row) if row else None

    def derive_cursor(self) -> L1Block | None:
        """Return the last L1 block the deriver has followed; None before the first."""
        row = self._row(
            "SELECT number, hash, timestamp FROM l1_header WHERE reader = ? ORDER BY number DESC LIMIT 1",
            (DERIVER,),
        )
        return None if row is None else L1Block(number=row[0], hash=Hash32(row[1]), timestamp=row[2])


def _transaction_from_row(row: Row) -> StoredTransaction:
    return StoredTransaction(
        hash=Hash32(row[0]),
        block_number=row[1],
        block_hash=Hash32(row[2]),
        block_timestamp=row[3],
        index=row[4],
        raw=row[5],
        deposit_index=row[6],
        sender=Address(row[7]),
        to=None if row[8] is None else Address(row[8]),
        nonce=row[9],
        deposit=None if row[10] is None else deposit_from_row(row[10:]),
    )


def _receipt_from_row(row: Row, logs: Sequence[StoredLog]) -> Receipt:
    return Receipt(
        tx_hash=Hash32(row[0]),
        block_number=row[1],
        block_hash=Hash32(row[2]),
        index=row[3],
        is_deposit=row[4] is not None,
        sender=Address(row[5]),
        to=None if row[6] is None else Address(row[6]),
        status=row[7],
        gas_used=row[8],
        cumulative_gas_used=row[9],
        effective_gas_price=int(row[10]),
        contract_address=None if row[11] is None else Address(row[11]),
        lane=Lane(row[12]),
        execution_gas=row[13],
        state_root=Hash32(row[14]),
        logs=tuple(logs),
    )


def _log_from_row(row: Row) -> StoredLog:
    return StoredLog(
        address=Address(row[0]),
        topics=tuple(Hash32(topic) for topic in row[1:5] if topic is not None),
        data=row[5],
        block_number=row[6],
        block_hash=Hash32(row[7]),
        block_timestamp=row[8],
        tx_hash=Hash32(row[9]),
        tx_index=row[10],
        log_index=row[11],
    )


def _log_conditions(wanted: LogFilter) -> tuple[list[str], list[int | bytes]]:
    conditions = ["block_number BETWEEN ? AND ?"]
    arguments: list[int | bytes] = [wanted.from_block, wanted.to_block]
    columns = ("topic0", "topic1", "topic2", "topic3")
    choices = [("address", wanted.addresses), *zip(columns, wanted.topics, strict=False)]
    for column, values in choices:
        if values:
            conditions.append(f"{column} IN ({', '.join('?' * len(values))})")
            arguments.extend(values)
    if len(wanted.topics) > 0 and not wanted.topics[-1]:
        conditions.append(f"{columns[len(wanted.topics) - 1]} IS NOT NULL")
    return conditions, arguments
