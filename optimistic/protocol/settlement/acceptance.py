"""Which changes of a portfolio may happen: those it can afford, and those that only make it safer.

accept <=> E_IM' >= IM'  or  reducing and E' x MM >= E x MM' and E' - MM' >= E - MM

where reducing means that no leg grows or turns. The last inequality keeps a bad-priced close from handing
value to an accomplice (after validate_state_transition of StarkEx perpetual, tightened).
Twin: solidity/src/libraries/settlement/MarginMath.sol
"""

from collections.abc import Iterable
from typing import Final

from optimistic.protocol.settlement.margin import Margin
from optimistic.protocol.settlement.units import WAD, ceil_div, clamp, mul_wad_up, sqrt_up

BUFFER_DEVIATIONS: Final = 10
"""Moves within minutes have far heavier tails than a normal distribution."""
BUFFER_MIN_WAD: Final = 15 * WAD // 1_000
BUFFER_MAX_WAD: Final = 18 * WAD // 100
BUFFER_DELAY_S: Final = 60
"""Until a withdrawal is looked at again; added to the age of the price."""


def is_reduction(before_wad: int, after_wad: int) -> bool:
    """Return whether a leg only shrinks: the same side or closed, and no larger."""
    return abs(after_wad) <= abs(before_wad) and before_wad * after_wad >= 0


def is_reducing(legs: Iterable[tuple[int, int]]) -> bool:
    """Return whether all legs, given as sizes before and after, only shrink."""
    return all(is_reduction(before, after) for before, after in legs)


def is_no_worse(before: Margin, after: Margin) -> bool:
    """Return whether neither health (E / MM) nor excess (E - MM) falls.

    Without positions before, the second says that equity does not fall.
    """
    ratio_kept = after.equity_wad * before.maintenance_wad >= before.equity_wad * after.maintenance_wad
    return ratio_kept and (
        after.equity_wad - after.maintenance_wad >= before.equity_wad - before.maintenance_wad
    )


def is_accepted(before: Margin, after: Margin, *, reducing: bool) -> bool:
    """Return whether a trade may take a portfolio from `before` to `after`."""
    return after.is_initial_met or (reducing and is_no_worse(before, after))


def buffer_rate(hourly_volatility_wad: int, age_s: int) -> int:
    """Return how far a price may move before a withdrawal is looked at again, as a rate in WAD, rounded up.

    Ten deviations over the age of the price and the delay, within bounds.
    """
    hours_wad = ceil_div((age_s + BUFFER_DELAY_S) * WAD, 3_600)
    move = mul_wad_up(BUFFER_DEVIATIONS * hourly_volatility_wad, sqrt_up(hours_wad * WAD))
    return clamp(move, BUFFER_MIN_WAD, BUFFER_MAX_WAD)


def withdrawable(margin: Margin, gross_notional_wad: int, buffer_wad: int) -> int:
    """Return what cash may leave: initial equity above the greater of IM and a tenth of all notional.

    Parameters
    ----------
    margin : of the subaccount now
    gross_notional_wad : sum over its legs
    buffer_wad : for moves until the withdrawal is checked again
    """
    floor_wad = max(margin.initial_wad, ceil_div(gross_notional_wad, 10))
    return max(0, margin.initial_equity_wad - floor_wad - buffer_wad)
