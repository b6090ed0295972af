"""Disputes as plain JSON values: who is on turn, how long, who will win, and what comes next."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from challenger.defence import right_side
from challenger.model import ChainView, Knowledge
from challenger.standing import Standing
from optimistic.protocol.dispute.clocks import is_closed, loser
from optimistic.protocol.dispute.forecast import duel_clocks, if_nobody_moves, latest_end
from optimistic.protocol.dispute.ids import Ids, Side, dispute_id
from optimistic.protocol.dispute.views import Clocks, CommitmentView, DisputeView, Stage
from optimistic.protocol.types import Hash32
from optimistic.service.names import hex_of

_MOST_DUELS: Final = 64
"""Duels told of one dispute: attackers on both sides decide how many there are."""


def disputes_document(
    view: ChainView, known: Knowledge, standings: Sequence[Standing]
) -> list[dict[str, Any]]:
    """Return the disputes that are not over, the one with the least time first."""
    by_id = {standing.dispute.id: standing for standing in standings}
    urgent = [standing.dispute for standing in standings]
    rest = [dispute for dispute in view.disputes if dispute.id not in by_id]
    return [dispute_document(view, known, d, by_id.get(d.id)) for d in (*urgent, *rest)]


def settled_document(view: ChainView) -> list[dict[str, Any]]:
    """Return the disputes that are over."""
    return [
        {
            "id": hex_of(dispute_id(older, newer)),
            "older": hex_of(older),
            "newer": hex_of(newer),
            "stage": "over",
            "winner": None if winner is None else hex_of(winner),
        }
        for (older, newer), winner in view.settled.items()
    ]


def credits_document(view: ChainView) -> list[dict[str, Any]]:
    """Return what waits to be claimed for the own account and those that are claimed for."""
    return [
        {
            "account": hex_of(claim.account),
            "dispute": hex_of(dispute_id(claim.older, claim.newer)),
            "commitments": len(claim.commitments),
        }
        for claim in view.claims
    ]


def dispute_document(
    view: ChainView, known: Knowledge, dispute: DisputeView, standing: Standing | None
) -> dict[str, Any]:
    """Return one dispute with everything in it.

    Parameters
    ----------
    standing : how it stands for the right side, if one is right
    """
    now, right = view.now, right_side(known, dispute)
    forecast = if_nobody_moves(dispute, now)
    is_over = dispute.stage is Stage.OVER
    return {
        "id": hex_of(dispute.id),
        "older": hex_of(dispute.older),
        "newer": hex_of(dispute.newer),
        "stage": dispute.stage.name.lower(),
        "right": _side(right),
        "openedAt": dispute.opened_at,
        "turn": _side(dispute.walk.clocks.turn) if dispute.stage is Stage.WALK else None,
        "leftSeconds": None if is_over else _left(dispute, now),
        "rightLeftSeconds": None if standing is None else standing.left_s,
        "level": dispute.walk.level,
        "index": dispute.walk.index,
        "unit": _unit(view, dispute),
        "live": {_side(side): len(dispute.live(side)) for side in Side},
        "isMoot": dispute.is_moot,
        "winner": None if dispute.winner is None else hex_of(dispute.winner),
        "ifNobodyMoves": None if forecast is None else {"winner": _side(forecast.winner), "at": forecast.at},
        "rightSideHolds": None if standing is None else standing.holds,
        "endsBy": None if is_over else latest_end(dispute),
        "next": [] if is_over else list(what_next(dispute, now)),
        "commitments": [
            commitment_document(dispute, id_, found, standing) for id_, found in dispute.commitments.items()
        ],
        "duels": [duel_document(dispute, ids, now) for ids in islice(_urgent(dispute), _MOST_DUELS)],
        "duelsInAll": len(dispute.live(Side.OLDER)) * len(dispute.live(Side.NEWER)),
    }


def commitment_document(
    dispute: DisputeView, id_: Hash32, found: CommitmentView, standing: Standing | None
) -> dict[str, Any]:
    """Return one commitment."""
    return {
        "id": hex_of(id_),
        "dispute": hex_of(dispute.id),
        "no": found.no,
        "side": _side(found.side),
        "depth": found.depth,
        "root": hex_of(found.root),
        "owner": hex_of(found.owner),
        "joinedAt": found.joined_at,
        "life": found.life.name.lower(),
        "isFree": found.is_free,
        "isRight": None if standing is None or standing.champion is None else id_ == standing.champion,
    }


def duel_document(dispute: DisputeView, ids: Ids, now: int) -> dict[str, Any]:
    """Return the duel of two live commitments, started or not."""
    duel, clocks = dispute.duels.get(ids), duel_clocks(dispute, ids)
    if duel is not None and duel.level == 0:
        stage = "step"
    elif clocks.remaining(now) == 0:
        stage = "expired"
    else:
        stage = "not started" if duel is None else "search"
    return {
        "id": hex_of(dispute.duel_id(ids)),
        "dispute": hex_of(dispute.id),
        "older": hex_of(ids[Side.OLDER]),
        "newer": hex_of(ids[Side.NEWER]),
        "stage": stage,
        "turn": _side(clocks.turn),
        "leftSeconds": _both_left(clocks, now),
        "expiresAt": clocks.expires_at,
        "level": max(dispute.commitments[id_].depth for id_ in ids) if duel is None else duel.level,
        "index": 0 if duel is None else duel.index,
        "next": next(iter(_next_of_duel(dispute, ids, now))),
    }


def _urgent(dispute: DisputeView) -> Iterator[Ids]:
    """Yield the pairs of live opposing commitments, those whose duel has started first."""
    live = {id_ for side in Side for id_ in dispute.live(side)}
    yield from (ids for ids in dispute.duels if live.issuperset(ids))
    yield from (ids for ids in dispute.pairs() if ids not in dispute.duels)


# ---------------------------------------------------------------------------------- what comes next


def what_next(dispute: DisputeView, now: int) -> Iterator[str]:
    """Yield in words what may happen next, and by whom."""
    if dispute.is_moot:
        yield "a sibling is dead: anybody settles"
    elif dispute.stage is Stage.WALK:
        clocks, level = dispute.walk.clocks, dispute.walk.level
        if clocks.remaining(now):
            yield f"the {_side(clocks.turn)} side moves to level {level - 1} before {clocks.expires_at}"
        else:
            yield f"the clock of the {_side(clocks.turn)} side ran out: anybody calls the timeout"
    else:
        yield from _next_of_trace(dispute, now)


def _next_of_trace(dispute: DisputeView, now: int) -> Iterator[str]:
    clocks = dispute.walk.clocks
    closed = [is_closed(clocks.left[side], clocks.since, now) for side in Side]
    lost = loser((closed[0], closed[1]), (len(dispute.live(Side.OLDER)), len(dispute.live(Side.NEWER))))
    if lost is not None:
        yield f"the {_side(lost)} side has no commitment left: anybody settles"
        return
    for side in Side:
        if not closed[side]:
            yield f"the {_side(side)} side may commit before {dispute.window_end(side)}"
    for ids in islice(_urgent(dispute), _MOST_DUELS):
        yield from _next_of_duel(dispute, ids, now)


def _next_of_duel(dispute: DisputeView, ids: Ids, now: int) -> Iterator[str]:
    duel, clocks = dispute.duels.get(ids), duel_clocks(dispute, ids)
    numbers = " and ".join(str(dispute.commitments[id_].no) for id_ in ids)
    name, turn = f"duel of commitments {numbers}", _side(clocks.turn)
    if duel is not None and duel.level == 0:
        expired = "" if clocks.remaining(now) else f", or calls the timeout of the {turn} side"
        yield f"{name}: anybody proves step {duel.index}{expired}"
    elif clocks.remaining(now) == 0:
        yield f"{name}: the clock of the {turn} side ran out: anybody calls the timeout"
    else:
        verb = "starts" if duel is None else f"moves to level {duel.level - 1}"
        yield f"{name}: the {turn} side {verb} before {clocks.expires_at}"


# ---------------------------------------------------------------------------------- parts


def _unit(view: ChainView, dispute: DisputeView) -> dict[str, int] | None:
    """Return the pinned unit by its place, None while it is searched."""
    if dispute.stage is Stage.WALK:
        return None
    batch, unit = view.disputed_unit(dispute)
    return {"index": dispute.walk.index, "batch": batch, "unitInBatch": unit}


def _left(dispute: DisputeView, now: int) -> dict[str | None, int]:
    """Return the seconds of both sides: on their clocks in a walk, until their windows close later."""
    if dispute.stage is Stage.WALK:
        return _both_left(dispute.walk.clocks, now)
    return {_side(side): max(0, dispute.window_end(side) - now) for side in Side}


def _both_left(clocks: Clocks, now: int) -> dict[str | None, int]:
    return {
        _side(side): clocks.remaining(now) if side is clocks.turn else max(0, clocks.left[side])
        for side in Side
    }


def _side(side: Side | None) -> str | None:
    return None if side is None else side.name.lower()
