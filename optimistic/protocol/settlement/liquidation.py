"""Liquidation: how much of a position is closed, at which price at worst, and what it costs.

For a leg of size q at mark m of a subaccount with equity E and maintenance margin MM:

- bankruptcy price: closing all of it there leaves an equity in [0, |q| x tick)
- zero price: a close there leaves the health E / MM as it was

The worst price is the better of the two for the account, so a close neither makes a loss for others nor
spends the health of the other legs. Sizes are signed as the position is; prices are of one contract.
Source of the zero price: Lighter's documentation of liquidations.
Twin: solidity/src/libraries/settlement/LiquidationMath.sol
"""

from typing import Final, NamedTuple

from optimistic.protocol.settlement.units import (
    PIPS,
    QUANTUM_WAD,
    WAD,
    ceil_div,
    ceil_to,
    floor_div,
    floor_to,
    mul_wad_down,
    mul_wad_up,
    pips_down,
    sqrt_up,
)

STEP_DIVISOR: Final = 5
"""A liquidation closes at least a fifth of a position."""
PENALTY_BASE_WAD: Final = 5 * WAD // 1_000
PENALTY_SIZE_WAD: Final = WAD // 100
"""For as much notional as the book is deep."""
PENALTY_VOLATILITY_DIVISOR: Final = 2
"""The third term is half of volatility x sqrt(notional / depth)."""
PENALTY_MIN_WAD: Final = 25 * WAD // 10_000
PENALTY_MAX_WAD: Final = 5 * WAD // 100
PENALTY_MARGIN_PIPS: Final = 700_000
"""The penalty leaves at least three tenths of the maintenance margin of what is closed."""
REWARD_PIPS: Final = 300_000
"""Part of the penalty for the keeper."""
REWARD_CAP_WAD: Final = 500 * WAD


class Situation(NamedTuple):
    """A leg to close, and the subaccount it belongs to."""

    size_wad: int
    mark_wad: int
    index_price_wad: int
    equity_wad: int
    maintenance_wad: int
    """Of the whole subaccount; more than zero."""
    rate_wad: int
    """Maintenance margin ratio of the leg's market."""


def bankruptcy_price(size_wad: int, mark_wad: int, equity_wad: int, tick_wad: int) -> int:
    """Return the price at which closing a leg leaves an equity of zero, or less than one tick more."""
    if size_wad > 0:
        return ceil_to(mark_wad - floor_div(equity_wad * WAD, size_wad), tick_wad)
    return floor_to(mark_wad + floor_div(equity_wad * WAD, -size_wad), tick_wad)


def zero_price(of: Situation, tick_wad: int) -> int:
    """Return the price at which a close leaves equity / maintenance as it is, on the account's tick."""
    per_contract = mul_wad_down(of.index_price_wad, of.rate_wad)
    discount = floor_div(of.equity_wad * per_contract, of.maintenance_wad)
    if of.size_wad > 0:
        return ceil_to(of.mark_wad - discount, tick_wad)
    return floor_to(of.mark_wad + discount, tick_wad)


def limit_price(of: Situation, tick_wad: int) -> int:
    """Return the worst price of a liquidation.

    Equity counts from zero: what is owed already can be closed at the mark.
    """
    from_zero = of._replace(equity_wad=max(0, of.equity_wad))
    bankruptcy = bankruptcy_price(of.size_wad, of.mark_wad, from_zero.equity_wad, tick_wad)
    zero = zero_price(from_zero, tick_wad)
    return max(zero, bankruptcy) if of.size_wad > 0 else min(zero, bankruptcy)


def spread_price(size_wad: int, price_wad: int, spread_pips: int) -> int:
    """Return a price less (for a long) or plus a spread, on the quantum, in favour of the counterparty."""
    if size_wad > 0:
        return floor_to(floor_div(price_wad * (PIPS - spread_pips), PIPS), QUANTUM_WAD)
    return ceil_to(ceil_div(price_wad * (PIPS + spread_pips), PIPS), QUANTUM_WAD)


def close_size(of: Situation, penalty_rate_wad: int, lot_wad: int, min_notional_wad: int) -> int:
    """Return how much of a leg to close, without sign.

    It is what makes equity cover maintenance margin if it is closed at the mark and the penalty is paid, at
    least a fifth, in whole lots; all of it if less than `min_notional_wad` would be left.

    Parameters
    ----------
    of : the leg; its subaccount is below maintenance margin
    penalty_rate_wad : of closing all of it, the most there can be
    lot_wad, min_notional_wad : of the market
    """
    size = abs(of.size_wad)
    freed = mul_wad_down(of.index_price_wad, of.rate_wad)
    paid = mul_wad_up(of.mark_wad, penalty_rate_wad)
    if freed <= paid:
        return size
    needed = ceil_div((of.maintenance_wad - of.equity_wad) * WAD, freed - paid)
    close = ceil_to(max(needed, ceil_div(size, STEP_DIVISOR)), lot_wad)
    is_dust = mul_wad_down(size - close, of.mark_wad) < min_notional_wad
    return size if close >= size or is_dust else close


def bounded_depth(reported_wad: int, floor_wad: int, cap_wad: int) -> int:
    """Return the reported depth, which nobody can verify, within the bounds of governance; never zero."""
    return max(min(max(0, reported_wad), cap_wad), floor_wad, 1)


def penalty_rate(notional_wad: int, depth_wad: int, volatility_wad: int, rate_wad: int) -> int:
    """Return base + size x N / D + volatility x sqrt(N / D) / 2 in WAD, rounded up; its caps come last.

    Parameters
    ----------
    notional_wad : N, what is closed
    depth_wad : D, what the book takes; more than zero
    volatility_wad : standard deviation of the index per hour
    rate_wad : maintenance margin ratio of the market
    """
    relative = ceil_div(notional_wad * WAD, depth_wad)
    moving = ceil_div(volatility_wad * sqrt_up(relative * WAD), PENALTY_VOLATILITY_DIVISOR * WAD)
    rate = PENALTY_BASE_WAD + mul_wad_up(PENALTY_SIZE_WAD, relative) + moving
    most = min(pips_down(rate_wad, PENALTY_MARGIN_PIPS), PENALTY_MAX_WAD)
    return min(max(rate, PENALTY_MIN_WAD), most)


def penalty(notional_wad: int, penalty_rate_wad: int, equity_wad: int) -> int:
    """Return what a liquidation costs, rounded up; out of positive equity only, so it never makes a debt."""
    return min(mul_wad_up(notional_wad, penalty_rate_wad), max(0, equity_wad))


def reward(penalty_wad: int) -> int:
    """Return the keeper's part of a penalty: always less, if there is one."""
    return min(pips_down(penalty_wad, REWARD_PIPS), REWARD_CAP_WAD)


def liquidation_price(size_wad: int, mark_wad: int, equity_wad: int, maintenance_pips: int) -> int:
    """Return the price at which the only leg of a subaccount may be liquidated, rounded up; 0 if at none.

    Solves E + q (p - m) = |q| p mmf for p. Clients show it; no contract needs it.
    """
    if size_wad > 0:
        owed = size_wad * mark_wad - equity_wad * WAD
        return max(0, ceil_div(owed * PIPS, size_wad * (PIPS - maintenance_pips)))
    held = equity_wad * WAD - size_wad * mark_wad
    return max(0, ceil_div(held * PIPS, -size_wad * (PIPS + maintenance_pips)))
