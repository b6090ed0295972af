"""Terms of the markets that are opened on stages and in tests."""

from typing import Final

from optimistic.protocol.settlement.orders import Steps
from optimistic.protocol.settlement.types import CollateralSettings, FeedId, Limits
from optimistic.protocol.settlement.units import WAD

STEPS: Final = Steps(tick_wad=WAD // 10, lot_wad=WAD // 1_000)
LIMITS: Final = Limits(
    initial_pips=50_000,
    size_margin_pips=1_000,
    maintenance_pips=600_000,
    volatility_pips=1_000_000,
    mark_band_pips=20_000,
    taker_fee_pips=500,
    maker_fee_pips=100,
    open_interest_low_wad=1_000 * WAD,
    open_interest_high_wad=5_000 * WAD,
    open_interest_cap_wad=10_000 * WAD,
    position_cap_wad=1_000 * WAD,
    depth_cap_wad=10_000_000 * WAD,
    depth_floor_wad=100_000 * WAD,
    min_notional_wad=100 * WAD,
)
QUORUM: Final = 3
SIGNERS: Final = 4
FEED: Final = (QUORUM, 200_000, (15, 30, 120))
"""Signers wanted, greatest jump in millionths, greatest ages in seconds by use."""


def collateral(ether_feed: FeedId, ether_cap_wei: int = 1_000 * WAD) -> CollateralSettings:
    """Cash, and ether at the price of a feed, with room to withdraw."""
    return CollateralSettings(
        ether_feed=ether_feed,
        ether_initial_haircut_pips=200_000,
        ether_maintenance_haircut_pips=100_000,
        ether_cap_wei=ether_cap_wei,
        hourly_floor_wad=10_000_000 * WAD,
        hourly_pips=100_000,
        daily_floor_wad=50_000_000 * WAD,
        daily_pips=300_000,
    )
