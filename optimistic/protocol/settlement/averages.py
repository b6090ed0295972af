"""Averages in which the past decays exponentially with time.

Twin: solidity/src/libraries/settlement/Ewma.sol
"""

from optimistic.protocol.settlement.units import WAD, trunc_div


def decayed(per_second_wad: int, elapsed_s: int) -> int:
    """Return what is left of one after some seconds: a power by squaring, each product rounded down, in WAD.

    Parameters
    ----------
    per_second_wad : what is left after one second
    elapsed_s : seconds
    """
    left = WAD
    while elapsed_s and left:
        if elapsed_s & 1:
            left = left * per_second_wad // WAD
        per_second_wad = per_second_wad * per_second_wad // WAD
        elapsed_s >>= 1
    return left


def moved(average_wad: int, sample_wad: int, per_second_wad: int, elapsed_s: int) -> int:
    """Return the average after a sample that stands for the last seconds.

    What is left of the difference is rounded toward zero, so the average stays between what it was and the
    sample.
    """
    return sample_wad + trunc_div((average_wad - sample_wad) * decayed(per_second_wad, elapsed_s), WAD)
