"""What is checked before a command is written to the log. Nothing here changes anything."""

from dataclasses import dataclass, field

from msgspec.structs import replace

from optimistic.node.exchange import commands as cmd
from optimistic.node.exchange import records as rec
from optimistic.node.exchange.answers import Refusal, Reject
from optimistic.node.exchange.desk import n_slices, terms_of
from optimistic.node.exchange.live import Kind, LiveOrder
from optimistic.node.exchange.machine import Machine
from optimistic.node.exchange.options import ExchangeOptions, OrderLimits
from optimistic.node.exchange.ports import Prepared
from optimistic.node.exchange.pretrade import Asked, PreTrade, latest_prices
from optimistic.node.exchange.registry import Taken
from optimistic.protocol.matching.types import Side, TimeInForce
from optimistic.protocol.settlement import orders as signed
from optimistic.protocol.settlement.clearing import SCOPE_TRADE
from optimistic.protocol.settlement.oracle import is_fresh
from optimistic.protocol.settlement.signatures import SIGNATURE_BYTES
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import MarketId, MarketStatus, PriceUse, SubaccountId
from optimistic.protocol.settlement.units import PIPS, WAD
from optimistic.protocol.types import ZERO_ADDRESS, Address

MAX_CLIENT_ID_BYTES = 36


class Refused(Exception):
    """A command is refused; raised and caught within the exchange."""

    def __init__(self, refusal: Refusal, detail: str = "", ticks: int | None = None) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail
        self.ticks = ticks


class Repeated(Exception):
    """A command was taken before; raised and caught within the exchange."""

    def __init__(self, taken: Taken) -> None:
        super().__init__()
        self.taken = taken


@dataclass(slots=True)
class Plan:
    """A group while it is put together: what its commands so far add to the state."""

    ts_ms: int
    records: list[rec.Record] = field(default_factory=list)
    nonces: set[tuple[Address, int]] = field(default_factory=set)
    names: set[tuple[Address, bytes]] = field(default_factory=set)
    asked: dict[int, list[Asked]] = field(default_factory=dict)
    """By subaccount."""
    n_orders: dict[Address, int] = field(default_factory=dict)
    n_parents: dict[Address, int] = field(default_factory=dict)


class Admission:
    """The checks of every command.

    Parameters
    ----------
    machine : what the exchange holds
    state : the chain as the exchange knows it
    pretrade : judges margin
    options : the operator's limits
    """

    def __init__(self, machine: Machine, state: State, pretrade: PreTrade, options: ExchangeOptions) -> None:
        self._machine = machine
        self._state = state
        self._pretrade = pretrade
        self._options = options
        self._limits = options.orders

    def admit(self, prepared: Prepared, plan: Plan) -> list[rec.Record]:
        """Return the records of a command that may be written.

        Raises
        ------
        Refused, Repeated : there is nothing to write
        """
        command = prepared.command
        match command:
            case cmd.Place():
                return [self._order(prepared, command, plan)]
            case cmd.PlaceQuotes():
                return [self._quotes(prepared, command, plan)]
            case cmd.Cancel():
                return [rec.Cancelled(self._own(command).id)]
            case cmd.Shrink():
                return [self._shrink(command)]
            case cmd.Replace():
                return [self._order(prepared, command.place, plan, self._own(command.cancel))]
            case cmd.MassCancel():
                return [
                    rec.MassCancelled(
                        command.owner,
                        command.subaccount,
                        command.market,
                        command.is_buy,
                        command.session,
                        command.why,
                    )
                ]
            case cmd.DeadMan():
                return [self._dead_man(command, plan.ts_ms)]
            case cmd.Halt():
                return [rec.Halted(command.market, command.is_halted)]

    # ------------------------------------------------------------------------------ signed orders

    def _order(
        self, prepared: Prepared, place: cmd.Place, plan: Plan, instead: LiveOrder | None = None
    ) -> rec.OrderTaken:
        market = self._market(place.market)
        self._check_terms(place)
        if place.slides:
            self._check_slide(place)
        owner = self._check_signer(prepared, place.subaccount, place.expiry)
        self._check_name(owner, place.client_id, prepared, plan)
        self._check_message(place, owner, market, plan)
        if place.slices is not None:
            self._check_parents(owner, plan)
        asked = Asked(
            place.subaccount,
            place.market,
            place.is_buy,
            place.lots,
            place.ticks,
            bool(place.flags & signed.REDUCE_ONLY),
        )
        self._check_orders(
            [asked], market, owner, plan, is_waiting=place.trigger is not None, instead=instead
        )
        self._note(owner, place, plan)
        assert prepared.digest is not None
        taken = rec.OrderTaken(owner, prepared.digest, self._ends_ms(place.expiry), place)
        return taken if instead is None else replace(taken, instead_of=instead.id, instead_open=instead.open)

    def _quotes(self, prepared: Prepared, quotes: cmd.PlaceQuotes, plan: Plan) -> rec.QuotesTaken:
        market = self._market(quotes.market)
        owner = self._check_signer(prepared, quotes.subaccount, quotes.expiry)
        self._check_name(owner, quotes.client_id, prepared, plan)
        self._check_message(quotes, owner, market, plan)
        asked = [
            Asked(quotes.subaccount, quotes.market, leaf.is_buy, leaf.lots, leaf.ticks, False)
            for leaf in quotes.leaves
        ]
        self._check_orders(asked, market, owner, plan)
        self._note(owner, quotes, plan)
        assert prepared.digest is not None
        return rec.QuotesTaken(owner, prepared.digest, self._ends_ms(quotes.expiry), quotes)

    def _market(self, number: int) -> Market:
        market = self._state.markets.get(MarketId(number))
        if market is None:
            raise Refused(Refusal.UNKNOWN_MARKET, f"there is no market {number}")
        desk = self._machine.desks.get(number)
        if self._machine.is_stopped or (desk is not None and desk.is_stopped):
            raise Refused(Refusal.HALTED, "the operator has stopped the market")
        if market.status not in (MarketStatus.OPEN, MarketStatus.REDUCE_ONLY):
            raise Refused(Refusal.MARKET_NOT_OPEN, market.status.name.lower())
        if self._machine.settling.n_unsettled >= self._options.settlement.max_unsettled:
            raise Refused(Refusal.OVERLOADED, "settlement is behind")
        return market

    def _check_terms(self, place: cmd.Place) -> None:
        """Check what an order asks for beside size and price."""
        terms = terms_of(place)
        if not terms.is_plausible or (place.slides and not terms.post_only):
            raise Refused(Refusal.INVALID, "the terms of the order contradict each other")
        if place.trigger is not None and (place.slices is not None or place.trigger.ticks <= 0):
            raise Refused(Refusal.INVALID, "the trigger makes no sense")
        if place.slices is not None:
            self._check_slices(place, place.slices)

    def _check_slide(self, place: cmd.Place) -> None:
        """Refuse an order that would have to slide, and say to which price."""
        desk = self._machine.desks.get(place.market)
        if desk is None:
            return
        opposite = desk.engine.sides[Side.SELL if place.is_buy else Side.BUY]
        if opposite.best is None or not opposite.crosses(place.ticks):
            return
        behind = opposite.best - 1 if place.is_buy else opposite.best + 1
        raise Refused(Refusal.WOULD_TAKE, f"it would take: sign it at {behind} ticks", behind)

    def _check_slices(self, place: cmd.Place, slices: cmd.Slices) -> None:
        kind = TimeInForce(place.flags >> signed.TIME_IN_FORCE_SHIFT)
        if place.flags & signed.POST_ONLY or place.display or kind in (TimeInForce.IOC, TimeInForce.FOK):
            raise Refused(Refusal.INVALID, "slices take at once and are no icebergs")
        if not self._limits.min_slice_ms <= slices.interval_ms <= slices.duration_ms:
            raise Refused(Refusal.INVALID, f"slices are {self._limits.min_slice_ms} ms or more apart")
        if n_slices(place) > self._limits.max_slices:
            raise Refused(Refusal.INVALID, f"at most {self._limits.max_slices} slices")

    def _check_parents(self, owner: Address, plan: Plan) -> None:
        live = self._machine.registry.by_owner.get(owner, {}).values()
        count = sum(order.kind is Kind.TWAP for order in live) + plan.n_parents.get(owner, 0)
        if count >= self._limits.max_parents:
            raise Refused(Refusal.TOO_MANY_ORDERS, f"at most {self._limits.max_parents} worked in slices")

    def _check_signer(self, prepared: Prepared, subaccount: int, expiry: int) -> Address:
        """Return the owner, if he or a session key of his signed."""
        account = self._state.subaccounts.get(SubaccountId(subaccount))
        if account is None or account.owner == ZERO_ADDRESS:
            raise Refused(Refusal.UNKNOWN_SUBACCOUNT, f"nobody has opened subaccount {subaccount}")
        signer = prepared.signer
        if signer == account.owner:
            return account.owner
        if signer is None or signer == ZERO_ADDRESS:
            raise Refused(Refusal.BAD_SIGNATURE, "the signature is nobody's")
        key = self._state.session_keys.get((account.owner, signer))
        if key is None:
            raise Refused(Refusal.BAD_SIGNATURE, "signed by neither the owner nor a session key")
        if key.subaccount not in (0, subaccount) or not key.scope & SCOPE_TRADE or key.expiry < expiry:
            raise Refused(Refusal.NOT_A_SESSION_KEY, "the key may not sign for this, or not for so long")
        return account.owner

    def _check_name(self, owner: Address, client_id: bytes, prepared: Prepared, plan: Plan) -> None:
        if not client_id:
            return
        if len(client_id) > MAX_CLIENT_ID_BYTES:
            raise Refused(Refusal.INVALID, f"a client id has at most {MAX_CLIENT_ID_BYTES} bytes")
        taken = self._machine.registry.names.get((owner, client_id))
        if taken is not None and taken.digest == prepared.digest:
            raise Repeated(taken)
        is_live = (owner, client_id) in self._machine.registry.live_names
        if taken is not None or is_live or (owner, client_id) in plan.names:
            raise Refused(Refusal.CLIENT_ID_TAKEN, "another order has this client id")

    def _check_message(
        self, message: cmd.Place | cmd.PlaceQuotes, owner: Address, market: Market, plan: Plan
    ) -> None:
        """Check expiry, nonce and fee."""
        now_s = plan.ts_ms // 1_000
        if self._ends_ms(message.expiry) <= plan.ts_ms:
            raise Refused(Refusal.EXPIRED, f"orders end {self._limits.settle_margin_s} s before they expire")
        if message.expiry > now_s + self._limits.max_lifetime_s:
            raise Refused(Refusal.EXPIRES_TOO_LATE, f"at most {self._limits.max_lifetime_s} s ahead")
        floor = self._state.nonce_floors.get(owner, 0)
        if message.nonce < floor:
            raise Refused(Refusal.NONCE_BELOW_FLOOR, f"the owner's floor on the chain is {floor}")
        window = self._machine.windows.get(owner)
        if (owner, message.nonce) in plan.nonces or (window is not None and message.nonce in window):
            raise Refused(Refusal.NONCE_USED, f"another order has nonce {message.nonce}")
        if window is not None and message.nonce <= window.floor:
            raise Refused(Refusal.NONCE_TOO_OLD, f"nonces up to {window.floor} are too old")
        if message.max_fee_pips < market.limits.highest_fee_pips:
            raise Refused(Refusal.FEE_CAP, "the market's fee is higher")

    def _check_orders(
        self,
        asked: list[Asked],
        market: Market,
        owner: Address,
        plan: Plan,
        *,
        is_waiting: bool = False,
        instead: LiveOrder | None = None,
    ) -> None:
        """Check numbers, prices and margin of orders that come together, `instead` of another."""
        registry, first = self._machine.registry, asked[0]
        count = len(asked) + plan.n_orders.get(owner, 0)
        count -= instead is not None and instead.owner == owner
        if len(registry.by_owner.get(owner, ())) + count > self._limits.max_per_owner:
            raise Refused(Refusal.TOO_MANY_ORDERS, f"at most {self._limits.max_per_owner} open orders")
        desk = self._machine.desks.get(first.market)
        if desk is not None and desk.engine.n_live + len(asked) > self._limits.max_per_market:
            raise Refused(Refusal.TOO_MANY_ORDERS, "the market is full")
        if market.status is MarketStatus.REDUCE_ONLY and not first.is_reduce_only:
            raise Refused(Refusal.MARKET_REDUCE_ONLY, "the market takes orders that reduce a position only")
        if self._options.refuse_stale_prices:
            self._check_price_age(first, market, plan.ts_ms // 1_000)
        for order in asked:
            self._check_price(order, market, is_waiting=is_waiting)
            self._check_open_interest(order, market)
        exposures = self._machine.exposures.of(first.subaccount)
        if instead is not None and instead.subaccount == first.subaccount:
            exposures = self._machine.exposures.without(instead)
        together = [*plan.asked.get(first.subaccount, ()), *asked]
        refusal = self._pretrade.refusal(together, len(asked), exposures)
        if refusal is not None:
            raise Refused(*refusal)

    def _check_price_age(self, order: Asked, market: Market, now_s: int) -> None:
        """Refuse what the chain would not settle at the age of the price: at an old one both sides reduce.

        Makers may increase, so a reduce-only order may only rest then, but for a market where all reduce.
        """
        feed = self._state.feeds.get(market.terms.feed)
        uses = [
            use
            for use in (PriceUse.REDUCE, PriceUse.INCREASE)
            if feed is not None and is_fresh(feed.setting, feed.timestamp, use, now_s)
        ]
        if PriceUse.INCREASE in uses:
            return
        if not order.is_reduce_only or PriceUse.REDUCE not in uses:
            raise Refused(Refusal.STALE_PRICE, f"feed {market.terms.feed}")
        desk = self._machine.desks.get(order.market)
        if desk is None or market.status is MarketStatus.REDUCE_ONLY:
            return
        if desk.engine.sides[Side.SELL if order.is_buy else Side.BUY].crosses(order.ticks):
            raise Refused(Refusal.STALE_PRICE, f"feed {market.terms.feed}: only resting orders that reduce")

    def _check_open_interest(self, order: Asked, market: Market) -> None:
        """Refuse an order that would at once make open interest grow beyond its cap; others may close."""
        desk, lot = self._machine.desks.get(order.market), market.terms.lot_wad
        room, left = (market.limits.open_interest_cap_wad - market.open_interest_wad) // lot, order.lots
        if left <= room or desk is None:
            return
        opposite, positions = (
            desk.engine.sides[Side.SELL if order.is_buy else Side.BUY],
            desk.engine.positions,
        )
        held, sign = positions.get(order.subaccount, 0), 1 if order.is_buy else -1
        for maker in opposite.orders():
            if not left or sign * (maker.price - order.ticks) > 0:
                return
            other, lots = positions.get(maker.subaccount, 0), min(left, maker.lots)
            room -= max(0, held + sign * lots) - max(0, held) + max(0, other - sign * lots) - max(0, other)
            if room < 0:
                raise Refused(Refusal.ORDER_SIZE, "open interest would grow beyond the market's cap")
            held, left = held + sign * lots, left - lots

    def _check_price(self, order: Asked, market: Market, *, is_waiting: bool) -> None:
        price = order.ticks * market.terms.tick_wad
        _, mark = latest_prices(self._state, market)
        if order.lots * market.terms.lot_wad * price > self._limits.max_notional_wad * WAD:
            raise Refused(Refusal.ORDER_SIZE, "the order's notional is too large")
        beyond = price - mark if order.is_buy else mark - price
        if not is_waiting and beyond * PIPS > self._limits.price_band_pips * mark:
            raise Refused(
                Refusal.PRICE_BAND, f"more than {self._limits.price_band_pips} pips beyond the mark"
            )

    def _note(self, owner: Address, message: cmd.Place | cmd.PlaceQuotes, plan: Plan) -> None:
        """Let the following commands of the group know of this one."""
        plan.nonces.add((owner, message.nonce))
        if message.client_id:
            plan.names.add((owner, message.client_id))
        leaves = message.leaves if isinstance(message, cmd.PlaceQuotes) else (message,)
        is_reduce_only = isinstance(message, cmd.Place) and bool(message.flags & signed.REDUCE_ONLY)
        plan.asked.setdefault(message.subaccount, []).extend(
            Asked(message.subaccount, message.market, leaf.is_buy, leaf.lots, leaf.ticks, is_reduce_only)
            for leaf in leaves
        )
        if isinstance(message, cmd.Place) and message.slices is not None:
            plan.n_parents[owner] = plan.n_parents.get(owner, 0) + 1
        plan.n_orders[owner] = plan.n_orders.get(owner, 0) + len(leaves)

    def _ends_ms(self, expiry: int) -> int:
        return (expiry - self._limits.settle_margin_s) * 1_000

    # ------------------------------------------------------------------------------ commands of owners

    def _own(self, command: cmd.Cancel | cmd.Shrink) -> LiveOrder:
        """Return the live order a command names."""
        registry = self._machine.registry
        number = command.order_id
        if command.client_id:
            number = registry.live_names.get((command.owner, command.client_id), 0)
        order = registry.orders.get(number)
        if (
            order is None
            or order.owner != command.owner
            or command.subaccount not in (None, order.subaccount)
        ):
            raise Refused(Refusal.UNKNOWN_ORDER, "no open order of the owner has this number or name")
        return order

    def _shrink(self, command: cmd.Shrink) -> rec.Shrunk:
        order = self._own(command)
        if order.id not in self._machine.desks[order.market].engine.orders:
            raise Refused(Refusal.INVALID, "only an order that rests can be made smaller")
        if not 0 < command.lots < order.open:
            raise Refused(Refusal.INVALID, f"it has {order.open} lots open")
        return rec.Shrunk(order.id, command.lots)

    def _dead_man(self, command: cmd.DeadMan, ts_ms: int) -> rec.DeadManSet:
        if not 0 <= command.timeout_ms <= self._options.max_dead_man_ms:
            raise Refused(Refusal.INVALID, f"at most {self._options.max_dead_man_ms} ms")
        return rec.DeadManSet(command.owner, ts_ms + command.timeout_ms if command.timeout_ms else 0)


def check_message(message: cmd.Place | cmd.PlaceQuotes, limits: OrderLimits) -> None:
    """Check that every number of a signed message fits its field.

    Raises
    ------
    Refused : one does not
    """
    in_range = (
        0 < message.subaccount < 1 << 64
        and 0 <= message.expiry <= signed.MAX_EXPIRY
        and 0 <= message.nonce < 1 << 64
        and 0 <= message.max_fee_pips <= signed.MAX_FEE_PIPS
        and 0 <= message.session < 1 << 63
        and len(message.signature) == SIGNATURE_BYTES
    )
    if not in_range:
        raise Refused(Refusal.INVALID, "a number is out of range, or the signature has not 64 bytes")
    if isinstance(message, cmd.Place):
        if not 0 <= message.flags <= signed.MAX_FLAGS or not 0 <= message.display <= message.lots:
            raise Refused(Refusal.INVALID, "flags or display out of range")
    elif not 0 < len(message.leaves) <= limits.max_leaves:
        raise Refused(Refusal.INVALID, f"quotes have 1 to {limits.max_leaves} leaves")
    leaves = (message,) if isinstance(message, cmd.Place) else message.leaves
    for leaf in leaves:
        if not (0 < leaf.lots <= signed.MAX_LOTS and 0 < leaf.ticks <= signed.MAX_TICKS):
            raise Refused(Refusal.INVALID, "lots or ticks out of range")


def rejection(refused: Refused, prepared: Prepared) -> Reject:
    """Return the answer to a refused command."""
    if refused.refusal in (Refusal.BAD_SIGNATURE, Refusal.NOT_A_SESSION_KEY):
        return Reject(
            refusal=refused.refusal,
            detail=refused.detail,
            digest=prepared.digest,
            recovered=prepared.signer or ZERO_ADDRESS,
        )
    return Reject(refusal=refused.refusal, detail=refused.detail, ticks=refused.ticks)
