"""A sequencing node without an L1, and a user on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.l2_wallet import Wallet
from tests.helpers.offline_node import OfflineNode


@pytest.fixture
def node(tmp_path: Path) -> Iterator[OfflineNode]:
    """A node in a folder of its own."""
    made = OfflineNode(tmp_path)
    yield made
    made.close()


@pytest.fixture
def alice(node: OfflineNode) -> Wallet:
    """Alice, whom block 1 funded."""
    wallet = Wallet(1)
    node.fund(wallet.address)
    return wallet
