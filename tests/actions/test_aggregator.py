"""Stories of the aggregator and the replica on the in-process L1: real contracts, no threads, no sleeping."""

import pytest

from optimistic.node.batcher import BatcherOptions
from optimistic.node.node import Node
from optimistic.node.sequencer import SequencerOptions
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_events import DepositEnqueued
from tests.helpers.l2_wallet import Wallet
from tests.helpers.node_world import NodeWorld
from tests.helpers.watchtower_stage import ETHER, wrong_gas

BOB = Address(b"\xb0" * 20)


def confirmed_batches(node: Node) -> int:
    newest = node.store.latest_confirmed_assertion()
    return 0 if newest is None else newest.to_batch


def post_one_batch(world: NodeWorld) -> Wallet:
    """Post a batch with a transfer of the wallet, but no assertion, and end the aggregator."""
    node = world.aggregator(asserts=False)
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 1))
    world.turn(node)
    world.until_safe(node)
    node.close()
    return alice


def test_aggregator__deposit_transfer_batch_assertion__all_confirmed_and_replicated(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 7))
    world.turn(node)
    world.until_safe(node)

    world.turn(node, times=4)
    world.l1.advance_time(world.params.challenge_period_s + 1)
    world.turn(node, times=6)
    replica = world.replica()
    world.catch_up(replica)

    assert confirmed_batches(node) >= 1
    assert replica.store.heads().safe == node.store.heads().safe
    assert replica.store.heads().unsafe == replica.store.heads().safe
    assert world.balance(replica, BOB) == 7
    assert confirmed_batches(replica) == confirmed_batches(node)


def test_replica__receipts_and_logs__equal_the_aggregators(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    # PUSH1 1 PUSH1 0 MSTORE, LOG1 with topic 0x2a over 32 bytes.
    node.gateway.submit(alice.deploy(bytes.fromhex("6001600052602a60206000a1")))
    node.gateway.submit(alice.transfer(BOB))
    world.turn(node)
    world.until_safe(node)
    replica = world.replica()
    world.catch_up(replica)

    last = node.store.heads().safe.number
    for number in range(1, last + 1):
        assert replica.store.receipts(number) == node.store.receipts(number)
        assert replica.store.transactions(number) == node.store.transactions(number)
    assert sum(len(receipt.logs) for n in range(1, last + 1) for receipt in node.store.receipts(n)) == 1


def test_aggregator__many_transactions__split_over_batches_without_loss(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    raws = [alice.call(BOB, bytes([7]) * 30_000, gas=600_000) for _ in range(10)]
    for raw in raws:
        node.gateway.submit(raw)
    world.turn(node, times=6)
    world.until_safe(node)

    posted = [len(node.store.batch_data(index) or b"") for index in range(node.store.batch_count())]
    assert world.balance(node, alice.address) < ETHER
    assert len(node.gateway.mempool) == 0
    assert max(posted) <= 119_000
    assert sum(posted) >= 300_000


def test_aggregator__gas_beyond_the_bucket__waits_for_its_refill(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    spinner = bytes.fromhex("5b600056")
    for _ in range(4):
        node.gateway.submit(alice.deploy(spinner, gas=8_000_000))
    world.turn(node, times=3)
    world.until_safe(node, limit=80)

    budgets = [
        batch.record.gas_budget
        for index in range(node.store.batch_count())
        if (batch := node.store.batch(index)) is not None
    ]
    assert sum(budgets) >= 4 * 7_900_000
    assert len([budget for budget in budgets if budget]) >= 2


def test_aggregator__restart_at_any_time__goes_on_where_it_was(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    sent = []
    for value in range(1, 9):
        raw = alice.transfer(BOB, value)
        sent.append(raw)
        node.gateway.submit(raw)
        if value % 2:
            world.turn(node)
        head = node.chain.head
        waiting = [pooled.tx.raw for pooled in node.gateway.waiting()]
        node.close()
        node = world.aggregator()
        assert node.chain.head == head
        assert [pooled.tx.raw for pooled in node.gateway.waiting()] == waiting
    world.turn(node)
    world.until_safe(node)

    assert world.balance(node, BOB) == sum(range(1, 9))


def test_force_batch__censoring_sequencer__blocks_are_replaced_and_transactions_kept(
    world: NodeWorld,
) -> None:
    node = world.aggregator(sequencer=SequencerOptions(deposit_confirmations=1_000))
    world.deposit(BOB, 5)
    world.turn(node, times=3)
    before = node.chain.head
    assert world.balance(node, BOB) == 0

    world.l1.advance_time(world.params.force_delay_s + 1)
    world.alice.send(world.inbox.force_batch_call())
    world.turn(node, times=2)

    assert world.balance(node, BOB) == 5
    replaced = node.store.block_by_number(before.number)
    assert replaced is None or replaced.hash != before.hash
    world.turn(node, times=3)
    world.until_safe(node)
    replica = world.replica()
    world.catch_up(replica)
    assert replica.store.heads().safe == node.store.heads().safe


def test_force_batch__between_own_blocks__transfers_run_again_on_top(world: NodeWorld) -> None:
    node = world.aggregator(batcher=BatcherOptions(max_delay_s=500, max_empty_delay_s=500))
    alice = world.funded(node)
    for value in (1, 2, 3):
        node.gateway.submit(alice.transfer(BOB, value))
        world.turn(node)
    hashes = {t.hash for n in range(1, node.chain.head.number + 1) for t in node.store.transactions(n)}

    world.l1.advance_time(world.params.force_delay_s + 1)
    world.alice.send(world.inbox.force_batch_call())
    world.turn(node, times=2)

    after = {t.hash for n in range(1, node.chain.head.number + 1) for t in node.store.transactions(n)}
    assert hashes == after
    assert world.balance(node, BOB) == 6
    assert node.store.batch_count() == 1


def test_clamp__l1_time_jumps_past_the_lag__unsafe_reorg_and_safe_again(world: NodeWorld) -> None:
    node = world.aggregator(batcher=BatcherOptions(max_delay_s=5, max_empty_delay_s=6))
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 9))
    world.turn(node)
    changes: list[bool] = []
    node.chain.on_change(lambda change: changes.append(change.reorged))

    world.l1.advance_time(world.params.max_time_lag_s + 100)
    world.turn(node, times=4)
    world.until_safe(node)

    assert any(changes)
    assert world.balance(node, BOB) == 9
    replica = world.replica()
    world.catch_up(replica)
    assert replica.store.heads().safe == node.store.heads().safe


@pytest.mark.parametrize("depth", [1, 3, 8])
def test_l1_reorg__batches_deposits_and_assertions_gone__same_chain_posted_again(
    world: NodeWorld, depth: int
) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    replica = world.replica()
    for value in (1, 2, 3):
        node.gateway.submit(alice.transfer(BOB, value))
        world.turn(node, replica, times=2)
    world.deposit(BOB, 100)
    world.turn(node, replica)

    dropped = world.l1.reorg(depth, empty_blocks=depth + 1)
    world.turn(node, replica, times=4)
    world.until_safe(node)
    world.catch_up(replica)

    deposit_survived = world.inbox.deposit_count(at="latest") == 2
    assert world.balance(node, BOB) == 6 + 100 * deposit_survived
    assert replica.store.heads().safe == node.store.heads().safe
    assert dropped or depth == 1


def test_l1_reorg__deposit_never_returns__its_funds_are_gone_on_l2(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 1))
    world.turn(node)
    world.until_safe(node)
    late = world.funded(node, number=2)
    node.gateway.submit(late.transfer(BOB, 10))
    world.turn(node)
    before = node.chain.head.number

    world.l1.reorg(world.client.head().number - block_of_deposit(world, 1) + 1, empty_blocks=30)
    world.turn(node, times=3)
    world.until_safe(node)

    assert world.balance(node, late.address) == 0
    assert world.balance(node, BOB) == 1
    assert node.chain.head.number > 0
    assert before > 0


def block_of_deposit(world: NodeWorld, index: int) -> int:
    """L1 block of a deposit."""
    return next(
        event.place.block_number
        for event in world.events()
        if isinstance(event, DepositEnqueued) and event.index == index
    )


def test_asserter__equal_assertion_by_another__backed_and_extended(world: NodeWorld) -> None:
    alice = post_one_batch(world)
    first = world.post(world.alice, 1)

    node = world.aggregator()
    world.turn(node, times=3)
    node.gateway.submit(alice.transfer(BOB, 1))
    world.turn(node)
    world.until_safe(node)
    world.turn(node, times=5)

    children = node.store.assertion_children(first.id)
    assert [child.poster for child in children] == [world.bob.address]
    assert len(node.store.assertion_children(world.genesis_id)) == 1


def test_asserter__wrong_first_assertion__posts_the_rival(world: NodeWorld) -> None:
    post_one_batch(world)
    wrong = world.post(world.eve, 1, tamper=wrong_gas(0))

    node = world.aggregator()
    world.turn(node, times=4)

    siblings = node.store.assertion_children(world.genesis_id)
    assert {item.poster for item in siblings} == {world.eve.address, world.bob.address}
    right = next(item for item in siblings if item.id != wrong.id)
    assert world.state(right.id).status is AssertionStatus.LIVE


def test_attack__front_run_asserter_without_a_watchtower__its_rival_is_not_killed_unopened(
    world: NodeWorld,
) -> None:
    post_one_batch(world)
    wrong = world.post(world.eve, 1, tamper=wrong_gas(0))
    node = world.aggregator()
    world.turn(node, times=6)
    siblings = node.store.assertion_children(world.genesis_id)
    right = next(item for item in siblings if item.id != wrong.id)

    world.l1.advance_time(world.params.challenge_period_s + 1)

    assert world.game.is_open(wrong.id, right.id, at="latest")
    with pytest.raises(ContractReverted):
        world.eve.send(world.chain.kill_unopened_call(wrong.id, right.id))
    assert world.state(right.id).status is AssertionStatus.LIVE


def test_asserter__wrong_newer_rival_never_opened__killed_and_own_confirmed(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 1))
    world.turn(node)
    world.until_safe(node)
    world.turn(node, times=4)
    [ours, *_] = node.store.assertion_children(world.genesis_id)
    wrong = world.post(world.eve, ours.to_batch, tamper=wrong_gas(0))

    world.l1.advance_time(world.params.challenge_period_s + 1)
    world.turn(node, times=8)

    assert world.state(wrong.id).status is AssertionStatus.DEAD
    assert world.state(ours.id).status is AssertionStatus.CONFIRMED


def test_two_wallets__replacement_and_gap__executed_once_in_nonce_order(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 100, nonce=1))
    world.turn(node)
    assert world.balance(node, BOB) == 0

    node.gateway.submit(alice.transfer(BOB, 10, nonce=0))
    node.gateway.submit(
        alice.transfer(BOB, 20, nonce=0, maxFeePerGas=2 * 10**9, maxPriorityFeePerGas=2 * 10**9)
    )
    world.turn(node)

    assert world.balance(node, BOB) == 120


def test_asserter__equal_chain_by_others__stake_follows_by_backing(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    world.until_safe(node)
    world.turn(node, times=4)
    node.close()
    node = world.aggregator(asserts=False)
    ours = node.store.assertions()[0]
    for _ in range(2):
        node.gateway.submit(alice.transfer(BOB, 1))
        world.turn(node, times=4)
    second = world.post(world.alice, ours.to_batch + 1, parent=ours.id)
    third = world.post(world.alice, ours.to_batch + 2, parent=second.id)
    node.close()

    node = world.aggregator()
    node.gateway.submit(alice.transfer(BOB, 1))
    world.turn(node, times=14)

    [fourth] = node.store.assertion_children(third.id)
    assert fourth.poster == world.bob.address
    for assertion in (ours, second, third, fourth):
        assert world.chain.is_member(assertion.id, world.bob.address, at="latest")
