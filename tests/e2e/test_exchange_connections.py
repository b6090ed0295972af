"""Connections to the exchange's API come to an end: too many at a time, and a server that was away."""

import time
from dataclasses import replace

import pytest
from websockets.protocol import State
from websockets.sync.client import connect

from optimistic.agents.market_maker import Ladder, MarketMaker
from optimistic.client.errors import Refused, Unreachable
from optimistic.node.api.options import ApiLimits
from optimistic.service.clock import SystemClock
from tests.helpers.api_stage import ALICE, ALICE_SUBACCOUNT, ApiStage, api_stage
from tests.helpers.daemons import wait_for
from tests.helpers.fake_exchange import MARKET


def test_attack__all_streams_taken__rest_goes_on_and_the_next_one_is_told() -> None:
    with api_stage(ApiLimits(max_connections=20)) as stage:
        streams = [stage.stream() for _ in range(18)]

        with pytest.raises(Unreachable, match="429"):
            stage.stream()
        assert stage.rest().time_ms() > 0

        streams[0].close()
        assert reopened(stage)


def test_attack__streams_of_one_address__leave_room_for_others() -> None:
    with api_stage(ApiLimits(max_streams_per_address=3)) as stage:
        streams = [stage.stream() for _ in range(3)]

        with pytest.raises(Unreachable, match="429"):
            stage.stream()
        url = "ws" + stage.url.removeprefix("http") + "/v1/stream"
        with connect(url, source_address=("127.0.0.2", 0)) as other:
            assert other.protocol.state is State.OPEN

        streams[0].close()
        assert reopened(stage)


def reopened(stage: ApiStage) -> bool:
    """Whether a stream can be opened again; the server hears of a closed one a moment later."""
    for _ in range(50):
        try:
            stage.stream()
        except Unreachable:
            time.sleep(0.1)
        else:
            return True
    return False


def test_market_maker__exchange_was_away__connects_again() -> None:
    ladder, clock = Ladder(levels=2), SystemClock()
    with api_stage() as stage:
        maker = MarketMaker(stage.url, ALICE, ALICE_SUBACCOUNT, MARKET, ladder, clock)
        assert maker.step()["renewed"]
        maker._line.rest._client.headers["authorization"] = "Bearer lost"  # type: ignore[union-attr]

        with pytest.raises(Refused, match="login_required"):
            maker.step()

        assert maker.step()["renewed"]
        maker.close()
        assert stage.rest(stage.alice).orders(state="open") == []


def test_market_maker__connection_lost__its_quotes_end() -> None:
    ladder = Ladder(levels=2, max_lots=10_000)
    with api_stage() as stage:
        maker = MarketMaker(stage.url, ALICE, ALICE_SUBACCOUNT, MARKET, ladder, SystemClock())
        assert maker.step()["quotes"] == 4
        maker._line.stream.close()  # type: ignore[union-attr]

        wait_for(lambda: not stage.rest(stage.alice).orders(state="open"), "the end of the quotes")
        maker.close()


def test_market_maker__ladder_moves__leaves_no_side_empty_on_the_way() -> None:
    ladder = Ladder(levels=3, lots=5, max_lots=10_000)
    with api_stage() as stage:
        maker = MarketMaker(stage.url, ALICE, ALICE_SUBACCOUNT, MARKET, ladder, SystemClock())
        maker.step()
        reader = stage.stream()
        seen = [reader.subscribe_book(MARKET).best()]
        maker._ladder = replace(ladder, spread_pips=5_000)
        assert maker.step()["renewed"]
        wanted = stage.rest().book(MARKET)
        while seen[-1] != tuple([tuple(level) for level in wanted[side]] for side in ("bids", "asks")):
            reader.next_message()
            seen.append(reader.books[MARKET].best())
        maker.close()

    assert len(seen) > 1
    assert all(bids and asks for bids, asks in seen)
