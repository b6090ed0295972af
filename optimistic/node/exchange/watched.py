"""What of a block matters to orders: prices, statuses, nonce floors, session keys, positions."""

from collections.abc import Container, Iterable, Sequence
from copy import copy

from optimistic.node.exchange import records as rec
from optimistic.node.exchange.commands import MassCancelWhy
from optimistic.node.exchange.events import MarketMoved
from optimistic.node.exchange.machine import Machine
from optimistic.node.exchange.ports import ChainLog
from optimistic.protocol.constants import CLEARING, COLLATERAL, LEDGER
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.settlement.state import Market, SessionKey, State
from optimistic.protocol.settlement.types import MarketId, MarketStatus, SubaccountId
from optimistic.protocol.types import Address

_POSITION_CHANGED = keccak256(b"PositionChanged(uint64,uint32,int256,int256)")
_FLOOR_RAISED = keccak256(b"NonceFloorRaised(address,uint64)")
_SESSION_KEY_SET = keccak256(b"SessionKeySet(address,address,uint64,uint64,uint8)")


class Watched:
    """Markets before a block, and what its logs touch."""

    def __init__(self, state: State) -> None:
        self._before = {number: _moving(market) for number, market in state.markets.items()}
        self._fees = {number: market.limits.highest_fee_pips for number, market in state.markets.items()}
        self.positions: dict[tuple[SubaccountId, MarketId], None] = {}
        self.accounts: set[int] = set()
        """Subaccounts whose cash, collateral or positions move; other numbers may be among them."""
        self.floors: dict[Address, None] = {}
        self.keys: dict[tuple[Address, Address], SessionKey | None] = {}
        """Owner and key -> what it was allowed before."""

    def market_events(self, state: State) -> list[MarketMoved]:
        """Return the markets whose prices have moved."""
        return [
            MarketMoved(
                number,
                market.index_price_wad,
                market.mark_wad,
                market.funding.rate_wad,
                market.priced_at,
            )
            for number, market in state.markets.items()
            if self._before.get(number) != _moving(market)
        ]

    def records(self, state: State, machine: Machine) -> Iterable[rec.Record]:
        """Yield what orders must hear of."""
        for owner in self.floors:
            yield rec.FloorRaised(owner, state.nonce_floors[owner])
        for owner in dict.fromkeys(owner for owner, key in self.keys if self._is_narrowed(state, owner, key)):
            yield rec.MassCancelled(owner, None, None, None, None, MassCancelWhy.KEY_CHANGED)
        yield from _status_records(state, machine)
        dearer = {
            number
            for number, fee in self._fees.items()
            if number in state.markets and state.markets[number].limits.highest_fee_pips > fee
        }
        if dearer:
            yield from orders_below_fee(state, machine, dearer)
        for number, market in state.markets.items():
            desk = machine.desks.get(number)
            has_moved = self._before.get(number) != _moving(market)
            if has_moved and desk is not None and desk.engine.stops.stops:
                mark, index = (
                    _both(price, market.terms.tick_wad) for price in (market.mark_wad, market.index_price_wad)
                )
                yield rec.PriceNoted(number, mark, index)

    def _is_narrowed(self, state: State, owner: Address, key: Address) -> bool:
        """Whether a key may do less than before."""
        before, after = self.keys[owner, key], state.session_keys[owner, key]
        if before is None:
            return False
        return (
            after.expiry < before.expiry
            or after.subaccount not in (0, before.subaccount)
            or bool(before.scope & ~after.scope)
        )


def orders_below_fee(state: State, machine: Machine, markets: Container[MarketId]) -> Iterable[rec.Record]:
    """Yield the end of orders whose signers allow less than the fee of these markets."""
    for order in machine.registry.orders.values():
        number, signed_pips = MarketId(order.market), order.message.command.max_fee_pips
        if number in markets and signed_pips < state.markets[number].limits.highest_fee_pips:
            yield rec.Cancelled(order.id, MassCancelWhy.FEE_RAISED)


def _status_records(state: State, machine: Machine) -> Iterable[rec.Record]:
    """Yield the statuses of markets that are not what the desks think."""
    for number, market in state.markets.items():
        desk = machine.desks.get(number)
        if market.status is not (MarketStatus.OPEN if desk is None else desk.status):
            yield rec.StatusNoted(number, market.status)


def ends_of_lost(state: State, machine: Machine) -> Iterable[rec.Record]:
    """Yield the ends of markets that do not exist, and of orders whose owners have no such subaccount."""
    for gone in sorted(machine.desks.keys() - state.markets.keys()):
        if machine.desks[gone].status is not MarketStatus.EXPIRED:
            yield rec.StatusNoted(gone, MarketStatus.EXPIRED)
    for owner, orders in machine.registry.by_owner.items():
        for id_ in dict.fromkeys(order.subaccount for order in orders.values()):
            account = state.subaccounts.get(SubaccountId(id_))
            if account is None or account.owner != owner:
                yield rec.MassCancelled(owner, id_, None, None, None, MassCancelWhy.SUBACCOUNT_GONE)


def note_logs(watched: Watched, logs: Sequence[ChainLog], state: State) -> None:
    """Note what the logs of a block touch; `state` is that before them."""
    for item in logs:
        kind = item.topics[0] if item.topics else None
        if item.address in (LEDGER, COLLATERAL):
            watched.accounts.update(int.from_bytes(topic, "big") for topic in item.topics[1:])
        if item.address == LEDGER and kind == _POSITION_CHANGED:
            id_, market = (int.from_bytes(topic, "big") for topic in item.topics[1:3])
            watched.positions[SubaccountId(id_), MarketId(market)] = None
        elif item.address == CLEARING and kind == _FLOOR_RAISED:
            watched.floors[Address(item.topics[1][12:])] = None
        elif item.address == CLEARING and kind == _SESSION_KEY_SET:
            names = Address(item.topics[1][12:]), Address(item.topics[2][12:])
            watched.keys.setdefault(names, copy(state.session_keys.get(names)))


def _moving(market: Market) -> tuple[int, int, int, int]:
    return market.index_price_wad, market.mark_wad, market.funding.rate_wad, market.priced_at


def _both(price_wad: int, tick_wad: int) -> tuple[int, int]:
    """Return a price in ticks, rounded down and up."""
    return price_wad // tick_wad, -(-price_wad // tick_wad)
