"""Orders, and the words of the engine: what may be asked of it and how an order ends.

Prices are ticks, quantities are lots, times are milliseconds of the command log; all are integers.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Side(IntEnum):
    """Direction of an order."""

    BUY = 0
    SELL = 1


class TimeInForce(IntEnum):
    """How long an order lives."""

    GTC = 0
    """Until cancelled."""
    GTD = 1
    """Until its `expires_ms`."""
    IOC = 2
    """What does not fill at once is cancelled."""
    FOK = 3
    """All at once or nothing."""


class PostOnly(IntEnum):
    """What becomes of an order that must not take."""

    NO = 0
    REJECT = 1
    """It is refused if it would take."""
    SLIDE = 2
    """Its price moves to one tick behind the best opposite price if it would take."""


class SelfTrade(IntEnum):
    """What happens when an order meets one of the same owner; the order that arrives decides."""

    CANCEL_NEWEST = 0
    CANCEL_OLDEST = 1
    CANCEL_BOTH = 2
    DECREMENT = 3
    """Both lose the smaller quantity without a fill; what is left of either goes on."""


class TriggerSource(IntEnum):
    """The price a stop listens to."""

    LAST = 0
    MARK = 1
    INDEX = 2


class TriggerWhen(IntEnum):
    """On which side of its trigger price an order wakes up."""

    AT_OR_ABOVE = 0
    AT_OR_BELOW = 1


class Reason(StrEnum):
    """Why an order is over, or was never accepted. Every order ends with one."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    MASS_CANCELLED = "mass_cancelled"
    DISCONNECTED = "disconnected"
    DEAD_MAN = "dead_man_switch"
    NONCE_FLOOR = "nonce_floor"
    EXPIRED = "expired"
    IOC_REMAINDER = "ioc_remainder"
    FOK_NOT_FILLED = "fok_not_filled"
    POST_ONLY_WOULD_TAKE = "post_only_would_take"
    REDUCE_ONLY = "reduce_only_would_increase"
    SELF_TRADE = "self_trade"
    TWAP_DONE = "twap_done"
    DUPLICATE_ID = "duplicate_id"
    INVALID = "invalid"
    MARKET_HALTED = "market_halted"
    RISK = "risk"
    BUSTED = "settlement_refused"
    REPLACED_CHANGED = "replaced_order_changed"


MAX_LOTS: Final = 1 << 62
MAX_TICKS: Final = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an order asks for beside price and quantity; shared by orders that ask for the same."""

    time_in_force: TimeInForce = TimeInForce.GTC
    expires_ms: int = 0
    """Of GTD orders only."""
    post_only: PostOnly = PostOnly.NO
    is_reduce_only: bool = False
    self_trade: SelfTrade = SelfTrade.CANCEL_NEWEST
    display: int = 0
    """Lots of an iceberg that show at a time; 0 shows all."""

    @property
    def is_plausible(self) -> bool:
        """Whether the terms make sense together."""
        is_taker = self.time_in_force in (TimeInForce.IOC, TimeInForce.FOK)
        if is_taker and (self.post_only is not PostOnly.NO or self.display):
            return False
        return self.display >= 0 and (self.time_in_force is TimeInForce.GTD) == bool(self.expires_ms)

    @property
    def rests(self) -> bool:
        """Whether what does not trade at once goes into the book."""
        return self.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)


PLAIN: Final = Terms()
"""Good till cancelled and nothing special."""


@dataclass(slots=True, eq=False)
class Order:
    """One order; the engine changes it in place.

    Attributes
    ----------
    id : number the caller chose, of no other live order
    owner : who must not trade with himself
    subaccount : whose position it changes
    price : ticks
    lots : that are still open
    nonce : the owner's, against its floor
    visible : lots that show now, of those open; the engine's
    """

    id: int
    owner: int
    subaccount: int
    side: Side
    price: int
    lots: int
    terms: Terms = PLAIN
    nonce: int = 0
    visible: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """An order that waits for a price: a stop or a take-profit, of a limit order."""

    order: Order
    source: TriggerSource
    when: TriggerWhen
    trigger: int
    """Ticks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twap:
    """A parent that is worked in equal slices of immediate-or-cancel orders.

    A slice that did not fill adds to the next ones, up to three times the regular size.
    """

    order: Order
    """Side, limit price and total; its id names the parent."""
    duration_ms: int
    interval_ms: int
    first_child_id: int
    """Ids from here on, one per slice, belong to the children."""
