"""What a step costs on L1, and how fast it is found and proven.

Gas is that of a whole transaction to the verifier alone: 21,000, calldata and execution, or
the calldata floor if that is more. It is exact; times depend on the machine.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import DEVNET
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.opcode_table import OPCODES, Op
from optimistic.protocol.stepper.prover import prove_next
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import run
from optimistic.protocol.stepper.trace import next_state, unit_trace
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from tests.bench import corpus
from tests.bench.osp_batches import BEGINNINGS, LONGEST, sampled
from tests.bench.osp_programs import swap, token_transfer
from tests.bench.osp_worst import WORST, Setting
from tests.bench.peers import ONE_STEP_GAS
from tests.bench.table import SPREAD
from tests.helpers.assembly import asm
from tests.helpers.evm_world import ALICE, CONTRACT, ETHER, Alloc, sign_tx
from tests.helpers.memory_programs import PROGRAMS as MEMORY_PROGRAMS
from tests.helpers.memory_programs import MemoryProgram, batch_of
from tests.helpers.onchain_host import OnchainHost, host_of, step_calldata
from tests.helpers.stepper_batch import Proven, StepperBatch, stepper_batch
from tests.helpers.transaction_batches import three_blocks

PROGRAMS: Final[Mapping[str, Callable[[], StepperBatch]]] = {"token_transfer": token_transfer, "swap": swap}
LONG_RANGES: Final = ("CALLDATACOPY_0x7_0x5_0x8001", "KECCAK256_0x1_0x8800")
SPEED_STEPS: Final = 1_000_000
UNIT_STEPS: Final = 1_000_000
LONGEST_UNIT: Final = 1 << 23


@dataclass(frozen=True)
class Cost:
    """What one step costs."""

    kind: str
    """The group of its opcode, or its phase."""
    gas: int
    calldata: int
    """Bytes of the call of the verifier."""
    proving_s: float = 0.0


def measure() -> dict[str, Any]:
    """Run the whole section."""
    costs = {name: list(program_costs(make())) for name, make in PROGRAMS.items()}
    rare = [cost for batch in _rare_batches() for cost in program_costs(batch)]
    kinds: dict[str, list[Cost]] = defaultdict(list)
    for cost in (*rare, *(cost for of_program in costs.values() for cost in of_program)):
        kinds[cost.kind].append(cost)
    return {
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        **{name: summary(of_program) for name, of_program in costs.items()},
        "kinds": [{"kind": kind, **summary(kinds[kind])} for kind in sorted(kinds)],
        "worst": [_worst_row(name, costs) for name, costs in worst_costs()],
        "prover": prover_speed(),
        "peers": ONE_STEP_GAS,
    }


def _rare_batches() -> Iterator[StepperBatch]:
    """Yield batches of what the programs never do."""
    yield three_blocks()
    for name in LONG_RANGES:
        yield batch_of(MEMORY_PROGRAMS[name])


def _worst_row(name: str, costs: Iterable[Cost]) -> dict[str, Any]:
    worst = list(costs)
    return {
        "case": name,
        "gas": max(cost.gas for cost in worst),
        "calldata_bytes": max(cost.calldata for cost in worst),
    }


def summary(costs: list[Cost]) -> dict[str, Any]:
    """Return median, 99th percentile and worst of each figure."""
    figures: dict[str, list[float]] = {
        "gas": [cost.gas for cost in costs],
        "calldata_bytes": [cost.calldata for cost in costs],
        "proving_ms": [cost.proving_s * 1_000 for cost in costs],
    }
    return {"steps": len(costs)} | {name: _spread(values) for name, values in figures.items()}


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    figures = (statistics.median(ordered), ordered[len(ordered) * 99 // 100], ordered[-1])
    return dict(zip(SPREAD, figures, strict=True))


# ------------------------------------------------------------------------------------------- gas


def program_costs(batch: StepperBatch) -> Iterator[Cost]:
    """Prove every step of a batch on L1."""
    host = host_of(batch.params, batch.deposit_hashes)

    def cost(be: Full, m: Machine, j: int, v: int) -> Cost:
        pre, phase = m.hash(), m.phase
        started = time.process_time()
        witness = prove_next(be, j, v, batch.acc, m)
        encoded = witness.encode()
        seconds = time.process_time() - started
        return _cost(host, Proven(j, v, batch.acc, pre, m.hash(), witness, phase), encoded, seconds)

    return batch.walk(cost)


def worst_costs() -> Iterator[tuple[str, list[Cost]]]:
    """Prove the dearest step of each kind, and steps of the longest operations, which takes minutes."""
    for name, make in {**WORST, **BEGINNINGS}.items():
        yield name, [setting_cost(make())]
    for name, program in LONGEST.items():
        yield name, worst_of_longest(program)


def worst_of_longest(program: MemoryProgram) -> list[Cost]:
    """Prove three steps of a long operation on L1."""
    host = host_of(DEVNET)
    return [_cost(host, proven, proven.witness.encode()) for proven in sampled(program)]


def setting_cost(setting: Setting) -> Cost:
    """Prove the step of a setting on L1."""
    proven = setting.prove()
    return _cost(host_of(DEVNET, setting.deposits), proven, proven.witness.encode())


def _cost(host: OnchainHost, proven: Proven, encoded: bytes, seconds: float = 0.0) -> Cost:
    """Let L1 make a step, which must be the one that was proven."""
    place = (proven.pre, proven.j, proven.v, proven.acc, encoded)
    post, gas = host.prove_step(*place)
    if post != proven.post:
        raise RuntimeError(f"L1 makes another step than the machine at {proven.j}:{proven.v}")
    return Cost(_kind(proven), gas, len(step_calldata(*place)), seconds)


def _kind(proven: Proven) -> str:
    """Return the group of the opcode, or the phase."""
    if proven.phase is not Phase.EXEC:
        return proven.phase.name
    if proven.opcode is None:
        return "PEND"
    row = OPCODES[proven.opcode]
    return "BASIC" if row is None else row.group.name


# ------------------------------------------------------------------------------------------- prover


def prover_speed() -> dict[str, float]:
    """Measure a loop of arithmetic and memory in CPU time, and the memory of the longest unit's tree."""
    batch, j = _endless(), 2
    be, m = _at_unit(batch, j)
    next_state(be, j, 0, batch.acc, m)
    plain_s = _cpu_s(lambda: run(be, m, SPEED_STEPS))
    be, m = _at_unit(batch, j)
    states = unit_trace(be, j, batch.acc, m)
    tree_s = _cpu_s(lambda: TraceTree(DEVNET.log_arity, islice(states, UNIT_STEPS)))
    hashed_s = _cpu_s(lambda: list(islice(states, 100_000)))
    return {
        "steps_per_s": SPEED_STEPS / plain_s,
        "hashed_steps_per_s": 100_000 / hashed_s,
        "tree_of_million_steps_s": tree_s,
        "longest_unit_peak_mib": _peak_of_longest_unit() / 1024,
    }


def _endless() -> StepperBatch:
    """Return a transaction that adds, stores and loads until its gas is gone."""
    add = asm(5, 7, Op.ADD)
    code = corpus.loop(add + corpus.PUSH0 + b"\x52" + corpus.PUSH0 + b"\x51" + corpus.POP)
    alloc = {ALICE: Alloc(balance=ETHER), CONTRACT: Alloc(nonce=1, code=code)}
    return stepper_batch([sign_tx(to=CONTRACT, gas=DEVNET.tx_gas_cap)], alloc)


def _at_unit(batch: StepperBatch, unit: int) -> tuple[Any, Machine]:
    """Return the machine at the beginning of a unit."""
    be, m = batch.full(), batch.machine()
    for j in range(unit):
        next_state(be, j, 0, batch.acc, m)
        run(be, m, 1 << 25)
    return be, m


def _cpu_s(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _peak_of_longest_unit() -> int:
    """Return the KiB at which a process peaks that builds the tree of 2^23 states, got one by one."""
    code = "from tests.bench.osp import peak_kib; print(peak_kib())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout)


def peak_kib() -> int:
    """Build the tree of the longest unit and return the most memory that this process had."""
    states = map(_state, range(LONGEST_UNIT))
    TraceTree(DEVNET.log_arity, states)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _state(index: int) -> Hash32:
    return keccak256(index.to_bytes(4, "big"))
