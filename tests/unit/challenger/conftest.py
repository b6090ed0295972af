"""The watchtower's database, in memory."""

from collections.abc import Iterator

import pytest

from challenger.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty one."""
    opened = Store.open(None)
    yield opened
    opened.close()
