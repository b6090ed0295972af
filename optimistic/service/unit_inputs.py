"""What it takes to run a unit again: plain values that fit through a pipe."""

from dataclasses import dataclass

from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.derivation import RollupState
from optimistic.protocol.errors import CriticalError, InvalidInput
from optimistic.protocol.params import RollupParams
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import Hash32


class UnknownConfiguration(InvalidInput):
    """The batch runs under parameters that this program does not have."""


class EnginesDisagree(CriticalError):
    """The step machine and the transaction engine end a unit in different states: one of them is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInput:
    """All that the replay of one batch reads, checked against L1's hashes."""

    record: BatchRecord
    data: bytes
    deposits: tuple[Deposit, ...]


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """Which unit: both numbers count from zero, batches from the genesis on."""

    batch: int
    unit: int

    @property
    def j(self) -> int:
        """(batch << 15) | unit."""
        return self.batch << UNIT_BITS | self.unit

    def __str__(self) -> str:
        return f"{self.batch}:{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitInputs:
    """All that it takes to run one unit, beside trie nodes.

    Attributes
    ----------
    start : the state before the first of `batches`
    batches : without a gap, the last one is that of the unit
    previous_acc, acc : the inbox accumulators before and after that last batch
    by_machine : units of these batches that the step machine runs instead of the transaction engine,
        because the two disagree about them and the step machine decides
    """

    params: RollupParams
    place: UnitPlace
    start: RollupState
    batches: tuple[BatchInput, ...]
    previous_acc: Hash32
    acc: Hash32
    by_machine: frozenset[UnitPlace] = frozenset()
