"""The ABI encoding of a witness, in its one canonical form.

Tails follow each other without gaps in the order of their heads. A reader can thus
go through the bytes from left to right and ignore the offsets: whoever decodes
encodes again and compares, which leaves one encoding for each value.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from optimistic.protocol.hashing import WORD_BYTES, abi_word
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.types import Address, Hash32

_Item = TypeVar("_Item")


class Reader:
    """Reads bytes from left to right; raises InvalidWitness where they end."""

    def __init__(self, data: bytes) -> None:
        self._data: Final = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes."""
        end = self._at + length
        if end > len(self._data):
            raise InvalidWitness("a witness ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def hash32(self) -> Hash32:
        """Return the next word."""
        return Hash32(self.take(WORD_BYTES))

    def uint(self) -> int:
        """Return the next word as an integer."""
        return int.from_bytes(self.take(WORD_BYTES), "big")

    def address(self) -> Address:
        """Return the low 20 bytes of the next word."""
        return Address(self.take(WORD_BYTES)[12:])

    def string(self) -> bytes:
        """Return bytes with their length before and padding behind them."""
        length = self.uint()
        data = self.take(length)
        self.take(-length % WORD_BYTES)
        return data

    def words(self, read: Callable[["Reader"], _Item]) -> tuple[_Item, ...]:
        """Return an array of single words."""
        return tuple(read(self) for _ in range(self._count()))

    def array(self, read: Callable[["Reader"], _Item]) -> tuple[_Item, ...]:
        """Return an array of values of any length."""
        count = self._count()
        self.take(count * WORD_BYTES)
        return tuple(read(self) for _ in range(count))

    def _count(self) -> int:
        """Return the length of an array; each of its values takes at least a word."""
        count = self.uint()
        if count * WORD_BYTES > len(self._data) - self._at:
            raise InvalidWitness("an array of a witness ends too early")
        return count


def string(data: bytes) -> bytes:
    """Encode bytes: length, bytes, padding."""
    return abi_word(len(data)) + data + bytes(-len(data) % WORD_BYTES)


def words(items: Sequence[int | bytes]) -> bytes:
    """Encode an array of single words."""
    return abi_word(len(items)) + b"".join(map(abi_word, items))


def array(items: Sequence[bytes]) -> bytes:
    """Encode an array of values of any length, each already encoded."""
    return abi_word(len(items)) + struct(items, ())


def struct(parts: Sequence[bytes], inline: Sequence[int]) -> bytes:
    """Encode a struct whose parts are already encoded; those in `inline` stand in its head."""
    place = sum(len(part) if index in inline else WORD_BYTES for index, part in enumerate(parts))
    head, tail = b"", b""
    for index, part in enumerate(parts):
        if index in inline:
            head += part
        else:
            head += abi_word(place + len(tail))
            tail += part
    return head + tail
