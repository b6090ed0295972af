"""A trader who loses connections, never his patience, and remembers everything he was told."""

import random
from collections import Counter
from itertools import count
from typing import Any, Final

from optimistic.client.keys import TradingKey
from optimistic.client.orders import Market, OrderSigner, Quote, Side, Terms, TimeInForce
from optimistic.client.receipts import ReceiptLog
from optimistic.client.stream import Stream
from optimistic.protocol.types import Hash32

Key = tuple[str, int]
"""(digest, index among the quotes) of an order."""

_SPREAD_TICKS: Final = 3
_MAX_FRAME: Final = 6
_MAX_LOTS: Final = 40
_EXPIRY_S: Final = 7_200
_SIDES: Final[tuple[Side, Side]] = ("buy", "sell")


class DurableTrader:
    """Trades at random; after each new connection sends what got no answer again.

    Parameters
    ----------
    url : of the exchange
    subaccount, chain_id, market : what orders name
    now_s : orders live for hours from then
    middle_ticks : price around which to trade
    receipts : checks receipts, of all traders
    is_bound : its orders end with the connection
    """

    def __init__(
        self,
        url: str,
        key: TradingKey,
        subaccount: int,
        *,
        chain_id: int,
        market: Market,
        now_s: int,
        middle_ticks: int,
        receipts: ReceiptLog,
        chance: random.Random,
        is_bound: bool,
    ) -> None:
        self.key = key
        self.subaccount = subaccount
        self.stream: Stream
        self.receipts: dict[int, tuple[dict[str, Any], Hash32]] = {}
        """By number, with their hashes."""
        self.keys: dict[int, Key] = {}
        """Of the orders that were taken."""
        self.messages: list[dict[str, Any]] = []
        self.repeats = 0
        """Orders that were taken before their answer got lost."""
        self.refusals: Counter[str] = Counter()
        self._url = url
        self._signer = OrderSigner(key, chain_id, subaccount)
        self._market = market
        self._expiry_s = now_s + _EXPIRY_S
        self._middle_ticks = middle_ticks
        self._log = receipts
        self._chance = chance
        self._is_bound = is_bound
        self._nonces = count(1)
        self._sequence = 0
        self._unanswered: tuple[list[dict[str, Any]], list[dict[str, Any]]] | None = None

    # ------------------------------------------------------------------------------ acts

    def connect(self) -> None:
        """Open a connection, hear what came meanwhile, and send again what got no answer."""
        self.stream = Stream(self._url)
        self.stream.login(self.key)
        self.stream.subscribe_account(after=self._sequence)
        self.listen()
        if self._unanswered is not None:
            self._send()

    def hang_up(self) -> None:
        """Close the connection."""
        self.stream.close()

    def trade(self) -> None:
        """Send a frame of orders or quotes, or cancel everything."""
        if self._chance.random() < 0.05:
            self.stream.cancel_all()
        elif self._chance.random() < 0.2:
            self._unanswered = [], [self._quotes()]
            self._send()
        else:
            self._unanswered = [self._order() for _ in range(self._chance.randint(1, _MAX_FRAME))], []
            self._send()
        self.listen()

    def listen(self) -> None:
        """Take in what has come; the stream raises if anything is missing."""
        while self.stream._kept:
            message = self.stream.next_message()
            if message["type"] == "account":
                assert message["sequence"] > self._sequence
                self._sequence = message["sequence"]
                self.messages.append(message)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return everything of one kind that he was told."""
        told = (event for message in self.messages for event in message["events"])
        return [event for event in told if event["event"] == name]

    def settled_fills(self) -> list[dict[str, Any]]:
        """Return the fills of which he was told that the chain took them."""
        settled = {event["trade"] for event in self.events("settled")}
        return [event for event in self.events("filled") if event["trade"] in settled]

    # ------------------------------------------------------------------------------ messages

    def _send(self) -> None:
        assert self._unanswered is not None
        orders, quotes = self._unanswered
        options = {"cancelOnDisconnect": True} if self._is_bound else {}
        answer = self.stream.request("place", orders=orders, quotes=quotes, **options)
        self._unanswered = None
        for result in answer["results"]:
            if result["status"] == "taken":
                self._take(result)
            else:
                self.refusals[result["error"]["reason"]] += 1

    def _take(self, result: dict[str, Any]) -> None:
        receipt = result["receipt"]
        struct = self._log.check(receipt)
        assert receipt["seq"] not in self.receipts, "a number was given twice"
        self.receipts[receipt["seq"]] = receipt, struct
        self.repeats += result.get("isRepeat", False)
        for index, order_id in enumerate(result.get("orderIds") or [result["orderId"]]):
            self.keys[order_id] = receipt["orderHash"], index

    def _order(self) -> dict[str, Any]:
        side = self._chance.choice(_SIDES)
        return self._signer.order_in_steps(
            self._market, side, self._lots(), self._middle_ticks + self._off(), self._terms()
        )

    def _quotes(self) -> dict[str, Any]:
        quotes = [
            Quote(side, self._lots(), self._middle_ticks + away * (1 if side == "sell" else -1))
            for away in range(1, 1 + self._chance.randint(1, 4))
            for side in _SIDES
        ]
        return self._signer.quotes(self._market, quotes, self._terms(post_only="reject"))

    def _terms(self, **terms: Any) -> Terms:
        nonce = next(self._nonces)
        kind: TimeInForce = "ioc" if not terms and self._chance.random() < 0.2 else "gtc"
        return Terms(
            expiry_s=self._expiry_s,
            nonce=nonce,
            client_id=f"{self.subaccount}-{nonce}",
            time_in_force=kind,
            **terms,
        )

    def _lots(self) -> int:
        return self._chance.randint(2, _MAX_LOTS)

    def _off(self) -> int:
        return self._chance.randint(-_SPREAD_TICKS, _SPREAD_TICKS)
