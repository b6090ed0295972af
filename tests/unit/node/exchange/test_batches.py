"""What is put into one batch, and that Clearing's twin reads back what was matched."""

from pathlib import Path

import pytest

from optimistic.node.exchange.batches import draft
from optimistic.node.exchange.options import SettlementOptions
from optimistic.protocol.settlement.batch_codec import Batch, decode
from optimistic.protocol.settlement.types import Position, SubaccountId
from tests.helpers.exchange_world import OTHER_MARKET, PRICE_TICKS, ExchangeWorld

OPTIONS = SettlementOptions()


def drafted(
    world: ExchangeWorld, limit: int = 200, options: SettlementOptions = OPTIONS
) -> tuple[int, Batch]:
    chosen = draft(world.exchange.machine.settling.waiting, world.state, options, limit)
    return len(chosen.trades), decode(chosen.payload)


def test_batch__an_order_that_trades_often__is_in_it_once(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.do(alice.place(-9, PRICE_TICKS))
    for _ in range(3):
        world.do(bob.place(3, PRICE_TICKS))

    count, batch = drafted(world)

    assert count == 3
    assert [item.order.lots for item in batch.orders] == [9, 3, 3, 3]
    assert [(fill.maker, fill.taker, fill.lots) for fill in batch.fills] == [(0, 1, 3), (0, 2, 3), (0, 3, 3)]


def test_batch__quotes__show_only_what_traded_under_one_signature(world: ExchangeWorld) -> None:
    alice, bob = world.traders[:2]
    world.do(alice.quotes([(-2, PRICE_TICKS + n) for n in range(8)]))
    world.do(bob.place(5, PRICE_TICKS + 2))

    count, batch = drafted(world)

    assert count == 3
    [quotes] = batch.quotes
    assert [(leaf.index, leaf.ticks) for leaf in quotes.leaves] == [(n, PRICE_TICKS + n) for n in range(3)]
    assert [(fill.maker, fill.taker, fill.lots) for fill in batch.fills] == [(0, 3, 2), (1, 3, 2), (2, 3, 1)]


def test_batch__other_markets_of_its_traders__are_named_so_that_their_marks_are_fresh(
    world: ExchangeWorld,
) -> None:
    alice, bob = world.traders[:2]
    account = world.state.subaccounts[SubaccountId(alice.subaccount)]
    account.legs[OTHER_MARKET] = Position(10**15, 10**20)
    world.do(alice.place(-1, PRICE_TICKS), bob.place(1, PRICE_TICKS))

    assert drafted(world)[1].extra_markets == (OTHER_MARKET,)


@pytest.mark.parametrize(
    "options",
    [
        SettlementOptions(max_bytes=2_000),
        SettlementOptions(max_estimate_gas=1_000_000),
        SettlementOptions(max_estimate_gas=1),
    ],
)
def test_batch__bounds__cut_it_but_never_to_nothing(tmp_path: Path, options: SettlementOptions) -> None:
    world = ExchangeWorld(tmp_path)
    alice, bob = world.traders[:2]
    for _ in range(40):
        world.do(alice.place(-1, PRICE_TICKS), bob.place(1, PRICE_TICKS))

    chosen = draft(world.exchange.machine.settling.waiting, world.state, options, 200)

    assert 0 < len(chosen.trades) < 40
    assert len(chosen.payload) <= options.max_bytes
    assert len(drafted(world, limit=7)[1].fills) == 7


def test_batch__of_many_subaccounts__keeps_to_its_tables(tmp_path: Path) -> None:
    world = ExchangeWorld(tmp_path, n_traders=300)
    maker, *takers = world.traders
    world.do(maker.place(-1_000, PRICE_TICKS))
    for taker in takers:
        world.do(taker.place(1, PRICE_TICKS))
    options = SettlementOptions(max_estimate_gas=1 << 40, max_bytes=100_000)

    count, batch = drafted(world, limit=1_000, options=options)

    assert count == 254
    assert len({item.order.subaccount for item in batch.orders}) == 255
