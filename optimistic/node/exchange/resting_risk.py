"""Ends resting orders whose owner can no longer carry them: a free option against whoever hits one.

Subaccounts that a block touched, or that got orders or trades since, are judged at every block. Of the
others each has room: no price can have eaten it before prices have moved so far in all. So a tick costs one
comparison per subaccount with orders, and a judgement for the few whose room is used up.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from optimistic.node.exchange import records as rec
from optimistic.node.exchange.commands import MassCancelWhy
from optimistic.node.exchange.exposure import Exposure, Exposures
from optimistic.node.exchange.pretrade import PreTrade, latest_prices
from optimistic.protocol.settlement.oracle import is_fresh
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import FeedId, MarketId, PriceUse, SubaccountId
from optimistic.protocol.settlement.units import WAD

_STEEPNESS: Final = 3
"""Equity falls by at most once what the stake loses, margin with the root of the size grows by at most one
and a half times, fees and the loss of open orders by the rest."""
_NEVER: Final = 1 << 255


class _Prices(NamedTuple):
    """What margin hangs on in one market."""

    index_wad: int
    mark_wad: int
    funding_wad: int
    """What a contract has paid or got beside its price."""
    crowd_wad: int


class RestingRisk:
    """Remembers how far prices may move before a subaccount must be judged again.

    Parameters
    ----------
    state : the chain as the exchange knows it
    exposures : what subaccounts have at stake
    pretrade : judges them
    """

    def __init__(self, state: State, exposures: Exposures, pretrade: PreTrade) -> None:
        self._state = state
        self._exposures = exposures
        self._pretrade = pretrade
        self._moved_wad = 0
        """How far prices have moved in all, up and down alike, as a fraction."""
        self._due_wad: dict[int, int] = {}
        """Subaccount -> where `_moved_wad` uses its room up."""
        self._prices: dict[int, _Prices] = {}
        self._terms: dict[int, object] = {}

    def forget(self) -> None:
        """Let everybody be judged: the chain is another one."""
        self._due_wad.clear()

    def records(self, touched: Iterable[int]) -> Iterator[rec.Record]:
        """Yield the ends of orders that their owners can no longer carry.

        Parameters
        ----------
        touched : subaccounts whose cash, collateral or positions a block changed
        """
        self._look()
        grown = self._exposures.grown
        grown.update(touched)
        for id_ in grown:
            self._due_wad.pop(id_, None)
        grown.clear()
        due, moved = self._due_wad, self._moved_wad
        by_subaccount = self._exposures.by_subaccount
        for id_ in [id_ for id_ in by_subaccount if due.get(id_, 0) <= moved]:
            yield from self._judge(id_, by_subaccount[id_])
        if len(due) > 2 * len(by_subaccount):
            self._due_wad = {id_: at_wad for id_, at_wad in due.items() if id_ in by_subaccount}

    def _judge(self, id_: int, exposures: Mapping[int, Exposure]) -> Iterator[rec.Record]:
        account = self._state.subaccounts.get(SubaccountId(id_))
        if account is None:
            return
        equity, needed = self._pretrade.needed_wad(id_, exposures)
        if equity >= needed:
            stake = _STEEPNESS * self._stake_wad(id_, exposures)
            room = (equity - needed) * WAD // stake if stake else _NEVER
            self._due_wad[id_] = self._moved_wad + max(1, room)
            return
        for market, is_buy in self._pretrade.increasing(id_, exposures):
            yield rec.MassCancelled(account.owner, id_, market, is_buy, None, MassCancelWhy.RISK)

    def _stake_wad(self, id_: int, exposures: Mapping[int, Exposure]) -> int:
        """Return the value of all that a subaccount holds or may come to hold."""
        state, account = self._state, self._state.subaccounts[SubaccountId(id_)]
        stake = 0
        for number in exposures.keys() | account.legs.keys():
            market, exposure = state.markets.get(MarketId(number)), exposures.get(number)
            if market is None:
                continue
            lots, leg = 0, account.legs.get(MarketId(number))
            if exposure is not None:
                lots = abs(exposure.unsettled_lots) + exposure.bids.lots + exposure.asks.lots
            size = lots * market.terms.lot_wad + (0 if leg is None else abs(leg.size_wad))
            stake += size * max(latest_prices(state, market)) // WAD
        settings = state.collateral
        if account.ether_wei and settings is not None and settings.ether_feed in state.feeds:
            stake += account.ether_wei * state.feeds[settings.ether_feed].price_wad // WAD
        return stake

    # ------------------------------------------------------------------------------ prices

    def _look(self) -> None:
        """Add up how far prices have moved since the last time; forget everybody if rules have changed."""
        state = self._state
        prices, terms = dict[int, _Prices](), dict[int, object]()
        for number, market in state.markets.items():
            index, mark = latest_prices(state, market)
            prices[int(number)] = _Prices(
                index, mark, market.settle_index_wad - market.mark_wad, _crowd_wad(market)
            )
            terms[int(number)] = (market.status, market.limits)
        settings = state.collateral
        feed = None if settings is None else state.feeds.get(settings.ether_feed)
        if settings is not None and feed is not None:
            prices[0] = _Prices(feed.price_wad, feed.price_wad, 0, 0)
            terms[0] = (settings, self._is_fresh(settings.ether_feed))
        if terms != self._terms:
            self.forget()
        else:
            self._moved_wad += max(
                (_moved_wad(self._prices[number], now) for number, now in prices.items()), default=0
            )
        self._prices, self._terms = prices, terms

    def _is_fresh(self, number: FeedId) -> bool:
        feed = self._state.feeds[number]
        return is_fresh(feed.setting, feed.timestamp, PriceUse.INCREASE, self._state.now_s)


def _crowd_wad(market: Market) -> int:
    """How far the open interest is into the range where it raises margin, rounded down."""
    return market.ratios.crowd * WAD // max(1, market.ratios.crowd_span)


def _moved_wad(before: _Prices, after: _Prices) -> int:
    """Return by what part of itself a price has moved, all that margin hangs on added up; rounded up."""
    if before == after:
        return 0
    least = min(*before[:2], *after[:2])
    if least <= 0:
        return _NEVER
    moves = sum(abs(new - old) for old, new in zip(before[:3], after[:3], strict=True))
    return -(-moves * WAD // least) + abs(after.crowd_wad - before.crowd_wad)
