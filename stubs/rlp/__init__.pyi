"""What this project uses of rlp, which ships no types."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from . import exceptions as exceptions
from . import sedes as sedes
from .exceptions import (
    DecodingError as DecodingError,
    DeserializationError as DeserializationError,
    EncodingError as EncodingError,
    RLPException as RLPException,
    SerializationError as SerializationError,
)

Encodable: TypeAlias = bytes | int | Sequence[Encodable]
Raw: TypeAlias = bytes | list[Raw]

def encode(
    obj: Encodable | Serializable, sedes: Any = ..., infer_serializer: bool = ..., cache: bool = ...
) -> bytes: ...
def decode(rlp: bytes, sedes: Any = ..., strict: bool = ..., recursive_cache: bool = ...) -> Any: ...

class Serializable:
    fields: Sequence[tuple[str, Any]]
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
