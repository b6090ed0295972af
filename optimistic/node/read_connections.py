"""Read-only connections to the chain database, one for each thread.

The writer's connection (`service.database.Database`) serialises its users; in
WAL mode readers with connections of their own neither wait for it nor see
half of what it does.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from optimistic.service.storage_errors import CorruptStorage, StorageFailed

_BUSY_TIMEOUT_S: Final = 10.0


class ReadConnections:
    """Opens a thread's connection on its first read.

    Parameters
    ----------
    path : the database file
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[sqlite3.Connection] = []

    def get(self) -> sqlite3.Connection:
        """Return this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with read_errors():
                connection = sqlite3.connect(
                    self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
                )
                connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            with self._lock:
                self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()


@contextmanager
def read_errors() -> Iterator[None]:
    """Name errors of sqlite3 by the reaction they ask for."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageFailed(f"cannot read the chain database: {error}: check the disk") from error
    except sqlite3.DatabaseError as error:
        raise CorruptStorage(
            f"the chain database is damaged ({error}): delete it and start again to rebuild it from L1"
        ) from error
