"""What to do in disputes: the player of the protocol, asked for each one in which a side is right.

The player says what is worth doing now. What is added here is when: an operator may want a pause
before each answer, and honest watchers spread what is not urgent, so that they do not all pay for
the same move. Nobody waits once a clock is low.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from challenger.model import Assertion, ChainView, Knowledge
from challenger.policy import Policy
from optimistic.protocol.commitment import Node, Tree
from optimistic.protocol.constants import BATCH_BITS, UNIT_BITS
from optimistic.protocol.dispute.actions import (
    Commit,
    GameAction,
    Move,
    Open,
    ProveStep,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.forecast import duel_clocks
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import TraceMismatch, next_moves, opening
from optimistic.protocol.dispute.views import Clocks, DisputeView, Stage
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32


class _NoTraces:
    """Of an assertion whose computation is not needed any more."""

    def units(self) -> Tree | None:
        return None

    def steps(self, j: int) -> Tree | None:
        return None

    def witness(self, j: int, v: int) -> bytes | None:
        return None


_NO_TRACES: Final = _NoTraces()


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The moves of one turn, and what kept us from others."""

    actions: tuple[GameAction, ...] = ()
    troubles: Mapping[Hash32, str] = field(default_factory=dict)
    """Dispute -> why nothing is done about it although we should."""


def play(view: ChainView, known: Knowledge, policy: Policy) -> Played:
    """Return every move worth making now in the disputes of right assertions, most urgent first."""
    actions: list[GameAction] = []
    troubles: dict[Hash32, str] = {}
    if view.me is None:
        return Played()
    for dispute in view.disputes:
        side = right_side(known, dispute)
        if side is None or not known.is_wrong(dispute.assertion(side.other)):
            continue
        parent = view.assertions[dispute.assertion(side)].parent
        traces = known.traces.get(parent, _NO_TRACES)
        try:
            moves = next_moves(dispute, side, view.terms, view.me.player, traces, view.now)
        except TraceMismatch as error:
            troubles[dispute.id] = str(error)
            continue
        actions += [move for move in moves if _is_time(view, policy, dispute, move)]
    actions.sort(key=lambda action: (action.deadline is None, action.deadline or 0))
    return Played(actions=(*actions, *view.claims), troubles=troubles)


def right_side(known: Knowledge, dispute: DisputeView) -> Side | None:
    """Return the side of a dispute whose assertion is right, if one is."""
    found = (side for side in Side if known.is_right(dispute.assertion(side)))
    return next(found, None)


def open_against(
    view: ChainView, known: Knowledge, rival: Assertion, right: Assertion, deadline: int
) -> Iterator[Open]:
    """Yield the opening of the dispute with an older wrong sibling, if the right computation is known."""
    traces = known.traces.get(right.parent)
    units = None if traces is None else traces.units()
    if units is not None:
        root, published = Node(rival.end_leaf, rival.unit_root), view.published.get(rival.id, ())
        yield opening(rival.id, right.id, units, root, published, deadline)


def is_our_turn(view: ChainView, policy: Policy, key: Hash32, since: int, deadline: int | None) -> bool:
    """Spread watchers over `max_delay_s` where there is time: each has its own delay per key."""
    if view.me is None or view.challenge_period_s < policy.urgent_s or not policy.max_delay_s:
        return True
    if deadline is not None and deadline - view.now < policy.urgent_s:
        return True
    return view.now >= since + _spread_s(view.me.stake.address + key, policy)


def _spread_s(key: bytes, policy: Policy) -> int:
    return int.from_bytes(keccak256(key), "big") % policy.max_delay_s


def _is_time(view: ChainView, policy: Policy, dispute: DisputeView, move: GameAction) -> bool:
    since = _since(dispute, move)
    if _waits(view, policy, dispute, move) and view.now < since + policy.response_delay_s:
        return False
    return is_our_turn(view, policy, keccak256(dispute.id + move.kind.encode()), since, move.deadline)


def _waits(view: ChainView, policy: Policy, dispute: DisputeView, move: GameAction) -> bool:
    """Whether the operator wants a pause before a move, and there is time for one."""
    if move.deadline is None or not policy.response_delay_s:
        return False
    left_s = move.deadline - view.now
    is_low = left_s < min(policy.urgent_s, view.challenge_period_s // 2)
    return not is_low and _levels_done(view, dispute, move) >= policy.response_delay_after


def _levels_done(view: ChainView, dispute: DisputeView, move: GameAction) -> int:
    """Return by how many levels a walk or a duel was narrowed down so far."""
    match move:
        case Move(key=key, level=level) if key.commitments is not None:
            return max(dispute.commitments[id_].depth for id_ in key.commitments) - level
        case ProveStep(key=key) if key.commitments is not None:
            return max(dispute.commitments[id_].depth for id_ in key.commitments)
        case Move():
            return (UNIT_BITS + BATCH_BITS) // view.terms.log_arity - move.level
        case _:
            return 0


def _since(dispute: DisputeView, move: GameAction) -> int:
    """Return since when a move could have been made, as far as that is known."""
    walk = dispute.walk.clocks
    match move:
        case Move(key=key) | ProveStep(key=key):
            return _clocks(dispute, key.commitments).since
        case Timeout(key=key):
            return _clocks(dispute, key.commitments).expires_at
        case Start(commitments=ids):
            return max(dispute.commitments[id_].joined_at for id_ in ids)
        case Commit():
            return walk.since
        case _ if dispute.stage is Stage.TRACE and not dispute.is_moot:
            return max(dispute.window_end(side) for side in Side)
        case _:
            return walk.since


def _clocks(dispute: DisputeView, ids: tuple[Hash32, Hash32] | None) -> Clocks:
    return dispute.walk.clocks if ids is None else duel_clocks(dispute, ids)
