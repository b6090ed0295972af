"""Many commitments on both sides: the work of a player grows with them, not with their pairs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from optimistic.protocol.dispute.actions import Timeout
from optimistic.protocol.dispute.forecast import can_hold, seconds_left
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import next_moves
from optimistic.protocol.dispute.traces import Player, Terms
from optimistic.protocol.dispute.views import (
    Clocks,
    CommitmentView,
    DisputeView,
    Divergence,
    DuelView,
    Life,
    Stage,
)
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import ZERO_HASH, Address, Hash32

PERIOD_S = 100_000
TERMS = Terms(log_arity=5, challenge_period_s=PERIOD_S, bond_wei=1)
NOBODY = Address(bytes(20))


class Counted(Mapping[Hash32, CommitmentView]):
    """Says how often it was asked."""

    def __init__(self, inner: Mapping[Hash32, CommitmentView]) -> None:
        self._inner = inner
        self.asked = 0

    def __getitem__(self, key: Hash32) -> CommitmentView:
        self.asked += 1
        return self._inner[key]

    def __iter__(self) -> Iterator[Hash32]:
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)


class NoTraces:
    """The right trace is still being made."""

    def units(self) -> None:
        return None

    def steps(self, j: int) -> None:
        assert j == 3

    def witness(self, j: int, v: int) -> None:
        raise AssertionError((j, v))


def id_of(side: Side, number: int) -> Hash32:
    return keccak256(bytes([side, number >> 8, number & 0xFF]))


def crowd(per_side: int, duels: dict[tuple[Hash32, Hash32], DuelView] | None = None) -> DisputeView:
    """A pinned dispute at time 0; commitment `n` of a side has number 2n + 1 + side."""
    commitments = {
        id_of(side, number): CommitmentView(
            side=side,
            depth=5,
            root=ZERO_HASH,
            owner=NOBODY,
            joined_at=number,
            no=2 * number + 1 + side,
            life=Life.LIVE,
            is_free=False,
            children=(),
        )
        for number in range(per_side)
        for side in Side
    }
    return DisputeView(
        older=id_of(Side.OLDER, 9_999),
        newer=id_of(Side.NEWER, 9_999),
        opened_at=0,
        walk=search(Stage.TRACE, Clocks(left=(PERIOD_S, PERIOD_S), since=0, turn=Side.OLDER)),
        commitments=Counted(commitments),
        duels={} if duels is None else duels,
    )


def search(stage: Stage, clocks: Clocks) -> DuelView:
    return DuelView(
        stage=stage,
        clocks=clocks,
        level=0,
        index=3,
        divergence=Divergence(pre=ZERO_HASH, nodes=(id_of(Side.OLDER, 1), id_of(Side.NEWER, 1))),
        children=(None, None),
        end_states=(None, None),
    )


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
