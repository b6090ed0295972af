"""The exchange as the API sees it: commands go through to the core, questions are answered here."""

from collections.abc import Sequence

from optimistic.node.exchange.answers import Answer, Reject
from optimistic.node.exchange.archive import Recalled
from optimistic.node.exchange.commands import Command, Place
from optimistic.node.exchange.desk import Desk
from optimistic.node.exchange.events import Finality
from optimistic.node.exchange.exchange import Exchange
from optimistic.node.exchange.live import LiveOrder
from optimistic.node.exchange.owners import Owners
from optimistic.node.exchange.ports import (
    AccountInfo,
    BookSnapshot,
    Listener,
    MarketInfo,
    OpenOrder,
    PositionInfo,
    Prepared,
    Status,
)
from optimistic.protocol.matching.types import Side
from optimistic.protocol.settlement.clearing import SCOPE_TRADE
from optimistic.protocol.settlement.margin import initial_margin, maintenance_margin
from optimistic.protocol.settlement.orders import POST_ONLY, leaf_key
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.state import Market
from optimistic.protocol.settlement.types import FLAT, MarketId, MarketStatus, SubaccountId
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32


class ExchangeService:
    """Implements `ExchangePort`."""

    def __init__(self, core: Exchange) -> None:
        self._core = core
        self._state = core.state
        self._owners = Owners()

    # ------------------------------------------------------------------------------ commands

    def prepare(self, command: Command) -> Prepared | Reject:
        """Work out what the signer of a command must have signed."""
        return self._core.prepare(command)

    def decide(self, prepared: Sequence[Prepared]) -> list[Answer]:
        """Check, log and apply commands whose signers are known."""
        return self._core.decide(prepared)

    def submit(self, commands: Sequence[Command]) -> list[Answer]:
        """Prepare, recover the signers and decide."""
        return self._core.submit(commands)

    def subscribe(self, listener: Listener) -> None:
        """Hear of everything from the next group on."""
        self._core.subscribe(listener)

    def recall(self) -> Recalled:
        """Return what owners were told, up to the last group."""
        return self._core.recall()

    # ------------------------------------------------------------------------------ the exchange

    def status(self) -> Status:
        """Return counters and heads."""
        core, machine = self._core, self._core.machine
        with core.lock:
            return Status(
                group=core.group,
                seq=machine.next_number - 1,
                live_orders=len(machine.registry.orders),
                unsettled_trades=machine.settling.n_unsettled,
                chain_block=machine.chain.number,
                posted_block=machine.chain.posted,
                final_block=machine.chain.final,
                is_overloaded=machine.settling.n_unsettled >= core.options.settlement.max_unsettled,
                is_stopped=machine.is_stopped,
                signer=core.signer.address,
            )

    def finality(self, block: int) -> Finality:
        """Return how final what happened in an L2 block is."""
        chain = self._core.machine.chain
        if block <= chain.final:
            return Finality.FINAL
        return Finality.POSTED if block <= chain.posted else Finality.SOFT

    # ------------------------------------------------------------------------------ markets

    def markets(self) -> list[MarketInfo]:
        """Return all markets."""
        with self._core.lock:
            return [self._market_info(number, market) for number, market in self._state.markets.items()]

    def _market_info(self, number: MarketId, market: Market) -> MarketInfo:
        desk = self._core.machine.desks.get(number)
        is_stopped = self._core.machine.is_stopped if desk is None else desk.is_stopped
        terms, limits = market.terms, market.limits
        return MarketInfo(
            market=number,
            feed=terms.feed,
            kind=terms.kind.name.lower(),
            status=(MarketStatus.HALTED if is_stopped else market.status).name.lower(),
            expiry=terms.expiry,
            tick_wad=terms.tick_wad,
            lot_wad=terms.lot_wad,
            taker_fee_pips=limits.taker_fee_pips,
            maker_fee_pips=limits.maker_fee_pips,
            index_wad=market.index_price_wad,
            mark_wad=market.mark_wad,
            funding_wad=market.funding.rate_wad,
            priced_at=market.priced_at,
            open_interest_wad=market.open_interest_wad,
        )

    def book(self, market: int, depth: int = 50) -> BookSnapshot | None:
        """Return the best levels."""
        with self._core.lock:
            if MarketId(market) not in self._state.markets:
                return None
            desk = self._core.machine.desks.get(market) or Desk()
            bids, asks = (
                tuple((ticks, desk.levels.sides[side][ticks]) for ticks in _best(desk, side, depth))
                for side in Side
            )
            last = desk.engine.last_price
            return BookSnapshot(market=market, group=self._core.group, bids=bids, asks=asks, last_ticks=last)

    # ------------------------------------------------------------------------------ orders

    def open_orders(self, owner: Address) -> list[OpenOrder]:
        """Return an owner's live orders, oldest first."""
        with self._core.lock:
            orders = self._core.machine.registry.by_owner.get(owner, {})
            return [_open_order(order) for order in orders.values()]

    def order(self, owner: Address, *, order_id: int = 0, client_id: bytes = b"") -> OpenOrder | None:
        """Return a live order of an owner."""
        with self._core.lock:
            registry = self._core.machine.registry
            number = registry.live_names.get((owner, client_id), 0) if client_id else order_id
            order = registry.orders.get(number)
            return None if order is None or order.owner != owner else _open_order(order)

    def filled_lots(self, order_hash: Hash32, index: int = -1) -> int:
        """Return the lots of an order that are settled; `index` is that of a quote."""
        key = order_hash if index < 0 else leaf_key(order_hash, index)
        return self._state.filled_lots.get(key, 0)

    # ------------------------------------------------------------------------------ accounts

    def subaccounts(self, owner: Address) -> list[int]:
        """Return the subaccounts of an owner."""
        if owner == ZERO_ADDRESS:
            return []
        with self._core.lock:
            return self._owners.of(owner, self._state.subaccounts)

    def owner(self, subaccount: int) -> Address | None:
        """Return whose a subaccount is."""
        found = self._state.subaccounts.get(SubaccountId(subaccount))
        return None if found is None or found.owner == ZERO_ADDRESS else found.owner

    def session_key(self, owner: Address, key: Address) -> int | None:
        """Return the subaccount that a key may trade for now, 0 for all."""
        found = self._state.session_keys.get((owner, key))
        if found is None or not found.scope & SCOPE_TRADE or found.expiry < self._core.clock.time_s():
            return None
        return found.subaccount

    def account(self, subaccount: int) -> AccountInfo | None:
        """Return a subaccount with positions and margin."""
        core, id_ = self._core, SubaccountId(subaccount)
        with core.lock:
            found = self._state.subaccounts.get(id_)
            if found is None:
                return None
            exposures = core.machine.exposures.of(subaccount)
            margin = margin_of(self._state, id_)
            _, needed = core.pretrade.needed_wad(subaccount, exposures)
            markets = sorted({*found.legs, *map(MarketId, exposures)} & self._state.markets.keys())
            return AccountInfo(
                subaccount=subaccount,
                owner=found.owner,
                cash_wad=found.cash_wad,
                equity_wad=margin.equity_wad,
                initial_equity_wad=margin.initial_equity_wad,
                initial_wad=margin.initial_wad,
                maintenance_wad=margin.maintenance_wad,
                reserved_wad=max(0, needed - margin.initial_wad),
                positions=tuple(self._position(id_, market) for market in markets),
                block=core.machine.chain.number,
            )

    def _position(self, id_: SubaccountId, number: MarketId) -> PositionInfo:
        market = self._state.markets[number]
        leg = self._state.subaccounts[id_].legs.get(number, FLAT)
        exposure = self._core.machine.exposures.of(id_).get(number)
        unsettled = 0 if exposure is None else exposure.unsettled_lots
        notional = abs(leg.size_wad) * market.index_price_wad // WAD
        return PositionInfo(
            market=number,
            settled_wad=leg.size_wad,
            matched_wad=leg.size_wad + unsettled * market.terms.lot_wad,
            mark_wad=market.mark_wad,
            unsettled_pnl_wad=leg.size_wad * (market.settle_index_wad - leg.index_wad) // WAD,
            notional_wad=notional,
            initial_wad=initial_margin(market.ratios, notional),
            maintenance_wad=maintenance_margin(market.ratios, notional),
        )


def _best(desk: Desk, side: Side, depth: int) -> list[int]:
    levels = desk.levels.sides[side]
    return sorted(levels, reverse=side is Side.BUY)[:depth]


def _open_order(order: LiveOrder) -> OpenOrder:
    message = order.message
    command = message.command
    return OpenOrder(
        order_id=order.id,
        client_id=order.client_id,
        subaccount=order.subaccount,
        market=order.market,
        is_buy=order.is_buy,
        ticks=order.ticks,
        lots_left=order.open,
        lots=order.lots,
        flags=command.flags if isinstance(command, Place) else POST_ONLY * command.post_only,
        display=command.display if isinstance(command, Place) else 0,
        expiry=command.expiry,
        order_hash=order.key,
        kind=order.kind.name.lower(),
        ts_ms=order.ts_ms,
    )
