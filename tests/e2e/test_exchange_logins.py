"""What a login gives, and what ends with it: session keys, bound orders, the account's channel."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest

from optimistic.client.errors import Refused
from optimistic.node.api.channels import Hub
from optimistic.node.api.connection import Connection
from optimistic.node.api.intake import Intake
from optimistic.node.api.office import Office
from optimistic.node.api.options import ApiLimits
from optimistic.node.api.sessions import Session
from optimistic.node.api.signature_pool import SignaturePool
from optimistic.protocol.types import Address, Hash32
from optimistic.service.clock import SystemClock
from optimistic.service.metrics import NoopMetrics
from tests.helpers.api_stage import (
    ALICE,
    ALICE_SUBACCOUNT,
    BOB,
    BOB_SUBACCOUNT,
    MALLORY,
    ApiStage,
    Trader,
    api_stage,
)
from tests.helpers.fake_exchange import CHAIN_ID, FakeExchange, FakeView

SECOND_SUBACCOUNT = 18


@pytest.fixture
def stage() -> Iterator[ApiStage]:
    with api_stage() as running:
        running.exchange.owners[SECOND_SUBACCOUNT] = ALICE.address
        yield running


def code(call: Callable[[], object]) -> str:
    """With what a call is refused."""
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code


def wait_until(is_done: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 10
    while not is_done():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_attack__session_key_revoked__its_logins_are_over(stage: ApiStage) -> None:
    keys, name = stage.exchange.session_keys, (ALICE.address, MALLORY.address)
    keys[name] = 0
    rest, stream = stage.rest(), stage.stream()
    rest.login(MALLORY, account=ALICE.address)
    stream.login(MALLORY, account=ALICE.address)
    stream.subscribe_account()
    (placed,) = stage.rest().place([stage.alice.order("buy", 1, 100)])
    assert stream.next_message()["events"][0]["event"] == "opened"

    del keys[name]
    stage.rest().place([stage.alice.order("buy", 1, 101)])

    assert code(stream.next_message) == "login_required"
    assert code(lambda: stream.cancel([placed["orderId"]])) == "login_required"
    assert code(rest.orders) == "login_required"
    assert len(stage.exchange.live) == 2


def test_attack__key_of_one_subaccount__reaches_no_other(stage: ApiStage) -> None:
    stage.exchange.session_keys[ALICE.address, MALLORY.address] = SECOND_SUBACCOUNT
    other = Trader(ALICE, SECOND_SUBACCOUNT)
    orders = [
        stage.alice.order("buy", 1, 100, client_id="first"),
        other.order("buy", 1, 101, client_id="second"),
    ]
    first, second = (result["orderId"] for result in stage.rest().place(orders))
    rest, stream = stage.rest(), stage.stream()
    rest.login(MALLORY, account=ALICE.address)
    stream.login(MALLORY, account=ALICE.address)

    refused = rest.cancel([first]) + rest.shrink(first, 1) + rest.replace(first, other.order("buy", 1, 99))
    refused += rest.post("/v1/orders/cancel", {"orders": [{"clientId": "first"}]})["results"]

    assert [result["error"]["code"] for result in refused] == ["unknown_order"] * 4
    assert rest.subaccounts() == [SECOND_SUBACCOUNT]
    assert [order["orderId"] for order in rest.orders()] == [second]
    assert code(lambda: rest.order(first)) == "unknown_order"
    assert code(lambda: rest.margin(ALICE_SUBACCOUNT)) == "not_authorised"
    assert code(lambda: rest.cancel_all(subaccount=ALICE_SUBACCOUNT)) == "not_authorised"
    assert code(lambda: rest.dead_man(1_000)) == "not_authorised"
    assert code(stream.subscribe_account) == "not_authorised"
    assert rest.cancel_all()[0]["cancelled"] == 1
    assert list(stage.exchange.live) == [first]


def test_bound_orders__another_account_logs_in__are_cancelled(stage: ApiStage) -> None:
    stream = stage.stream(stage.alice)
    stream.place([stage.alice.order("buy", 1, 10)], cancel_on_disconnect=True)
    stream.place([stage.alice.order("buy", 1, 11)])

    stream.login(BOB)

    assert [order["ticks"] for order in stage.rest(stage.alice).orders(state="open")] == [11]


def test_bound_orders__of_another_owner__are_refused(stage: ApiStage) -> None:
    stream = stage.stream(stage.alice)
    order = stage.bob.order("buy", 1, 10)

    assert code(lambda: stream.place([order], cancel_on_disconnect=True)) == "not_authorised"
    assert stream.place([order])[0]["status"] == "taken"


def test_bound_orders__replaced__are_cancelled_if_asked(stage: ApiStage) -> None:
    stream = stage.stream(stage.alice)
    placed = stream.place(
        [stage.alice.order("buy", 1, ticks) for ticks in (10, 20)], cancel_on_disconnect=True
    )
    first, second = (result["orderId"] for result in placed)
    stream.replace(first, stage.alice.order("buy", 1, 11), cancel_on_disconnect=True)
    stream.replace(second, stage.alice.order("buy", 1, 21))

    stream.close()

    wait_until(lambda: len(stage.exchange.live) == 1)
    (left,) = stage.exchange.live.values()
    assert left.place.ticks == 21


# ---------------------------------------------------------------------------------- slow signatures


class SlowPool:
    """Recovers signers once it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def recover(self, items: Sequence[bytes]) -> list[Address]:
        await self.go.wait()
        return [ALICE.address for _ in items]

    async def sign(self, digests: Sequence[Hash32]) -> list[bytes]:
        return [bytes(65) for _ in digests]


def office_over(exchange: FakeExchange, pool: SlowPool) -> Office:
    intake = Intake(exchange, cast("SignaturePool", pool), CHAIN_ID)
    limits, metrics = ApiLimits(), NoopMetrics()
    hub = Hub(exchange, limits)
    return Office(
        exchange,
        FakeView(),
        intake,
        hub,
        limits,
        chain_id=CHAIN_ID,
        clock=SystemClock(),
        metrics=metrics,
    )


async def closed_before_recovery(exchange: FakeExchange, message: dict[str, Any]) -> None:
    """A connection that sends a message and is gone before the signer is known."""
    pool = SlowPool()
    connection = Connection(office_over(exchange, pool), "192.0.2.1")
    connection.caller.login = Session(ALICE.address, ALICE.address, "", "", 0)
    placing = asyncio.create_task(connection.handle(json.dumps(message).encode()))
    await asyncio.sleep(0)
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0.01)
    pool.go.set()
    await asyncio.gather(placing, closing)


def test_attack__gone_before_its_signatures_are_checked__bound_orders_end_all_the_same() -> None:
    exchange = FakeExchange(owners={ALICE_SUBACCOUNT: ALICE.address, BOB_SUBACCOUNT: BOB.address})
    order = Trader(ALICE, ALICE_SUBACCOUNT).order("buy", 1, 10)

    asyncio.run(
        closed_before_recovery(exchange, {"op": "place", "orders": [order], "cancelOnDisconnect": True})
    )

    assert exchange.seq == 2
    assert not exchange.live
