"""Posts a wrong assertion on a running devnet: an honest replica whose engine lies once."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optimistic.node.asserter import Asserter, AsserterOptions
from optimistic.node.chain_records import Batch, StoredAssertion
from optimistic.node.config import NodeConfig, Role
from optimistic.node.node import Node, Surroundings
from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.types import Hash32
from optimistic.service.contracts import AssertionChain, DisputeGame
from optimistic.service.deployment import Deployment
from optimistic.service.l1_client import L1Client
from optimistic.service.signer import Signer
from optimistic.service.tx_manager import TxManager
from scripts.staging.faults import FaultPlan, Lie, lying_engines

_PATIENCE_TURNS: Final = 240
_PAUSE_S: Final = 0.5
_IDLE_TURNS: Final = 6


class NothingToLieAbout(InvalidInput):
    """No batch that is still to be asserted has a transaction."""


class NotPosted(TemporaryError):
    """The wrong assertion did not reach L1 in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The transaction to lie about."""

    tx_hash: Hash32
    batch: int
    block: int


class Fraudster:
    """Derives a rollup from L1, lies about one transaction, and asserts the result.

    Parameters
    ----------
    deployment, client, signer : whose rollup, where, and whose stake
    folder : for its databases
    say : prints progress
    """

    def __init__(
        self,
        deployment: Deployment,
        client: L1Client,
        signer: Signer,
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self._deployment = deployment
        self._client = client
        self._signer = signer
        self._folder = folder
        self._say = say

    def choose(self) -> Target:
        """Return the newest transaction of a batch that no confirmed assertion covers."""
        node = self._replica("honest", None)
        try:
            confirmed = node.store.latest_confirmed_assertion()
            first = 0 if confirmed is None else confirmed.to_batch
            for index in range(node.store.batch_count() - 1, first - 1, -1):
                batch = node.store.batch(index)
                target = None if batch is None else _newest(node, batch)
                if target is not None:
                    return target
        finally:
            node.close()
        raise NothingToLieAbout("send a transaction on L2 and wait for its batch first")

    def post(self, target: Target, lie: Lie) -> StoredAssertion:
        """Assert with the lie and publish the leaves; return what was asserted."""
        plan = FaultPlan(lie, tx_hash=target.tx_hash)
        node = self._replica("lying", plan)
        try:
            manager = TxManager(self._client, self._signer, node.database)
            contracts = self._deployment.contracts
            asserter = Asserter(
                node.right,
                AssertionChain(self._client, contracts.assertion_chain),
                DisputeGame(self._client, contracts.dispute_game),
                manager,
                AsserterOptions(interval_s=0, publishes_leaves=True),
            )
            return self._drive(node, asserter, manager, target)
        finally:
            node.close()

    def _drive(self, node: Node, asserter: Asserter, manager: TxManager, target: Target) -> StoredAssertion:
        """Take turns until the lie is on L1, then until its leaves are."""
        for _ in range(_PATIENCE_TURNS):
            node.tick()
            asserter.step()
            made = self._made(node, target)
            if made is not None:
                self._finish(manager)
                return made
            manager.step()
            node.clock.wait(threading.Event(), _PAUSE_S)
        raise NotPosted("the wrong assertion is not on L1: is the window of its siblings over?")

    def _made(self, node: Node, target: Target) -> StoredAssertion | None:
        """Return our assertion about the target's batch once L1 has it."""
        covering = node.store.assertions_covering(target.batch)
        return next((item for item in covering if item.poster == self._signer.address), None)

    def _finish(self, manager: TxManager) -> None:
        """Send what is queued until nothing is left to do."""
        idle_turns = 0
        while idle_turns < _IDLE_TURNS:
            idle_turns = 0 if manager.step() else idle_turns + 1
            threading.Event().wait(_PAUSE_S)

    def _replica(self, name: str, plan: FaultPlan | None) -> Node:
        """Return a replica that has derived everything on L1."""
        config = NodeConfig(
            data_dir=self._folder / name, role=Role.REPLICA, asserts=False, durable=False, rpc=None
        )
        build = EvmEngine if plan is None else lying_engines(plan)
        node = Node(self._deployment, config, Surroundings(client=self._client, build_engine=build))
        while node.tick():
            self._say(f"{name} replica: {node.store.batch_count()} batches derived")
        return node


def _newest(node: Node, batch: Batch) -> Target | None:
    """Return the newest signed transaction of a batch."""
    for number in range(batch.last_block, batch.first_block - 1, -1):
        for found in reversed(node.store.transactions(number)):
            if found.deposit_index is None:
                return Target(tx_hash=found.hash, batch=batch.index, block=number)
    return None
