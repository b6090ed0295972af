"""Liquidation: at which price at worst a position is closed, and what it costs.

For a leg of size q at mark m of a subaccount with equity E and maintenance margin MM:

- bankruptcy price: closing all of it there leaves an equity in [0, |q| x tick)
- zero price: a close there leaves the health E / MM as it was

The worst price is the better of the two, so a close neither makes a loss for others nor spends the health of
the other legs. Source of the zero price: Lighter's documentation of liquidations.
Twin: solidity/src/libraries/settlement/LiquidationMath.sol
"""

from typing import Final

from optimistic.protocol.settlement.units import (
    PIPS,
    WAD,
    ceil_div,
    ceil_to,
    clamp,
    floor_to,
    sqrt_up,
)

PENALTY_BASE_WAD: Final = 5 * WAD // 1_000
PENALTY_SIZE_WAD: Final = WAD // 100
"""Per depth of the book that is liquidated at once."""
PENALTY_VOLATILITY: Final = 2
"""Half of hourly volatility x root of the same."""
PENALTY_MIN_WAD: Final = 25 * WAD // 10_000
PENALTY_MAX_WAD: Final = 5 * WAD // 100
KEEPER_PIPS: Final = 300_000
"""Part of the penalty that the keeper gets, up to a cap."""


def bankruptcy_price(size_wad: int, mark_wad: int, equity_wad: int, tick_wad: int) -> int:
    """Return the price at which closing a leg leaves an equity of zero, or less than one tick more."""
    moved = equity_wad * WAD
    if size_wad > 0:
        return ceil_to(mark_wad - moved // size_wad, tick_wad)
    return floor_to(mark_wad + moved // -size_wad, tick_wad)


def penalty_rate(notional_wad: int, depth_wad: int, volatility_wad: int, maintenance_wad: int) -> int:
    """Return the penalty as a part of the notional in WAD, rounded up: p0 + p1 N / D + p2 s sqrt(N / D).

    Parameters
    ----------
    notional_wad : that is liquidated
    depth_wad : of the book, within governance's bounds; more than 0
    volatility_wad : of the index per hour
    maintenance_wad : maintenance margin ratio; the penalty stays below 70 % of it
    """
    relative = ceil_div(notional_wad * WAD, depth_wad)
    moving = ceil_div(volatility_wad * sqrt_up(relative * WAD), PENALTY_VOLATILITY * WAD)
    rate = PENALTY_BASE_WAD + ceil_div(PENALTY_SIZE_WAD * relative, WAD) + moving
    return clamp(rate, PENALTY_MIN_WAD, min(PENALTY_MAX_WAD, maintenance_wad * 7 // 10))


def penalty(notional_wad: int, rate_wad: int, equity_wad: int) -> int:
    """Return what a liquidation costs, rounded up; out of positive equity only, so it never makes a debt."""
    return min(ceil_div(notional_wad * rate_wad, WAD), max(0, equity_wad))


def liquidation_price(size_wad: int, mark_wad: int, equity_wad: int, maintenance_pips: int) -> int:
    """Return the price at which the only leg of a subaccount may be liquidated, rounded up; 0 if at none.

    Solves E + q (p - m) = |q| p mmf for p. Clients show it; no contract needs it.
    """
    if size_wad > 0:
        owed = size_wad * mark_wad - equity_wad * WAD
        return max(0, ceil_div(owed * PIPS, size_wad * (PIPS - maintenance_pips)))
    return max(
        0, ceil_div((equity_wad * WAD - size_wad * mark_wad) * PIPS, -size_wad * (PIPS + maintenance_pips))
    )
