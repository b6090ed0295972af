"""Players of the dispute game: the honest one, and everything that opposes it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from random import Random
from typing import Any

from optimistic.protocol.commitment import Node
from optimistic.protocol.dispute.actions import Claim, Commit, GameAction
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import next_moves, opening
from optimistic.protocol.dispute.traces import Player, Traces
from optimistic.protocol.dispute.views import DisputeView, Stage
from scripts.staging.lies import Fault, LyingTraces, UnitLie
from tests.helpers.game_builder import BEGIN, BLOCK_S, Actor, Game, KillUnopened, Sent, Sibling, account


@dataclass(eq=False)
class Solver:
    """Plays for a sibling with the traces it believes in: honest for the right one, else a skilful liar.

    Attributes
    ----------
    name : the poster of the sibling unless it is somebody else
    traces : those of the sibling unless it is something else
    against : the only other sibling it minds; all if None
    """

    sibling: Sibling
    name: str = ""
    traces: Traces | None = None
    against: Sibling | None = None

    def __post_init__(self) -> None:
        self.name = self.name or self.sibling.name
        self.traces = self.traces or self.sibling.traces

    def act(self, game: Game) -> Iterator[Sent]:
        """Open, kill what did not open, play every dispute of the sibling, and collect."""
        for older, newer in game.pairs():
            if self.sibling not in (older, newer) or (self.against or older) not in (older, newer):
                continue
            view = game.view(older, newer)
            if view is None:
                yield from self._unopened(game, older, newer)
            elif view.stage is Stage.OVER:
                yield from self._collect(game, view)
            else:
                yield from self._play(game, view, Side(self.sibling is newer))

    def _play(self, game: Game, view: DisputeView, side: Side) -> Iterable[GameAction]:
        assert self.traces is not None
        return next_moves(view, side, game.terms, self._player(game, view, side), self.traces, game.now)

    def _player(self, game: Game, view: DisputeView, side: Side) -> Player:
        who = account(self.name)
        id_ = self.sibling.id
        is_staked = game.chain.is_member(id_, who) and game.chain.has_stake(who)
        used = (side, who) in game.rules.disputes[view.id].used_free
        return Player(
            address=who,
            staked_on=frozenset({id_} if is_staked else ()),
            used_free=frozenset({view.id} if used else ()),
        )

    def _unopened(self, game: Game, older: Sibling, newer: Sibling) -> Iterator[Sent]:
        if not (game.is_live(older) and game.is_live(newer)):
            return
        if self.sibling is newer and game.now < game.window_end:
            rival = Node(older.units.root.end_state, older.units.root.hash)
            own = self.sibling.units
            yield opening(older.id, newer.id, own, rival, older.published, game.window_end)
        if self.sibling is older and game.now >= game.window_end:
            yield KillUnopened(older=older.id, newer=newer.id)

    def _collect(self, game: Game, view: DisputeView) -> Iterator[Claim]:
        claim = Claim(
            reason="the dispute is over",
            older=view.older,
            newer=view.newer,
            commitments=tuple(view.commitments),
            account=account(self.name),
        )
        if game.rules.claimable_wei(claim):
            yield claim


@dataclass(eq=False)
class Only:
    """Makes calls of some kinds only, and is silent otherwise."""

    inner: Solver
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.inner.name

    def act(self, game: Game) -> Iterator[Sent]:
        for action in self.inner.act(game):
            if action.kind in self.kinds:
                yield action


@dataclass(eq=False)
class LastSecond:
    """Makes every call in the last block in which it is still accepted."""

    inner: Solver

    @property
    def name(self) -> str:
        return self.inner.name

    def act(self, game: Game) -> Iterator[Sent]:
        for action in self.inner.act(game):
            deadline = getattr(action, "deadline", None)
            if deadline is None or deadline - game.now <= BLOCK_S:
                yield action


@dataclass(eq=False)
class Slow:
    """Wakes up every so many blocks."""

    inner: Solver
    blocks: int

    @property
    def name(self) -> str:
        return self.inner.name

    def act(self, game: Game) -> Iterable[Sent]:
        return self.inner.act(game) if (game.now - BEGIN) // BLOCK_S % self.blocks == 0 else ()


@dataclass(eq=False)
class Excluded:
    """Wants to play, but for some time in all its calls of some kinds do not get into a block.

    Attributes
    ----------
    left_s : how long it is excluded in all; it uses the time up as soon as it has such a call to make
    """

    inner: Solver
    left_s: int
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.inner.name

    def act(self, game: Game) -> Iterator[Sent]:
        wanted = list(self.inner.act(game))
        if self.left_s > 0 and any(action.kind in self.kinds for action in wanted):
            self.left_s -= BLOCK_S
            return
        yield from wanted


@dataclass(eq=False)
class Late:
    """Comes when it is already late."""

    inner: Actor
    at: int

    @property
    def name(self) -> str:
        return self.inner.name

    def act(self, game: Game) -> Iterable[Sent]:
        return self.inner.act(game) if game.now >= self.at else ()


@dataclass(eq=False)
class FrontRunner:
    """Sends what somebody else is about to send, in its own name and first."""

    victim: Actor
    name: str = "front-runner"

    def act(self, game: Game) -> Iterator[Sent]:
        for action in self.victim.act(game):
            if isinstance(action, Commit):
                yield replace(action, is_free=False, bond_wei=game.terms.bond_wei)
            elif not isinstance(action, Claim):
                yield action


def saboteur(game: Game, right: Sibling, fault: Fault, name: str = "saboteur") -> Solver:
    """Somebody who speaks for the right side, with wrong traces of the right result."""
    fault = replace(fault, unit_lie=UnitLie.NONE)
    return Solver(right, name, LyingTraces(game.machine, game.machine.units(), fault))


@dataclass(eq=False)
class Vandal:
    """Sends its own calls and those of others, most of them with something changed, again and again."""

    inner: Solver
    random: Random
    name: str = "vandal"

    def act(self, game: Game) -> Iterator[Sent]:
        pool = [entry.action for entry in game.log[-20:]]
        pool += [action for action in self.inner.act(game) if self.random.randrange(3)]
        for _ in range(min(3, len(pool))):
            action = self.random.choice(pool)
            yield mutated(action, self.random) if self.random.randrange(3) else action


def mutated(value: Any, random: Random) -> Any:
    """Change one thing somewhere inside a value."""
    if is_dataclass(value) and not isinstance(value, type):
        name = random.choice([field.name for field in fields(value) if field.name != "reason"])
        return replace(value, **{name: mutated(getattr(value, name), random)})
    if isinstance(value, tuple) and value:
        place = random.randrange(len(value))
        return (*value[:place], mutated(value[place], random), *value[place + 1 :])
    if isinstance(value, bool | Side):
        return type(value)(1 - value)
    if isinstance(value, int):
        return max(0, value + random.choice((-1, 1, 7)))  # calldata knows no other numbers
    if isinstance(value, bytes):
        return random.choice((bytes(len(value)), random.randbytes(len(value))))
    return value
