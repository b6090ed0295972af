from typing import Any, cast

from optimistic.node.batcher import Batcher, BatcherOptions, BatchPlan
from optimistic.node.sequencer import MAX_POSTED_BYTES
from optimistic.protocol.batch import encode_batch
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_HASH, Address
from optimistic.service.contracts import Budgets
from optimistic.service.l1_types import Header
from tests.helpers.l2_wallet import Wallet
from tests.helpers.offline_node import L1_TIME_S, OfflineNode, fund_deposit, l1_header

BOB = Address(b"\xb0" * 20)
FULL = Budgets(general=1 << 24, system=1 << 24)


class NoInbox:
    """An inbox that planning never asks."""

    client = None


def batcher_of(node: OfflineNode, **options: int) -> Batcher:
    return Batcher(
        DEVNET,
        node.store,
        cast("Any", NoInbox()),
        cast("Any", None),
        BatcherOptions(**options),
        node.l1_clock,
    )


def l1_head(timestamp: int = L1_TIME_S) -> Header:
    return l1_header(9, timestamp)


def numbers(plan: BatchPlan | None) -> list[int]:
    return [] if plan is None else [block.number for block in plan.blocks]


def test_plan__all_fits__one_batch_with_its_deposits_and_first_index(
    node: OfflineNode, alice: Wallet
) -> None:
    node.produce()

    plan = batcher_of(node).plan(l1_head(), FULL)

    assert plan is not None
    assert numbers(plan) == [1, 2]
    assert (plan.index, plan.prev_acc, plan.deposit_end, plan.is_full) == (0, ZERO_HASH, 1, False)
    assert plan.budgets == Budgets(general=0, system=0)


def test_plan__nothing_unsafe__none(node: OfflineNode) -> None:
    assert batcher_of(node).plan(l1_head(), FULL) is None


def test_plan__blocks_beyond_one_transaction__stops_before_and_is_full(
    node: OfflineNode, alice: Wallet
) -> None:
    for _ in range(5):
        node.gateway.submit(alice.call(BOB, bytes(40_000), gas=1_000_000))
        node.produce()

    plan = batcher_of(node).plan(l1_head(), FULL)

    assert plan is not None
    assert plan.is_full
    data = encode_batch(node.store.block_inputs(1, plan.blocks[-1].number))
    assert len(data) <= MAX_POSTED_BYTES
    assert len(data) + 40_000 > MAX_POSTED_BYTES


def test_plan__block_later_than_l1_and_clock__waits(node: OfflineNode, alice: Wallet) -> None:
    late = node.produce().number

    assert numbers(batcher_of(node, posting_margin_s=1).plan(l1_head(), FULL)) == [1]
    assert numbers(batcher_of(node, posting_margin_s=0).plan(l1_head(), FULL)) == [1, late]
    assert numbers(batcher_of(node, posting_margin_s=600).plan(l1_head(L1_TIME_S + 60), FULL)) == [1, late]


def test_plan__budget__demand_of_each_transaction_in_order(node: OfflineNode, alice: Wallet) -> None:
    for _ in range(2):
        node.gateway.submit(alice.deploy(bytes.fromhex("5b600056"), gas=100_000))
        node.produce()
    first, second = node.store.blocks(2, 3)
    batcher = batcher_of(node)

    def taken(general: int) -> list[int]:
        return numbers(batcher.plan(l1_head(), Budgets(general=general, system=0)))

    assert taken(first.general_demand - 1) == [1]
    assert taken(first.general_demand) == [1, 2]
    assert taken(first.general_gas + second.general_demand - 1) == [1, 2]
    assert taken(first.general_gas + second.general_demand) == [1, 2, 3]


def test_plan__named_budgets__suffice_for_the_derivation(node: OfflineNode, alice: Wallet) -> None:
    for gas in (60_000, 90_000):
        node.gateway.submit(alice.deploy(bytes.fromhex("5b600056"), gas=gas))
        node.produce()
    plan = batcher_of(node).plan(l1_head(), FULL)
    assert plan is not None

    exact = node.batch_of(1, 3, gas_budget=plan.budgets.general, system_gas_budget=0)
    short = node.batch_of(1, 3, gas_budget=plan.budgets.general - 1, system_gas_budget=0)

    assert node.execute(exact)[0].skipped == 0
    assert node.execute(short)[0].skipped == 1


def test_plan__deposit_nearly_due_but_in_no_block__taken_along(node: OfflineNode, alice: Wallet) -> None:
    node.see_l1(fund_deposit(BOB))

    fresh = batcher_of(node).plan(l1_head(), FULL)
    due = batcher_of(node).plan(l1_head(L1_TIME_S + DEVNET.force_delay_s), FULL)

    assert fresh is not None
    assert due is not None
    assert (fresh.deposit_end, due.deposit_end) == (1, 2)


def test_plan__l1_time_went_back_far__posts_anyway_and_lets_the_clamp_reset_ours(
    node: OfflineNode, alice: Wallet
) -> None:
    batcher = batcher_of(node)
    node.l1_clock.observe(l1_header(50, L1_TIME_S - 4))
    assert batcher.plan(l1_head(L1_TIME_S - 4), FULL) is None

    node.l1_clock.observe(l1_header(51, L1_TIME_S - 6))
    assert numbers(batcher.plan(l1_head(L1_TIME_S - 6), FULL)) == [1]
