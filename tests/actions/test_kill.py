"""The aggregator is killed at arbitrary moments and started again: nothing is lost, nothing doubled."""

import random

import pytest

from optimistic.node.config import Role
from optimistic.node.node import Node, Signers, Surroundings
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address
from optimistic.service.l1_client import L1Client
from tests.helpers.killing import Fuse, Killed, KillingTransport, killing_builder
from tests.helpers.node_world import NodeWorld

BOB = Address(b"\xb0" * 20)
TURNS = 25


class MortalAggregator:
    """An aggregator that is started again whenever it dies."""

    def __init__(self, world: NodeWorld) -> None:
        self.world = world
        self.fuse = Fuse()
        self.deaths = 0
        self.node = self._start()

    def _start(self) -> Node:
        client = L1Client(KillingTransport(self.world.l1, self.fuse), chain_id=self.world.params.l1_chain_id)
        around = Surroundings(
            client=client,
            signers=Signers(sequencer=self.world.sequencer.signer, staker=self.world.bob.signer),
            clock=self.world.clock,
            build_engine=killing_builder(self.fuse),
        )
        return Node(self.world.deployment, self.world.config("mortal", Role.AGGREGATOR), around)

    def turn(self) -> None:
        """One turn of the world; a death costs the node the rest of its turn."""
        self.world.clock.advance(1)
        self.world.l1.mine()
        try:
            self.node.tick()
        except Killed:
            self.deaths += 1
            self.node.close()
            self.node = self._start()

    def submit(self, raw: bytes) -> None:
        self.node.gateway.submit(raw)


SEEDS = [pytest.param(seed, marks=[] if seed < 4 else [pytest.mark.nightly]) for seed in range(24)]


@pytest.mark.parametrize("seed", SEEDS)
def test_aggregator__killed_at_random_moments__every_transfer_once_and_replica_agrees(
    world: NodeWorld, seed: int
) -> None:
    chance = random.Random(seed)
    mortal = MortalAggregator(world)
    alice = world.funded(mortal.node)
    world.l1.mine(8)  # deeper than any reorg below
    accepted: list[bytes] = []

    for value in range(1, TURNS + 1):
        raw = alice.transfer(BOB, value)
        mortal.submit(raw)
        accepted.append(raw)
        mortal.fuse.light(chance.randrange(60))
        mortal.turn()
        if chance.random() < 0.1:
            world.l1.reorg(chance.randrange(1, 4), empty_blocks=4)
    mortal.fuse = Fuse()
    mortal.node.close()
    node = world.aggregator("mortal")
    world.turn(node, times=5)
    world.until_safe(node)

    assert mortal.deaths >= 5
    assert world.balance(node, BOB) == sum(range(1, TURNS + 1))
    assert all(node.store.transaction_by_hash(keccak256(raw)) is not None for raw in accepted)
    assert node.head_state.account(alice.address).nonce == len(accepted)
    replica = world.replica()
    world.catch_up(replica)
    assert replica.store.heads().safe == node.store.heads().safe
