"""The engine of one market.

Every method is a command of the log; what it brings about is appended to `events`. Nothing else
changes the engine, so replaying the log rebuilds it.
"""

from collections.abc import Callable
from dataclasses import replace
from heapq import heapify, heappop, heappush
from typing import Final

from optimistic.protocol.matching.book import BookSide
from optimistic.protocol.matching.events import (
    Accepted,
    Done,
    Event,
    Fill,
    Rejected,
    Requeued,
    Resized,
    Triggered,
)
from optimistic.protocol.matching.triggers import StopBook
from optimistic.protocol.matching.twap import TwapBook, TwapWork
from optimistic.protocol.matching.types import (
    MAX_LOTS,
    MAX_TICKS,
    PLAIN,
    Order,
    PostOnly,
    Reason,
    SelfTrade,
    Side,
    Stop,
    Terms,
    TimeInForce,
    TriggerSource,
    Twap,
)

_STALE_EXPIRIES: Final = 1_024
_event: Final = tuple.__new__
# Makes an event in half the time its own constructor takes.
_BUY: Final = Side.BUY
_FILLED: Final = Reason.FILLED
# Looking a member up in its enumeration takes longer than comparing it.


class Engine:
    """Price-time priority over one market."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        """What happened since the caller last took it."""
        self.sides = (BookSide(Side.BUY), BookSide(Side.SELL))
        self.orders: dict[int, Order] = {}
        """Resting orders by id."""
        self.stops = StopBook()
        self.twaps = TwapBook()
        self.positions: dict[int, int] = {}
        """Subaccount -> lots, positive for long."""
        self.deadlines: dict[int, int] = {}
        """Owner -> when the dead-man switch goes off, in milliseconds."""
        self.last_price: int | None = None
        self.is_halted = False
        self.unheard: dict[TriggerSource, tuple[int, int]] = {}
        """Prices that came while halted, in ticks, rounded down and up."""
        self.owned: dict[int, dict[int, Order]] = {}
        """Owner -> what is live of it, by id."""
        self.reducers: dict[int, dict[int, Order]] = {}
        """Subaccount -> its resting reduce-only orders."""
        self.expiries: list[tuple[int, int]] = []
        """Heap of (time in ms, id); orders that ended before may still be in it."""

    # ------------------------------------------------------------------------------ commands

    def place(self, order: Order) -> None:
        """Take an order in, or reject it."""
        if order.terms is PLAIN and not self.is_halted and not self.stops.stops and not self.twaps.works:
            self._place_plain(order)
            return
        self._enter(order)
        if self.stops.stops:
            self._wake_by_last()

    def place_stop(self, stop: Stop) -> None:
        """Let an order wait for a price."""
        order = stop.order
        reason = self._refusal(order)
        if reason is None and stop.trigger <= 0:
            reason = Reason.INVALID
        if reason is not None:
            self.events.append(Rejected(order.id, reason))
            return
        self.stops.add(stop)
        self._own(order)
        self.events.append(Accepted(order.id, order.price, order.lots))

    def place_twap(self, twap: Twap, now_ms: int) -> None:
        """Begin to work a parent; its first slice goes out with the next `tick`."""
        order = twap.order
        reason = self._refusal(order)
        if reason is None and not 0 < twap.interval_ms <= twap.duration_ms:
            reason = Reason.INVALID
        if reason is not None:
            self.events.append(Rejected(order.id, reason))
            return
        self.twaps.add(TwapWork(twap, now_ms))
        self._own(order)
        self.events.append(Accepted(order.id, order.price, order.lots))

    def cancel(self, id_: int, reason: Reason = Reason.CANCELLED) -> bool:
        """Cancel an order, a stop or a parent; return whether there was one."""
        order = self.orders.get(id_)
        if order is not None:
            self._take_out(order, self.sides[order.side])
            self.events.append(_event(Done, (id_, reason, order.lots)))
        elif id_ in self.stops.stops:
            stop = self.stops.remove(id_)
            self._disown(stop.order)
            self.events.append(Done(id_, reason, stop.order.lots))
        elif id_ in self.twaps.works:
            self._end_twap(id_, reason)
        else:
            return False
        return True

    def amend(self, id_: int, price: int, lots: int) -> bool:
        """Change a resting order's price and open lots; return whether there is one.

        Fewer lots at the same price keep the place in the queue; anything else loses it and may
        trade. Zero lots cancel.
        """
        order = self.orders.get(id_)
        if order is None:
            return False
        if lots == 0:
            return self.cancel(id_)
        if price == order.price and lots <= order.lots:
            self._shrink(order, lots)
            return True
        self._reprice(order, price, lots)
        self._wake_by_last()
        return True

    def cancel_all(
        self, owner: int, reason: Reason = Reason.MASS_CANCELLED, only: Callable[[Order], bool] | None = None
    ) -> int:
        """Cancel everything of an owner for which `only` holds; return how many."""
        chosen = [order.id for order in self.owned.get(owner, {}).values() if only is None or only(order)]
        for id_ in chosen:
            self.cancel(id_, reason)
        return len(chosen)

    def set_deadline(self, owner: int, at_ms: int) -> None:
        """Arm an owner's dead-man switch; 0 disarms it."""
        if at_ms:
            self.deadlines[owner] = at_ms
        else:
            self.deadlines.pop(owner, None)

    def set_price(self, source: TriggerSource, price: int, above: int | None = None) -> None:
        """Let stops hear a mark or index price, in ticks; one between two ticks is given as both.

        While the market is halted none wakes; the latest price is heard when it resumes.
        """
        heard = price, price if above is None else above
        if self.is_halted:
            self.unheard[source] = heard
            return
        for stop in self.stops.wake(source, *heard):
            self._trigger(stop)
        self._wake_by_last()

    def set_position(self, subaccount: int, lots: int) -> None:
        """Take over a position that changed by something other than a fill here."""
        self.positions[subaccount] = lots
        self._fit_reducers(subaccount)

    def halt(self, *, is_halted: bool) -> None:
        """Stop or resume taking orders; cancelling is always possible."""
        self.is_halted = is_halted
        while self.unheard and not is_halted:
            source = min(self.unheard)
            self.set_price(source, *self.unheard.pop(source))
        self._wake_by_last()

    def tick(self, now_ms: int) -> None:
        """Let time pass: expiries, dead-man switches, slices of parents."""
        while self.expiries and self.expiries[0][0] <= now_ms:
            expires_ms, id_ = heappop(self.expiries)
            order = self.orders.get(id_)
            if order is not None and order.terms.expires_ms == expires_ms:
                self.cancel(id_, Reason.EXPIRED)
        for owner in [owner for owner, at_ms in self.deadlines.items() if at_ms <= now_ms]:
            del self.deadlines[owner]
            self.cancel_all(owner, Reason.DEAD_MAN)
        if not self.is_halted:
            for work in self.twaps.take_due(now_ms):
                self._work(work, now_ms)
        self._wake_by_last()

    # ------------------------------------------------------------------------------ entering

    def _refusal(self, order: Order, *, is_new: bool = True) -> Reason | None:
        """Return why an order cannot be taken in at all."""
        if is_new and (
            order.id in self.orders or ((self.stops.stops or self.twaps.works) and self.is_live(order.id))
        ):
            return Reason.DUPLICATE_ID
        if self.is_halted:
            return Reason.MARKET_HALTED
        if not (0 < order.price <= MAX_TICKS and 0 < order.lots <= MAX_LOTS):
            return Reason.INVALID
        terms = order.terms
        return None if terms is PLAIN or terms.is_plausible else Reason.INVALID

    @property
    def n_live(self) -> int:
        """Number of orders, stops and parents."""
        return len(self.orders) + len(self.stops.stops) + len(self.twaps.works)

    def is_live(self, id_: int) -> bool:
        """Whether there is an order, a stop or a parent of this id."""
        return id_ in self.orders or id_ in self.stops.stops or id_ in self.twaps.works

    def _enter(self, order: Order) -> None:
        """Take in, or reject, an order that comes from outside."""
        reason = self._refusal(order)
        if reason is None and order.terms is not PLAIN:
            reason = self._unfit(order)
        if reason is None:
            self.events.append(_event(Accepted, (order.id, order.price, order.lots)))
            self._run(order)
        else:
            self.events.append(Rejected(order.id, reason))

    def _place_plain(self, order: Order) -> None:
        """Do what `_enter` does, for an order without terms while nothing but orders is live."""
        id_, price, lots = order.id, order.price, order.lots
        if id_ in self.orders or not (0 < price <= MAX_TICKS and 0 < lots <= MAX_LOTS):
            self._enter(order)
            return
        self.events.append(_event(Accepted, (id_, price, lots)))
        bids, asks = self.sides
        if order.side is _BUY:
            best, side = asks.best, bids
            crosses = best is not None and best <= price
        else:
            best, side = bids.best, asks
            crosses = best is not None and best >= price
        if crosses:
            self._run(order)
            return
        order.visible = lots
        side.add(order)
        self.orders[id_] = order
        owned = self.owned.get(order.owner)
        if owned is None:
            owned = self.owned[order.owner] = {}
        owned[id_] = order

    def _unfit(self, order: Order) -> Reason | None:
        """Fit an order to position and book; return why it cannot be."""
        terms = order.terms
        if terms.is_reduce_only:
            lots = self._reducible(order)
            if not lots:
                return Reason.REDUCE_ONLY
            order.lots = min(order.lots, lots)
        opposite = self.sides[1 - order.side]
        best = opposite.best
        if terms.post_only and best is not None and opposite.crosses(order.price):
            order.price = best + opposite.sign
            if terms.post_only is PostOnly.REJECT or order.price <= 0:
                return Reason.POST_ONLY_WOULD_TAKE
        if terms.time_in_force is TimeInForce.FOK and not self._can_fill(order, opposite):
            return Reason.FOK_NOT_FILLED
        return None

    def _run(self, order: Order) -> None:
        """Match an order and let the rest rest, or end it."""
        stopped = None
        if order.side is _BUY:
            opposite = self.sides[1]
            if opposite.best is not None and opposite.best <= order.price:
                stopped = self._match(order, opposite)
        else:
            opposite = self.sides[0]
            if opposite.best is not None and opposite.best >= order.price:
                stopped = self._match(order, opposite)
        if not order.lots:
            self.events.append(_event(Done, (order.id, stopped or _FILLED, 0)))
        elif stopped is not None:
            self.events.append(Done(order.id, stopped, order.lots))
        elif order.terms is PLAIN or order.terms.rests:
            self._rest(order)
        else:
            self.events.append(Done(order.id, Reason.IOC_REMAINDER, order.lots))

    def _rest(self, order: Order) -> None:
        """Put what is left of an order into the book."""
        order.visible = order.lots
        self.sides[order.side].add(order)
        id_ = order.id
        self.orders[id_] = order
        owned = self.owned.get(order.owner)
        if owned is None:
            owned = self.owned[order.owner] = {}
        owned[id_] = order
        if order.terms is not PLAIN:
            self._rest_specially(order, order.terms)

    def _rest_specially(self, order: Order, terms: Terms) -> None:
        """Do what the terms of a resting order ask for."""
        if terms.display:
            order.visible = min(terms.display, order.lots)
        if terms.is_reduce_only:
            self.reducers.setdefault(order.subaccount, {})[order.id] = order
        if terms.expires_ms:
            self._note_expiry(terms.expires_ms, order.id)

    def _note_expiry(self, expires_ms: int, id_: int) -> None:
        """Remember when an order expires; forget the times of those that are over, once they are most."""
        if len(self.expiries) > 2 * len(self.orders) + _STALE_EXPIRIES:
            self.expiries = [entry for entry in self.expiries if entry[1] in self.orders]
            heapify(self.expiries)
        heappush(self.expiries, (expires_ms, id_))

    def _own(self, order: Order) -> None:
        """Note a live order of an owner."""
        owned = self.owned.get(order.owner)
        if owned is None:
            owned = self.owned[order.owner] = {}
        owned[order.id] = order

    def _disown(self, order: Order) -> None:
        """Forget a live order of an owner."""
        owned = self.owned[order.owner]
        del owned[order.id]
        if not owned:
            del self.owned[order.owner]

    def _take_out(self, order: Order, book: BookSide) -> None:
        """Take a resting order out of the book and of all that names it."""
        id_, price = order.id, order.price
        level = book.levels[price]
        del level[id_]
        if not level:
            book.drop(price)
        del self.orders[id_]
        owned = self.owned[order.owner]
        del owned[id_]
        if not owned:
            del self.owned[order.owner]
        if order.terms is not PLAIN and order.terms.is_reduce_only:
            reducers = self.reducers[order.subaccount]
            del reducers[order.id]
            if not reducers:
                del self.reducers[order.subaccount]

    # ------------------------------------------------------------------------------ matching

    def _match(self, taker: Order, book: BookSide) -> Reason | None:
        """Trade until nothing crosses; return why the taker was stopped, if it was."""
        touched: list[int] = []
        stopped: Reason | None = None
        sign, limit = book.sign, taker.price
        while taker.lots and stopped is None:
            best = book.best
            if best is None or sign * (best - limit) < 0:
                break
            stopped = self._match_level(taker, book, best, touched)
        if self.reducers:
            for subaccount in (*touched, taker.subaccount):
                self._fit_reducers(subaccount)
        return stopped

    def _match_level(self, taker: Order, book: BookSide, price: int, touched: list[int]) -> Reason | None:
        """Trade with the orders of one price; note whose position changed."""
        level, has_reducers = book.levels[price], bool(self.reducers)
        events, positions, is_buy = self.events, self.positions, taker.side is _BUY
        while level and taker.lots:
            maker = next(iter(level.values()))
            if maker.owner == taker.owner:
                if self._prevent_self_trade(taker, maker, book):
                    return Reason.SELF_TRADE
                continue
            lots = min(taker.lots, maker.visible)
            if has_reducers:
                lots = min(lots, self._reducible(maker)) if maker.terms.is_reduce_only else lots
                touched.append(maker.subaccount)
            if lots:
                maker.lots -= lots
                maker.visible -= lots
                taker.lots -= lots
                buyer, seller = (taker, maker) if is_buy else (maker, taker)
                positions[buyer.subaccount] = positions.get(buyer.subaccount, 0) + lots
                positions[seller.subaccount] = positions.get(seller.subaccount, 0) - lots
                self.last_price = price
                fill = (maker.id, taker.id, price, lots, taker.side, maker.lots, taker.lots)
                events.append(_event(Fill, fill))
            if not maker.lots or not lots:
                self._end_maker(maker, book, Reason.REDUCE_ONLY if maker.lots else _FILLED)
            elif not maker.visible:
                maker.visible = min(maker.terms.display, maker.lots)
                level.move_to_end(maker.id)
                events.append(Requeued(maker.id, price, maker.lots, maker.visible))
        return None

    def _end_maker(self, maker: Order, book: BookSide, reason: Reason) -> None:
        """Take a resting order out and say why."""
        self._take_out(maker, book)
        self.events.append(_event(Done, (maker.id, reason, maker.lots)))

    def _prevent_self_trade(self, taker: Order, maker: Order, book: BookSide) -> bool:
        """Apply the taker's mode to an own order in its way; return whether the taker ends."""
        mode = taker.terms.self_trade
        if mode is SelfTrade.DECREMENT:
            lots = min(taker.lots, maker.lots)
            taker.lots -= lots
            maker.lots -= lots
            if maker.lots:
                maker.visible = min(maker.visible, maker.lots)
                self.events.append(Resized(maker.id, maker.lots))
            else:
                self._end_maker(maker, book, Reason.SELF_TRADE)
            return not taker.lots
        if mode in (SelfTrade.CANCEL_OLDEST, SelfTrade.CANCEL_BOTH):
            self._end_maker(maker, book, Reason.SELF_TRADE)
        return mode is not SelfTrade.CANCEL_OLDEST

    def _can_fill(self, taker: Order, book: BookSide) -> bool:
        """Whether a fill-or-kill order would trade completely, own orders in its way included."""
        wanted = taker.lots
        used: dict[int, int] = {}
        for price in book.prices():
            if book.sign * (price - taker.price) < 0:
                return False
            hidden: list[Order] = []
            for maker in book.levels[price].values():
                if maker.owner == taker.owner:
                    if taker.terms.self_trade is SelfTrade.CANCEL_OLDEST:
                        continue
                    return False
                wanted -= self._would_trade(maker, maker.visible, used)
                if wanted <= 0:
                    return True
                if not maker.terms.is_reduce_only:
                    hidden.append(maker)
            wanted -= sum(self._would_trade(maker, maker.lots - maker.visible, used) for maker in hidden)
            if wanted <= 0:
                return True
        return False

    def _would_trade(self, maker: Order, lots: int, used: dict[int, int]) -> int:
        """Return how many of its lots a maker would trade, after those that its subaccount used."""
        before = used.get(maker.subaccount, 0)
        if maker.terms.is_reduce_only:
            lots = min(lots, max(0, self._reducible(maker) - before))
        used[maker.subaccount] = before + lots
        return lots

    # ------------------------------------------------------------------------------ reduce-only

    def _reducible(self, order: Order) -> int:
        """Return the lots by which an order may reduce its position now."""
        position = self.positions.get(order.subaccount, 0)
        return max(0, -position if order.side is Side.BUY else position)

    def _fit_reducers(self, subaccount: int) -> None:
        """Shrink or end the resting reduce-only orders that exceed a position."""
        for order in list(self.reducers.get(subaccount, {}).values()):
            lots = self._reducible(order)
            if not lots:
                self.cancel(order.id, Reason.REDUCE_ONLY)
            elif lots < order.lots:
                self._shrink(order, lots)

    def _shrink(self, order: Order, lots: int) -> None:
        """Leave an order fewer lots in its place."""
        order.lots = lots
        order.visible = min(order.visible, lots)
        self.events.append(Resized(order.id, lots))

    def _reprice(self, order: Order, price: int, lots: int) -> None:
        """Give an order another price or more lots: it goes behind the others."""
        before = (order.price, order.lots)
        order.price, order.lots = price, lots
        reason = self._refusal(order, is_new=False) or self._unfit(order)
        if reason is not None:
            order.price, order.lots = before
            self.events.append(Rejected(order.id, reason))
            return
        after = (order.price, order.lots)
        order.price, order.lots = before
        self._take_out(order, self.sides[order.side])
        order.price, order.lots = after
        visible = min(order.terms.display or order.lots, order.lots)
        self.events.append(Requeued(order.id, order.price, order.lots, visible))
        self._run(order)

    # ------------------------------------------------------------------------------ stops and parents

    def _wake_by_last(self) -> None:
        """Trigger the stops that listen to trades, until none is woken any more."""
        if not self.stops.stops or self.is_halted:
            return
        heard: int | None = None
        while self.last_price is not None and self.last_price != heard:
            heard = self.last_price
            for stop in self.stops.wake(TriggerSource.LAST, heard, heard):
                self._trigger(stop)

    def _trigger(self, stop: Stop) -> None:
        """Let a stop become an order."""
        order = stop.order
        lots = order.lots
        self._disown(order)
        self.events.append(Triggered(order.id))
        reason = self._unfit(order)
        if order.lots != lots:
            self.events.append(Resized(order.id, order.lots))
        if reason is not None:
            self.events.append(Done(order.id, reason, order.lots))
            return
        self._run(order)

    def _work(self, work: TwapWork, now_ms: int) -> None:
        """Send a parent's next slice."""
        parent = work.twap.order
        child_id, lots = work.next_slice(now_ms)
        if lots:
            child = Order(
                child_id,
                parent.owner,
                parent.subaccount,
                parent.side,
                parent.price,
                lots,
                replace(parent.terms, time_in_force=TimeInForce.IOC),
                parent.nonce,
            )
            before = len(self.events)
            self._enter(child)
            work.traded += sum(
                event.lots
                for event in self.events[before:]
                if isinstance(event, Fill) and event.taker == child_id
            )
        if work.is_over:
            self._end_twap(parent.id, Reason.TWAP_DONE if work.left else Reason.FILLED)
        else:
            self.twaps.wait(work)

    def _end_twap(self, id_: int, reason: Reason) -> None:
        """End a parent and say why."""
        work = self.twaps.remove(id_)
        self._disown(work.twap.order)
        self.events.append(Done(id_, reason, work.left))
