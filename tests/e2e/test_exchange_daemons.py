"""An exchange of real daemons on anvil: trades to finality, a restart, a crash, a token withdrawal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optimistic.client.rest import RestClient
from optimistic.protocol.settlement import invariants
from optimistic.protocol.settlement.types import SubaccountId
from optimistic.protocol.settlement.units import WAD
from optimistic.service.settlement_contracts import Ledger, Markets, StandardMargin
from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import Daemon, wait_for
from tests.helpers.exchange_daemons import KEEPER, MAKER, MARKET, TRADER, ExchangeOnAnvil

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAID_IN = {MAKER: 500_000, KEEPER: 200_000, TRADER: 3_000}
BOUGHT_WAD = 8 * WAD // 10
WITHDRAWN = 100
TOKEN = 10**6
WRONG = {"wrong_assertion", "engines_disagree", "right_assertion_contested"}
FINALITIES = ["soft", "posted", "final"]


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[ExchangeOnAnvil]:
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with ExchangeOnAnvil(tmp_path, challenge_period_s=8, force_delay_s=6) as built:
        yield built


def client_of(rollup: ExchangeOnAnvil) -> RestClient:
    """The trader at the API, logged in."""
    client = RestClient(rollup.api_url)
    client.login(rollup.trading_key(TRADER))
    return client


def place(
    rollup: ExchangeOnAnvil, side: str, size: str, price: str, *more: str, key: int = TRADER
) -> dict[str, Any]:
    """Let somebody place an order with the command line."""
    words = ("order", "place", side, size, price, "--market", str(MARKET), *more)
    return rollup.cli("optimistic", *words, *rollup.on_api, key=key)


def buy(rollup: ExchangeOnAnvil, client: RestClient) -> dict[str, Any]:
    """Buy from the market maker as soon as it quotes."""

    def bought() -> list[dict[str, Any]]:
        wait_for(lambda: client.book(MARKET)["asks"], "an ask")
        place(rollup, "buy", "0.8", "60500", "--time-in-force", "fok")
        return client.fills()

    (fill,) = wait_for(bought, "a fill")
    return fill


def follow(client: RestClient, last: str, seen: list[str]) -> None:
    """Note each finality of the trader's purchase until it is `last`."""

    def is_last() -> bool:
        finality = client.fills()[-1]["finality"]
        if seen[-1:] != [finality]:
            seen.append(finality)
        return bool(finality == last)

    wait_for(is_last, f"the fill being {last}")


def lift_the_premium(rollup: ExchangeOnAnvil) -> None:
    """Let the keeper bid above the index: the reported book gives a premium and lets trades move the mark."""
    markets = Markets.of(rollup.node)

    def reported() -> bool:
        report = markets.report(MARKET, "latest")
        prices = (report.impact_bid_wad, report.best_bid_wad, report.best_ask_wad, report.impact_ask_wad)
        return all(prices) and list(prices) == sorted(prices) and report.depth_wad > 0

    def lifted() -> bool:
        market = markets.market(MARKET, "latest")
        return markets.premium_wad(MARKET, "latest") > 0 and market.mark_wad > market.index_price_wad

    wait_for(reported, "a report of both sides and depth")
    place(rollup, "buy", "0.3", "60020", key=KEEPER)
    wait_for(lifted, "a premium, and a mark above the index")
    rollup.cli("optimistic", "order", "cancel", "--all", *rollup.on_api, key=KEEPER)
    wait_for(lambda: not markets.premium_wad(MARKET, "latest"), "no premium")


def withdraw(rollup: ExchangeOnAnvil, subaccount: int) -> str:
    """Let the market maker ask for tokens and send them; return the key of the message to L1."""
    asked = rollup.cli(
        "optimistic",
        *("cash", "withdraw", str(WITHDRAWN), "--subaccount", str(subaccount)),
        *rollup.on_l2,
        key=MAKER,
    )
    wait_for(lambda: rollup.node.head().timestamp > asked["readyAt"], "the withdrawal being ready")
    released = rollup.cli("optimistic", "cash", "release", str(asked["withdrawal"]), *rollup.on_l2, key=MAKER)
    return str(released["key"])


def crash(rollup: ExchangeOnAnvil, keeper: Daemon, trader: SubaccountId) -> None:
    """Let the price fall until the keeper closes a part of the trader's position."""
    rollup.prices.price = "57000"
    wait_for(lambda: keeper.events("keeper_liquidated"), "the liquidation")
    wait_for(lambda: not rollup.keeper_health()["below"], "nobody below the maintenance margin")
    margin = StandardMargin.of(rollup.node).margin(trader, "latest")
    assert margin.equity_wad >= margin.maintenance_wad
    assert 0 <= Ledger.of(rollup.node).legs(trader, "latest").get(MARKET, 0) < BOUGHT_WAD


def pay_out(rollup: ExchangeOnAnvil, message: str) -> None:
    """Have L1 pay the market maker's withdrawal once its state is confirmed."""
    before = rollup.tokens_on_l1(MAKER)
    wait_for(
        lambda: rollup.node.raw_request("rollup_withdrawalProof", [message])["status"] == "confirmed",
        "the confirmation of the withdrawal",
    )
    paid = ("withdraw", "finalize", message, *rollup.on_l1, *rollup.on_l2)
    assert rollup.cli("optimistic", *paid, key=MAKER)["delivered"]
    assert rollup.tokens_on_l1(MAKER) - before == WITHDRAWN * TOKEN


def judgement(rollup: ExchangeOnAnvil) -> set[str]:
    """What a watchtower that begins now says of the assertions, all from L1."""
    folder = rollup.folder / "late-watchtower"
    seen = rollup.cli("challenger", "assertions", *rollup.on_l1, "--data-dir", str(folder))
    return {assertion["verdict"] for assertion in seen["assertions"]}


def test_exchange__daemons__trade_restart_crash_and_withdraw(rollup: ExchangeOnAnvil) -> None:
    aggregator = rollup.exchange().start()
    watchtower = rollup.watchtower().start()
    rollup.open_market()
    signers = [signer.start() for signer in rollup.price_signers()]
    subaccounts = rollup.pay_in(PAID_IN)
    trader = SubaccountId(subaccounts[TRADER])
    maker = rollup.market_maker(subaccounts[MAKER]).start()
    keeper = rollup.keeper(subaccounts[KEEPER]).start()
    reporter = rollup.book_reporter().start()

    with client_of(rollup) as client:
        finalities = [buy(rollup, client)["finality"]]
        resting = place(rollup, "buy", "0.01", "30000")
        follow(client, "posted", finalities)
    assert Ledger.of(rollup.node).legs(trader, "latest") == {MARKET: BOUGHT_WAD}

    lift_the_premium(rollup)

    assert aggregator.end() == 0
    aggregator.start()
    with wait_for(lambda: client_of(rollup), "the API after the restart") as client:
        (order,) = client.orders(state="open")
        assert (order["orderId"], order["lotsLeft"]) == (resting["orderId"], 10)
        rollup.await_price()
        wait_for(lambda: client.book(MARKET)["asks"], "the market maker's return")
        message = withdraw(rollup, subaccounts[MAKER])
        crash(rollup, keeper, trader)
        follow(client, "final", finalities)
    assert finalities == [finality for finality in FINALITIES if finality in finalities]
    pay_out(rollup, message)

    assert maker.end() == 0
    with client_of(rollup) as client:
        assert client.book(MARKET)["asks"] == []
    state = rollup.settlement_state()
    assert invariants.broken(state) == []
    assert state.subaccounts[trader].legs.keys() <= {MARKET}
    assert judgement(rollup) == {"valid"}
    assert not {alert["alert"] for alert in watchtower.events("alert_raised")} & WRONG
    assert [daemon.end() for daemon in (*signers, keeper, reporter, aggregator, watchtower)] == [0] * 7
