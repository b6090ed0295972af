"""One batch on the step machine: where each unit ends, and the proof of each step on the way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, TypeVar

from optimistic.protocol.batch import BlockInput, encode_batch
from optimistic.protocol.constants import MAX_BATCH_BYTES
from optimistic.protocol.derivation import BatchReplay, RollupState, UnitResult
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.records import BatchRecord, Deposit, next_acc
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.prover import Verifier, prove_next
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.stepper.step import RESTING, run
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.stepper.witness import Witness, opcode_at, reads_opcode
from optimistic.protocol.types import ZERO_HASH, Address, Hash32
from optimistic.protocol.unit import Phase
from tests.helpers.evm_world import Alloc, make_state
from tests.helpers.memory_nodes import MemoryNodes
from tests.helpers.rollup import L1_TIME_S, make_genesis, make_record

UNIT_INDEX: Final = 1
STEP_INDEX: Final = 5
"""Any step of a unit but the first and the last."""

T = TypeVar("T")
Choice = Callable[[Full, Machine, int, int], bool]
"""Whether a unit's index is of interest, by the machine before it."""


@dataclass(frozen=True)
class Proven:
    """One index of a unit's trace."""

    j: int
    v: int
    acc: Hash32
    pre: Hash32
    post: Hash32
    witness: Witness
    phase: Phase
    """Of the machine before the step."""

    @property
    def opcode(self) -> int | None:
        """The byte that the step reads of the code; None if it reads none."""
        m = self.witness.start()
        if m.frame is None or not reads_opcode(m):
            return None
        return opcode_at(self.witness.code, m.frame.pc)


def prove_step(
    be: Full, m: Machine, j: int = UNIT_INDEX, v: int = STEP_INDEX, acc: Hash32 = ZERO_HASH
) -> Proven:
    """Change the machine by one index of a unit and return its proof."""
    pre, phase = m.hash(), m.phase
    witness = prove_next(be, j, v, acc, m)
    return Proven(j, v, acc, pre, m.hash(), witness, phase)


@dataclass(frozen=True)
class StepperBatch:
    """A batch behind a start state, ready to be run by either engine."""

    nodes: MemoryNodes
    start: RollupState
    record: BatchRecord
    data: bytes
    deposits: tuple[Deposit, ...] = ()
    params: RollupParams = field(default=DEVNET)

    @property
    def acc(self) -> Hash32:
        """The accumulator that names the record."""
        return next_acc(ZERO_HASH, self.record.hash())

    @property
    def deposit_hashes(self) -> tuple[Hash32, ...]:
        """What the inbox stores."""
        return tuple(deposit.hash() for deposit in self.deposits)

    def full(self) -> Full:
        """A fresh backend with everything."""
        return Full(
            self.params,
            MemoryNodes(self.nodes),
            data=[self.data],
            deposits=dict(enumerate(self.deposits)),
            records={self.acc: (ZERO_HASH, self.record)},
            rings=[self.start.ring],
        )

    def machine(self) -> Machine:
        """The machine before the batch."""
        return Machine(Phase.IDLE, self.start.unit)

    def replay(self) -> list[UnitResult]:
        """Units of the batch as the other engine executes them."""
        engine = EvmEngine(self.params, MemoryNodes(self.nodes), self.start.unit.state_root)
        return list(BatchReplay(self.params, self.start, self.record, self.data, self.deposits, engine))

    def leaves(self) -> list[Hash32]:
        """Machine hashes at the ends of the batch's units, without hashing in between."""
        be, m = self.full(), self.machine()
        leaves: list[Hash32] = []
        while not leaves or m.phase is Phase.BOUNDARY:
            next_state(be, len(leaves), 0, self.acc, m)
            run(be, m, 1 << 25)
            leaves.append(m.hash())
        return leaves

    def verifier(self) -> Verifier:
        """What L1 knows."""
        return Verifier(self.params, self.deposit_hashes.__getitem__)

    def walk(self, advance: Callable[[Full, Machine, int, int], T]) -> Iterator[T]:
        """Yield what `advance` makes of each unit and index; it has to change the machine by that index."""
        be, m, j = self.full(), self.machine(), 0
        while j == 0 or m.phase is Phase.BOUNDARY:
            v = 0
            while v == 0 or m.phase not in RESTING:
                yield advance(be, m, j, v)
                v += 1
            j += 1

    def indices(self) -> list[tuple[int, int]]:
        """Unit and index of each step."""

        def pass_over(be: Full, m: Machine, j: int, v: int) -> tuple[int, int]:
            next_state(be, j, v, self.acc, m)
            return j, v

        return list(self.walk(pass_over))

    def proofs(self, is_chosen: Choice | None = None) -> Iterator[Proven]:
        """Each step, or those chosen, with its witness; `post` is what the run with everything says."""

        def prove(be: Full, m: Machine, j: int, v: int) -> Proven | None:
            if is_chosen is None or is_chosen(be, m, j, v):
                return prove_step(be, m, j, v, self.acc)
            next_state(be, j, v, self.acc, m)
            return None

        return (proven for proven in self.walk(prove) if proven is not None)


def stepper_batch(
    transactions: Sequence[bytes],
    alloc: Mapping[Address, Alloc],
    *,
    deposits: Sequence[Deposit] = (),
    data: bytes | None = None,
    params: RollupParams = DEVNET,
    record: Mapping[str, int] = MappingProxyType({}),
) -> StepperBatch:
    """Build one block of transactions behind deposits.

    `data` replaces the encoded block, `record` fields of the record.
    """
    genesis = make_genesis(params)
    nodes, root = make_state(alloc)
    start = replace(genesis.state, unit=replace(genesis.state.unit, state_root=root))
    if data is None:
        block = BlockInput(timestamp=L1_TIME_S, n_deposits=len(deposits), transactions=tuple(transactions))
        data = encode_batch([block])
    assert len(data) <= MAX_BATCH_BYTES
    made = make_record(start, data, len(deposits), **record)
    return StepperBatch(nodes, start, made, data, tuple(deposits), params)
