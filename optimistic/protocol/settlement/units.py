"""Fixed point without surprises: quanta, division with a named direction, roots.

Amounts, prices, sizes and rates are integers in units of 10^-18 (WAD). Sizes are multiples of LOT_WAD and
prices that move cash multiples of QUANTUM_WAD, so size x price is whole and needs no rounding. Every other
division says which way it rounds. Twins: solidity/src/libraries/settlement/{Quantum,Root}.sol
"""

from typing import Final

from optimistic.protocol.errors import InvalidInput

WAD: Final = 10**18
LOT_WAD: Final = 10**12
"""Every size is a multiple of it: a millionth of a contract."""
QUANTUM_WAD: Final = 10**6
"""Every price that moves cash is a multiple of it."""
PIPS: Final = 10**6
"""Rates of fees, haircuts and limits are in millionths."""


class OffQuantum(InvalidInput):
    """A size is no multiple of the lot, a price none of the quantum, or their product is not exact."""


def exact(size_wad: int, price_wad: int) -> int:
    """Return size x price in WAD; never rounds.

    Raises
    ------
    OffQuantum : the product is not whole: one of them is off its quantum
    """
    product, rest = divmod(size_wad * price_wad, WAD)
    if rest:
        raise OffQuantum(f"{size_wad} x {price_wad}")
    return product


def floor_div(a: int, b: int) -> int:
    """Return a / b toward minus infinity."""
    return a // b


def ceil_div(a: int, b: int) -> int:
    """Return a / b toward plus infinity."""
    return -(-a // b)


def trunc_div(a: int, b: int) -> int:
    """Return a / b toward zero, as the EVM divides."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def floor_to(value: int, step: int) -> int:
    """Return the largest multiple of `step` (positive) that is no more than `value`."""
    return value - value % step


def ceil_to(value: int, step: int) -> int:
    """Return the smallest multiple of `step` (positive) that is no less than `value`."""
    return value + -value % step


def mul_wad_down(a: int, b: int) -> int:
    """Return a x b of two WAD numbers, rounded down."""
    return a * b // WAD


def mul_wad_up(a: int, b: int) -> int:
    """Return a x b of two WAD numbers, rounded up."""
    return -(-a * b // WAD)


def pips_down(amount: int, pips: int) -> int:
    """Return so many millionths of an amount, rounded down: what is paid out, or a value."""
    return amount * pips // PIPS


def pips_up(amount: int, pips: int) -> int:
    """Return so many millionths of an amount, rounded up: what is charged or required."""
    return -(-amount * pips // PIPS)


def clamp(value: int, low: int, high: int) -> int:
    """Return `value`, or the nearest end of the stretch."""
    if value < low:
        return low
    return min(value, high)


def quantum_toward_zero(value_wad: int) -> int:
    """Return the nearest multiple of the quantum that is not further from zero."""
    return floor_to(value_wad, QUANTUM_WAD) if value_wad >= 0 else ceil_to(value_wad, QUANTUM_WAD)


def sqrt_down(value: int) -> int:
    """Return the greatest integer whose square is not above `value` (Newton's iteration from above).

    Raises
    ------
    ValueError : `value` is negative (a programmer's error)
    """
    if value < 0:
        raise ValueError("negative")
    if value == 0:
        return 0
    root = 1 << (value.bit_length() + 1 >> 1)
    while True:
        better = root + value // root >> 1
        if better >= root:
            return root
        root = better


def sqrt_up(value: int) -> int:
    """Return the least integer whose square is not below `value`."""
    root = sqrt_down(value)
    return root if root * root == value else root + 1


def median3(a: int, b: int, c: int) -> int:
    """Return the middle one of three."""
    return max(min(a, b), min(max(a, b), c))
