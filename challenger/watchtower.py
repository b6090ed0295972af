"""The composition root: builds a watchtower from its options and runs it."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from challenger.config import ChallengerConfig, Mode
from challenger.loader import Loader, LoaderOptions
from challenger.monitor import Findings, Monitor, MonitorOptions, Performer
from challenger.policy import Policy
from challenger.preconditions import Contracts
from challenger.report import findings_document, summary
from challenger.responder import DryRun, Responder
from challenger.right_traces import RightTraces
from challenger.store import Store
from challenger.verifier import Verifier
from optimistic.protocol.errors import RollupError, TemporaryError
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.contracts import AssertionChain, DisputeGame, Inbox
from optimistic.service.data_folder import DataFolder
from optimistic.service.deployment import Deployment, verify_against_l1
from optimistic.service.files import replace_text
from optimistic.service.health import Health, HealthServer
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_transport import HttpTransport, RetryingTransport
from optimistic.service.lifecycle import Backoff, LoopOptions, Supervisor
from optimistic.service.metrics import PrometheusMetrics
from optimistic.service.node_store import LmdbNodeStore
from optimistic.service.signer import Signer
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_workers import InlineWorker, WorkerProcesses, Workers
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import TxOptions
from optimistic.service.unit_traces import TraceShop

log = structlog.get_logger(__name__)

METRICS_PREFIX: Final = "challenger"
FINDINGS_FILE: Final = "findings.json"
_DATABASE_FILE: Final = "watchtower.db"
_NODES_FOLDER: Final = "nodes"
_TRACES_FOLDER: Final = "traces"
_TX_INTERVAL_S: Final = 0.5
_GWEI: Final = 10**9
_BACKOFF: Final = Backoff(limit_s=5.0)
"""Windows may be short: a failing endpoint is asked again soon."""


def _connect(url: str, chain_id: int, timeout_ms: int) -> L1Client:
    transport = RetryingTransport(HttpTransport(url, timeout_ms=timeout_ms), SystemClock())
    return L1Client(transport, chain_id=chain_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """How a watchtower reaches the outside; tests put an in-process L1 and their own clock here."""

    connect: Callable[[str, int, int], L1Client] = _connect
    """(url, chain id, timeout in ms) -> client."""
    clock: Clock = field(default_factory=SystemClock)


class Watchtower:
    """Everything one process needs, opened; close it when done.

    Parameters
    ----------
    signer : whose transactions are sent; None where nothing is sent

    Raises
    ------
    DataFolderInUse : another process works in the same folder
    DeploymentMismatch, InvalidDeployment, WrongL1Chain : L1 is not what the deployment says
    """

    def __init__(self, config: ChallengerConfig, wiring: Wiring, signer: Signer | None) -> None:
        self.config = config
        self.deployment = Deployment.load(config.deployment)
        self.clock = wiring.clock
        self.metrics = PrometheusMetrics(METRICS_PREFIX)
        self.health = Health()
        self._published: Findings | None = None
        chain_id = self.deployment.params.l1_chain_id
        self.client = wiring.connect(config.l1_rpc_url, chain_id, config.l1_timeout_ms)
        verify_against_l1(self.deployment, self.client)
        check_client = None
        if config.l1_check_url is not None:
            check_client = wiring.connect(config.l1_check_url, chain_id, config.l1_timeout_ms)
        with ExitStack() as resources:
            self._open(resources, check_client, signer)
            self._resources = resources.pop_all()

    def _open(self, resources: ExitStack, check_client: L1Client | None, signer: Signer | None) -> None:
        config, params = self.config, self.deployment.params
        self.account = _account(config, signer)
        resources.enter_context(DataFolder(config.data_dir))
        self.store = Store.open(config.data_dir / _DATABASE_FILE)
        resources.callback(self.store.close)
        self.nodes = LmdbNodeStore(config.data_dir / _NODES_FOLDER)
        resources.callback(self.nodes.close)
        genesis = self.deployment.build_genesis()
        self.nodes.put_many(genesis.nodes)
        self.loader = Loader(
            self.client,
            self.deployment,
            self.store,
            LoaderOptions(
                confirmations=config.l1_confirmations,
                account=self.account,
                claim_for=tuple(map(Address, config.claim_for)),
            ),
            check_client=check_client,
            metrics=self.metrics,
        )
        self.verifier = Verifier(params, genesis.state, self.store, self.nodes)
        self.shop = self._trace_shop()
        resources.callback(self.shop.close)
        self.manager = None if signer is None or config.mode is not Mode.ACT else self._manager(signer)
        self.monitor = Monitor(
            self.loader,
            RightTraces(
                self.verifier,
                self.loader,
                self.shop,
                params.log_arity,
                checks_engines=config.cross_checks,
            ),
            self._performer(),
            MonitorOptions(
                genesis_end_leaf=genesis.end_leaf,
                policy=_policy(config, params.force_delay_s),
                batches_per_turn=config.batches_per_turn,
                stale_after_s=config.stale_after_ms // 1000,
            ),
            clock=self.clock,
            metrics=self.metrics,
        )

    def _trace_shop(self) -> TraceShop:
        config = self.config
        cache = TraceCache(config.data_dir / _TRACES_FOLDER, config.trace_cache_bytes)
        cache.sweep()
        workers: Workers = (
            WorkerProcesses(config.data_dir / _NODES_FOLDER, cache, config.trace_workers)
            if config.trace_workers
            else InlineWorker(self.nodes, cache)
        )
        return TraceShop(cache, workers, clock=self.clock, metrics=self.metrics)

    def _manager(self, signer: Signer) -> TxManager:
        options = TxOptions(
            confirmations=max(1, self.config.l1_confirmations), max_fee_wei=self.config.max_fee_gwei * _GWEI
        )
        return TxManager(
            self.client,
            signer,
            self.store.database,
            options=options,
            clock=self.clock,
            metrics=self.metrics,
        )

    def _performer(self) -> Performer:
        if self.manager is None:
            return DryRun()
        contracts = self.deployment.contracts
        return Responder(
            Contracts(
                client=self.client,
                inbox=Inbox(self.client, contracts.inbox),
                chain=AssertionChain(self.client, contracts.assertion_chain),
                game=DisputeGame(self.client, contracts.dispute_game),
                account=self.manager.sender,
                challenge_period_s=self.deployment.params.challenge_period_s,
            ),
            self.manager,
            self.store,
            self.metrics,
            max_spend_wei=self.config.max_spend_wei,
        )

    # ------------------------------------------------------------------------------ running

    def turn(self) -> bool:
        """Do one turn of the monitor and publish what it found."""
        more = self.monitor.turn()
        self._publish()
        return more

    def catch_up(self, after_turn: Callable[["Watchtower"], None] = lambda _: None) -> None:
        """Do turns until there is nothing left to read or replay."""
        while self.turn():
            after_turn(self)
        after_turn(self)

    def run(self) -> int:
        """Run as a daemon until told to stop and return the exit code."""
        supervisor = Supervisor()
        supervisor.on_close("watchtower", self.close)
        interval_s = self.config.poll_interval_ms / 1000
        supervisor.add_loop(self.turn, self._loop("monitor", interval_s), self.clock)
        if self.manager is not None:
            supervisor.add_loop(self.manager.step, self._loop("transactions", _TX_INTERVAL_S), self.clock)
        if self.config.health is not None:
            server = HealthServer(self.config.health, self.health, self.metrics)
            supervisor.on_close("health", server.close)
            server.start()
            log.info("health_served", host=self.config.health.host, port=server.port)
        self.metrics.gauge("up", 1)
        log.info(
            "watchtower_started",
            mode=self.config.mode.value,
            account=self.account,
            chain=self.deployment.contracts.assertion_chain,
        )
        return supervisor.run()

    def close(self) -> None:
        """Release every file."""
        self._resources.close()

    def _loop(self, name: str, interval_s: float) -> LoopOptions:
        def failed(error: RollupError) -> None:
            self.metrics.count("turns_failed", loop=name, error=type(error).__name__)
            self.health.failed(name, str(error))

        return LoopOptions(
            name=name,
            interval_s=interval_s,
            on_failure=failed,
            on_success=lambda: self.health.ok(name),
            backoff=_BACKOFF,
        )

    def _publish(self) -> None:
        findings = self.monitor.findings
        if findings is None or findings is self._published:
            return
        self._published = findings
        document = findings_document(findings)
        replace_text(self.config.data_dir / FINDINGS_FILE, json.dumps(document))
        for name, value in summary(document).items():
            self.health.set_fact(name, value)


def open_patiently(config: ChallengerConfig, wiring: Wiring, signer: Signer | None) -> Watchtower:
    """Open a watchtower; wait while L1 cannot be reached or read."""
    never, failures = threading.Event(), 0
    while True:
        try:
            return Watchtower(config, wiring, signer)
        except TemporaryError as error:
            failures += 1
            delay_s = _BACKOFF.delay_s(failures, 0.5)
            log.warning("start_delayed", error=str(error), failures=failures, retry_in_s=delay_s)
        wiring.clock.wait(never, delay_s)


def read_findings(data_dir: Path) -> dict[str, Any] | None:
    """Return what a running watchtower wrote last, or None."""
    try:
        document = json.loads((data_dir / FINDINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def _account(config: ChallengerConfig, signer: Signer | None) -> Address | None:
    if config.mode is Mode.WATCH_ONLY:
        return None
    if signer is not None:
        return signer.address
    return None if config.account is None else Address(config.account)


def _policy(config: ChallengerConfig, force_delay_s: int) -> Policy:
    patience_s = 2 * force_delay_s if config.assert_after_ms is None else config.assert_after_ms // 1000
    return Policy(
        back=config.back,
        assert_after_s=patience_s,
        max_delay_s=config.max_delay_ms // 1000,
        release_stake=config.release_stake,
        response_delay_s=config.response_delay_ms // 1000,
        response_delay_after=config.response_delay_after,
    )
