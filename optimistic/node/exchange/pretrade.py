"""Margin before an order is taken: all open orders of one side of each market are assumed to fill.

The chain judges again when a trade settles, by the rules this follows (docs/spec/11-settlement.md).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from optimistic.node.exchange.answers import Refusal
from optimistic.node.exchange.exposure import Exposure, OpenSide
from optimistic.protocol.settlement.margin import initial_margin
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import FLAT, MAX_LEGS, MarketId, MarketStatus, SubaccountId
from optimistic.protocol.settlement.units import WAD, pips_up

_NOTHING_OPEN = OpenSide()


def latest_prices(state: State, market: Market) -> tuple[int, int]:
    """Return index price and mark of a market; where a price came in since the mark was worked out, that.

    The chain brings a market up to the latest price before it trades there, the mirror only hears of it.
    """
    feed = state.feeds.get(market.terms.feed)
    if feed is not None and feed.timestamp > market.priced_at:
        return feed.price_wad, feed.price_wad
    return market.index_price_wad, market.mark_wad


class Asked(NamedTuple):
    """An order that is not in the book yet."""

    subaccount: int
    market: int
    is_buy: bool
    lots: int
    ticks: int
    is_reduce_only: bool


class PreTrade(Protocol):
    """Judges orders; another margin engine replaces it without touching the exchange."""

    def refusal(
        self, asked: Sequence[Asked], n_new: int, exposures: Mapping[int, Exposure]
    ) -> tuple[Refusal, str] | None:
        """Return why the last `n_new` orders must be refused, with a text for people.

        Parameters
        ----------
        asked : orders of one subaccount that come in together; those before have been judged
        n_new : at least 1, all in one market
        exposures : market -> what that subaccount has at stake already
        """

    def needed_wad(self, subaccount: int, exposures: Mapping[int, Exposure]) -> tuple[int, int]:
        """Return (equity, requirement) of a subaccount, everything that may happen included; in WAD."""

    def increasing(self, subaccount: int, exposures: Mapping[int, Exposure]) -> Iterator[tuple[int, bool]]:
        """Yield (market, whether bids) where open orders may do more than reduce the position."""


class StandardPreTrade:
    """Standard margin over the mirror of the chain."""

    def __init__(self, state: State) -> None:
        self._state = state

    def refusal(
        self, asked: Sequence[Asked], n_new: int, exposures: Mapping[int, Exposure]
    ) -> tuple[Refusal, str] | None:
        """Judge the last `n_new` of `asked`; see `PreTrade`."""
        order = asked[-1]
        market = self._state.markets[MarketId(order.market)]
        exposure = exposures.get(order.market)
        held = self._position(order.subaccount, market, order.market, exposure)
        sides = _lots_open(exposure, asked, order.market)
        lot = market.terms.lot_wad
        is_free = n_new == 1 and _only_reduces(order, held // lot, *sides[not order.is_buy])
        if is_free or order.is_reduce_only:
            refusal = self._closing_refusal(order, market, exposures, asked)
            if is_free or refusal is not None:
                return refusal
        (bids, _), (asks, _) = sides
        reach = max(abs(held + bids * lot), abs(held - asks * lot))
        if not order.is_reduce_only and reach > market.limits.position_cap_wad:
            return Refusal.ORDER_SIZE, "the position could grow beyond the market's cap"
        legs = self._state.subaccounts[SubaccountId(order.subaccount)].legs
        markets = legs.keys() | exposures.keys() | {other.market for other in asked}
        if order.market not in legs and len(markets) > MAX_LEGS:
            return Refusal.ORDER_SIZE, f"a subaccount trades in at most {MAX_LEGS} markets"
        return _short(*self._needed(order.subaccount, exposures, asked))

    def _closing_refusal(
        self, order: Asked, market: Market, exposures: Mapping[int, Exposure], asked: Sequence[Asked]
    ) -> tuple[Refusal, str] | None:
        """Judge an order that only reduces: at a price so bad that it harms, the rest must bear the loss.

        A close frees maintenance margin; it harms if it costs more than that.
        """
        index, mark = latest_prices(self._state, market)
        price = order.ticks * market.terms.tick_wad
        lost = max(0, price - mark if order.is_buy else mark - price)
        lost += pips_up(mark, market.limits.highest_fee_pips)
        if lost * WAD <= market.ratios.maintenance_wad * index:
            return None
        others = [other for other in asked if other is not order]
        equity, needed = self._needed(order.subaccount, exposures, others)
        return _short(equity - order.lots * market.terms.lot_wad * lost // WAD, needed)

    def needed_wad(self, subaccount: int, exposures: Mapping[int, Exposure]) -> tuple[int, int]:
        """Return (equity, requirement); see `PreTrade`."""
        return self._needed(subaccount, exposures, ())

    def increasing(self, subaccount: int, exposures: Mapping[int, Exposure]) -> Iterator[tuple[int, bool]]:
        """Yield sides; see `PreTrade`."""
        for number, exposure in exposures.items():
            market = self._state.markets.get(MarketId(number))
            if market is None:
                continue
            held = self._position(subaccount, market, number, exposure) // market.terms.lot_wad
            for side, is_buy in ((exposure.bids, True), (exposure.asks, False)):
                if side.lots and side.lots + side.reducing > (-held if is_buy else held):
                    yield number, is_buy

    def _position(self, subaccount: int, market: Market, number: int, exposure: Exposure | None) -> int:
        """Size in WAD with the trades that are not settled."""
        leg = self._state.subaccounts[SubaccountId(subaccount)].legs.get(MarketId(number), FLAT)
        unsettled = exposure.unsettled_lots if exposure is not None else 0
        return leg.size_wad + unsettled * market.terms.lot_wad

    def _needed(
        self, subaccount: int, exposures: Mapping[int, Exposure], asked: Sequence[Asked]
    ) -> tuple[int, int]:
        state = self._state
        held = state.subaccounts[SubaccountId(subaccount)]
        margin = margin_of(state, SubaccountId(subaccount))
        equity, needed = margin.initial_equity_wad, margin.initial_wad
        markets = {other.market for other in asked} | exposures.keys() | held.legs.keys()
        for number in sorted(markets):
            market, exposure = state.markets.get(MarketId(number)), exposures.get(number)
            if market is None or market.status is MarketStatus.EXPIRED:
                continue
            size = held.legs.get(MarketId(number), FLAT).size_wad
            needed -= initial_margin(market.ratios, abs(size) * market.index_price_wad // WAD)
            index, mark = latest_prices(state, market)
            equity += size * (mark - market.mark_wad) // WAD
            if exposure is not None and exposure.unsettled_lots | exposure.unsettled_product:
                lot, tick = market.terms.lot_wad, market.terms.tick_wad
                worth = exposure.unsettled_lots * mark - exposure.unsettled_product * tick
                equity += worth * lot // WAD
                size += exposure.unsettled_lots * lot
            if exposure is not None and exposure.unsettled_notional:
                traded = exposure.unsettled_notional * market.terms.tick_wad * market.terms.lot_wad // WAD
                needed += pips_up(traded, market.limits.highest_fee_pips)
            orders = [other for other in asked if other.market == number]
            case = _Case(market, index, mark, size)
            bids, asks = (_NOTHING_OPEN,) * 2 if exposure is None else (exposure.bids, exposure.asks)
            needed += max(
                case.need(bids, [item for item in orders if item.is_buy], 1),
                case.need(asks, [item for item in orders if not item.is_buy], -1),
            )
        return equity, needed


def _short(equity: int, needed: int) -> tuple[Refusal, str] | None:
    """Return the refusal if equity is too little."""
    if equity >= needed:
        return None
    return Refusal.MARGIN, f"equity {equity}, needed with all open orders {needed} (in 1e-18)"


_Lots = tuple[int, int]
"""Of a side: those of plain orders, those of orders that may only reduce."""


def _lots_open(exposure: Exposure | None, asked: Sequence[Asked], market: int) -> tuple[_Lots, _Lots]:
    """Lots of the bids and of the asks of a market that may fill."""
    lots = [[0, 0], [0, 0]]
    if exposure is not None:
        lots = [[side.lots, side.reducing] for side in (exposure.bids, exposure.asks)]
    for other in asked:
        if other.market == market:
            lots[not other.is_buy][other.is_reduce_only] += other.lots
    (bids, reducing_bids), (asks, reducing_asks) = lots
    return (bids, reducing_bids), (asks, reducing_asks)


def _only_reduces(order: Asked, held: int, plain: int, reducing: int) -> bool:
    """Whether a side with this order in it cannot take the position through zero, whatever fills first.

    One that may only reduce does not by itself, but leaves less for the plain ones behind it to close.
    """
    if order.is_reduce_only and not plain:
        return True
    return 0 < plain + reducing <= (-held if order.is_buy else held)


class _Case(NamedTuple):
    """A position of so much in a market."""

    market: Market
    index_wad: int
    mark_wad: int
    size_wad: int

    def need(self, side: OpenSide, asked: Sequence[Asked], sign: int) -> int:
        """Initial margin, loss against the mark and fees if all orders of a side fill; `sign` 1 for bids.

        Those that may only reduce fill first or not at all, whichever is worse.
        """
        market, mark = self.market, self.mark_wad
        lot, tick = market.terms.lot_wad, market.terms.tick_wad
        lots, reducing, loss = side.lots, side.reducing, 0
        levels = side.levels
        if levels:
            worst = (max(levels) if sign > 0 else min(levels)) * tick
            if sign * (worst - mark) > 0:
                loss = sum(max(0, sign * (ticks * tick - mark)) * count for ticks, count in levels.items())
        for order in asked:
            if order.is_reduce_only:
                reducing += order.lots
                continue
            lots += order.lots
            loss += max(0, sign * (order.ticks * tick - mark)) * order.lots
        added = sign * lots * lot
        closed = sign * min(reducing * lot, max(0, -sign * self.size_wad)) if lots else 0
        after = max(abs(self.size_wad + added), abs(self.size_wad + closed + added))
        margin = initial_margin(market.ratios, after * self.index_wad // WAD)
        if not lots:
            return margin
        lost = -(-loss * lot // WAD)
        return margin + lost + pips_up(lots * lot * mark // WAD + lost, market.limits.highest_fee_pips)
