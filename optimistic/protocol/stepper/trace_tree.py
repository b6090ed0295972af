"""The commitment tree over the steps of one unit, in about 33 bytes per step."""

from collections.abc import Iterable, Sequence
from typing import Final

from sha3 import keccak_256

from optimistic.protocol.commitment import CommitmentTree, Node, Tree, leaf, node_hash
from optimistic.protocol.constants import STEP_BITS
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32

_HASH: Final = 32
_PAIR: Final = 2 * _HASH


class PackedTrace(Tree):
    """The tree of a trace whose levels are runs of bytes, in memory or in a mapped file.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    levels : from the states S(1), S(2), ... up to the root; hashes of 32 bytes, padding left out
    """

    def __init__(self, log_arity: int, levels: Sequence[bytes | bytearray | memoryview]) -> None:
        super().__init__(log_arity, len(levels) - 1)
        self.levels: Final = levels
        self.count: Final = len(levels[0]) // _HASH
        last = leaf(_state(levels[0], self.count - 1))
        self._padding: Final = CommitmentTree(log_arity, self.height, [last], last)

    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`; level 0 is the base."""
        hash_ = _state(self.levels[level], index)
        if not hash_:
            return self._padding.node(level, 0)
        last = ((index + 1) << (level * self.log_arity)) - 1
        return Node(_state(self.levels[0], min(last, self.count - 1)), hash_)


class TraceTree(PackedTrace):
    """The tree of least height over S(1), S(2), ...

    The longest possible trace of 2^23 gas, eight million states, takes less than 600 MB at
    either arity.

    Parameters
    ----------
    log_arity : bits per level, 1 or 5
    states : hashes of 32 bytes, at least one, at most 2^25; read once
    height : of the tree, if it is to be higher: a tree lifted to the height of another one
    """

    def __init__(self, log_arity: int, states: Iterable[Hash32], height: int = 1) -> None:
        leaves = bytearray()
        for state in states:
            leaves += state
        count = len(leaves) // _HASH
        if not 0 < count <= 1 << STEP_BITS:
            raise InvalidInput(f"no trace has {count} states")
        height = max(height, height_of(log_arity, count))
        last = leaf(_state(leaves, count - 1))
        padding = CommitmentTree(log_arity, height, [last], last)
        levels = [leaves]
        for level in range(height):
            levels.append(_level_above(log_arity, levels, padding.node(level, 0).hash))
        super().__init__(log_arity, levels)


def height_of(log_arity: int, count: int) -> int:
    """Return the least height, at least 1, of a tree over `count` states."""
    return max(1, -(-(count - 1).bit_length() // log_arity))


def _state(level: bytes | bytearray | memoryview, index: int) -> Hash32:
    """Return one hash of a level; empty behind its end."""
    return Hash32(bytes(level[index * _HASH : (index + 1) * _HASH]))


def _level_above(log_arity: int, levels: Sequence[bytearray], padding: Hash32) -> bytearray:
    """Return the nodes above the highest level, its last group filled with `padding`."""
    states, children = levels[0], levels[-1]
    last = len(states) // _HASH - 1
    group, bits = _HASH << log_arity, len(levels) * log_arity
    above = bytearray()
    for index, start in enumerate(range(0, len(children), group)):
        nodes = bytes(children[start : start + group])
        nodes += padding * ((group - len(nodes)) // _HASH)
        end_state = _state(states, min(((index + 1) << bits) - 1, last))
        above += node_hash(end_state, _merkle_root(nodes))
    return above


def _merkle_root(nodes: bytes) -> Hash32:
    """Return the root of the binary tree over a power of two of joined hashes."""
    while len(nodes) > _HASH:
        nodes = b"".join(
            [keccak_256(nodes[start : start + _PAIR]).digest() for start in range(0, len(nodes), _PAIR)]
        )
    return Hash32(nodes)
