"""Many attackers, censorship and reorganisations: the right assertion survives, and in time."""

from dataclasses import replace

import pytest

from optimistic.protocol.dispute.views import Life
from scripts.staging.lies import Fault, LyingTraces
from tests.helpers.game_builder import BLOCK_S, MOVES, PERIOD_S, Actor, Game, Sibling
from tests.helpers.game_players import Excluded, LastSecond, Slow, Solver, saboteur

FAULT = Fault(unit=1, step=7)
PROMISED_ANSWERS = {5: 9, 1: 29}
"""By log_arity: calls of the right side that T must have room for besides the time of its exclusion."""


def sybils(game: Game, count: int, *, same_unit: bool, publish: bool = True) -> list[Sibling]:
    """Wrong siblings, all different; their lies about the same unit or each about another one."""
    return [
        game.assert_wrong(
            Fault(unit=1 if same_unit else number % 4, step=number % 3, salt=bytes([number])),
            f"sybil {number}",
            publish=publish,
        )
        for number in range(count)
    ]


def check_right(game: Game, right: Sibling, *, within_s: int) -> None:
    assert game.survivor is right
    assert game.now <= game.window_end + within_s
    assert game.chain.has_stake(right.poster)
    assert game.balance_wei[right.poster] >= 0


# ---------------------------------------------------------------------------------- sybils


@pytest.mark.parametrize("same_unit", [True, False])
@pytest.mark.parametrize("publish", [True, False])
@pytest.mark.parametrize("when", ["before", "after", "at the last second", "around"])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_sybils__before_or_after__all_die_in_time(
    count: int, when: str, publish: bool, same_unit: bool
) -> None:
    game = Game()
    if when == "before":
        wrong = sybils(game, count, same_unit=same_unit, publish=publish)
        right = game.wait(BLOCK_S).assert_right(publish=publish)
    else:
        first = [game.assert_wrong(FAULT, "the first", publish=publish)] if when == "around" else []
        right = game.assert_right(publish=publish)
        game.wait(PERIOD_S - 1 if when == "at the last second" else BLOCK_S)
        wrong = first + sybils(game, count, same_unit=same_unit, publish=publish)

    game.play(Solver(right), *(Solver(sibling) for sibling in wrong))

    check_right(game, right, within_s=20 * BLOCK_S)


def test_sybils__fifty__cost_no_more_time_than_one() -> None:
    game = Game(log_arity=5)
    wrong = sybils(game, 25, same_unit=True)
    right = game.wait(BLOCK_S).assert_right(publish=True)
    game.wait(BLOCK_S)
    wrong += [
        game.assert_wrong(replace(FAULT, salt=bytes([99, number])), f"late sybil {number}", publish=True)
        for number in range(25)
    ]

    game.play(Solver(right), *(Solver(sibling, against=right) for sibling in wrong))

    check_right(game, right, within_s=10 * BLOCK_S)


@pytest.mark.parametrize("is_right_older", [True, False])
@pytest.mark.parametrize("style", ["at once", "last second", "slow"])
def test_attack__many_commitments_in_one_dispute__are_all_beaten_in_time(
    style: str, is_right_older: bool
) -> None:
    """The traces of one wrong result, some deeper than needed, and sabotage on our side."""
    game = Game()
    right = game.assert_right(publish=True) if is_right_older else None
    wrong = game.assert_wrong(FAULT, publish=True)
    right = right or game.wait(BLOCK_S).assert_right(publish=True)
    helpers: list[Actor] = []
    for number in range(8):
        fault = replace(FAULT, step=number * 5, depth=2 + number % 4, salt=bytes([number]))
        helper = Solver(wrong, f"helper {number}", LyingTraces(game.machine, wrong.units, fault))
        styles: dict[str, Actor] = {
            "at once": helper,
            "last second": LastSecond(helper),
            "slow": Slow(helper, 3 + number),
        }
        helpers += [styles[style], saboteur(game, right, fault, f"saboteur {number}")]

    game.play(Solver(right), Solver(wrong), *helpers)

    check_right(game, right, within_s=30 * BLOCK_S)
    commitments = game.dispute(right, wrong).commitments.values()
    assert {c.life for c in commitments if c.owner == right.poster} == {Life.PAID}
    assert sum(c.life is Life.DEAD for c in commitments) >= 8


@pytest.mark.parametrize("blocks_left", [12, 30])
def test_sybils__fight_each_other_while_nobody_is_honest__lose_to_the_right_one(blocks_left: int) -> None:
    game = Game()
    wrong = sybils(game, 5, same_unit=False)
    attackers = [Solver(sibling) for sibling in wrong]
    game.play(*attackers, until=game.window_end - blocks_left * BLOCK_S)
    right = game.assert_right()

    game.play(Solver(right), *attackers)

    check_right(game, right, within_s=PERIOD_S)


def test_sybils__nobody_is_honest__one_survives_in_time() -> None:
    """A game without a right side ends, too, and never without a winner."""
    game = Game()
    wrong = sybils(game, 4, same_unit=False, publish=False)

    game.play(*(LastSecond(Solver(sibling)) for sibling in wrong))

    assert game.survivor in wrong
    assert game.now <= game.deadline + 2 * BLOCK_S


# ---------------------------------------------------------------------------------- censorship


CENSORED = [MOVES, ("open",), ("move", "start", "prove_step"), ("commit",), ("start", "prove_step")]


def censored_game(
    *, kinds: tuple[str, ...], is_right_older: bool, log_arity: int, excluded_s: int, opponent: str
) -> tuple[Game, Sibling]:
    game = Game(log_arity=log_arity)
    right = game.assert_right() if is_right_older else None
    wrong = game.assert_wrong(replace(FAULT, depth=25 // log_arity))
    right = right or game.assert_right()
    liar = Solver(wrong)
    styles: dict[str, Actor] = {"quick": liar, "last second": LastSecond(liar), "slow": Slow(liar, 6)}
    game.play(Excluded(Solver(right), excluded_s, kinds), styles[opponent])
    return game, right


@pytest.mark.parametrize("opponent", ["quick", "last second", "slow"])
@pytest.mark.parametrize("kinds", CENSORED)
@pytest.mark.parametrize("is_right_older", [True, False])
@pytest.mark.parametrize("log_arity", [5, 1])
def test_censorship__as_long_as_is_promised__is_survived(
    log_arity: int, is_right_older: bool, kinds: tuple[str, ...], opponent: str
) -> None:
    """Excluded at the worst moments for T less the time of its answers, the right side still wins."""
    excluded_s = PERIOD_S - PROMISED_ANSWERS[log_arity] * BLOCK_S

    game, right = censored_game(
        kinds=kinds,
        is_right_older=is_right_older,
        log_arity=log_arity,
        excluded_s=excluded_s,
        opponent=opponent,
    )

    check_right(game, right, within_s=PERIOD_S + 2 * BLOCK_S)


@pytest.mark.parametrize("is_right_older", [True, False])
def test_censorship__for_the_whole_period__is_not(is_right_older: bool) -> None:
    """The control: nothing helps who cannot speak for T."""
    game, right = censored_game(
        kinds=MOVES, is_right_older=is_right_older, log_arity=5, excluded_s=PERIOD_S, opponent="quick"
    )

    assert game.survivor is not right


# ---------------------------------------------------------------------------------- reorganisations


def run_with_reorg(at_block: int, keep_calls: bool) -> tuple[Game, Sibling]:
    """A dispute in which one block is reorganised away; its calls come again or are lost."""
    game = Game()
    wrong = game.assert_wrong(FAULT)
    right = game.assert_right()
    actors = [Solver(right), Solver(wrong)]
    for _ in range(at_block):
        game.step(*actors)
    n_calls = len(game.log)
    go_back = game.snapshot()
    game.step(*actors)
    lost = game.log[n_calls:]
    go_back()
    for entry in reversed(lost) if keep_calls else ():
        game.send(entry.player, entry.action)
    return game.play(*actors), right


@pytest.mark.parametrize("keep_calls", [True, False])
def test_reorg__of_any_block__changes_nothing_in_the_end(keep_calls: bool) -> None:
    undisturbed, _ = run_with_reorg(0, keep_calls=True)
    blocks = 1 + max((entry.now - undisturbed.log[0].now) // BLOCK_S for entry in undisturbed.log)

    for at_block in [*range(18), blocks - 2, blocks - 1]:
        game, right = run_with_reorg(at_block, keep_calls)

        check_right(game, right, within_s=25 * BLOCK_S)


def test_solver__asked_twice__says_the_same() -> None:
    """It remembers nothing: killed after any call and started on an empty disk it goes on."""
    game = Game()
    wrong = game.assert_wrong(FAULT)
    right = game.assert_right()

    while not game.is_over:
        first, second = (list(Solver(right).act(game)) for _ in range(2))
        assert first == second
        game.step(Solver(right), Solver(wrong))

    assert game.survivor is right
