"""In which order the traces of disputed units are asked for."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from challenger.right_traces import RightTraces
from challenger.verifier import BatchSource, Verifier
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.types import Hash32
from optimistic.service.clock import FakeClock
from optimistic.service.trace_cache import TraceCache
from optimistic.service.trace_workers import InlineWorker
from optimistic.service.unit_traces import TraceShop
from tests.helpers.memory_nodes import MemoryNodes
from tests.unit.challenger.disputes import pinned
from tests.unit.challenger.views import GENESIS, PERIOD_S, TERMS, Story, ident


class OneRange:
    """Has replayed everything."""

    def key(self, batch: int) -> Hash32:
        return ident(f"inputs up to {batch}")


@dataclass
class Asked:
    """The computation of a right child; remembers what it was asked for."""

    units: list[int] = field(default_factory=list)

    def disagreement(self, j: int) -> bool | None:
        self.units.append(j)
        return None


@pytest.fixture
def traces(tmp_path: Path) -> RightTraces:
    cache = TraceCache(tmp_path, 1)
    shop = TraceShop(cache, InlineWorker(MemoryNodes({}), cache), clock=FakeClock())
    return RightTraces(
        cast(Verifier, OneRange()),
        cast(BatchSource, None),
        shop,
        TERMS.log_arity,
        checks_engines=False,
    )


def test_attack__heavy_units_of_disputes_with_time_or_without_sense__wait_for_the_urgent_one(
    traces: RightTraces,
) -> None:
    story = Story().batches(1).right(GENESIS, "right", to=1)
    for name in ("slow", "urgent", "moot"):
        story.posted(GENESIS, name)
    story.posted(GENESIS, "right")

    def about(name: str, unit: int, left_s: int, **how: Any) -> DisputeView:
        view = pinned(story.ids[name], story.ids["right"], right=Side.NEWER, left=(PERIOD_S, left_s))
        return replace(view, walk=replace(view.walk, index=unit), **how)

    view, known = story.view(), story.known()
    disputes = [
        about("moot", 0, 1, is_moot=True),
        about("slow", 1, PERIOD_S),
        about("urgent", 7, 5),
        about("slow", 7, PERIOD_S),
    ]
    asked = Asked()

    traces.disagreements(replace(view, disputes=disputes), known, cast(Any, {ident(GENESIS): asked}))

    assert asked.units == [7, 1]
