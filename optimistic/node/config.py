"""What an operator chooses for a node; consensus parameters come from the deployment."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from optimistic.node.asserter import AsserterOptions
from optimistic.node.batcher import BatcherOptions
from optimistic.node.defender import DefenderOptions
from optimistic.node.mempool import MempoolLimits
from optimistic.node.rpc.options import RpcOptions
from optimistic.node.sequencer import SequencerOptions
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.params import RollupParams
from optimistic.service.log_reader import ReaderOptions
from optimistic.service.tx_types import TxOptions


class InvalidConfig(InvalidInput):
    """Options that no node can run with; the text names all problems."""


class Role(StrEnum):
    """What a node does besides following L1."""

    AGGREGATOR = "aggregator"
    """Sequences, posts batches and asserts."""
    REPLICA = "replica"
    """Nothing: it is rebuilt from L1 alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """Options of one node."""

    data_dir: Path
    """Folder of its databases; one process at a time."""
    role: Role = Role.AGGREGATOR
    asserts: bool = True
    """Whether an aggregator stakes and asserts, or leaves that to others."""
    defends: bool = True
    """Whether an aggregator that asserts plays disputes about right assertions, or leaves that to others."""
    l1_poll_ms: int = 500
    """Pause between two looks at L1."""
    durable: bool = True
    """Sync to the medium; without it a power cut (not a kill) may cost the latest data."""
    sequencer: SequencerOptions = field(default_factory=SequencerOptions)
    batcher: BatcherOptions = field(default_factory=BatcherOptions)
    asserter: AsserterOptions = field(default_factory=AsserterOptions)
    defender: DefenderOptions = field(default_factory=DefenderOptions)
    mempool: MempoolLimits = field(default_factory=MempoolLimits)
    reader: ReaderOptions = field(default_factory=ReaderOptions)
    transactions: TxOptions = field(default_factory=TxOptions)
    rpc: RpcOptions | None = field(default_factory=RpcOptions)
    """None serves no JSON-RPC."""

    def check(self, params: RollupParams) -> None:
        """Check the options against each other and against the rollup's parameters.

        Raises
        ------
        InvalidConfig : names every problem at once
        """
        problems = [*self._range_problems(), *self._relation_problems(params)]
        if problems:
            raise InvalidConfig("; ".join(problems))
        if self.rpc is not None:
            self.rpc.check()

    def _range_problems(self) -> list[str]:
        bounds = (
            ("l1_poll_ms", self.l1_poll_ms, 10, 60_000),
            ("sequencer.block_interval_ms", self.sequencer.block_interval_ms, 100, 60_000),
            ("sequencer.deposit_confirmations", self.sequencer.deposit_confirmations, 1, 1_000),
            ("sequencer.max_drift_s", self.sequencer.max_drift_s, 1, 3_600),
            ("batcher.max_delay_s", self.batcher.max_delay_s, 0, 86_400),
            ("batcher.max_empty_delay_s", self.batcher.max_empty_delay_s, 0, 86_400),
            ("batcher.posting_margin_s", self.batcher.posting_margin_s, 0, 600),
            ("asserter.batch_confirmations", self.asserter.batch_confirmations, 1, 1_000),
            ("asserter.interval_s", self.asserter.interval_s, 0, 1 << 32),
            ("asserter.max_batches", self.asserter.max_batches, 1, 1 << 10),
            ("defender.workers", self.defender.workers, 1, 64),
            ("defender.cache_bytes", self.defender.cache_bytes, 1 << 20, 1 << 50),
            ("mempool.max_transactions", self.mempool.max_transactions, 1, 1_000_000),
            ("mempool.max_per_sender", self.mempool.max_per_sender, 1, 1_000_000),
            ("mempool.replacement_bump_percent", self.mempool.replacement_bump_percent, 0, 1_000),
            ("reader.confirmations", self.reader.confirmations, 0, 1_000),
        )
        return [
            f"{name} must lie in {low}..{high}, not {value}"
            for name, value, low, high in bounds
            if not low <= value <= high
        ]

    def _relation_problems(self, params: RollupParams) -> list[str]:
        problems = []
        if self.batcher.max_empty_delay_s < self.batcher.max_delay_s:
            problems.append("batcher.max_empty_delay_s must not be below batcher.max_delay_s")
        if self.batcher.max_empty_delay_s >= params.max_time_lag_s:
            problems.append(
                f"batcher.max_empty_delay_s must be below the rollup's time lag of {params.max_time_lag_s} s"
            )
        if self.sequencer.max_drift_s >= params.max_time_lag_s:
            problems.append(
                f"sequencer.max_drift_s must be below the rollup's time lag of {params.max_time_lag_s} s"
            )
        if self.reader.confirmations and self.role is Role.AGGREGATOR:
            problems.append("an aggregator follows L1's newest block: reader.confirmations must be 0")
        return problems
