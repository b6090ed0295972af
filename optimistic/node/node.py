"""The composition root: builds a node from a deployment, options and an L1, and runs it.

Two ways to run: `run` gives every part a thread of its own until the process is
told to stop; `tick` lets each part take one turn in a fixed order, for tests
and demonstrations that move time themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from optimistic.node.asserter import Asserter
from optimistic.node.batcher import Batcher
from optimistic.node.block_builder import NodeEngine
from optimistic.node.chain import Chain
from optimistic.node.chain_reader import DERIVER
from optimistic.node.chain_store import CHAIN_MIGRATIONS, ChainStore
from optimistic.node.closed_pool import ClosedPool
from optimistic.node.config import InvalidConfig, NodeConfig, Role
from optimistic.node.defender import Defender
from optimistic.node.derived_traces import DerivedTraces
from optimistic.node.deriver import Deriver
from optimistic.node.game_feed import GameFeed
from optimistic.node.gateway import Gateway
from optimistic.node.genesis_block import genesis_block
from optimistic.node.head_state import HeadState
from optimistic.node.l1_clock import L1Clock
from optimistic.node.mempool import Mempool
from optimistic.node.right_path import RightPath
from optimistic.node.rpc.backend import RpcBackend, make_server
from optimistic.node.rpc.ports import TransactionPool
from optimistic.node.rpc.server import RpcServer
from optimistic.node.sequencer import Sequencer
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.genesis import Genesis
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.contracts import AssertionChain, DisputeGame, Inbox
from optimistic.service.data_folder import DataFolder
from optimistic.service.database import Database
from optimistic.service.deployment import Deployment, verify_against_l1
from optimistic.service.game_readiness import GameContracts
from optimistic.service.health import Health
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import LogFilter
from optimistic.service.lifecycle import LoopOptions, Step, Supervisor
from optimistic.service.log_reader import LogReader
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.node_store import LmdbNodeStore
from optimistic.service.signer import Signer
from optimistic.service.storage_errors import CorruptStorage
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_workers import WorkerProcesses, Workers
from optimistic.service.tx_manager import TxManager
from optimistic.service.unit_traces import TraceShop
from optimistic.service.wal import SyncPolicy, Wal

log = structlog.get_logger(__name__)

EngineBuilder = Callable[[RollupParams, NodeStore, Hash32], NodeEngine]
"""Builds an engine on a node store and a state root."""

WorkersBuilder = Callable[[LmdbNodeStore, TraceCache, int], Workers]
"""(trie nodes, cache of traces, how many) -> those who make traces."""

_SEQUENCER_POLL_S = 0.005
_WAL_SEGMENT_BYTES = 8 << 20


def worker_processes(nodes: LmdbNodeStore, cache: TraceCache, count: int) -> Workers:
    """Have traces made by other processes, which read the same trie nodes."""
    return WorkerProcesses(nodes.folder, cache, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """Keys of an aggregator; one key may have both parts."""

    sequencer: Signer
    staker: Signer | None = None
    """Asserts and stakes; None is the sequencer's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a node stands in, besides its deployment and options."""

    client: L1Client
    signers: Signers | None = None
    """None only for a replica."""
    clock: Clock | None = None
    metrics: Metrics | None = None
    health: Health = field(default_factory=Health)
    """Told how every loop fares."""
    build_engine: EngineBuilder = EvmEngine
    build_workers: WorkersBuilder = worker_processes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loop:
    """One part's turn, and the pause between turns when it runs by itself."""

    name: str
    step: Step
    interval_s: float


class Node:
    """An aggregator or a replica.

    Parameters
    ----------
    deployment : the rollup
    config : the operator's options
    around : L1, keys, clock, engine

    Raises
    ------
    InvalidConfig : the options contradict each other, or a key does not fit the deployment
    DeploymentMismatch : L1 does not hold this deployment
    CorruptStorage, DataFolderInUse : the data folder cannot be used
    """

    def __init__(self, deployment: Deployment, config: NodeConfig, around: Surroundings) -> None:
        self.deployment = deployment
        self.config = config
        self.params = deployment.params
        self.client = around.client
        self.clock: Clock = around.clock if around.clock is not None else SystemClock()
        self._health = around.health
        self._metrics: Metrics = around.metrics if around.metrics is not None else NoopMetrics()
        self._closers: list[Callable[[], None]] = []
        self._loops: list[_Loop] = []
        self._supervisor = Supervisor()
        config.check(self.params)
        verify_against_l1(deployment, around.client)
        try:
            self._open_storage(around.build_engine)
            self._add_follower()
            if config.role is Role.AGGREGATOR:
                self._add_aggregator(_checked(around.signers, deployment), around.build_workers)
            self._add_rpc()
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------------------------ building

    def _open_storage(self, build_engine: EngineBuilder) -> None:
        folder, durable = self.config.data_dir, self.config.durable
        self._closers.append(DataFolder(folder).close)
        genesis = self.deployment.build_genesis()
        self.nodes = LmdbNodeStore(folder / "nodes", durable=durable)
        self._closers.append(self.nodes.close)
        self.nodes.put_many(genesis.nodes)
        path = folder / "chain.db"
        self.database = Database(path, CHAIN_MIGRATIONS)
        self._closers.append(self.database.close)
        self.store = ChainStore(self.database, path)
        self._closers.append(self.store.close)
        self._initialize_chain(genesis)
        self.chain = Chain(
            self.params,
            self.store,
            lambda root: build_engine(self.params, self.nodes, root),
            genesis.state,
            requeue=self.config.role is Role.AGGREGATOR,
        )
        self.head_state = HeadState(self.nodes, self.chain.head.state_root)
        self.chain.on_change(lambda change: self.head_state.move_to(change.head.state_root))

    def _initialize_chain(self, genesis: Genesis) -> None:
        identity = {
            "config_hash": self.deployment.config_hash.hex(),
            "genesis_assertion": self.deployment.genesis.assertion_id.hex(),
            "role": self.config.role.value,
        }
        self.store.initialize(identity, genesis_block(genesis))
        head = self.store.heads().unsafe
        if self.nodes.get(head.state_root) is None:
            raise CorruptStorage(
                f"the state of block {head.number} is missing in {self.config.data_dir}: delete chain.db and "
                "nodes there, keep wal, and start again to rebuild from L1"
            )

    def _add_follower(self) -> None:
        contracts = self.deployment.contracts
        wanted = LogFilter(addresses=(contracts.inbox, contracts.assertion_chain))
        reader = LogReader(
            self.client,
            self.database,
            wanted,
            start_block=self.deployment.deploy_block,
            name=DERIVER,
            options=self.config.reader,
        )
        self.right = RightPath(self.params, self.store, self.deployment.genesis.assertion_id)
        self.l1_clock = L1Clock(self.clock)
        self.deriver = Deriver(self.params, self.chain, self.store, self.client, reader, self.l1_clock)
        self._loops.append(self._l1_loop("deriver", self.deriver.step))

    def _add_aggregator(self, signers: Signers, build_workers: WorkersBuilder) -> None:
        policy = SyncPolicy.GROUP if self.config.durable else SyncPolicy.NONE
        wal = Wal(self.config.data_dir / "wal", sync_policy=policy, segment_bytes=_WAL_SEGMENT_BYTES)
        self._closers.append(wal.close)
        mempool = Mempool(self.params, self.config.mempool, self.head_state.account)
        self.gateway = Gateway(mempool, wal, self.store)
        self.gateway.follow(self.chain)
        self._recovers_late = self.store.derive_cursor() is None
        if not self._recovers_late:
            self.gateway.recover()
        self.sequencer = Sequencer(
            self.params, self.chain, self.store, self.gateway, self.config.sequencer, self.l1_clock
        )
        inbox = Inbox(self.client, self.deployment.contracts.inbox)
        sender = self._sender(signers.sequencer)
        self.batcher = Batcher(self.params, self.store, inbox, sender, self.config.batcher, self.l1_clock)
        self._loops += [
            _Loop(name="sequencer", step=self._sequence, interval_s=_SEQUENCER_POLL_S),
            self._l1_loop("batcher", self.batcher.step),
        ]
        senders = {"sender": sender}
        if self.config.asserts:
            staker = signers.staker or signers.sequencer
            if staker.address != sender.sender:
                senders["stake_sender"] = self._sender(staker)
            stake_sender = senders.get("stake_sender", sender)
            self.asserter = self._asserter(stake_sender)
            self._loops.append(self._l1_loop("asserter", self.asserter.step))
            if self.config.defends:
                self.defender = self._defender(stake_sender, build_workers)
                self._loops.append(self._l1_loop("defender", self.defender.step))
        self._loops += [self._l1_loop(name, manager.step) for name, manager in senders.items()]

    def _sequence(self) -> bool:
        """Produce blocks once L1 has been followed to its head.

        A node whose database was lost rebuilds it first; only then do the transactions
        in its log make sense again.
        """
        if not self.deriver.has_caught_up:
            return False
        if self._recovers_late:
            self.gateway.recover()
            self._recovers_late = False
        self.gateway.compact()
        return self.sequencer.step()

    def _sender(self, signer: Signer) -> TxManager:
        return TxManager(
            self.client,
            signer,
            self.database,
            options=self.config.transactions,
            clock=self.clock,
            metrics=self._metrics,
        )

    def _asserter(self, sender: TxManager) -> Asserter:
        contracts = self.deployment.contracts
        return Asserter(
            self.right,
            AssertionChain(self.client, contracts.assertion_chain),
            DisputeGame(self.client, contracts.dispute_game),
            sender,
            self.config.asserter,
        )

    def _defender(self, sender: TxManager, build_workers: WorkersBuilder) -> Defender:
        contracts, options = self.deployment.contracts, self.config.defender
        reader = LogReader(
            self.client,
            self.database,
            LogFilter(addresses=(contracts.assertion_chain, contracts.dispute_game)),
            start_block=self.deployment.deploy_block,
            name="defender",
            options=self.config.reader,
        )
        cache = TraceCache(self.config.data_dir / "traces", options.cache_bytes)
        cache.sweep()
        workers = build_workers(self.nodes, cache, options.workers)
        shop = TraceShop(cache, workers, clock=self.clock, metrics=self._metrics)
        self._closers.append(shop.close)
        genesis = self.deployment.build_genesis().state
        return Defender(
            self.right,
            GameFeed(self.database, reader, self.params.log_arity),
            DerivedTraces(self.params, self.store, genesis, shop),
            GameContracts(
                game=DisputeGame(self.client, contracts.dispute_game),
                chain=AssertionChain(self.client, contracts.assertion_chain),
                account=sender.sender,
                challenge_period_s=self.params.challenge_period_s,
            ),
            sender,
            metrics=self._metrics,
        )

    def _add_rpc(self) -> None:
        is_aggregator = self.config.role is Role.AGGREGATOR
        self.pool: TransactionPool = self.gateway if is_aggregator else ClosedPool(self.head_state.account)
        self.rpc: RpcServer | None = None
        if self.config.rpc is None:
            return
        backend = RpcBackend(
            reader=self.store, nodes=self.nodes, pool=self.pool, sync=self.deriver, rollup=self.params
        )
        server = make_server(backend, self.config.rpc)
        self.chain.on_change(lambda _: server.chain_changed())
        if is_aggregator:
            self.gateway.on_accepted(server.transaction_accepted)
        self.rpc = server

    def _l1_loop(self, name: str, step: Step) -> _Loop:
        return _Loop(name=name, step=step, interval_s=self.config.l1_poll_ms / 1_000)

    # ------------------------------------------------------------------------------ running

    def run(self, *, install_signals: bool = True) -> int:
        """Serve until told to stop or a critical error; close everything; return the exit code.

        Raises
        ------
        PortTaken : JSON-RPC cannot listen where the options say
        """
        for loop in self._loops:
            self._supervisor.add_loop(loop.step, self._loop_options(loop), self.clock)
        self._supervisor.on_close("node", self.close)
        if self.rpc is not None:
            try:
                self.rpc.start()
            except BaseException:
                self.close()
                raise
            self._supervisor.on_close("rpc", self.rpc.stop)
        log.info("node_started", role=self.config.role.value, head=self.chain.head.number)
        return self._supervisor.run(install_signals=install_signals)

    def _loop_options(self, loop: _Loop) -> LoopOptions:
        return LoopOptions(
            name=loop.name,
            interval_s=loop.interval_s,
            on_success=partial(self._health.ok, loop.name),
            on_failure=lambda error: self._health.failed(loop.name, str(error)),
        )

    def add_loop(self, name: str, step: Step, interval_s: float) -> None:
        """Have another part take turns with the node's own; before `run`."""
        self._loops.append(_Loop(name=name, step=step, interval_s=interval_s))

    def on_close(self, close: Callable[[], None]) -> None:
        """Have `close` called when the node ends."""
        self._closers.append(close)

    def stop(self) -> None:
        """Ask `run` to end; safe from any thread."""
        self._supervisor.stop()

    def tick(self) -> bool:
        """Let every part take one turn, in a fixed order; return whether any did something."""
        progressed = [bool(loop.step()) for loop in self._loops]
        return any(progressed)

    def close(self) -> None:
        """Release files and databases, newest first."""
        while self._closers:
            self._closers.pop()()


def _checked(signers: Signers | None, deployment: Deployment) -> Signers:
    if signers is None:
        raise InvalidConfig("an aggregator needs the sequencer's key")
    if signers.sequencer.address != deployment.sequencer:
        raise InvalidConfig(
            f"the sequencer's key is of 0x{signers.sequencer.address.hex()}, "
            f"the deployment names 0x{deployment.sequencer.hex()}"
        )
    return signers
