"""The commitment tree over the steps of one unit, in about 33 bytes per step."""

from collections.abc import Iterable
from typing import Final

from sha3 import keccak_256

from optimistic.protocol.commitment import CommitmentTree, Node, Tree, leaf, node_hash
from optimistic.protocol.constants import STEP_BITS
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32

_HASH: Final = 32
_PAIR: Final = 2 * _HASH


class TraceTree(Tree):
    """The tree of least height over S(1), S(2), ...; the last state fills the rest.

    Each level is one run of bytes: the longest possible trace of 2^23 gas, eight million
    states, takes less than 600 MB at either arity.

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
        self._count: Final = len(leaves) // _HASH
        if not 0 < self._count <= 1 << STEP_BITS:
            raise InvalidInput(f"no trace has {self._count} states")
        bits = (self._count - 1).bit_length()
        super().__init__(log_arity, max(height, -(-bits // log_arity)))
        self._levels: Final = [leaves]
        last = leaf(self._state(self._count - 1))
        self._padding: Final = CommitmentTree(log_arity, self.height, [last], last)
        for level in range(self.height):
            self._levels.append(self._level_above(level))

    def node(self, level: int, index: int) -> Node:
        """Return node `index` of `level`; level 0 is the base."""
        hash_ = bytes(self._levels[level][index * _HASH : (index + 1) * _HASH])
        if not hash_:
            return self._padding.node(level, 0)
        last = ((index + 1) << (level * self.log_arity)) - 1
        return Node(self._state(min(last, self._count - 1)), Hash32(hash_))

    def _state(self, index: int) -> Hash32:
        """Return a state of the trace."""
        return Hash32(bytes(self._levels[0][index * _HASH : (index + 1) * _HASH]))

    def _level_above(self, level: int) -> bytearray:
        """Return the nodes above a level, its last group filled with padding."""
        children = self._levels[level]
        group = _HASH << self.log_arity
        padding = self._padding.node(level, 0).hash
        bits = (level + 1) * self.log_arity
        above = bytearray()
        for index, start in enumerate(range(0, len(children), group)):
            nodes = bytes(children[start : start + group])
            nodes += padding * ((group - len(nodes)) // _HASH)
            end_state = self._state(min(((index + 1) << bits) - 1, self._count - 1))
            above += node_hash(end_state, _merkle_root(nodes))
        return above


def _merkle_root(nodes: bytes) -> Hash32:
    """Return the root of the binary tree over a power of two of joined hashes."""
    while len(nodes) > _HASH:
        nodes = b"".join(
            [keccak_256(nodes[start : start + _PAIR]).digest() for start in range(0, len(nodes), _PAIR)]
        )
    return Hash32(nodes)
