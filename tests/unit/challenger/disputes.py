"""Disputes as views for the rules of the watchtower: who is on turn, since when, with how much time."""

from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import (
    Clocks,
    CommitmentView,
    DisputeView,
    Divergence,
    DuelView,
    Life,
    Stage,
)
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.protocol.types import Address, Hash32
from tests.unit.challenger.views import EVE, PERIOD_S, T0, TERMS, ident, unit_tree

UNIT = 1
TRACE = TraceTree(TERMS.log_arity, [ident("step 0"), unit_tree().node(0, UNIT).hash])
"""The right trace of unit UNIT."""


def walk(
    older: Hash32,
    newer: Hash32,
    *,
    right: Side,
    turn: Side,
    since: int = T0,
    left: tuple[int, int] = (PERIOD_S, PERIOD_S),
    is_moot: bool = False,
) -> DisputeView:
    """A walk at the roots, in which the side that is not on turn has just revealed its children."""
    tree = unit_tree()
    other = tuple(ident(f"child {n}") for n in range(32))
    children = tuple(child.hash for child in tree.children(tree.height, 0))
    revealed: dict[Side, tuple[Hash32, ...]] = {right: children, right.other: other}
    return DisputeView(
        older=older,
        newer=newer,
        opened_at=since,
        walk=DuelView(
            stage=Stage.WALK,
            clocks=Clocks(left=left, since=since, turn=turn),
            level=tree.height,
            index=0,
            divergence=Divergence(
                pre=ident("pre"), nodes=right.pair(tree.root.hash, ident("root of the wrong"))
            ),
            children=turn.other.pair(revealed[turn.other], None),
            end_states=turn.other.pair(ident("end"), None),
        ),
        is_moot=is_moot,
    )


def pinned(
    older: Hash32,
    newer: Hash32,
    *,
    right: Side,
    since: int = T0,
    left: tuple[int, int] = (PERIOD_S, PERIOD_S),
    champion_at: int | None = None,
    rival_at: int | None = None,
    owner: Address = EVE,
    is_free: bool = False,
) -> DisputeView:
    """A dispute about unit UNIT, with or without commitments to the right and to a wrong trace."""
    result = TRACE.root.end_state
    view = DisputeView(
        older=older,
        newer=newer,
        opened_at=since,
        walk=DuelView(
            stage=Stage.TRACE,
            clocks=Clocks(left=left, since=since, turn=Side.OLDER),
            level=0,
            index=UNIT,
            divergence=Divergence(pre=ident("pre"), nodes=right.pair(result, ident("wrong result"))),
            children=(None, None),
            end_states=(None, None),
        ),
    )
    wrong = TraceTree(TERMS.log_arity, [ident("lie"), ident("wrong result")])
    commitments: dict[Hash32, CommitmentView] = {}
    joined = [(rival_at, right.other, wrong, EVE, False), (champion_at, right, TRACE, owner, is_free)]
    for at, side, tree, account, free in sorted(joined, key=lambda entry: entry[0] or 0):
        if at is None:
            continue
        commitments[view.commitment_id(side, tree.height, tree.root.hash)] = CommitmentView(
            side=side,
            depth=tree.height,
            root=tree.root.hash,
            owner=account,
            joined_at=at,
            no=len(commitments) + 1,
            life=Life.LIVE,
            is_free=free,
            children=tuple(child.hash for child in tree.children(tree.height, 0)),
        )
    return DisputeView(older=older, newer=newer, opened_at=since, walk=view.walk, commitments=commitments)
