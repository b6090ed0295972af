"""Where code may be jumped to.

A JUMPDEST byte inside the data of a PUSH is no destination, and whether a byte is
data depends on everything before it. Scanning a contract takes a Python loop
2 ms, and a call of a contract that is warm costs 100 gas: so one pass of the
regular expression engine notes where an instruction begins every 64 bytes, and
the rest is looked up from the nearest of these places when a jump asks.

Source: Yellow Paper §9.4.3
"""

import re
from functools import lru_cache
from typing import Final

_JUMPDEST: Final = 0x5B
_STRIDE: Final = 64
"""Bytes between two noted places; more than the longest instruction, a PUSH32 with its data."""
_SHARED_TABLES: Final = 1024
_PUSHES: Final = b"|".join(b"\\x%02x.{%d}" % (0x5F + size, size) for size in range(1, 33))

_skip_instructions: Final = re.compile(b"(?s)(?:[^\x60-\x7f]+|" + _PUSHES + b")*").match
"""Match whole instructions: it ends where one begins that does not fit into the range."""


class JumpTable:
    """The jump destinations of one piece of code."""

    __slots__ = ("_code", "_starts", "known")

    def __init__(self, code: bytes) -> None:
        self._code = code
        self._starts: list[int] = []
        """For each stride, the last instruction that begins at or before it."""
        self.known = bytearray(len(code))
        """1 at every byte that a jump has found to be a destination."""
        position = 0
        for end in range(0, len(code), _STRIDE):
            position = self._skip(position, end)
            self._starts.append(position)

    def find(self, target: int) -> bool:
        """Return whether `target` is a destination, and remember it if so."""
        code = self._code
        if target >= len(code) or code[target] != _JUMPDEST:
            return False
        if self._skip(self._starts[target // _STRIDE], target) != target:
            return False
        self.known[target] = 1
        return True

    def _skip(self, position: int, end: int) -> int:
        """Return the last instruction that begins in [position, end], from one at `position`."""
        match = _skip_instructions(self._code, position, end)
        return position if match is None else match.end()


@lru_cache(maxsize=_SHARED_TABLES)
def jump_table(code: bytes) -> JumpTable:
    """Return the table of `code`, shared by all states that run it."""
    return JumpTable(code)
