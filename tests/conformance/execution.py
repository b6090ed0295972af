"""Running one case through the path that batches take: our decoder, our validity rules, the engine."""

import json
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from optimistic.protocol.engine import BlockEnv, Log, Outcome, Skip
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.strict_rlp import encode
from optimistic.protocol.types import Hash32
from tests.conformance.cases import Case, block_of, state_of
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.onchain_host import Deployment


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
    min_steps: int = 1
    """A case with fewer steps is dropped, and not run at all; engines without steps drop none."""
    max_steps: int | None = None
    """A case with more steps is dropped; engines without steps drop none."""
    check_witness: bool = False
    """Repeat every step with nothing but its witness."""
    seed: int = 0
    """What steps are drawn by where not every step is proven."""
    verifier: Deployment | None = None
    """The contracts that prove steps; deployed anew if there are none."""
    anvil_url: str = ""
    """The anvil that has the contracts; empty if steps are proven in the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What came of proving steps of one case on L1."""

    proven: int
    """Steps of which L1 gave the right hash."""
    max_witness_bytes: int
    gas: "array[int]" = field(repr=False)
    """Of every step that L1 gave a hash for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one case."""

    failure: str | None
    """Why it failed, None if it passed."""
    steps: int = 0
    """Steps it took, or those that were chosen to be proven on L1."""
    is_dropped: bool = False
    """Whether it takes more steps than are wanted, or fewer, and was not judged."""
    proofs: Proofs | None = None
    """Of an engine that proves steps on L1."""


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
