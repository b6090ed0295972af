"""The batches of one assertion as the makers of traces see them: our replay, and L1 behind it."""

from functools import lru_cache
from typing import Final

from challenger.trace import RollupTrace
from challenger.verifier import BatchSource, Verifier
from optimistic.protocol.types import Hash32
from optimistic.service.trace_job import CheckJob
from optimistic.service.unit_inputs import UnitInputs, UnitPlace
from optimistic.service.unit_traces import job_name

_BATCHES_KEPT: Final = 32
"""Batches whose leaves stay in memory, two megabytes each: disputes may be about different ones."""


class ReplayedRange:
    """Batches [from_batch, to_batch), all of them replayed; a `RangeOfBatches`.

    Parameters
    ----------
    verifier : follows the view that the range belongs to
    source : reads the batches
    """

    def __init__(self, verifier: Verifier, source: BatchSource, from_batch: int, to_batch: int) -> None:
        self._verifier: Final = verifier
        self._source: Final = source
        self._from: Final = from_batch
        self._to: Final = to_batch
        self._units: RollupTrace | None = None
        self._leaves: Final = lru_cache(maxsize=_BATCHES_KEPT)(self._read_leaves)

    @property
    def count(self) -> int:
        """Number of batches."""
        return self._to - self._from

    def units(self) -> RollupTrace | None:
        """Return the unit tree, if all batches were replayed."""
        if self._units is None:
            self._units = self._verifier.trace(self._from, self._to)
        return self._units

    def leaves(self, offset: int) -> tuple[Hash32, ...]:
        """Return the machine hash after each unit of a batch."""
        return self._leaves(offset)

    def input_hash(self, offset: int) -> Hash32:
        """Return a hash of everything that the replay up to the end of a batch depends on."""
        return self._verifier.key(self._from + offset)

    def inputs(self, offset: int, unit: int) -> UnitInputs:
        """Return what it takes to run a unit.

        Raises
        ------
        TemporaryError : L1 cannot be read
        """
        return self._verifier.unit_inputs(self._source, UnitPlace(self._from + offset, unit))

    def _read_leaves(self, offset: int) -> tuple[Hash32, ...]:
        return self._verifier.leaves(self._from + offset)

    # ------------------------------------------------------------------------ both engines

    def check_name(self, offset: int) -> str:
        """Return the name of the job that runs a batch on the step machine."""
        return job_name(self.input_hash(offset), "check")

    def check_job(self, offset: int) -> CheckJob:
        """Return the job that runs a batch on the step machine.

        Raises
        ------
        TemporaryError : L1 cannot be read
        """
        leaves = self._verifier.leaves(self._from + offset)
        return CheckJob(name=self.check_name(offset), inputs=self.inputs(offset, 0), leaves=leaves)
