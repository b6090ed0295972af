"""Garbage on L1, an endpoint that fails at random, a replica that is killed: all end in the same state."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from optimistic.node.config import Role
from optimistic.node.node import Node, Signers, Surroundings
from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.errors import ResetError, TemporaryError
from optimistic.protocol.types import Address
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import L1Unavailable
from optimistic.service.l1_transport import L1Transport
from tests.helpers.killing import Fuse, Killed, KillingTransport, killing_builder
from tests.helpers.l2_wallet import Wallet
from tests.helpers.node_world import NodeWorld

BOB = Address(b"\xb0" * 20)


class FlakyTransport:
    """An endpoint that does not answer now and then."""

    def __init__(self, transport: L1Transport, chance: random.Random) -> None:
        self._transport = transport
        self._chance = chance
        self.failing = False
        self.failures = 0

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if self.failing and self._chance.random() < 0.03:
            self.failures += 1
            raise L1Unavailable("no answer")
        answer = self._transport.request(method, params)
        if self.failing and self._chance.random() < 0.02:
            self.failures += 1
            raise L1Unavailable("the answer was lost")
        return answer


@pytest.mark.parametrize("seed", range(3))
def test_aggregator__endpoint_fails_at_random__every_transfer_once(world: NodeWorld, seed: int) -> None:
    flaky = FlakyTransport(world.l1, random.Random(seed))
    around = Surroundings(
        client=L1Client(flaky, chain_id=world.params.l1_chain_id),
        signers=Signers(sequencer=world.sequencer.signer, staker=world.bob.signer),
        clock=world.clock,
    )
    node = world._keep(Node(world.deployment, world.config("flaky", Role.AGGREGATOR), around))
    alice = world.funded(node)

    flaky.failing = True
    for value in range(1, 21):
        node.gateway.submit(alice.transfer(BOB, value))
        world.clock.advance(1)
        world.l1.mine()
        try:
            node.tick()
        except (TemporaryError, ResetError):
            continue
    flaky.failing = False
    world.turn(node, times=4)
    world.until_safe(node)

    assert flaky.failures > 5
    assert world.balance(node, BOB) == sum(range(1, 21))
    replica = world.replica()
    world.catch_up(replica)
    assert replica.store.heads().safe == node.store.heads().safe


def garbage(alice: Wallet, chance: random.Random) -> bytes:
    """Batch data nobody should send: broken items around valid ones."""
    valid = encode_batch(
        [BlockInput(timestamp=1, n_deposits=9, transactions=(alice.transfer(BOB, 1), b"\x05junk"))]
    )
    kind = chance.randrange(5)
    if kind == 0:
        return chance.randbytes(chance.randrange(300))
    if kind == 1:
        return valid[: chance.randrange(len(valid))]
    if kind == 2:
        return valid + b"\x02\xff\xff\xff\xff"
    if kind == 3:
        return b"\x01\x02" + len(valid).to_bytes(4, "big") + valid
    return valid


def test_replica__hostile_batches__derives_all_of_them(world: NodeWorld) -> None:
    replica = world.replica()
    alice = Wallet(1, world.params.l2_chain_id)
    world.deposit(alice.address)
    chance = random.Random(7)

    for _ in range(12):
        world.l1.advance_time(10)
        world.append(data=garbage(alice, chance), deposits=world.inbox.deposit_count(at="latest"))
        world.catch_up(replica)

    assert replica.store.batch_count() == 12
    assert [replica.store.unit_leaves(index) for index in range(12)] == [
        list(leaves) for leaves in world.leaves(12)
    ]
    assert world.balance(replica, BOB) > 0


def test_aggregator__foreign_batch_with_its_key__replaces_unsafe_blocks_and_goes_on(world: NodeWorld) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    node.gateway.submit(alice.transfer(BOB, 5))
    world.turn(node)
    mallory = Wallet(9, world.params.l2_chain_id)

    world.append(mallory.transfer(BOB, 1), b"\x00", deposits=1)
    world.turn(node, times=5)
    world.until_safe(node)

    assert world.balance(node, BOB) == 5
    replica = world.replica()
    world.catch_up(replica)
    assert replica.store.heads().safe == node.store.heads().safe


@pytest.mark.parametrize("seed", range(3))
def test_replica__killed_at_random_moments__same_chain(world: NodeWorld, seed: int) -> None:
    node = world.aggregator()
    alice = world.funded(node)
    chance, fuse = random.Random(seed), Fuse()

    def start() -> Node:
        client = L1Client(KillingTransport(world.l1, fuse), chain_id=world.params.l1_chain_id)
        around = Surroundings(client=client, clock=world.clock, build_engine=killing_builder(fuse))
        return world._keep(Node(world.deployment, world.config("mortal", Role.REPLICA), around))

    replica, deaths = start(), 0
    for value in range(1, 16):
        node.gateway.submit(alice.transfer(BOB, value))
        world.turn(node)
        if chance.random() < 0.15:
            world.l1.reorg(chance.randrange(1, 4), empty_blocks=4)
        fuse.light(chance.randrange(30))
        try:
            replica.tick()
        except Killed:
            deaths += 1
            replica.close()
            replica = start()
    replica.close()
    fuse = Fuse()
    replica = start()
    world.turn(node, times=4)
    world.until_safe(node)
    world.catch_up(replica)

    assert deaths >= 3
    assert replica.store.heads().safe == node.store.heads().safe
    assert world.balance(replica, BOB) == world.balance(node, BOB)
