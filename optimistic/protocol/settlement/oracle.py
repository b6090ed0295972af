"""The price oracle: which signed observations make a price, and how old a price may be for what.

Observations of one push are sorted by signer; the price is their lower median, rounded down to the quantum,
and its time is that of the oldest.
Twins: OraclePrices.sol and Observations.sol of solidity/src/libraries/settlement
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from optimistic.protocol.constants import PRICE_ORACLE
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.settlement.types import FeedId, PriceUse
from optimistic.protocol.settlement.units import PIPS, QUANTUM_WAD, floor_to
from optimistic.protocol.types import Address, Hash32

_DOMAIN_TYPE: Final = keccak256(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_OBSERVATION_TYPE: Final = keccak256(b"Observation(uint32 feed,uint256 priceWad,uint64 timestamp)")
_NAME: Final = keccak256(b"PriceOracle")
_VERSION: Final = keccak256(b"1")
AVERAGE_S: Final = 300
"""The stretch of the average that the breaker compares with."""
WINDOW_S: Final = 1_800
"""The stretch of a settlement price; half hours begin at its multiples."""
_EXPECTED_WINDOWS: Final = 48
"""Half hours looked through for a settlement price before one is expected of the running one: a day."""
MIN_PRICES: Final = 30
MAX_GAP_S: Final = 180
_UNKNOWN_GAP_S: Final = (1 << 32) - 1
"""A half hour counts if it had so many prices, and no two of them were further apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Governance's setting of a feed."""

    quorum: int
    max_jump_pips: int
    """A larger move from the last price needs all signers."""
    max_age_s: tuple[int, int, int]
    """Greatest age by `PriceUse`."""
    signers: tuple[Address, ...] = ()


def domain_separator(chain_id: int) -> Hash32:
    """Return the EIP-712 domain of the price oracle on a chain."""
    return keccak256(abi_words(_DOMAIN_TYPE, _NAME, _VERSION, chain_id, PRICE_ORACLE))


def observation_digest(domain: Hash32, feed: FeedId, price_wad: int, timestamp: int) -> Hash32:
    """Return what a signer of a feed signs; `timestamp` in seconds."""
    struct = keccak256(abi_words(_OBSERVATION_TYPE, feed, price_wad, timestamp))
    return keccak256(b"\x19\x01" + domain + struct)


def median_down(prices_wad: Sequence[int]) -> int:
    """Return the lower median, rounded down to the quantum."""
    ordered = sorted(prices_wad)
    return floor_to(ordered[(len(ordered) - 1) // 2], QUANTUM_WAD)


def is_jump(price_wad: int, last_wad: int, max_jump_pips: int) -> bool:
    """Return whether a price is further from the last one than a quorum may move it."""
    return abs(price_wad - last_wad) * PIPS > last_wad * max_jump_pips


def breaks(price_wad: int, average_wad: int) -> bool:
    """Return whether a price is further from the average of five minutes than half of it."""
    return 2 * abs(price_wad - average_wad) > average_wad


def moved_average(average_wad: int, last_wad: int, elapsed_s: int) -> int:
    """Return the average of about five minutes after the last price has stood for some more seconds.

    Rounded down; after five minutes it is the last price.
    """
    if elapsed_s >= AVERAGE_S:
        return last_wad
    return (average_wad * (AVERAGE_S - elapsed_s) + last_wad * elapsed_s) // AVERAGE_S


def window_end(time: int) -> int:
    """Return the end of the half hour in which a time lies; a multiple of half an hour begins the next."""
    return (time // WINDOW_S + 1) * WINDOW_S


def window_average(integral: int, n_prices: int, max_gap_s: int) -> int:
    """Return the average of a half hour, rounded down to the quantum; 0 if it does not count.

    Parameters
    ----------
    integral : price x seconds over the half hour, each price standing until the next one
    n_prices : that were accepted in it
    max_gap_s : longest time without a price that touches it
    """
    if n_prices < MIN_PRICES or max_gap_s > MAX_GAP_S:
        return 0
    return window_mean(integral)


def window_mean(integral: int) -> int:
    """Return an integral over a half hour as a price, rounded down to the quantum."""
    return integral // (WINDOW_S * QUANTUM_WAD) * QUANTUM_WAD


@dataclass(frozen=True, slots=True)
class Averages:
    """What a feed averages, as of its last price."""

    average_wad: int = 0
    """Of about five minutes."""
    integral: int = 0
    """Price x seconds of the half hour so far."""
    n_prices: int = 0
    max_gap_s: int = 0
    """Longest time without a price within the half hour."""


def first_averages(price_wad: int, time: int) -> Averages:
    """Return the averages after the first price of a feed.

    As if it had stood from the beginning of the half hour, which does not count.
    """
    return Averages(price_wad, price_wad * (time % WINDOW_S), 1, _UNKNOWN_GAP_S)


def moved_averages(
    averages: Averages, last: tuple[int, int], time: int
) -> tuple[Averages, tuple[int, int] | None]:
    """Let the last price stand until the time of a new one.

    Parameters
    ----------
    averages : as of the last price
    last : the last price and its time
    time : of the new price, later

    Returns
    -------
    The averages, and the end and the average of the half hour that is over, if one is (0: it does not count)
    """
    price, since = last
    average = moved_average(averages.average_wad, price, time - since)
    end, window = window_end(since), None
    if time >= end:
        old = _stood(averages, price, end - since)
        window = end, window_average(old.integral, old.n_prices, old.max_gap_s)
        averages, since = Averages(), window_end(time) - WINDOW_S
    new = _stood(averages, price, time - since)
    return replace(new, average_wad=average, n_prices=new.n_prices + 1), window


def _stood(averages: Averages, price_wad: int, elapsed_s: int) -> Averages:
    """Let a price stand for some seconds of one half hour."""
    return replace(
        averages,
        integral=averages.integral + price_wad * elapsed_s,
        max_gap_s=max(averages.max_gap_s, elapsed_s),
    )


def expected_settlement(
    averages: Averages, windows: Mapping[int, int], last: tuple[int, int], expiry: int
) -> int:
    """Return what a future would settle at if the last price stood; rounded down to the quantum.

    The average of the first half hour that counts, from the one before the expiry on, and otherwise that of
    the half hour of the last price. It is the last price when that half hour begins.

    Parameters
    ----------
    averages : as of the last price
    windows : averages of half hours that count, by their end
    last : the last price and its time
    expiry : a multiple of half an hour
    """
    price, since = last
    for end in range(expiry, min(since, expiry + (_EXPECTED_WINDOWS - 1) * WINDOW_S) + 1, WINDOW_S):
        if end in windows:
            return windows[end]
    return window_mean(averages.integral + price * (window_end(since) - since))


def is_fresh(feed: Feed, timestamp: int, use: PriceUse, now: int) -> bool:
    """Return whether a price of this time may be used now; its age may equal the greatest one."""
    return timestamp != 0 and now <= timestamp + feed.max_age_s[use]
