"""Running one case through the path that batches take: our decoder, our validity rules, the engine."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from optimistic.protocol.engine import BlockEnv, Log, Outcome, Skip
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.strict_rlp import encode
from optimistic.protocol.types import Hash32
from tests.conformance.cases import Case, block_of, state_of
from tests.helpers.memory_nodes import MemoryNodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the cases of one test share: the block and the state before."""

    env: BlockEnv
    nodes: MemoryNodes
    root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How cases are run."""

    engine: str = "py-evm"
    max_steps: int | None = None
    """A case with more steps is dropped; engines without steps drop none."""
    check_witness: bool = False
    """Repeat every step with nothing but its witness."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one case."""

    failure: str | None
    """Why it failed, None if it passed."""
    steps: int = 0
    """Steps it took, where the engine has steps."""
    is_dropped: bool = False
    """Whether it took more steps than are wanted, and was not run to its end."""


Engine = Callable[[Case, Setting, Run], Verdict]


@dataclass(frozen=True, slots=True)
class Replay:
    """A case as `EvmEngine` executes it."""

    outcome: Outcome | Skip
    state_root: Hash32
    failure: str | None
    """How it differs from the official result."""


def load_setting(line: str) -> Setting:
    """Build the setting of a test from its JSON."""
    test = json.loads(line)
    nodes, root = state_of(test)
    return Setting(env=block_of(test, CONFORMANCE.l2_chain_id), nodes=nodes, root=root)


def run_pyevm(case: Case, setting: Setting, run: Run) -> Verdict:
    """Judge `EvmEngine` by the official result."""
    return Verdict(replay(case, setting).failure)


def replay(case: Case, setting: Setting) -> Replay:
    """Execute a case with `EvmEngine`."""
    engine = EvmEngine(CONFORMANCE, setting.nodes, setting.root)
    engine.begin_block(setting.env)
    budget = setting.env.gas_limit
    outcome = engine.apply_transaction(case.raw, (budget, budget))
    return Replay(outcome, engine.state_root, _failure(case, outcome, engine.state_root))


def _failure(case: Case, outcome: Outcome | Skip, state_root: Hash32) -> str | None:
    if isinstance(outcome, Skip):
        return None if case.exception else f"rejected a valid transaction: {outcome.reason}"
    if case.exception:
        return f"accepted, but {case.exception} was expected"
    if state_root != case.state_root:
        return f"state root 0x{state_root.hex()}, expected 0x{case.state_root.hex()}"
    if logs_hash(outcome.logs) != case.logs_hash:
        return "logs differ"
    return None


def logs_hash(logs: tuple[Log, ...]) -> bytes:
    """Return the hash the official tests give of a list of logs."""
    return keccak256(encode([[log.address, list(log.topics), log.data] for log in logs]))
