"""The steps of a unit as a person reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.stepper.full import Full
from optimistic.protocol.stepper.opcode_table import OPCODES, Op
from optimistic.protocol.stepper.prover import prove_next
from optimistic.protocol.stepper.state import Frame, Journal, Machine, hash_of
from optimistic.protocol.stepper.step import RESTING, load_code
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.stepper.witness import Witness, opcode_at
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from optimistic.service.unit_inputs import UnitPlace
from optimistic.service.unit_run import UnitRun

_SHOWN_STACK: Final = 16


class NoSuchStep(InvalidInput):
    """The unit ends before this step."""

    def __init__(self, place: UnitPlace, v: int, n_steps: int) -> None:
        super().__init__(f"unit {place} has no step {v}: its steps go from 0 to {n_steps - 1}")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """The machine before one step; behind the last step, the machine at rest."""

    step: int
    phase: Phase
    opcode: str | None
    """What the step runs, None where it runs no opcode."""
    depth: int | None
    pc: int | None
    gas: int | None
    """Left in the frame."""
    top: int | None
    """Of the stack."""
    hash: Hash32
    """Of the machine."""

    def document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "step": self.step,
            "phase": self.phase.name,
            "opcode": self.opcode,
            "depth": self.depth,
            "pc": self.pc,
            "gas": self.gas,
            "stackTop": None if self.top is None else hex(self.top),
            "machineHash": "0x" + self.hash.hex(),
        }


def rows(unit: UnitRun, first: int, end: int) -> Iterator[StepRow]:
    """Yield the rows of steps [first, end); the row behind the unit's last step shows where it ends."""
    m, v = unit.at(first), first
    while v < end:
        yield _row(unit.full, m, v)
        next_state(unit.full, unit.place.j, v, unit.acc, m)
        v += 1


def step_details(unit: UnitRun, v: int) -> dict[str, Any]:
    """Return all about one step: the machine before, the hash after, the size of the proof.

    Raises
    ------
    NoSuchStep : the unit has ended before
    """
    m = unit.at(v)
    if v and m.phase in RESTING:
        raise NoSuchStep(unit.place, v, unit.run_through()[0])
    row, shown = _row(unit.full, m, v), _machine(m)
    witness = prove_next(unit.full, unit.place.j, v, unit.acc, m)
    return {
        **row.document(),
        **shown,
        "nextPhase": m.phase.name,
        "nextHash": "0x" + m.hash().hex(),
        "witness": witness_sizes(witness),
    }


def witness_sizes(witness: Witness) -> dict[str, int]:
    """Return how much a proof holds: bytes of the whole and of the code, items of each list."""
    return {
        "bytes": len(witness.encode()),
        "code": len(witness.code),
        "stack": len(witness.stack),
        "ranges": len(witness.tape.ranges),
        "proofs": len(witness.tape.proofs),
        "blobs": len(witness.tape.blobs),
    }


def opcode_of(full: Full, m: Machine) -> str | None:
    """Return what the next step runs: an opcode's name, None in phases without opcodes."""
    frame = m.frame
    if m.phase is not Phase.EXEC or frame is None:
        return None
    if m.pend is not None:
        return f"{Op(m.pend.op).name if m.pend.op else 'OUTPUT'}+{m.pend.done}"
    opcode = opcode_at(load_code(full, frame), frame.pc)
    return Op(opcode).name if OPCODES[opcode] is not None else f"0x{opcode:02x}"


def _row(full: Full, m: Machine, v: int) -> StepRow:
    frame = m.frame
    has_code = frame is not None and m.phase is Phase.EXEC
    return StepRow(
        step=v,
        phase=m.phase,
        opcode=opcode_of(full, m),
        depth=None if frame is None else frame.depth,
        pc=frame.pc if frame is not None and has_code else None,
        gas=None if frame is None else frame.gas,
        top=frame.stack[-1] if frame is not None and frame.stack else None,
        hash=m.hash(),
    )


def _machine(m: Machine) -> dict[str, Any]:
    """Return what a row leaves out."""
    parts = {
        "unitHash": m.unit.hash(),
        "txHash": hash_of(m.tx),
        "journalHash": hash_of(m.journal),
        "frameHash": hash_of(m.frame),
        "pendHash": hash_of(m.pend),
        "stateRoot": m.journal.state_root if isinstance(m.journal, Journal) else m.unit.state_root,
    }
    found: dict[str, Any] = {name: "0x" + value.hex() for name, value in parts.items()}
    return found if m.frame is None else {**found, **_frame(m.frame)}


def _frame(frame: Frame) -> dict[str, Any]:
    """Return the call frame; of a high stack only the items on top."""
    return {
        "address": "0x" + frame.address.hex(),
        "caller": "0x" + frame.caller.hex(),
        "codeHash": "0x" + frame.code_hash.hex(),
        "stackHeight": frame.stack.height,
        "stack": [hex(item) for item in reversed(frame.stack[-_SHOWN_STACK:])],
        "memoryWords": frame.memory_words,
        "returndataBytes": frame.returndata.length,
    }
