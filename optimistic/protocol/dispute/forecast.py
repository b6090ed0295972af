"""How a dispute will end, and how long somebody may still wait.

For people and alarms; no move rests on it.

Source: docs/spec/10-dispute-game.md
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from optimistic.protocol.dispute.clocks import duel_clock, is_closed, loser
from optimistic.protocol.dispute.ids import Ids, Side
from optimistic.protocol.dispute.searches import newer_side
from optimistic.protocol.dispute.views import Clocks, DisputeView, DuelView, Life, Stage
from optimistic.protocol.types import Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """An end of a dispute."""

    winner: Side | None
    """None if nobody dies by it."""
    at: int
    """L1 time from which it can be ended."""


def if_nobody_moves(view: DisputeView, now: int) -> Forecast | None:
    """Return how a dispute ends if from now on clocks run out and are called, and nothing else happens.

    None if it is over.
    """
    if view.stage not in (Stage.WALK, Stage.TRACE):
        return None
    if view.is_moot:
        return Forecast(winner=None, at=now)
    if view.stage is Stage.WALK:
        clocks = view.walk.clocks
        return Forecast(winner=clocks.turn.other, at=max(now, clocks.expires_at))
    return _after_timeouts(view, now)


def _after_timeouts(view: DisputeView, now: int) -> Forecast:
    """Let every clock of a pinned unit run out in the order in which they do."""
    clocks = view.walk.clocks
    live = {side: view.live(side) for side in Side}
    ends = sorted((duel_clocks(view, ids).expires_at, ids) for ids in view.pairs())
    waiting = deque(ends)
    for time in sorted({now, *(view.window_end(side) for side in Side), *(at for at, _ in ends)}):
        while waiting and waiting[0][0] <= time:
            _, ids = waiting.popleft()
            if all(ids[side] in live[side] for side in Side):
                side = duel_clocks(view, ids).turn
                live[side].remove(ids[side])
        closed = [is_closed(clocks.left[side], clocks.since, time) for side in Side]
        lost = loser((closed[0], closed[1]), (len(live[Side.OLDER]), len(live[Side.NEWER])))
        if time >= now and lost is not None:
            return Forecast(winner=lost.other, at=time)
    raise AssertionError("when all windows are closed and all clocks are out, somebody has lost")


def can_hold(view: DisputeView, right: Side, champion: Hash32 | None, now: int) -> bool:
    """Return whether the right side still wins if it plays on, whatever its opponents do.

    Parameters
    ----------
    champion : id of the commitment to the right trace, posted or not; None while the trace is unknown
    """
    if view.stage is Stage.OVER:
        return view.winner == view.assertion(right)
    if view.stage is Stage.WALK:
        return view.walk.clocks.turn is not right or view.walk.clocks.remaining(now) > 0
    known = view.commitments.get(champion) if champion is not None else None
    if known is None:
        return now < view.window_end(right) or _wins_without(view, right, now)
    ends = _runs_out(right, _clocks_of(view, champion))
    return known.life is Life.LIVE and (ends is None or ends > now)


def seconds_left(view: DisputeView, side: Side, champion: Hash32 | None, now: int) -> int | None:
    """Return how long a side may still wait before a clock of its champion runs out, at least 0.

    None while none of its clocks runs. While the champion is not known, it is taken to be the
    commitment that has most time. See `can_hold`.
    """
    if view.stage not in (Stage.WALK, Stage.TRACE):
        return None
    if view.stage is Stage.WALK:
        ends = _runs_out(side, [view.walk.clocks])
    elif champion is None and now >= view.window_end(side):
        rivals = view.live(side.other)
        each = [_runs_out(side, _clocks_against(view, id_, rivals)) for id_ in view.live(side)]
        known = [end for end in each if end is not None]
        ends = max(known) if known and len(known) == len(each) else None
    elif champion is None or champion not in view.commitments:
        ends = view.window_end(side)
    else:
        ends = _runs_out(side, _clocks_of(view, champion))
    return None if ends is None else max(0, ends - now)


def _runs_out(side: Side, clocks: Iterable[Clocks]) -> int | None:
    """Return when the first of some clocks runs out on which a side is on turn."""
    return min((c.expires_at for c in clocks if c.turn is side), default=None)


def latest_end(view: DisputeView) -> int:
    """Return the L1 time at which a dispute that is not over can be ended at the latest."""
    clocks = view.walk.clocks
    return clocks.since + sum(clocks.left)


def duel_clocks(view: DisputeView, ids: Ids) -> Clocks:
    """Return the clocks of the duel of two commitments, started or not."""
    duel: DuelView | None = view.duels.get(ids)
    if duel is not None:
        return duel.clocks
    both = view.commitments[ids[0]], view.commitments[ids[1]]
    budgets, pinned_at = view.walk.clocks.left, view.walk.clocks.since
    side = newer_side(both)
    left = [duel_clock(budgets[s], pinned_at, both[s].joined_at) for s in Side]
    return Clocks(left=(left[0], left[1]), since=both[side].joined_at, turn=side)


def _clocks_of(view: DisputeView, champion: Hash32 | None) -> Iterator[Clocks]:
    """Yield the clocks of all duels a commitment has to fight; a dead one has none."""
    found = None if champion is None else view.commitments.get(champion)
    if champion is not None and found is not None and found.life is Life.LIVE:
        yield from _clocks_against(view, champion, view.live(found.side.other))


def _clocks_against(view: DisputeView, own: Hash32, rivals: Iterable[Hash32]) -> Iterator[Clocks]:
    """Yield the clocks of the duels of a live commitment with those of the other side."""
    side = view.commitments[own].side
    for rival in rivals:
        yield duel_clocks(view, side.pair(own, rival))


def _wins_without(view: DisputeView, right: Side, now: int) -> bool:
    """Return whether a side that can commit no more wins although it lacks the right trace."""
    ending = _after_timeouts(view, now)
    return ending.winner is right
