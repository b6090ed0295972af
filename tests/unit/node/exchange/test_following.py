"""Settler and follower on a chain that misbehaves in every way a chain can."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey

from optimistic.node.api.history import History
from optimistic.node.exchange.answers import Ack
from optimistic.node.exchange.batch_results import UnexpectedSettlement
from optimistic.node.exchange.commands import Trigger
from optimistic.node.exchange.events import (
    OrderDone,
    OrderTriggered,
    Published,
    TradeBusted,
    TradeSettled,
    TradeUndone,
)
from optimistic.node.exchange.exchange import Around
from optimistic.node.exchange.house import ExchangeHouse, ExchangeKeys
from optimistic.node.exchange.image import dump
from optimistic.node.exchange.options import ExchangeOptions, SettlementOptions
from optimistic.node.exchange.ports import ChainBlock, ChainHeads, ChainLog, TxResult
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.protocol.constants import CLEARING, LEDGER, MARKETS
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.matching.types import Reason, TriggerSource, TriggerWhen
from optimistic.protocol.settlement.types import VAULT, MarketStatus
from optimistic.protocol.types import Hash32
from optimistic.service.clock import FakeClock
from optimistic.service.signer import Signer
from tests.helpers.exchange_world import CHAIN_ID, MARKET, PRICE_TICKS, RECEIPT_KEY, Trader
from tests.helpers.fake_chain import SETTLEMENT_KEY, FakeChain, event_log

OPTIONS = ExchangeOptions(
    settlement=SettlementOptions(max_trades=8, max_age_ms=0, resend_ms=0, max_in_flight=2)
)


class MovableChain(FakeChain):
    """A chain whose blocks can be taken away, whose transactions can fail, and which may be out."""

    is_out = False
    fails_from = 1 << 30
    """Batches of so many bytes do nothing."""
    posted = 0

    def submit(self, raw: bytes) -> None:
        if self.is_out:
            raise TemporaryError("not now")
        super().submit(raw)

    def heads(self) -> ChainHeads:
        return ChainHeads(unsafe=len(self.mined), posted=self.posted, final=0)

    def _execute(self, raw: bytes) -> tuple[ChainLog, ...]:
        if len(raw) < self.fails_from:
            return super()._execute(raw)
        self._nonce += 1
        self._results[keccak256(raw)] = TxResult(
            block=len(self.mined) + 1, succeeded=False, gas_used=1, logs=()
        )
        return ()

    def add_block(self, *logs: ChainLog) -> None:
        self._append(logs)

    def rewind(self, to: int) -> None:
        """Take away the blocks above `to` with what they did; their transactions wait again."""
        raws = [raw for _, raw in self._wal.replay()][to - 1 :]
        kept = self.mined[:to]
        fresh = FakeChain(self.folder.parent / f"fresh{len(self.mined)}")
        for raw in [raw for _, raw in self._wal.replay()][: to - 1]:
            fresh._append(fresh._execute(raw) if raw else ())
        self.state, self._nonce, self._results = fresh.state, fresh._nonce, fresh._results
        self.mined = kept
        for raw in raws:
            if raw:
                self.submit(raw)
        self._append((ChainLog(LEDGER, (keccak256(b"Other()"),), b"", keccak256(b"another block")),))


class SetBackClock(FakeClock):
    """Can be set back; the time that has passed cannot."""

    behind_ms = 0

    def time_ms(self) -> int:
        return super().time_ms() - self.behind_ms


class Stage:
    def __init__(self, folder: Path, options: ExchangeOptions = OPTIONS) -> None:
        self.folder = folder
        self.options = options
        self.clock = SetBackClock()
        self.chain = MovableChain(folder / "chain")
        self.events: list[Any] = []
        self.house = self.open()
        self.house.turn()

    def open(self) -> ExchangeHouse:
        keys = ExchangeKeys(receipts=ReceiptSigner(RECEIPT_KEY, CHAIN_ID), settlement=Signer(SETTLEMENT_KEY))
        house = ExchangeHouse(
            self.folder / "exchange", self.chain, keys, self.options, Around(clock=self.clock)
        )
        house.core.subscribe(lambda published: self.events.extend(published.events))
        return house

    def trade(self, count: int) -> None:
        alice, bob = self.chain.traders[:2]
        for _ in range(count):
            self.house.core.submit([alice.place(-2, PRICE_TICKS), bob.place(2, PRICE_TICKS)])

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.house.turn()
            self.chain.mine()
            self.house.turn()
            self.clock.advance(0.1)

    def accept(self, *commands: Any) -> list[Ack]:
        answers = self.house.core.submit(commands)
        return [answer for answer in answers if isinstance(answer, Ack)]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def lots(self) -> int:
        legs = self.chain.state.subaccounts[self.chain.traders[1].subaccount].legs  # type: ignore[index]
        return legs[MARKET].size_wad // 10**15 if MARKET in legs else 0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.house.close()


def test_settler__many_trades__bounded_batches_a_few_at_a_time(stage: Stage) -> None:
    stage.trade(30)
    for _ in range(5):
        stage.house.settler.step()

    batches = stage.house.core.machine.settling.in_flight()
    assert [len(batch.trades) for batch in batches] == [8, 8]
    assert [batch.nonce for batch in batches] == [0, 1]
    stage.turn(8)
    assert stage.lots() == 60
    assert len(stage.of(TradeSettled)) == 30


def test_settler__node_that_is_out__gets_the_same_transaction_later(stage: Stage) -> None:
    stage.chain.is_out = True
    stage.trade(3)
    stage.turn(3)
    [batch] = stage.house.core.machine.settling.in_flight()

    stage.chain.is_out = False
    stage.turn(2)

    assert stage.chain.result(batch.tx_hash) is not None
    assert stage.lots() == 6


def test_settler__clock_set_back__trades_do_not_wait_for_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ExchangeOptions(settlement=SettlementOptions(max_age_ms=150, resend_ms=300)))
    stage.chain.is_out = True
    stage.trade(1)
    stage.turn(3)
    assert len(stage.house.core.machine.settling.in_flight()) == 1
    stage.trade(1)
    stage.clock.behind_ms = 3_600_000
    stage.chain.is_out = False
    stage.turn(8)
    stage.house.close()

    assert stage.lots() == 4


def test_settler__transactions_that_do_nothing__are_halved_and_the_last_trade_is_busted(
    stage: Stage,
) -> None:
    stage.chain.fails_from = 1_000
    stage.trade(8)
    stage.turn(20)
    assert stage.lots() == 16
    assert len(stage.of(TradeSettled)) == 8

    stage.chain.fails_from = 1
    stage.trade(2)
    stage.turn(8)
    assert [event.reason for event in stage.of(TradeBusted)] == ["REVERTED"] * 2
    assert not any(
        exposure.unsettled_lots
        for markets in stage.house.core.machine.exposures.by_subaccount.values()
        for exposure in markets.values()
    )


def test_settler__block_of_a_failed_batch_is_lost__later_batches_do_not_wait_for_its_nonce(
    stage: Stage,
) -> None:
    stage.chain.fails_from = 1_000
    stage.trade(8)
    stage.turn()
    failed = [batch for batch in stage.house.core.machine.settling.batches.values() if not batch.trades]
    assert [batch.nonce for batch in failed] == [0]

    stage.chain.fails_from = 1 << 30
    stage.chain.rewind(1)
    stage.chain._waiting.clear()
    stage.turn(10)

    assert stage.lots() == 16
    assert stage.house.core.machine.settling.n_unsettled == 0
    assert sorted({event.trade_id for event in stage.of(TradeSettled)}) == list(range(1, 9))
    assert stage.of(TradeBusted) == []
    stage.chain.posted = len(stage.chain.mined)
    stage.turn()
    assert stage.house.core.machine.settling.batches == {}


def test_attack__nonce_used_by_another_transaction__trades_go_out_under_the_next_one(stage: Stage) -> None:
    stage.chain.is_out = True
    stage.trade(2)
    stage.house.turn()
    stage.chain._nonce = 1
    stage.chain.is_out = False
    stage.chain.mine()

    stage.turn(4)

    assert stage.lots() == 4
    assert sorted(event.trade_id for event in stage.of(TradeSettled)) == [1, 2]


def test_follower__block_between_two_looks__is_not_a_nonce_taken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.trade(1)
    stage.house.settler.step()
    stage.chain.add_block()
    look = stage.chain.next_nonce

    def look_late() -> int:
        monkeypatch.undo()
        stage.chain.mine()
        return look()

    monkeypatch.setattr(stage.chain, "next_nonce", look_late)
    stage.house.follower.step()
    stage.turn(6)

    assert stage.of(TradeBusted) == []
    assert [event.trade_id for event in stage.of(TradeSettled)] == [1]
    assert stage.lots() == 2


def test_follower__blocks_replaced__trades_settle_again_and_once(stage: Stage) -> None:
    stage.trade(3)
    stage.turn(3)
    assert stage.house.core.machine.settling.n_unsettled == 0
    positions = dict(stage.house.core.machine.desk(MARKET).engine.positions)

    stage.chain.rewind(1)
    stage.house.follower.step()
    assert stage.house.core.machine.settling.n_unsettled == 3
    assert stage.house.core.machine.desk(MARKET).engine.positions == positions
    stage.turn(3)

    assert stage.lots() == 6
    assert stage.house.core.machine.settling.n_unsettled == 0
    assert stage.house.core.state.filled_lots == stage.chain.state.filled_lots


def test_follower__blocks_replaced__an_outcome_that_is_gone_is_told(stage: Stage) -> None:
    stage.trade(1)
    stage.turn(3)
    stage.chain.rewind(1)
    stage.house.follower.step()

    alice, bob = stage.chain.traders[:2]
    assert stage.of(TradeUndone) == [TradeUndone(1, MARKET, maker=alice.owner, taker=bob.owner)]
    history = History(1_000, 0)
    history.add(Published(0, 0, tuple(stage.events)))
    assert history.outcome(1) is None

    stage.turn(3)
    history.add(Published(1, 0, tuple(stage.events)))
    assert history.outcome(1) == stage.of(TradeSettled)[-1]


def test_follower__blocks_replaced_while_it_was_away__notices_at_its_start(stage: Stage) -> None:
    stage.trade(3)
    stage.turn(3)
    stage.house.close()
    stage.chain.rewind(1)

    stage.house = stage.open()
    stage.turn(4)

    assert stage.lots() == 6
    assert stage.house.core.machine.settling.n_unsettled == 0


def test_follower__lost_block_halted_a_market__takes_orders_again(stage: Stage) -> None:
    stage.turn(2)
    height = len(stage.chain.mined)
    stage.chain.add_block(event_log(MARKETS, "StatusChanged(uint32,uint8)", [MARKET], MarketStatus.HALTED))
    stage.house.turn()
    [refused] = stage.house.core.submit([stage.chain.traders[0].place(1, PRICE_TICKS)])
    assert not isinstance(refused, Ack)

    stage.chain.rewind(height)
    stage.turn(2)

    [ack] = stage.accept(stage.chain.traders[0].place(1, PRICE_TICKS))
    assert ack.refused_by_book is None
    assert stage.house.core.machine.desk(MARKET).status is MarketStatus.OPEN


def test_follower__lost_block_took_a_position__it_is_back(stage: Stage) -> None:
    stage.trade(1)
    stage.turn(2)
    stage.chain.posted = height = len(stage.chain.mined)
    engine, bob = stage.house.core.machine.desk(MARKET).engine, stage.chain.traders[1].subaccount
    liquidated = "PositionChanged(uint64,uint32,int256,int256)"
    stage.chain.add_block(event_log(LEDGER, liquidated, [bob, MARKET], 0, 0))
    stage.house.turn()
    assert engine.positions[bob] == 0

    stage.chain.rewind(height)
    stage.turn(2)

    assert engine.positions[bob] == 2


def test_follower__subaccount_of_a_lost_block__its_orders_end_and_its_trades_are_tried(
    stage: Stage,
) -> None:
    stage.turn(2)
    height = len(stage.chain.mined)
    carol, alice = Trader(PrivateKey((77).to_bytes(32, "big")), 9_999), stage.chain.traders[0]
    stage.chain.add_block(
        event_log(LEDGER, "SubaccountOpened(uint64,address,uint8)", [carol.subaccount, carol.owner], 0),
        event_log(LEDGER, "CashMoved(uint64,uint64,int256,uint8)", [VAULT, carol.subaccount], 10**23, 0),
    )
    stage.house.turn()
    [rest, *_] = stage.accept(
        carol.place(1, PRICE_TICKS - 9), carol.place(2, PRICE_TICKS), alice.place(-2, PRICE_TICKS)
    )

    stage.chain.rewind(height)
    stage.turn(4)

    ends = {event.order_id: event.reason for event in stage.of(OrderDone)}
    assert ends[rest.order_id] is Reason.BUSTED
    assert len(stage.of(TradeBusted)) == 1
    assert stage.house.core.machine.settling.n_unsettled == 0
    assert not any(stage.house.core.machine.desk(MARKET).engine.positions.values())


def test_follower__market_of_a_lost_block__its_orders_end_and_it_may_come_back(stage: Stage) -> None:
    stage.turn(2)
    height, number = len(stage.chain.mined), 77
    alice, bob = stage.chain.traders[:2]
    listed = [
        ChainLog(item.address, (item.topics[0], Hash32(number.to_bytes(32, "big"))), item.data, item.tx_hash)
        for item in stage.chain.mined[0].logs
        if item.address == MARKETS and item.topics[1][-1] == MARKET
    ]
    stage.chain.add_block(*listed)
    stage.house.turn()
    [rest, *_] = stage.accept(
        alice.place(1, PRICE_TICKS - 9, market=number),
        alice.place(2, PRICE_TICKS, market=number),
        bob.place(-2, PRICE_TICKS, market=number),
    )

    stage.chain.rewind(height)
    while stage.house.follower.step():
        pass

    ends = {event.order_id: event.reason for event in stage.of(OrderDone)}
    assert ends[rest.order_id] is Reason.MARKET_HALTED
    account = stage.house.service.account(alice.subaccount)
    assert account is not None
    assert account.positions == ()
    assert stage.accept(alice.place(1, PRICE_TICKS - 9))

    stage.chain.add_block(*listed)
    stage.turn(2)
    assert stage.accept(alice.place(1, PRICE_TICKS - 9, market=number))[0].refused_by_book is None


def test_follower__subaccount_opened_again__keeps_its_orders(stage: Stage) -> None:
    stage.turn(2)
    assert stage.chain.posted == 0
    [rest] = stage.accept(stage.chain.traders[0].place(1, PRICE_TICKS - 9))

    stage.chain.rewind(2)
    stage.turn(2)

    assert list(stage.house.core.machine.registry.orders) == [rest.order_id]


def test_follower__money_that_comes_again__goes_on_covering_orders(stage: Stage) -> None:
    stage.turn(2)
    carol = Trader(PrivateKey((77).to_bytes(32, "big")), 9_999)
    paid = event_log(LEDGER, "CashMoved(uint64,uint64,int256,uint8)", [VAULT, carol.subaccount], 10**23, 0)
    stage.chain.add_block(
        event_log(LEDGER, "SubaccountOpened(uint64,address,uint8)", [carol.subaccount, carol.owner], 0)
    )
    stage.chain.posted = height = len(stage.chain.mined)
    stage.chain.add_block(paid)
    stage.house.turn()
    [rest] = stage.accept(carol.place(1, PRICE_TICKS - 9))

    stage.chain.rewind(height)
    stage.chain.add_block(paid)
    stage.turn(2)
    assert list(stage.house.core.machine.registry.orders) == [rest.order_id]

    stage.chain.rewind(height)
    stage.turn(2)
    assert [event.reason for event in stage.of(OrderDone)] == [Reason.RISK]


def test_attack__chain_that_says_something_else__stops_the_exchange(stage: Stage) -> None:
    stage.trade(1)
    stage.house.turn()
    stage.chain.mine()
    [batch] = stage.house.core.machine.settling.in_flight()
    result = stage.chain._results[batch.tx_hash]
    filled = result.logs[0]
    wrong = ChainLog(filled.address, filled.topics, bytes(32) + filled.data[32:], filled.tx_hash)
    stage.chain._results[batch.tx_hash] = TxResult(
        block=result.block, succeeded=True, gas_used=1, logs=(wrong, *result.logs[1:])
    )

    with pytest.raises(UnexpectedSettlement, match="trade 1"):
        stage.house.turn()


def test_follower__floors_statuses_and_liquidations__reach_the_orders(stage: Stage) -> None:
    stage.trade(2)
    stage.turn(2)
    alice, bob = stage.chain.traders[:2]
    first, second = stage.accept(alice.place(1, PRICE_TICKS - 9), bob.place(1, PRICE_TICKS - 9))

    stage.chain.add_block(
        event_log(CLEARING, "NonceFloorRaised(address,uint64)", [alice.owner], alice.nonce + 1),
        event_log(
            LEDGER, "PositionChanged(uint64,uint32,int256,int256)", [bob.subaccount, MARKET], 10**15, 10**20
        ),
    )
    stage.house.turn()
    assert [(event.order_id, event.reason) for event in stage.of(OrderDone)][-1] == (
        first.order_id,
        Reason.NONCE_FLOOR,
    )
    assert stage.house.core.machine.desk(MARKET).engine.positions[bob.subaccount] == 1

    halt = event_log(MARKETS, "StatusChanged(uint32,uint8)", [MARKET], MarketStatus.REDUCE_ONLY)
    stage.chain.add_block(halt)
    stage.house.turn()
    assert stage.of(OrderDone)[-1].order_id == second.order_id


def test_follower__session_key_that_may_do_less__ends_its_owners_orders(stage: Stage) -> None:
    alice = stage.chain.traders[0]
    event = "SessionKeySet(address,address,uint64,uint64,uint8)"
    stage.chain.add_block(event_log(CLEARING, event, [alice.owner, bytes(20)], 10**10, 0, 1))
    stage.house.turn()
    stage.house.core.submit([alice.place(1, PRICE_TICKS - 9)])

    stage.chain.add_block(event_log(CLEARING, event, [alice.owner, bytes(20)], 10**10, 0, 0))
    stage.house.turn()

    assert [event.reason for event in stage.of(OrderDone)] == [Reason.MASS_CANCELLED]


def test_follower__new_mark__wakes_stops(stage: Stage) -> None:
    trigger = Trigger(source=TriggerSource.INDEX, when=TriggerWhen.AT_OR_ABOVE, ticks=PRICE_TICKS + 50)
    stage.house.core.submit([stage.chain.traders[0].place(1, PRICE_TICKS + 60, trigger=trigger)])
    market = stage.house.core.state.markets[MARKET]
    price = market.mark_wad

    stage.house.follower._apply = lambda block: _raise_index(stage, block)  # type: ignore[method-assign]
    stage.chain.add_block()
    stage.house.turn()

    assert stage.of(OrderTriggered)
    assert market.index_price_wad > price


def _raise_index(stage: Stage, block: ChainBlock) -> None:
    del block
    stage.house.core.state.markets[MARKET].index_price_wad += 10**18


def test_subaccounts__opened_and_lost_again__are_those_of_the_chain(stage: Stage) -> None:
    stage.turn(2)
    alice, service, height = stage.chain.traders[0], stage.house.service, len(stage.chain.mined)
    assert service.subaccounts(alice.owner) == [alice.subaccount]

    opened = "SubaccountOpened(uint64,address,uint8)"
    stage.chain.add_block(event_log(LEDGER, opened, [9_999, alice.owner], 0))
    stage.house.turn()
    assert service.subaccounts(alice.owner) == [alice.subaccount, 9_999]

    stage.chain.rewind(height)
    stage.turn(2)
    assert service.subaccounts(alice.owner) == [alice.subaccount]


def test_auditor__while_it_looks__orders_are_taken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    bid = stage.chain.traders[0].place(1, PRICE_TICKS - 9)
    in_time: list[bool] = []

    def look(*_: object) -> None:
        trade = threading.Thread(target=stage.accept, args=(bid,))
        trade.start()
        trade.join(5)
        in_time.append(not trade.is_alive())

    monkeypatch.setattr(stage.house.follower._auditor, "look", look)
    stage.chain.add_block()
    stage.house.follower.step()

    assert in_time == [True]


def test_heads__posted__forgets_batches_and_is_told(stage: Stage) -> None:
    stage.trade(1)
    stage.turn(2)
    assert stage.house.core.machine.settling.batches

    stage.chain.posted = len(stage.chain.mined)
    stage.house.turn()

    assert not stage.house.core.machine.settling.batches
    assert stage.house.core.machine.chain.posted == stage.chain.posted


def test_threads__orders_from_many_while_the_chain_moves__one_order_of_things(stage: Stage) -> None:
    commands = [
        [trader.place(sign * 2, PRICE_TICKS + n % 3) for n in range(60)]
        for trader, sign in zip(stage.chain.traders, (1, -1, 1, -1), strict=True)
    ]
    answers: list[Any] = []

    def trade(own: list[Any]) -> None:
        for place in own:
            answers.extend(stage.house.core.submit([place]))

    threads = [threading.Thread(target=trade, args=(own,)) for own in commands]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        stage.turn()
    stage.turn(60)

    acks = sorted((answer for answer in answers if isinstance(answer, Ack)), key=lambda ack: ack.seq)
    assert len(acks) == 240
    receipts = [ack.receipt.receipt for ack in acks if ack.receipt is not None]
    assert all(later.prev == earlier.hash for earlier, later in pairwise(receipts))
    assert stage.house.core.machine.settling.n_unsettled == 0
    assert stage.house.core.state.filled_lots == stage.chain.state.filled_lots
    assert dump(stage.open().core.machine) == dump(stage.house.core.machine)


def test_options__nonsense__names_all_problems() -> None:
    options = ExchangeOptions(nonce_window=0, settlement=replace(SettlementOptions(), max_trades=0))
    with pytest.raises(Exception, match=r"nonce_window .*settlement\.max_trades"):
        options.check()
