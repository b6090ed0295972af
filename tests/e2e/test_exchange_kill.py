"""kill -9 of a trading exchange again and again: nothing acknowledged is lost, nothing happens twice."""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from threading import Timer

import pytest

from optimistic.node.exchange.events import TradeSettled
from optimistic.node.exchange.house import ExchangeHouse
from optimistic.node.exchange.image import dump
from optimistic.node.exchange.receipts import Receipt, ReceiptDomain, SignedReceipt
from optimistic.node.exchange.records import OrderTaken
from optimistic.protocol.settlement.invariants import differences
from optimistic.protocol.settlement.types import MarketId, SubaccountId
from optimistic.protocol.types import Hash32
from optimistic.service.clock import FakeClock
from tests.architecture.source_tree import ROOT
from tests.helpers.exchange_process import open_house
from tests.helpers.exchange_world import CHAIN_ID, LOT_WAD, MARKET
from tests.helpers.fake_chain import FakeChain

KILLS = 50


def run_and_kill(folder: Path, seed: int, after_s: float) -> list[list[str]]:
    """Let a process trade and kill it; return the words of the whole lines it wrote."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.exchange_process", str(folder), str(seed)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    timer = Timer(after_s, process.send_signal, [signal.SIGKILL])
    timer.start()
    output = process.stdout.read()
    timer.join()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    whole = output[: output.rfind(b"\n") + 1].decode()
    return [line.split() for line in whole.splitlines() if line]


class Witness:
    """Remembers everything that was acknowledged and holds it against what a restart finds."""

    def __init__(self) -> None:
        self.receipts: dict[int, SignedReceipt] = {}
        self.trades: dict[int, tuple[int, int, int]] = {}

    def hear(self, lines: list[list[str]]) -> None:
        for kind, *words in lines:
            if kind == "ack":
                number, digest, seq, prev, ts_ms, signature = words
                receipt = Receipt(
                    Hash32(bytes.fromhex(digest)), int(seq), Hash32(bytes.fromhex(prev)), int(ts_ms)
                )
                assert int(number) not in self.receipts, "a number was given twice"
                self.receipts[int(number)] = SignedReceipt(receipt, bytes.fromhex(signature))
            else:
                trade, maker, taker, lots = map(int, words)
                assert trade not in self.trades, "a trade was told twice"
                self.trades[trade] = (maker, taker, lots)

    def check_receipts(self) -> None:
        domain = ReceiptDomain(CHAIN_ID)
        assert len({domain.signer(signed) for signed in self.receipts.values()}) == 1
        prevs = Counter(signed.receipt.prev for signed in self.receipts.values())
        assert set(prevs.values()) == {1}, "two receipts name one before them"


def settle_all(chain: FakeChain, house: ExchangeHouse) -> None:
    for _ in range(2_000):
        house.turn()
        chain.mine()
        house.turn()
        if not house.core.machine.settling.n_unsettled:
            return
    raise AssertionError("trades remain unsettled")


def check_chain(chain: FakeChain, house: ExchangeHouse) -> None:
    """What was matched is what the chain holds: positions, lots filled, and the mirror of it."""
    machine = house.core.machine
    engine = machine.desk(MARKET).engine
    for trader in chain.traders:
        leg = chain.state.subaccounts[SubaccountId(trader.subaccount)].legs.get(MarketId(MARKET))
        held = 0 if leg is None else leg.size_wad // LOT_WAD
        assert held == engine.positions.get(trader.subaccount, 0)
    for order in machine.registry.orders.values():
        filled = chain.state.filled_lots.get(order.message.digest, 0)
        assert filled == order.lots - order.open
    mirror = house.core.state
    assert mirror.filled_lots == chain.state.filled_lots
    assert [name for name in differences(mirror, chain.state) if "subaccount" in name] == []


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_exchange__killed_fifty_times__loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    chance = random.Random(20)
    witness = Witness()
    for kill in range(KILLS):
        witness.hear(run_and_kill(tmp_path, kill + 1, chance.uniform(0.01, 0.4)))

    chain, house = open_house(tmp_path, FakeClock())
    settled: list[int] = []
    house.core.subscribe(
        lambda published: settled.extend(
            event.trade_id for event in published.events if isinstance(event, TradeSettled)
        )
    )
    witness.check_receipts()
    assert len(witness.receipts) > 10 * KILLS
    assert len(witness.trades) > KILLS
    assert max(witness.receipts) < house.core.machine.next_number
    assert max(witness.trades) < house.core.machine.settling.next_trade
    again = open_house(tmp_path, FakeClock())[1]
    assert dump(again.core.machine) == dump(house.core.machine), "replay equals storage"
    check_repeats(house, witness)

    settle_all(chain, house)
    check_chain(chain, house)
    assert len(settled) == len(set(settled))
    lots = Counter(house.core.state.filled_lots)
    for maker, taker, amount in witness.trades.values():
        for signed in map(witness.receipts.get, (maker, taker)):
            if signed is not None:  # else the process died between the order and its line
                lots[signed.receipt.order_hash] -= amount
    assert min(lots.values()) >= 0, "a trade that was told is not on the chain"
    house.close()


def check_repeats(house: ExchangeHouse, witness: Witness) -> None:
    """Every order still in the log has the receipt that was given out, to the byte."""
    core = house.core
    first = core._journal._wal.first_index
    known = {signed.receipt.order_hash: signed for signed in witness.receipts.values()}
    found = 0
    for group in core._journal.replay(first):
        for record in group.records:
            if isinstance(record, OrderTaken) and record.digest in known:
                name = (record.owner, record.place.client_id)
                taken = core.machine.registry.names[name]  # type: ignore[index] # bytes of the log
                assert core.signer.sign(taken.receipt) == known[Hash32(record.digest)]
                found += 1
    assert found
