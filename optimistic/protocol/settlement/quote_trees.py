"""Trees of quotes: many quotes under one signature, and programs that show only some of them.

A leaf is the hash of 0x00 and the quote, an inner node that of 0x01 and its
children. A program in postfix order rebuilds the root from quotes and from
hashes of the subtrees that are not shown.

Source: docs/spec/11-settlement.md §11.6
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32

_LEAF_BYTES: Final = Struct(">xHBHIBI")
"""Tag 0, index, side, lots (16 + 32 bits), ticks (8 + 32 bits)."""
_NODE_TAG: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One quote of a tree; `index` names it among the quotes of one signature."""

    index: int
    is_buy: bool
    lots: int
    ticks: int


class Node(IntEnum):
    """The instruction of a program that hashes the two topmost hashes into one."""

    JOIN = 2


Op = Hash32 | Leaf | Node
"""One instruction: a hash (an opaque subtree), a quote, or `Node.JOIN`."""


def leaf_hash(leaf: Leaf) -> Hash32:
    """Return the hash of a quote: of 0x00, index u16, isBuy u8, lots u48, ticks u40."""
    lots, ticks = leaf.lots, leaf.ticks
    return keccak256(
        _LEAF_BYTES.pack(
            leaf.index, leaf.is_buy, lots >> 32, lots & 0xFFFFFFFF, ticks >> 32, ticks & 0xFFFFFFFF
        )
    )


def node_hash(left: Hash32, right: Hash32) -> Hash32:
    """Return the hash of an inner node: of 0x01 and its children."""
    return keccak256(_NODE_TAG + left + right)


class QuoteTree:
    """The tree over the quotes of one signature, in the order given; a level of odd length lifts its last.

    Raises
    ------
    InvalidInput : there are no quotes, or two have one index
    """

    __slots__ = ("_levels", "leaves")

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        if not leaves or len({leaf.index for leaf in leaves}) != len(leaves):
            raise InvalidInput("a tree needs quotes with different indices")
        self.leaves = tuple(leaves)
        self._levels = [[leaf_hash(leaf) for leaf in leaves]]
        while len(self._levels[-1]) > 1:
            self._levels.append(_join_level(self._levels[-1]))

    @property
    def root(self) -> Hash32:
        """What `Quotes` carries."""
        return self._levels[-1][0]

    def program(self, places: Sequence[int]) -> tuple[Op, ...]:
        """Return the postfix program that rebuilds the root and shows some of the quotes.

        Parameters
        ----------
        places : positions in `leaves` of the quotes to show, in any order; they appear ascending
        """
        wanted = frozenset(places)
        shown = [place in wanted for place in range(len(self.leaves))]
        ops: list[Op] = []
        self._emit(len(self._levels) - 1, 0, shown, ops)
        return tuple(ops)

    def _emit(self, level: int, place: int, shown: list[bool], ops: list[Op]) -> None:
        """Append the instructions of one subtree."""
        if not any(shown[place << level : (place + 1) << level]):
            ops.append(self._levels[level][place])
        elif level == 0:
            ops.append(self.leaves[place])
        else:
            self._emit(level - 1, 2 * place, shown, ops)
            if 2 * place + 1 < len(self._levels[level - 1]):
                self._emit(level - 1, 2 * place + 1, shown, ops)
                ops.append(Node.JOIN)


def _join_level(hashes: list[Hash32]) -> list[Hash32]:
    """Next level of a tree."""
    joined = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=False)]
    return joined if len(hashes) % 2 == 0 else [*joined, hashes[-1]]


def program_root(ops: Sequence[Op]) -> Hash32 | None:
    """Return the root a program rebuilds, None if it leaves more or less than one hash."""
    stack: list[Hash32] = []
    for op in ops:
        if isinstance(op, Leaf):
            stack.append(leaf_hash(op))
        elif isinstance(op, Node):
            if len(stack) < 2:
                return None
            right = stack.pop()
            stack.append(node_hash(stack.pop(), right))
        else:
            stack.append(op)
    return stack[0] if len(stack) == 1 else None
