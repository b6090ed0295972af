"""The positional arguments of one request, read strictly with errors that name the argument."""

from collections.abc import Callable
from typing import TypeVar

from optimistic.node.rpc.block_id import BlockId, BlockTag, parse_block_id
from optimistic.node.rpc.codec import MalformedValue
from optimistic.node.rpc.errors import invalid_params

T = TypeVar("T")
D = TypeVar("D")


class Params:
    """Arguments by position; ``null`` counts as left out, as in go-ethereum.

    Parameters
    ----------
    values : the ``params`` array
    """

    __slots__ = ("_values",)

    def __init__(self, values: list[object]) -> None:
        self._values = values

    def at_most(self, count: int) -> None:
        """Refuse more than `count` arguments.

        Raises
        ------
        RpcError : -32602.
        """
        if len(self._values) > count:
            raise invalid_params(f"too many arguments, want at most {count}")

    def required(self, index: int, parse: Callable[[object], T]) -> T:
        """Argument `index` through `parse`.

        Raises
        ------
        RpcError : -32602, missing or malformed.
        """
        value = self._values[index] if index < len(self._values) else None
        if value is None:
            raise invalid_params(f"missing value for required argument {index}")
        return self._parsed(index, value, parse)

    def optional(self, index: int, parse: Callable[[object], T], default: D) -> T | D:
        """Argument `index` through `parse`, or `default` when it is left out.

        Raises
        ------
        RpcError : -32602, malformed.
        """
        value = self._values[index] if index < len(self._values) else None
        return default if value is None else self._parsed(index, value, parse)

    def block_id(self, index: int) -> BlockId:
        """Argument `index` as a block id, the latest block when it is left out."""
        return self.optional(index, parse_block_id, BlockTag.LATEST)

    def _parsed(self, index: int, value: object, parse: Callable[[object], T]) -> T:
        try:
            return parse(value)
        except MalformedValue as exc:
            raise invalid_params(f"invalid argument {index}: {exc}") from exc
