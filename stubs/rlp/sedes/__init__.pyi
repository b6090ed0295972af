from typing import Any

class Binary:
    def __init__(
        self, min_length: int | None = ..., max_length: int | None = ..., allow_empty: bool = ...
    ) -> None: ...
    @classmethod
    def fixed_length(cls, length: int, allow_empty: bool = ...) -> Binary: ...

class BigEndianInt:
    def __init__(self, length: int | None = ...) -> None: ...

class List(list[Any]):
    def __init__(self, elements: Any = ..., strict: bool = ...) -> None: ...

class CountableList:
    def __init__(self, element_sedes: Any, max_length: int | None = ...) -> None: ...

address: Binary
binary: Binary
big_endian_int: BigEndianInt
raw: Any
