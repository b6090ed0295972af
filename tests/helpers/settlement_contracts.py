"""Arguments for calls of contracts whose content does not matter."""

from collections.abc import Sequence
from typing import Any

from optimistic.protocol.types import ZERO_ADDRESS
from optimistic.service.abi import Function


def zero_arguments(function: Function) -> list[Any]:
    """Arguments that are zero or empty all through."""
    return [_zero(item.type, item.components) for item in function.inputs]


def _zero(kind: str, components: Sequence[Any]) -> Any:
    if kind.endswith("[]"):
        return ()
    if kind.endswith("]"):
        inner, _, size = kind[:-1].rpartition("[")
        return tuple(_zero(inner, components) for _ in range(int(size)))
    if components:
        return tuple(_zero(part.type, part.components) for part in components)
    if kind == "address":
        return ZERO_ADDRESS
    if kind.startswith("bytes"):
        return bytes(int(kind.removeprefix("bytes") or 0))
    return False if kind == "bool" else 0
