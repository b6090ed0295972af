"""Running one case on the step machine, and beside it on `EvmEngine`: both must end alike.

`proving` is for whoever wants to see every single step, with its proof.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.engine import BlockEnv, Outcome, next_receipts_acc
from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.prover import Verifier, prove_next
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import RESTING
from optimistic.protocol.stepper.step import run as step_run
from optimistic.protocol.stepper.trace import LAST_STEP, next_state
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import ZERO_HASH, Hash32
from optimistic.protocol.unit import RING_SIZE, BlockRing, Phase, Unit
from optimistic.protocol.wordtree import root as wordtree_root
from tests.conformance.cases import Case
from tests.conformance.execution import Replay, Run, Setting, Verdict, replay
from tests.helpers.units import BLANK

UNIT: Final = 1
"""Any unit of a batch but its first."""
HEADER: Final = len(encode_batch([BlockInput(timestamp=0, n_deposits=0, transactions=())]))


VERIFIER: Final = Verifier(CONFORMANCE, lambda _: ZERO_HASH)


class TooManySteps(Exception):
    """The case takes more steps than are wanted."""


class WrongStep(Exception):
    """Somebody who checks single steps found one that is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenStep:
    """One step as a dispute would present it."""

    v: int
    pre: Hash32
    witness: Witness
    post: Hash32


Check = Callable[[ProvenStep], None]
"""Raises WrongStep."""
Walk = Callable[[Full, Machine, int | None], int]
"""Runs a unit to its end and returns the number of steps; raises TooManySteps or WrongStep."""
Choice = Callable[[Full, Machine, int | None], Iterable[int]]
"""Returns the indices of a unit that are to be proven, in order: 0 and the last among them.

Indices after the last do no harm. The machine is a copy; raises TooManySteps.
"""


def run_stepper(case: Case, setting: Setting, run: Run) -> Verdict:
    """Judge the step machine by the official result and by `EvmEngine`."""
    return judge(case, setting, run, proving(check_witness) if run.check_witness else run_to_end)


def judge(case: Case, setting: Setting, run: Run, walk: Walk) -> Verdict:
    """Run a case and compare its end."""
    be, m = prepare(case.raw, setting)
    if ends_before(be, Machine(m.phase, m.unit), run.min_steps):
        return Verdict(None, is_dropped=True)
    reference = replay(case, setting)
    if reference.failure is not None:
        return Verdict(f"py-evm: {reference.failure}")
    try:
        steps = walk(be, m, run.max_steps)
    except TooManySteps:
        return Verdict(None, is_dropped=True)
    except WrongStep as error:
        return Verdict(str(error))
    return Verdict(_difference(m, reference), steps)


def ends_before(be: Full, m: Machine, steps: int) -> bool:
    """Return whether a unit takes fewer steps; no more of them are run."""
    try:
        return steps > 1 and run_to_end(be, m, steps - 1) < steps
    except TooManySteps:
        return False


def run_to_end(be: Full, m: Machine, max_steps: int | None) -> int:
    """Run a unit, checking nothing on the way."""
    next_state(be, UNIT, 0, ZERO_HASH, m)
    steps = 1 + step_run(be, m, LAST_STEP if max_steps is None else max_steps - 1)
    if max_steps is not None and m.phase not in RESTING:
        raise TooManySteps
    return steps


def every_index(be: Full, m: Machine, max_steps: int | None) -> Iterable[int]:
    """Choose all indices."""
    if max_steps is not None:
        run_to_end(be, m, max_steps)
    return count()


def proving(check: Check, choose: Choice = every_index) -> Walk:
    """Return the walk that has steps proven and checked."""

    def walk(be: Full, m: Machine, max_steps: int | None) -> int:
        at, pre = 0, m.hash()
        for v in choose(be, Machine(m.phase, m.unit), max_steps):
            if v != at:
                step_run(be, m, v - at)
                pre = m.hash()
            if v > 0 and m.phase in RESTING:
                break
            witness = prove_next(be, UNIT, v, ZERO_HASH, m)
            post = m.hash()
            check(ProvenStep(v=v, pre=pre, witness=witness, post=post))
            at, pre = v + 1, post
        return at

    return walk


def check_witness(step: ProvenStep) -> None:
    """Repeat a step with nothing but the bytes of its witness."""
    try:
        witness = Witness.decode(step.witness.encode())
        post = VERIFIER.step(step.pre, UNIT, step.v, ZERO_HASH, witness)
    except InvalidWitness as error:
        raise WrongStep(f"step {step.v}: {error}") from error
    if post != step.post:
        raise WrongStep(f"step {step.v}: the witness leads to another state")


def prepare(raw: bytes, setting: Setting) -> tuple[Full, Machine]:
    """Return a machine in an open block whose data is one transaction, and its backend."""
    data = encode_batch([BlockInput(timestamp=0, n_deposits=0, transactions=(raw,))])
    ring = _ring_of(setting.env)
    be = Full(CONFORMANCE, setting.nodes, data=[data], rings=[ring])
    return be, Machine(Phase.BOUNDARY, _unit_of(setting, data, ring))


def _ring_of(env: BlockEnv) -> BlockRing:
    """Return the ring with the hashes of the blocks before."""
    hashes = [ZERO_HASH] * RING_SIZE
    for number in range(max(0, env.number - RING_SIZE), env.number):
        hashes[number % RING_SIZE] = env.block_hashes(number)
    return BlockRing.from_hashes(hashes)


def _unit_of(setting: Setting, data: bytes, ring: BlockRing) -> Unit:
    """Return the unit with an open block and the cursor behind its header."""
    env = setting.env
    return replace(
        BLANK,
        chain_id=env.chain_id,
        number=env.number,
        timestamp=env.timestamp,
        coinbase=env.coinbase,
        gas_limit=env.gas_limit,
        base_fee=env.base_fee,
        prev_randao=env.prev_randao,
        block_hash_ring=ring.root,
        data_root=wordtree_root(data),
        data_len=len(data),
        cursor=HEADER,
        l1_timestamp=env.timestamp,
        config_hash=CONFORMANCE.config_hash(),
        left_general=env.gas_limit,
        left_system=env.gas_limit,
        block_open=1,
        state_root=setting.root,
    )


def _difference(m: Machine, reference: Replay) -> str | None:
    """Return how the machine's end differs from that of `EvmEngine`."""
    unit, outcome = m.unit, reference.outcome
    if m.phase is not Phase.BOUNDARY or unit.cursor != unit.data_len:
        return f"the unit ended in phase {m.phase.name} at byte {unit.cursor}"
    if unit.state_root != reference.state_root:
        return f"state root 0x{unit.state_root.hex()}, with EvmEngine 0x{reference.state_root.hex()}"
    expected, gas_used, executed = ZERO_HASH, 0, 0
    if isinstance(outcome, Outcome):
        expected, gas_used, executed = next_receipts_acc(ZERO_HASH, outcome), outcome.gas_used, 1
    if unit.tx_index != executed:
        return "skipped" if executed else f"executed, with EvmEngine skipped: {outcome}"
    if unit.cum_gas_used != gas_used:
        return f"{unit.cum_gas_used} gas used, with EvmEngine {gas_used}"
    return None if unit.receipts_acc == expected else "status or logs differ"
