"""What an operator may set of the exchange."""

from dataclasses import dataclass, field

from optimistic.protocol.errors import InvalidInput
from optimistic.service.wal import SyncPolicy


class InvalidExchangeOptions(InvalidInput):
    """Options the exchange cannot run with; the text names all problems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimits:
    """What an order may be."""

    max_lifetime_s: int = 90 * 86_400
    """From now to the signed expiry."""
    settle_margin_s: int = 10
    """An order ends here this long before its signed expiry, so that its last trade still settles."""
    price_band_pips: int = 100_000
    """How far beyond the mark an order may take, in millionths."""
    max_notional_wad: int = 10**8 * 10**18
    """Of one order."""
    max_per_owner: int = 2_000
    """Live orders."""
    max_per_market: int = 200_000
    max_leaves: int = 256
    """Orders under one signature."""
    max_slices: int = 2_880
    """Of a parent that is worked in slices."""
    max_parents: int = 100
    """Live parents of an owner: they cost a slice each time, and reduce-only ones need no margin."""
    min_slice_ms: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementOptions:
    """How trades are gathered into L2 transactions."""

    max_trades: int = 200
    max_age_ms: int = 250
    """Trades wait no longer for others."""
    max_in_flight: int = 4
    """Transactions that wait for their block."""
    max_unsettled: int = 50_000
    """Trades on their way to the chain; beyond, orders are refused."""
    gas_limit: int = 8_300_000
    """Of one transaction."""
    max_estimate_gas: int = 7_000_000
    """Batches are cut where their estimate reaches this."""
    gas_base: int = 300_000
    gas_per_trade: int = 18_000
    gas_per_order: int = 30_000
    """With a storage slot of its own for what is filled."""
    gas_per_leaf: int = 7_000
    """Four share a slot."""
    gas_per_subaccount: int = 40_000
    gas_per_position: int = 95_000
    """In another market than that of the trade: its refresh and its margin."""
    max_bytes: int = 60_000
    """Of one batch."""
    max_fee_wei: int = 2_000_000_000
    """Per gas, for the exchange's transactions."""
    resend_ms: int = 2_000
    """A transaction without a block is handed to the node again after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOptions:
    """All of them."""

    sync_policy: SyncPolicy = SyncPolicy.GROUP
    """each: answers wait for the medium; group: the medium follows as fast as it can, answers do not wait;
    none: never. A killed process loses nothing under any of them."""
    segment_bytes: int = 16 << 20
    snapshot_every: int = 200_000
    """Records of the log between two snapshots."""
    nonce_window: int = 4_096
    """Nonces remembered per owner."""
    client_id_window: int = 100_000
    """Names of orders remembered, for answers to repeated commands."""
    kept_events: int = 200_000
    """What owners were told lately and can be told again, also after a restart."""
    max_dead_man_ms: int = 86_400_000
    refuse_stale_prices: bool = True
    """Refuse orders that may add risk while the chain would refuse them for the age of the price."""
    orders: OrderLimits = field(default_factory=OrderLimits)
    settlement: SettlementOptions = field(default_factory=SettlementOptions)

    def check(self) -> None:
        """Check that the numbers make sense together.

        Raises
        ------
        InvalidExchangeOptions : names every problem
        """
        bounds = (
            ("segment_bytes", self.segment_bytes, 1 << 10, 1 << 30),
            ("snapshot_every", self.snapshot_every, 1, 1 << 40),
            ("nonce_window", self.nonce_window, 1, 1 << 20),
            ("client_id_window", self.client_id_window, 1, 1 << 24),
            ("kept_events", self.kept_events, 1, 1 << 30),
            ("orders.settle_margin_s", self.orders.settle_margin_s, 0, 3_600),
            ("orders.max_leaves", self.orders.max_leaves, 1, 1 << 16),
            ("orders.max_slices", self.orders.max_slices, 1, 1 << 16),
            ("settlement.max_trades", self.settlement.max_trades, 1, 65_535),
            ("settlement.max_in_flight", self.settlement.max_in_flight, 1, 256),
            ("settlement.max_unsettled", self.settlement.max_unsettled, 1, 1 << 24),
            ("settlement.max_bytes", self.settlement.max_bytes, 2_000, 100_000),
        )
        problems = [
            f"{name} must lie in {low}..{high}, not {value}"
            for name, value, low, high in bounds
            if not low <= value <= high
        ]
        if problems:
            raise InvalidExchangeOptions("; ".join(problems))
