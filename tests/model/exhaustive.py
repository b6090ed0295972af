"""All runs of the scaled-down game, tick by tick.

The adversary posts every sibling but one, makes every commitment but the right one, chooses who is
first within a tick, and excludes the honest party from L1 for as many ticks as it may. In every other
tick the honest party answers once, and the adversary may move before and after that: whatever it does
after the answer is answered one tick (one δ) later. Two of its own siblings it may let die by each
other whenever it likes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import NamedTuple

from optimistic.protocol.dispute.purse import share_down, split
from tests.model.dispute import DisputeModel, Outcome, State, Trace
from tests.model.terms import NEWER, OLDER, T0, Terms

AIRGAP = 0
STAKE, BOND = 2_000, 200


class Slot(NamedTuple):
    """A rival sibling: not posted, in no dispute yet, in a dispute with the right one, or dead.

    If it died elsewhere, the dispute is moot, but duels go on until somebody settles it.
    """

    stage: int
    mine: int = 0
    """Side of the right sibling against it."""
    dispute: int = 0
    """Number of the state of the dispute."""


ABSENT, UNOPENED, OPEN, MOOT, DEAD = range(5)
_ABSENT, _DEAD = Slot(ABSENT), Slot(DEAD)


class World(NamedTuple):
    """Everything at one tick."""

    censored: int
    """Ticks for which the honest party may still be excluded."""
    answered: bool
    """Whether it has answered in this tick."""
    is_posted: bool
    """Whether the right sibling is there; it never dies, or the game has failed."""
    rivals: tuple[Slot, ...]


class Failure(Exception):
    """A property of the game does not hold."""


@dataclass(kw_only=True)
class Report:
    """What an exploration saw."""

    worlds: int = 0
    calls: int = 0
    disputes: int = 0
    latest: int = 0
    """Tick of the last death of a sibling."""


class Disputes:
    """The states of disputes by number, with what each call makes of them, worked out once."""

    def __init__(self, terms: Terms) -> None:
        self.models = {mine: DisputeModel(terms, mine) for mine in (OLDER, NEWER)}
        self._numbers: dict[State, int] = {}
        self._states: list[State] = []
        self.adversary = cache(self._adversary)
        self.answer = cache(self._answer)
        self.tick = cache(self._tick)

    def __len__(self) -> int:
        return len(self._states)

    def slot(self, mine: int, outcome: Outcome) -> Slot:
        """The rival after something happened in its dispute."""
        if isinstance(outcome, int):
            if outcome == mine:
                raise Failure("the right sibling died")
            return _DEAD
        number = self._numbers.setdefault(outcome, len(self._states))
        if number == len(self._states):
            self._states.append(outcome)
        return Slot(OPEN, mine, number)

    def state(self, slot: Slot) -> State:
        return self._states[slot.dispute]

    def died_elsewhere(self, slot: Slot) -> Slot:
        """The rival after its death in a dispute with another one: can the right commitment still die?"""
        state = self.state(slot) if slot.stage == OPEN else None
        if isinstance(state, Trace) and state.champion is not None and state.is_alive:
            return slot._replace(stage=MOOT)
        return _DEAD

    def is_lost(self, slot: Slot) -> bool:
        """Whether the right commitment died, and with it the stake behind it."""
        state = self.state(slot)
        return isinstance(state, Trace) and not state.is_alive

    def _adversary(self, slot: Slot) -> list[Slot]:
        if slot.stage == MOOT:
            outcomes = self.models[slot.mine].adversary(self.state(slot))
            return [self._still_moot(slot, outcome) for outcome in dict.fromkeys(outcomes)]
        return self._outcomes(slot, self.models[slot.mine].adversary(self.state(slot)))

    def _answer(self, slot: Slot) -> list[Slot]:
        return self._outcomes(slot, self.models[slot.mine].answer(self.state(slot)))

    def _still_moot(self, slot: Slot, outcome: Outcome) -> Slot:
        """The moot dispute after a call; who would have died cannot die any more."""
        return _DEAD if isinstance(outcome, int) else self.slot(slot.mine, outcome)._replace(stage=MOOT)

    def _outcomes(self, slot: Slot, outcomes: list[Outcome]) -> list[Slot]:
        if any(isinstance(outcome, int) for outcome in outcomes):
            check_money(*self.models[slot.mine].commitments(self.state(slot)))
        return [self.slot(slot.mine, outcome) for outcome in dict.fromkeys(outcomes)]

    def _tick(self, slot: Slot) -> Slot:
        later = self.slot(slot.mine, self.models[slot.mine].tick(self.state(slot)))
        return later._replace(stage=slot.stage)


class Exploration:
    """Every world that can come about, one tick after the other."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.rules = terms.rules
        self.disputes = Disputes(terms)
        self.report = Report()
        self._now = 0

    def run(self) -> Report:
        """Explore; raise `Failure` with the first world that breaks a property."""
        rivals = (_ABSENT,) * (self.terms.rivals - 1)
        worlds = {
            World(self.terms.censored, False, True, (_ABSENT, *rivals)),
            # Behind the answer of its tick, so that the honest party sees it one tick later.
            World(self.terms.censored, True, False, _sorted((Slot(UNOPENED, NEWER), *rivals))),
        }
        for now in range(2 * self.terms.period + 1):
            self._now = now
            worlds = self._explore(worlds)
        self.report.disputes = len(self.disputes)
        return self.report

    def _explore(self, worlds: set[World]) -> set[World]:
        """Follow all calls of one tick; return the worlds of the next one."""
        seen, todo, later = set(worlds), list(worlds), set[World]()
        is_last = self._now == 2 * self.terms.period
        while todo:
            world = todo.pop()
            try:
                self._check(world, is_last=is_last)
                for next_ in self._calls(world, is_last=is_last):
                    self.report.calls += 1
                    if next_ not in seen:
                        seen.add(next_)
                        todo.append(next_)
                if not is_last and not self._is_over(world):
                    later.update(self._ticks(world))
            except Failure as failure:
                raise Failure(f"{failure} at tick {self._now} after {self._describe(world)}") from None
        self.report.worlds += len(seen)
        return later

    def _check(self, world: World, *, is_last: bool) -> None:
        """Check what must hold in every world."""
        alive = sum(slot.stage in (UNOPENED, OPEN) for slot in world.rivals)
        live = alive + world.is_posted
        if not live:
            raise Failure("no sibling lives")
        since = self.rules.sole_since(T0, self.terms.period, T0)
        is_window_open = self.rules.is_window_open(T0, self.terms.period, self._now)
        if alive and not is_window_open and self.rules.is_confirmable(live, since, AIRGAP, self._now):
            raise Failure("a wrong sibling can be confirmed")
        for slot in world.rivals:
            if slot.stage in (OPEN, MOOT) and self.disputes.is_lost(slot):
                raise Failure("the right commitment died")
            if slot.stage == OPEN and is_last:
                model = self.disputes.models[slot.mine]
                if model.is_running(self.disputes.state(slot)):
                    raise Failure("a dispute is undecided at t0 + 2T")
                if self.disputes.answer(slot) == [slot]:
                    raise Failure("a dispute cannot be ended")

    def _is_over(self, world: World) -> bool:
        """Whether the right sibling is alone for good; it can be confirmed then."""
        is_window_open = self.rules.is_window_open(T0, self.terms.period, self._now)
        gone = (DEAD,) if is_window_open else (DEAD, ABSENT)
        return world.is_posted and all(slot.stage in gone for slot in world.rivals)

    # ------------------------------------------------------------------------------------ calls

    def _calls(self, world: World, *, is_last: bool) -> Iterator[World]:
        yield from self._adversary(world)
        if not world.answered or self.terms.prompt or is_last:
            yield from self._answers(world)

    def _adversary(self, world: World) -> Iterator[World]:
        rivals = world.rivals
        for place, slot in enumerate(rivals):
            for changed in self._adversary_slot(world, slot):
                if changed == _DEAD:
                    self.report.latest = max(self.report.latest, self._now)
                yield world._replace(rivals=_with(rivals, place, changed))
        alive = [place for place, slot in enumerate(rivals) if slot.stage in (UNOPENED, OPEN)]
        for place in alive if len(alive) > 1 else ():
            dead = self.disputes.died_elsewhere(rivals[place])
            yield world._replace(rivals=_with(rivals, place, dead))

    def _adversary_slot(self, world: World, slot: Slot) -> list[Slot]:
        """What the adversary can make of one rival."""
        is_window_open = self.rules.is_window_open(T0, self.terms.period, self._now)
        if slot.stage in (OPEN, MOOT):
            return self.disputes.adversary(slot)
        if slot.stage == ABSENT and is_window_open:
            return [Slot(UNOPENED, OLDER if world.is_posted else NEWER)]
        if slot.stage == UNOPENED and world.is_posted:
            return self._opened(slot) if is_window_open else [self._killed(slot)]
        return []

    def _opened(self, slot: Slot) -> list[Slot]:
        """The dispute at every level: anybody may open, with what the other side has published."""
        model = self.disputes.models[slot.mine]
        levels = range(self.terms.depth + 1)
        return [self.disputes.slot(slot.mine, model.opened(self._now, level)) for level in levels]

    def _killed(self, slot: Slot) -> Slot:
        """The newer one of two that were never opened dies."""
        return self.disputes.slot(slot.mine, NEWER)

    def _answers(self, world: World) -> Iterator[World]:
        is_window_open = self.rules.is_window_open(T0, self.terms.period, self._now)
        if not world.is_posted:
            yield world._replace(answered=True, is_posted=is_window_open)
            return
        choices = [self._answer_slot(slot, is_window_open=is_window_open) for slot in world.rivals]
        if any(_DEAD in choice and slot != _DEAD for choice, slot in zip(choices, world.rivals, strict=True)):
            self.report.latest = max(self.report.latest, self._now)
        for rivals in product(*choices):
            yield world._replace(answered=True, rivals=_sorted(rivals))

    def _answer_slot(self, slot: Slot, *, is_window_open: bool) -> list[Slot]:
        """What the honest party makes of one rival."""
        if slot.stage == OPEN:
            return self.disputes.answer(slot)
        if slot.stage == MOOT:
            return [_DEAD]
        if slot.stage == UNOPENED and slot.mine == NEWER and is_window_open:
            return self._opened(slot)
        if slot.stage == UNOPENED and slot.mine == OLDER and not is_window_open:
            return [self._killed(slot)]
        return [slot]

    def _ticks(self, world: World) -> Iterator[World]:
        """One tick later, if the honest party has answered in this one or is excluded from it."""
        if not world.answered and not world.censored:
            return
        going_on = (OPEN, MOOT)
        rivals = _sorted(self.disputes.tick(s) if s.stage in going_on else s for s in world.rivals)
        censored = world.censored - (not world.answered)
        yield World(censored, False, world.is_posted, rivals)

    def _describe(self, world: World) -> str:
        slots = [self.disputes.state(slot) if slot.stage in (OPEN, MOOT) else slot for slot in world.rivals]
        return f"{world} with {slots}"


def explore(terms: Terms) -> Report:
    """Explore all runs with one honest party; raise `Failure` if a property breaks."""
    return Exploration(terms).run()


def explore_alone(terms: Terms) -> Report:
    """Explore one dispute in which nobody is honest; raise `Failure` if it can outlast t0 + 2T."""
    report, states = Report(), set[State]()
    for mine in (OLDER, NEWER):
        model = DisputeModel(terms, mine, honest=False)
        worlds = set[State]()
        for now in range(2 * terms.period + 1):
            if terms.rules.is_window_open(T0, terms.period, now):
                worlds |= {model.opened(now, level) for level in range(terms.depth + 1)}
            worlds = _closure(model, worlds, report, now)
            states |= worlds
            report.worlds += len(worlds)
            if now == 2 * terms.period:
                _check_ended(model, worlds)
            worlds = {model.tick(state) for state in worlds}
    report.disputes = len(states)
    return report


def _closure(model: DisputeModel, states: set[State], report: Report, now: int) -> set[State]:
    seen, todo = set(states), list(states)
    while todo:
        for outcome in model.adversary(todo.pop()):
            report.calls += 1
            if isinstance(outcome, int):
                report.latest = max(report.latest, now)
            elif outcome not in seen:
                seen.add(outcome)
                todo.append(outcome)
    return seen


def _check_ended(model: DisputeModel, states: set[State]) -> None:
    for state in states:
        if model.is_running(state):
            raise Failure(f"undecided at t0 + 2T: {state}")
        if not model.adversary(state):
            raise Failure(f"cannot be ended: {state}")


@cache
def check_money(joined: int, dead: int) -> None:
    """Check that a dispute that kills a sibling can pay everybody, whatever the moves have earned."""
    balance, pool = joined * BOND + STAKE, dead * BOND + STAKE
    for total in (0, 1, pool - 1, pool, pool + 1, 7 * pool):
        parts = split(pool, total)
        bonds = (joined - dead) * BOND
        for earned in ((total,), (total // 2, total - total // 2), (1,) * min(total, pool + 1)):
            shares = sum(share_down(credit, parts.pool_wei, total) for credit in earned)
            if bonds + shares + parts.to_poster_wei + parts.burned_wei > balance:
                raise Failure(f"{joined} commitments, {dead} of them dead: {total} cannot be paid")


def _sorted(slots: Iterator[Slot] | tuple[Slot, ...]) -> tuple[Slot, ...]:
    return tuple(sorted(slots))


def _with(rivals: tuple[Slot, ...], place: int, slot: Slot) -> tuple[Slot, ...]:
    return _sorted((*rivals[:place], slot, *rivals[place + 1 :]))
