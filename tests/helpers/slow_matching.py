"""A matching engine to compare with: one list of orders, searched anew for every step.

It says less than the real one: fills, what rests in which order, and how orders end.
"""

from copy import deepcopy
from dataclasses import dataclass, field, replace

from optimistic.protocol.matching.types import (
    Order,
    PostOnly,
    Reason,
    SelfTrade,
    Side,
    TimeInForce,
)


@dataclass
class SlowOrder:
    """An order of the list; `arrival` decides among equal prices."""

    order: Order
    arrival: int
    visible: int


@dataclass
class SlowEngine:
    """The rules written for reading."""

    book: list[SlowOrder] = field(default_factory=list)
    positions: dict[int, int] = field(default_factory=dict)
    fills: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(maker, taker, price, lots)."""
    ended: list[tuple[int, Reason, int]] = field(default_factory=list)
    refused: list[tuple[int, Reason]] = field(default_factory=list)
    arrivals: int = 0

    def queue(self, side: Side) -> list[SlowOrder]:
        """Return one side, best first."""
        sign = -1 if side is Side.BUY else 1
        return sorted(
            (entry for entry in self.book if entry.order.side is side),
            key=lambda entry: (sign * entry.order.price, entry.arrival),
        )

    def find(self, id_: int) -> SlowOrder | None:
        """Return a resting order."""
        return next((entry for entry in self.book if entry.order.id == id_), None)

    def place(self, order: Order) -> None:
        """Take an order in, or refuse it."""
        order = replace(order)
        reason = Reason.DUPLICATE_ID if self.find(order.id) else self.fit(order)
        if reason is not None:
            self.refused.append((order.id, reason))
        else:
            self.run(order)

    def fit(self, order: Order) -> Reason | None:
        """Change an order to what may enter; return why nothing may."""
        terms = order.terms
        if terms.is_reduce_only:
            allowed = self.reducible(order)
            if allowed == 0:
                return Reason.REDUCE_ONLY
            order.lots = min(order.lots, allowed)
        facing = [entry for entry in self.queue(Side(1 - order.side)) if crosses(order, entry)]
        if terms.post_only is not PostOnly.NO and facing:
            if terms.post_only is PostOnly.REJECT:
                return Reason.POST_ONLY_WOULD_TAKE
            order.price = facing[0].order.price + (-1 if order.side is Side.BUY else 1)
            if order.price <= 0:
                return Reason.POST_ONLY_WOULD_TAKE
        if terms.time_in_force is TimeInForce.FOK and not self.is_fillable(order):
            return Reason.FOK_NOT_FILLED
        return None

    def is_fillable(self, order: Order) -> bool:
        """Try an order on a copy in which reduce-only orders have nothing hidden."""
        copy = deepcopy(self)
        for entry in copy.book:
            if entry.order.terms.is_reduce_only:
                entry.order.lots = entry.visible
        known = len(copy.fills)
        copy.trade(replace(order))
        return sum(lots for _, _, _, lots in copy.fills[known:]) == order.lots

    def run(self, order: Order) -> None:
        """Trade, then rest or end."""
        stopped = self.trade(order)
        rests = order.terms.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)
        if order.lots == 0:
            self.ended.append((order.id, stopped or Reason.FILLED, 0))
        elif stopped is not None:
            self.ended.append((order.id, stopped, order.lots))
        elif not rests:
            self.ended.append((order.id, Reason.IOC_REMAINDER, order.lots))
        else:
            visible = min(order.terms.display or order.lots, order.lots)
            self.book.append(SlowOrder(order, self.next_arrival(), visible))

    def trade(self, order: Order) -> Reason | None:
        """Match one order; return why it was stopped."""
        stopped = None
        while order.lots and stopped is None:
            facing = [entry for entry in self.queue(Side(1 - order.side)) if crosses(order, entry)]
            if not facing:
                break
            stopped = self.meet(order, facing[0])
        self.shrink_reducers()
        return stopped

    def meet(self, taker: Order, entry: SlowOrder) -> Reason | None:
        """One order against the first one in its way."""
        maker = entry.order
        if maker.owner == taker.owner:
            return self.meet_own(taker, entry)
        lots = min(taker.lots, entry.visible)
        if maker.terms.is_reduce_only:
            lots = min(lots, self.reducible(maker))
        if lots == 0:
            self.end(entry, Reason.REDUCE_ONLY)
            return None
        taker.lots -= lots
        maker.lots -= lots
        entry.visible -= lots
        signed = lots if taker.side is Side.BUY else -lots
        self.positions[taker.subaccount] = self.positions.get(taker.subaccount, 0) + signed
        self.positions[maker.subaccount] = self.positions.get(maker.subaccount, 0) - signed
        self.fills.append((maker.id, taker.id, maker.price, lots))
        if maker.lots == 0:
            self.end(entry, Reason.FILLED)
        elif entry.visible == 0:
            entry.visible = min(maker.terms.display, maker.lots)
            entry.arrival = self.next_arrival()
        return None

    def meet_own(self, taker: Order, entry: SlowOrder) -> Reason | None:
        """Two orders of one owner."""
        mode, maker = taker.terms.self_trade, entry.order
        if mode is SelfTrade.DECREMENT:
            lots = min(taker.lots, maker.lots)
            taker.lots -= lots
            maker.lots -= lots
            entry.visible = min(entry.visible, maker.lots)
            if maker.lots == 0:
                self.end(entry, Reason.SELF_TRADE)
            return None if taker.lots else Reason.SELF_TRADE
        if mode in (SelfTrade.CANCEL_OLDEST, SelfTrade.CANCEL_BOTH):
            self.end(entry, Reason.SELF_TRADE)
        return None if mode is SelfTrade.CANCEL_OLDEST else Reason.SELF_TRADE

    def cancel(self, id_: int, reason: Reason = Reason.CANCELLED) -> None:
        """Take an order out."""
        entry = self.find(id_)
        if entry is not None:
            self.end(entry, reason)

    def amend(self, id_: int, price: int, lots: int) -> None:
        """Change price and open lots."""
        entry = self.find(id_)
        if entry is None:
            return
        order = entry.order
        if lots == 0:
            self.end(entry, Reason.CANCELLED)
        elif price == order.price and lots <= order.lots:
            order.lots, entry.visible = lots, min(entry.visible, lots)
        else:
            changed = replace(order, price=price, lots=lots)
            reason = self.fit(changed)
            if reason is not None:
                self.refused.append((id_, reason))
            else:
                self.book.remove(entry)
                self.run(changed)

    def expire(self, now_ms: int) -> None:
        """Take out what has had its time."""
        due = [entry for entry in self.book if 0 < entry.order.terms.expires_ms <= now_ms]
        for entry in sorted(due, key=lambda entry: (entry.order.terms.expires_ms, entry.order.id)):
            self.end(entry, Reason.EXPIRED)

    def shrink_reducers(self) -> None:
        """Bring resting reduce-only orders down to what they may reduce."""
        for entry in list(self.book):
            order = entry.order
            if not order.terms.is_reduce_only:
                continue
            allowed = self.reducible(order)
            if allowed == 0:
                self.end(entry, Reason.REDUCE_ONLY)
            else:
                order.lots = min(order.lots, allowed)
                entry.visible = min(entry.visible, order.lots)

    def reducible(self, order: Order) -> int:
        """Return by how much an order may reduce its position."""
        position = self.positions.get(order.subaccount, 0)
        return max(0, -position if order.side is Side.BUY else position)

    def end(self, entry: SlowOrder, reason: Reason) -> None:
        """Take an order out and say why."""
        self.book.remove(entry)
        self.ended.append((entry.order.id, reason, entry.order.lots))

    def next_arrival(self) -> int:
        """Return a number behind all before."""
        self.arrivals += 1
        return self.arrivals


def crosses(order: Order, entry: SlowOrder) -> bool:
    """Whether an order would trade with a resting one at all."""
    if order.side is Side.BUY:
        return order.price >= entry.order.price
    return order.price <= entry.order.price
