"""Many commitments on both sides: the work of a player grows with them, not with their pairs."""

from dataclasses import replace

import pytest

from optimistic.protocol.dispute.actions import Timeout
from optimistic.protocol.dispute.forecast import can_hold, seconds_left
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import next_moves
from optimistic.protocol.dispute.traces import Player, Terms
from optimistic.protocol.dispute.views import Clocks, DisputeView, Life, Stage
from tests.helpers.crowd import NOBODY, PERIOD_S, Counted, crowd, id_of, search

TERMS = Terms(log_arity=5, challenge_period_s=PERIOD_S, bond_wei=1)


class NoTraces:
    """The right trace is still being made."""

    def units(self) -> None:
        return None

    def steps(self, j: int) -> None:
        assert j == 3

    def witness(self, j: int, v: int) -> None:
        raise AssertionError((j, v))


def timeouts(view: DisputeView, right: Side, now: int) -> list[Timeout]:
    found = next_moves(view, right, TERMS, Player(address=NOBODY), NoTraces(), now)
    assert all(isinstance(action, Timeout) for action in found)
    return [action for action in found if isinstance(action, Timeout)]


@pytest.mark.parametrize("right", Side)
@pytest.mark.parametrize("now", [PERIOD_S // 2, PERIOD_S])
def test_attack__five_hundred_commitments_on_each_side__are_not_paired_to_plan(right: Side, now: int) -> None:
    view = crowd(500)

    found = timeouts(view, right, now)

    assert isinstance(view.commitments, Counted)
    assert view.commitments.asked < 20 * 1_000
    dead = (
        0 if now < PERIOD_S else 500 if right is Side.OLDER else 499
    )  # the first one has nobody to start against
    assert len({action.key.commitments[right.other] for action in found if action.key.commitments}) == dead


def test_attack__hundred_commitments_on_each_side__are_paired_once_for_an_alarm() -> None:
    view = crowd(100)
    champion = id_of(Side.OLDER, 5)

    assert seconds_left(view, Side.OLDER, None, PERIOD_S) is None
    assert can_hold(view, Side.OLDER, champion, PERIOD_S - 1)
    assert seconds_left(view, Side.OLDER, champion, PERIOD_S - 7) == 7

    assert isinstance(view.commitments, Counted)
    assert view.commitments.asked < 10 * 100 * 100


def test_expired__a_started_duel_of_a_dead_commitment__is_no_timeout() -> None:
    ids = id_of(Side.OLDER, 0), id_of(Side.NEWER, 0)
    out = search(Stage.TRACE, Clocks(left=(10, 10), since=0, turn=Side.NEWER))
    alive = crowd(1, {ids: out})
    died = {**alive.commitments, ids[0]: replace(alive.commitments[ids[0]], life=Life.DEAD)}
    over = replace(alive, commitments=died)

    assert [action.key.commitments for action in timeouts(alive, Side.OLDER, 10)] == [ids]
    assert timeouts(alive, Side.OLDER, 9) == []
    assert timeouts(alive, Side.NEWER, 10) == []
    assert timeouts(over, Side.OLDER, 10) == []
