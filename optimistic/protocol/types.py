"""Names for byte strings and amounts that cross module borders.

Bytes are raw inside the program; hexadecimal exists only at its edges.
"""

from typing import NewType

Address = NewType("Address", bytes)
"""20 bytes."""

Hash32 = NewType("Hash32", bytes)
"""32 bytes."""

Wei = NewType("Wei", int)
"""10^-18 ether, never negative."""

ZERO_ADDRESS = Address(bytes(20))
ZERO_HASH = Hash32(bytes(32))
