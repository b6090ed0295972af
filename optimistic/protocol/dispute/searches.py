"""One search for the first difference: how a walk or a duel begins, and the one move there is.

Source: docs/spec/10-dispute-game.md
"""

from typing import TypedDict

from optimistic.protocol.dispute.actions import DivergenceProof, Move, Reveal, Start
from optimistic.protocol.dispute.clocks import booked, duel_clock
from optimistic.protocol.dispute.divergence import InvalidReveal, check_divergence, check_reveal, lift
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.refusals import ClockExpired, NotOnTurn, WrongDivergence
from optimistic.protocol.dispute.views import Clocks, CommitmentView, Divergence, DuelView, Stage
from optimistic.protocol.types import Hash32

Both = tuple[CommitmentView, CommitmentView]
"""Two opposing commitments, by side."""


class _Revealed(TypedDict):
    """What is known below the nodes of a search."""

    children: tuple[tuple[Hash32, ...] | None, tuple[Hash32, ...] | None]
    end_states: tuple[Hash32 | None, Hash32 | None]


def newer_side(both: Both) -> Side:
    """Return the side of the commitment that came later."""
    return Side.OLDER if both[Side.OLDER].no > both[Side.NEWER].no else Side.NEWER


def walk_from(
    level: int, proof: DivergenceProof, pre: Hash32, reveal: Reveal | None, clocks: Clocks, log_arity: int
) -> DuelView:
    """Return the walk of a dispute that begins at a level; at level 0 the unit is pinned at once."""
    return DuelView(
        stage=Stage.WALK if level else Stage.TRACE,
        clocks=clocks,
        level=level,
        index=proof.index,
        divergence=Divergence(pre=pre, nodes=proof.nodes),
        **_revealed(level, Side.NEWER, proof, reveal, log_arity),
    )


def started(walk: DuelView, both: Both, now: int, start: Start, log_arity: int) -> DuelView:
    """Return the duel of two commitments after its first move.

    Raises
    ------
    InvalidInput : see `descend`
    """
    budgets, pinned_at, side = walk.clocks.left, walk.clocks.since, newer_side(both)
    depth = max(commitment.depth for commitment in both)
    older, newer = (
        lift(commitment.root, result, commitment.depth, depth, log_arity)
        for commitment, result in zip(both, walk.divergence.nodes, strict=True)
    )
    left = [duel_clock(budgets[s], pinned_at, both[s].joined_at) for s in Side]
    duel = DuelView(
        stage=Stage.TRACE,
        clocks=Clocks(left=(left[0], left[1]), since=both[side].joined_at, turn=side),
        level=depth,
        index=0,
        divergence=Divergence(pre=walk.divergence.pre, nodes=(older, newer)),
        children=(None, None),
        end_states=(None, None),
    )
    return descend(duel, now, walk.divergence.pre, start, log_arity)


def descend(duel: DuelView, now: int, pre: Hash32, move: Move | Start, log_arity: int) -> DuelView:
    """Return a search after the one move there is, made for the side on turn.

    Raises
    ------
    ClockExpired : the clock of the side on turn ran out
    NotOnTurn : there is nothing below the nodes
    WrongDivergence : the proof is about other nodes
    InvalidDivergence, InvalidReveal : it proves nothing
    """
    clocks, proof, level = duel.clocks, move.proof, duel.level - 1
    if clocks.remaining(now) == 0:
        raise ClockExpired
    if level < 0:
        raise NotOnTurn
    uppers, after = check_divergence(proof, log_arity, level, 1, pre)
    if Divergence(pre=pre, nodes=uppers) != duel.divergence:
        raise WrongDivergence
    return DuelView(
        stage=Stage.TRACE if level == 0 else duel.stage,
        clocks=Clocks(
            left=booked(clocks.left, clocks.turn, clocks.since, now), since=now, turn=clocks.turn.other
        ),
        level=level,
        index=(duel.index << log_arity) + proof.index,
        divergence=Divergence(pre=after, nodes=proof.nodes),
        **_revealed(level, clocks.turn, proof, move.reveal, log_arity),
    )


def _revealed(
    level: int, side: Side, proof: DivergenceProof, reveal: Reveal | None, log_arity: int
) -> _Revealed:
    """Check what the mover reveals: the children of its own new node, nothing below a leaf."""
    if level == 0:
        if reveal is not None:
            raise InvalidReveal("a leaf has no children")
        return {"children": (None, None), "end_states": (None, None)}
    if reveal is None:
        raise InvalidReveal("the children of the new node are missing")
    check_reveal(proof.nodes[side], level, reveal, log_arity)
    return {
        "children": side.pair(reveal.children, None),
        "end_states": side.pair(reveal.end_state, None),
    }
