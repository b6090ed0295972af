"""Where code may be jumped to: at a JUMPDEST that is no data of a PUSH.

Source: Yellow Paper §9.4.3
"""

from functools import lru_cache
from typing import Final

from optimistic.protocol.stepper.opcode_table import Op

_SHARED: Final = 4096
"""More contracts than a transaction under the gas cap can touch, so that going round them makes no work."""
_SIZES: Final = bytes(
    opcode - Op.PUSH1 + 2 if Op.PUSH1 <= opcode <= Op.PUSH32 else 1 for opcode in range(256)
)
"""Bytes of an instruction with its data, by opcode."""


@lru_cache(maxsize=_SHARED)
def jump_destinations(code: bytes) -> bytes:
    """Return one byte for each byte of code: 1 where a jump may go, else 0."""
    marks = bytearray(len(code))
    sizes, end = _SIZES, len(code)
    position = 0
    while position < end:
        opcode = code[position]
        if opcode == 0x5B:
            marks[position] = 1
        position += sizes[opcode]
    return bytes(marks)
