from dataclasses import replace
from pathlib import Path

import pytest

from optimistic.node.sequencer import MAX_POSTED_BYTES, SequencerOptions
from optimistic.protocol.engine import BlockEnv, Outcome, Skip
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Address, Hash32
from optimistic.service.storage_errors import DiskFull
from tests.helpers.l2_wallet import GWEI, Wallet
from tests.helpers.offline_node import ETHER, L1_TIME_S, OfflineNode, fund_deposit

BOB = Address(b"\xb0" * 20)
SPINNER = bytes.fromhex("5b600056")
"""JUMPDEST PUSH1 0 JUMP: burns all its gas."""


def test_produce__pool_and_deposit__deposit_first_and_balances_move(node: OfflineNode, alice: Wallet) -> None:
    node.gateway.submit(alice.transfer(BOB, 7))
    node.see_l1(fund_deposit(BOB, 5))

    block = node.produce()

    kinds = [transaction.deposit_index for transaction in node.store.transactions(block.number)]
    assert kinds == [1, None]
    assert node.balance(BOB) == 12
    assert len(node.mempool) == 0
    assert (block.deposit_cursor, block.gas_used) == (2, 42_000)


def test_produce__before_any_l1_block__nothing(node: OfflineNode) -> None:
    assert node.sequencer.produce() is None


def test_produce__unconfirmed_deposit__waits_for_its_confirmations(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path, options=SequencerOptions(deposit_confirmations=3))
    node.see_l1(fund_deposit(BOB))
    node.see_l1()

    assert node.produce().n_transactions == 0
    node.see_l1()
    assert node.produce().n_transactions == 1
    node.close()


def test_produce__expensive_deposits__spread_over_blocks(node: OfflineNode) -> None:
    heavy = replace(fund_deposit(BOB), gas_limit=8_000_000)
    node.see_l1(*[heavy] * 5)

    assert [node.produce().n_transactions for _ in range(3)] == [2, 2, 1]


def test_produce__nothing_to_do_and_no_empty_blocks__keeps_the_head(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path, options=SequencerOptions(empty_blocks=False))
    node.see_l1()

    assert node.sequencer.produce() is None
    node.see_l1(fund_deposit(BOB))
    assert node.produce().number == 1
    node.close()


@pytest.mark.parametrize(
    ("l1_ahead_s", "waited_s", "expected"), [(0, 20, 20), (0, 99, 30), (50, 7, 57), (-80, 9, -71)]
)
def test_produce__timestamp__l1_time_whatever_the_local_clock_shows(
    node: OfflineNode, l1_ahead_s: int, waited_s: int, expected: int
) -> None:
    node.see_l1(timestamp=L1_TIME_S + l1_ahead_s)
    node.clock.advance(waited_s)

    block = node.sequencer.produce()

    assert block is not None
    assert block.timestamp == L1_TIME_S + expected


def test_step__interval__produces_when_due(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path, options=SequencerOptions(block_interval_ms=100))
    node.see_l1()

    produced = []
    for _ in range(10):
        produced.append(node.sequencer.step())
        node.clock.advance(0.05)

    assert produced == [True, False] * 5
    node.close()


def test_produce__unexecutable_transaction__dropped_and_others_run(node: OfflineNode, alice: Wallet) -> None:
    bob = Wallet(2)
    node.fund(bob.address, wei=50_000 * GWEI)
    node.gateway.submit(bob.transfer(alice.address, 25_000 * GWEI, maxPriorityFeePerGas=1))
    drain = bob.transfer(alice.address, 40_000 * GWEI, nonce=0, maxFeePerGas=0, maxPriorityFeePerGas=0)
    pooled = node.mempool.decode(drain)
    node.mempool.add(pooled)
    node.gateway.submit(alice.transfer(BOB))

    block = node.produce()

    assert block.n_transactions >= 1
    assert node.produce().n_transactions == 0


def test_produce__transactions_beyond_one_batch__wait_for_the_next_block(
    node: OfflineNode, alice: Wallet
) -> None:
    for _ in range(3):
        node.gateway.submit(alice.call(BOB, bytes(50_000), gas=1_000_000))

    assert [node.produce().n_transactions for _ in range(2)] == [2, 1]


def test_produce__lane_demand_beyond_a_full_bucket__waits_for_the_next_block(
    node: OfflineNode, alice: Wallet
) -> None:
    for _ in range(3):
        node.gateway.submit(alice.deploy(SPINNER, gas=8_000_000))

    blocks = [node.produce() for _ in range(2)]

    assert [block.n_transactions for block in blocks] == [2, 1]
    assert all(block.general_demand <= 1 << 24 for block in blocks)
    assert blocks[0].general_gas == sum(
        unit.outcome.execution_gas for unit in node.store.executed_blocks(2, 2)[0].units
    )


def test_produce__too_much_unposted__pauses_until_safe(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path, options=SequencerOptions(max_unposted_bytes=MAX_POSTED_BYTES))
    alice = Wallet(1)
    node.fund(alice.address)
    for _ in range(3):
        node.gateway.submit(alice.call(BOB, bytes(60_000), gas=1_000_000))

    assert [node.produce().n_transactions for _ in range(2)] == [1, 1]
    assert node.sequencer.produce() is None
    batch = node.batch_of(1, 2)
    derived, engine = node.execute(batch)
    node.adopt(batch, derived, engine)

    assert node.produce().n_transactions == 1
    node.close()


def test_produce__requeued_transactions__run_first_in_their_old_order(
    node: OfflineNode, alice: Wallet
) -> None:
    carol = Wallet(3)
    node.fund(carol.address)
    first, second = alice.transfer(BOB, 1), carol.transfer(BOB, 2)
    for raw in (first, second):
        node.gateway.submit(raw)
        node.produce()
    node.store.rewind(2, requeue=True)
    node.chain.reset()
    node.head_state.move_to(node.chain.head.state_root)
    dear = carol.transfer(BOB, 3, maxFeePerGas=5 * GWEI, maxPriorityFeePerGas=5 * GWEI)
    node.gateway.mempool.add(node.mempool.decode(dear))

    block = node.produce()

    assert [item.raw for item in node.store.transactions(block.number)] == [first, second]
    assert node.store.requeued() == []


def orphan(node: OfflineNode, alice: Wallet) -> None:
    """Execute a transfer, then take the deposit that paid for it away."""
    node.gateway.submit(alice.transfer(BOB, ETHER // 2))
    node.produce()
    with node.store.atomic():
        node.store.rewind(0, requeue=True)
        node.database.execute("DELETE FROM deposits")
    node.chain.reset()
    node.head_state.move_to(node.chain.head.state_root)


def test_produce__requeued_without_its_deposit__waits_and_runs_when_it_returns(
    node: OfflineNode, alice: Wallet
) -> None:
    orphan(node, alice)

    assert [node.produce().n_transactions for _ in range(3)] == [0, 0, 0]
    [(tx_hash, raw)] = node.store.requeued()
    waiting = node.gateway.get(tx_hash)
    assert waiting is not None
    assert waiting.tx.raw == raw
    node.see_l1(fund_deposit(alice.address))

    assert node.produce().n_transactions == 2
    assert node.store.requeued() == []


def test_produce__requeued_and_never_possible_again__given_up_in_the_end(
    node: OfflineNode, alice: Wallet
) -> None:
    orphan(node, alice)

    for _ in range(60):
        node.clock.advance(60)
        node.produce()

    assert node.store.requeued() == []


class BrokenDisk:
    """An engine that cannot flush while `broken`."""

    broken = False

    def __init__(self, engine: "object") -> None:
        self._engine = engine

    @property
    def state_root(self) -> Hash32:
        return self._engine.state_root  # type: ignore[attr-defined,no-any-return]

    def begin_block(self, env: BlockEnv) -> None:
        self._engine.begin_block(env)  # type: ignore[attr-defined]

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        return self._engine.apply_transaction(raw, left)  # type: ignore[attr-defined,no-any-return]

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        return self._engine.apply_deposit(index, deposit)  # type: ignore[attr-defined,no-any-return]

    def flush(self) -> None:
        if BrokenDisk.broken:
            raise DiskFull("no space left")
        self._engine.flush()  # type: ignore[attr-defined]


def test_produce__disk_full_at_commit__head_stays_and_the_transaction_is_not_lost(tmp_path: Path) -> None:
    node = OfflineNode(tmp_path, wrap_engine=BrokenDisk)
    alice = Wallet(1)
    node.fund(alice.address)
    node.gateway.submit(alice.transfer(BOB, 3))
    BrokenDisk.broken = True

    with pytest.raises(DiskFull):
        node.sequencer.produce()
    BrokenDisk.broken = False

    assert node.chain.head.number == 1
    assert node.produce().n_transactions == 1
    assert node.balance(BOB) == 3
    node.close()
