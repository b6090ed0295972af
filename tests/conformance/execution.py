"""Running one case through the path that batches take: our decoder, our validity rules, the engine."""

import json
from dataclasses import dataclass

from optimistic.protocol.engine import BlockEnv, Log, Outcome
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.strict_rlp import encode
from optimistic.protocol.types import Hash32
from tests.conformance.cases import Case, block_of, state_of
from tests.helpers.memory_nodes import MemoryNodes

ENGINES = ("py-evm",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the cases of one test share: the block and the state before."""

    env: BlockEnv
    nodes: MemoryNodes
    root: Hash32


def load_setting(line: str) -> Setting:
    """Build the setting of a test from its JSON."""
    test = json.loads(line)
    nodes, root = state_of(test)
    return Setting(env=block_of(test, CONFORMANCE.l2_chain_id), nodes=nodes, root=root)


def run_case(case: Case, setting: Setting) -> str | None:
    """Return why the case fails, None if it passes."""
    engine = EvmEngine(CONFORMANCE, setting.nodes, setting.root)
    engine.begin_block(setting.env)
    budget = setting.env.gas_limit
    outcome = engine.apply_transaction(case.raw, (budget, budget))
    if not isinstance(outcome, Outcome):
        return None if case.exception else f"rejected a valid transaction: {outcome.reason}"
    if case.exception:
        return f"accepted, but {case.exception} was expected"
    if engine.state_root != case.state_root:
        return f"state root 0x{engine.state_root.hex()}, expected 0x{case.state_root.hex()}"
    if logs_hash(outcome.logs) != case.logs_hash:
        return "logs differ"
    return None


def logs_hash(logs: tuple[Log, ...]) -> bytes:
    """Return the hash the official tests give of a list of logs."""
    return keccak256(encode([[log.address, list(log.topics), log.data] for log in logs]))
