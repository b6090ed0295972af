"""What the options of the servers of a node have in common; light, for commands that only read them."""

from collections.abc import Iterator
from typing import Any


def problems_of(host: str, port: int, limits: Any) -> Iterator[str]:
    """Yield what is wrong with an address, and with limits of which each must be positive."""
    if not 0 <= port <= 65_535:
        yield "port must lie in 0..65535"
    if not host:
        yield "host must not be empty"
    names = limits.__dataclass_fields__
    yield from (f"{name} must be positive" for name in names if getattr(limits, name) <= 0)
