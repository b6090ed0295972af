"""Quotes both sides of a market around its mark.

All new quotes of a turn have one signature. Quotes that stand are replaced one by one, so that the book is
never empty between two turns; they end with the connection, and soon by themselves.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from optimistic.client.errors import Busy, Refused, Unreachable
from optimistic.client.keys import TradingKey
from optimistic.client.orders import Market, OrderSigner, Quote, Terms
from optimistic.client.receipts import ReceiptLog
from optimistic.client.rest import RestClient
from optimistic.client.stream import Stream
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.units import PIPS, ceil_div
from optimistic.service.clock import Clock

_QUOTE_LIFE_S: Final = 120
"""What a maker that is gone leaves behind is over soon; quotes are renewed after half of it."""


class InvalidLadder(InvalidInput):
    """Quotes that cannot be made: a spread, step or size of nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How the quotes stand around the mark.

    Attributes
    ----------
    levels : quotes a side
    spread_pips : distance of the first quote from the mark, in millionths of it
    step_pips : distance between two quotes of a side
    lots : of each quote
    max_lots : position at which the side that adds to it is no longer quoted
    skew_pips : by which all quotes move against a position of `max_lots`
    """

    levels: int = 10
    spread_pips: int = 500
    step_pips: int = 200
    lots: int = 10
    max_lots: int = 1_000
    skew_pips: int = 400

    def __post_init__(self) -> None:
        if min(self.levels, self.spread_pips, self.step_pips, self.lots, self.max_lots) <= 0:
            raise InvalidLadder("levels, spread, step, lots and the greatest position must be positive")

    def quotes(self, mark_wad: int, tick_wad: int, position_lots: int) -> list[Quote]:
        """Return the quotes: bids rounded down and asks up, so that none crosses the mark."""
        held = max(-self.max_lots, min(self.max_lots, position_lots))
        middle_wad = mark_wad - mark_wad * self.skew_pips * held // (PIPS * self.max_lots)
        found: list[Quote] = []
        for level in range(self.levels):
            away_wad = middle_wad * (self.spread_pips + level * self.step_pips) // PIPS
            if position_lots < self.max_lots and (ticks := (middle_wad - away_wad) // tick_wad) > 0:
                found.append(Quote("buy", self.lots, ticks))
            if position_lots > -self.max_lots:
                found.append(Quote("sell", self.lots, ceil_div(middle_wad + away_wad, tick_wad)))
        return found


class Changes(NamedTuple):
    """From the quotes that stand to those that should.

    Attributes
    ----------
    replaced : numbers of orders, and the quote instead of each
    placed : quotes with nothing to take the place of
    cancelled : numbers of orders with nothing to take their place
    """

    replaced: list[tuple[int, Quote]]
    placed: list[Quote]
    cancelled: list[int]

    def __bool__(self) -> bool:
        return any(self[:])


def changes(standing: list[dict[str, Any]], quotes: list[Quote], least_expiry_s: int) -> Changes:
    """Return what makes of the orders that stand the quotes that should.

    Those that are right already keep their places in the queue. Quotes that move away from the middle go
    first, so that none of those that move towards it meets one of our own.

    Parameters
    ----------
    standing : open orders as the API gives them
    least_expiry_s : orders that end before are not right
    """
    wanted = list(quotes)
    stale: list[dict[str, Any]] = []
    for order in standing:
        quote = Quote(order["side"], order["lotsLeft"], order["ticks"])
        if quote in wanted and order["expiry"] >= least_expiry_s:
            wanted.remove(quote)
        else:
            stale.append(order)
    pairs: list[tuple[dict[str, Any], Quote]] = []
    found = Changes([], [], [])
    for side in ("buy", "sell"):
        old = sorted((o for o in stale if o["side"] == side), key=lambda order: int(order["ticks"]))
        new = sorted((q for q in wanted if q.side == side), key=lambda quote: quote.ticks)
        pairs += zip(old, new, strict=False)
        found.cancelled.extend(order["orderId"] for order in old[len(new) :])
        found.placed.extend(new[len(old) :])
    pairs.sort(key=lambda pair: (pair[1].ticks > pair[0]["ticks"]) == (pair[1].side == "buy"))
    found.replaced.extend((order["orderId"], quote) for order, quote in pairs)
    return found


class _Line:
    """A connection of both kinds, logged in."""

    def __init__(self, url: str, key: TradingKey, market: int) -> None:
        self.rest = RestClient(url)
        self.rest.login(key)
        self.stream = Stream(url)
        self.stream.login(key)
        self.market: Market = self.rest.markets()[market]

    def close(self) -> None:
        """Hang up."""
        self.stream.close()
        self.rest.close()


class MarketMaker:
    """Keeps a ladder in one market; connects again when the exchange was away.

    Parameters
    ----------
    url : of the exchange's API
    key : of the subaccount's owner, or a session key
    """

    def __init__(
        self, url: str, key: TradingKey, subaccount: int, market: int, ladder: Ladder, clock: Clock
    ) -> None:
        self._url = url
        self._key = key
        self._subaccount = subaccount
        self._number = market
        self._ladder = ladder
        self._clock = clock
        self._nonce = clock.time_ms()
        self._receipts: ReceiptLog | None = None
        self._line: _Line | None = None
        self._connected()

    def step(self) -> dict[str, Any]:
        """Bring the quotes to where the ladder is; return how many stand, and why one was refused.

        Raises
        ------
        Refused, Busy, Unreachable : the next turn connects again
        """
        try:
            return self._quote(self._connected())
        except (Refused, Busy, Unreachable):
            self._hang_up()
            raise

    def keep_receipts(self, file: Path) -> None:
        """Keep receipts in a file, and hold each against those that earlier processes got."""
        line = self._connected()
        self._receipts = ReceiptLog(line.rest.chain_id, line.rest.receipt_signer, file=file)
        line.stream.receipts = self._receipts

    def close(self) -> None:
        """Take the quotes back and hang up."""
        try:
            self._cancel(self._connected())
        except (Refused, Busy, Unreachable):
            self._hang_up()
            self._cancel(self._connected())
        finally:
            self._hang_up()

    def _connected(self) -> _Line:
        if self._line is None:
            self._line = _Line(self._url, self._key, self._number)
            if self._receipts is None:
                self._receipts = self._line.rest.receipts
            self._line.stream.receipts = self._receipts
            self._cancel(self._line)
        return self._line

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _quote(self, line: _Line) -> dict[str, Any]:
        details = line.rest.get(f"/v1/markets/{self._number}")
        quotes = self._ladder.quotes(
            int(details["markWad"]), line.market.steps.tick_wad, self._position_lots(line)
        )
        now_s = self._clock.time_s()
        standing = [
            order
            for order in line.rest.orders(state="open", market=self._number, limit=1_000)
            if order["subaccount"] == self._subaccount
        ]
        todo = changes(standing, quotes, now_s + _QUOTE_LIFE_S // 2)
        results = self._do(line, todo, now_s)
        refused = [result for result in results if result["status"] == "refused"]
        return {"quotes": len(quotes) - len(refused), "renewed": bool(todo), "refused": refused[:1]}

    def _do(self, line: _Line, todo: Changes, now_s: int) -> list[dict[str, Any]]:
        """Cancel what has to go, replace what has moved, place what is missing; return the results."""
        results: list[dict[str, Any]] = []
        signer = OrderSigner(self._key, line.rest.chain_id, self._subaccount)
        if todo.cancelled:
            line.stream.cancel(todo.cancelled)
        if todo.replaced:
            pairs = [(number, self._signed(line, signer, quote, now_s)) for number, quote in todo.replaced]
            results += line.stream.replace_all(pairs, cancel_on_disconnect=True)
        if todo.placed:
            tree = signer.quotes(line.market, todo.placed, self._terms(now_s))
            results += line.stream.place([], [tree], cancel_on_disconnect=True)
        return results

    def _signed(self, line: _Line, signer: OrderSigner, quote: Quote, now_s: int) -> dict[str, Any]:
        return signer.order_in_steps(line.market, quote.side, quote.lots, quote.ticks, self._terms(now_s))

    def _terms(self, now_s: int) -> Terms:
        """Return terms with the next nonce."""
        self._nonce = max(self._nonce + 1, self._clock.time_ms())
        return Terms(expiry_s=now_s + _QUOTE_LIFE_S, nonce=self._nonce, post_only="reject")

    def _cancel(self, line: _Line) -> None:
        line.stream.cancel_all(market=self._number, subaccount=self._subaccount)

    def _position_lots(self, line: _Line) -> int:
        for position in line.rest.positions(self._subaccount):
            if position["market"] == self._number:
                return int(position["matchedWad"]) // line.market.steps.lot_wad
        return 0
