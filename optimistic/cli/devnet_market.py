"""What a devnet's exchange trades, and the keys of those who trade there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.orders import Steps
from optimistic.protocol.settlement.types import (
    CollateralSettings,
    FeedId,
    Limits,
    MarketKind,
    Terms,
)
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import Address
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.market_opening import FeedOpening, MarketOpening, Opening
from optimistic.service.signer import Signer

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
MAX_JUMP_PIPS: Final = 200_000
MAX_AGES_S: Final = (15, 30, 120)
_FEED: Final = FeedId(1)
_BACKSTOP_WAD: Final = 1_000_000 * WAD
_FIRST_TRADER: Final = 6
"""Of the development keys; those before it run the rollup."""


def trading_keys() -> dict[str, bytes]:
    """Return the keys of traders, price signers and the reporter of books by name; see `funded`."""
    signers = [keccak256(b"devnet price signer %d" % number) for number in (2, 3, 4)]
    names = ("maker", "keeper", "trader", "signer-1", "signer-2", "signer-3", "signer-4", "reporter")
    reporter = keccak256(b"devnet reporter")
    return dict(zip(names, [*dev_keys()[_FIRST_TRADER:], *signers, reporter], strict=True))


def opening() -> Opening:
    """Return one perpetual on one feed of four signers, with a reporter of its book."""
    signers = [Signer(key).address for name, key in trading_keys().items() if name.startswith("signer")]
    feed = FeedOpening(
        number=_FEED,
        quorum=QUORUM,
        max_jump_pips=MAX_JUMP_PIPS,
        max_ages_s=MAX_AGES_S,
        signers=tuple(signers),
    )
    terms = Terms(feed=_FEED, kind=MarketKind.PERPETUAL, expiry=0, **STEPS._asdict())
    market = MarketOpening(terms=terms, limits=LIMITS, backstop_wad=_BACKSTOP_WAD)
    return Opening(
        feeds=(feed,),
        reporter=Signer(trading_keys()["reporter"]).address,
        markets=(market,),
        collateral=collateral(FeedId(0), ether_cap_wei=0),
    )


def collateral(ether_feed: FeedId, ether_cap_wei: int = 1_000 * WAD) -> CollateralSettings:
    """Return cash, and ether at the price of a feed, with room to withdraw."""
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


def funded(keys: Mapping[str, bytes]) -> list[Address]:
    """Return who gets ether on L2: all but the price signers that do not push."""
    return [Signer(key).address for name, key in keys.items() if name == "reporter" or key in dev_keys()]


def write_keys(folder: Path, keys: Mapping[str, bytes]) -> None:
    """Write each key to a file that only this account reads."""
    folder.mkdir()
    for name, key in keys.items():
        path = folder / f"{name}.key"
        path.touch(mode=0o600)
        path.write_text(key.hex(), encoding="ascii")
