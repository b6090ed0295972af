"""What governance may set: bounds that are code, so not even the owner leaves them.

Each function returns the name of the first parameter that is out of bounds, as the contract says it, or None.
Twins: CollateralBounds.sol, MarketBounds.sol and OracleBounds.sol of solidity/src/libraries/settlement
"""

from collections.abc import Iterable
from typing import Final

from optimistic.protocol.settlement.oracle import WINDOW_S, Feed
from optimistic.protocol.settlement.types import CollateralSettings, Limits, MarketKind, Terms
from optimistic.protocol.settlement.units import LOT_WAD, PIPS, QUANTUM_WAD, WAD

Bound = tuple[str, bool]
"""A parameter, and whether it is within its bounds."""

MIN_HAIRCUT_PIPS: Final = 50_000
MAX_MAINTENANCE_HAIRCUT_PIPS: Final = 500_000
MAX_INITIAL_HAIRCUT_PIPS: Final = 900_000
MAX_ETHER_CAP_WEI: Final = 10**6 * WAD
MIN_HOURLY_PIPS: Final = 10_000
MIN_DAILY_PIPS: Final = 100_000
"""Everything can leave within ten days."""
MAX_HOURLY_FLOOR_WAD: Final = 10**7 * WAD
MAX_DAILY_FLOOR_WAD: Final = 10**8 * WAD

MAX_STEP_WAD: Final = 10**22
MAX_FUTURE_S: Final = 730 * 86_400
MIN_INITIAL_PIPS: Final = 10_000
MAX_SIZE_MARGIN_PIPS: Final = PIPS
MIN_MAINTENANCE_PIPS: Final = 300_000
MAX_MAINTENANCE_PIPS: Final = 900_000
MAX_VOLATILITY_PIPS: Final = 4 * PIPS
MIN_BAND_PIPS: Final = 1_000
MAX_BAND_PIPS: Final = 50_000
MAX_FEE_PIPS: Final = 10_000
MAX_SIZE_WAD: Final = 5 * 10**28
MAX_DEPTH_WAD: Final = 10**8 * WAD
MIN_DEPTH_WAD: Final = WAD
MAX_DEPTH_FLOOR_WAD: Final = 10**6 * WAD
MAX_MIN_NOTIONAL_WAD: Final = 1_000 * WAD

MAX_SIGNERS: Final = 16
MIN_QUORUM: Final = 3
"""Of three the lower median is the middle one: one signer alone never sets the price."""
MIN_JUMP_PIPS: Final = 1_000
MAX_JUMP_PIPS: Final = 200_000
MAX_AGES_S: Final = (120, 300, 600)
"""By `PriceUse`."""


def collateral_out_of_bounds(of: CollateralSettings) -> str | None:
    """Judge how ether shall count and what may leave."""
    least_initial = of.ether_maintenance_haircut_pips
    return _first(
        (
            (
                "etherMaintenanceHaircutPips",
                MIN_HAIRCUT_PIPS <= of.ether_maintenance_haircut_pips <= MAX_MAINTENANCE_HAIRCUT_PIPS,
            ),
            (
                "etherInitialHaircutPips",
                least_initial <= of.ether_initial_haircut_pips <= MAX_INITIAL_HAIRCUT_PIPS,
            ),
            ("etherCapWei", of.ether_cap_wei <= MAX_ETHER_CAP_WEI),
            ("hourlyFloorWad", of.hourly_floor_wad <= MAX_HOURLY_FLOOR_WAD),
            ("hourlyPips", MIN_HOURLY_PIPS <= of.hourly_pips <= PIPS),
            ("dailyFloorWad", of.daily_floor_wad <= MAX_DAILY_FLOOR_WAD),
            ("dailyPips", MIN_DAILY_PIPS <= of.daily_pips <= PIPS),
        )
    )


def terms_out_of_bounds(of: Terms, now_s: int) -> str | None:
    """Judge the terms of a market to be listed at a time."""
    if of.kind is MarketKind.PERPETUAL:
        ends_well = of.expiry == 0
    else:
        ends_well = now_s + WINDOW_S <= of.expiry <= now_s + MAX_FUTURE_S and of.expiry % WINDOW_S == 0
    return _first(
        (
            ("tickWad", _is_step(of.tick_wad, QUANTUM_WAD)),
            ("lotWad", _is_step(of.lot_wad, LOT_WAD)),
            ("expiry", ends_well),
        )
    )


def limits_out_of_bounds(of: Limits) -> str | None:
    """Judge new limits of a market."""
    return _first(
        (
            ("initialPips", MIN_INITIAL_PIPS <= of.initial_pips <= PIPS),
            ("sizeMarginPips", of.size_margin_pips <= MAX_SIZE_MARGIN_PIPS),
            ("maintenancePips", MIN_MAINTENANCE_PIPS <= of.maintenance_pips <= MAX_MAINTENANCE_PIPS),
            ("volatilityPips", PIPS <= of.volatility_pips <= MAX_VOLATILITY_PIPS),
            ("markBandPips", MIN_BAND_PIPS <= of.mark_band_pips <= MAX_BAND_PIPS),
            ("takerFeePips", of.taker_fee_pips <= MAX_FEE_PIPS),
            ("makerFeePips", of.maker_fee_pips <= MAX_FEE_PIPS),
            ("openInterestHighWad", _is_size(of.open_interest_high_wad, of.open_interest_cap_wad)),
            ("openInterestLowWad", _is_size(of.open_interest_low_wad, of.open_interest_high_wad)),
            ("openInterestCapWad", _is_size(of.open_interest_cap_wad, MAX_SIZE_WAD)),
            ("positionCapWad", _is_size(of.position_cap_wad, of.open_interest_cap_wad)),
            ("depthCapWad", of.depth_floor_wad <= of.depth_cap_wad <= MAX_DEPTH_WAD),
            ("depthFloorWad", MIN_DEPTH_WAD <= of.depth_floor_wad <= MAX_DEPTH_FLOOR_WAD),
            ("minNotionalWad", of.min_notional_wad <= MAX_MIN_NOTIONAL_WAD),
        )
    )


def feed_out_of_bounds(of: Feed) -> str | None:
    """Judge a feed: a quorum of at least two thirds, but never of all, and ages that grow with the need."""
    n_signers, ages = len(of.signers), of.max_age_s
    ages_grow = 0 < ages[0] <= ages[1] <= ages[2]
    return _first(
        (
            ("signers", n_signers <= MAX_SIGNERS),
            ("quorum", MIN_QUORUM <= of.quorum < n_signers and 3 * of.quorum >= 2 * n_signers),
            ("maxJumpPips", MIN_JUMP_PIPS <= of.max_jump_pips <= MAX_JUMP_PIPS),
            ("maxAgeS", ages_grow and all(age <= most for age, most in zip(ages, MAX_AGES_S, strict=True))),
        )
    )


def _is_step(value: int, unit: int) -> bool:
    """Whether a tick or a lot is a whole number of units, and not too large."""
    return unit <= value <= MAX_STEP_WAD and value % unit == 0


def _is_size(value_wad: int, most_wad: int) -> bool:
    """Whether a size is a whole number of lots, and not too large."""
    return value_wad <= most_wad and value_wad % LOT_WAD == 0


def _first(bounds: Iterable[Bound]) -> str | None:
    """The first parameter that is out of its bounds."""
    return next((parameter for parameter, is_within in bounds if not is_within), None)
