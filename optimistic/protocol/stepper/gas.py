"""Gas that a frame pays, and the memory it buys.

Offsets and lengths come from the stack: any integer below 2^256. A range without
bytes needs no memory wherever it lies.
"""

from typing import Final

from optimistic.protocol.stepper.halts import ExceptionalHalt
from optimistic.protocol.stepper.state import Frame
from optimistic.protocol.wordtree import DEPTH, WORD

MAX_MEMORY_WORDS: Final = 1 << DEPTH
"""Memory beyond it is out of gas; below the cap on a transaction's gas nobody gets there."""

_MAX_MEMORY_BYTES: Final = MAX_MEMORY_WORDS * WORD


def charge(frame: Frame, amount: int) -> None:
    """Take gas from the frame; raises ExceptionalHalt if it has less."""
    if amount > frame.gas:
        raise ExceptionalHalt
    frame.gas -= amount


def memory_cost(words: int) -> int:
    """Return what `words` words of memory cost from nothing."""
    return 3 * words + words * words // 512


def words_needed(offset: int, length: int) -> int:
    """Return how many words of memory reach to the end of a range; 0 if it is empty.

    Raises
    ------
    ExceptionalHalt : more words than any memory has
    """
    if length == 0:
        return 0
    end = offset + length
    if end > _MAX_MEMORY_BYTES:
        raise ExceptionalHalt
    return (end + WORD - 1) // WORD


def expansion_gas(frame: Frame, words: int) -> int:
    """Return what it costs to have `words` words of memory; 0 if they are there."""
    have = frame.memory_words
    return memory_cost(words) - memory_cost(have) if words > have else 0


def expand(frame: Frame, offset: int, length: int) -> None:
    """Pay for the memory [offset, offset + length); raises ExceptionalHalt as `charge` does."""
    words = words_needed(offset, length)
    if words > frame.memory_words:
        charge(frame, expansion_gas(frame, words))
        frame.memory_words = words
