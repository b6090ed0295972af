"""Bytes under a WordTree root: memory that changes, bytes that do not, and roots alone."""

from itertools import pairwise
from typing import Final

from sha3 import keccak_256

from optimistic.protocol import wordtree
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.types import Hash32
from optimistic.protocol.wordtree import DEPTH, WORD, ZERO_ROOTS, RangeProof

_PAIR: Final = 2 * WORD


class Memory:
    """Memory of a running frame: a write costs nothing but its bytes, a root only what was written since.

    The tree is kept for the lowest 2^k words that cover every write, each level one
    run of bytes; above and beside it everything is zero.
    """

    __slots__ = ("_dirty", "_levels", "_spine")

    def __init__(self) -> None:
        self._levels = [bytearray()]
        self._dirty: set[int] = set()
        """Parents of words that were written since the levels above were computed."""
        self._spine: list[bytes] = list(ZERO_ROOTS[: DEPTH + 1])
        """Leftmost nodes from the highest level up to the root."""

    @property
    def root(self) -> Hash32:
        """Root of the tree, 32 bytes."""
        if self._dirty:
            self._rehash()
        return Hash32(self._spine[-1])

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes [offset, offset + length), zero where nothing was written."""
        return bytes(self._levels[0][offset : offset + length]).ljust(length, b"\0")

    def write(self, offset: int, data: bytes) -> None:
        """Replace at least one byte from `offset` on; all within the tree."""
        words = self._levels[0]
        end = offset + len(data)
        if end > len(words):
            self._grow(end)
        words[offset:end] = data
        first, last = offset // _PAIR, (end - 1) // _PAIR
        if first == last:
            self._dirty.add(first)
        else:
            self._dirty.update(range(first, last + 1))

    def prove(self, first_word: int, n_words: int) -> RangeProof:
        """Return the proof of n_words ≥ 1 words under the present root."""
        if self._dirty:
            self._rehash()
        siblings: list[bytes] = []
        first, last = first_word, first_word + n_words - 1
        for level in range(DEPTH):
            if first & 1:
                siblings.append(self._node(level, first - 1))
            if not last & 1:
                siblings.append(self._node(level, last + 1))
            first >>= 1
            last >>= 1
        words = self.read(first_word * WORD, n_words * WORD)
        return RangeProof(first_word=first_word, words=words, siblings=tuple(siblings))

    def frozen(self) -> "FrozenWords":
        """Return the present bytes as words that later writes do not reach."""
        root = self.root
        return FrozenWords(bytes(self._levels[0]), root)

    def _grow(self, end: int) -> None:
        """Make room for bytes [0, end): the least power of two of words, two at least."""
        words = self._levels[0]
        height = max(1, ((end - 1) // WORD).bit_length())
        for level in range(height + 1):
            if level == len(self._levels):
                self._levels.append(bytearray())
            nodes = self._levels[level]
            nodes += ZERO_ROOTS[level] * ((1 << (height - level)) - len(nodes) // WORD)
        if words:
            self._dirty.add(0)  # the path of what was there leads on to a higher top

    def _rehash(self) -> None:
        """Compute what lies above the dirty words."""
        nodes, self._dirty = list(self._dirty), set()
        for below, level in pairwise(self._levels):
            for node in nodes:
                low, middle, high = node << 5, node << 6, (node << 6) + _PAIR
                level[low : low + WORD] = keccak_256(below[middle:high]).digest()
            nodes = [nodes[0] >> 1] if len(nodes) == 1 else list({node >> 1 for node in nodes})
        top = bytes(self._levels[-1])
        self._spine = [top]
        for height in range(len(self._levels) - 1, DEPTH):
            top = keccak_256(top + ZERO_ROOTS[height]).digest()
            self._spine.append(top)

    def _node(self, level: int, index: int) -> bytes:
        """Return a node of the whole tree."""
        top = len(self._levels) - 1
        if level >= top:
            return self._spine[level - top] if index == 0 else ZERO_ROOTS[level]
        low = index * WORD
        return bytes(self._levels[level][low : low + WORD]) or ZERO_ROOTS[level]


class FrozenWords:
    """Bytes that never change; their root is computed when it is first wanted.

    Parameters
    ----------
    data : at most 2 MiB
    root : WordTree root of `data`, if known
    """

    __slots__ = ("_data", "_root")

    def __init__(self, data: bytes, root: Hash32 | None = None) -> None:
        self._data = data
        self._root = root

    @property
    def root(self) -> Hash32:
        """Root of the tree, 32 bytes."""
        if self._root is None:
            self._root = wordtree.root(self._data)
        return self._root

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes [offset, offset + length), zero beyond the data."""
        return self._data[offset : offset + length].ljust(length, b"\0")

    def prove(self, first_word: int, n_words: int) -> RangeProof:
        """Return the proof of n_words ≥ 1 words."""
        return wordtree.prove_range(self._data, first_word, n_words)


class SealedWords:
    """Words of which only the root is known: what they are must come from a witness."""

    __slots__ = ("_root",)

    def __init__(self, root: Hash32) -> None:
        self._root = root

    @property
    def root(self) -> Hash32:
        """Root of the tree, 32 bytes."""
        return self._root

    def read(self, offset: int, length: int) -> bytes:
        """Refuse: the bytes are not known."""
        raise InvalidWitness("words are known by their root alone")

    def prove(self, first_word: int, n_words: int) -> RangeProof:
        """Refuse: the bytes are not known."""
        raise InvalidWitness("words are known by their root alone")
