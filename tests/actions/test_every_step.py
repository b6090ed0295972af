"""A liar may go astray at any place of a computation: the watchtower has that very step executed by L1."""

from pathlib import Path

import pytest

from challenger.watchtower import Watchtower
from optimistic.protocol.records import AssertionStatus
from optimistic.service.l1_events import Moved, StepProven, UnitPinned
from scripts.staging.lies import Fault, StepLie, UnitLie
from tests.helpers.eventful_batches import BEHIND_UNITS, PADDING, PLACES, find_places, post_eventful_batches
from tests.helpers.fight_stage import Fight

pytestmark = pytest.mark.slow

USUAL = ("unit BEGIN_BATCH", "phase TX_DESTROY", "precompile 8", PADDING)
"""The others are tried at night."""


def fault_at(tower: Watchtower, place: str) -> Fault:
    unit, step = find_places(tower)[place]
    lie = UnitLie.ONCE if place == BEHIND_UNITS else UnitLie.RESULT
    return Fault(unit_lie=lie, unit=unit, step=step, step_lie=StepLie.FALSE)


@pytest.mark.parametrize(
    "place", [pytest.param(place, marks=[] if place in USUAL else [pytest.mark.nightly]) for place in PLACES]
)
def test_divergence__at_every_kind_of_step__is_proven_there(tmp_path: Path, place: str) -> None:
    chosen: list[Fault] = []

    def choose(tower: Watchtower) -> Fault:
        chosen.append(fault_at(tower, place))
        return chosen[-1]

    fight = Fight(tmp_path, choose, is_older=True, post_batches=post_eventful_batches)
    tower = fight.tower()

    fight.play(tower, rounds=16)
    fight.finish(tower)

    [unit] = [event.index for event in fight.events() if isinstance(event, UnitPinned)]
    step = [event.index for event in fight.events() if isinstance(event, Moved)][-1]
    assert (unit, step) == (chosen[0].unit, chosen[0].step)
    assert fight.count(StepProven) == 1
    assert fight.status(fight.liar.assertion) is AssertionStatus.DEAD
    assert fight.status(fight.right_id) is AssertionStatus.CONFIRMED
    fight.close()
