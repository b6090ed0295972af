from typing import Any

import httpx
import pytest

from optimistic.agents.price_signer import (
    BadObservation,
    Observation,
    Observer,
    PriceDaemon,
    ask_peers,
    choose,
)
from optimistic.agents.price_sources import ReplaySource
from optimistic.client.keys import TradingKey
from optimistic.protocol.settlement.types import FeedId
from optimistic.service.clock import FakeClock
from optimistic.service.settlement_contracts import FeedView

KEY = TradingKey(bytes(31) + b"\x01")
FEED = FeedId(1)
PRICE_WAD = 60_000 * 10**18


def observer() -> Observer:
    return Observer(ReplaySource([(0, PRICE_WAD)], 0), [KEY], FEED, 42)


def test_observation__through_json__is_the_same_and_genuine() -> None:
    (seen,) = observer().observe(1_700_000_000)

    assert Observation.from_json(seen.to_json()) == seen
    assert observer().is_genuine(seen)


@pytest.mark.parametrize(
    "change",
    [
        {"priceWad": "1"},
        {"timestamp": 5},
        {"feed": 2},
        {"signer": "0x" + "11" * 20},
        {"signature": "0x"},
        {"signature": "0x" + "ff" * 65},
    ],
)
def test_attack__observation_changed__is_not_genuine(change: dict[str, Any]) -> None:
    (seen,) = observer().observe(1_700_000_000)

    assert not observer().is_genuine(Observation.from_json({**seen.to_json(), **change}))


@pytest.mark.parametrize("values", [None, [], {}, {"feed": "x"}, {"feed": 1, "signer": 5}])
def test_observation__of_another_form__is_refused(values: Any) -> None:
    with pytest.raises(BadObservation):
        Observation.from_json(values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", 10**40),
        ("timestamp", -1),
        ("timestamp", float("inf")),
        ("priceWad", str(10**90)),
        ("priceWad", "-5"),
        ("priceWad", "0"),
        ("feed", -1),
    ],
)
def test_attack__numbers_that_cannot_be_signed__are_refused(field: str, value: Any) -> None:
    (seen,) = observer().observe(1_700_000_000)

    with pytest.raises(BadObservation):
        Observation.from_json({**seen.to_json(), field: value})


def test_attack__signer_an_hour_ahead__does_not_hold_the_others() -> None:
    now_s = 1_700_000_000
    keys = [TradingKey(bytes(31) + bytes([number])) for number in (1, 2, 3, 4)]
    source = ReplaySource([(0, PRICE_WAD)], 0)
    seen = Observer(source, keys[:3], FEED, 42).observe(now_s)
    ahead = Observer(source, keys[3:], FEED, 42).observe(now_s + 3_600)
    signers = tuple(key.address for key in keys)
    feed = FeedView(quorum=3, signers=signers, price_wad=PRICE_WAD, timestamp=now_s - 10)

    assert {item.signer for item in choose(feed, [*seen, *ahead], now_s)} == set(signers[:3])


def test_peers__some_broken__the_others_count() -> None:
    (seen,) = observer().observe(1_700_000_000)

    def reply(request: httpx.Request) -> httpx.Response:
        bodies = {
            "good": httpx.Response(200, json={"healthy": True, "observations": [seen.to_json()]}),
            "bad": httpx.Response(200, json={"observations": [{}]}),
            "text": httpx.Response(200, text="hello"),
            "list": httpx.Response(200, json=[]),
            "other": httpx.Response(404, json={"error": "not found"}),
            "long": httpx.Response(200, text=" " * 100_000),
        }
        return bodies[request.url.host.partition(".")[0]]

    client = httpx.Client(transport=httpx.MockTransport(reply))
    urls = [f"http://{name}.example/health" for name in ("bad", "text", "good", "list", "other", "long")]

    assert ask_peers(client, urls) == [seen]


def test_daemon__no_node__only_publishes() -> None:
    daemon = PriceDaemon(observer(), FEED, [], node=None, pusher=None, clock=FakeClock())

    done = daemon.step()

    assert done["pushed"] == 0
    assert done["observations"] == [seen.to_json() for seen in daemon.published]
