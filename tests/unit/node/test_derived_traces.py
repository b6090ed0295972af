from pathlib import Path

import pytest

from optimistic.node.chain_records import StoredAssertion
from optimistic.node.derived_traces import BatchUndone, DerivedRange, DerivedTraces
from optimistic.node.right_path import RightPath
from optimistic.protocol.commitment import UnitTree
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import ZERO_HASH, Address
from optimistic.service.clock import FakeClock
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_workers import InlineWorker
from optimistic.service.unit_traces import TraceShop
from tests.helpers.l2_wallet import Wallet
from tests.helpers.offline_node import GENESIS, OfflineNode

BOB = Address(b"\xb0" * 20)
GENESIS_ID = GENESIS.end_leaf


@pytest.fixture
def posted(node: OfflineNode, alice: Wallet) -> OfflineNode:
    """Two derived batches; the first one with a transfer."""
    node.gateway.submit(alice.transfer(BOB, 7))
    for first, last in ((1, 2), (3, 3)):
        node.produce()
        batch = node.batch_of(first, last)
        node.adopt(batch, *node.execute(batch))
    return node


def asserted(node: OfflineNode, from_batch: int = 0, to_batch: int = 2) -> StoredAssertion:
    """The right assertion about some batches."""
    draft = RightPath(DEVNET, node.store, GENESIS_ID).draft(from_batch, to_batch)
    assert draft is not None
    return StoredAssertion(
        id=draft.unit_root,
        parent=GENESIS_ID,
        seq=1,
        poster=BOB,
        from_batch=from_batch,
        to_batch=to_batch,
        acc=draft.acc,
        unit_root=draft.unit_root,
        end_leaf=draft.end_leaf,
        children_root=draft.children_root,
        l1_timestamp=0,
        l1_block_number=0,
        confirmed=False,
        dead=False,
    )


def range_of(node: OfflineNode, assertion: StoredAssertion) -> DerivedRange:
    return DerivedRange(DEVNET, node.store, GENESIS.state, assertion)


def traces_of(node: OfflineNode, folder: Path) -> DerivedTraces:
    cache = TraceCache(folder, 1 << 30)
    shop = TraceShop(cache, InlineWorker(node.nodes, cache), clock=FakeClock())
    return DerivedTraces(DEVNET, node.store, GENESIS.state, shop)


@pytest.mark.parametrize("from_batch", [0, 1])
def test_range__units__are_the_tree_that_was_asserted(posted: OfflineNode, from_batch: int) -> None:
    assertion = asserted(posted, from_batch)
    leaves = [posted.store.unit_leaves(index) for index in range(from_batch, 2)]

    units = range_of(posted, assertion).units()

    expected = UnitTree(DEVNET.log_arity, leaves)
    assert units.root == expected.root
    assert units.prove(0, 1 << UNIT_BITS) == expected.prove(0, 1 << UNIT_BITS)


@pytest.mark.parametrize("from_batch", [0, 1])
def test_traces__every_unit__ends_in_its_leaf(posted: OfflineNode, from_batch: int, tmp_path: Path) -> None:
    assertion, made = asserted(posted, from_batch), traces_of(posted, tmp_path / "traces")
    traces, units = made.of(assertion), made.units(assertion)
    places = [
        (index - from_batch << UNIT_BITS) + unit
        for index in range(from_batch, 2)
        for unit in range(len(posted.store.unit_leaves(index)) + 1)
    ]

    for j in places:
        traces.steps(j)
    while made.shop.tend():
        for j in places:
            traces.steps(j)

    for j in places:
        steps = traces.steps(j)
        assert steps is not None
        assert steps.root.end_state == units.node(0, j).hash


def test_range__input_hash__is_another_one_for_each_batch(posted: OfflineNode) -> None:
    whole, second = range_of(posted, asserted(posted)), range_of(posted, asserted(posted, 1))

    assert whole.input_hash(0) != whole.input_hash(1) == second.input_hash(0)
    assert (whole.count, second.count) == (2, 1)


def test_range__inputs__begin_where_the_batch_before_ended(posted: OfflineNode) -> None:
    batches = range_of(posted, asserted(posted))
    first, second = batches.inputs(0, 0), batches.inputs(1, 2)
    before = posted.store.batch(0)

    assert before is not None
    assert (first.start, first.previous_acc) == (GENESIS.state, ZERO_HASH)
    assert (second.start.unit, second.previous_acc) == (before.boundary_unit, before.acc)
    assert (second.place.batch, second.place.unit) == (1, 2)


def test_range__batches_undone_by_a_reorg__say_so(posted: OfflineNode) -> None:
    assertion = asserted(posted)
    known, fresh = range_of(posted, assertion), range_of(posted, assertion)
    known.units()
    posted.chain.rewind_l1(100)

    for ask in (
        lambda: known.inputs(1, 0),
        lambda: known.leaves(1),
        lambda: known.input_hash(1),
        fresh.units,
    ):
        with pytest.raises(BatchUndone):
            ask()


def test_attack__batch_derived_anew_after_a_reorg__its_tree_is_not_taken_for_the_old_one(
    posted: OfflineNode,
) -> None:
    assertion = asserted(posted)
    posted.chain.rewind_l1(100)
    batch = posted.batch_of(3, 3, gas_budget=9_000_000)
    posted.adopt(batch, *posted.execute(batch))

    with pytest.raises(BatchUndone):
        range_of(posted, assertion).units()


def test_traces__kept__only_of_what_is_named(posted: OfflineNode, tmp_path: Path) -> None:
    assertion, made = asserted(posted), traces_of(posted, tmp_path / "traces")
    units = made.units(assertion)

    made.keep([assertion.id])
    assert made.units(assertion) is units
    made.keep([])
    assert made.units(assertion) is not units
