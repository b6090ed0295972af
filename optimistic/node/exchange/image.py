"""The machine as bytes: what a snapshot holds, and what two machines are compared by."""

from dataclasses import dataclass
from typing import Final

import msgspec

from optimistic.node.exchange.commands import Place, PlaceQuotes
from optimistic.node.exchange.desk import Desk
from optimistic.node.exchange.live import Batch, Kind, LiveOrder, Message, Trade
from optimistic.node.exchange.machine import Machine
from optimistic.node.exchange.nonces import NonceWindow
from optimistic.node.exchange.receipts import Receipt
from optimistic.node.exchange.records import BlockNoted
from optimistic.node.exchange.registry import Taken
from optimistic.protocol.matching.image import EngineImage, engine_image, engine_of
from optimistic.protocol.settlement.types import MarketStatus
from optimistic.protocol.types import Address, Hash32
from optimistic.service.storage_errors import CorruptStorage


class MessageImage(msgspec.Struct, frozen=True, array_like=True):
    """A `Message`; one of the two commands is None."""

    owner: bytes
    digest: bytes
    place: Place | None
    quotes: PlaceQuotes | None


class OrderImage(msgspec.Struct, frozen=True, array_like=True):
    """A `LiveOrder`; `message` is an index."""

    id: int
    message: int
    leaf: int
    kind: int
    is_buy: bool
    ticks: int
    lots: int
    open: int
    ts_ms: int


class TradeImage(msgspec.Struct, frozen=True, array_like=True):
    """A `Trade`; maker and taker are indices."""

    id: int
    market: int
    ticks: int
    lots: int
    taker_is_buy: bool
    maker: int
    taker: int


class BatchImage(msgspec.Struct, frozen=True, array_like=True):
    """A `Batch`."""

    number: int
    nonce: int
    tx_hash: bytes
    raw: bytes
    trades: list[TradeImage]
    block: int | None
    busted: list[int]


class NameImage(msgspec.Struct, frozen=True, array_like=True):
    """What was answered to a named order."""

    owner: bytes
    client_id: bytes
    digest: bytes
    number: int
    order_ids: list[int]
    prev: bytes
    ts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineImage:
    """Everything."""

    next_number: int
    last_receipt: bytes
    ts_ms: int
    is_stopped: bool
    chain: BlockNoted
    owners: list[bytes]
    windows: list[tuple[bytes, int, list[int]]]
    deadlines: list[tuple[bytes, int]]
    names: list[NameImage]
    messages: list[MessageImage]
    orders: list[OrderImage]
    """The first `n_live` are live, ascending; the rest only have trades that are not posted."""
    n_live: int
    ends: list[tuple[int, int]]
    parents: list[tuple[int, int]]
    next_trade: int
    next_batch: int
    waiting: list[TradeImage]
    batches: list[BatchImage]
    desks: list[tuple[int, int, bool, EngineImage]]


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(MachineImage)


def dump(machine: Machine) -> bytes:
    """Return a machine as bytes; equal machines give equal bytes."""
    return _encoder.encode(_Dump(machine).image())


class _Dump:
    """Numbers messages and orders while it goes through a machine."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._messages: dict[int, int] = {}
        self._message_images: list[MessageImage] = []
        self._orders: dict[int, int] = {}
        self._order_images: list[OrderImage] = []

    def image(self) -> MachineImage:
        """Return the image."""
        machine, registry, settling = self._machine, self._machine.registry, self._machine.settling
        for order in registry.orders.values():
            self._order(order)
        n_live = len(self._order_images)
        live = registry.orders
        batches = [self._batch(batch) for batch in settling.batches.values()]
        waiting = [self._trade(trade) for trade in settling.waiting]
        return MachineImage(
            next_number=machine.next_number,
            last_receipt=machine.last_receipt,
            ts_ms=machine.ts_ms,
            is_stopped=machine.is_stopped,
            chain=machine.chain,
            owners=list(machine.owner_keys),
            windows=[
                (owner, window.floor, list(window.values())) for owner, window in machine.windows.items()
            ],
            deadlines=list(machine.deadlines.items()),
            names=[_name_image(key, taken) for key, taken in registry.names.items()],
            messages=self._message_images,
            orders=self._order_images,
            n_live=n_live,
            ends=sorted(entry for entry in registry.ends if entry[1] in live),
            parents=registry.parents(),
            next_trade=settling.next_trade,
            next_batch=settling.next_batch,
            waiting=waiting,
            batches=batches,
            desks=[
                (market, int(desk.status), desk.is_stopped, engine_image(desk.engine))
                for market, desk in machine.desks.items()
            ],
        )

    def _message(self, message: Message) -> int:
        at = self._messages.get(id(message))
        if at is None:
            at = self._messages[id(message)] = len(self._message_images)
            command = message.command
            place, quotes = (command, None) if isinstance(command, Place) else (None, command)
            self._message_images.append(MessageImage(message.owner, message.digest, place, quotes))
        return at

    def _order(self, order: LiveOrder) -> int:
        at = self._orders.get(order.id)
        if at is None:
            at = self._orders[order.id] = len(self._order_images)
            self._order_images.append(
                OrderImage(
                    order.id,
                    self._message(order.message),
                    order.leaf,
                    order.kind,
                    order.is_buy,
                    order.ticks,
                    order.lots,
                    order.open,
                    order.ts_ms,
                )
            )
        return at

    def _trade(self, trade: Trade) -> TradeImage:
        return TradeImage(
            trade.id,
            trade.market,
            trade.ticks,
            trade.lots,
            trade.taker_is_buy,
            self._order(trade.maker),
            self._order(trade.taker),
        )

    def _batch(self, batch: Batch) -> BatchImage:
        trades = [self._trade(trade) for trade in batch.trades]
        busted = sorted(batch.busted)
        return BatchImage(batch.number, batch.nonce, batch.tx_hash, batch.raw, trades, batch.block, busted)


def _name_image(key: tuple[Address, bytes], taken: Taken) -> NameImage:
    receipt = taken.receipt
    return NameImage(
        key[0], key[1], taken.digest, taken.number, list(taken.order_ids), receipt.prev, receipt.ts_ms
    )


def load(payload: bytes, *, nonce_window: int, name_window: int) -> Machine:
    """Return the machine that `dump` wrote.

    Raises
    ------
    CorruptStorage : the bytes are something else
    """
    try:
        image = _decoder.decode(payload)
    except (msgspec.DecodeError, ValueError) as error:
        raise CorruptStorage(f"a snapshot of the exchange cannot be read: {error}") from error
    machine = Machine(nonce_window=nonce_window, name_window=name_window)
    machine.next_number = image.next_number
    machine.last_receipt = Hash32(image.last_receipt)
    machine.ts_ms = image.ts_ms
    machine.is_stopped = image.is_stopped
    machine.chain = image.chain
    machine.owner_keys = {Address(owner): key for key, owner in enumerate(image.owners)}
    machine.windows = {
        Address(owner): NonceWindow(floor, tuple(used)) for owner, floor, used in image.windows
    }
    machine.deadlines = {Address(owner): at_ms for owner, at_ms in image.deadlines}
    machine.first_deadline_ms = min(machine.deadlines.values(), default=None)
    for market, status, is_stopped, engine in image.desks:
        desk = machine.desks[market] = Desk()
        desk.status, desk.is_stopped, desk.engine = MarketStatus(status), is_stopped, engine_of(engine)
    orders = _load_orders(machine, image)
    _load_trades(machine, image, orders)
    return machine


def _load_orders(machine: Machine, image: MachineImage) -> list[LiveOrder]:
    messages = [_message_of(machine, message) for message in image.messages]
    orders = [
        LiveOrder(
            item.id,
            messages[item.message],
            item.leaf,
            Kind(item.kind),
            item.is_buy,
            item.ticks,
            item.lots,
            item.open,
            ts_ms=item.ts_ms,
        )
        for item in image.orders
    ]
    registry = machine.registry
    slices, ends = dict(image.parents), {number: ends_ms for ends_ms, number in image.ends}
    for order in orders[: image.n_live]:
        registry.add(order, ends[order.id], slices.get(order.id, 0))
        machine.exposures.reserve(order, order.open, order.ticks)
        desk = machine.desks[order.market]
        desk.levels.show(order, desk.engine.orders.get(order.id))
    for desk in machine.desks.values():
        desk.levels.take_changes()
    for name in image.names:
        receipt = Receipt(Hash32(name.digest), name.number, Hash32(name.prev), name.ts_ms)
        taken = Taken(Hash32(name.digest), name.number, tuple(name.order_ids), receipt)
        registry.name(Address(name.owner), name.client_id, taken)
    return orders


def _message_of(machine: Machine, image: MessageImage) -> Message:
    command = image.place or image.quotes
    assert command is not None
    owner = Address(image.owner)
    return Message(command, owner, machine.owner_keys[owner], Hash32(image.digest))


def _load_trades(machine: Machine, image: MachineImage, orders: list[LiveOrder]) -> None:
    def trade_of(item: TradeImage) -> Trade:
        maker, taker = orders[item.maker], orders[item.taker]
        return Trade(item.id, item.market, item.ticks, item.lots, item.taker_is_buy, maker, taker)

    settling = machine.settling
    settling.next_trade, settling.next_batch = image.next_trade, image.next_batch
    for item in image.batches:
        trades = [trade_of(trade) for trade in item.trades]
        settling.batches[item.number] = Batch(
            item.number,
            item.nonce,
            Hash32(item.tx_hash),
            item.raw,
            trades,
            item.block,
            frozenset(item.busted),
        )
    settling.waiting.extend(trade_of(item) for item in image.waiting)
    unsettled = [trade for batch in settling.in_flight() for trade in batch.trades] + list(settling.waiting)
    settling.n_unsettled = len(unsettled)
    for trade in unsettled:
        machine.exposures.trade(trade, 1)
