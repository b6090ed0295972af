"""Price signers and keepers at work on real contracts, and what the API reads of the chain."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.agents.keeper import Keeper
from optimistic.agents.price_signer import Observer, PriceDaemon, choose
from optimistic.agents.price_sources import NoPrice, ReplaySource
from optimistic.agents.risk_watch import RiskWatch
from optimistic.client.keys import TradingKey
from optimistic.node.api.chain_view import NodeView
from optimistic.service.l1_types import Log, LogFilter
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import (
    Asset,
    Collateral,
    Ledger,
    Markets,
    PriceOracle,
    StandardMargin,
)
from optimistic.service.signer import Signer
from scripts.staging.market_terms import LIMITS
from tests.helpers.settlement_setup import (
    BTC_FEED,
    BTC_PRICE,
    PERPETUAL,
    SIGNER_NUMBER,
    TOKEN,
    WAD,
    key_of,
)
from tests.helpers.settlement_world import SettlementWorld, Trader, running_world
from tests.helpers.trading_stage import WorldClock, node_client

TICKS = BTC_PRICE * 10 // WAD
SIGNER_KEYS = [TradingKey(key_of(SIGNER_NUMBER + number)[0].secret) for number in range(4)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SettlementWorld]:
    with running_world(tmp_path) as made:
        yield made


def price_daemon(world: SettlementWorld, prices: list[int], n_keys: int) -> PriceDaemon:
    clock = WorldClock(world)
    source = ReplaySource([(at, price) for at, price in enumerate(prices)], clock.time_s())
    observer = Observer(source, SIGNER_KEYS[:n_keys], BTC_FEED, world.params.l2_chain_id)
    return PriceDaemon(
        observer,
        BTC_FEED,
        [],
        node=node_client(world),
        pusher=Signer(world.trader(3, 10).key.secret),
        clock=clock,
    )


def keeper_of(world: SettlementWorld, trader: Trader) -> Keeper:
    return Keeper(node_client(world), trader.key.secret, trader.subaccount, WorldClock(world))


def test_price_signer__quorum_reached__moves_index_and_mark(world: SettlementWorld) -> None:
    daemon = price_daemon(world, [BTC_PRICE + 100 * WAD], n_keys=3)

    done = daemon.step()

    assert done["pushed"] == 3
    node = node_client(world)
    assert PriceOracle.of(node).feed(BTC_FEED, "latest").price_wad == BTC_PRICE + 100 * WAD
    assert Markets.of(node).market(PERPETUAL, "latest").index_price_wad == BTC_PRICE + 100 * WAD


def test_price_signer__too_few_signers__pushes_nothing(world: SettlementWorld) -> None:
    daemon = price_daemon(world, [BTC_PRICE], n_keys=2)

    with pytest.raises(NoPrice, match="too few"):
        daemon.step()

    assert len(daemon.published) == 2


def test_attack__observation_of_no_signer_or_changed__is_left_out(world: SettlementWorld) -> None:
    chain_id = world.params.l2_chain_id
    source = ReplaySource([(0, BTC_PRICE)], 0)
    observer = Observer(source, [*SIGNER_KEYS, TradingKey(bytes(31) + b"\x01")], BTC_FEED, chain_id)
    now_s = WorldClock(world).time_s()
    seen = observer.observe(now_s + 5)
    feed = PriceOracle.of(node_client(world)).feed(BTC_FEED, "latest")

    assert len(choose(feed, seen, now_s)) == 4
    assert choose(feed, seen[:2], now_s) == []
    assert choose(feed, seen, now_s - 1) == []
    assert all(map(observer.is_genuine, seen))
    forged = type(seen[0]).from_json({**seen[0].to_json(), "priceWad": "1"})
    assert not observer.is_genuine(forged)


def test_keeper__crash__flags_then_liquidates_until_healthy(world: SettlementWorld) -> None:
    long, short, helper = (world.trader(i, tokens) for i, tokens in enumerate((3_200, 60_000, 200_000)))
    world.push_prices()
    world.trade(long, short, 1_000, TICKS)
    keeper = keeper_of(world, helper)
    assert keeper.step()["below"] == 0

    price_wad = BTC_PRICE * 975 // 1_000
    for _ in range(12):
        world.push_prices(btc_wad=price_wad, count=4)
        world.act(world.owner, "Markets", "refresh", PERPETUAL)
        if keeper.step()["below"] == 0:
            break
    margin = StandardMargin.of(node_client(world)).margin(long.subaccount, "latest")

    assert 0 <= world.size(long) < WAD
    assert world.size(helper) > 0
    assert world.size(long) + world.size(short) + world.size(helper) == 0
    assert margin.equity_wad >= margin.maintenance_wad


def test_node_view__money_and_gates__are_what_the_chain_says(world: SettlementWorld) -> None:
    trader = world.trader(0, 5_000)
    world.push_prices()
    node, clock = node_client(world), WorldClock(world)
    view = NodeView(node, clock)

    assert view.limits(PERPETUAL) == LIMITS
    assert view.limits(99) is None
    (deposit,) = view.deposits(trader.subaccount, 10)
    assert (deposit.asset, deposit.amount) == ("cash", 5_000 * TOKEN)
    assert view.withdrawable_wad(trader.subaccount) == 5_000 * WAD
    assert all(gate.is_open for gate in view.gates() if gate.name.startswith("market 1"))

    collateral = Collateral.of(node)
    sender = OneShotSender(node, Signer(trader.key.secret), clock=clock)
    sender.send(
        collateral.request_withdrawal_call(trader.subaccount, Asset.CASH, 100 * TOKEN, trader.address)
    )
    (pending,) = view.withdrawals(trader.subaccount, 10)
    assert (pending.status, pending.amount, pending.recipient) == ("pending", 100 * TOKEN, trader.address)
    world.turn(world.node, times=3)
    sender.send(collateral.release_call(pending.number))
    (released,) = view.withdrawals(trader.subaccount, 10)
    assert released.status == "released"
    assert released.message_key is not None
    world.confirm_all()
    assert [item.status for item in view.withdrawals(trader.subaccount, 10)] == ["released"]
    closed = [gate for gate in view.gates() if not gate.is_open]
    assert any("too old" in gate.reason for gate in closed)


def test_keeper__below_at_the_mark_alone__sends_nothing(world: SettlementWorld) -> None:
    long, short, helper = (world.trader(i, tokens) for i, tokens in enumerate((3_200, 60_000, 200_000)))
    world.push_prices()
    world.trade(long, short, 1_000, TICKS)
    keeper = keeper_of(world, helper)
    low_wad = BTC_PRICE * 977 // 1_000
    book_wad = low_wad * 985 // 1_000
    for _ in range(3):
        world.push_prices(btc_wad=low_wad)
        world.trade(helper, short, 1, book_wad * 10 // WAD)
    now_s = world.node.chain.head.timestamp
    report = (book_wad, book_wad + WAD, book_wad, book_wad + WAD, 1_000_000 * WAD, now_s)
    world.act(world.owner, "Markets", "reportBook", PERPETUAL, report)
    world.push_prices(btc_wad=low_wad)
    world.act(world.owner, "Markets", "refresh", PERPETUAL)
    margin = StandardMargin.of(node_client(world)).margin(long.subaccount, "latest")

    done = keeper.step()

    assert margin.equity_wad < margin.maintenance_wad
    assert (done["below"], done["reverted"]) == (0, 0)
    assert done["nextSubaccount"] == long.subaccount
    assert 1_000_000 <= done["nextHealthPips"] < 1_100_000


def test_risk_watch__any_moment__has_every_margin_as_the_contracts_have_it(world: SettlementWorld) -> None:
    traders = [world.trader(i, tokens) for i, tokens in enumerate((3_200, 60_000, 5_000))]
    node = node_client(world)
    watch = RiskWatch(node)
    assert watch.patients() == []
    for buyer, seller, lots in ((0, 1, 900), (2, 1, 1_000), (1, 0, 300)):
        world.push_prices()
        world.trade(traders[buyer], traders[seller], lots, TICKS)
        world.act(world.owner, "Markets", "refresh", PERPETUAL)

        patients = watch.patients()

        for patient in patients:
            margin = StandardMargin.of(node).margin(patient.id, "latest")
            assert patient.maintenance_wad == margin.maintenance_wad
            assert patient.equity_wad >= margin.equity_wad
            assert patient.legs == Ledger.of(node).legs(patient.id, "latest")
        assert [item.health_pips for item in patients] == sorted(item.health_pips for item in patients)
    assert len(patients) == 3
    assert RiskWatch(node).patients() == patients


def test_risk_watch__chain_replaced__is_read_anew(
    world: SettlementWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    long, short = world.trader(0, 5_000), world.trader(1, 60_000)
    world.push_prices()
    world.trade(long, short, 1_000, TICKS)
    node = node_client(world)
    watch, read_from = RiskWatch(node), []
    before = watch.patients()
    last = node.head().number
    world.turn(world.node)
    find, logs = node.find_header, node.logs

    def read(wanted: LogFilter, first: int, up_to: int) -> tuple[Log, ...]:
        read_from.append(first)
        return logs(wanted, first, up_to)

    monkeypatch.setattr(node, "logs", read)
    watch.patients()
    world.turn(world.node)
    monkeypatch.setattr(node, "find_header", lambda block: None if block == last + 1 else find(block))
    after = watch.patients()

    assert read_from == [last + 1, 0]
    assert [item.legs for item in after] == [item.legs for item in before]
