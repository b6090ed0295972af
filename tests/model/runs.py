"""Random runs of the game with several siblings and commitments.

The adversary owns every sibling but one and every commitment but the right ones. It acts early, late or
at the last moment, each run in a style of its own, sabotages, lets its own siblings fight each other,
and excludes the honest party from L1 for as long as it may. The honest party looks at L1 once in at
most δ and answers everything it sees.
"""

from random import Random
from typing import Final

from tests.model.exhaustive import Failure
from tests.model.table import AIRGAP, OVER, RIGHT, TRACE, WALK, Dispute, RunTerms, Table
from tests.model.terms import NEWER, OLDER, T0


class Run(Table):
    """One run; `random` decides everything."""

    def __init__(self, terms: RunTerms, random: Random) -> None:
        super().__init__(terms, random)
        self._censored = terms.censored
        self._burst = 0
        """Ticks for which the honest party is excluded now."""
        self._silent = 0
        """Ticks since it looked, those in which it was excluded left out."""
        self._attention: Final = random.choice((0.0, 0.1, 0.6))
        self._haste: Final = random.choice((0.03, 0.15, 0.5))
        self._last_moment: Final = random.choice((0.0, 0.5, 0.95))
        self._first_at: Final = random.choice((T0, random.randrange(self.period), self.period - 4))
        """When the adversary begins to post more siblings."""

    def play(self) -> None:
        """Play to the end; raise `Failure` if a property breaks."""
        rivals = list(range(1, self.terms.siblings))
        self.post(RIGHT if self.random.random() < 0.5 else rivals.pop())
        while self.now < T0 + 2 * self.period:
            self._adversary(rivals)
            if self._honest_looks():
                self._answer()
                self._adversary(rivals)
            self.now += 1
            if self.alive == {RIGHT} and not self.is_window_open:
                break
        self._finish()

    def _finish(self) -> None:
        """At t0 + 2T everything can be ended: do so, in any order."""
        for dispute in self.disputes.values():
            if dispute.stage != OVER and self.are_alive(dispute.pair) and self.is_running(dispute):
                raise Failure("a dispute is undecided at t0 + 2T")
        for _ in range(2 * self.terms.commitments + self.terms.siblings):
            self._expire()
            self._answer()
        if self.alive != {RIGHT}:
            raise Failure(f"not only the right sibling is left, but {self.alive}")
        if not self.rules.is_confirmable(1, self.sole_since, AIRGAP, max(self.now, self.sole_since + AIRGAP)):
            raise Failure("the right sibling cannot be confirmed")
        for pair, dispute in self.disputes.items():
            if dispute.stage != OVER:
                self.end(dispute, RIGHT if RIGHT in pair else None)
        if self.balance != self.spent:
            raise Failure(f"{self.spent} spent of {self.balance}")

    # -------------------------------------------------------------------------------- adversary

    def _adversary(self, rivals: list[int]) -> None:
        random = self.random
        if rivals and self.is_window_open and self.now >= self._first_at and random.random() < 0.4:
            self.post(rivals.pop())
        self.check_confirmation()
        self._expire()
        for pair in self.pairs():
            dispute = self.disputes.get(pair)
            if dispute is None:
                self._play_unopened(pair)
            elif dispute.stage == WALK:
                self._play_walk(dispute)
            elif dispute.stage == TRACE:
                self._play_trace(dispute)

    def _acts(self, left: int) -> bool:
        """Whether the adversary moves now, with so much time left."""
        return self.random.random() < (self._last_moment if left <= 2 else self._haste)

    def _play_unopened(self, pair: tuple[int, int]) -> None:
        if not self.is_window_open:
            if self.are_alive(pair) and self.random.random() < self._haste:
                self.kill(pair[NEWER])
        elif self._acts(T0 + self.period - self.now):
            self.open(pair, self.random.randint(0, self.terms.depth))

    def _play_walk(self, dispute: Dispute) -> None:
        walk = dispute.walk
        is_mine = dispute.pair[walk.turn] != RIGHT
        if self._acts(self.left(walk)) and (is_mine or self.random.random() < 0.1):
            self.move(dispute, walk, None)

    def _play_trace(self, dispute: Dispute) -> None:
        random, terms = self.random, self.terms
        for side in (OLDER, NEWER):
            joined = sum(c.side == side and not c.is_right for c in dispute.commitments)
            cap = terms.commitments - (dispute.pair[side] == RIGHT)
            if joined < cap and self._acts(self.window(dispute, side)):
                owner = random.choice([s for s in self.order if s != RIGHT] or [RIGHT])
                self.commit(dispute, side, owner, is_right=False)
        pairs = self.live_pairs(dispute)
        for pair in random.sample(pairs, min(2, len(pairs))):
            self._play_duel(dispute, pair)

    def _play_duel(self, dispute: Dispute, pair: tuple[int, int]) -> None:
        both = [dispute.commitments[number] for number in pair]
        if not all(commitment.is_alive for commitment in both):
            return
        duel = dispute.duels.get(pair)
        if duel is None:
            side = NEWER if pair[1] > pair[0] else OLDER
            if not both[side].is_right and self._acts(self.window(dispute, side)):
                self.start(dispute, pair)
        elif duel.level == 0:
            if self.random.random() < self._haste:
                self.step(dispute, pair)
        elif not both[duel.turn].is_right and self._acts(self.left(duel)):
            self.move(dispute, duel, both[duel.turn])

    def _expire(self) -> None:
        """Take every timeout there is, in any order, and settle what it decides."""
        for pair in self.pairs():
            dispute = self.disputes.get(pair)
            if dispute is None or not self.are_alive(pair):
                continue
            if dispute.stage == WALK and self.left(dispute.walk) == 0:
                self.end(dispute, pair[1 - dispute.walk.turn])
            elif dispute.stage == TRACE:
                duels = self.live_pairs(dispute)
                self.random.shuffle(duels)
                for duel in duels:
                    self.time_out(dispute, duel)
                self.settle(dispute)
        for dispute in self._moot():
            self._play_trace(dispute)
            for duel in self.live_pairs(dispute):
                self.time_out(dispute, duel)

    def _moot(self) -> list[Dispute]:
        """Return the disputes of the right sibling whose other sibling died elsewhere; duels go on there."""
        return [
            dispute
            for pair, dispute in self.disputes.items()
            if dispute.stage == TRACE and RIGHT in pair and not self.are_alive(pair)
        ]

    # ----------------------------------------------------------------------------------- honest

    def _honest_looks(self) -> bool:
        """Whether the honest party sees L1 in this tick."""
        if self._censored and self._burst == 0 and self.random.random() < 0.1:
            self._burst = self.random.randint(1, self._censored)
        if self._burst:
            self._burst -= 1
            self._censored -= 1
            return False
        self._silent += 1
        if self._silent < self.terms.delta and self.random.random() >= self._attention:
            return False
        self._silent = 0
        return True

    def _answer(self) -> None:
        """What the honest party does about all it sees."""
        if RIGHT not in self.order:
            if self.is_window_open:
                self.post(RIGHT)
            return
        for moot in self._moot():
            self.end(moot, RIGHT)
        for pair in self.pairs():
            if RIGHT in pair and self.are_alive(pair):
                self._answer_pair(pair)

    def _answer_pair(self, pair: tuple[int, int]) -> None:
        dispute = self.disputes.get(pair)
        if dispute is None:
            if self.is_window_open and pair[NEWER] == RIGHT:
                self.open(pair, self.random.randint(0, self.terms.depth))
            elif not self.is_window_open and pair[OLDER] == RIGHT:
                self.kill(pair[NEWER])
        elif dispute.stage == WALK:
            self._answer_walk(dispute)
        elif dispute.stage == TRACE:
            self._answer_trace(dispute)

    def _answer_walk(self, dispute: Dispute) -> None:
        walk = dispute.walk
        if dispute.pair[walk.turn] == RIGHT:
            self.move(dispute, walk, None)
        elif self.left(walk) == 0:
            self.end(dispute, RIGHT)

    def _answer_trace(self, dispute: Dispute) -> None:
        side = dispute.pair.index(RIGHT)
        numbers = [n for n, c in enumerate(dispute.commitments) if c.is_right]
        if not numbers:
            self.commit(dispute, side, RIGHT, is_right=True)
            return
        for number, rival in enumerate(dispute.commitments):
            if rival.side == side or not rival.is_alive:
                continue
            pair = (numbers[0], number) if side == OLDER else (number, numbers[0])
            duel = dispute.duels.get(pair)
            if duel is None:
                if numbers[0] > number:
                    self.start(dispute, pair)
                else:
                    self.time_out(dispute, pair)
            elif duel.level == 0:
                self.step(dispute, pair)
            elif duel.turn == side:
                self.move(dispute, duel, dispute.commitments[numbers[0]])
            else:
                self.time_out(dispute, pair)
        self.settle(dispute)


def play_runs(terms: RunTerms, first: int, count: int) -> int:
    """Play runs with the seeds from `first` on; return how many disputes they had."""
    disputes = 0
    for seed in range(first, first + count):
        run = Run(terms, Random(seed))
        try:
            run.play()
        except Failure as failure:
            raise Failure(f"run {seed}: {failure}") from None
        disputes += len(run.disputes)
    return disputes
