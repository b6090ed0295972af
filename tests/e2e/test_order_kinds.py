"""Every kind of order on a real exchange, by client and command: each ends once, with its reason."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from optimistic.cli import main
from optimistic.client.keys import TradingKey
from optimistic.client.orders import Market, OrderSigner, Side, Slices, Terms, Trigger
from optimistic.client.rest import RestClient
from optimistic.client.stream import Stream
from optimistic.node.api.options import ApiOptions
from optimistic.node.exchange.options import ExchangeOptions, SettlementOptions
from optimistic.node.trading import TradingFloor, TradingOptions
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import Clearing
from optimistic.service.signer import Signer
from tests.helpers.settlement_setup import PERPETUAL
from tests.helpers.settlement_world import SettlementWorld, Trader, running_world
from tests.helpers.trading_stage import WorldClock, node_client
from tests.helpers.watchtower_stage import ETHER

EXCHANGE_KEY = bytes(31) + b"\x13"
OPTIONS = ExchangeOptions(settlement=SettlementOptions(max_age_ms=0, resend_ms=0))
FLOOR = 10**6
"""Nonces below it are killed on the chain at last."""


class Account:
    """A trader with both ways in, who notes what the drop copy says."""

    def __init__(self, world: SettlementWorld, url: str, trader: Trader) -> None:
        self.rest, self.stream = RestClient(url), Stream(url)
        key = TradingKey(trader.key.secret)
        self.rest.login(key)
        self.stream.login(key)
        self.stream.subscribe_account()
        self._market: Market = self.rest.markets()[PERPETUAL]
        self._signer = OrderSigner(key, self.rest.chain_id, trader.subaccount)
        self._clock, self._nonce = WorldClock(world), 0
        self.placed: list[int] = []

    def order(self, side: Side, lots: int, ticks: int, **terms: Any) -> dict[str, Any]:
        self._nonce += 1
        terms = {"expiry_s": self._clock.time_s() + 3_600, "nonce": self._nonce} | terms
        return self._signer.order_in_steps(self._market, side, lots, ticks, Terms(**terms))

    def note(self, result: dict[str, Any]) -> int:
        assert result["status"] == "taken", result
        self.placed.append(result["orderId"])
        return self.placed[-1]

    def place(self, side: Side, lots: int, ticks: int, **terms: Any) -> int:
        """Place an order; return its number."""
        (result,) = self.rest.place([self.order(side, lots, ticks, **terms)])
        return self.note(result)

    def end(self, order_id: int) -> str:
        """Why an order is over; empty if it is not."""
        return str(self.rest.order(order_id).get("reason", ""))

    def close(self) -> None:
        self.rest.close()
        self.stream.close()


class Stage:
    def __init__(self, world: SettlementWorld) -> None:
        self.world = world
        self.traders = [world.trader(number, 50_000) for number in range(2)]
        options = TradingOptions(exchange=OPTIONS, api=ApiOptions(port=0))
        self.floor = TradingFloor(world.node, EXCHANGE_KEY, options, clock=WorldClock(world))
        world.deposit(self.floor.account, 10 * ETHER)
        world.push_prices()
        world.turn(world.node, times=3)
        self.floor.start()
        self.alice, self.bob = (Account(world, self.floor.api.url, trader) for trader in self.traders)

    def turn_until(self, is_done: Callable[[], object], times: int = 60) -> None:
        """Let time pass, with fresh prices."""
        for number in range(times):
            if is_done():
                return
            if number % 5 == 0:
                self.world.push_prices()
            self.world.turn(self.world.node)
        pytest.fail("it did not come to pass")

    def close(self) -> None:
        self.alice.close()
        self.bob.close()
        self.floor.api.stop()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with running_world(tmp_path) as world:
        made = Stage(world)
        yield made
        made.close()


def test_orders__times_in_force_and_post_only__end_as_they_say(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    ask = bob.place("sell", 10, 601_000)

    rests = alice.place("buy", 10, 599_000)
    ends_soon = alice.place(
        "buy", 10, 599_000, time_in_force="gtd", expiry_s=WorldClock(stage.world).time_s() + 25
    )
    too_many = alice.place("buy", 50, 601_000, time_in_force="fok")
    would_take = alice.place("buy", 5, 601_000, post_only="reject")
    (slides,) = alice.rest.place([alice.order("buy", 5, 601_000, post_only="slide")])
    takes = alice.place("buy", 15, 601_000, time_in_force="ioc")
    alice.rest.cancel([rests])
    stage.turn_until(lambda: alice.end(ends_soon))

    assert alice.end(rests) == "cancelled"
    assert alice.end(ends_soon) == "expired"
    assert alice.end(too_many) == "fok_not_filled"
    assert alice.end(would_take) == "post_only_would_take"
    assert (slides["error"]["reason"], slides["error"]["ticks"]) == ("would_take", 600_999)
    assert alice.end(takes) == "ioc_remainder"
    assert bob.end(ask) == "filled"


def test_orders__that_wait_or_hide__end_as_they_say(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    now_s = WorldClock(stage.world).time_s()

    stop = alice.place("buy", 10, 603_000, trigger=Trigger(source="last", when="at_or_above", ticks=601_500))
    profit = alice.place(
        "sell", 5, 630_000, trigger=Trigger(source="mark", when="at_or_above", ticks=630_000)
    )
    asks = [bob.place("sell", 5, 601_500), bob.place("sell", 10, 602_000, display_lots=2)]
    taker = alice.place("buy", 5, 601_500)
    woken = alice.end(stop)
    parent = alice.place("buy", 9, 600_000, slices=Slices(3_000, 1_000))
    closing = alice.place("sell", 15, 640_000, reduce_only=True)
    bid = bob.place("buy", 15, 600_000)
    out = alice.place("sell", 15, 600_000, time_in_force="ioc")
    alice.rest.cancel([profit])
    stage.turn_until(lambda: alice.end(parent) and alice.end(closing))

    assert [bob.end(order) for order in (*asks, bid)] == ["filled"] * 3
    assert [alice.end(order) for order in (taker, out)] == ["filled"] * 2
    assert (woken, alice.end(profit)) == ("filled", "cancelled")
    assert alice.end(parent) == "twap_done"
    assert WorldClock(stage.world).time_s() - now_s >= 2
    assert alice.end(closing) == "reduce_only_would_increase"


def test_orders__amended_or_met_by_their_owner__end_as_they_say(stage: Stage) -> None:
    alice = stage.alice

    shrunk = alice.place("buy", 10, 599_000)
    replaced = alice.place("buy", 10, 598_000)
    alice.rest.shrink(shrunk, 4)
    (other,) = alice.stream.replace(replaced, alice.order("buy", 10, 598_500))
    newest = alice.place("sell", 2, 599_000)
    both = alice.place("sell", 2, 599_000, self_trade="decrement")
    left = alice.rest.order(shrunk)["lotsLeft"]
    last = alice.place("sell", 2, 599_000, self_trade="cancel_oldest")

    assert left == 2
    assert alice.end(replaced) == "cancelled"
    assert alice.end(alice.note(other)) == ""
    assert [alice.end(order) for order in (newest, both, shrunk)] == ["self_trade"] * 3
    assert alice.end(last) == ""


def test_order_commands__of_each_kind__reach_the_exchange(stage: Stage) -> None:
    key = stage.traders[0].key.secret.hex()

    def run(*arguments: str) -> Any:
        options = ("--api-url", stage.floor.api.url, "--json")
        done = CliRunner().invoke(main, ["order", *arguments, *options], env={"OPTIMISTIC_PRIVATE_KEY": key})
        assert done.exit_code == 0, done.stderr
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))

    def place(side: str, price: str, *options: str) -> int:
        answer = run("place", side, "0.01", price, "--market", str(PERPETUAL), *options)
        return int(answer["orderId"])

    stop = place("buy", "61000", "--stop", "60500", "--watch", "last")
    profit = place("sell", "61000", "--take-profit", "61000")
    parts = place("buy", "60000", "--twap", "10m", "--interval", "1m")
    iceberg = place("buy", "59000", "--display", "0.002", "--self-trade", "decrement")
    kinds = {order["orderId"]: order["kind"] for order in run("list", "--open")["orders"]}
    run("dead-man", "10m")
    run("cancel", "--all", "--market", str(PERPETUAL), "--side", "sell")
    over = {order["orderId"]: order.get("reason") for order in run("list")["orders"]}

    assert kinds == {stop: "stop", profit: "stop", parts: "twap", iceberg: "limit"}
    assert over == {stop: None, parts: None, iceberg: None, profit: "mass_cancelled"}


def test_orders__ended_many_at_once__say_by_what(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob

    one_side = alice.place("buy", 10, 599_000)
    other_side = alice.place("sell", 10, 640_000)
    alice.rest.cancel_all(market=PERPETUAL, side="buy")
    bound = bob.stream.place([bob.order("buy", 10, 599_000)], cancel_on_disconnect=True)
    bob.stream.close()
    watched = bob.place("buy", 10, 599_000)
    bob.rest.dead_man(5_000)
    stage.turn_until(lambda: bob.end(bob.note(bound[0])) and bob.end(watched))
    sender = OneShotSender(
        node_client(stage.world), Signer(stage.traders[0].key.secret), clock=WorldClock(stage.world)
    )
    sender.send(Clearing.of(node_client(stage.world)).raise_nonce_floor_call(FLOOR))
    stage.turn_until(lambda: alice.end(other_side))

    assert alice.end(one_side) == "mass_cancelled"
    assert (bob.end(bound[0]["orderId"]), bob.end(watched)) == ("disconnected", "dead_man_switch")
    assert alice.end(other_side) == "nonce_floor"
    told: Counter[int] = Counter()
    while sum(told.values()) < len(alice.placed):
        message = alice.stream.next_message()
        told.update(event["orderId"] for event in message["events"] if event["event"] == "done")
    assert told == Counter(alice.placed)
