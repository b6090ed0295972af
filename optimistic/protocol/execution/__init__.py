"""Execution on py-evm; the only package that imports it."""

from optimistic.protocol.execution import backend  # noqa: F401 - first: selects py-evm's Keccak
from optimistic.protocol.execution.engine import EvmEngine
from optimistic.protocol.execution.world import NodeOverlay

__all__ = ["EvmEngine", "NodeOverlay"]
