"""Terms of the markets that are opened on stages and in tests."""

from typing import Final

from optimistic.protocol.settlement.orders import Steps
from optimistic.protocol.settlement.types import Limits
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
