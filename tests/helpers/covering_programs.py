"""All programs that try the step machine elsewhere, one after the other, and single opcodes besides."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.engine import Skip
from optimistic.protocol.params import DEVNET, RollupParams
from optimistic.protocol.stepper.opcode_table import OPCODES, Op, OpcodeRow
from optimistic.protocol.stepper.state import Machine
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from tests.helpers import frame_programs, memory_programs
from tests.helpers.batch_cases import batch_cases
from tests.helpers.frame_stage import machines, proven
from tests.helpers.memory_programs import CHUNK, HASH_CHUNK
from tests.helpers.opcode_stage import UNIT, precompile_stage, stage, stage_on, view
from tests.helpers.precompile_cases import g1, g2, kzg_input, modexp_input, word
from tests.helpers.step_coverage import (
    CALLS,
    COPIES,
    CREATES,
    LOGS,
    RANGED,
    STACK_LIMIT,
    STIPEND,
    Touch,
    touches,
)
from tests.helpers.stepper_batch import UNIT_INDEX, Proven, StepperBatch, prove_step
from tests.helpers.transaction_batches import (
    fee_cases,
    ill_formed_batch,
    limit_cases,
    target_cases,
    well_formed_cases,
)

FAR: Final = 1 << 40
LAST_STEP: Final = (1 << STEP_BITS) - 1
NEXT_BATCH: Final = 1 << UNIT_BITS


@dataclass(frozen=True)
class Source:
    """Steps that belong together, each with its proof."""

    name: str
    proofs: Callable[[], Iterable[Proven]]
    params: RollupParams = DEVNET
    deposit_hashes: tuple[Hash32, ...] = ()
    skips: Callable[[], Iterable[str]] = field(default=tuple)
    """Why transactions among them are passed over."""


@dataclass(frozen=True)
class Covering:
    """A source that does something no source before it did."""

    source: Source
    steps: tuple[Proven, ...]
    new: dict[Touch, Proven]
    """A step for each of the new cells, one of the shortest witness."""
    skips: frozenset[Touch]


def covering(sources: Iterable[Source]) -> Iterator[Covering]:
    """Yield the sources that are needed to touch all that any of them touches."""
    seen: set[Touch] = set()
    for source in sources:
        steps = tuple(source.proofs())
        new: dict[Touch, Proven] = {}
        for step in sorted(steps, key=_length):
            for touch in touches(source.params, step, source.deposit_hashes) - seen:
                new.setdefault(touch, step)
        skips = frozenset(Touch("skips", "transaction", reason) for reason in source.skips()) - seen
        if new or skips:
            yield Covering(source, steps, new, skips)
        seen |= new.keys() | skips


def _length(step: Proven) -> int:
    return len(step.witness.encode())


def sources() -> Iterator[Source]:
    """Yield all sources, those with the fewest steps first."""
    yield Source("resting", _resting)
    yield from _opcode_sources()
    yield from _precompile_sources()
    for name, program in frame_programs.PROGRAMS.items():
        yield Source(f"frame {name}", partial(_of_frames, program))
    batches = {**batch_cases(), **target_cases(), **limit_cases(), **fee_cases(), **well_formed_cases()}
    for name, batch in {**batches, "ill_formed": ill_formed_batch()}.items():
        yield _of_batch(f"batch {name}", batch)
    for name, memory_program in memory_programs.PROGRAMS.items():
        if name.startswith("output"):
            yield _of_batch(f"memory {name}", memory_programs.batch_of(memory_program))


# ------------------------------------------------------------------------------------------- programs


def _of_frames(program: frame_programs.Program) -> Iterator[Proven]:
    return (proven(be, m) for be, m in machines(program))


def _of_batch(name: str, batch: StepperBatch) -> Source:
    return Source(name, batch.proofs, batch.params, batch.deposit_hashes, partial(_skips, batch))


def _skips(batch: StepperBatch) -> Iterator[str]:
    for unit in batch.replay():
        if isinstance(unit.effect, Skip):
            yield unit.effect.reason


# ------------------------------------------------------------------------------------------- single steps


def _resting() -> Iterator[Proven]:
    """Yield indices that execute nothing."""
    be = stage().be
    for phase, v, j in (
        (Phase.IDLE, 0, UNIT_INDEX),
        (Phase.BOUNDARY, 1, UNIT_INDEX),
        (Phase.BOUNDARY, 0, NEXT_BATCH),
        (Phase.ERRORED, 7, UNIT_INDEX),
    ):
        yield prove_step(be, Machine(phase, UNIT), j, v)
    unfinished = stage(code=bytes((Op.JUMPDEST,)))
    yield prove_step(unfinished.be, unfinished.m, v=LAST_STEP)


def _steps(code: bytes, items: Iterable[int], **frame: Any) -> Iterator[Proven]:
    """Yield the step of an opcode on items, top first, and those of its long range."""
    setting = stage_on(items, code=code, **frame)
    yield prove_step(setting.be, setting.m)
    while setting.m.pend is not None:
        yield prove_step(setting.be, setting.m)


def _opcode_sources() -> Iterator[Source]:
    """Yield each opcode on items that are all 1, where it fails for each reason, and over long ranges."""
    for byte, row in enumerate(OPCODES):
        if row is None:
            yield Source(f"undefined {byte:#x}", partial(_steps, bytes((byte,)), ()))
            continue
        op = Op(byte)
        code = bytes((op, Op.JUMPDEST, *range(1, 33)))
        for name, (items, frame) in _variants(op, row).items():
            frame.setdefault("returndata", view(b"abcdef"))
            yield Source(f"{op.name} {name}", partial(_steps, code, items, **frame))
    for jump in (Op.JUMP, Op.JUMPI):
        yield Source(f"{jump.name} nowhere", partial(_steps, bytes((jump, Op.STOP)), (1, 1)))


def _variants(op: Op, row: OpcodeRow) -> dict[str, tuple[tuple[int, ...], dict[str, Any]]]:
    """Return stacks and frames."""
    ones = (1,) * row.pops
    full = (1,) * STACK_LIMIT
    found: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
        "on ones": (ones, {}),
        "on too few": (ones[1:], {}),
        "on a full stack": (full, {}),
        "in a static frame": (ones, {"is_static": True}),
        "with constant gas": (ones, {"gas": row.gas if op is not Op.SSTORE else STIPEND + 1}),
    }
    if row.gas:
        found["with less gas"] = ones, {"gas": row.gas - 1}
    if op is Op.SSTORE:
        found["with the stipend"] = ones, {"gas": STIPEND}
    if op is Op.SELFDESTRUCT:
        found["to a cold account"] = (FAR,), {"gas": row.gas}
    if op is Op.JUMPI:
        found["not taken"] = (1, 0), {}
    if op is Op.RETURNDATACOPY:
        found["out of bounds"] = (0, 6, 1), {}
    if op in RANGED:
        at = _offset_item(op)
        found["far away"] = (*ones[:at], FAR, *ones[at + 1 :]), {}
    if op in (*COPIES, *LOGS, Op.KECCAK256):
        length = 2 * CHUNK + 9 if op in COPIES else CHUNK + HASH_CHUNK
        at = row.pops - 1 if op in COPIES else 1
        items = [*ones[:at], length, *ones[at + 1 :]]
        found["over a long range"] = tuple(items), {"returndata": view(b"\x77" * (length + 1))}
    return found


def _offset_item(op: Op) -> int:
    """Return which item of an opcode is the offset of a range of memory."""
    if op in CALLS:
        return 3 if op in (Op.CALL, Op.CALLCODE) else 2
    return int(op in CREATES or op is Op.EXTCODECOPY)


PRECOMPILE_INPUTS: Final = {
    1: (word(5) + word(28) + word(1) + word(1), None),
    2: (b"abc", None),
    3: (b"abc", None),
    4: (b"abc", None),
    5: (modexp_input(b"\x03", b"\x05", b"\x07"), word(2_000) + word(1) + word(1)),
    6: (g1(1) + g1(2), word(1) * 4),
    7: (g1(3) + word(9), word(1) * 3),
    8: (g1(0) + g2(0), bytes(191)),
    9: ((20).to_bytes(4, "big") + bytes(208) + b"\x01", bytes(212)),
    10: (kzg_input(), kzg_input(y=1)),
}
"""An input of each precompile that it takes, and one that it refuses whatever gas it gets."""


def _precompile_sources() -> Iterator[Source]:
    """Yield each precompile on an input that it takes, without gas for it, and on one that it refuses."""
    for number, (taken, refused) in PRECOMPILE_INPUTS.items():
        yield Source(f"precompile {number}", partial(_precompile, number, taken))
        yield Source(f"precompile {number} without gas", partial(_precompile, number, taken, 14))
        if refused is not None:
            yield Source(f"precompile {number} refuses", partial(_precompile, number, refused))


def _precompile(number: int, data: bytes, gas: int = 1_000_000) -> Iterator[Proven]:
    setting = precompile_stage(number, data, gas)
    yield prove_step(setting.be, setting.m)
