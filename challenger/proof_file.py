"""One step of a unit with its proof: a file that stands for itself."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from challenger.step_trace import opcode_of, witness_sizes
from optimistic.protocol.constants import STEP_BITS, UNIT_BITS
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.stepper.backend import InvalidWitness
from optimistic.protocol.stepper.prover import prove_next
from optimistic.protocol.stepper.step import RESTING
from optimistic.protocol.stepper.witness import Witness
from optimistic.protocol.types import Hash32
from optimistic.protocol.unit import Phase
from optimistic.service.contracts import StepPlace
from optimistic.service.files import read_json_object, replace_json
from optimistic.service.names import hex_of
from optimistic.service.unit_inputs import UnitPlace
from optimistic.service.unit_run import UnitRun

T = TypeVar("T")

FORMAT: Final = "optimistic-step-proof-1"
_RESTING_NAMES: Final = frozenset(phase.name for phase in RESTING)


class InvalidProofFile(InvalidInput):
    """A file that is no proof of a step, or not of this rollup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProof:
    """The claim that a step leads from one machine to another, and its proof."""

    config_hash: Hash32
    place: UnitPlace
    v: int
    acc: Hash32
    pre: Hash32
    post: Hash32
    phase: str
    """Of the machine before; for the reader."""
    opcode: str | None
    """For the reader."""
    deposit_hash: Hash32 | None
    """What L1 stores for the deposit that the step begins, if it begins one."""
    witness: Witness

    @property
    def step_place(self) -> StepPlace:
        """What the contract takes beside the witness."""
        return StepPlace(pre=self.pre, j=self.place.j, v=self.v, acc=self.acc)

    @property
    def rests(self) -> bool:
        """Whether the unit is over before the step, which then changes nothing."""
        return self.v > 0 and self.phase in _RESTING_NAMES

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; bytes as 0x-hex."""
        return {**self.summary(), "witness": "0x" + self.witness.encode().hex()}

    def summary(self) -> dict[str, Any]:
        """Return what `to_json` does without the proof itself."""
        return {
            "format": FORMAT,
            "configHash": hex_of(self.config_hash),
            "batch": self.place.batch,
            "unit": self.place.unit,
            "j": self.place.j,
            "step": self.v,
            "acc": hex_of(self.acc),
            "pre": hex_of(self.pre),
            "post": hex_of(self.post),
            "phase": self.phase,
            "opcode": self.opcode,
            "depositHash": None if self.deposit_hash is None else hex_of(self.deposit_hash),
            "sizes": witness_sizes(self.witness),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "StepProof":
        """Read what `to_json` wrote; what is there for the reader alone is not checked.

        Raises
        ------
        InvalidProofFile : a field is missing or malformed
        """
        if values.get("format") != FORMAT:
            raise InvalidProofFile(f"it is of format {values.get('format')!r}, not {FORMAT!r}")
        opcode = values.get("opcode")
        proof = cls(
            config_hash=_field(values, "configHash", _hash32),
            place=UnitPlace(
                _field(values, "batch", lambda value: _number(value, 1 << 64)),
                _field(values, "unit", lambda value: _number(value, 1 << UNIT_BITS)),
            ),
            v=_field(values, "step", lambda value: _number(value, 1 << STEP_BITS)),
            acc=_field(values, "acc", _hash32),
            pre=_field(values, "pre", _hash32),
            post=_field(values, "post", _hash32),
            phase=str(values.get("phase")),
            opcode=None if opcode is None else str(opcode),
            deposit_hash=_field(
                values, "depositHash", lambda value: None if value is None else _hash32(value)
            ),
            witness=_field(values, "witness", lambda value: Witness.decode(_bytes(value))),
        )
        if values.get("j") != proof.place.j:
            raise InvalidProofFile(f"j is {values.get('j')}, but unit {proof.place} is {proof.place.j}")
        return proof

    def save(self, path: Path) -> None:
        """Write the file.

        Raises
        ------
        DiskFull, StorageFailed : it cannot be written
        """
        replace_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> "StepProof":
        """Read a file.

        Raises
        ------
        InvalidProofFile : it cannot be read or is malformed
        """
        try:
            values = read_json_object(path)
        except OSError as error:
            raise InvalidProofFile(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise InvalidProofFile(f"{path} is no proof of a step: {error}") from error
        try:
            return cls.from_json(values)
        except InvalidProofFile as error:
            raise InvalidProofFile(f"{path} is no proof of a step: {error}") from error


def prove(unit: UnitRun, v: int, config_hash: Hash32) -> StepProof:
    """Prove one step; behind the end of the unit it is a step that changes nothing."""
    m = unit.at(v)
    pre, phase, opcode = m.hash(), m.phase, opcode_of(unit.full, m)
    deposit = unit.full.deposit(m.unit.deposit_cursor).hash() if phase is Phase.DEPOSIT else None
    witness = prove_next(unit.full, unit.place.j, v, unit.acc, m)
    return StepProof(
        config_hash=config_hash,
        place=unit.place,
        v=v,
        acc=unit.acc,
        pre=pre,
        post=m.hash(),
        phase=phase.name,
        opcode=opcode,
        deposit_hash=deposit,
        witness=witness,
    )


def _field(values: dict[str, Any], name: str, read: Callable[[Any], T]) -> T:
    """Read one field; whatever is wrong is said with its name."""
    if name not in values:
        raise InvalidProofFile(f"{name} is missing")
    try:
        return read(values[name])
    except (ValueError, InvalidWitness) as error:
        raise InvalidProofFile(f"{name}: {error}") from error


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError(f"{json.dumps(text)} is no hex string")
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise ValueError("it is not hexadecimal") from error


def _hash32(text: Any) -> Hash32:
    value = _bytes(text)
    if len(value) != 32:
        raise ValueError(f"{text} is not 32 bytes")
    return Hash32(value)


def _number(value: Any, limit: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise ValueError(f"{value!r} is no number below {limit}")
    return value
