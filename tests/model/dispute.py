"""One dispute of the model: what is left of it when trees and hashes are taken away.

A search is its level and its clocks. Which child differs has no effect on anything else, and that
there always is one for the honest side is shown on real trees, all of them, in
tests/unit/protocol/dispute/test_rules_all_trees.py. The honest side's commitment is right, so its
step kills the other one; between two wrong commitments the adversary chooses.

The states are canonical: clocks are booked at every tick, so that equal situations are equal whatever
led to them; commitments of the adversary that cannot be told apart are sorted; what can no longer
matter is dropped. Duels between two commitments of the adversary may end in any way at any time, which
is more than the rules allow; their own clocks are checked where the adversary plays both sides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.model.terms import NEWER, OLDER, Pair, Terms

NOW = 0
"""All clocks are booked, so the rules may be asked as if it always were this time."""


class Walk(NamedTuple):
    """The unit is being searched."""

    level: int
    turn: int
    left: Pair


class Duel(NamedTuple):
    """A rival commitment against the champion, started."""

    level: int
    turn: int
    left: Pair


class Waiting(NamedTuple):
    """A rival commitment whose duel with the champion has not started."""

    is_newer: bool
    clock: int
    """That of the rival in its duels; 0 if it is the newer one, which must start before its window closes."""


class Trace(NamedTuple):
    """The unit is pinned.

    The champion is the right commitment; where nobody is honest, some commitment of that side.
    """

    windows: Pair
    """How long each side may still commit."""
    champion: int | None
    """Its clock in duels that have not started; None before it joined."""
    is_alive: bool
    """Whether the champion is; True before it joined."""
    helpers: tuple[int, int]
    """Other commitments on the champion's side: alive, and ever joined."""
    rivals: tuple[Duel | Waiting, ...]
    """Live commitments of the other side, sorted."""
    joined: int
    """Rivals that ever joined."""


State = Walk | Trace
Outcome = State | int
"""What becomes of a dispute: another state, or the side whose sibling dies."""


@dataclass(frozen=True, slots=True)
class DisputeModel:
    """The moves of one dispute.

    Parameters
    ----------
    terms : the scaled-down game
    mine : the champion's side
    honest : whether somebody plays the champion's side by the rules; else the adversary does
    """

    terms: Terms
    mine: int
    honest: bool = True

    def opened(self, now: int, level: int) -> State:
        """Return the dispute opened at a level."""
        terms = self.terms
        left = terms.rules.opening_clocks(0, terms.period, now)
        return Walk(level, OLDER, left) if level else self._pinned(left)

    # ------------------------------------------------------------------------------- adversary

    def adversary(self, state: State) -> list[Outcome]:
        """Return what the adversary can make of a dispute by one call."""
        if isinstance(state, Walk):
            return list(self._walk(state, by_adversary=True))
        return [*self._joins(state), *self._ends(state), *self._settled(state)]

    def _walk(self, state: Walk, *, by_adversary: bool) -> Iterator[Outcome]:
        if self._is_out(state):
            yield state.turn
        elif not self.honest or (state.turn != self.mine) is by_adversary:
            left = self._booked(state)
            turn = 1 - state.turn
            yield Walk(state.level - 1, turn, left) if state.level > 1 else self._pinned(left)

    def _joins(self, state: Trace) -> Iterator[Outcome]:
        terms, (alive, joined) = self.terms, state.helpers
        if not self._is_closed(state, self.mine):
            if joined < terms.commitments - 1:
                yield self._canonical(state._replace(helpers=(alive + 1, joined + 1)))
            if not self.honest and state.champion is None:
                yield self._champion_joins(state)
        if not self._is_closed(state, 1 - self.mine) and state.joined < terms.commitments:
            yield self._rival_joins(state)

    def _rival_joins(self, state: Trace) -> Trace:
        is_newer = state.champion is not None and state.is_alive
        clock = 0 if is_newer else self._joining_clock(state, 1 - self.mine)
        rivals = (*state.rivals, Waiting(is_newer, clock))
        return self._canonical(state._replace(rivals=rivals, joined=state.joined + 1))

    def _ends(self, state: Trace) -> Iterator[Outcome]:
        """Moves in duels, and deaths."""
        alive, joined = state.helpers
        fights_champion = state.champion is not None and state.is_alive
        for place, rival in enumerate(state.rivals):
            if fights_champion:
                for changed in self._duel_moves(state, rival):
                    yield self._with_rival(state, place, changed)
                if self._champion_can_die(state, rival):
                    yield self._without_champion(state)
                if isinstance(rival, Duel) and rival.level == 0 and not self.honest:
                    yield self._without_champion(self._without_rival(state, place))
                if self._rival_can_die(state, rival):
                    yield self._without_rival(state, place)
            if alive:  # a duel between two of the adversary: either may die, or both
                without = self._canonical(state._replace(helpers=(alive - 1, joined)))
                yield from (without, self._without_rival(state, place), self._without_rival(without, place))

    def _duel_moves(self, state: Trace, rival: Duel | Waiting) -> Iterator[Duel | Waiting]:
        """Return what the adversary's moves make of a duel."""
        if isinstance(rival, Duel):
            if rival.level and not self._is_out(rival) and self._is_adversarys(rival.turn):
                yield self._moved(rival)
        elif self._is_adversarys(self._newer_side(rival)):
            yield from self._starts(state, rival)

    # --------------------------------------------------------------------------------- honest

    def answer(self, state: State) -> list[Outcome]:
        """Return what may become of a dispute when the honest party answers all it sees at once.

        How high the tree of its trace is, is up to the adversary, who chose the unit.
        """
        if isinstance(state, Walk):
            return list(self._walk(state, by_adversary=False)) or [state]
        settled: list[Outcome] = list(self._settled(state))
        if settled:
            return settled
        if state.champion is None:
            return [state if self._is_closed(state, self.mine) else self._champion_joins(state)]
        if not state.is_alive:
            return [state]
        return [self._answer_rivals(state, level) for level in self._heights()]

    def _answer_rivals(self, state: Trace, level: int) -> Trace:
        rivals: list[Duel | Waiting] = []
        for rival in state.rivals:
            if self._rival_can_die(state, rival):
                continue
            if isinstance(rival, Duel):
                on_turn = rival.turn == self.mine and rival.level and not self._is_out(rival)
                rivals.append(self._moved(rival) if on_turn else rival)
            else:
                starts = not rival.is_newer and list(self._starts(state, rival))
                rivals.append(starts[level - 1] if starts else rival)
        return self._canonical(state._replace(rivals=tuple(rivals)))

    # ----------------------------------------------------------------------------------- time

    def tick(self, state: State) -> State:
        """Return a dispute one tick later."""
        if isinstance(state, Walk):
            return Walk(state.level, state.turn, self._spent(state))
        rules = self.terms.rules
        windows = (
            rules.remaining(state.windows[0], NOW, NOW + 1),
            rules.remaining(state.windows[1], NOW, NOW + 1),
        )
        rivals = tuple(
            Duel(rival.level, rival.turn, self._spent(rival)) if isinstance(rival, Duel) else rival
            for rival in state.rivals
        )
        return self._canonical(state._replace(windows=windows, rivals=rivals))

    def is_running(self, state: State) -> bool:
        """Whether anything in a dispute still waits for time."""
        if isinstance(state, Walk):
            return not self._is_out(state)
        if not all(self._is_closed(state, side) for side in (OLDER, NEWER)):
            return True
        return any(isinstance(r, Duel) and r.level > 0 and not self._is_out(r) for r in state.rivals)

    def commitments(self, state: State) -> tuple[int, int]:
        """Return how many commitments have joined, and how many of them are dead."""
        if isinstance(state, Walk):
            return 0, 0
        alive, joined = state.helpers
        dead = joined - alive + state.joined - len(state.rivals) + (not state.is_alive)
        return joined + state.joined + (state.champion is not None), dead

    def _booked(self, search: Walk | Duel) -> Pair:
        return self.terms.rules.booked(search.left, search.turn, NOW, NOW)

    def _spent(self, search: Walk | Duel) -> Pair:
        """Both clocks one tick later."""
        if self._is_out(search):
            return search.left
        return self.terms.rules.booked(search.left, search.turn, NOW, NOW + 1)

    def _is_out(self, search: Walk | Duel) -> bool:
        return self.terms.rules.remaining(search.left[search.turn], NOW, NOW) == 0

    def _is_closed(self, state: Trace, side: int) -> bool:
        return self.terms.rules.is_closed(state.windows[side], NOW, NOW)

    def _joining_clock(self, state: Trace, side: int) -> int:
        return self.terms.rules.duel_clock(state.windows[side], NOW, NOW)

    # ---------------------------------------------------------------------------------- rules

    def _settled(self, state: Trace) -> Iterator[int]:
        closed = self._is_closed(state, OLDER), self._is_closed(state, NEWER)
        champions = state.helpers[0] + (state.champion is not None and state.is_alive)
        live = (champions, len(state.rivals))
        loser = self.terms.rules.loser(closed, live if self.mine == OLDER else live[::-1])
        if loser is not None:
            yield int(loser)

    def _champion_can_die(self, state: Trace, rival: Duel | Waiting) -> bool:
        if isinstance(rival, Waiting):
            return not rival.is_newer and self._is_closed(state, self.mine)
        return (self._is_out(rival) and rival.turn == self.mine) or (rival.level == 0 and not self.honest)

    def _rival_can_die(self, state: Trace, rival: Duel | Waiting) -> bool:
        if isinstance(rival, Waiting):
            return rival.is_newer and self._is_closed(state, 1 - self.mine)
        return rival.level == 0 or (self._is_out(rival) and rival.turn != self.mine)

    def _is_adversarys(self, side: int) -> bool:
        return not self.honest or side != self.mine

    def _newer_side(self, rival: Waiting) -> int:
        return 1 - self.mine if rival.is_newer else self.mine

    def _starts(self, state: Trace, rival: Waiting) -> Iterator[Duel]:
        """Return the duel after its first move, for every height of the trees."""
        side = self._newer_side(rival)
        if self._is_closed(state, side):
            return
        assert state.champion is not None
        mine = state.champion if rival.is_newer else self._joining_clock(state, self.mine)
        theirs = self._joining_clock(state, 1 - self.mine) if rival.is_newer else rival.clock
        left = (mine, theirs) if self.mine == OLDER else (theirs, mine)
        for level in self._heights():
            yield self._moved(Duel(level, side, left))

    def _heights(self) -> range:
        return range(1, self.terms.depth + 1)

    def _moved(self, duel: Duel) -> Duel:
        return Duel(duel.level - 1, 1 - duel.turn, self._booked(duel))

    # ------------------------------------------------------------------------- canonical states

    def _pinned(self, left: Pair) -> Trace:
        return Trace(left, None, True, (0, 0), (), 0)

    def _champion_joins(self, state: Trace) -> Trace:
        return self._canonical(state._replace(champion=self._joining_clock(state, self.mine)))

    def _with_rival(self, state: Trace, place: int, rival: Duel | Waiting) -> Trace:
        rivals = (*state.rivals[:place], rival, *state.rivals[place + 1 :])
        return self._canonical(state._replace(rivals=rivals))

    def _without_rival(self, state: Trace, place: int) -> Trace:
        rivals = state.rivals[:place] + state.rivals[place + 1 :]
        return self._canonical(state._replace(rivals=rivals))

    def _without_champion(self, state: Trace) -> Trace:
        return self._canonical(state._replace(is_alive=False))

    def _canonical(self, state: Trace) -> Trace:
        """Forget what can no longer matter, and sort the rivals."""
        champion = state.champion
        is_over = champion is not None and not state.is_alive
        rivals = sorted(self._canonical_rival(rival, is_over) for rival in state.rivals)
        if champion is not None:
            awaited = any(isinstance(r, Waiting) and r.is_newer for r in rivals)
            comes = state.joined < self.terms.commitments and not self._is_closed(state, 1 - self.mine)
            champion = champion if state.is_alive and (awaited or comes) else 0
        return state._replace(champion=champion, rivals=tuple(rivals))

    def _canonical_rival(self, rival: Duel | Waiting, is_over: bool) -> Duel | Waiting:
        if is_over:
            return Waiting(True, 0)
        if isinstance(rival, Waiting):
            return rival
        clock = self.terms.rules.remaining(rival.left[rival.turn], NOW, NOW)
        if clock and rival.level:
            return rival
        level = min(rival.level, 1)  # without time, or at the step, only this still counts
        return Duel(level, rival.turn, (clock, 0) if rival.turn == OLDER else (0, clock))
