"""Execution on py-evm; the only package that imports it."""

from optimistic.protocol.execution import backend  # noqa: F401 - first: selects py-evm's Keccak
from optimistic.protocol.execution.engine import EvmEngine

__all__ = ["EvmEngine"]
