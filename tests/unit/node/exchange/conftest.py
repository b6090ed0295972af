from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.exchange_world import ExchangeWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ExchangeWorld]:
    made = ExchangeWorld(tmp_path / "exchange")
    yield made
    made.exchange.close()
