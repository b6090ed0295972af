"""The commands of traders and keepers, against a live API and a live node."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from optimistic.cli import devnet_market, main
from optimistic.node.rpc.backend import RpcBackend, make_server
from optimistic.node.rpc.options import RpcOptions
from optimistic.service.files import replace_json
from scripts.staging.contract_views import call_data
from tests.helpers.api_stage import ALICE_SUBACCOUNT, ApiStage, api_stage
from tests.helpers.settlement_setup import BTC_FEED, BTC_PRICE, PERPETUAL, observations
from tests.helpers.settlement_world import SettlementWorld

ALICE_KEY = (bytes(31) + b"\x01").hex()
TURNS_PER_PRICE = 5


def invoke(key: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"OPTIMISTIC_PRIVATE_KEY": key})


def run(key: str, *arguments: str) -> Any:
    """The JSON a command prints; the world of this process may log in between."""
    result = invoke(key, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("{"))
    return json.loads(line)


# ---------------------------------------------------------------------------------- orders


@pytest.fixture(scope="module")
def stage() -> Iterator[ApiStage]:
    with api_stage() as running:
        yield running


def test_order__placed_listed_cancelled__tells_the_whole_story(stage: ApiStage) -> None:
    api = ("--api-url", stage.url)

    placed = run(ALICE_KEY, "order", "place", "buy", "1.5", "100.1", "--market", "1", *api)
    (listed,) = run(ALICE_KEY, "order", "list", "--open", *api)["orders"]
    (cancelled,) = run(ALICE_KEY, "order", "cancel", str(placed["orderId"]), *api)["results"]
    (over,) = run(ALICE_KEY, "order", "list", *api)["orders"]

    assert (placed["lots"], placed["ticks"], placed["subaccount"]) == (1_500, 1_001, ALICE_SUBACCOUNT)
    assert placed["receipt"]["signature"].startswith("0x")
    assert listed["orderId"] == placed["orderId"]
    assert cancelled["cancelled"] == 1
    assert over["reason"] == "cancelled"


def test_order__off_the_tick__names_the_nearest_prices_or_rounds(stage: ApiStage) -> None:
    wanted = ("order", "place", "buy", "1", "100.15", "--market", "1", "--api-url", stage.url)

    refused = invoke(ALICE_KEY, *wanted)
    rounded = run(ALICE_KEY, *wanted, "--round")

    assert refused.exit_code == 1
    assert "take 100.1 or 100.2" in refused.stderr
    assert rounded["ticks"] == 1_001


def test_order__amended__leaves_fewer_open(stage: ApiStage) -> None:
    api = ("--api-url", stage.url)
    placed = run(ALICE_KEY, "order", "place", "buy", "1.5", "99.1", "--market", "1", *api)
    number = str(placed["orderId"])

    run(ALICE_KEY, "order", "amend", number, "0.5", *api)
    left = {order["orderId"]: order["lotsLeft"] for order in run(ALICE_KEY, "order", "list", *api)["orders"]}

    assert left[placed["orderId"]] == 500


def test_order__amended_to_more_or_another_price__is_replaced_with_its_terms(stage: ApiStage) -> None:
    api = ("--api-url", stage.url)
    terms = ("--post-only", "reject", "--display", "0.1", "--lifetime", "1h")
    placed = run(ALICE_KEY, "order", "place", "buy", "1.5", "90.1", "--market", "1", *terms, *api)

    larger = run(ALICE_KEY, "order", "amend", str(placed["orderId"]), "2.5", *api)
    moved = run(ALICE_KEY, "order", "amend", str(larger["orderId"]), "2", "--price", "90.5", *api)
    again = invoke(ALICE_KEY, "order", "amend", str(larger["orderId"]), "3", *api)

    with stage.rest(stage.alice) as client:
        order = client.order(moved["orderId"])
    assert (moved["lots"], order["ticks"], order["lotsLeft"]) == (2_000, 905, 2_000)
    assert (order["postOnly"], order["reduceOnly"], order["timeInForce"]) == (True, False, "gtc")
    assert order["displayLots"] == 100
    assert stage.exchange.live.keys().isdisjoint({placed["orderId"], larger["orderId"]})
    assert again.exit_code == 1
    assert "is over: cancelled" in again.stderr


def test_order__own_things__are_listed(stage: ApiStage) -> None:
    api = ("--api-url", stage.url)

    assert run(ALICE_KEY, "order", "subaccounts", *api)["subaccounts"] == [ALICE_SUBACCOUNT]
    assert run(ALICE_KEY, "order", "fills", *api)["fills"] == []


def test_order__cancel_of_none__fails(stage: ApiStage) -> None:
    done = invoke(ALICE_KEY, "order", "cancel", "999", "--api-url", stage.url)

    assert done.exit_code == 1
    assert "unknown_order" in done.stdout


def test_order__refused__says_what_to_do(stage: ApiStage) -> None:
    unknown = invoke(ALICE_KEY, "order", "place", "buy", "1", "1", "--market", "9", "--api-url", stage.url)
    both = invoke(ALICE_KEY, "order", "cancel", "1", "--all", "--api-url", stage.url)
    nobody = invoke("77" * 32, "order", "place", "buy", "1", "1", "--market", "1", "--api-url", stage.url)

    assert "optimistic market list" in unknown.stderr
    assert "name orders, or give --all" in both.stderr
    assert "--subaccount" in nobody.stderr


def test_price_signer__once__prints_a_signed_observation(tmp_path: Path) -> None:
    bars = tmp_path / "bars.csv"
    bars.write_text("timestamp,close\n1,60000.5\n")

    done = run(ALICE_KEY, "price-signer", "--feed", "1", "--csv", str(bars), "--l2-chain-id", "42", "--once")

    (seen,) = done["observations"]
    assert seen["priceWad"] == str(60_000_500 * 10**15)
    assert len(seen["signature"]) == 132
    assert done["pushed"] == 0


# ---------------------------------------------------------------------------------- the chain


@contextmanager
def served(world: SettlementWorld) -> Iterator[str]:
    """JSON-RPC of the world's node on a free port, while the world turns; yields its address.

    Time passes by turns, whatever the commands take: so the price is seen again and again.
    """
    node = world.node
    backend = RpcBackend(
        reader=node.store, nodes=node.nodes, pool=node.pool, sync=node.deriver, rollup=world.params
    )
    server = make_server(backend, RpcOptions(port=0))
    stop = threading.Event()

    def turn() -> None:
        for number in count():
            if stop.wait(0.05):
                return
            if number % TURNS_PER_PRICE == 0:
                seen = observations(BTC_FEED, BTC_PRICE, node.chain.head.timestamp)
                world.submit(world.owner, "PriceOracle", call_data("PriceOracle", "push", BTC_FEED, seen))
                world.submit(world.owner, "Markets", call_data("Markets", "refresh", PERPETUAL))
            world.turn(node)

    turner = threading.Thread(target=turn)
    server.start()
    turner.start()
    try:
        yield server.url
    finally:
        stop.set()
        turner.join()
        server.stop()


def test_chain_commands__live_node__show_and_do(tmp_path: Path) -> None:
    world = SettlementWorld(tmp_path)
    world.open(world.aggregator())
    long, short = world.trader(0, 50_000), world.trader(1, 50_000)
    world.push_prices()
    world.trade(long, short, 500, 600_000)
    key = long.key.secret.hex()
    opening = tmp_path / "markets.json"
    replace_json(opening, devnet_market.opening().to_json())
    with served(world) as url:
        node, number = ("--l2-rpc-url", url), str(long.subaccount)
        (market, _) = run(key, "market", "list", *node)["markets"]
        margin = run(key, "margin", "explain", number, *node)
        (position,) = run(key, "position", "list", number, *node)["positions"]
        healthy = run(key, "liquidate", number, "--reward-to", str(short.subaccount), *node)
        standing = run(key, "margin", "list", "--limit", "1", *node)
        limits = run(key, "cash", "limits", number, "100", *node)
        nobody = invoke(key, "margin", "explain", "999", *node)
        again = invoke(key, "market", "open", str(opening), "--seal", *node)
        asked = run(key, "position", "request-close", number, str(PERPETUAL), *node)
        withdrawn = run(key, "cash", "withdraw", "100", "--subaccount", number, *node)
        deadline_s = time.monotonic() + 60
        while world.node.chain.head.timestamp < withdrawn["readyAt"]:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        sent = run(key, "cash", "release", str(withdrawn["withdrawal"]), *node)
    world.close()

    assert (market["tick"], market["lot"], market["status"]) == ("0.1", "0.001", "open")
    assert position["size"] == "0.5"
    assert margin["worstMarket"] == PERPETUAL
    assert not margin["isBelowMaintenance"]
    assert margin["withdrawable"]["cash"]["reason"] == "margin needs the rest"
    assert 0 < float(limits["atOnce"]) <= float(limits["most"]) < 50_000
    assert limits["readyAt"] >= withdrawn["readyAt"]
    assert healthy["did"] == "healthy"
    assert standing["watched"] == 2
    assert 1_000_000 < standing["subaccounts"][0]["healthPips"] <= healthy["healthPips"]
    assert "first deposit opens one" in nobody.stderr
    assert "NotOwner" in again.stderr
    assert asked["executableAt"] > 0
    assert len(sent["key"]) == 66
