"""Standard margin: what a portfolio of perpetuals and dated futures needs. Requirements round up.

A leg of size q at index price S has the notional N = |q| x S, exact by the quantum rule, and needs

- maintenance  N x mmf,  mmf = imf0 x maintenance x volatility
- initial      N x imf,  imf = clamp(imf0 x volatility + imfK x sqrt(N / 10^6), imf0, 1), then
  imf + (1 - imf) x clamp((OI - low) / (high - low), 0, 1) for the open interest OI of the market.

Maintenance margin does not grow with the open interest: trades of others liquidate nobody.
Twin: solidity/src/libraries/settlement/MarginMath.sol
"""

from typing import NamedTuple

from optimistic.protocol.settlement.types import Limits
from optimistic.protocol.settlement.units import PIPS, WAD, ceil_div, exact, sqrt_up

_PIP_WAD = WAD // PIPS


class Ratios(NamedTuple):
    """The margin ratios of one market, worked out once until its limits or its open interest change."""

    base_wad: int
    """Initial ratio of a small position in a calm market."""
    scaled_wad: int
    """The same in the present volatility."""
    size_pips: int
    """Growth of the initial ratio per root of a million of notional."""
    maintenance_wad: int
    crowd: int
    """How far the open interest is into its range, as a fraction of `crowd_span`."""
    crowd_span: int


def ratios(limits: Limits, open_interest_wad: int) -> Ratios:
    """Return the ratios of a market.

    Parameters
    ----------
    limits : of the market
    open_interest_wad : sum of its long positions, in contracts
    """
    span = limits.open_interest_high_wad - limits.open_interest_low_wad
    return Ratios(
        base_wad=limits.initial_pips * _PIP_WAD,
        scaled_wad=limits.initial_pips * limits.volatility_pips * (_PIP_WAD // PIPS),
        size_pips=limits.size_margin_pips,
        maintenance_wad=maintenance_ratio(limits),
        crowd=max(0, min(open_interest_wad - limits.open_interest_low_wad, span)),
        crowd_span=span,
    )


def maintenance_ratio(limits: Limits) -> int:
    """Return the maintenance margin ratio of a market in WAD; exact, at most one."""
    return min(WAD, limits.initial_pips * limits.maintenance_pips * limits.volatility_pips)


def initial_ratio(of: Ratios, notional_wad: int) -> int:
    """Return the initial margin ratio of a leg in WAD, rounded up, at most one."""
    ratio = max(of.base_wad, of.scaled_wad + of.size_pips * sqrt_up(notional_wad))
    if ratio >= WAD:
        return WAD
    if of.crowd:
        ratio += ceil_div((WAD - ratio) * of.crowd, of.crowd_span)
    return ratio


def notional(size_wad: int, index_price_wad: int) -> int:
    """Return |q| x S; exact."""
    return exact(abs(size_wad), index_price_wad)


def initial_margin(of: Ratios, notional_wad: int) -> int:
    """Return what a leg of this notional needs to be taken on, rounded up."""
    return ceil_div(notional_wad * initial_ratio(of, notional_wad), WAD)


def maintenance_margin(of: Ratios, notional_wad: int) -> int:
    """Return what a leg of this notional needs to be kept, rounded up."""
    return ceil_div(notional_wad * of.maintenance_wad, WAD)


class Margin(NamedTuple):
    """Equity of a portfolio with the haircuts of initial and of maintenance margin, and both requirements."""

    initial_equity_wad: int
    equity_wad: int
    initial_wad: int
    maintenance_wad: int

    @property
    def is_initial_met(self) -> bool:
        """Whether new risk may be taken on."""
        return self.initial_equity_wad >= self.initial_wad

    @property
    def is_maintained(self) -> bool:
        """Whether equity covers maintenance margin: then the portfolio is safe from liquidation."""
        return self.equity_wad >= self.maintenance_wad


def collateral_value(amount_wei: int, cap_wei: int, price_wad: int, haircut_pips: int) -> int:
    """Return what ether counts as margin, rounded down once.

    Parameters
    ----------
    amount_wei : that the subaccount holds
    cap_wei : more counts for nothing
    price_wad : of one ether
    haircut_pips : of initial or of maintenance margin
    """
    return min(amount_wei, cap_wei) * price_wad * (PIPS - haircut_pips) // (WAD * PIPS)
