"""The solver, one view at a time: what it does, until when, and what it leaves alone."""

from dataclasses import dataclass, replace

import pytest

from optimistic.protocol.commitment import Tree
from optimistic.protocol.dispute.actions import Commit, GameAction, Move, ProveStep, Settle, Start, Timeout
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import TraceMismatch, next_moves
from optimistic.protocol.dispute.traces import Player, Traces
from optimistic.protocol.dispute.views import DisputeView, Life, Stage
from scripts.staging.lies import Fault, LyingTraces
from tests.helpers.game_builder import BLOCK_S, BOND_WEI, Game, account
from tests.helpers.game_players import Only, Solver, saboteur

FAULT = Fault(unit=1, step=7)
STRANGER = Player(address=account("stranger"))


@dataclass(frozen=True)
class Known:
    """Traces of which a part is known."""

    all: Traces
    has_units: bool = True
    has_steps: bool = True
    has_witness: bool = True

    def units(self) -> Tree | None:
        return self.all.units() if self.has_units else None

    def steps(self, j: int) -> Tree | None:
        return self.all.steps(j) if self.has_steps else None

    def witness(self, j: int, v: int) -> bytes | None:
        return self.all.witness(j, v) if self.has_witness else None


@dataclass(eq=False)
class Table:
    """A game of two, in which the right sibling is the newer one unless told otherwise."""

    is_right_older: bool = False
    publish: bool = True

    def __post_init__(self) -> None:
        self.game = Game()
        if self.is_right_older:
            self.right = self.game.assert_right(publish=self.publish)
        self.wrong = self.game.assert_wrong(FAULT, publish=self.publish)
        if not self.is_right_older:
            self.right = self.game.assert_right(publish=self.publish)
        self.side = Side(not self.is_right_older)

    def after(self, *kinds: str, right: bool = True, wrong: bool = True) -> "Table":
        """Let both or one of them play until each of these was called once more, and no further."""
        actors = [Solver(s) for s, plays in ((self.right, right), (self.wrong, wrong)) if plays]
        for kind in kinds:
            before = len(self.game.calls(kind=kind))
            while len(self.game.calls(kind=kind)) == before:
                self.game.step(*(Only(actor, (kind,)) for actor in actors))
        return self

    @property
    def view(self) -> DisputeView:
        return self.game.dispute(self.right, self.wrong)

    def moves(
        self, *, traces: Traces | None = None, player: Player = STRANGER, view: DisputeView | None = None
    ) -> list[GameAction]:
        """What the solver says now for the right side."""
        game = self.game
        return next_moves(view or self.view, self.side, game.terms, player, traces or game.machine, game.now)

    def one(self) -> GameAction:
        (found,) = self.moves()
        return found

    def sabotage(self) -> None:
        self.game.step(Only(saboteur(self.game, self.right, Fault(step=3)), ("commit",)))


# ---------------------------------------------------------------------------------- walk


def test_walk__on_turn__moves_until_its_clock_runs_out() -> None:
    table = Table(publish=False).after("open").after("move")

    move = table.one()

    assert isinstance(move, Move)
    assert (move.side, move.level, move.key.commitments) == (table.side, table.view.walk.level, None)
    assert move.deadline == table.view.walk.clocks.expires_at


def test_walk__other_side_on_turn__waits_and_then_calls_the_timeout() -> None:
    table = Table(publish=False).after("open")
    assert table.moves() == []

    table.game.now = table.view.walk.clocks.expires_at - 1
    assert table.moves() == []
    table.game.now += 1

    timeout = table.one()
    assert isinstance(timeout, Timeout)
    assert timeout.key.commitments is None
    assert timeout.deadline is None


def test_walk__own_clock_ran_out__does_nothing() -> None:
    table = Table(publish=False).after("open").after("move")

    table.game.now = table.view.walk.clocks.expires_at

    assert table.moves() == []


def test_walk__own_tree_or_revealed_children_not_known__does_nothing() -> None:
    table = Table(publish=False).after("open").after("move")
    walk = replace(table.view.walk, children=(None, None))

    assert table.moves(traces=Known(table.game.machine, has_units=False)) == []
    assert table.moves(view=replace(table.view, walk=walk)) == []


def test_walk__no_child_differs__leaves_it_to_the_clock() -> None:
    """Only who lies about an inner node gets there; here by a view that cannot be."""
    table = Table(publish=False).after("open").after("move")
    walk, units = table.view.walk, table.game.machine.units()
    own = tuple(child.hash for child in units.children(walk.level, walk.index))

    assert table.moves(view=replace(table.view, walk=replace(walk, children=(own, own)))) == []


# ---------------------------------------------------------------------------------- commitments


def test_pinned__right_trace_missing__commits_at_its_least_depth_until_the_window_closes() -> None:
    table = Table().after("open")

    commit = table.one()

    assert isinstance(commit, Commit)
    assert (commit.side, commit.depth) == (table.side, 2)
    assert commit.deadline == table.view.window_end(table.side)
    assert (commit.is_free, commit.bond_wei) == (False, BOND_WEI)
    table.game.now = commit.deadline - 1
    assert table.one().kind == "commit"
    table.game.now += 1
    assert table.moves() == []


@pytest.mark.parametrize(
    ("is_staked", "has_used", "is_free"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_pinned__member_with_its_stake__commits_free_once(
    is_staked: bool, has_used: bool, is_free: bool
) -> None:
    table = Table().after("open")
    player = Player(
        address=table.right.poster,
        staked_on=frozenset({table.right.id} if is_staked else {table.wrong.id}),
        used_free=frozenset({table.view.id} if has_used else ()),
    )

    (commit,) = table.moves(player=player)

    assert isinstance(commit, Commit)
    assert (commit.is_free, commit.bond_wei) == (is_free, 0 if is_free else BOND_WEI)


def test_pinned__somebody_else_committed_the_same__does_not_again() -> None:
    table = Table().after("open").after("commit", wrong=False)

    assert table.moves() == []


def test_pinned__only_a_wrong_commitment_on_our_side__commits_all_the_same() -> None:
    table = Table().after("open")
    table.sabotage()

    assert table.one().kind == "commit"


def test_pinned__trace_not_known_yet__does_nothing() -> None:
    table = Table().after("open")

    assert table.moves(traces=Known(table.game.machine, has_steps=False)) == []


def test_pinned__trace_ends_elsewhere__is_a_mismatch() -> None:
    table = Table().after("open")

    with pytest.raises(TraceMismatch):
        table.moves(traces=table.wrong.traces)


def test_walk__tree_has_other_nodes__is_a_mismatch() -> None:
    table = Table(publish=False).after("open").after("move")

    with pytest.raises(TraceMismatch):
        table.moves(traces=table.wrong.traces)


# ---------------------------------------------------------------------------------- duels


def both_committed(*, newer_is_right: bool) -> Table:
    table = Table().after("open")
    table.after("commit", right=not newer_is_right, wrong=newer_is_right)
    return table.after("commit", right=newer_is_right, wrong=not newer_is_right)


def test_duel__ours_is_the_newer__starts_until_the_window_closes() -> None:
    table = both_committed(newer_is_right=True)

    start = table.one()

    assert isinstance(start, Start)
    assert start.deadline == table.view.window_end(table.side)
    table.game.now = start.deadline
    assert table.moves() == []


def test_duel__theirs_is_the_newer__waits_and_then_calls_the_timeout() -> None:
    table = both_committed(newer_is_right=False)
    assert table.moves() == []

    table.game.now = table.view.window_end(table.side.other) - 1
    assert table.moves() == []
    table.game.now += 1

    assert isinstance(table.one(), Timeout)


def test_duel__on_turn__moves_until_its_clock_runs_out() -> None:
    table = both_committed(newer_is_right=False).after("start")

    move = table.one()

    assert isinstance(move, Move)
    (duel,) = table.view.duels.values()
    assert move.deadline == duel.clocks.expires_at
    assert move.reveal is None
    table.game.now = move.deadline
    assert table.moves() == []


def test_duel__their_turn__waits_and_then_calls_the_timeout() -> None:
    table = both_committed(newer_is_right=True).after("start")
    (duel,) = table.view.duels.values()
    assert table.moves() == []

    table.game.now = duel.clocks.expires_at

    assert isinstance(table.one(), Timeout)


@pytest.mark.parametrize("is_our_turn", [True, False])
def test_duel__one_step_left__is_proven_by_whoever_is_right(is_our_turn: bool) -> None:
    table = both_committed(newer_is_right=is_our_turn).after("start").after("move")
    (duel,) = table.view.duels.values()
    assert (duel.level, duel.clocks.turn is table.side) == (0, is_our_turn)

    step = table.one()

    assert isinstance(step, ProveStep)
    assert step.deadline == (duel.clocks.expires_at if is_our_turn else None)
    table.game.now = duel.clocks.expires_at
    last = table.one()
    assert isinstance(last, ProveStep if is_our_turn else Timeout)
    assert last.deadline is None


def test_duel__witness_not_known_yet__waits() -> None:
    table = both_committed(newer_is_right=True).after("start").after("move")

    assert table.moves(traces=Known(table.game.machine, has_witness=False)) == []


def test_duel__of_the_sabotage_on_our_side__is_used_only_to_kill_by_the_clock() -> None:
    """An opponent that let its clock run out against anybody is dead; no trace is needed for that."""
    table = Table().after("open")
    table.sabotage()
    table.after("commit", right=False)
    assert [action.kind for action in table.moves()] == ["commit"]

    table.game.now = table.view.window_end(table.side.other)

    unknown = Known(table.game.machine, has_steps=False)
    assert [action.kind for action in table.moves(traces=unknown)] == ["timeout"]


def test_duels__several__least_time_first() -> None:
    table = Table().after("open")
    helpers = [Solver(table.wrong, f"helper {depth}", lies_of(table, depth)) for depth in (2, 3, 4)]
    for helper in helpers:
        table.game.step(Only(helper, ("commit",)))
    table.after("commit", wrong=False)

    found = table.moves()

    assert [action.kind for action in found] == ["start"] * 3
    deadlines = [action.deadline for action in found if action.deadline is not None]
    assert deadlines == sorted(deadlines)
    assert len({action.commitments for action in found if isinstance(action, Start)}) == 3


def lies_of(table: Table, depth: int) -> Traces:
    return LyingTraces(table.game.machine, table.wrong.units, replace(FAULT, depth=depth))


# ---------------------------------------------------------------------------------- ends


def test_settle__decided_for_us__as_soon_as_their_window_is_closed() -> None:
    table = Table().after("open").after("commit", wrong=False)
    closes = table.view.window_end(table.side.other)

    table.game.now = closes - 1
    assert table.moves() == []
    table.game.now = closes

    assert isinstance(table.one(), Settle)


def test_settle__nobody_committed__only_if_that_is_for_us() -> None:
    for is_right_older in (True, False):
        table = Table(is_right_older=is_right_older).after("open")
        table.game.now = max(table.view.window_end(side) for side in Side)

        assert [action.kind for action in table.moves()] == (["settle"] if is_right_older else [])


def test_settle__decided_against_us__is_left_to_others() -> None:
    table = Table().after("open").after("commit", right=False)

    table.game.now = table.view.window_end(table.side)

    assert table.moves() == []


def test_moot__settles_only_where_money_lies() -> None:
    table = Table().after("open").after("commit")
    moot = replace(table.view, is_moot=True)
    owner = Player(address=account("watcher"))

    def moves(
        player: Player, life: Life = Life.LIVE, *, ours_free: bool, theirs_free: bool
    ) -> list[GameAction]:
        commitments = {
            id_: replace(
                commitment,
                is_free=ours_free if commitment.side is table.side else theirs_free,
                owner=owner.address,
                life=life,
            )
            for id_, commitment in moot.commitments.items()
        }
        return table.moves(view=replace(moot, commitments=commitments), player=player)

    for settles in (
        moves(owner, ours_free=False, theirs_free=True),
        moves(owner, ours_free=False, theirs_free=False),
        moves(STRANGER, ours_free=True, theirs_free=True),
        moves(STRANGER, Life.DEAD, ours_free=False, theirs_free=True),
    ):
        (settle,) = settles
        assert isinstance(settle, Settle)
    assert moves(STRANGER, ours_free=False, theirs_free=True) == []
    assert moves(owner, Life.DEAD, ours_free=True, theirs_free=True) == []
    assert moves(owner, Life.PAID, ours_free=False, theirs_free=False) == []


def test_moot__a_clock_of_ours_runs__is_settled_before_it_is_out() -> None:
    table = Table().after("open").after("commit", wrong=False)
    alone = replace(table.view, is_moot=True)
    table.after("commit", right=False)
    both = replace(table.view, is_moot=True)
    table.after("start", right=False)
    duel = replace(table.view, is_moot=True)
    (clocks,) = (found.clocks for found in duel.duels.values())

    deadlines = [table.moves(view=view)[0].deadline for view in (alone, both, duel)]

    window_end = alone.window_end(table.side)
    assert clocks.turn is table.side
    assert deadlines == [None, window_end, min(window_end, clocks.expires_at)]


@pytest.mark.parametrize("stage", [Stage.NONE, Stage.OVER])
def test_dispute__not_open__has_no_moves(stage: Stage) -> None:
    table = Table().after("open")
    walk = replace(table.view.walk, stage=stage)

    assert table.moves(view=replace(table.view, walk=walk)) == []


def test_moves__of_the_wrong_side__never_come_from_right_traces() -> None:
    """Asked for the other side with its own traces the solver plays it: liars use the same code."""
    table = Table().after("open")
    game = table.game

    (commit,) = next_moves(table.view, table.side.other, game.terms, STRANGER, table.wrong.traces, game.now)

    assert isinstance(commit, Commit)
    assert commit.side is table.side.other
    assert commit.reveal.end_state == table.view.walk.divergence.nodes[table.side.other]


def test_view__a_moment_later__does_not_change_what_is_planned() -> None:
    table = Table(publish=False).after("open").after("move")
    before = table.one()

    table.game.now += BLOCK_S

    assert table.one() == before
