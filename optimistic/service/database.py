"""SQLite with STRICT tables, write-ahead journal and numbered migrations.

One connection per database, shared by the threads of one process under a lock;
`transaction` nests, so a component can commit together with its caller.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from optimistic.protocol.errors import CriticalError, TemporaryError
from optimistic.service.storage_errors import CorruptStorage, DiskFull, StorageFailed

Parameters = Sequence[int | str | bytes | None]
Row = tuple[Any, ...]

SERVICE_MIGRATIONS: Final = "optimistic.service.migrations"
"""Tables of the log reader and of the transaction manager."""

_BUSY_TIMEOUT_MS: Final = 10_000
_MIGRATION_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    package TEXT NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    checksum BLOB NOT NULL CHECK (length(checksum) = 32),
    PRIMARY KEY (package, number)
) STRICT, WITHOUT ROWID
"""


class DatabaseBusy(TemporaryError):
    """Another process holds the database's write lock."""


class DatabaseMisused(CriticalError):
    """A statement breaks the schema or a constraint: a bug, not an outside condition."""


class SchemaMismatch(CriticalError):
    """The database was written by another version of this program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of a package's schema: ``NNNN_name.sql``."""

    package: str
    number: int
    sql: str

    @property
    def checksum(self) -> bytes:
        """SHA-256 of the file's text, 32 bytes."""
        return sha256(self.sql.encode()).digest()


def load_migrations(package: str) -> tuple[Migration, ...]:
    """Return the numbered ``.sql`` files of a package folder, in order.

    Raises
    ------
    SchemaMismatch : the numbers are not 1, 2, 3, ...
    """
    found = sorted(
        (item for item in files(package).iterdir() if item.name.endswith(".sql")), key=lambda i: i.name
    )
    migrations = tuple(
        Migration(package=package, number=int(item.name[:4]), sql=item.read_text(encoding="utf-8"))
        for item in found
    )
    if [migration.number for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise SchemaMismatch(f"the migrations of {package} are not numbered 0001, 0002, ...")
    return migrations


class Database:
    """One SQLite file.

    Parameters
    ----------
    path : the file, created if missing; None keeps everything in memory
    packages : folders of migrations to apply, such as `SERVICE_MIGRATIONS`

    Raises
    ------
    CorruptStorage : the file is damaged or is no database
    SchemaMismatch : it was written by a newer or a different version
    """

    def __init__(self, path: Path | None, packages: Sequence[str] = ()) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._depth = 0
        with self._wrapped():
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                ":memory:" if path is None else str(path), isolation_level=None, check_same_thread=False
            )
            self._configure()
            self._check_integrity()
        for package in packages:
            self._migrate(load_migrations(package))

    # ------------------------------------------------------------------------------ statements

    def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """Run one statement and return the number of rows it changed."""
        with self._lock, self._wrapped():
            return self._connection.execute(sql, parameters).rowcount

    def execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        """Run one statement for each row, all or none."""
        with self.transaction(), self._wrapped():
            self._connection.executemany(sql, rows)

    def query(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a SELECT."""
        with self._lock, self._wrapped():
            return self._connection.execute(sql, parameters).fetchall()

    def query_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row of a SELECT, or None."""
        with self._lock, self._wrapped():
            row: Row | None = self._connection.execute(sql, parameters).fetchone()
            return row

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the block did, all or none; inside another transaction, join it."""
        with self._lock:
            if self._depth:
                yield
                return
            with self._wrapped():
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                with self._wrapped():
                    self._connection.execute("COMMIT")
            except BaseException:
                self._rollback()
                raise
            finally:
                self._depth = 0

    def close(self) -> None:
        """Close the file; later calls fail."""
        with self._lock:
            self._connection.close()

    # ------------------------------------------------------------------------------ opening

    def _configure(self) -> None:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"busy_timeout = {_BUSY_TIMEOUT_MS}",
            "trusted_schema = OFF",
        ):
            self._connection.execute(f"PRAGMA {pragma}")

    def _check_integrity(self) -> None:
        row = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if row != ("ok",):
            raise self._corrupt(str(row[0]) if row else "no answer")

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self.transaction():
            self.execute(_MIGRATION_TABLE)
            applied = {
                (package, number): checksum
                for package, number, checksum in self.query(
                    "SELECT package, number, checksum FROM schema_migration"
                )
            }
            self._check_history(migrations, applied)
            for migration in migrations:
                if (migration.package, migration.number) not in applied:
                    self._apply(migration)

    def _check_history(self, migrations: Sequence[Migration], applied: dict[tuple[str, int], bytes]) -> None:
        known = {(migration.package, migration.number): migration.checksum for migration in migrations}
        for key, checksum in applied.items():
            if migrations and key[0] == migrations[0].package and known.get(key) != checksum:
                raise SchemaMismatch(
                    f"{self._path} has migration {key[1]} of {key[0]} in another form than this program: "
                    "use the version that wrote it, or delete the file and rebuild from L1"
                )

    def _apply(self, migration: Migration) -> None:
        for statement in _statements(migration.sql):
            self.execute(statement)
        self.execute(
            "INSERT INTO schema_migration (package, number, checksum) VALUES (?, ?, ?)",
            (migration.package, migration.number, migration.checksum),
        )

    # ------------------------------------------------------------------------------ errors

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._translate(error) from error
        except OSError as error:
            raise StorageFailed(
                f"cannot open {self._path}: {error}: check the disk and the permissions"
            ) from error

    def _translate(self, error: sqlite3.Error) -> Exception:
        name = str(getattr(error, "sqlite_errorname", ""))
        if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE")):
            return DiskFull(
                f"no space left to write {self._path} ({error}): nothing stored before is harmed; "
                "free space or raise the limit, then start again"
            )
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return self._corrupt(str(error))
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return DatabaseBusy(f"{self._path} is locked by another process")
        if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
            return StorageFailed(f"cannot use {self._path}: {error}: check the disk and the permissions")
        return DatabaseMisused(f"{type(error).__name__}: {error}")

    def _corrupt(self, detail: str) -> CorruptStorage:
        return CorruptStorage(
            f"database {self._path} is damaged ({detail}): restore it from a backup, or delete it "
            "and start again to rebuild it from L1"
        )


def _statements(script: str) -> Iterator[str]:
    """Split a migration into statements; comments stay with what follows them."""
    buffer = ""
    for line in script.splitlines(keepends=True):
        buffer += line
        if sqlite3.complete_statement(buffer):
            yield buffer
            buffer = ""
