"""Names and bytes as Python spells them and as Solidity and JSON do."""

import re
from typing import Final

_UPPER: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")


def camel_case(name: str) -> str:
    """Return Solidity's spelling of a field: ``l1_timestamp`` is ``l1Timestamp``."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def snake_case(name: str) -> str:
    """Return Python's spelling of a field: ``l1Timestamp`` is ``l1_timestamp``."""
    return _UPPER.sub(r"_\1", name).lower()


def hex_of(value: bytes) -> str:
    """Return JSON's spelling of bytes: 0x and lower-case digits."""
    return "0x" + bytes(value).hex()
