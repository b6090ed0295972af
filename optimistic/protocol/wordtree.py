"""WordTree: the binary Merkle tree over the 32-byte words of a byte string.

Leaves are the words themselves, unhashed; an inner node is keccak(left ‖ right);
a tree of depth d always has 2^d leaves, the missing ones being zero. The depth
is fixed by the rule that names the tree, so an inner node can never pass for a
leaf. One depth, 16 (2 MiB), serves memory, calldata, returndata, transaction
and batch bytes; the ring of 256 block hashes uses depth 8.

A root does not bind the length of the data: whoever commits to a root commits
to the length beside it.

Source: docs/spec/05-state-commitments.md; twin: solidity/src/libraries/WordTree.sol.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sha3 import keccak_256

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32

DEPTH: Final = 16
WORD: Final = 32
MAX_DEPTH: Final = 32


class InvalidRange(InvalidInput):
    """A word range, its words or its siblings do not have the required shape."""


class RangeMismatch(InvalidInput):
    """A well-formed range proof that does not hash to the expected root."""


def _zero_subtrees() -> tuple[Hash32, ...]:
    """Roots of all-zero trees, by depth."""
    roots = [Hash32(bytes(WORD))]
    for _ in range(MAX_DEPTH):
        roots.append(Hash32(keccak_256(roots[-1] * 2).digest()))
    return tuple(roots)


ZERO_ROOTS: Final = _zero_subtrees()
"""ZERO_ROOTS[d] is the root of a depth-d tree of zero words, d in 0..32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeProof:
    """Consecutive words of a tree and the siblings that complete them to a root.

    Attributes
    ----------
    first_word : index of the first word
    words : 32·n bytes, n ≥ 1
    siblings : 32-byte nodes; per level from the leaves up the left one (if the
        range starts at an odd index) before the right one (if it ends at an even index)
    """

    first_word: int
    words: bytes
    siblings: tuple[bytes, ...]

    def read(self, offset: int, length: int) -> bytes:
        """Bytes [offset, offset + length) of the data, all of them inside the range.

        The caller must have verified the proof, and cuts what lies beyond the
        data's own length: the tree itself is zero there.

        Raises
        ------
        InvalidRange : the range does not cover the bytes
        """
        start = offset - self.first_word * WORD
        if length < 0 or start < 0 or start + length > len(self.words):
            raise InvalidRange(f"words do not cover bytes [{offset}, {offset + length})")
        return self.words[start : start + length]


def _pad(data: bytes) -> bytes:
    """`data` padded with zero bytes to whole words."""
    return data + bytes(-len(data) % WORD)


def _nodes(padded: bytes) -> list[bytes]:
    """Cut 32·n bytes into n nodes."""
    return [padded[i : i + WORD] for i in range(0, len(padded), WORD)]


def _parents(nodes: list[bytes], zero: bytes) -> list[bytes]:
    """The level above `nodes` (index 0 is leftmost); an odd end is completed by `zero`."""
    if len(nodes) & 1:
        nodes.append(zero)
    pairs = iter(nodes)
    return [keccak_256(left + right).digest() for left, right in zip(pairs, pairs, strict=True)]


def root(data: bytes, depth: int = DEPTH) -> Hash32:
    """Root of the tree over `data`, zero-padded to 2^depth words.

    Parameters
    ----------
    data : at most 32·2^depth bytes

    Raises
    ------
    InvalidRange : the data is longer than the tree
    """
    if len(data) > WORD << depth:
        raise InvalidRange(f"{len(data)} bytes do not fit a WordTree of depth {depth}")
    nodes = _nodes(_pad(data))
    level = 0
    while len(nodes) > 1:
        nodes = _parents(nodes, ZERO_ROOTS[level])
        level += 1
    if not nodes:
        return ZERO_ROOTS[depth]
    top = nodes[0]
    for height in range(level, depth):
        top = keccak_256(top + ZERO_ROOTS[height]).digest()
    return Hash32(top)


def prove_range(data: bytes, first_word: int, n_words: int, depth: int = DEPTH) -> RangeProof:
    """Prove words [first_word, first_word + n_words) of the tree over `data`.

    Words beyond the data are zero and provable like any other.

    Raises
    ------
    InvalidRange : an empty range, one outside the tree, or data longer than the tree
    """
    _check_range(first_word, n_words, depth)
    if len(data) > WORD << depth:
        raise InvalidRange(f"{len(data)} bytes do not fit a WordTree of depth {depth}")
    begin, end = first_word * WORD, (first_word + n_words) * WORD
    words = data[begin:end]
    siblings: list[bytes] = []
    nodes = _nodes(_pad(data))
    first, last = first_word, first_word + n_words - 1
    for level in range(depth):
        zero = ZERO_ROOTS[level]
        if first & 1:
            siblings.append(nodes[first - 1] if first - 1 < len(nodes) else zero)
        if not last & 1:
            siblings.append(nodes[last + 1] if last + 1 < len(nodes) else zero)
        nodes = _parents(nodes, zero)
        first >>= 1
        last >>= 1
    return RangeProof(
        first_word=first_word, words=words + bytes(end - begin - len(words)), siblings=tuple(siblings)
    )


def fold_range(first_word: int, words: bytes, siblings: Sequence[bytes], depth: int = DEPTH) -> Hash32:
    """Root of the tree that has `words` at `first_word` and `siblings` around them.

    Raises
    ------
    InvalidRange : `words` is not 32·n bytes with n ≥ 1, the range leaves the tree, or
        the siblings are too few, too many, or not 32 bytes each
    """
    if len(words) % WORD:
        raise InvalidRange("range is not whole words")
    _check_range(first_word, len(words) // WORD, depth)
    if any(len(sibling) != WORD for sibling in siblings):
        raise InvalidRange("sibling is not 32 bytes")
    nodes = _nodes(words)
    first = first_word
    used = 0
    for _ in range(depth):
        last = first + len(nodes) - 1
        missing = (first & 1) + (~last & 1)
        if used + missing > len(siblings):
            raise InvalidRange("too few siblings")
        if first & 1:
            nodes.insert(0, siblings[used])
        if not last & 1:
            nodes.append(siblings[used + missing - 1])
        used += missing
        pairs = iter(nodes)
        nodes = [keccak_256(left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
        first >>= 1
    if used != len(siblings):
        raise InvalidRange("too many siblings")
    return Hash32(nodes[0])


def ends_of(proof: RangeProof) -> bytes:
    """Return what `fold_ends` needs of the words of a proof.

    That is the first and the last word and, if there are more than two, the nodes between
    them that the way up from either meets: per level from the leaves up the one right of the
    first (if its index is even) before the one left of the last (if its index is odd).
    """
    nodes = _nodes(proof.words)
    if len(nodes) < 3:
        return proof.words
    ends = [nodes[0], nodes[-1]]
    first, last = proof.first_word, proof.first_word + len(nodes) - 1
    left = right = b""  # stand for the nodes that hold an end: nobody asks for these
    while first >> 1 != last >> 1:
        if not first & 1:
            ends.append(nodes[1])
        if last & 1:
            ends.append(nodes[-2])
        inside = nodes[1 + (~first & 1) : len(nodes) - 1 - (last & 1)]
        nodes = [left, *_parents(inside, b""), right]
        first >>= 1
        last >>= 1
    return b"".join(ends)


def fold_ends(
    first_word: int, n_words: int, ends: bytes, siblings: Sequence[bytes], depth: int = DEPTH
) -> Hash32:
    """Root of the tree that has n_words words at `first_word`, of which only the `ends` are known.

    Enough to prove what a write replaces: the new root is the fold of the new words with the
    same siblings.

    Parameters
    ----------
    ends : as `ends_of` gives them

    Raises
    ------
    InvalidRange : the range leaves the tree, or there are too few or too many ends or siblings
    """
    _check_range(first_word, n_words, depth)
    given, around = _nodes(ends), iter(siblings)
    if n_words < 3:
        if len(given) != n_words:
            raise InvalidRange("not as many words as the range has")
        return fold_range(first_word, ends, siblings, depth)
    inside = iter(given)
    first, last = first_word, first_word + n_words - 1
    try:
        left, right = next(inside), next(inside)
        while first >> 1 != last >> 1:
            left = _pair(next(around), left) if first & 1 else _pair(left, next(inside))
            right = _pair(next(inside), right) if last & 1 else _pair(right, next(around))
            first, last, depth = first >> 1, last >> 1, depth - 1
        top, first = _pair(left, right), first >> 1
        for height in range(depth - 1):
            sibling = next(around)
            top = _pair(sibling, top) if first >> height & 1 else _pair(top, sibling)
    except StopIteration:
        raise InvalidRange("too few ends or siblings") from None
    if next(inside, None) is not None or next(around, None) is not None:
        raise InvalidRange("too many ends or siblings")
    return top


def _pair(left: bytes, right: bytes) -> Hash32:
    """Return the parent of two nodes.

    Raises
    ------
    InvalidRange : one of them is not 32 bytes
    """
    if len(left) != WORD or len(right) != WORD:
        raise InvalidRange("node is not 32 bytes")
    return Hash32(keccak_256(left + right).digest())


def verify_range(expected_root: bytes, proof: RangeProof, depth: int = DEPTH) -> None:
    """Check that `proof` belongs to the tree with `expected_root`.

    Raises
    ------
    InvalidRange : malformed proof
    RangeMismatch : the proof is of another tree
    """
    if fold_range(proof.first_word, proof.words, proof.siblings, depth) != expected_root:
        raise RangeMismatch("range proof does not match the root")


def update_range(old_root: bytes, proof: RangeProof, new_words: bytes, depth: int = DEPTH) -> Hash32:
    """Root after replacing the proven words by `new_words` (same number of bytes).

    Raises
    ------
    InvalidRange : malformed proof, or `new_words` of another length
    RangeMismatch : the proof is not of the tree with `old_root`
    """
    verify_range(old_root, proof, depth)
    if len(new_words) != len(proof.words):
        raise InvalidRange("update changes the length of the range")
    return fold_range(proof.first_word, new_words, proof.siblings, depth)


def _check_range(first_word: int, n_words: int, depth: int) -> None:
    """Refuse an empty range or one outside a tree of `depth`."""
    if n_words < 1 or first_word < 0 or first_word + n_words > 1 << depth:
        raise InvalidRange(f"{n_words} words from {first_word} are not a range of depth {depth}")
