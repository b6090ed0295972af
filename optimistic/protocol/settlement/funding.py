"""What longs pay shorts of a perpetual (negative: receive).

Funding accrues from price to price; the rate of an hour is that of the premium averaged over the hour before.
Twin: solidity/src/libraries/settlement/Funding.sol
"""

from typing import Final, NamedTuple

from optimistic.protocol.settlement.units import PIPS, WAD, clamp, trunc_div

INTEREST_WAD: Final = WAD // 10_000
"""i: 0.01 % per eight hours."""
DAMPER_WAD: Final = WAD // 2_000
"""The interest moves the rate by at most 0.05 %."""
PREMIUM_CAP_WAD: Final = WAD // 50
"""One report counts for at most 2 %."""
RATE_CAP_WAD: Final = WAD // 25
"""At most 0.5 % per hour."""
EIGHT_HOURS_S: Final = 28_800
HOUR_S: Final = 3_600
OUTAGE_S: Final = 600
"""After the last price funding goes on for ten minutes."""


class Funding(NamedTuple):
    """Funding of a market."""

    cumulative_wad: int = 0
    """What one long contract has paid since the beginning, to the wei."""
    rate_wad: int = 0
    """Of this hour, per eight hours."""
    premium_sum_wad: int = 0
    """Premium x seconds of this hour so far."""


class Premium(NamedTuple):
    """A reported premium and when it ceases to count."""

    wad: int
    until: int


def premium(index_wad: int, impact_bid_wad: int, impact_ask_wad: int) -> int:
    """Return (max(0, impactBid - I) - max(0, I - impactAsk)) / I in WAD, toward zero, within 2 %.

    A side without depth (0) says nothing.
    """
    over = max(0, impact_bid_wad - index_wad)
    if impact_ask_wad:
        over -= max(0, index_wad - impact_ask_wad)
    return clamp(trunc_div(over * WAD, index_wad), -PREMIUM_CAP_WAD, PREMIUM_CAP_WAD)


def rate_8h(premium_wad: int, cap_wad: int) -> int:
    """Return P + clamp(i - P, 0.05 %) in WAD per eight hours, within the cap."""
    interest = clamp(INTEREST_WAD - premium_wad, -DAMPER_WAD, DAMPER_WAD)
    return clamp(premium_wad + interest, -cap_wad, cap_wad)


def rate_cap(initial_pips: int, maintenance_pips: int) -> int:
    """Return eight times the hourly cap min(0.5 %, 6 (IMF - MMF) / 8) in WAD; exact."""
    return min(6 * initial_pips * (PIPS - maintenance_pips) * (WAD // PIPS**2), RATE_CAP_WAD)


def accrual(index_wad: int, rate_wad: int, elapsed_s: int) -> int:
    """Return what a long contract pays in this time: I x r8 x t / 28,800, toward zero to the wei."""
    return trunc_div(index_wad * rate_wad * elapsed_s, WAD * EIGHT_HOURS_S)


def advance(
    funding: Funding, index_wad: int, reported: Premium, times: tuple[int, int], cap_wad: int
) -> Funding:
    """Return funding after the stretch from one price to the next.

    Only the first ten minutes are paid. An hour, or a part of one, without a report has premium zero.

    Parameters
    ----------
    funding : at the first price
    index_wad : the first price
    reported : the premium in between
    times : of the two prices, in seconds
    cap_wad : `rate_cap` of the market
    """
    start, stop = times
    paid = min(stop - start, OUTAGE_S)
    end = (start // HOUR_S + 1) * HOUR_S
    cumulative, rate = funding.cumulative_wad, funding.rate_wad
    if stop < end:
        return Funding(
            cumulative + accrual(index_wad, rate, paid),
            rate,
            funding.premium_sum_wad + reported.wad * covered(start, stop, reported.until),
        )
    before = min(paid, end - start)
    cumulative += accrual(index_wad, rate, before)
    total = funding.premium_sum_wad + reported.wad * covered(start, end, reported.until)
    rate = rate_8h(trunc_div(total, HOUR_S), cap_wad)
    cumulative += accrual(index_wad, rate, paid - before)
    hour = stop - stop % HOUR_S
    if hour != end:
        rate = rate_8h(0, cap_wad)
    return Funding(cumulative, rate, reported.wad * covered(hour, stop, reported.until))


def covered(start: int, stop: int, until: int) -> int:
    """Return how many seconds of a stretch lie before `until`."""
    return max(0, min(stop, until) - start)
