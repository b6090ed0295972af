"""Tells the chain what the exchange's public book looks like: premium of funding, mark and depth need it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog

from optimistic.client.errors import Busy, Refused, Unreachable
from optimistic.client.stream import Stream
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.book_report import (
    BookView,
    Depths,
    depth_near_wad,
    impact_notional_wad,
    report_of,
)
from optimistic.protocol.settlement.orders import Steps
from optimistic.protocol.settlement.types import BookReport, MarketId, MarketStatus
from optimistic.service.clock import Clock
from optimistic.service.l1_client import L1Client
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import Markets
from optimistic.service.signer import Signer

log = structlog.get_logger(__name__)

_LEVELS: Final = 500
"""Of a side, as many as the channel gives."""
_LONGEST_SILENCE_S: Final = 30
"""A report counts for a minute; one that has not changed is repeated before."""
_GAS: Final = 600_000
"""Not estimated: a price that comes before the report's block makes it dearer."""


class NotTheReporter(InvalidInput):
    """Governance has named another account, or none."""


@dataclass(slots=True)
class _Told:
    """What is known of one market's book."""

    depths: Depths = field(default_factory=Depths)
    report: BookReport | None = None
    at_s: float = 0


class BookReporter:
    """Follows the books of some markets and reports them when they have changed.

    Parameters
    ----------
    url : of the exchange's API
    signer : the reporter that governance has named; pays the gas
    pause_s : least time between two reports of a market
    """

    def __init__(
        self, url: str, node: L1Client, signer: Signer, markets: Sequence[int], pause_s: float, clock: Clock
    ) -> None:
        self._url = url
        self._node = node
        self._address = signer.address
        self._sender = OneShotSender(node, signer, clock=clock)
        self._contract = Markets.of(node)
        self._pause_s = pause_s
        self._clock = clock
        self._told = {MarketId(number): _Told() for number in markets}
        self._stream: Stream | None = None

    def step(self) -> dict[str, Any]:
        """Follow the books, report what is due; return how many reports were sent and what they said.

        Raises
        ------
        NotTheReporter : nothing that is sent would count
        Refused, Busy, Unreachable : the next turn connects again
        """
        try:
            stream = self._connected()
            stream.catch_up()
            done = Counter(self._look(stream, number) for number in self._told)
        except (Refused, Busy, Unreachable):
            self.close()
            raise
        return {
            **{what: done[what] for what in ("reported", "unchanged", "waiting")},
            "reports": {
                number: {name: str(value) for name, value in _named(told.report).items()}
                for number, told in self._told.items()
            },
        }

    def close(self) -> None:
        """Hang up."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _connected(self) -> Stream:
        if self._stream is None:
            named = self._contract.reporter("latest")
            if named != self._address:
                raise NotTheReporter(
                    f"0x{named.hex()} may report books, not 0x{self._address.hex()}: use its key"
                )
            self._stream = Stream(self._url)
            for number in self._told:
                self._stream.subscribe_book(number, _LEVELS)
        return self._stream

    def _look(self, stream: Stream, number: MarketId) -> str:
        """Note the depth of a book and report it if that is due; return what was done."""
        told, market = self._told[number], self._contract.market(number, "latest")
        if market.status is not MarketStatus.OPEN or not market.priced_at:
            return "waiting"
        steps = Steps(market.terms.tick_wad, market.terms.lot_wad)
        book = BookView(*stream.books[number].best(_LEVELS))
        told.depths.note(depth_near_wad(book, steps, market.mark_wad), self._clock.time_ms())
        report = report_of(
            book,
            steps,
            impact_notional_wad(market.limits),
            told.depths.least_wad(),
            self._node.head().timestamp,
        )
        if not self._is_due(told, report):
            return "unchanged"
        receipt = self._sender.send(replace(self._contract.report_call(number, report), gas=_GAS))
        told.report, told.at_s = report, self._clock.monotonic_s()
        log.info("book_reported", market=number, block=receipt.block_number, **_named(report))
        return "reported"

    def _is_due(self, told: _Told, report: BookReport) -> bool:
        if told.report is None:
            return True
        silence_s = self._clock.monotonic_s() - told.at_s
        is_same = replace(report, timestamp=told.report.timestamp) == told.report
        is_newer = report.timestamp > told.report.timestamp
        return is_newer and silence_s >= (_LONGEST_SILENCE_S if is_same else self._pause_s)


def _named(report: BookReport | None) -> dict[str, int]:
    """Return a report as logs and the health endpoint say it."""
    if report is None:
        return {}
    return {
        "bestBidWad": report.best_bid_wad,
        "bestAskWad": report.best_ask_wad,
        "impactBidWad": report.impact_bid_wad,
        "impactAskWad": report.impact_ask_wad,
        "depthWad": report.depth_wad,
        "timestamp": report.timestamp,
    }
