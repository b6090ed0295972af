"""Bring a market up to a new price: mark, funding, basis, variance.

Twin: solidity/src/l2/settlement/Markets.sol
"""

from dataclasses import replace
from typing import Final

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement import funding, marks, oracle
from optimistic.protocol.settlement.funding import Premium
from optimistic.protocol.settlement.state import FeedState, Market, State
from optimistic.protocol.settlement.types import BookReport, MarketId, MarketKind, MarketStatus
from optimistic.protocol.settlement.units import (
    QUANTUM_WAD,
    WAD,
    clamp,
    floor_to,
    quantum_toward_zero,
    sqrt_down,
)

MAX_PRICE_WAD: Final = 10**27
_MAX_DEPTH_WAD: Final = (1 << 112) - 1
_ENDED: Final = (MarketStatus.NONE, MarketStatus.EXPIRED)


class InvalidReport(InvalidInput):
    """A report of a book that is no later than the last one, of the future, or crossed."""


def refresh(state: State, id_: MarketId) -> None:
    """Take over the latest price of a market's feed if there is a new one.

    Raises
    ------
    UnknownMarket : there is none
    """
    market = state.market(id_)
    feed = state.feeds[market.terms.feed]
    if market.status in _ENDED or feed.timestamp <= market.priced_at:
        return
    take_price(market, _index(market.terms.expiry, feed), feed.timestamp, state.now_s)


def take_price(market: Market, price_wad: int, time: int, now_s: int) -> None:
    """Bring funding, variance, mark and settlement index up to a price that is later than the last one."""
    if market.priced_at:
        if time - market.priced_at > funding.OUTAGE_S:
            market.resumed_at = now_s
        if market.terms.kind is MarketKind.PERPETUAL:
            _accrue(market, time)
        market.variance_wad = marks.moved_variance(
            market.variance_wad, market.index_price_wad, price_wad, time - market.priced_at
        )
    market.priced_at, market.index_price_wad = time, price_wad
    market.mark_wad = _mark(market)
    market.settle_index_wad = market.mark_wad - quantum_toward_zero(market.funding.cumulative_wad)


def note_trades(state: State, id_: MarketId, vwap_wad: int) -> None:
    """Move the average basis by the volume-weighted price of a batch."""
    market = state.market(id_)
    if not market.priced_at:
        return
    index, price = market.index_price_wad, clamp(vwap_wad, QUANTUM_WAD, MAX_PRICE_WAD)
    market.last_trade_wad = floor_to(price, QUANTUM_WAD)
    bid = ask = 0
    if marks.is_current(market.report.timestamp, market.priced_at):
        bid, ask = market.report.impact_bid_wad, market.report.impact_ask_wad
    sample = marks.basis_sample(index, price, bid, ask)
    elapsed = state.now_s - market.basis_at
    market.basis_wad = marks.moved_basis(market.basis_wad, sample, elapsed)
    market.basis_at = state.now_s


def report_book(state: State, id_: MarketId, report: BookReport) -> None:
    """Take what the reporter says; prices are kept on the quantum.

    Raises
    ------
    InvalidReport, UnknownMarket
    """
    market = state.market(id_)
    if not market.report.timestamp < report.timestamp <= state.now_s or not _is_sane(report):
        raise InvalidReport(str(report.timestamp))
    refresh(state, id_)
    take_report(market, report)


def take_report(market: Market, report: BookReport) -> None:
    """Keep a report of a book, and its premium against an index of the same time."""
    market.premium_wad = 0
    is_paired = marks.is_current(market.priced_at, report.timestamp)
    if market.terms.kind is MarketKind.PERPETUAL and is_paired:
        market.premium_wad = funding.premium(
            market.index_price_wad, report.impact_bid_wad, report.impact_ask_wad
        )
    market.report = replace(
        report,
        best_bid_wad=floor_to(report.best_bid_wad, QUANTUM_WAD),
        best_ask_wad=floor_to(report.best_ask_wad, QUANTUM_WAD),
        impact_bid_wad=floor_to(report.impact_bid_wad, QUANTUM_WAD),
        impact_ask_wad=floor_to(report.impact_ask_wad, QUANTUM_WAD),
        depth_wad=min(report.depth_wad, _MAX_DEPTH_WAD),
    )


def status_now(market: Market, now_s: int) -> MarketStatus:
    """Return a market's status; nothing may be traded between a future's expiry and its settlement."""
    is_over = market.terms.expiry != 0 and now_s >= market.terms.expiry
    return MarketStatus.HALTED if is_over and market.status is not MarketStatus.EXPIRED else market.status


def hourly_volatility(market: Market) -> int:
    """Return the standard deviation of the index per hour in WAD."""
    return sqrt_down(market.variance_wad * WAD)


def _index(expiry: int, feed: FeedState) -> int:
    """The price of a feed or, from the last half hour of a future on, what it is expected to settle at."""
    if expiry == 0 or feed.timestamp + oracle.WINDOW_S < expiry:
        return feed.price_wad
    last = feed.price_wad, feed.timestamp
    return oracle.expected_settlement(feed.averages, feed.windows, last, expiry)


def _accrue(market: Market, time: int) -> None:
    """Funding up to a new price."""
    limits, reported = market.limits, market.report.timestamp
    market.funding = funding.advance(
        market.funding,
        market.index_price_wad,
        Premium(market.premium_wad, reported + marks.REPORT_AGE_S),
        (market.priced_at, time),
        funding.rate_cap(limits.initial_pips, limits.maintenance_pips),
    )


def _mark(market: Market) -> int:
    """The mark at the present index."""
    index, report, book = market.index_price_wad, market.report, market.index_price_wad
    if marks.is_current(report.timestamp, market.priced_at):
        book = marks.book_price(index, report.best_bid_wad, report.best_ask_wad, market.last_trade_wad)
    return marks.mark(index, market.basis_wad, book, market.limits.mark_band_pips)


def _is_sane(report: BookReport) -> bool:
    """Whether prices are in the range of prices or 0, and the best ones do not cross."""
    bid, ask = report.best_bid_wad, report.best_ask_wad
    prices = (bid, ask, report.impact_bid_wad, report.impact_ask_wad)
    in_range = all(0 <= price <= MAX_PRICE_WAD for price in prices) and report.depth_wad >= 0
    return in_range and not (ask and bid > ask)
