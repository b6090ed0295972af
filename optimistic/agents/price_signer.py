"""Signs what a source says a feed costs, and pushes it together with what the other signers say."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx
import structlog

from optimistic.agents.price_sources import NoPrice, PriceSource
from optimistic.client.keys import TradingKey
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.markets import MAX_PRICE_WAD
from optimistic.protocol.settlement.oracle import domain_separator, observation_digest
from optimistic.protocol.settlement.signatures import compact_signature, recover
from optimistic.protocol.settlement.types import FeedId
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock
from optimistic.service.l1_client import L1Client
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import FeedView, Markets, Observed, PriceOracle
from optimistic.service.signer import Signer
from optimistic.service.waiting import wait_until

log = structlog.get_logger(__name__)

_PEER_TIMEOUT_S: Final = 2
_MAX_PEER_BYTES: Final = 1 << 16
_MOST_AHEAD_S: Final = 5
_FEEDS_END: Final = 1 << 32
_TIMES_END: Final = 1 << 64
_POLL_S: Final = 0.1


class BadObservation(InvalidInput):
    """An observation of a peer that is no object of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one signer saw."""

    feed: FeedId
    signer: Address
    price_wad: int
    timestamp: int
    """Unix seconds."""
    signature: bytes
    """65 bytes r, s, v."""

    def to_json(self) -> dict[str, Any]:
        """Return it as signers exchange it."""
        return {
            "feed": self.feed,
            "signer": "0x" + self.signer.hex(),
            "priceWad": str(self.price_wad),
            "timestamp": self.timestamp,
            "signature": "0x" + self.signature.hex(),
        }

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Read what a signer published; nothing in it is believed before its signature is checked."""
        try:
            found = cls(
                feed=FeedId(int(values["feed"])),
                signer=Address(bytes.fromhex(values["signer"].removeprefix("0x"))),
                price_wad=int(values["priceWad"]),
                timestamp=int(values["timestamp"]),
                signature=bytes.fromhex(values["signature"].removeprefix("0x")),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise BadObservation(f"not an observation: {error!r}") from error
        if not (0 <= found.feed < _FEEDS_END and 0 < found.price_wad <= MAX_PRICE_WAD):
            raise BadObservation(f"no feed or price of ours: {found.feed}, {found.price_wad}")
        if not 0 <= found.timestamp < _TIMES_END:
            raise BadObservation(f"no time: {found.timestamp}")
        return found


class Observer:
    """Signs prices of one feed with one or more keys.

    Parameters
    ----------
    source : of prices
    keys : of the signers this process stands for
    """

    def __init__(self, source: PriceSource, keys: Sequence[TradingKey], feed: FeedId, chain_id: int) -> None:
        self._source = source
        self._keys = keys
        self._feed = feed
        self._domain = domain_separator(chain_id)

    def observe(self, now_s: int) -> list[Observation]:
        """Return the present price, signed by every key."""
        price_wad = self._source.price_wad(now_s)
        digest = observation_digest(self._domain, self._feed, price_wad, now_s)
        return [
            Observation(
                feed=self._feed,
                signer=key.address,
                price_wad=price_wad,
                timestamp=now_s,
                signature=key.sign_long(digest),
            )
            for key in self._keys
        ]

    def is_genuine(self, observation: Observation) -> bool:
        """Whether its signer signed it, for this chain and feed."""
        if observation.feed != self._feed or len(observation.signature) != 65:
            return False
        r, s = observation.signature[:32], observation.signature[32:64]
        try:
            compact = compact_signature(
                int.from_bytes(r, "big"), int.from_bytes(s, "big"), observation.signature[64] - 27 & 1
            )
        except InvalidInput:
            return False
        digest = observation_digest(
            self._domain, observation.feed, observation.price_wad, observation.timestamp
        )
        return recover(digest, compact) == observation.signer


def choose(feed: FeedView, observations: Iterable[Observation], now_s: int) -> list[Observation]:
    """Return what can be pushed: the newest of each signer of the feed, sorted; nothing below the quorum.

    Who is ahead of `now_s` by more than some seconds is left out: the others would have to wait for its time.
    """
    newest: dict[Address, Observation] = {}
    for seen in observations:
        known = newest.get(seen.signer)
        if (
            seen.signer in feed.signers
            and feed.timestamp < seen.timestamp <= now_s + _MOST_AHEAD_S
            and (known is None or known.timestamp < seen.timestamp)
        ):
            newest[seen.signer] = seen
    chosen = sorted(newest.values(), key=lambda seen: seen.signer)
    return chosen if len(chosen) >= feed.quorum else []


def ask_peers(client: httpx.Client, urls: Iterable[str]) -> list[Observation]:
    """Return what other signers publish at their health endpoints; those who do not answer are left out."""
    found: list[Observation] = []
    for url in urls:
        try:
            found += [Observation.from_json(values) for values in _ask(client, url)["observations"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError, BadObservation) as error:
            log.warning("peer_gave_nothing", url=url, error=f"{type(error).__name__}: {error}")
    return found


def _ask(client: httpx.Client, url: str) -> Any:
    """Return the JSON at a URL; of more than its bytes nothing is read on."""
    body = bytearray()
    with client.stream("GET", url, timeout=_PEER_TIMEOUT_S) as answer:
        for part in answer.iter_bytes():
            body += part
            if len(body) > _MAX_PEER_BYTES:
                raise BadObservation(f"more than {_MAX_PEER_BYTES} bytes")
    return json.loads(body)


def await_time(node: L1Client, observations: Iterable[Observation], clock: Clock) -> None:
    """Wait until a chain, whose time follows L1's, has reached the time of observations.

    Raises
    ------
    NotInTime : a clock of the signers is ahead by more than some seconds
    """
    newest = max(seen.timestamp for seen in observations)
    wait_until(lambda: node.head().timestamp >= newest, clock, timeout_s=_MOST_AHEAD_S, poll_s=_POLL_S)


class PriceDaemon:
    """Observes, publishes, collects and pushes.

    Parameters
    ----------
    observer : signs
    peers : health endpoints of other signers
    node, pusher : where and from which account prices are pushed; None: not at all
    """

    def __init__(
        self,
        observer: Observer,
        feed: FeedId,
        peers: Sequence[str],
        *,
        node: L1Client | None,
        pusher: Signer | None,
        clock: Clock,
    ) -> None:
        self._observer = observer
        self._feed = feed
        self._peers = peers
        self._clock = clock
        self._client = httpx.Client()
        self._node = node
        self._sender = None if node is None or pusher is None else OneShotSender(node, pusher, clock=clock)
        self.published: list[Observation] = []
        """What this process last signed."""

    def step(self) -> dict[str, Any]:
        """Do one turn; return what was signed and whether it was pushed."""
        self.published = self._observer.observe(self._clock.time_s())
        signed = [seen.to_json() for seen in self.published]
        if self._node is None or self._sender is None:
            return {"observations": signed, "pushed": 0}
        foreign = [seen for seen in ask_peers(self._client, self._peers) if self._observer.is_genuine(seen)]
        oracle = PriceOracle.of(self._node)
        chosen = choose(oracle.feed(self._feed, "latest"), [*self.published, *foreign], self._clock.time_s())
        if not chosen:
            raise NoPrice(
                f"feed {self._feed}: {len(self.published) + len(foreign)} observations, too few for a quorum"
            )
        await_time(self._node, chosen, self._clock)
        values = [Observed(seen.price_wad, seen.timestamp, seen.signature) for seen in chosen]
        receipt = self._sender.send(oracle.push_call(self._feed, values))
        log.info("price_pushed", feed=self._feed, observations=len(chosen), block=receipt.block_number)
        self._refresh(self._node, self._sender)
        return {"observations": signed, "pushed": len(chosen), "transactionHash": receipt.tx_hash}

    def _refresh(self, node: L1Client, sender: OneShotSender) -> None:
        """Bring the markets of the feed up to the new price."""
        markets = Markets.of(node)
        for market in markets.all("latest"):
            if market.terms.feed == self._feed:
                sender.send(markets.refresh_call(market.number))
