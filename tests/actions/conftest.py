"""The worlds that the stories play in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.node_world import NodeWorld
from tests.helpers.watchtower_stage import Stage


@pytest.fixture
def world(tmp_path: Path) -> Iterator[NodeWorld]:
    """An L1 and a deployment for nodes, closed with them."""
    built = NodeWorld(tmp_path)
    yield built
    built.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """An L1 and a deployment for watchtowers, closed with them."""
    built = Stage(tmp_path)
    yield built
    built.close()
