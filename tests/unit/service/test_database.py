import sqlite3
import threading
from pathlib import Path

import pytest

from optimistic.service.data_folder import DataFolder
from optimistic.service.database import (
    SERVICE_MIGRATIONS,
    Database,
    DatabaseBusy,
    DatabaseMisused,
    SchemaMismatch,
    load_migrations,
)
from optimistic.service.storage_errors import CorruptStorage, DataFolderInUse, StorageFailed
from tests.helpers.file_limit import file_size_limit, writes_until_full

INSERT = "INSERT INTO l1_header VALUES ('r', ?, ?, ?, 1, '1', 1)"


def insert(database: Database, number: int) -> None:
    database.execute(INSERT, (number, bytes(32), bytes(32)))


def count(database: Database) -> int:
    row = database.query_one("SELECT count(*) FROM l1_header")
    assert row is not None
    return int(row[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "db.sqlite"


def test_database__new_file__has_strict_tables_and_durable_settings(path: Path) -> None:
    database = Database(path, [SERVICE_MIGRATIONS])

    loose = database.query(
        "SELECT name FROM pragma_table_list WHERE strict = 0 AND schema = 'main' AND name NOT LIKE 'sqlite_%'"
    )
    assert loose == []
    assert database.query_one("PRAGMA journal_mode") == ("wal",)
    assert database.query_one("PRAGMA synchronous") == (2,)
    assert database.query_one("PRAGMA foreign_keys") == (1,)


def test_database__reopened__keeps_data_and_applies_migrations_once(path: Path) -> None:
    first = Database(path, [SERVICE_MIGRATIONS])
    insert(first, 1)
    first.close()

    second = Database(path, [SERVICE_MIGRATIONS])

    assert count(second) == 1
    assert second.query_one("SELECT count(*) FROM schema_migration") == (
        len(load_migrations(SERVICE_MIGRATIONS)),
    )


def test_database__wrong_type__is_refused_by_the_strict_table() -> None:
    with pytest.raises(DatabaseMisused, match="IntegrityError"):
        Database(None, [SERVICE_MIGRATIONS]).execute(INSERT, ("one", bytes(32), bytes(32)))


def test_database__error_inside_a_transaction__rolls_all_of_it_back() -> None:
    database = Database(None, [SERVICE_MIGRATIONS])

    def fail_late() -> None:
        with database.transaction():
            insert(database, 1)
            with database.transaction():
                insert(database, 2)
            raise RuntimeError("later")

    with pytest.raises(RuntimeError, match="later"):
        fail_late()

    assert count(database) == 0
    with database.transaction():
        insert(database, 3)
    assert count(database) == 1


def test_database__threads__see_whole_transactions_only() -> None:
    database = Database(None, [SERVICE_MIGRATIONS])
    seen: list[int] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.append(count(database))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(0, 60, 2):
        with database.transaction():
            insert(database, number)
            insert(database, number + 1)
    done.set()
    watcher.join()

    assert all(n % 2 == 0 for n in seen)
    assert count(database) == 60


def test_database__not_a_database__is_refused_with_the_fix(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, it is text" * 100)

    with pytest.raises(CorruptStorage, match="rebuild it from L1"):
        Database(path)


def test_database__damaged_page__is_noticed_on_opening(path: Path) -> None:
    database = Database(path, [SERVICE_MIGRATIONS])
    with database.transaction():
        for number in range(500):
            insert(database, number)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 2000] = b"\xa5" * 2000
    path.write_bytes(content)

    with pytest.raises(CorruptStorage, match="is damaged"):
        Database(path, [SERVICE_MIGRATIONS])


def test_database__disk_full__keeps_what_was_committed(path: Path) -> None:
    database = Database(path, [SERVICE_MIGRATIONS])
    with file_size_limit(200_000):
        stored = writes_until_full(lambda number: insert(database, number))

    assert count(database) == stored > 5
    insert(database, 100_000)
    database.close()
    assert count(Database(path, [SERVICE_MIGRATIONS])) == stored + 1


def test_database__folder_that_cannot_be_made__is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StorageFailed):
        Database(tmp_path / "file" / "db.sqlite")


def test_database__migration_applied_in_another_form__is_refused(path: Path) -> None:
    database = Database(path, [SERVICE_MIGRATIONS])
    database.execute("UPDATE schema_migration SET checksum = zeroblob(32) WHERE number = 1")
    database.close()

    with pytest.raises(SchemaMismatch, match="in another form"):
        Database(path, [SERVICE_MIGRATIONS])


def test_database__written_by_a_newer_version__is_refused(path: Path) -> None:
    database = Database(path, [SERVICE_MIGRATIONS])
    database.execute("INSERT INTO schema_migration VALUES (?, 99, zeroblob(32))", (SERVICE_MIGRATIONS,))
    database.close()

    with pytest.raises(SchemaMismatch, match="migration 99"):
        Database(path, [SERVICE_MIGRATIONS])


def test_database__busy__is_temporary(path: Path) -> None:
    database = Database(path, [SERVICE_MIGRATIONS])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database.execute("PRAGMA busy_timeout = 1")

    with pytest.raises(DatabaseBusy):
        insert(database, 1)

    other.execute("ROLLBACK")
    other.close()
    insert(database, 1)
    database.close()


def test_data_folder__second_user__is_refused_until_the_first_leaves(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder, pytest.raises(DataFolderInUse, match="another process"):
        DataFolder(folder.path)

    DataFolder(tmp_path / "data").close()
