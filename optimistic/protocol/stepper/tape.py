"""What a step asks for, one ordered list for each kind of question."""

from dataclasses import dataclass
from typing import NamedTuple

from optimistic.protocol.types import Hash32
from optimistic.protocol.wordtree import WORD


class Range(NamedTuple):
    """Words and siblings of a range proof; where it begins follows from the step."""

    words: bytes
    siblings: tuple[Hash32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """The answers to one step's questions, each list in the order of the questions."""

    ranges: tuple[Range, ...] = ()
    proofs: tuple[tuple[bytes, ...], ...] = ()
    """Node lists, from the root down."""
    blobs: tuple[bytes, ...] = ()
    """Codes, parent frames, records: what a hash stands for."""


def covering(offset: int, length: int) -> tuple[int, int]:
    """Return (first word, number of words) that cover bytes [offset, offset + length), length ≥ 1."""
    first = offset // WORD
    return first, (offset + length - 1) // WORD - first + 1
