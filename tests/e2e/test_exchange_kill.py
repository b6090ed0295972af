"""A whole aggregator dies while people trade: nothing told is lost, nothing happens twice.

It is killed, or its disk is full. Node, contracts, exchange, API and clients are the real ones; L1 is an
anvil.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from optimistic.client.errors import Unreachable
from optimistic.client.receipts import ReceiptLog
from optimistic.client.rest import RestClient
from optimistic.node.exchange.exchange import Exchange
from optimistic.node.exchange.image import dump
from optimistic.node.exchange.machine import Machine
from optimistic.node.exchange.receipts import GENESIS_RECEIPT
from optimistic.node.exchange.records import decode_group
from optimistic.node.node import Node
from optimistic.protocol.engine import Log
from optimistic.protocol.settlement.events import rebuild
from optimistic.protocol.settlement.invariants import differences
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import FEES, MarketId, Position, SubaccountId
from optimistic.protocol.types import Hash32
from optimistic.service.wal import SyncPolicy, Wal
from scripts.staging.contract_views import Views
from tests.helpers.anvil import anvil_binary
from tests.helpers.durable_trader import DurableTrader
from tests.helpers.exchange_process import EXCHANGE
from tests.helpers.settlement_setup import BTC_PRICE, PERPETUAL, WAD
from tests.helpers.trading_rollup import PATIENCE_S, TradingRollup, wait_for

KILLS = 50
EARLY = 5
"""Every so many kills come while the aggregator starts."""
TRADERS = 4
LOT_WAD = WAD // 1_000


class Scene:
    """A rollup, its traders, and a copy of the exchange's whole log."""

    def __init__(self, rollup: TradingRollup, chance: random.Random) -> None:
        self.rollup = rollup
        self.chance = chance
        self.data = rollup.seat.folder / "data"
        self.whole_log = rollup.seat.folder / "whole"
        self.whole_log.mkdir()
        rollup.start()
        keys = rollup.fund_traders(TRADERS, 1_000_000)
        rollup.open_market()
        rest = RestClient(rollup.api_url)
        market = wait_for(rest.markets, "the markets")[PERPETUAL]
        receipts = ReceiptLog(rest.chain_id, rest.receipt_signer)
        self.traders = []
        for number, key in enumerate(keys):
            rest.login(key)
            [subaccount] = wait_for(rest.subaccounts, "a subaccount")
            self.traders.append(
                DurableTrader(
                    rollup.api_url,
                    key,
                    subaccount,
                    chain_id=rest.chain_id,
                    market=market,
                    now_s=rest.time_ms() // 1_000,
                    middle_ticks=BTC_PRICE * 10 // WAD,
                    receipts=receipts,
                    chance=chance,
                    is_bound=number == 0,
                )
            )
        rest.close()

    def keep_log(self) -> None:
        """Keep the files of the log that snapshots will make superfluous."""
        for path in (self.data / "exchange" / "log").glob("*.wal"):
            kept = self.whole_log / path.name
            if not kept.exists():
                os.link(path, kept)

    def await_api(self) -> None:
        """Wait until the exchange answers; keep its price fresh."""
        with RestClient(self.rollup.api_url) as rest:
            wait_for(rest.time_ms, "the exchange's API")
        self.rollup.keep_price()

    def trade_until_killed(self, after_s: float) -> None:
        """Let everybody trade, and kill the aggregator after some time."""
        self.await_api()
        timer = Timer(after_s, self.rollup.kill)
        timer.start()
        try:
            for trader in self.traders:
                trader.connect()
            while True:
                self.chance.choice(self.traders).trade()
                self.keep_log()
        except Unreachable:
            timer.join()
        self.keep_log()
        for trader in self.traders:
            trader.hang_up()

    def come_to_rest(self) -> None:
        """Cancel everything, wait until all trades are settled, and end the aggregator in order."""
        self.await_api()
        for trader in self.traders:
            trader.connect()
            trader.stream.cancel_all()
        with RestClient(self.rollup.api_url) as rest:
            wait_for(lambda: rest.status()["unsettledTrades"] == 0, "settlement")
        for trader in self.traders:
            trader.stream.request("time")
            trader.listen()

    def trade_until_disk_full(self) -> Counter[str]:
        """Let everybody trade while the log cannot grow any more; return the reasons of refusals."""
        self.await_api()
        for trader in self.traders:
            trader.connect()
        newest = max((self.data / "exchange" / "log").glob("*.wal"))
        self.rollup.limit_files(newest.stat().st_size + 20_000)
        try:
            while True:
                self.chance.choice(self.traders).trade()
                self.keep_log()
        except Unreachable:
            self.keep_log()
        for trader in self.traders:
            trader.hang_up()
        return sum((trader.refusals for trader in self.traders), Counter())

    def kill_again_and_again(self) -> None:
        self.keep_log()
        self.rollup.kill()
        for number in range(KILLS):
            self.rollup.start()
            if number % EARLY:
                self.trade_until_killed(self.chance.uniform(0.02, 0.7))
            else:
                time.sleep(self.chance.uniform(0.1, 1.2))
                self.rollup.kill()
        self.rollup.start()
        self.come_to_rest()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with TradingRollup(tmp_path) as rollup:
        yield Scene(rollup, random.Random(20))


@pytest.mark.slow
def test_exchange__killed_fifty_times__loses_nothing_and_does_nothing_twice(scene: Scene) -> None:
    scene.kill_again_and_again()

    check_everything(scene)
    traders = scene.traders
    assert sum(trader.repeats for trader in traders), "no answer got lost: the kills were too gentle"
    assert sum(len(trader.receipts) for trader in traders) > 5 * KILLS
    assert len({event["trade"] for trader in traders for event in trader.events("settled")}) > 2 * KILLS
    assert any(event["reason"] == "disconnected" for event in traders[0].events("done"))
    log = scene.data / "exchange" / "log"
    assert not (log / f"{0:020d}.wal").exists(), "no snapshot ever made log superfluous"


@pytest.mark.slow
def test_exchange__second_process_on_its_folder__ends_and_harms_nothing(scene: Scene) -> None:
    for trader in scene.traders:
        trader.connect()
    for _ in range(10):
        scene.chance.choice(scene.traders).trade()

    second = scene.rollup.seat.start()
    second.join(PATIENCE_S)
    for _ in range(10):
        scene.chance.choice(scene.traders).trade()
    scene.keep_log()
    for trader in scene.traders:
        trader.hang_up()
    scene.come_to_rest()

    assert second.exitcode == 1
    assert "another process" in (scene.rollup.seat.folder / "aggregator.log").read_text()
    check_everything(scene)


@pytest.mark.slow
def test_exchange__disk_full__refuses_ends_in_order_and_loses_nothing(scene: Scene) -> None:
    refusals = scene.trade_until_disk_full()
    assert scene.rollup.exit_code() == 1
    scene.rollup.start()
    scene.come_to_rest()

    check_everything(scene)
    assert set(refusals) <= {"storage"}
    log = (scene.rollup.seat.folder / "aggregator.log").read_text()
    assert "free space or raise the limit" in log


def check_everything(scene: Scene) -> None:
    """Hold what everybody was told against each other, the answers, the log and the chain; ends the node."""
    check_receipts(scene.traders)
    check_stories(scene.traders)
    check_answers(scene)
    assert scene.rollup.stop() == 0
    scene.keep_log()
    node, floor = scene.rollup.seat.open()
    try:
        check_replay(floor.house.core, scene.whole_log)
        check_chain(node, floor.house.core, scene.traders)
    finally:
        node.close()


# ---------------------------------------------------------------------------------- what was told


def check_receipts(traders: list[DurableTrader]) -> None:
    """Every receipt of everybody is in one chain that lacks none."""
    receipts = {seq: receipt for trader in traders for seq, receipt in trader.receipts.items()}
    assert len(receipts) == sum(len(trader.receipts) for trader in traders)
    prev = GENESIS_RECEIPT
    for _, (receipt, struct) in sorted(receipts.items()):
        assert receipt["prev"] == "0x" + prev.hex()
        prev = struct


def check_stories(traders: list[DurableTrader]) -> None:
    """Each order was told from its beginning to its one end, each trade once and settled once."""
    for trader in traders:
        opened = {event["orderId"]: event["lots"] for event in trader.events("opened")}
        done = Counter(event["orderId"] for event in trader.events("done"))
        assert set(opened) <= set(done) == set(trader.keys)
        assert set(done.values()) == {1}
        filled = lots_by_order(trader.events("filled"))
        for event in trader.events("done"):
            lots = opened.get(event["orderId"], event["lots"])
            assert event["lots"] + filled[event["orderId"]] == lots
        trades = Counter((event["trade"], event["role"]) for event in trader.events("filled"))
        ends = Counter(event["trade"] for event in trader.events("settled") + trader.events("busted"))
        assert set(trades.values()) == set(ends.values()) == {1}
        assert {trade for trade, _ in trades} == set(ends)
    all_trades = {event["trade"] for trader in traders for event in trader.events("filled")}
    assert all_trades == set(range(1, len(all_trades) + 1))


def check_answers(scene: Scene) -> None:
    """Orders and fills of before the last restart are answered as they were told."""
    for trader in scene.traders:
        with RestClient(scene.rollup.api_url) as rest:
            rest.login(trader.key)
            for event in trader.events("done")[::20]:
                order = rest.order(event["orderId"])
                assert (order["state"], order["reason"]) == ("over", event["reason"])
            fills = rest.fills(limit=1_000)
            newest = sorted(trader.events("filled"), key=lambda event: -event["trade"])[: len(fills)]
            assert sorted(_fill(fill) for fill in fills) == sorted(map(_fill, newest))


def lots_by_order(fills: list[dict[str, Any]]) -> Counter[int]:
    lots: Counter[int] = Counter()
    for event in fills:
        lots[event["orderId"]] += event["lots"]
    return lots


def _fill(event: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(event[name] for name in ("trade", "role", "orderId", "ticks", "lots", "lotsLeft"))


# ---------------------------------------------------------------------------------- what there is


def check_replay(core: Exchange, whole_log: Path) -> None:
    """The whole log from nothing gives what runs now, and the last snapshot."""
    machine = Machine(nonce_window=EXCHANGE.nonce_window, name_window=EXCHANGE.client_id_window)
    log = Wal(whole_log, sync_policy=SyncPolicy.NONE)
    assert log.first_index == 0
    for _, payload in log.replay():
        group = decode_group(payload)
        machine.advance(group.ts_ms)
        for record in group.records:
            machine.apply(record)
        machine.take_events()
    assert dump(machine) == dump(core.machine)
    latest = core._journal.latest()
    assert latest is not None
    assert latest[1] == dump(machine)


def check_chain(node: Node, core: Exchange, traders: list[DurableTrader]) -> None:
    """Storage of the contracts is what was told, what the engine has, and what the logs add up to."""
    views = Views.at_head(node, node.params)
    state = state_of_logs(node)
    engine = core.machine.desk(PERPETUAL).engine
    assert [line for line in differences(state, core.state) if "price" not in line] == []
    for trader in traders:
        id_ = SubaccountId(trader.subaccount)
        told = sum(event["lots"] * (1 if event["side"] == "buy" else -1) for event in trader.settled_fills())
        size_wad, index_wad = views.read("Ledger", "position", id_, PERPETUAL)
        leg = state.subaccounts[id_].legs.get(MarketId(PERPETUAL), Position(0, 0))
        assert leg == Position(size_wad, index_wad)
        assert size_wad == told * LOT_WAD == engine.positions.get(id_, 0) * LOT_WAD
        assert state.subaccounts[id_].cash_wad == views.read("Ledger", "subaccount", id_)[2]
        filled = lots_by_order(trader.settled_fills())
        for order_id, (digest, index) in trader.keys.items():
            key = Hash32(bytes.fromhex(digest[2:]))
            assert views.read("Clearing", "filledLots", key, index) == filled[order_id]
    assert state.subaccounts[FEES].cash_wad == views.read("Ledger", "subaccount", FEES)[2] > 0
    settled = [event["lots"] for trader in traders for event in trader.settled_fills()]
    assert sum(state.filled_lots.values()) == sum(settled)


def state_of_logs(node: Node) -> State:
    """The state that the logs of all blocks describe."""
    receipts = (
        receipt
        for number in range(1, node.store.heads().unsafe.number + 1)
        for receipt in node.store.receipts(number)
    )
    return rebuild(
        (log.block_timestamp, Log(address=log.address, topics=log.topics, data=log.data))
        for receipt in receipts
        for log in receipt.logs
    )
