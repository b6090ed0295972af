"""Forecasts against what then happens on the rules."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.dispute.actions import DuelKey, Settle, Timeout
from optimistic.protocol.dispute.forecast import (
    Forecast,
    can_hold,
    duel_clocks,
    if_nobody_moves,
    latest_end,
    seconds_left,
)
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import DisputeView, Stage
from optimistic.protocol.types import Hash32
from scripts.staging.lies import Fault, LyingTraces
from tests.helpers.game_builder import BLOCK_S, PERIOD_S, Game, Sibling
from tests.helpers.game_players import Only, Slow, Solver, saboteur

FAULT = Fault(unit=1, step=7)


def middle_game(
    seed: int, blocks: int, *, publish: bool, is_right_older: bool
) -> tuple[Game, Sibling, Sibling]:
    """A game in the middle: some play, some sleep, some sabotage."""
    random, game = Random(seed), Game()
    right = game.assert_right(publish=publish) if is_right_older else None
    wrong = game.assert_wrong(FAULT, publish=publish)
    right = right or game.assert_right(publish=publish)
    actors = [Solver(right), Solver(wrong), saboteur(game, right, Fault(step=3))]
    actors += [
        Solver(wrong, f"helper {n}", LyingTraces(game.machine, wrong.units, replace(FAULT, depth=2 + n)))
        for n in (1, 2)
    ]
    game.step(Only(actors[0], ("open",)), Only(actors[1], ("open",)))
    sleepy = [Slow(actor, random.randint(1, 9)) for actor in actors]
    game.play(*sleepy, until=game.now + blocks * BLOCK_S)
    return game, right, wrong


def run_out(game: Game, one: Sibling, other: Sibling) -> tuple[Side, int]:
    """Let nobody do anything but call timeouts and settle, second by second where it matters."""
    while True:
        view = game.dispute(one, other)
        if view.stage is Stage.OVER:
            return Side(view.winner == view.newer), game.now
        keys: list[tuple[Hash32, Hash32] | None] = [None]
        keys += sorted((o, n) for o in view.live(Side.OLDER) for n in view.live(Side.NEWER))
        pairs = [key for key in keys if key is not None]
        for ids in [None, *sorted(pairs, key=lambda ids: (duel_clocks(view, ids).expires_at, ids))]:
            key = DuelKey(older=view.older, newer=view.newer, commitments=ids)
            game.send("anybody", Timeout(reason="", key=key))
        if not game.send("anybody", Settle(reason="", older=view.older, newer=view.newer)):
            game.now += 1 if game.dispute(one, other).stage is not Stage.OVER else 0


@given(
    seed=st.integers(0, 1000),
    blocks=st.integers(0, 40),
    publish=st.booleans(),
    is_right_older=st.booleans(),
)
def test_forecast__nobody_moves_any_more__is_what_happens(
    seed: int, blocks: int, publish: bool, is_right_older: bool
) -> None:
    game, right, wrong = middle_game(seed, blocks, publish=publish, is_right_older=is_right_older)
    view = game.dispute(right, wrong)
    if view.stage is Stage.OVER:
        assert if_nobody_moves(view, game.now) is None
        return

    expected = if_nobody_moves(view, game.now)

    assert expected is not None
    assert run_out(game, right, wrong) == (expected.winner, expected.at)
    assert expected.at <= latest_end(view)


def champion_of(game: Game, view: DisputeView, side: Side) -> Hash32 | None:
    if view.stage is not Stage.TRACE:
        return None
    steps = game.machine.steps(view.walk.index)
    return view.commitment_id(side, steps.height, steps.root.hash)


@given(
    seed=st.integers(0, 1000),
    blocks=st.integers(0, 40),
    asleep=st.integers(0, PERIOD_S // BLOCK_S),
    is_right_older=st.booleans(),
)
def test_can_hold__then_playing_on__wins(seed: int, blocks: int, asleep: int, is_right_older: bool) -> None:
    """With a block of time left the right side wins by playing; without it, it is no more promised."""
    game, right, wrong = middle_game(seed, blocks, publish=True, is_right_older=is_right_older)
    game.play(Slow(Solver(wrong), 2), until=game.now + asleep * BLOCK_S)
    view = game.dispute(right, wrong)
    side = Side(not is_right_older)
    champion = champion_of(game, view, side)
    holds = can_hold(view, side, champion, game.now)
    left = seconds_left(view, side, champion, game.now)
    if not holds or (left is not None and left <= 10 * BLOCK_S):
        return

    game.play(Solver(right), Solver(wrong))

    assert game.survivor is right


def two(*, publish: bool = True) -> tuple[Game, Sibling, Sibling]:
    game = Game()
    wrong = game.assert_wrong(FAULT, publish=publish)
    right = game.assert_right(publish=publish)
    game.step(Only(Solver(right), ("open",)))
    return game, right, wrong


def test_walk__clock_of_the_side_on_turn__decides() -> None:
    game, right, wrong = two(publish=False)
    view = game.dispute(right, wrong)
    end = view.walk.clocks.expires_at

    assert if_nobody_moves(view, game.now) == Forecast(winner=Side.NEWER, at=end)
    assert if_nobody_moves(view, end + 5) == Forecast(winner=Side.NEWER, at=end + 5)
    assert can_hold(view, Side.OLDER, None, end - 1)
    assert not can_hold(view, Side.OLDER, None, end)
    assert can_hold(view, Side.NEWER, None, end)
    assert seconds_left(view, Side.OLDER, None, end - 7) == 7
    assert seconds_left(view, Side.OLDER, None, end + 7) == 0
    assert seconds_left(view, Side.NEWER, None, end - 7) is None
    assert latest_end(view) == game.window_end + PERIOD_S


def test_pinned__nobody_committed__the_newer_side_loses_when_both_windows_are_closed() -> None:
    game, right, wrong = two()
    view = game.dispute(right, wrong)
    closes = max(view.window_end(side) for side in Side)

    assert if_nobody_moves(view, game.now) == Forecast(winner=Side.OLDER, at=closes)
    assert seconds_left(view, Side.NEWER, champion_of(game, view, Side.NEWER), game.now) == (
        view.window_end(Side.NEWER) - game.now
    )
    assert not can_hold(view, Side.NEWER, None, closes)
    assert can_hold(view, Side.OLDER, None, closes)


def test_pinned__champion_alone__wins_when_the_other_window_is_closed() -> None:
    game, right, wrong = two()
    game.step(Only(Solver(right), ("commit",)))
    view = game.dispute(right, wrong)
    champion = champion_of(game, view, Side.NEWER)

    assert if_nobody_moves(view, game.now) == Forecast(winner=Side.NEWER, at=view.window_end(Side.OLDER))
    assert seconds_left(view, Side.NEWER, champion, game.now) is None
    assert can_hold(view, Side.NEWER, champion, view.window_end(Side.NEWER))


def test_duel__champion_is_the_newer__holds_until_it_had_to_start() -> None:
    game, right, wrong = two()
    game.step(Only(Solver(wrong), ("commit",)))
    game.step(Only(Solver(right), ("commit",)))
    view = game.dispute(right, wrong)
    champion, end = champion_of(game, view, Side.NEWER), view.window_end(Side.NEWER)

    assert seconds_left(view, Side.NEWER, champion, end - 3) == 3
    assert can_hold(view, Side.NEWER, champion, end - 1)
    assert not can_hold(view, Side.NEWER, champion, end)
    assert if_nobody_moves(view, game.now) == Forecast(winner=Side.OLDER, at=end)


@pytest.mark.parametrize("is_known", [True, False])
def test_seconds_left__champion_unknown_behind_its_window__is_that_of_the_best_commitment(
    is_known: bool,
) -> None:
    game, right, wrong = two()
    game.step(Only(Solver(wrong), ("commit",)))
    game.step(Only(Solver(right), ("commit",)))
    game.step(Only(Solver(right), ("start",)))
    view = game.dispute(right, wrong)
    (duel,) = view.duels.values()
    turned = replace(duel, clocks=replace(duel.clocks, turn=Side.NEWER))
    view = replace(view, duels=dict.fromkeys(view.duels, turned))
    champion = champion_of(game, view, Side.NEWER) if is_known else None
    now = view.window_end(Side.NEWER)

    assert seconds_left(view, Side.NEWER, champion, now) == max(0, turned.clocks.expires_at - now)
    assert seconds_left(view, Side.OLDER, None, now - 1) == view.window_end(Side.OLDER) - now + 1


def test_over_and_moot__nothing_is_expected() -> None:
    game, right, wrong = two()
    view = game.dispute(right, wrong)
    moot = replace(view, is_moot=True)
    over = replace(view, walk=replace(view.walk, stage=Stage.OVER), winner=right.id)

    assert if_nobody_moves(moot, game.now) == Forecast(winner=None, at=game.now)
    assert if_nobody_moves(over, game.now) is None
    assert seconds_left(over, Side.NEWER, None, game.now) is None
    assert can_hold(over, Side.NEWER, None, game.now)
    assert not can_hold(over, Side.OLDER, None, game.now)
