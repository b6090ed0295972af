"""Orders as they are sent: built from decimals, rounded to the market's steps, signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from optimistic.client.keys import TradingKey
from optimistic.client.quantities import Amount, NotAnAmount, Rounding, Steps, from_wad
from optimistic.protocol.settlement.orders import (
    POST_ONLY,
    REDUCE_ONLY,
    TIME_IN_FORCE_SHIFT,
    Order,
    Quotes,
    domain_separator,
    order_digest,
    quotes_digest,
)
from optimistic.protocol.settlement.orders import Steps as MarketSteps
from optimistic.protocol.settlement.quote_trees import Leaf, QuoteTree
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Hash32

Side = Literal["buy", "sell"]
TimeInForce = Literal["gtc", "gtd", "ioc", "fok"]
PostOnly = Literal["no", "reject", "slide"]
SelfTrade = Literal["cancel_newest", "cancel_oldest", "cancel_both", "decrement"]

_TIMES_IN_FORCE: Final = ("gtc", "gtd", "ioc", "fok")


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a client needs to know about a market."""

    number: int
    steps: Steps
    taker_fee_pips: int
    maker_fee_pips: int

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read an entry of ``/v1/markets``."""
        return cls(
            number=values["market"],
            steps=Steps(tick_wad=int(values["tickWad"]), lot_wad=int(values["lotWad"])),
            taker_fee_pips=values["takerFeePips"],
            maker_fee_pips=values["makerFeePips"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Lets an order wait for a price: a stop, or a take-profit."""

    source: Literal["last", "mark", "index"]
    when: Literal["at_or_above", "at_or_below"]
    ticks: int

    def to_json(self) -> dict[str, Any]:
        """Return what is sent."""
        return {"source": self.source, "when": self.when, "ticks": self.ticks}


@dataclass(frozen=True, slots=True)
class Slices:
    """Lets an order be worked in parts over a time: a TWAP."""

    duration_ms: int
    interval_ms: int

    def to_json(self) -> dict[str, Any]:
        """Return what is sent."""
        return {"durationMs": self.duration_ms, "intervalMs": self.interval_ms}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an order asks for beside side, size and price; the last four are not signed.

    Attributes
    ----------
    expiry_s : Unix seconds after which nobody may settle it
    nonce : of no other order; milliseconds of time do. Raising the nonce floor on chain kills it
    max_fee_pips : most to pay of the notional, in millionths; None takes the market's taker fee
    self_trade : which of two orders of one owner gives way
    display_lots : of an iceberg, lots that show at a time; 0 shows all
    """

    expiry_s: int
    nonce: int
    max_fee_pips: int | None = None
    time_in_force: TimeInForce = "gtc"
    post_only: PostOnly = "no"
    reduce_only: bool = False
    client_id: str = ""
    self_trade: SelfTrade = "cancel_newest"
    display_lots: int = 0
    trigger: Trigger | None = None
    slices: Slices | None = None

    @property
    def flags(self) -> int:
        """The signed flags."""
        bits = _TIMES_IN_FORCE.index(self.time_in_force) << TIME_IN_FORCE_SHIFT
        return bits | (POST_ONLY if self.post_only != "no" else 0) | (REDUCE_ONLY if self.reduce_only else 0)

    def fee_pips(self, market: Market) -> int:
        """Return the signed bound of the fee."""
        if self.max_fee_pips is not None:
            return self.max_fee_pips
        return max(market.taker_fee_pips, market.maker_fee_pips)


@dataclass(frozen=True, slots=True)
class Quote:
    """One leaf of a tree, in ticks and lots."""

    side: Side
    lots: int
    ticks: int


class OrderSigner:
    """Builds signed messages for one chain and subaccount.

    Parameters
    ----------
    key : of the subaccount's owner, or a session key of his
    chain_id : of L2
    subaccount : who trades
    """

    def __init__(self, key: TradingKey, chain_id: int, subaccount: int) -> None:
        self._key = key
        self._separator = domain_separator(chain_id)
        self._subaccount = SubaccountId(subaccount)

    def order(
        self,
        market: Market,
        side: Side,
        size: Amount,
        price: Amount,
        terms: Terms,
        rounding: Rounding = Rounding.REFUSE,
    ) -> dict[str, Any]:
        """Return a signed order, ready to be sent.

        Parameters
        ----------
        size, price : of contracts and of the quote asset; no floats
        rounding : of both, towards less risk: DOWN rounds the size down and the price against filling

        Raises
        ------
        NotAnAmount : between two steps, and rounding is REFUSE; or below one step
        """
        size_rounding = rounding if rounding is Rounding.REFUSE else Rounding.DOWN
        price_rounding = rounding
        if rounding is Rounding.DOWN and side == "sell":
            price_rounding = Rounding.UP
        lots = market.steps.lots(size, size_rounding)
        ticks = market.steps.ticks(price, price_rounding)
        if lots < 1 or ticks < 1:
            least = f"{from_wad(market.steps.lot_wad)} at {from_wad(market.steps.tick_wad)}"
            raise NotAnAmount(f"{size} at {price} is less than an order can be: {least}")
        return self.order_in_steps(market, side, lots, ticks, terms)

    def order_in_steps(
        self, market: Market, side: Side, lots: int, ticks: int, terms: Terms
    ) -> dict[str, Any]:
        """Return a signed order of whole lots and ticks."""
        order = Order(
            subaccount=self._subaccount,
            market=MarketId(market.number),
            is_buy=side == "buy",
            lots=lots,
            ticks=ticks,
            max_fee_pips=terms.fee_pips(market),
            expiry=terms.expiry_s,
            nonce=terms.nonce,
            flags=terms.flags,
        )
        digest = order_digest(self._separator, order, _steps(market))
        return {
            "subaccount": order.subaccount,
            "market": order.market,
            "side": side,
            "lots": lots,
            "ticks": ticks,
            "maxFeePips": order.max_fee_pips,
            "expiry": order.expiry,
            "nonce": order.nonce,
            "timeInForce": terms.time_in_force,
            "reduceOnly": terms.reduce_only,
            "postOnly": terms.post_only,
            "clientId": terms.client_id,
            "selfTrade": terms.self_trade,
            "displayLots": terms.display_lots,
            "trigger": None if terms.trigger is None else terms.trigger.to_json(),
            "slices": None if terms.slices is None else terms.slices.to_json(),
            "signature": self._sign(digest),
        }

    def quotes(self, market: Market, quotes: Sequence[Quote], terms: Terms) -> dict[str, Any]:
        """Return many orders under one signature; time in force and reduce-only do not count."""
        leaves = [Leaf(i, quote.side == "buy", quote.lots, quote.ticks) for i, quote in enumerate(quotes)]
        signed = Quotes(
            subaccount=self._subaccount,
            market=MarketId(market.number),
            max_fee_pips=terms.fee_pips(market),
            expiry=terms.expiry_s,
            nonce=terms.nonce,
            root=QuoteTree(leaves).root,
        )
        return {
            "subaccount": signed.subaccount,
            "market": signed.market,
            "maxFeePips": signed.max_fee_pips,
            "expiry": signed.expiry,
            "nonce": signed.nonce,
            "quotes": [{"side": quote.side, "lots": quote.lots, "ticks": quote.ticks} for quote in quotes],
            "signature": self._sign(quotes_digest(self._separator, signed)),
            "clientId": terms.client_id,
            "postOnly": terms.post_only != "no",
        }

    def _sign(self, digest: Hash32) -> str:
        return "0x" + self._key.sign(digest).hex()


def _steps(market: Market) -> MarketSteps:
    return MarketSteps(market.steps.tick_wad, market.steps.lot_wad)
