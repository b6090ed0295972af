"""Real processes: each test gets an anvil of its own, on a free port."""

from collections.abc import Iterator

import pytest

from tests.helpers.anvil import Anvil, anvil_binary
from tests.helpers.faulty_proxy import FaultyProxy


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    """An anvil that mines a block for each transaction, on development keys."""
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with Anvil() as process:
        yield process


@pytest.fixture
def proxy(anvil: Anvil) -> Iterator[FaultyProxy]:
    """A fault-injecting proxy in front of the test's anvil."""
    with FaultyProxy(anvil.url) as server:
        yield server
