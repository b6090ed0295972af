from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from optimistic.protocol.dispute.actions import GameAction
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Life, Stage
from optimistic.protocol.records import AssertionStatus
from optimistic.service.game_readiness import precondition_of
from optimistic.service.tx_types import Readiness
from tests.unit.service.game_actions import (
    CLAIM,
    COMMIT,
    DUEL_MOVE,
    FREE,
    MOVE,
    OPEN,
    PROVE,
    RESULTS,
    RIGHT,
    SETTLE,
    START,
    STEP,
    TIMEOUT,
    WALK_TIMEOUT,
    WRONG,
)
from tests.unit.service.game_l1 import (
    PERIOD_S,
    T0,
    FakeGameL1,
    commitment_state,
    dispute_state,
    duel_state,
    siblings,
)
from tests.unit.service.game_story import ALICE, LEFT, NEWER, OLDER, ident

READY, NOT_YET, DONE, LOST = Readiness.READY, Readiness.NOT_YET, Readiness.DONE, Readiness.LOST
LIVE, DEAD = AssertionStatus.LIVE, AssertionStatus.DEAD
OLDER_OUT, NEWER_OUT = T0 + LEFT[0], T0 + LEFT[1]
World = Callable[[], FakeGameL1]


def world(
    stage: Stage,
    now: int = T0,
    live: tuple[int, int] = (1, 1),
    lives: tuple[Life, Life] = (Life.LIVE, Life.LIVE),
    duel: dict[str, Any] | None = None,
    **walk: Any,
) -> World:
    """Two live siblings in a dispute at `stage`; a started duel if one is described."""

    def build() -> FakeGameL1:
        l1 = FakeGameL1(now=now, assertions=siblings())
        state = duel_state(stage, RESULTS, **walk)
        if stage is not Stage.NONE:
            l1.disputes[OLDER, NEWER] = dispute_state(state, live, sum(live))
        l1.commitments = {
            RIGHT: commitment_state(lives[0], Side.OLDER, no=1),
            WRONG: commitment_state(lives[1], Side.NEWER, no=2),
        }
        if duel is not None:
            l1.duels[RIGHT, WRONG] = duel_state(Stage.TRACE, STEP, **duel)
        return l1

    return build


def having(base: World, **changes: Any) -> World:
    def build() -> FakeGameL1:
        return replace(base(), **changes)

    return build


TRACE, WALKING, OVER, UNKNOWN = (
    world(Stage.TRACE),
    world(Stage.WALK, level=1),
    world(Stage.OVER),
    world(Stage.NONE),
)
NO_COMMITMENTS = having(TRACE, commitments={})
MEMBER = having(NO_COMMITMENTS, stakes={ALICE: 1}, members={(OLDER, ALICE)})
DEAD_RIVAL: dict[str, Any] = {"lives": (Life.LIVE, Life.DEAD)}

CASES: list[tuple[str, GameAction, World, Readiness]] = [
    ("open", OPEN, UNKNOWN, READY),
    ("open_already", OPEN, WALKING, DONE),
    ("open_dead_sibling", OPEN, having(UNKNOWN, assertions=siblings(newer=DEAD)), LOST),
    ("open_reorganised_away", OPEN, having(UNKNOWN, assertions={}), LOST),
    ("open_last_second", OPEN, having(UNKNOWN, now=T0 + PERIOD_S - 1), READY),
    ("open_too_late", OPEN, having(UNKNOWN, now=T0 + PERIOD_S), LOST),
    ("walk_move", MOVE, WALKING, READY),
    ("walk_move_last_second", MOVE, having(WALKING, now=OLDER_OUT - 1), READY),
    ("walk_move_too_late", MOVE, having(WALKING, now=OLDER_OUT), LOST),
    ("walk_move_opening_reorganised_away", MOVE, UNKNOWN, NOT_YET),
    ("walk_move_before_reorganised_away", MOVE, world(Stage.WALK, level=2), NOT_YET),
    ("walk_move_by_somebody_else", MOVE, world(Stage.WALK, level=0), DONE),
    ("walk_move_pinned", MOVE, TRACE, DONE),
    ("walk_move_timed_out", MOVE, OVER, LOST),
    ("walk_move_not_on_turn", MOVE, world(Stage.WALK, level=1, turn=Side.NEWER), LOST),
    ("duel_move", DUEL_MOVE, world(Stage.TRACE, duel={"level": 1}), READY),
    ("duel_move_too_late", DUEL_MOVE, world(Stage.TRACE, OLDER_OUT, duel={"level": 1}), LOST),
    ("duel_move_by_somebody_else", DUEL_MOVE, world(Stage.TRACE, duel={"level": 0}), DONE),
    ("duel_move_start_reorganised_away", DUEL_MOVE, TRACE, NOT_YET),
    ("duel_move_rival_dead", DUEL_MOVE, world(Stage.TRACE, duel={"level": 1}, **DEAD_RIVAL), LOST),
    ("duel_move_unit_not_pinned", DUEL_MOVE, WALKING, NOT_YET),
    ("duel_move_over", DUEL_MOVE, OVER, LOST),
    ("commit", COMMIT, NO_COMMITMENTS, READY),
    ("commit_already", COMMIT, TRACE, DONE),
    ("commit_already_dead", COMMIT, world(Stage.TRACE, lives=(Life.DEAD, Life.LIVE)), DONE),
    ("commit_last_second", COMMIT, having(NO_COMMITMENTS, now=OLDER_OUT - 1), READY),
    ("commit_too_late", COMMIT, having(NO_COMMITMENTS, now=OLDER_OUT), LOST),
    ("commit_unit_not_pinned", COMMIT, having(WALKING, commitments={}), NOT_YET),
    ("commit_over", COMMIT, having(OVER, commitments={}), LOST),
    ("commit_another_unit", replace(COMMIT, divergence=STEP), NO_COMMITMENTS, LOST),
    ("commit_free", FREE, MEMBER, READY),
    ("commit_free_stranger", FREE, having(NO_COMMITMENTS, stakes={ALICE: 1}), LOST),
    ("commit_free_stake_lost", FREE, having(MEMBER, stakes={}), LOST),
    ("start", START, TRACE, READY),
    ("start_already", START, world(Stage.TRACE, duel={}), DONE),
    ("start_last_second", START, having(TRACE, now=NEWER_OUT - 1), READY),
    ("start_too_late", START, having(TRACE, now=NEWER_OUT), LOST),
    ("start_commitment_reorganised_away", START, NO_COMMITMENTS, NOT_YET),
    ("start_rival_dead", START, world(Stage.TRACE, **DEAD_RIVAL), LOST),
    ("start_unit_not_pinned", START, WALKING, NOT_YET),
    ("start_over", START, OVER, LOST),
    ("prove", PROVE, world(Stage.TRACE, duel={}), READY),
    ("prove_without_a_clock", PROVE, world(Stage.TRACE, OLDER_OUT + 9, duel={}), READY),
    ("prove_already", PROVE, world(Stage.TRACE, duel={}, **DEAD_RIVAL), DONE),
    ("prove_not_at_a_step", PROVE, world(Stage.TRACE, duel={"level": 1}), NOT_YET),
    ("prove_start_reorganised_away", PROVE, TRACE, NOT_YET),
    ("prove_another_step", replace(PROVE, divergence=RESULTS), world(Stage.TRACE, duel={}), LOST),
    ("prove_over", PROVE, OVER, LOST),
    ("prove_unit_not_pinned", PROVE, WALKING, NOT_YET),
    ("timeout_walk", WALK_TIMEOUT, having(WALKING, now=OLDER_OUT), READY),
    ("timeout_walk_runs_again", WALK_TIMEOUT, having(WALKING, now=OLDER_OUT - 1), LOST),
    ("timeout_walk_already", WALK_TIMEOUT, OVER, DONE),
    ("timeout_walk_pinned", WALK_TIMEOUT, TRACE, LOST),
    ("timeout_walk_reorganised_away", WALK_TIMEOUT, UNKNOWN, NOT_YET),
    ("timeout_duel", TIMEOUT, world(Stage.TRACE, OLDER_OUT, duel={"level": 1}), READY),
    ("timeout_duel_runs_again", TIMEOUT, world(Stage.TRACE, OLDER_OUT - 1, duel={"level": 1}), LOST),
    ("timeout_duel_at_a_step", TIMEOUT, world(Stage.TRACE, OLDER_OUT, duel={}), READY),
    ("timeout_duel_already", TIMEOUT, world(Stage.TRACE, **DEAD_RIVAL), DONE),
    ("timeout_never_started", TIMEOUT, having(TRACE, now=NEWER_OUT), READY),
    ("timeout_may_still_start", TIMEOUT, having(TRACE, now=NEWER_OUT - 1), LOST),
    ("timeout_over", TIMEOUT, OVER, LOST),
    ("settle_nothing", SETTLE, UNKNOWN, NOT_YET),
    ("settle_already", SETTLE, OVER, DONE),
    ("settle_undecided", SETTLE, having(TRACE, now=OLDER_OUT), NOT_YET),
    ("settle_older_lost", SETTLE, world(Stage.TRACE, OLDER_OUT, live=(0, 1)), READY),
    ("settle_newer_lost", SETTLE, world(Stage.TRACE, NEWER_OUT, live=(1, 0)), READY),
    ("settle_newer_may_commit", SETTLE, world(Stage.TRACE, NEWER_OUT - 1, live=(1, 0)), NOT_YET),
    ("settle_nobody_committed", SETTLE, world(Stage.TRACE, OLDER_OUT, live=(0, 0)), READY),
    ("settle_older_may_commit", SETTLE, world(Stage.TRACE, NEWER_OUT, live=(0, 0)), NOT_YET),
    ("settle_walk", SETTLE, WALKING, NOT_YET),
    ("settle_moot_walk", SETTLE, having(WALKING, assertions=siblings(newer=DEAD)), READY),
    ("settle_moot", SETTLE, having(TRACE, assertions=siblings(older=DEAD)), READY),
    ("claim", CLAIM, having(OVER, claims={(OLDER, NEWER): 1}), READY),
    ("claim_nothing", CLAIM, OVER, DONE),
    ("claim_settlement_reorganised_away", CLAIM, TRACE, NOT_YET),
]


@pytest.mark.parametrize(
    ("action", "build", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_readiness__action_in_a_state__is_told(action: GameAction, build: World, expected: Readiness) -> None:
    assert precondition_of(build().contracts(), action)(ident("block")) is expected
