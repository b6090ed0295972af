"""Disputes as they stand in the middle of a story, for the tests of the rules."""

from typing import Any

import pytest

from optimistic.protocol.dispute.actions import DuelKey
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import CommitmentView, DisputeView, DuelView
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.types import Hash32
from scripts.staging.lies import Fault
from tests.helpers.dispute_stage import Stage as Table
from tests.helpers.dispute_stage import wrong_step

OLDER, NEWER = Side.OLDER, Side.NEWER
Pair = tuple[Hash32, Hash32]
LIE = Fault(unit=3)

arities = pytest.mark.parametrize("log_arity", [1, 5])
sides = pytest.mark.parametrize("right", Side)


def view_of(table: Table, pair: Pair) -> DisputeView:
    view = table.game.view(*pair)
    assert view is not None
    return view


def commitment_of(table: Table, pair: Pair, id_: Hash32) -> CommitmentView:
    return view_of(table, pair).commitments[id_]


def duel_of(table: Table, key: DuelKey) -> DuelView:
    duel = table.duel(key)
    assert duel is not None
    return duel


def walk_of(pair: Pair) -> DuelKey:
    return DuelKey(older=pair[0], newer=pair[1])


def opened(log_arity: int = 5, *, level: int | None = None, late: int = 0) -> tuple[Table, Pair]:
    """A right older sibling and a newer one that opened some seconds after it was posted."""
    table = Table(log_arity=log_arity)
    older = table.post("honest", table.right.units())
    table.now += late
    newer = table.post("liar", table.lie(LIE))
    table.play("liar", table.opening(older, newer, level))
    return table, (older, newer)


def pinned(log_arity: int = 5, *, late: int = 0) -> tuple[Table, Pair]:
    return opened(log_arity, level=0, late=late)


def opposed(
    log_arity: int = 5, *, first: Side = NEWER, after: tuple[int, int] = (0, 0), lie: int = 17
) -> tuple[Table, DuelKey]:
    """Two opposing commitments, each so many seconds after the one before or after the unit was pinned."""
    table, pair = pinned(log_arity)
    traces = table.traces(pair, OLDER, wrong_step(lie))
    ids = dict[Side, Hash32]()
    for side, seconds in zip((first, first.other), after, strict=True):
        table.now += seconds
        ids[side] = table.commit(("honest", "liar")[side], pair, side, traces[side])
    return table, DuelKey(older=pair[0], newer=pair[1], commitments=(ids[OLDER], ids[NEWER]))


def at_the_step(log_arity: int = 5) -> tuple[Table, DuelKey]:
    table, key = opposed(log_arity)
    table.play("anyone", table.starting(key))
    while duel_of(table, key).level:
        table.play("anyone", table.move(key))
    return table, key


def unchanged(table: Table, refusal: type[InvalidInput], call: Any, *args: Any, **kwargs: Any) -> None:
    """A refused call leaves everything as it was."""
    game, chain = table.game, table.chain
    before = (dict(game.disputes), dict(game.owed_wei), game.balance_wei, dict(chain.assertions))
    with pytest.raises(refusal):
        call(*args, **kwargs)
    assert before == (game.disputes, game.owed_wei, game.balance_wei, chain.assertions)


def after_windows(table: Table, pair: Pair) -> None:
    table.now = max(view_of(table, pair).window_end(side) for side in Side)
