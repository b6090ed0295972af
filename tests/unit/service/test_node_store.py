from pathlib import Path

import lmdb
import pytest

from optimistic.protocol.hashing import keccak256
from optimistic.service.node_store import LmdbNodeStore
from optimistic.service.storage_errors import CorruptStorage
from tests.helpers.file_limit import file_size_limit, writes_until_full


def nodes(start: int, stop: int, size: int = 100) -> dict[bytes, bytes]:
    values = (number.to_bytes(4, "big") * (size // 4) for number in range(start, stop))
    return {keccak256(value): value for value in values}


def test_lmdb_store__reopened__has_everything(tmp_path: Path) -> None:
    store = LmdbNodeStore(tmp_path)
    store.put_many(nodes(0, 50))
    store.put_many({})
    store.put_many(nodes(25, 75))
    store.close()

    again = LmdbNodeStore(tmp_path)

    assert again.count() == 75
    assert all(again.get(key) == value for key, value in nodes(0, 75).items())
    assert again.get(bytes(32)) is None
    again.close()


def test_lmdb_store__map_too_small__grows_without_loss(tmp_path: Path) -> None:
    store = LmdbNodeStore(tmp_path, durable=False, map_bytes=1 << 16)

    store.put_many(nodes(0, 2_000))

    assert store.count() == 2_000
    store.close()


def test_lmdb_store__reopened_with_a_smaller_map__still_reads(tmp_path: Path) -> None:
    store = LmdbNodeStore(tmp_path, durable=False, map_bytes=1 << 22)
    store.put_many(nodes(0, 5_000))
    store.close()

    again = LmdbNodeStore(tmp_path, durable=False, map_bytes=1 << 16)
    again.put_many(nodes(5_000, 9_000))

    assert again.count() == 9_000
    again.close()


def test_lmdb_store__disk_full__keeps_what_was_stored(tmp_path: Path) -> None:
    store = LmdbNodeStore(tmp_path)
    store.put_many(nodes(0, 100))
    with file_size_limit(300_000):
        writes_until_full(lambda batch: store.put_many(nodes((batch + 1) * 1_000, (batch + 1) * 1_000 + 500)))

    assert all(store.get(key) == value for key, value in nodes(0, 100).items())
    store.put_many(nodes(1_000_000, 1_000_500))
    store.close()
    again = LmdbNodeStore(tmp_path)
    assert all(again.get(key) == value for key, value in nodes(1_000_000, 1_000_500).items())
    again.close()


def test_lmdb_store__value_that_is_not_its_keys__is_refused_with_the_fix(tmp_path: Path) -> None:
    store = LmdbNodeStore(tmp_path)
    store.put_many({bytes(32): b"not the preimage of zero"})

    with pytest.raises(CorruptStorage, match="delete the folder"):
        store.get(bytes(32))
    store.close()

    trusting = LmdbNodeStore(tmp_path, verify=False)
    assert trusting.get(bytes(32)) == b"not the preimage of zero"
    trusting.close()


def test_lmdb_store__garbage_file__is_refused_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"garbage" * 5_000)

    with pytest.raises(CorruptStorage, match="rebuilt from L1"):
        LmdbNodeStore(tmp_path)


def test_lmdb_store__failed_batch__adds_none_of_it(tmp_path: Path) -> None:
    store = LmdbNodeStore(tmp_path)
    too_long_key = b"k" * (lmdb.Environment.max_key_size(store._env) + 1)

    with pytest.raises(Exception, match="failed"):
        store.put_many({**nodes(0, 3), too_long_key: b"x"})

    assert store.count() == 0
    store.close()
