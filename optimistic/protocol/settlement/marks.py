"""What a contract is worth between trades.

It is the index, moved by the average basis of settled trades if the reported book agrees. All prices are
positive and at most 10^27.

Twin: solidity/src/libraries/settlement/Marks.sol
"""

from typing import Final

from optimistic.protocol.settlement.averages import moved
from optimistic.protocol.settlement.units import (
    PIPS,
    QUANTUM_WAD,
    WAD,
    ceil_div,
    ceil_to,
    clamp,
    floor_div,
    floor_to,
    median3,
    trunc_div,
)

BASIS_CAP_WAD: Final = WAD // 100
"""A trade moves the average basis as if it were at most 1 % from the index."""
BASIS_DECAY_WAD: Final = 993_355_506_255_034_415
"""e^(-1/150): the basis forgets in 150 s."""
BASIS_STEP_S: Final = 15
"""The trades of a batch stand for at most so long: a single one after a quiet hour is not the whole hour."""
VARIANCE_DECAY_WAD: Final = 999_722_260_798_897_138
"""e^(-1/3600): the variance forgets in an hour."""
RETURN_CAP_WAD: Final = 10 * WAD
VARIANCE_CAP_WAD: Final = WAD
"""A return counts as at most tenfold, and a variance as at most one: 100 % per hour."""
REPORT_AGE_S: Final = 60
"""A report of the book counts for so long."""
HOUR_S: Final = 3_600


def is_current(reported_at: int, priced_at: int) -> bool:
    """Return whether a report counts at the time of a price."""
    return reported_at != 0 and priced_at <= reported_at + REPORT_AGE_S


def book_price(index_wad: int, bid_wad: int, ask_wad: int, last_wad: int) -> int:
    """Return the last trade (the index if there was none), held between bid and ask; 0 for an empty side."""
    price = last_wad or index_wad
    if price < bid_wad:
        return bid_wad
    return min(price, ask_wad) if ask_wad else price


def mark(index_wad: int, basis_wad: int, book_wad: int, band_pips: int) -> int:
    """Return the median of index, index moved by the basis, and book; within the band and on the quantum."""
    smoothed = trunc_div(index_wad * (WAD + basis_wad), WAD)
    low = ceil_to(ceil_div(index_wad * (PIPS - band_pips), PIPS), QUANTUM_WAD)
    high = floor_to(floor_div(index_wad * (PIPS + band_pips), PIPS), QUANTUM_WAD)
    return clamp(floor_to(median3(smoothed, book_wad, index_wad), QUANTUM_WAD), low, high)


def basis_sample(index_wad: int, vwap_wad: int, impact_bid_wad: int, impact_ask_wad: int) -> int:
    """Return what trades say about the basis, in WAD toward zero.

    Their distance from the index; averaged with that of the middle of the impact prices, unless one is 0.
    """
    sample = _basis(index_wad, vwap_wad)
    if impact_bid_wad and impact_ask_wad:
        middle = trunc_div(impact_bid_wad + impact_ask_wad, 2)
        sample = trunc_div(sample + _basis(index_wad, middle), 2)
    return sample


def moved_basis(basis_wad: int, sample_wad: int, elapsed_s: int) -> int:
    """Return the average basis after a sample: for the time since the last one, at most BASIS_STEP_S."""
    return moved(basis_wad, sample_wad, BASIS_DECAY_WAD, min(elapsed_s, BASIS_STEP_S))


def moved_variance(variance_wad: int, last_wad: int, index_wad: int, elapsed_s: int) -> int:
    """Return the variance of the index per hour after a new price, in WAD.

    It is the mean, decaying in an hour, of r^2 x 3600 / t over the steps between prices; their time is not 0.
    """
    gain = clamp(trunc_div((index_wad - last_wad) * WAD, last_wad), -RETURN_CAP_WAD, RETURN_CAP_WAD)
    sample = clamp(gain * gain * HOUR_S // (WAD * elapsed_s), 0, VARIANCE_CAP_WAD)
    return moved(variance_wad, sample, VARIANCE_DECAY_WAD, elapsed_s)


def _basis(index_wad: int, price_wad: int) -> int:
    """Distance from the index in WAD, toward zero, within the cap."""
    return clamp(trunc_div((price_wad - index_wad) * WAD, index_wad), -BASIS_CAP_WAD, BASIS_CAP_WAD)
