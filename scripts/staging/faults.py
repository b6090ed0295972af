"""An engine that lies about one transaction.

It wraps the real engine and changes the result of a chosen transaction, or executes
it under a pretence, so the lie passes through the aggregator's own sequencer, batches and assertions like
any honest result would.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from optimistic.protocol import mpt
from optimistic.protocol.accounts import Account
from optimistic.protocol.engine import BlockEnv, Log, Outcome, Skip
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import Deposit
from optimistic.protocol.types import Hash32
from scripts.staging.pretence import Pretence, code_hashes, with_code, with_code_hashes, with_words

EvmFactory = Callable[[Hash32], EvmEngine]
"""Builds an honest engine that stands on a 32-byte state root."""


class Lie(StrEnum):
    """What the lying engine changes in the result of one transaction."""

    CREDIT = "credit"
    """The sender gets ether from nowhere."""
    NONCE = "nonce"
    """The sender's nonce rises once too often."""
    GAS = "gas"
    """The receipt names one gas more than was used."""
    STATUS = "status"
    """Success is reported as failure and failure as success."""
    LOGS = "logs"
    """The receipt hides the last log, or has one that nobody emitted."""


@dataclass(slots=True)
class FaultPlan:
    """Which transaction every engine of one node lies about, and how."""

    lie: Lie | Pretence
    tx_hash: Hash32 | None = None
    """None until the liar has chosen."""
    amount_wei: int = 10**18


class FaultyEngine:
    """Executes honestly except for the one transaction of its plan.

    Parameters
    ----------
    make_engine : builds the honest engine underneath
    nodes : the store that engine writes to
    state_root : where to start
    plan : shared by all engines of a node, so that it repeats its lie
    """

    def __init__(
        self, make_engine: EvmFactory, nodes: NodeStore, state_root: Hash32, plan: FaultPlan
    ) -> None:
        self._make_engine = make_engine
        self._nodes = nodes
        self._plan = plan
        self._inner = make_engine(state_root)
        self._env: BlockEnv | None = None

    @property
    def state_root(self) -> Hash32:
        """World state root after the last unit, lie included."""
        return self._inner.state_root

    def flush(self) -> None:
        """Store all trie nodes and code built since the last flush."""
        self._inner.flush()

    def begin_block(self, env: BlockEnv) -> None:
        """Set what block opcodes see from now on."""
        self._env = env
        self._inner.begin_block(env)

    def apply_deposit(self, index: int, deposit: Deposit) -> Outcome:
        """Execute a deposit honestly."""
        return self._inner.apply_deposit(index, deposit)

    def apply_transaction(self, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        """Execute a transaction; lie if it is the one of the plan."""
        if isinstance(self._plan.lie, Pretence) and keccak256(raw) == self._plan.tx_hash:
            return self._pretend(self._plan.lie, raw, left)
        outcome = self._inner.apply_transaction(raw, left)
        if isinstance(outcome, Skip) or outcome.tx_hash != self._plan.tx_hash:
            return outcome
        return outcome if isinstance(self._plan.lie, Pretence) else self._lie_about(outcome, self._plan.lie)

    def _pretend(self, pretence: Pretence, raw: bytes, left: tuple[int, int]) -> Outcome | Skip:
        """Execute a transaction in a world that is not."""
        self._inner.flush()
        before = self.state_root
        honest_code = code_hashes(self._nodes, before, pretence.code)
        root = with_code(self._nodes, before, pretence.code)
        self._stand_on(with_words(self._nodes, root, pretence.before))
        outcome = self._inner.apply_transaction(raw, left)
        if isinstance(outcome, Skip):
            self._stand_on(before)
            return outcome
        self._inner.flush()
        root = with_code_hashes(self._nodes, self.state_root, honest_code)
        self._stand_on(with_words(self._nodes, root, pretence.after))
        return replace(outcome, state_root=self.state_root)

    def _lie_about(self, outcome: Outcome, lie: Lie) -> Outcome:
        match lie:
            case Lie.GAS:
                return replace(outcome, gas_used=outcome.gas_used + 1)
            case Lie.STATUS:
                return replace(outcome, status=1 - outcome.status)
            case Lie.LOGS:
                forged = (Log(address=outcome.sender, topics=(), data=b""),)
                return replace(outcome, logs=outcome.logs[:-1] if outcome.logs else forged)
            case Lie.CREDIT:
                return self._change_sender(outcome, credit_wei=self._plan.amount_wei)
            case Lie.NONCE:
                return self._change_sender(outcome, extra_nonce=1)

    def _change_sender(self, outcome: Outcome, *, credit_wei: int = 0, extra_nonce: int = 0) -> Outcome:
        self._inner.flush()
        account = self._inner.account(outcome.sender)
        changed = Account(
            nonce=account.nonce + extra_nonce,
            balance=account.balance + credit_wei,
            storage_root=account.storage_root,
            code_hash=account.code_hash,
        )
        root, written = mpt.commit(
            self._nodes, self.state_root, {keccak256(outcome.sender): changed.encode()}
        )
        self._nodes.put_many(written)
        self._stand_on(root)
        return replace(outcome, state_root=root)

    def _stand_on(self, root: Hash32) -> None:
        """Go on from another state, in the same block."""
        self._inner = self._make_engine(root)
        if self._env is not None:
            self._inner.begin_block(self._env)


def lying_engines(plan: FaultPlan) -> Callable[[RollupParams, NodeStore, Hash32], FaultyEngine]:
    """Return what builds the engines of a node that follows `plan`."""

    def build(params: RollupParams, nodes: NodeStore, state_root: Hash32) -> FaultyEngine:
        return FaultyEngine(lambda root: EvmEngine(params, nodes, root), nodes, state_root, plan)

    return build
