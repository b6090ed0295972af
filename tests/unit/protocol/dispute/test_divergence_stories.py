"""Wherever and however an assertion lies, the right one survives within the moves that are promised."""

import pytest

from optimistic.protocol.dispute.actions import Open
from scripts.staging.lies import Fault, StepLie, UnitLie
from tests.helpers.game_builder import BLOCK_S, Game, Sibling
from tests.helpers.game_players import Solver

UNITS = ((3, 40, 2, 7), (1, 5, 1))
"""Steps of each unit of two batches."""
SECOND = 1 << 15

PLACES = {
    "first unit": Fault(unit=0),
    "middle unit": Fault(unit=2),
    "last unit of a batch": Fault(unit=3),
    "first unit of a batch": Fault(unit=SECOND),
    "last unit": Fault(unit=SECOND + 2),
    "padding of a batch": Fault(unit=500),
    "last padding of a batch": Fault(unit=SECOND - 1),
    "padding of the end": Fault(unit=SECOND + 700),
    "once": Fault(unit=1, unit_lie=UnitLie.ONCE),
    "zero": Fault(unit_lie=UnitLie.ZERO, step_lie=StepLie.ZERO),
    "first step": Fault(unit=1, step=0),
    "middle step": Fault(unit=1, step=20),
    "last step": Fault(unit=1, step=39),
    "padding of the trace": Fault(unit=1, step=40),
    "far padding of the trace": Fault(unit=1, step=1000),
    "step once": Fault(unit=1, step=5, step_lie=StepLie.ONCE),
    "one unit too many": Fault(unit=1, unit_lie=UnitLie.EXTRA),
    "one unit too few": Fault(unit=1, unit_lie=UnitLie.MISSING),
    "one step too many": Fault(unit=1, step=7, step_lie=StepLie.EXTRA),
    "one step too few": Fault(unit=1, step=7, step_lie=StepLie.MISSING),
    "zero steps": Fault(unit=1, step_lie=StepLie.ZERO),
    "needless depth": Fault(unit=1, step=7, depth=5),
    "false end state over right units": Fault(unit=1, unit_lie=UnitLie.END_STATE, level=2),
    "false end state at the root": Fault(unit=1, unit_lie=UnitLie.END_STATE, level=5),
    "false end state over right steps": Fault(unit=1, step=7, step_lie=StepLie.END_STATE, level=2, depth=3),
}


def posted(game: Game, fault: Fault, *, is_right_older: bool, publish: bool) -> tuple[Sibling, Sibling]:
    """The right and the wrong sibling, a block apart."""
    if is_right_older:
        right = game.assert_right(publish=publish)
        return right, game.wait(BLOCK_S).assert_wrong(fault, publish=publish)
    wrong = game.assert_wrong(fault, publish=publish)
    return game.wait(BLOCK_S).assert_right(publish=publish), wrong


def most_moves(game: Game) -> int:
    """The promise: an opening, two commitments, a step, one move per level of the walk and of the traces."""
    depths = [commitment.depth for view in game.views() for commitment in view.commitments.values()]
    levels = [entry.action.level for entry in game.calls() if isinstance(entry.action, Open)]
    return 4 + max(depths, default=0) + sum(levels)


@pytest.mark.parametrize("log_arity", [5, 1])
@pytest.mark.parametrize("is_right_older", [True, False])
@pytest.mark.parametrize("publish", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_divergence__anywhere__right_assertion_survives(
    place: str, publish: bool, is_right_older: bool, log_arity: int
) -> None:
    game = Game(UNITS, log_arity)
    right, wrong = posted(game, PLACES[place], is_right_older=is_right_older, publish=publish)

    game.play(Solver(right), Solver(wrong))

    assert game.survivor is right
    assert game.now <= game.window_end + 25 * BLOCK_S
    assert game.n_moves <= most_moves(game)
    assert not [entry for entry in game.log if entry.player == right.name and entry.refusal]


@pytest.mark.parametrize(
    ("units", "step", "depth", "publish", "moves"),
    [
        (UNITS, 7, 2, True, 6),
        (UNITS, 7, 2, False, 6 + 5),
        (UNITS, 7, 5, True, 9),
        (UNITS, 7, 5, False, 9 + 5),
    ],
)
def test_divergence__at_arity_32__takes_the_promised_moves(
    units: tuple[tuple[int, ...], ...], step: int, depth: int, publish: bool, moves: int
) -> None:
    """Depth 5 needs a needlessly deep commitment here: all levels are played, too."""
    game = Game(units)
    fault = Fault(unit=1, step=step, depth=depth)
    right, wrong = posted(game, fault, is_right_older=False, publish=publish)

    game.play(Solver(right), Solver(wrong))

    assert game.survivor is right
    assert game.n_moves == moves
