"""The right computation of some batches, worked out in this process when it is asked for."""

from typing import Final

from challenger.watchtower import Watchtower
from optimistic.protocol.commitment import Tree
from optimistic.protocol.constants import UNIT_BITS
from optimistic.service.trace_job import make_trace, make_witness
from optimistic.service.unit_inputs import UnitInputs, UnitPlace

_LAST_UNIT: Final = (1 << UNIT_BITS) - 1


class DirectTraces:
    """`Traces` of batches [from_batch, to_batch), as a watchtower that replayed them knows them.

    Made at once and in the caller's time: for stages, where units are short.
    """

    def __init__(self, tower: Watchtower, from_batch: int, to_batch: int) -> None:
        self._tower: Final = tower
        self._from_batch: Final = from_batch
        self._to_batch: Final = to_batch
        self._made: dict[int, Tree] = {}

    def units(self) -> Tree | None:
        """Return the unit tree, if all batches were replayed."""
        return self._tower.verifier.trace(self._from_batch, self._to_batch)

    def steps(self, j: int) -> Tree | None:
        """Return the trace tree of least height of unit `j`."""
        if j not in self._made:
            self._made[j] = make_trace(self._inputs(j), self._tower.nodes)
        return self._made[j]

    def witness(self, j: int, v: int) -> bytes | None:
        """Return the encoded witness of step `v` of unit `j`."""
        return make_witness(self._inputs(j), v, self._tower.nodes)

    def _inputs(self, j: int) -> UnitInputs:
        """Return what it takes to run a unit; behind the last batch, that behind its last unit."""
        offset, unit = divmod(j, 1 << UNIT_BITS)
        batch = self._from_batch + offset
        last = self._to_batch - 1
        place = UnitPlace(batch, unit) if batch <= last else UnitPlace(last, _LAST_UNIT)
        return self._tower.verifier.unit_inputs(self._tower.loader, place)
