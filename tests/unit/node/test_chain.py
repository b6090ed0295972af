from dataclasses import replace
from pathlib import Path

import pytest

from optimistic.node.chain import ChainChange
from optimistic.node.replay import Diverged, repeat_batch
from optimistic.protocol.batch import TX_PREFIX_BYTES
from optimistic.protocol.types import Address
from tests.helpers.l2_wallet import Wallet
from tests.helpers.offline_node import L1_TIME_S, OfflineNode, fund_deposit

BOB = Address(b"\xb0" * 20)


@pytest.fixture
def alice(node: OfflineNode) -> Wallet:
    """Alice, whose two transfers are in blocks 2 and 3; block 1 funded her."""
    wallet = Wallet(1)
    node.fund(wallet.address)
    for value in (1, 2):
        node.gateway.submit(wallet.transfer(BOB, value))
        node.produce()
    return wallet


def test_repeat_batch__own_blocks__same_leaves_as_executing(node: OfflineNode, alice: Wallet) -> None:
    batch = node.batch_of(1, 3)

    repeated = repeat_batch(batch, node.store.executed_blocks(1, 3))
    executed, _ = node.execute(batch)

    assert repeated.leaves == executed.leaves
    assert [item.block for item in repeated.blocks] == [item.block for item in executed.blocks]
    assert repeated.end.unit == executed.end.unit
    assert repeated.end.unit.state_root == node.chain.head.state_root


@pytest.mark.parametrize(
    "changes",
    [{"l1_timestamp": L1_TIME_S}, {"l1_timestamp": L1_TIME_S + 5_000}, {"deposit_end": 2}],
    ids=["clamped down", "clamped up", "one more deposit"],
)
def test_repeat_batch__other_than_sequenced__diverges(
    node: OfflineNode, alice: Wallet, changes: dict[str, int]
) -> None:
    node.see_l1(fund_deposit(BOB))

    with pytest.raises(Diverged):
        repeat_batch(node.batch_of(1, 3, **changes), node.store.executed_blocks(1, 3))


def test_repeat_batch__no_budget_for_a_transaction__diverges(node: OfflineNode, alice: Wallet) -> None:
    node.gateway.submit(alice.call(BOB, gas=60_000))
    node.produce()

    with pytest.raises(Diverged):
        repeat_batch(node.batch_of(1, 4, gas_budget=38_999), node.store.executed_blocks(1, 4))
    repeat_batch(node.batch_of(1, 4, gas_budget=39_000), node.store.executed_blocks(1, 4))


def test_repeat_batch__batch_ends_inside_a_block__diverges(node: OfflineNode, alice: Wallet) -> None:
    for value in (3, 4):
        node.gateway.submit(alice.transfer(BOB, value))
    node.produce()
    whole = node.batch_of(1, 4)
    last = len(node.store.transactions(4)[-1].raw) + TX_PREFIX_BYTES
    data = whole.data[:-last]

    with pytest.raises(Diverged):
        repeat_batch(
            replace(whole, data=data, record=replace(whole.record, data_len=len(data))),
            node.store.executed_blocks(1, 4),
        )


def test_adopt__equal_blocks__safe_head_moves_and_nothing_else(node: OfflineNode, alice: Wallet) -> None:
    changes: list[ChainChange] = []
    node.chain.on_change(changes.append)
    batch = node.batch_of(1, 2)

    node.adopt(batch, repeat_batch(batch, node.store.executed_blocks(1, 3)), None)

    heads = node.store.heads()
    assert (heads.unsafe.number, heads.safe.number) == (3, 2)
    assert changes == []
    assert node.chain.derived_state().unit.number == 2


def test_adopt__clamped_timestamp__replaces_blocks_and_requeues_later_ones(
    node: OfflineNode, alice: Wallet
) -> None:
    changes: list[ChainChange] = []
    node.chain.on_change(changes.append)
    before = node.store.block_by_number(2)
    batch = node.batch_of(1, 2, l1_timestamp=L1_TIME_S)
    derived, engine = node.execute(batch)

    node.adopt(batch, derived, engine)

    heads = node.store.heads()
    assert before is not None
    assert (heads.unsafe.number, heads.safe.number) == (2, 2)
    assert heads.safe.hash != before.hash
    assert [change.reorged for change in changes] == [True]
    assert len(node.store.requeued()) == 1
    assert node.produce().n_transactions == 1
    assert node.balance(BOB) == 3


def test_adopt__more_blocks_than_local__extends_as_a_replica(tmp_path: Path, node: OfflineNode) -> None:
    alice = Wallet(1)
    node.fund(alice.address)
    node.gateway.submit(alice.transfer(BOB, 1))
    node.produce()
    batch = node.batch_of(1, 2)
    replica = OfflineNode(tmp_path / "replica", requeue=False)
    replica.see_l1(fund_deposit(alice.address))
    derived, engine = replica.execute(batch)

    replica.adopt(batch, derived, engine)

    assert replica.store.heads().safe == node.store.heads().unsafe
    assert replica.balance(BOB) == 1
    replica.close()


def test_rewind_l1__deposit_gone__sequencer_drops_its_block_and_requeues(
    node: OfflineNode, alice: Wallet
) -> None:
    node.see_l1(fund_deposit(BOB))
    number = node.produce().number
    node.gateway.submit(alice.transfer(BOB, 4))
    node.produce()

    node.chain.rewind_l1(1)

    assert node.chain.head.number == number - 1
    assert len(node.store.requeued()) == 1
    node.produce()
    assert node.balance(BOB) == 7


def test_rewind_l1__batch_gone__sequencer_keeps_blocks_and_a_replica_does_not(
    tmp_path: Path, node: OfflineNode, alice: Wallet
) -> None:
    replica = OfflineNode(tmp_path / "replica", requeue=False)
    replica.see_l1(fund_deposit(alice.address))
    batch = node.batch_of(1, 3)
    for follower in (node, replica):
        derived, engine = follower.execute(batch)
        follower.adopt(batch, derived, engine)

    node.chain.rewind_l1(99)
    replica.chain.rewind_l1(99)

    assert (node.chain.head.number, node.store.heads().safe.number) == (3, 0)
    assert replica.chain.head.number == 0
    assert replica.store.requeued() == []
    replica.close()


def test_restart__after_kill__same_head_and_pool(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path / "a")
    alice = Wallet(1)
    node.fund(alice.address)
    node.gateway.submit(alice.transfer(BOB, 1))
    node.produce()
    waiting = alice.transfer(BOB, 2)
    node.gateway.submit(waiting)
    head = node.chain.head

    again = OfflineNode(tmp_path / "a", nodes=node.nodes)

    assert again.chain.head == head
    assert [pooled.tx.raw for pooled in again.mempool.waiting()] == [waiting]
    assert again.produce().n_transactions == 1
    node.close()
    again.close()


def test_restart__killed_between_nodes_and_block__block_is_produced_again(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path)
    alice = Wallet(1)
    node.fund(alice.address)
    node.gateway.submit(alice.transfer(BOB, 1))
    with node.chain.lock:
        builder = node.chain.begin_block(node.clock.time_s())
        [pooled] = node.mempool.waiting()
        assert builder.add_transaction(pooled.tx.raw, 0) is None
        node.chain._engine.flush()

    again = OfflineNode(tmp_path, nodes=node.nodes)

    assert again.chain.head.number == 1
    assert again.produce().n_transactions == 1
    node.close()
    again.close()
