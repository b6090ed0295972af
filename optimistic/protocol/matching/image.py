"""An engine as plain data, to be stored; the engine built from it goes on exactly as the first would.

Source: docs/spec/13-exchange.md §13.5
"""

from dataclasses import dataclass

from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.twap import TwapWork
from optimistic.protocol.matching.types import PLAIN, Order, Stop, TriggerSource


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineImage:
    """What an engine holds; the order of everything matters."""

    bids: tuple[Order, ...]
    """In the order in which they would trade."""
    asks: tuple[Order, ...]
    stops: tuple[Stop, ...]
    """First come first."""
    parents: tuple[TwapWork, ...]
    owned: tuple[tuple[int, tuple[int, ...]], ...]
    """(owner, ids of live orders in the order in which a mass cancel ends them)."""
    reducers: tuple[tuple[int, tuple[int, ...]], ...]
    """(subaccount, ids of its resting reduce-only orders in the order in which they are fitted)."""
    expiries: tuple[tuple[int, int], ...]
    positions: tuple[tuple[int, int], ...]
    deadlines: tuple[tuple[int, int], ...]
    last_price: int | None
    is_halted: bool
    unheard: tuple[tuple[TriggerSource, tuple[int, int]], ...] = ()
    """Prices that came while halted."""


def engine_image(engine: Engine) -> EngineImage:
    """Return what an engine holds; it shares orders with the engine until it is stored."""
    bids, asks = engine.sides
    return EngineImage(
        bids=tuple(bids.orders()),
        asks=tuple(asks.orders()),
        stops=tuple(engine.stops.stops.values()),
        parents=tuple(engine.twaps.works.values()),
        owned=tuple((owner, tuple(orders)) for owner, orders in sorted(engine.owned.items())),
        reducers=tuple((holder, tuple(orders)) for holder, orders in sorted(engine.reducers.items())),
        expiries=tuple(sorted(entry for entry in engine.expiries if entry[1] in engine.orders)),
        positions=tuple(sorted(item for item in engine.positions.items() if item[1])),
        deadlines=tuple(engine.deadlines.items()),
        last_price=engine.last_price,
        is_halted=engine.is_halted,
        unheard=tuple(sorted(engine.unheard.items())),
    )


def engine_of(image: EngineImage) -> Engine:
    """Return an engine that holds what an image says."""
    engine = Engine()
    for side, orders in zip(engine.sides, (image.bids, image.asks), strict=True):
        for order in orders:
            side.add(order)
            engine.orders[order.id] = order
    for stop in image.stops:
        engine.stops.add(stop)
    for work in image.parents:
        engine.twaps.add(work)
    live = dict(engine.orders)
    live.update((stop.order.id, stop.order) for stop in image.stops)
    live.update((work.twap.order.id, work.twap.order) for work in image.parents)
    for order in live.values():
        order.terms = PLAIN if order.terms == PLAIN else order.terms
    engine.owned = {owner: {id_: live[id_] for id_ in ids} for owner, ids in image.owned}
    engine.reducers = {holder: {id_: live[id_] for id_ in ids} for holder, ids in image.reducers}
    engine.expiries = list(image.expiries)
    engine.positions = dict(image.positions)
    engine.deadlines = dict(image.deadlines)
    engine.last_price = image.last_price
    engine.is_halted = image.is_halted
    engine.unheard = dict(image.unheard)
    return engine
