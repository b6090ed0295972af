"""The exchange as a function of its log: the only place that changes what it holds.

`apply` takes a record that was checked and written before. The same records give the same state and the same
events, live and at recovery.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from optimistic.node.exchange import records as rec
from optimistic.node.exchange.commands import MassCancelWhy
from optimistic.node.exchange.desk import Desk, kind_of, n_slices
from optimistic.node.exchange.events import BookChanged, ExchangeEvent, HeadsMoved, PositionMoved
from optimistic.node.exchange.exposure import Exposures
from optimistic.node.exchange.live import Kind, LiveOrder, Message
from optimistic.node.exchange.narrator import Narrator
from optimistic.node.exchange.nonces import NonceWindow
from optimistic.node.exchange.outcomes import Outcomes
from optimistic.node.exchange.receipts import GENESIS_RECEIPT, Receipt
from optimistic.node.exchange.registry import Registry, Taken
from optimistic.node.exchange.settling import Settling
from optimistic.protocol.matching.types import Order, Reason, Side, TriggerSource
from optimistic.protocol.settlement.types import MarketStatus
from optimistic.protocol.types import Address, Hash32


class Applied(NamedTuple):
    """What a record brought about, for the answer to its command."""

    number: int = 0
    order_ids: tuple[int, ...] = ()
    receipt: Receipt | None = None
    refused: Reason | None = None
    """The engine turned the order away."""
    cancelled: int = 0
    order_id: int = 0
    """The one order that an owner's command was about."""


_NOTHING = Applied()
_REASONS: Final[dict[int, Reason]] = {
    MassCancelWhy.DISCONNECTED: Reason.DISCONNECTED,
    MassCancelWhy.RISK: Reason.RISK,
    MassCancelWhy.SUBACCOUNT_GONE: Reason.BUSTED,
    MassCancelWhy.FEE_RAISED: Reason.BUSTED,
}
"""Why orders end with a mass cancel that their owner did not ask for."""


class Machine:
    """The state.

    Parameters
    ----------
    nonce_window : nonces remembered per owner
    name_window : names of orders remembered
    """

    def __init__(self, *, nonce_window: int, name_window: int) -> None:
        self.next_number = 1
        """Of the next command; orders are named by it."""
        self.last_receipt = GENESIS_RECEIPT
        self.ts_ms = 0
        self.desks: dict[int, Desk] = {}
        self.registry = Registry(name_window)
        self.exposures = Exposures()
        self.windows: dict[Address, NonceWindow] = {}
        self.owner_keys: dict[Address, int] = {}
        """Numbers of owners, for the engine."""
        self.deadlines: dict[Address, int] = {}
        """When the dead-man switches ring."""
        self.first_deadline_ms: int | None = None
        self.settling = Settling()
        self.is_stopped = False
        """All markets, by the operator."""
        self.chain = rec.BlockNoted(0, b"", 0, 0)
        self._nonce_window = nonce_window
        self._events: list[ExchangeEvent] = []
        self.narrator = Narrator(self.registry, self.exposures, self.settling, self._events)
        self.outcomes = Outcomes(self.exposures, self.settling, self._events)
        self._appliers: dict[type, Callable[..., Applied]] = {
            rec.OrderTaken: self._take_order,
            rec.QuotesTaken: self._take_quotes,
            rec.Cancelled: self._cancel,
            rec.Shrunk: self._shrink,
            rec.MassCancelled: self._mass_cancel,
            rec.DeadManSet: self._set_deadline,
            rec.Halted: self._halt,
            rec.StatusNoted: self._note_status,
            rec.PriceNoted: self._note_price,
            rec.PositionNoted: self._note_position,
            rec.FloorRaised: self._raise_floor,
            rec.BatchSent: self._send,
            rec.BatchSettled: self._settle,
            rec.BatchFailed: self._fail,
            rec.BatchUndone: self._undo,
            rec.BlockNoted: self._note_block,
        }

    # ------------------------------------------------------------------------------ the log's side

    def apply(self, record: rec.Record) -> Applied:
        """Let a record take effect."""
        return self._appliers[type(record)](record)

    def advance(self, ts_ms: int) -> None:
        """Let time pass up to that of the next group: ends of orders, dead-man switches, slices."""
        self.ts_ms = ts_ms
        while (order := self.registry.pop_ended(ts_ms)) is not None:
            desk = self.desks[order.market]
            desk.engine.cancel(order.id, Reason.EXPIRED)
            self.narrator.tell(desk)
        if self.first_deadline_ms is not None and self.first_deadline_ms <= ts_ms:
            for owner in [owner for owner, at_ms in self.deadlines.items() if at_ms <= ts_ms]:
                del self.deadlines[owner]
                self._cancel_everywhere(owner, Reason.DEAD_MAN)
            self.first_deadline_ms = min(self.deadlines.values(), default=None)
        for desk in self.desks.values():
            if desk.engine.twaps.works:
                desk.engine.tick(ts_ms)
                self.narrator.tell(desk)

    def is_due(self, ts_ms: int) -> bool:
        """Whether `advance` to a time would do anything."""
        ends = self.registry.ends
        if ends and ends[0][0] <= ts_ms:
            return True
        if self.first_deadline_ms is not None and self.first_deadline_ms <= ts_ms:
            return True
        slices = (desk.engine.twaps.first_ms for desk in self.desks.values() if not desk.engine.is_halted)
        return any(first_ms is not None and first_ms <= ts_ms for first_ms in slices)

    def take_events(self) -> tuple[ExchangeEvent, ...]:
        """Return what happened since the last time, the changes of the visible books last."""
        for market, desk in self.desks.items():
            changes = desk.levels.take_changes()
            if changes is not None:
                self._events.append(BookChanged(market, *changes))
        events = tuple(self._events)
        self._events.clear()
        return events

    def announce(self, events: Sequence[ExchangeEvent]) -> None:
        """Tell, with the next group, what is no effect of the log."""
        self._events.extend(events)

    def desk(self, market: int) -> Desk:
        """Return a market's desk; a new one if there is none."""
        desk = self.desks.get(market)
        if desk is None:
            desk = self.desks[market] = Desk()
            desk.is_stopped = self.is_stopped
            desk.fit_halt()
        return desk

    # ------------------------------------------------------------------------------ orders

    def _take_order(self, record: rec.OrderTaken) -> Applied:
        place, owner = record.place, Address(record.owner)
        slices = n_slices(place)
        message = Message(place, owner, self._owner_key(owner), Hash32(record.digest))
        order = LiveOrder(
            self.next_number,
            message,
            -1,
            kind_of(place),
            place.is_buy,
            place.ticks,
            place.lots,
            place.lots,
            ts_ms=self.ts_ms,
        )
        receipt = self._number(message, 1 + slices)
        if place.client_id:
            self.registry.name(owner, place.client_id, Taken(message.digest, order.id, (), receipt))
        cancelled, refused = self._make_room(record)
        self._enter(order, record.ends_ms, slices, refused)
        return Applied(order.id, (), receipt, self.narrator.refused, cancelled)

    def _make_room(self, record: rec.OrderTaken) -> tuple[int, Reason | None]:
        """Cancel the order that a new one replaces; return how many, and why the new one may not enter."""
        if not record.instead_of:
            return 0, None
        order = self.registry.orders.get(record.instead_of)
        if order is None or order.open < record.instead_open:
            return 0, Reason.REPLACED_CHANGED
        desk = self.desks[order.market]
        desk.engine.cancel(order.id)
        self.narrator.tell(desk)
        return 1, None

    def _take_quotes(self, record: rec.QuotesTaken) -> Applied:
        quotes, owner = record.quotes, Address(record.owner)
        message = Message(quotes, owner, self._owner_key(owner), Hash32(record.digest))
        first = self.next_number
        receipt = self._number(message, len(quotes.leaves))
        ids = tuple(range(first, self.next_number))
        if quotes.client_id:
            self.registry.name(owner, quotes.client_id, Taken(message.digest, first, ids, receipt))
        for index, leaf in enumerate(quotes.leaves):
            order = LiveOrder(
                first + index,
                message,
                index,
                Kind.LIMIT,
                leaf.is_buy,
                leaf.ticks,
                leaf.lots,
                leaf.lots,
                ts_ms=self.ts_ms,
            )
            self._enter(order, record.ends_ms, 0)
        return Applied(first, ids, receipt)

    def _number(self, message: Message, count: int) -> Receipt:
        """Use up numbers and the nonce of a signed message; return its receipt, the next of the chain."""
        receipt = Receipt(message.digest, self.next_number, self.last_receipt, self.ts_ms)
        self.last_receipt = receipt.hash
        self.next_number += count
        window = self.windows.get(message.owner)
        if window is None:
            window = self.windows[message.owner] = NonceWindow()
        window.use(message.command.nonce, self._nonce_window)
        return receipt

    def _owner_key(self, owner: Address) -> int:
        key = self.owner_keys.get(owner)
        if key is None:
            key = self.owner_keys[owner] = len(self.owner_keys)
        return key

    def _enter(self, order: LiveOrder, ends_ms: int, slices: int, refused: Reason | None = None) -> None:
        desk = self.desk(order.market)
        self.registry.add(order, ends_ms, slices)
        if refused is None:
            desk.enter(order, self.ts_ms)
        else:
            desk.refuse(order, refused)
        self.narrator.tell(desk)

    def _cancel(self, record: rec.Cancelled) -> Applied:
        self.next_number += 1
        order = self.registry.orders.get(record.order_id)
        if order is None:
            return Applied(self.next_number - 1, order_id=record.order_id)
        desk = self.desks[order.market]
        found = desk.engine.cancel(order.id, _REASONS.get(record.why, Reason.CANCELLED))
        self.narrator.tell(desk)
        return Applied(self.next_number - 1, cancelled=int(found), order_id=order.id)

    def _shrink(self, record: rec.Shrunk) -> Applied:
        self.next_number += 1
        order = self.registry.orders.get(record.order_id)
        if order is not None and record.lots < order.open:
            desk = self.desks[order.market]
            resting = desk.engine.orders.get(order.id)
            if resting is not None:
                desk.engine.amend(order.id, resting.price, record.lots)
                self.narrator.tell(desk)
        return Applied(self.next_number - 1, order_id=record.order_id)

    def _mass_cancel(self, record: rec.MassCancelled) -> Applied:
        self.next_number += 1
        reason = _REASONS.get(record.why, Reason.MASS_CANCELLED)
        orders = self.registry.orders
        wanted_side = None if record.is_buy is None else Side.BUY if record.is_buy else Side.SELL

        def fits(order: Order) -> bool:
            if record.subaccount not in (None, order.subaccount) or wanted_side not in (None, order.side):
                return False
            if record.why == MassCancelWhy.RISK and orders[order.id].is_reduce_only:
                return False
            return record.session is None or orders[order.id].message.command.session == record.session

        count = self._cancel_everywhere(Address(record.owner), reason, fits, record.market)
        return Applied(self.next_number - 1, cancelled=count)

    def _cancel_everywhere(
        self,
        owner: Address,
        reason: Reason,
        only: Callable[[Order], bool] | None = None,
        market: int | None = None,
    ) -> int:
        key, count = self.owner_keys.get(owner), 0
        if key is None:  # he has never had an order
            return 0
        for number, desk in self.desks.items():
            if market in (None, number):
                count += desk.engine.cancel_all(key, reason, only)
                self.narrator.tell(desk)
        return count

    def _set_deadline(self, record: rec.DeadManSet) -> Applied:
        self.next_number += 1
        if record.at_ms:
            self.deadlines[Address(record.owner)] = record.at_ms
            self.first_deadline_ms = min(self.first_deadline_ms or record.at_ms, record.at_ms)
        else:
            self.deadlines.pop(Address(record.owner), None)
        return Applied(self.next_number - 1)

    # ------------------------------------------------------------------------------ markets

    def _halt(self, record: rec.Halted) -> Applied:
        self.next_number += 1
        if record.market is None:
            self.is_stopped = record.is_halted
        desks = self.desks.values() if record.market is None else (self.desk(record.market),)
        for desk in desks:
            desk.is_stopped = record.is_halted
            desk.fit_halt()
            self.narrator.tell(desk)
        return Applied(self.next_number - 1)

    def _note_status(self, record: rec.StatusNoted) -> Applied:
        desk = self.desk(record.market)
        desk.status = MarketStatus(record.status)
        for order in list(self.registry.orders.values()):
            if order.market != record.market:
                continue
            is_over = desk.status is MarketStatus.EXPIRED
            if is_over or (desk.status is MarketStatus.REDUCE_ONLY and not order.is_reduce_only):
                desk.engine.cancel(order.id, Reason.MARKET_HALTED)
        desk.fit_halt()  # after the cancels: stops that wake when the market resumes may be among them
        self.narrator.tell(desk)
        return _NOTHING

    def _note_price(self, record: rec.PriceNoted) -> Applied:
        desk = self.desk(record.market)
        desk.engine.set_price(TriggerSource.MARK, *record.mark)
        desk.engine.set_price(TriggerSource.INDEX, *record.index)
        self.narrator.tell(desk)
        return _NOTHING

    def _note_position(self, record: rec.PositionNoted) -> Applied:
        desk = self.desk(record.market)
        desk.engine.set_position(record.subaccount, record.lots)
        self._events.append(
            PositionMoved(Address(record.owner), record.subaccount, record.market, record.lots)
        )
        self.narrator.tell(desk)
        return _NOTHING

    def _raise_floor(self, record: rec.FloorRaised) -> Applied:
        self._cancel_everywhere(
            Address(record.owner), Reason.NONCE_FLOOR, lambda order: order.nonce < record.floor
        )
        return _NOTHING

    # ------------------------------------------------------------------------------ settlement

    def _send(self, record: rec.BatchSent) -> Applied:
        self.settling.send(record)
        return _NOTHING

    def _settle(self, record: rec.BatchSettled) -> Applied:
        self.outcomes.settle(record, self.desk)
        for desk in self.desks.values():
            self.narrator.tell(desk)
        return _NOTHING

    def _fail(self, record: rec.BatchFailed) -> Applied:
        self.settling.fail(record.batch, record.block)
        return _NOTHING

    def _undo(self, record: rec.BatchUndone) -> Applied:
        self.outcomes.undo(record, self.desk)
        for desk in self.desks.values():
            self.narrator.tell(desk)
        return _NOTHING

    def _note_block(self, record: rec.BlockNoted) -> Applied:
        moved = (record.posted, record.final) != (self.chain.posted, self.chain.final)
        self.chain = record
        self.settling.forget(record.posted)
        if moved:
            self._events.append(HeadsMoved(record.posted, record.final))
        return _NOTHING
