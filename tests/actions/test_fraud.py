"""A real aggregator whose engine lies about one transaction, and the watchtower that sees only L1."""

import pytest

from challenger.model import Judgement
from optimistic.node.asserter import AsserterOptions
from optimistic.node.chain_records import StoredAssertion
from optimistic.node.node import Node
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from scripts.staging.faults import FaultPlan, Lie, lying_engines
from tests.helpers.node_world import NodeWorld

BOB = Address(b"\xb0" * 20)
PUBLISHING = AsserterOptions(interval_s=0, publishes_leaves=True)


@pytest.mark.parametrize("lie", list(Lie))
def test_lying_aggregator__any_kind__rival_is_posted_and_the_first_wrong_unit_named(
    world: NodeWorld, lie: Lie
) -> None:
    plan = FaultPlan(lie)
    node = world.aggregator(build_engine=lying_engines(plan), asserter=PUBLISHING)
    alice = world.funded(node)
    honest, told = alice.transfer(BOB, 5), alice.transfer(BOB, 6)
    plan.tx_hash = keccak256(told)
    for raw in (honest, told, alice.transfer(BOB, 7)):
        node.gateway.submit(raw)
    world.turn(node)
    world.until_safe(node)
    world.turn(node, times=6)
    wrong, unit = assertion_and_unit(node, keccak256(told))
    tower = world.tower()

    world.run(tower, rounds=6)

    findings = tower.monitor.findings
    assert findings is not None
    verdict = findings.known.verdicts[wrong.id]
    assert verdict.judgement is Judgement.INVALID
    assert verdict.wrong is not None
    assert verdict.wrong.unit == unit
    rival = findings.known.drafts[wrong.parent].id
    assert world.state(rival).status is AssertionStatus.LIVE
    assert world.state(rival).poster == world.watcher.address


def assertion_and_unit(node: Node, tx_hash: Hash32) -> tuple[StoredAssertion, int]:
    """The assertion that covers a transaction, and the unit of it that the transaction is."""
    transaction = node.store.transaction_by_hash(tx_hash)
    assert transaction is not None
    batch = node.store.batch_of_block(transaction.block_number)
    assert batch is not None
    [assertion] = node.store.assertions_covering(batch.index)
    whole = node.store.blocks(batch.first_block, transaction.block_number - 1)
    unit = 1 + sum(2 + block.n_transactions for block in whole) + 1 + transaction.index
    return assertion, ((batch.index - assertion.from_batch) << UNIT_BITS) + unit


def test_honest_aggregator__publishing_leaves__watchtower_agrees(world: NodeWorld) -> None:
    node = world.aggregator(asserter=PUBLISHING)
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 5))
    world.turn(node)
    world.until_safe(node)
    world.turn(node, times=6)
    tower = world.tower()

    world.run(tower)

    findings = tower.monitor.findings
    assert findings is not None
    for assertion in node.store.assertions():
        assert findings.known.judgement(assertion.id) is Judgement.VALID
