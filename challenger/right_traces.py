"""The computation of every right child, for the dispute game, and a second opinion of contested ones."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from challenger.model import ChainView, Draft, Knowledge
from challenger.replayed_range import ReplayedRange
from challenger.solver import right_chain
from challenger.verifier import BatchSource, Verifier
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Stage
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.unit_inputs import UnitPlace
from optimistic.service.unit_traces import TraceShop, UnitTraces

_Range = tuple[int, int, Hash32]
"""Batches [from, to), and a hash of everything their replay depends on."""


class RightTraces:
    """Knows the ranges of the right children of a view.

    Parameters
    ----------
    shop : makes traces
    checks_engines : whether contested batches are run on the step machine, too
    """

    def __init__(
        self,
        verifier: Verifier,
        source: BatchSource,
        shop: TraceShop,
        log_arity: int,
        *,
        checks_engines: bool,
    ) -> None:
        self.verifier: Final = verifier
        self._source: Final = source
        self._shop: Final = shop
        self._log_arity: Final = log_arity
        self._checks_engines: Final = checks_engines
        self._ranges: dict[_Range, ReplayedRange] = {}
        self._agreed: set[tuple[_Range, int]] = set()
        """Disputed units that both engines end in the same state."""

    def traces(self, view: ChainView, known: Knowledge) -> Mapping[Hash32, UnitTraces]:
        """Return the computation of each right child, by its parent."""
        chain = [parent for parent in right_chain(view, known) if parent.id in known.drafts]
        ranges = {parent.id: self._range(known.drafts[parent.id]) for parent in chain}
        self._ranges = {key: self._ranges[key] for key, _ in ranges.values()}
        self._agreed = {(key, j) for key, j in self._agreed if key in self._ranges}
        return {id_: UnitTraces(found, self._shop, self._log_arity) for id_, (_, found) in ranges.items()}

    def disagreements(
        self, view: ChainView, known: Knowledge, traces: Mapping[Hash32, UnitTraces]
    ) -> list[UnitPlace]:
        """Return units in which the engines turned out to disagree, as far as that was looked at."""
        found = []
        for id_, units in traces.items():
            draft = known.drafts[id_]
            found += [_place(draft, j) for j in _pinned(view, draft) if self._differ(draft, units, j)]
            if _is_contested(view, draft):
                found += [place for _, place in self._checked(draft) if place is not None]
        return [place for place in found if place.unit]  # all share the code that begins a batch

    def _differ(self, draft: Draft, units: UnitTraces, j: int) -> bool:
        """Whether the engines are known to end a unit in different states."""
        key, _ = self._range(draft)
        if (key, j) in self._agreed:
            return False
        differ = units.disagreement(j)
        if differ is False:
            self._agreed.add((key, j))
        return bool(differ)

    def unchecked(self, view: ChainView, known: Knowledge) -> frozenset[Hash32]:
        """Return the right parents below which both engines have not run every contested batch yet."""
        return frozenset(
            draft.parent
            for draft in known.drafts.values()
            if _is_contested(view, draft) and sum(1 for _ in self._checked(draft)) < self._to_check(draft)
        )

    def tend(self) -> bool:
        """Take what was made and begin what is wanted; return whether anything was made."""
        return self._shop.tend()

    def failing(self) -> Mapping[str, int]:
        """Return the jobs that failed the last times, and how often."""
        return self._shop.failing()

    def _to_check(self, draft: Draft) -> int:
        return draft.to_batch - draft.from_batch if self._checks_engines else 0

    def _checked(self, draft: Draft) -> Iterator[tuple[int, UnitPlace | None]]:
        """Yield the batches that both engines ran, with the unit that they end differently, if any."""
        _, batches = self._range(draft)
        for offset in range(self._to_check(draft)):
            name = batches.check_name(offset)
            if self._shop.check(name, partial(batches.check_job, offset)):
                unit = self._shop.checked[name]
                yield offset, None if unit is None else UnitPlace(draft.from_batch + offset, unit)

    def _range(self, draft: Draft) -> tuple[_Range, ReplayedRange]:
        key = (draft.from_batch, draft.to_batch, self.verifier.key(draft.to_batch - 1))
        if key not in self._ranges:
            self._ranges[key] = ReplayedRange(self.verifier, self._source, draft.from_batch, draft.to_batch)
        return key, self._ranges[key]


def _pinned(view: ChainView, draft: Draft) -> list[int]:
    """Return the units that disputes of a right child came down to, that with the least time first.

    Traces are made in this order. A moot dispute needs none.
    """
    ends: dict[int, int] = {}
    for dispute in view.disputes:
        is_ours = draft.id in (dispute.older, dispute.newer)
        if is_ours and dispute.stage is Stage.TRACE and not dispute.is_moot:
            end = dispute.window_end(Side(draft.id == dispute.newer))
            ends[dispute.walk.index] = min(end, ends.get(dispute.walk.index, end))
    return sorted(ends, key=ends.__getitem__)


def _is_contested(view: ChainView, draft: Draft) -> bool:
    """Whether a live child is another than the right one."""
    return any(c.status is AssertionStatus.LIVE and c.id != draft.id for c in view.children(draft.parent))


def _place(draft: Draft, j: int) -> UnitPlace:
    offset, unit = divmod(j, 1 << UNIT_BITS)
    return UnitPlace(draft.from_batch + offset, unit)
