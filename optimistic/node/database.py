"""The SQLite file of a node: connections, migrations and what its failures mean.

One connection writes (WAL mode, full sync); every thread that reads has a
connection of its own. Errors of the database are named by reaction: a full
disk may pass, a corrupt file may not.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

from optimistic.protocol.errors import CriticalError, TemporaryError

MIGRATIONS: Final = "optimistic.node.migrations"
_BUSY_TIMEOUT_S: Final = 10.0


class DatabaseCorrupt(CriticalError):
    """The file is damaged or is not a database of this program."""


class DatabaseUnavailable(TemporaryError):
    """The file cannot be written now: disk full, locked or I/O error."""


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate errors of sqlite3 into errors named by reaction."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise DatabaseUnavailable(str(error)) from error
    except sqlite3.DatabaseError as error:
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise CriticalError(f"the database refused a write: {error}") from error
        raise DatabaseCorrupt(f"{error}: delete the data directory to rebuild it from L1") from error


class Connections:
    """One connection per thread to the same file, opened on first use.

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
        """Return this thread's read-only connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = open_connection(self._path)
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            with self._lock:
                self._opened.append(connection)
        return connection

    def close(self) -> None:
        """Close every thread's connection; threads that still read fail afterwards."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()


def open_connection(path: Path) -> sqlite3.Connection:
    """Open `path` in autocommit mode; transactions are explicit."""
    with database_errors():
        connection = sqlite3.connect(
            path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the one writing connection: check the file, then bring it to the current schema.

    Raises
    ------
    DatabaseCorrupt : the file is damaged, or of a newer version
    DatabaseUnavailable : the file cannot be opened or written
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = open_connection(path)
    with database_errors():
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise DatabaseCorrupt(f"{path} is damaged")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection)
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    files = sorted(
        (entry for entry in resources.files(MIGRATIONS).iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(files):
        raise DatabaseCorrupt(f"schema version {version} is newer than this program ({len(files)})")
    for number, entry in enumerate(files[version:], start=version + 1):
        script = entry.read_text(encoding="utf-8")
        connection.executescript(f"BEGIN;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
