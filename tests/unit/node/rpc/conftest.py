from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.node.chain_store import CHAIN_MIGRATIONS, ChainStore
from optimistic.service.database import Database
from tests.helpers.chain_builder import make_genesis


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChainStore]:
    path = tmp_path / "chain.db"
    opened = ChainStore(Database(path, CHAIN_MIGRATIONS), path)
    opened.initialize({"config": "0x01"}, make_genesis())
    yield opened
    opened.close()
