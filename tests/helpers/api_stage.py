"""An API server over a fake exchange on a free port, with two traders."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from optimistic.client.keys import TradingKey
from optimistic.client.orders import Market, OrderSigner, Side, Terms
from optimistic.client.quantities import Steps
from optimistic.client.rest import RestClient
from optimistic.client.stream import Stream
from optimistic.node.api.options import ApiLimits, ApiOptions
from optimistic.node.api.server import ApiServer
from optimistic.service.clock import SystemClock
from optimistic.service.metrics import NoopMetrics
from tests.helpers.fake_exchange import CHAIN_ID, MARKET, STEPS, FakeExchange, FakeView

ALICE, BOB, MALLORY = (TradingKey(bytes(31) + bytes([i])) for i in (1, 2, 3))
ALICE_SUBACCOUNT, BOB_SUBACCOUNT = 16, 17
MARKET_1 = Market(
    number=MARKET,
    steps=Steps(tick_wad=STEPS.tick_wad, lot_wad=STEPS.lot_wad),
    taker_fee_pips=500,
    maker_fee_pips=100,
)
EXPIRY_S = 4_000_000_000


class Trader:
    """Signs orders with fresh nonces."""

    def __init__(self, key: TradingKey, subaccount: int) -> None:
        self.key = key
        self.subaccount = subaccount
        self.signer = OrderSigner(key, CHAIN_ID, subaccount)
        self._nonces = count(1)

    def order(self, side: Side, lots: int, ticks: int, **terms: Any) -> dict[str, Any]:
        terms.setdefault("nonce", next(self._nonces))
        terms.setdefault("expiry_s", EXPIRY_S)
        return self.signer.order_in_steps(MARKET_1, side, lots, ticks, Terms(**terms))


class Counts(NoopMetrics):
    """Counters by name."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def count(self, name: str, amount: int = 1, **labels: str) -> None:
        self.counts[name] += amount


class ApiStage:
    """The server and who uses it."""

    def __init__(self, server: ApiServer, exchange: FakeExchange, metrics: Counts) -> None:
        self.server = server
        self.metrics = metrics
        self.exchange = exchange
        self.url = server.url
        self.alice = Trader(ALICE, ALICE_SUBACCOUNT)
        self.bob = Trader(BOB, BOB_SUBACCOUNT)
        self._open: list[RestClient | Stream] = []

    def rest(self, trader: Trader | None = None) -> RestClient:
        client = RestClient(self.url)
        self._open.append(client)
        if trader is not None:
            client.login(trader.key)
        return client

    def stream(self, trader: Trader | None = None) -> Stream:
        stream = Stream(self.url)
        self._open.append(stream)
        if trader is not None:
            stream.login(trader.key)
        return stream

    def close(self) -> None:
        for client in self._open:
            client.close()


@contextmanager
def api_stage(limits: ApiLimits | None = None) -> Iterator[ApiStage]:
    """Run a server until the context ends."""
    exchange = FakeExchange(owners={ALICE_SUBACCOUNT: ALICE.address, BOB_SUBACCOUNT: BOB.address})
    options = ApiOptions(port=0, limits=limits or ApiLimits(), cors_origins=("https://good.example",))
    metrics = Counts()
    server = ApiServer(exchange, FakeView(), CHAIN_ID, options, clock=SystemClock(), metrics=metrics)
    server.start()
    stage = ApiStage(server, exchange, metrics)
    try:
        yield stage
    finally:
        stage.close()
        server.stop()
