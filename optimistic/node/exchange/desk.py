"""One market inside the exchange: its engine, its visible book, and whether it takes orders."""

from functools import lru_cache

from optimistic.node.exchange.commands import Place
from optimistic.node.exchange.levels import Levels
from optimistic.node.exchange.live import Kind, LiveOrder
from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.events import Rejected
from optimistic.protocol.matching.types import (
    PLAIN,
    Order,
    PostOnly,
    Reason,
    SelfTrade,
    Side,
    Stop,
    Terms,
    TimeInForce,
    Twap,
)
from optimistic.protocol.settlement.orders import POST_ONLY, REDUCE_ONLY, TIME_IN_FORCE_SHIFT
from optimistic.protocol.settlement.types import MarketStatus


class Desk:
    """A market."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.levels = Levels()
        self.status = MarketStatus.OPEN
        """As the chain has it."""
        self.is_stopped = False
        """By the operator."""

    def fit_halt(self) -> None:
        """Let the engine take orders or not, by what chain and operator say."""
        is_open = self.status in (MarketStatus.OPEN, MarketStatus.REDUCE_ONLY)
        self.engine.halt(is_halted=self.is_stopped or not is_open)

    def refuse(self, live: LiveOrder, reason: Reason) -> None:
        """Turn an order away without asking the engine."""
        self.engine.events.append(Rejected(live.id, reason))

    def enter(self, live: LiveOrder, now_ms: int) -> None:
        """Give an order to the engine."""
        command, message = live.message.command, live.message
        side = Side.BUY if live.is_buy else Side.SELL
        terms = terms_of(command) if isinstance(command, Place) else quote_terms(is_maker=command.post_only)
        order = Order(
            live.id, message.owner_key, command.subaccount, side, live.ticks, live.lots, terms, command.nonce
        )
        if not isinstance(command, Place) or live.kind is Kind.LIMIT:
            self.engine.place(order)
        elif command.trigger is not None:
            trigger = command.trigger
            self.engine.place_stop(
                Stop(order=order, source=trigger.source, when=trigger.when, trigger=trigger.ticks)
            )
        elif command.slices is not None:
            slices = command.slices
            twap = Twap(
                order=order,
                duration_ms=slices.duration_ms,
                interval_ms=slices.interval_ms,
                first_child_id=live.id + 1,
            )
            self.engine.place_twap(twap, now_ms)


def kind_of(place: Place) -> Kind:
    """Return how an order enters the book."""
    if place.trigger is not None:
        return Kind.STOP
    return Kind.LIMIT if place.slices is None else Kind.TWAP


def n_slices(place: Place) -> int:
    """Return how many slices an order is worked in; 0: it is no parent."""
    slices = place.slices
    return 0 if slices is None else max(1, slices.duration_ms // slices.interval_ms)


def terms_of(place: Place) -> Terms:
    """Return what an order asks of the engine; its end in time is the exchange's own business."""
    if not place.flags and not place.display and not place.self_trade:
        return PLAIN
    return _terms(place.flags, place.self_trade, place.display)


def quote_terms(*, is_maker: bool) -> Terms:
    """Return what quotes ask of the engine."""
    return _terms(POST_ONLY if is_maker else 0, SelfTrade.CANCEL_NEWEST, display=0)


@lru_cache(maxsize=4_096)
def _terms(flags: int, self_trade: SelfTrade, display: int) -> Terms:
    """The engine never slides an order: it would trade at a price that nobody signed."""
    kind = TimeInForce(flags >> TIME_IN_FORCE_SHIFT)
    return Terms(
        time_in_force=TimeInForce.GTC if kind is TimeInForce.GTD else kind,
        post_only=PostOnly.REJECT if flags & POST_ONLY else PostOnly.NO,
        is_reduce_only=bool(flags & REDUCE_ONLY),
        self_trade=self_trade,
        display=display,
    )
