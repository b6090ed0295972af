"""Real nodes on the in-process L1, turn by turn: nothing sleeps, nothing opens a socket."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from optimistic.node.asserter import AsserterOptions
from optimistic.node.batcher import BatcherOptions
from optimistic.node.config import NodeConfig, Role
from optimistic.node.node import EngineBuilder, Node, Signers, Surroundings, WorkersBuilder
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.mpt import NodeReader
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.types import Address
from optimistic.service.log_reader import FinalityMode, ReaderOptions
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_workers import InlineWorker, Workers
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import ETHER, Stage

READER = ReaderOptions(finality=FinalityMode.DEPTH, safe_depth=2, finalized_depth=4)


def at_once(nodes: NodeReader, cache: TraceCache, _: int) -> Workers:
    """Have traces made in this process."""
    return InlineWorker(nodes, cache)


class NodeWorld(Stage):
    """An L1, a deployment, and any number of nodes; L1 closes a block each turn."""

    def __init__(self, folder: Path, params: RollupParams = DEVNET) -> None:
        super().__init__(folder, params)
        self.l1.set_auto_mine(True)
        self._nodes: list[Node] = []

    def config(self, name: str, role: Role, **changes: Any) -> NodeConfig:
        """Options without sockets and without waiting."""
        base = NodeConfig(
            data_dir=self.folder / name,
            role=role,
            rpc=None,
            durable=False,
            reader=READER,
            asserter=AsserterOptions(interval_s=0),
            batcher=BatcherOptions(max_delay_s=2, max_empty_delay_s=6),
        )
        return replace(base, **changes)

    def aggregator(
        self,
        name: str = "aggregator",
        build_engine: EngineBuilder = EvmEngine,
        build_workers: WorkersBuilder = at_once,
        **changes: Any,
    ) -> Node:
        """Start an aggregator; starting the same name again is a restart."""
        signers = Signers(sequencer=self.sequencer.signer, staker=self.bob.signer)
        around = Surroundings(
            client=self.client,
            signers=signers,
            clock=self.clock,
            build_engine=build_engine,
            build_workers=build_workers,
        )
        return self._keep(Node(self.deployment, self.config(name, Role.AGGREGATOR, **changes), around))

    def replica(self, name: str = "replica", **changes: Any) -> Node:
        """Start a replica."""
        around = Surroundings(client=self.client, clock=self.clock)
        return self._keep(Node(self.deployment, self.config(name, Role.REPLICA, **changes), around))

    def _keep(self, node: Node) -> Node:
        self._nodes.append(node)
        return node

    def turn(self, *nodes: Node, times: int = 1) -> None:
        """Let a second pass, close an L1 block, give each node a turn."""
        for _ in range(times):
            self.clock.advance(1)
            self.l1.mine()
            for node in nodes:
                node.tick()

    def catch_up(self, node: Node) -> None:
        """Let a node follow L1 to its head."""
        while node.deriver.step():
            pass

    def until_safe(self, node: Node, block: int | None = None, limit: int = 40) -> None:
        """Take turns until a block (the present unsafe head) is safe."""
        wanted = node.chain.head.number if block is None else block
        for _ in range(limit):
            if node.store.heads().safe.number >= wanted:
                return
            self.turn(node)
        raise AssertionError(f"block {wanted} did not become safe in {limit} turns")

    def funded(self, node: Node, number: int = 1, wei: int = ETHER) -> Wallet:
        """Return a wallet whose deposit the node has executed."""
        wallet = Wallet(number, self.params.l2_chain_id)
        self.deposit(wallet.address, wei)
        self.turn(node, times=2)
        assert self.balance(node, wallet.address) >= wei, "the deposit was executed"
        return wallet

    def balance(self, node: Node, account: Address) -> int:
        """Balance at a node's unsafe head."""
        return node.head_state.account(account).balance

    def close(self) -> None:
        """Close every node that is still open."""
        for node in self._nodes:
            node.close()
