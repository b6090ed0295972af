"""Whoever opposes it and however: the right assertion survives, in time, and its defender loses nothing."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.dispute.actions import Commit, DuelKey, Move, ProveStep, Settle, Start, Timeout
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import next_moves
from optimistic.protocol.dispute.traces import Player
from optimistic.protocol.dispute.views import Life, Stage
from optimistic.protocol.hashing import keccak256
from scripts.staging.lies import Fault, StepLie
from tests.helpers.game_builder import (
    BLOCK_S,
    BOND_WEI,
    PERIOD_S,
    STAKE_WEI,
    Actor,
    Game,
    KillUnopened,
    Sibling,
    account,
)
from tests.helpers.game_players import (
    FrontRunner,
    LastSecond,
    Late,
    Only,
    Slow,
    Solver,
    Vandal,
    saboteur,
)

FAULT = Fault(unit=1, step=7)
LAST_SECOND = PERIOD_S - 1
ALREADY_DONE = ("AlreadyOpen", "NotOnTurn", "CommitmentExists", "CommitmentNotLive", "WrongStage")
"""How a call is refused that somebody else made before."""


def game_of_two(
    *, is_right_older: bool, publish: bool = True, log_arity: int = 5, gap_s: int = BLOCK_S
) -> tuple[Game, Sibling, Sibling]:
    """A game with the right and one wrong sibling."""
    game = Game(log_arity=log_arity)
    if is_right_older:
        right = game.assert_right(publish=publish)
        return game, right, game.wait(gap_s).assert_wrong(FAULT, publish=publish)
    wrong = game.assert_wrong(FAULT, publish=publish)
    return game, game.wait(gap_s).assert_right(publish=publish), wrong


def check_defended(game: Game, right: Sibling, *defenders: str) -> None:
    """The right assertion is left alone, and whoever played for it has not paid for that."""
    assert game.survivor is right
    assert game.now <= game.deadline + 2 * BLOCK_S
    for name in defenders or (right.name,):
        assert game.balance_wei[account(name)] >= 0
        assert game.chain.has_stake(account(name)) or name != right.name


both_ages = pytest.mark.parametrize("is_right_older", [True, False])
both_arities = pytest.mark.parametrize("log_arity", [5, 1])
both_openings = pytest.mark.parametrize("publish", [True, False])


# ---------------------------------------------------------------------------------- silence, delay


@both_ages
@both_openings
@pytest.mark.parametrize(
    "does",
    [
        (),
        ("open",),
        ("open", "move"),
        ("open", "commit"),
        ("open", "move", "commit"),
        ("open", "move", "commit", "start"),
    ],
)
def test_opponent__falls_silent__loses_by_its_clock(
    does: tuple[str, ...], publish: bool, is_right_older: bool
) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=publish)

    game.play(Solver(right), Only(Solver(wrong), does))

    check_defended(game, right)
    assert game.now <= game.window_end + 20 * BLOCK_S


@both_ages
@both_openings
@both_arities
@pytest.mark.parametrize("gap_s", [BLOCK_S, LAST_SECOND])
def test_attack__everything_at_the_last_second__does_not_outlast_one_period(
    gap_s: int, log_arity: int, publish: bool, is_right_older: bool
) -> None:
    if gap_s == LAST_SECOND and not is_right_older:
        gap_s = BLOCK_S  # it is the attacker who comes late
    game, right, wrong = game_of_two(
        is_right_older=is_right_older, publish=publish, log_arity=log_arity, gap_s=gap_s
    )

    game.play(Solver(right), LastSecond(Solver(wrong)))

    check_defended(game, right)
    assert game.now <= game.window_end + 5 * BLOCK_S


@both_ages
@both_openings
@both_arities
@pytest.mark.parametrize("blocks", [2, 7, 20])
def test_opponent__takes_its_time_for_every_call__does_not_outlast_one_period(
    blocks: int, log_arity: int, publish: bool, is_right_older: bool
) -> None:
    """Without censorship the clock of an opponent is all that a dispute can last."""
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=publish, log_arity=log_arity)

    game.play(Solver(right), Slow(Solver(wrong), blocks))

    check_defended(game, right)
    assert game.now <= game.window_end + 30 * BLOCK_S


def test_attack__opened_and_committed_at_the_last_second__leaves_the_older_side_its_whole_time() -> None:
    """A newcomer that opens a second before the end spends its own time, not that of the older one."""
    game, right, wrong = game_of_two(is_right_older=True, gap_s=LAST_SECOND)
    liar = Solver(wrong)
    game.step(liar)
    view = game.dispute(right, wrong)

    game.play(Late(Solver(right), view.window_end(Side.OLDER) - 10 * BLOCK_S), liar)

    assert view.walk.clocks.left == (PERIOD_S, 1)
    check_defended(game, right)


def test_attack__sabotage_with_a_late_opening__cannot_speak_for_the_older_side() -> None:
    """Whoever opens may add a wrong commitment for the right result: it dies, and nothing with it."""
    game, right, wrong = game_of_two(is_right_older=True, gap_s=LAST_SECOND)
    friend = saboteur(game, right, Fault(step=3))
    game.step(Solver(wrong))
    game.step(Only(friend, ("commit",)))

    game.play(Late(Solver(right), game.now + 10 * BLOCK_S), Solver(wrong))

    check_defended(game, right)


@both_ages
@both_openings
def test_opponent__holds_out_till_the_last_second_and_is_then_silent__loses(
    publish: bool, is_right_older: bool
) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=publish)

    game.play(Solver(right), LastSecond(Solver(wrong)), LastSecond(saboteur(game, right, Fault(step=1))))

    check_defended(game, right)


# ---------------------------------------------------------------------------------- sabotage, copies


@both_ages
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("comes_first", [True, False])
def test_attack__right_result_with_wrong_trace__harms_nobody_but_its_owner(
    comes_first: bool, count: int, is_right_older: bool
) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older)
    friends = [
        saboteur(game, right, Fault(step=step, depth=2 + step), f"friend {step}") for step in range(count)
    ]
    honest = Solver(right)
    actors = (*friends, honest) if comes_first else (honest, *friends)

    game.play(*actors, Solver(wrong))

    check_defended(game, right)
    dispute = game.dispute(right, wrong)
    owners = {c.owner for c in dispute.commitments.values() if c.life is Life.DEAD}
    assert account(right.name) not in owners
    assert all(game.balance_wei[account(friend.name)] <= BOND_WEI for friend in friends)


@both_ages
def test_opponent__sabotage_alone__is_left_alone_by_the_solver(is_right_older: bool) -> None:
    """Wrong commitments of the own side are no business of ours."""
    game, right, wrong = game_of_two(is_right_older=is_right_older)
    friend = saboteur(game, right, Fault(step=3))

    game.play(Solver(right), friend, Only(Solver(wrong), ("open",)))

    check_defended(game, right)
    assert set(game.kinds(right.name)) <= {"open", "commit", "settle", "claim"}


@both_ages
@both_openings
def test_attack__front_runner_sends_every_call_first__only_pays_the_gas(
    publish: bool, is_right_older: bool
) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=publish)
    honest = Solver(right)

    purse = Only(Solver(right, "front-runner"), ("claim",))
    game.play(FrontRunner(honest), purse, honest, Solver(wrong))

    check_defended(game, right, right.name, "front-runner")
    dispute = game.dispute(right, wrong)
    assert [c.side for c in dispute.commitments.values()].count(Side(not is_right_older)) == 1
    assert set(game.kinds(right.name)) <= {"claim"}
    assert {entry.refusal for entry in game.log} <= {None, *ALREADY_DONE}


@both_ages
def test_attack__freeloader_commits_the_same_trace_higher__takes_nothing_from_the_defender(
    is_right_older: bool,
) -> None:
    """The right trace under another name lives and gets its bond back, but earns no more than it did."""
    game, right, wrong = game_of_two(is_right_older=is_right_older)
    same = saboteur(game, right, Fault(step_lie=StepLie.EXTRA, step=39, depth=4), "freeloader")

    game.play(Solver(right), Only(same, ("commit", "claim")), Solver(wrong))

    check_defended(game, right)
    live = [c for c in game.dispute(right, wrong).commitments.values() if c.life is not Life.DEAD]
    assert len(live) == 2
    assert 0 <= game.balance_wei[account("freeloader")] <= 50_000 * 10**9


@both_ages
@both_openings
def test_defenders__two_of_them__do_nothing_twice(publish: bool, is_right_older: bool) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=publish)
    other = Solver(right, "another watcher")

    game.play(Solver(right), other, Solver(wrong))

    check_defended(game, right, right.name, other.name)
    assert {entry.refusal for entry in game.log} <= {None, *ALREADY_DONE}


def test_defender__without_stake_on_the_sibling__pays_the_bond_and_gets_it_back() -> None:
    game, right, wrong = game_of_two(is_right_older=False)
    watcher = Solver(right, "watcher")

    game.play(watcher, Solver(wrong))

    check_defended(game, right, watcher.name)
    commits = [entry.action for entry in game.calls(watcher.name, kind="commit")]
    assert [(c.is_free, c.bond_wei) for c in commits if isinstance(c, Commit)] == [(False, BOND_WEI)]


def test_defender__rival_dies_in_another_dispute__gets_its_bond_back() -> None:
    """The dispute is moot then: somebody has to close it before anything is paid."""
    game = Game()
    oldest = game.assert_wrong(FAULT, "oldest", publish=True)
    other = game.assert_wrong(replace(FAULT, unit=2), "other", publish=True)
    game.play(Only(Solver(other), ("open",)), until=game.now + BLOCK_S)
    right = game.wait(20 * BLOCK_S).assert_right(publish=True)
    watcher = Solver(right, "watcher")

    game.play(watcher, Solver(oldest, against=right), Solver(other))
    game.step(watcher)
    game.step(watcher)

    assert game.survivor is right
    dispute = game.dispute(oldest, right)
    assert (dispute.stage, dispute.winner) == (Stage.OVER, right.id)
    reasons = [entry.action.reason for entry in game.calls("watcher") if isinstance(entry.action, Settle)]
    assert "a sibling died elsewhere" in reasons
    assert {c.life for c in dispute.commitments.values() if c.owner == account("watcher")} == {Life.PAID}
    assert game.balance_wei[account("watcher")] >= 0


def test_attack__rival_killed_by_its_own_kin__does_not_take_the_stake_of_a_defender_that_stopped() -> None:
    """The liar of a moot dispute goes on with its duel: nobody answers any more, and its clock is long."""
    game = Game()
    oldest = game.assert_wrong(FAULT, "oldest", publish=True)
    liar = game.assert_wrong(replace(FAULT, salt=b"another"), "liar", publish=True)
    right = game.wait(BLOCK_S).assert_right(publish=True)
    honest, deceiver = Solver(right), Solver(liar)
    game.step(Only(honest, ("open",)))
    game.step(Only(deceiver, ("commit",)))
    game.play(honest, until=game.window_end)
    (duel,) = game.dispute(liar, right).duels.values()
    assert duel.clocks.turn is Side.OLDER

    assert game.send("oldest", KillUnopened(older=oldest.id, newer=liar.id))
    view = replace(game.dispute(liar, right), is_moot=False)
    player = Player(address=liar.poster)
    for move in next_moves(view, Side.OLDER, game.terms, player, liar.traces, game.now):
        assert game.send("liar", move)
    game.play(Only(honest, ("settle",)), until=game.deadline)
    (ids,) = view.duels
    game.send("liar", Timeout(reason="", key=DuelKey(older=liar.id, newer=right.id, commitments=ids)))

    assert game.is_live(right)
    assert game.chain.has_stake(right.poster)
    assert game.dispute(liar, right).stage is Stage.OVER


# ---------------------------------------------------------------------------------- forged calls


@both_ages
def test_attack__poisoned_agreed_state__is_refused_in_every_call(is_right_older: bool) -> None:
    """Every call that names an agreed state is tried with a false one; the true call then still works."""
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=False)
    false = keccak256(b"poison")
    tried: set[str] = set()

    class Poisoner:
        name = "poisoner"

        def act(self, game: Game) -> list[Move | Commit | Start | ProveStep]:
            found: list[Move | Commit | Start | ProveStep] = []
            for player in (Solver(right), Solver(wrong)):
                for action in player.act(game):
                    if isinstance(action, Move):
                        found.append(replace(action, pre=false))
                    elif isinstance(action, Commit | Start | ProveStep):
                        found.append(replace(action, divergence=replace(action.divergence, pre=false)))
            tried.update(action.kind for action in found)
            return found

    game.play(Poisoner(), Solver(right), Solver(wrong))

    check_defended(game, right)
    assert tried == {"move", "commit", "start", "prove_step"}
    assert {entry.refusal for entry in game.log if entry.player == "poisoner"} == {"WrongDivergence"}


@both_ages
def test_attack__ends_before_their_time__are_refused(is_right_older: bool) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=False)

    class Impatient:
        name = "impatient"

        def act(self, game: Game) -> list[Timeout | Settle]:
            keys = [e.action.key for e in game.calls() if isinstance(e.action, Move | ProveStep)]
            settles = [
                Settle(reason="", older=view.older, newer=view.newer)
                for view in game.views()
                if game.now < view.window_end(Side(is_right_older))
            ]
            return [*(Timeout(reason="", key=key) for key in keys), *settles]

    game.play(Impatient(), Solver(right), Solver(wrong))

    check_defended(game, right)
    assert not game.calls("impatient")


@pytest.mark.parametrize("log_arity", [5, 1])
@given(seed=st.integers(0, 2**32), is_right_older=st.booleans(), publish=st.booleans())
def test_attack__vandals_with_changed_and_repeated_calls__change_nothing(
    log_arity: int, seed: int, is_right_older: bool, publish: bool
) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older, publish=publish, log_arity=log_arity)
    random = Random(seed)
    vandals = [
        Vandal(Solver(wrong), random, "vandal"),
        Vandal(Solver(right), random, "friendly vandal"),
        Vandal(saboteur(game, right, replace(FAULT, step=seed % 50)), random, "sabotaging vandal"),
    ]
    actors: list[Actor] = [Solver(right), Solver(wrong), *vandals]
    random.shuffle(actors)

    game.play(*actors)

    check_defended(game, right)


# ---------------------------------------------------------------------------------- money


def test_attack__self_play__costs_half_a_stake() -> None:
    """Two siblings of one attacker fight each other first: a stake dies, and half of it is burned."""
    game = Game()
    first = game.assert_wrong(FAULT, "first puppet", publish=True)
    second = game.wait(BLOCK_S).assert_wrong(replace(FAULT, unit=2), "second puppet", publish=True)
    right = game.wait(BLOCK_S).assert_right(publish=True)
    puppets = [Solver(first), Solver(second)]

    game.play(*puppets, Late(Solver(right), game.now + 20 * BLOCK_S))

    check_defended(game, right)
    names = [first.name, second.name]
    out_wei = sum(game.balance_wei[account(name)] for name in names)
    lost_wei = sum(STAKE_WEI for name in names if not game.chain.has_stake(account(name)))
    assert lost_wei == 2 * STAKE_WEI
    assert out_wei <= STAKE_WEI // 2 + 10**15


@both_ages
def test_defender__of_a_decided_dispute__is_paid_from_the_stake_of_the_loser(is_right_older: bool) -> None:
    game, right, wrong = game_of_two(is_right_older=is_right_older)

    game.play(Solver(right), Solver(wrong))

    check_defended(game, right)
    assert not game.chain.has_stake(account(wrong.name))
    assert game.balance_wei[account(right.name)] >= STAKE_WEI // 2
    assert game.balance_wei[account(wrong.name)] <= 0
    assert game.rules.balance_wei == game.rules.burned_wei
