"""Prices and sizes as people write them, and as orders carry them: whole ticks and lots.

Nothing here is a float: a float that looks like 0.1 is not 0.1, and an order a tick away from the
one that was meant is another order.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import Enum
from fractions import Fraction
from typing import Final

from optimistic.protocol.errors import InvalidInput

WAD: Final = 10**18
_DIGITS: Final = 80
"""More than any amount of the protocol has."""

Amount = str | int | Decimal


class NotAnAmount(InvalidInput):
    """A price or size that is no number, a float, or finer than the market's step."""


class Rounding(Enum):
    """What to do with a price or size between two steps."""

    REFUSE = "refuse"
    DOWN = "down"
    UP = "up"


def to_wad(amount: Amount) -> int:
    """Return an amount in units of 1e-18, exactly.

    Raises
    ------
    NotAnAmount : it is a float, not a number, not finite, or finer than 1e-18
    """
    if isinstance(amount, float | bool):
        raise NotAnAmount(f"{amount!r} is not exact: write a string or a Decimal")
    with localcontext(prec=_DIGITS):
        try:
            value = Decimal(amount) * WAD
        except (ArithmeticError, ValueError, TypeError) as error:
            raise NotAnAmount(f"{amount!r} is not a number") from error
        if not value.is_finite() or value != value.to_integral_value():
            raise NotAnAmount(f"{amount!r} has more than 18 decimals, or is not finite")
        return int(value)


def from_wad(wad: int) -> Decimal:
    """Return an amount of 1e-18 units as a decimal, exactly and without trailing zeros."""
    with localcontext(prec=_DIGITS):
        value = Decimal(wad) / WAD
        return value.quantize(1) if value == value.to_integral_value() else value.normalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps of a market, in units of 1e-18."""

    tick_wad: int
    lot_wad: int

    def ticks(self, price: Amount, rounding: Rounding = Rounding.REFUSE) -> int:
        """Return a price in ticks; a buyer who must not pay more rounds DOWN, a seller UP."""
        return _steps(price, self.tick_wad, rounding, "price")

    def lots(self, size: Amount, rounding: Rounding = Rounding.REFUSE) -> int:
        """Return a size in lots; DOWN never trades more than was asked for."""
        return _steps(size, self.lot_wad, rounding, "size")

    def price(self, ticks: int) -> Decimal:
        """Return what ticks stand for."""
        return from_wad(ticks * self.tick_wad)

    def size(self, lots: int) -> Decimal:
        """Return what lots stand for."""
        return from_wad(lots * self.lot_wad)


def _steps(amount: Amount, step_wad: int, rounding: Rounding, what: str) -> int:
    quotient = Fraction(to_wad(amount), step_wad)
    below = quotient.numerator // quotient.denominator
    if quotient.denominator == 1 or rounding is Rounding.DOWN:
        return below
    if rounding is Rounding.UP:
        return below + 1
    nearest = f"{from_wad(below * step_wad)} or {from_wad((below + 1) * step_wad)}"
    raise NotAnAmount(f"{what} {amount} is not a multiple of {from_wad(step_wad)}: take {nearest}")
