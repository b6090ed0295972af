"""Several siblings, their disputes and all of their money, as random runs play them.

The rules are those of the contracts with trees and hashes taken away; times are ticks, and the rules of
time and of shares are those of production.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final

from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.purse import share_down, split
from tests.model.exhaustive import Failure
from tests.model.terms import NEWER, OLDER, T0, Rules, Terms, deltas

STAKE: Final = 2_000
BOND: Final = 200
OPEN, MOVE, COMMIT, STEP = 11, 7, 13, 29
"""Credits; large enough to empty a pool now and then."""
WALK, TRACE, OVER = range(3)
RIGHT: Final = 0
"""Number of the right sibling."""
AIRGAP: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """A game for random runs; times are ticks.

    Attributes
    ----------
    delta : within which the honest party answers
    planned, censored : Cmax the period was chosen with, and for how long the party is excluded
    """

    delta: int = 2
    planned: int = 6
    censored: int = 6
    shorter: int = 0
    depth: int = 2
    siblings: int = 4
    commitments: int = 3
    rules: Rules = field(default_factory=Rules)

    @property
    def period(self) -> int:
        """T."""
        return self.planned + deltas(self.depth) * self.delta - self.shorter


def run_terms(terms: Terms) -> RunTerms:
    """Return the game of random runs with the mistake of a mutant."""
    base = RunTerms()
    return RunTerms(
        censored=base.planned + (terms.censored - terms.planned) * base.delta,
        shorter=-terms.spare * base.delta,
        rules=terms.rules,
    )


@dataclass(slots=True)
class Commitment:
    """A commitment inside one dispute."""

    side: int
    joined: int
    owner: int
    """Number of the sibling whose poster made it."""
    is_free: bool
    is_right: bool
    depth: int
    credits: int = 0
    is_alive: bool = True


@dataclass(slots=True)
class Duel:
    """Two opposing commitments, started."""

    level: int
    turn: int
    left: tuple[int, int]
    since: int


@dataclass(slots=True)
class Dispute:
    """Two siblings against each other."""

    pair: tuple[int, int]
    walk: Duel
    stage: int
    commitments: list[Commitment] = field(default_factory=list)
    duels: dict[tuple[int, int], Duel] = field(default_factory=dict)
    live: list[int] = field(default_factory=lambda: [0, 0])
    used_free: list[tuple[int, int]] = field(default_factory=list)
    """Sides and owners of free commitments."""
    pool: int = 0
    forfeits: list[int] = field(default_factory=lambda: [0, 0])
    credits: list[int] = field(default_factory=lambda: [0, 0])


class Table:
    """The siblings of one parent and everything between them.

    Parameters
    ----------
    terms : the game
    random : decides what the machine makes of a step that two wrong commitments disagree about
    """

    def __init__(self, terms: RunTerms, random: Random) -> None:
        self.terms: Final = terms
        self.rules: Final = terms.rules
        self.random: Final = random
        self.period: Final = terms.period
        self.now = T0
        self.order: list[int] = []
        """Siblings by age."""
        self.alive: set[int] = set()
        self.staked: set[int] = set()
        """Siblings whose poster still has its stake."""
        self.disputes: dict[tuple[int, int], Dispute] = {}
        self.sole_since = 0
        self.balance = 0
        self.spent = 0
        """Burned, owed, or lost in rounding: must be the balance in the end."""

    @property
    def is_window_open(self) -> bool:
        """Whether siblings may be posted and disputes opened."""
        return self.rules.is_window_open(T0, self.period, self.now)

    # --------------------------------------------------------------------------------- siblings

    def check_confirmation(self) -> None:
        """Check who lives and who could be confirmed now."""
        if RIGHT not in self.alive and RIGHT in self.order:
            raise Failure("the right sibling died")
        if not self.alive:
            raise Failure("no sibling lives")
        (first,) = self.alive if len(self.alive) == 1 else (RIGHT,)
        is_alone = self.rules.is_confirmable(len(self.alive), self.sole_since, AIRGAP, self.now)
        if first != RIGHT and not self.is_window_open and is_alone:
            raise Failure("a wrong sibling can be confirmed")

    def is_running(self, dispute: Dispute) -> bool:
        """Whether anything in a dispute still waits for time."""
        walk, now = dispute.walk, self.now
        if dispute.stage == WALK:
            return self.left(walk) > 0
        if not all(self.rules.is_closed(budget, walk.since, now) for budget in walk.left):
            return True
        return any(
            duel.level and self.left(duel) > 0
            for pair, duel in dispute.duels.items()
            if all(dispute.commitments[number].is_alive for number in pair)
        )

    def post(self, sibling: int) -> None:
        """Post a sibling, under a stake of its own."""
        self.order.append(sibling)
        self.alive.add(sibling)
        self.staked.add(sibling)
        if len(self.alive) == 1:
            self.sole_since = self.rules.sole_since(T0, self.period, self.now)

    def are_alive(self, pair: tuple[int, int]) -> bool:
        """Whether two siblings are."""
        return pair[0] in self.alive and pair[1] in self.alive

    def kill(self, loser: int) -> None:
        """Kill a sibling whose rival is alive."""
        self.alive.remove(loser)
        if len(self.alive) == 1:
            self.sole_since = self.rules.sole_since(T0, self.period, self.now)
        self.check_confirmation()

    def seize(self, owner: int) -> int:
        """Take a stake, once; return it."""
        if owner not in self.staked:
            return 0
        self.staked.remove(owner)
        self.balance += STAKE
        return STAKE

    def pairs(self) -> list[tuple[int, int]]:
        """Return the pairs of live siblings, older first."""
        living = [sibling for sibling in self.order if sibling in self.alive]
        return [(older, newer) for at, older in enumerate(living) for newer in living[at + 1 :]]

    # ------------------------------------------------------------------------------------ rules

    def left(self, duel: Duel) -> int:
        """Return the time of the side on turn."""
        return self.rules.remaining(duel.left[duel.turn], duel.since, self.now)

    def window(self, dispute: Dispute, side: int) -> int:
        """Return for how long a side may commit."""
        return dispute.walk.left[side] - (self.now - dispute.walk.since)

    def live_pairs(self, dispute: Dispute) -> list[tuple[int, int]]:
        """Return the pairs of live opposing commitments, by side."""
        sides: tuple[list[int], list[int]] = ([], [])
        for number, commitment in enumerate(dispute.commitments):
            if commitment.is_alive:
                sides[commitment.side].append(number)
        return [(older, newer) for older in sides[OLDER] for newer in sides[NEWER]]

    def open(self, pair: tuple[int, int], level: int) -> None:
        """Open a dispute at a level."""
        left = self.rules.opening_clocks(T0, self.period, self.now)
        walk = Duel(level, OLDER, left, self.now)
        dispute = Dispute(pair, walk, WALK if level else TRACE)
        self.disputes[pair] = dispute
        self._earn(dispute, NEWER, None, OPEN)

    def move(self, dispute: Dispute, duel: Duel, commitment: Commitment | None) -> None:
        """Move in a walk or for a commitment, if there still is time and anything below."""
        if self.left(duel) == 0 or duel.level == 0:
            return
        side = duel.turn
        duel.left = self.rules.booked(duel.left, side, duel.since, self.now)
        duel.since, duel.turn, duel.level = self.now, 1 - side, duel.level - 1
        if duel is dispute.walk and duel.level == 0:
            dispute.stage = TRACE
        self._earn(dispute, side, commitment, MOVE)

    def commit(self, dispute: Dispute, side: int, owner: int, *, is_right: bool) -> None:
        """Commit while the window is open, for free if the owner may."""
        if self.rules.is_closed(dispute.walk.left[side], dispute.walk.since, self.now):
            return
        may_be_free = owner == dispute.pair[side] and owner in self.staked
        is_free = may_be_free and (side, owner) not in dispute.used_free
        if is_free:
            dispute.used_free.append((side, owner))
        else:
            self.balance += BOND
        depth = self.random.randint(1, self.terms.depth)
        commitment = Commitment(side, self.now, owner, is_free, is_right, depth)
        dispute.commitments.append(commitment)
        dispute.live[side] += 1
        self._earn(dispute, side, commitment, COMMIT)

    def start(self, dispute: Dispute, pair: tuple[int, int]) -> None:
        """Make the first move of a duel for the newer of two commitments, if it still has time."""
        walk, both = dispute.walk, [dispute.commitments[number] for number in pair]
        side = NEWER if pair[1] > pair[0] else OLDER
        older, newer = (self.rules.duel_clock(walk.left[c.side], walk.since, c.joined) for c in both)
        duel = Duel(max(c.depth for c in both), side, (older, newer), both[side].joined)
        if self.left(duel):
            dispute.duels[pair] = duel
            self.move(dispute, duel, both[side])

    def step(self, dispute: Dispute, pair: tuple[int, int]) -> None:
        """The machine decides; between two wrong commitments, chance."""
        both = [dispute.commitments[number] for number in pair]
        right = [commitment for commitment in both if commitment.is_right]
        survivors = right or self.random.choice(([both[0]], [both[1]], []))
        for commitment in both:
            if commitment in survivors:
                self._earn(dispute, commitment.side, commitment, STEP)
            else:
                self._bury(dispute, commitment)

    def time_out(self, dispute: Dispute, pair: tuple[int, int]) -> None:
        """End a duel against a commitment whose time is over."""
        both = [dispute.commitments[number] for number in pair]
        if dispute.stage != TRACE or not all(commitment.is_alive for commitment in both):
            return
        duel, walk = dispute.duels.get(pair), dispute.walk
        if duel is None:
            side = NEWER if pair[1] > pair[0] else OLDER
            is_out = self.rules.is_closed(walk.left[side], walk.since, self.now)
        else:
            side, is_out = duel.turn, self.left(duel) == 0
        if is_out:
            self._bury(dispute, both[side])

    def settle(self, dispute: Dispute) -> None:
        """Close a dispute that is decided."""
        walk = dispute.walk
        if dispute.stage != TRACE or not self.are_alive(dispute.pair):
            return
        older, newer = (self.rules.is_closed(budget, walk.since, self.now) for budget in walk.left)
        loser = self.rules.loser((older, newer), (dispute.live[OLDER], dispute.live[NEWER]))
        if loser is not None:
            self.end(dispute, dispute.pair[Side(loser).other])

    # ------------------------------------------------------------------------------------ money

    def _earn(self, dispute: Dispute, side: int, commitment: Commitment | None, credit: int) -> None:
        dispute.credits[side] += credit
        if commitment is not None:
            commitment.credits += credit

    def _bury(self, dispute: Dispute, commitment: Commitment) -> None:
        if commitment.is_right:
            raise Failure("the right commitment died")
        side = commitment.side
        commitment.is_alive = False
        dispute.live[side] -= 1
        dispute.credits[side] -= commitment.credits
        if not commitment.is_free:
            dispute.pool += BOND
        elif self.are_alive(dispute.pair):
            dispute.forfeits[side] += self.seize(commitment.owner)

    def end(self, dispute: Dispute, winner: int | None) -> None:
        """Close a dispute; if both siblings are alive, the loser dies."""
        dispute.stage = OVER
        pool, burned, side = dispute.pool, sum(dispute.forfeits), None
        if winner is not None:
            side = dispute.pair.index(winner)
            if self.are_alive(dispute.pair):
                loser = dispute.pair[1 - side]
                self.kill(loser)
                pool += self.seize(loser) + dispute.forfeits[1 - side]
                burned = dispute.forfeits[side]
        parts = split(pool, 0 if side is None else dispute.credits[side])
        shares = self._shares(dispute, side, parts.pool_wei)
        if shares > parts.pool_wei or min(dispute.credits) < 0:
            raise Failure(f"{shares} paid from {parts.pool_wei}")
        bonds = BOND * sum(c.is_alive and not c.is_free for c in dispute.commitments)
        self.spent += burned + parts.burned_wei + parts.to_poster_wei + bonds + parts.pool_wei

    def _shares(self, dispute: Dispute, side: int | None, pool: int) -> int:
        """What all credits of the winner are paid."""
        if side is None:
            return 0
        total = dispute.credits[side]
        earned = [c.credits for c in dispute.commitments if c.is_alive and c.side == side]
        earned.append(total - sum(earned))
        return sum(share_down(credit, pool, total) for credit in earned)
