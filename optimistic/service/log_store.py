"""L1 events as they were emitted, kept in the table ``l1_log`` that a program's own migrations make."""

from collections.abc import Iterable, Iterator
from typing import Final

from optimistic.protocol.types import Address, Hash32
from optimistic.service.database import Database, Row
from optimistic.service.l1_types import Log
from optimistic.service.storage_errors import CorruptStorage

_COLUMNS: Final = "block_number, log_index, block_hash, tx_hash, tx_index, address, topics, data"


class LogStore:
    """Writes join the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, logs: Iterable[Log]) -> None:
        """Add events; one that is already there stays."""
        self._database.execute_many(
            f"INSERT OR IGNORE INTO l1_log ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [_row(log) for log in logs],
        )

    def drop_after(self, block_number: int) -> None:
        """Forget the events of blocks above `block_number`."""
        self._database.execute("DELETE FROM l1_log WHERE block_number > ?", (block_number,))

    def all(self) -> Iterator[Log]:
        """Yield all events in chain order."""
        last = (-1, -1)
        while rows := self._database.query(
            f"SELECT {_COLUMNS} FROM l1_log WHERE (block_number, log_index) > (?, ?) "  # noqa: S608
            "ORDER BY block_number, log_index LIMIT 1000",
            last,
        ):
            yield from (_log(row) for row in rows)
            last = (rows[-1][0], rows[-1][1])

    def one(self, block_number: int, log_index: int) -> Log:
        """Return one event.

        Raises
        ------
        CorruptStorage : it is not there although it was stored
        """
        row = self._database.query_one(
            f"SELECT {_COLUMNS} FROM l1_log WHERE block_number = ? AND log_index = ?",  # noqa: S608
            (block_number, log_index),
        )
        if row is None:
            raise CorruptStorage(f"event {log_index} of block {block_number} vanished from the cache")
        return _log(row)


def _row(log: Log) -> Row:
    return (
        log.block_number,
        log.log_index,
        log.block_hash,
        log.tx_hash,
        log.tx_index,
        log.address,
        b"".join(log.topics),
        log.data,
    )


def _log(row: Row) -> Log:
    block_number, log_index, block_hash, tx_hash, tx_index, address, topics, data = row
    return Log(
        block_number=block_number,
        log_index=log_index,
        block_hash=Hash32(block_hash),
        tx_hash=Hash32(tx_hash),
        tx_index=tx_index,
        address=Address(address),
        topics=tuple(Hash32(topics[i : i + 32]) for i in range(0, len(topics), 32)),
        data=data,
    )
