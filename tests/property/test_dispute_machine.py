"""The dispute game at full size under any order of calls: one honest party with the production solver.

Hypothesis posts siblings, commits, moves for both sides, sabotages, lets time pass, and excludes the
honest party from L1 for as long as the period allows. Trees, hashes and money are real; what the machine
does in a step is made up.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from optimistic.protocol.commitment import Node
from optimistic.protocol.constants import STEP_BITS
from optimistic.protocol.dispute.actions import Claim, Commit, DuelKey, GameAction
from optimistic.protocol.dispute.chain import SLASHED
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.proofs import NoDifference
from optimistic.protocol.dispute.solver import next_moves, opening
from optimistic.protocol.dispute.state import Dispute
from optimistic.protocol.dispute.traces import Player
from optimistic.protocol.dispute.views import DisputeView, Life
from optimistic.protocol.dispute.views import Stage as DisputeStage
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from scripts.staging.lies import Fault, NoRoomForLie, StepLie, UnitLie, lying_steps
from tests.helpers.dispute_stage import GENESIS, Stage, account

Pair = tuple[Hash32, Hash32]
ANSWER_S = 10
"""δ: the honest party looks at L1 at least this often."""
PERIOD_S = 1_000
MAX_SIBLINGS = 4
MAX_COMMITMENTS = 6
EXAMPLE_STEPS = 30
LIARS = ("eve", "mallory", "trudy")

anything = st.integers(min_value=0, max_value=1 << 16)
unit_lies = st.sampled_from([lie for lie in UnitLie if lie is not UnitLie.NONE])
liars = st.sampled_from(LIARS)
plans = st.lists(anything, min_size=2, max_size=10)
pauses = st.integers(0, ANSWER_S)


class DisputeMachine(RuleBasedStateMachine):
    """One honest party against everything; the arity is that of a subclass."""

    LOG_ARITY = 5

    @initialize(is_first=st.booleans(), fault_unit=anything)
    def start(self, is_first: bool, fault_unit: int) -> None:
        self.stage = Stage(log_arity=self.LOG_ARITY, period_s=PERIOD_S)
        deltas = 3 + 2 * -(-STEP_BITS // (2 * self.LOG_ARITY))
        self.censorable_s = PERIOD_S - deltas * ANSWER_S
        self.unseen_s = 0
        self.right: Hash32 | None = None
        if is_first:
            self._post_right()
        self.post(UnitLie.RESULT, fault_unit, 1, "eve")

    # ------------------------------------------------------------------------------- adversary

    @rule(lie=unit_lies, unit=anything, level=st.integers(1, 4), who=liars)
    def post(self, lie: UnitLie, unit: int, level: int, who: str) -> None:
        """Post a wrong sibling; each account has one stake."""
        if len(self._siblings()) >= MAX_SIBLINGS:
            return
        fault = Fault(unit_lie=lie, unit=unit % 8, level=level, salt=who.encode())
        try:
            self.stage.post(who, self.stage.lie(fault))
        except InvalidInput:
            return

    @rule(numbers=plans, pause=pauses, who=liars)
    def open_and_walk(self, numbers: list[int], pause: int, who: str) -> None:
        """Open disputes and move in walks, for either side."""
        self._each(numbers, pause, lambda pair, number: self._walk(pair, number, who))

    @rule(numbers=plans, pause=pauses, who=liars)
    def commit(self, numbers: list[int], pause: int, who: str) -> None:
        """Commit to wrong traces for either side."""
        self._each(numbers, pause, lambda pair, number: self._commit(pair, number, who))

    @rule(numbers=plans, pause=pauses, who=liars)
    def fight(self, numbers: list[int], pause: int, who: str) -> None:
        """Fight duels, for whoever is on turn."""
        self._each(numbers, pause, lambda pair, number: self._fight(pair, number, who))

    @rule(numbers=plans, pause=pauses, who=liars)
    def act(self, numbers: list[int], pause: int, who: str) -> None:
        """Do all of that."""

        def do(pair: Pair, number: int) -> None:
            self._walk(pair, number, who)
            (self._commit if number % 3 == 0 else self._fight)(pair, number // 3, who)

        self._each(numbers, pause, do)

    def _each(self, numbers: list[int], pause: int, do: Callable[[Pair, int], None]) -> None:
        """Do something in a pair of siblings for every number, with pauses."""
        for number in numbers:
            pairs = self._all_pairs()
            if pairs:
                rest, place = divmod(number, len(pairs))
                do(pairs[place], rest)
            self._pass(pause, censored=False)

    @rule(early=st.integers(1, 3 * ANSWER_S), numbers=plans, who=liars)
    def come_late(self, early: int, numbers: list[int], who: str) -> None:
        """Post, open and commit in the last seconds in which that is possible, then wait for all clocks."""
        wait = self._window_end() - early - self.stage.now
        if wait >= 0:
            self._pass(wait, censored=False)
            self.post(UnitLie.RESULT, numbers[0], 1, who)
            level = numbers[0] if numbers[0] % 2 else 0
            for pair in self._pairs():
                self._walk(pair, level, who)
            self._each(numbers, 0, lambda pair, number: self._commit(pair, number, who))
            self._each(numbers, 2 * ANSWER_S, lambda pair, number: self._fight(pair, number, who))

    def _walk(self, pair: Pair, number: int, who: str) -> None:
        stage, view, key = self.stage, self.stage.game.view(*pair), DuelKey(older=pair[0], newer=pair[1])
        if view is None:
            self._play(who, lambda: stage.opening(*pair, level=number % (stage.height + 1)))
        elif view.stage is DisputeStage.WALK:
            self._play(who, lambda: stage.move(key))
            self._try(lambda: stage.time_out(key))

    def _fight(self, pair: Pair, number: int, who: str) -> None:
        """Start a duel, move in it for whoever is on turn, or have its step executed."""
        view = self.stage.game.view(*pair)
        older, newer = ([], []) if view is None else (view.live(Side.OLDER), view.live(Side.NEWER))
        if not older or not newer:
            return
        ids = older[number % len(older)], newer[number // len(older) % len(newer)]
        key = DuelKey(older=pair[0], newer=pair[1], commitments=ids)
        duel = self.stage.duel(key)
        if duel is None:
            self._play(who, lambda: self.stage.starting(key))
        elif duel.level:
            self._play(who, lambda: self.stage.move(key))
        else:
            self._play(who, lambda: self.stage.proving(key))
        self._try(lambda: self.stage.time_out(key))

    def _commit(self, pair: Pair, number: int, who: str) -> None:
        """Commit to a wrong trace for either side, at any height."""
        view = self.stage.game.view(*pair)
        if view is None or view.stage is not DisputeStage.TRACE or len(view.commitments) >= MAX_COMMITMENTS:
            return
        number, side = divmod(number, 2)
        number, free = divmod(number, 2)
        number, lie = divmod(number, len(StepLie))
        step, extra = divmod(number, 3)
        true = self.stage.right.trace(view.walk.index)
        depth = min(self.stage.height, true.height + extra)
        fault = Fault(step_lie=list(StepLie)[lie], step=step % 45, depth=depth, salt=who.encode())
        try:
            tree = lying_steps(true, view.walk.divergence.nodes[side], fault)
        except NoRoomForLie:
            return
        self._try(lambda: self.stage.commit(who, pair, Side(side), tree, is_free=bool(free)))

    @rule(choice=anything, who=liars)
    def sweep(self, choice: int, who: str) -> None:
        """Back somebody, settle, claim, kill what was not opened, slash what is dead."""
        stage, chain, siblings = self.stage, self.stage.chain, self._siblings()
        value = 0 if chain.has_stake(account(who)) else stage.stake_wei
        self._try(lambda: chain.back(stage.call(who, value), siblings[choice % len(siblings)]))
        for pair in self._pairs():
            self._try(partial(chain.kill_unopened, stage.call(who), *pair))
        for view in self._views():
            self._try(partial(stage.settle, (view.older, view.newer)))
            self._try(partial(stage.claim, (view.older, view.newer), who, tuple(view.commitments)))
        for sibling in siblings:
            self._try(partial(chain.slash, sibling, account(who)))

    @rule(seconds=st.sampled_from([1, ANSWER_S, 7 * ANSWER_S]), censored=st.booleans())
    def wait(self, seconds: int, censored: bool) -> None:
        self._pass(seconds, censored=censored)

    @rule(choice=anything, early=st.integers(0, 1), censored=st.booleans(), patience=st.booleans())
    def wait_for_a_clock(self, choice: int, early: int, censored: bool, patience: bool) -> None:
        """Wait until a clock or a window runs out, or the second before."""
        now, ends = self.stage.now, [self._window_end()]
        for view in self._views():
            ends += [view.window_end(side) for side in Side]
            ends += [search.clocks.expires_at for search in (view.walk, *view.duels.values())]
        later = sorted({end - early for end in ends if end - early > now})
        if later and patience:
            self._pass(later[choice % min(3, len(later))] - now, censored=censored)

    # --------------------------------------------------------------------------------- honest

    def _pass(self, seconds: int, *, censored: bool) -> None:
        """Let time pass; the honest party answers in time unless it is excluded."""
        while seconds:
            excluded = censored and self.censorable_s > 0
            step = min(seconds, self.censorable_s if excluded else ANSWER_S - self.unseen_s)
            self.stage.now += step
            seconds -= step
            if excluded:
                self.censorable_s -= step
                continue
            self.unseen_s += step
            if self.unseen_s == ANSWER_S:
                self.unseen_s = 0
                self._answer()

    def _post_right(self) -> None:
        self.right = self.stage.post("honest", self.stage.right.units())

    def _answer(self) -> None:
        """What the honest party sees at once is answered at once; no call of it is ever refused."""
        if self.right is None:
            self._post_right()
            return
        for action in [action for pair in self._all_pairs() for action in self._answers(pair)]:
            self.stage.play("honest", action, getattr(action, "bond_wei", 0))
            if isinstance(action, Commit):
                self._remember(action)

    def _answers(self, pair: Pair) -> Iterator[GameAction]:
        stage = self.stage
        if self.right not in pair:
            return
        side = Side(pair.index(self.right))
        view = stage.game.view(*pair)
        if view is not None:
            are_live = all(stage.chain.get(id_).status is AssertionStatus.LIVE for id_ in pair)
            view, player = replace(view, is_moot=not are_live), self._player(view, side)
            yield from next_moves(view, side, stage.game.terms, player, stage.right, stage.now)
        elif stage.now >= self._window_end():
            if side is Side.OLDER:
                stage.chain.kill_unopened(stage.call("honest"), *pair)
        elif side is Side.NEWER:
            rival, own = stage.trees[pair[0]].root, stage.trees[pair[1]]
            yield opening(*pair, own, Node(rival.end_state, rival.hash), (), self._window_end())

    def _remember(self, commit: Commit) -> None:
        """Let the adversary know the tree that the honest party committed to."""
        view = self.stage.game.view(commit.older, commit.newer)
        assert view is not None
        steps = self.stage.right.steps(view.walk.index)
        id_ = view.commitment_id(commit.side, commit.depth, steps.root.hash)
        assert id_ in view.commitments
        self.stage.trees[id_] = steps

    def _player(self, view: DisputeView, side: Side) -> Player:
        me, chain = account("honest"), self.stage.chain
        used = (side, me) in self.stage.game.disputes[view.id].used_free
        staked = self.right is not None and chain.has_stake(me)
        return Player(
            address=me,
            staked_on=frozenset({view.assertion(side)} if staked else ()),
            used_free=frozenset({view.id} if used else ()),
        )

    # ------------------------------------------------------------------------------ invariants

    @invariant()
    def right_never_dies(self) -> None:
        if self.right is None:
            return
        assert self.stage.chain.get(self.right).status in (AssertionStatus.LIVE, AssertionStatus.CONFIRMED)
        assert self.stage.chain.has_stake(account("honest"))
        for view in self._views():
            for side in Side:
                if view.assertion(side) == self.right and view.stage is DisputeStage.TRACE:
                    steps = self.stage.right.steps(view.walk.index)
                    champion = view.commitment_id(side, steps.height, steps.root.hash)
                    found = view.commitments.get(champion)
                    assert found is None or found.life is Life.LIVE

    @invariant()
    def one_child_lives_and_is_counted(self) -> None:
        parent = self.stage.chain.get(GENESIS)
        live = [s for s in self._siblings() if self.stage.chain.get(s).status is AssertionStatus.LIVE]
        assert parent.live_children == len(live) >= 1

    @invariant()
    def nothing_wrong_confirms(self) -> None:
        for sibling in self._siblings():
            if sibling != self.right:
                self._try(partial(self.stage.chain.confirm, self.stage.call("x"), sibling))
                assert self.stage.chain.get(sibling).status is not AssertionStatus.CONFIRMED

    @invariant()
    def everybody_can_be_paid(self) -> None:
        game, chain = self.stage.game, self.stage.chain
        due_wei = game.burned_wei + sum(game.owed_wei.values())

        due_wei += sum(self._due_wei(dispute) for dispute in game.disputes.values())

        assert due_wei <= game.balance_wei
        stakes = sum(1 for tip in chain.tips.values() if tip != SLASHED)
        assert chain.balance_wei == stakes * self.stage.stake_wei

    def _due_wei(self, dispute: Dispute) -> int:
        """What a dispute holds for others: bonds, and what credits may still take."""
        view, purse = dispute.view, dispute.purse
        bonds = [c for c in view.commitments.values() if c.life is Life.LIVE and not c.is_free]
        bonds_wei = len(bonds) * self.stage.bond_wei
        earned_wei = self._earned_wei(dispute, Side.OLDER), self._earned_wei(dispute, Side.NEWER)
        if view.stage is not DisputeStage.OVER:
            assert purse.credits_wei == earned_wei
            return bonds_wei + purse.pool_wei + sum(purse.forfeits_wei)
        earners = {account_ for _, account_ in purse.earned_wei} | {c.owner for c in bonds}
        owed_wei = self.stage.game.owed_wei
        credits_wei = sum(
            self.stage.game.claimable_wei(self._claim(view, who)) - owed_wei.get(who, 0) for who in earners
        )
        assert credits_wei - bonds_wei <= purse.pool_wei
        return credits_wei

    def _earned_wei(self, dispute: Dispute, side: Side) -> int:
        """What was earned for a side and its live commitments, and is not paid yet."""
        good: list[Side | Hash32] = [side]
        good += [
            id_ for id_, c in dispute.view.commitments.items() if c.side is side and c.life is not Life.DEAD
        ]
        return sum(wei for (of, _), wei in dispute.purse.earned_wei.items() if of in good)

    def _claim(self, view: DisputeView, who: Address) -> Claim:
        return Claim(
            reason="", older=view.older, newer=view.newer, commitments=tuple(view.commitments), account=who
        )

    def teardown(self) -> None:
        """At t0 + 2T everything can be ended, and the right sibling confirms."""
        if not hasattr(self, "stage"):
            return
        parent = self.stage.chain.get(GENESIS)
        self._pass(max(0, parent.t0 + 2 * PERIOD_S - self.stage.now), censored=False)
        self._pass(3 * ANSWER_S, censored=False)
        assert self.right is not None
        parent = self.stage.chain.get(GENESIS)
        assert parent.live_children == 1
        if self.stage.chain.get(self.right).status is AssertionStatus.LIVE:
            self.stage.now = max(self.stage.now, parent.sole_since + self.stage.airgap_s)
            self.stage.chain.confirm(self.stage.call("honest"), self.right)
        for view in self._views():
            if view.stage is not DisputeStage.OVER:
                self.stage.settle((view.older, view.newer))
            for who in ("honest", "anyone", *LIARS):
                self.stage.claim((view.older, view.newer), who, tuple(view.commitments))
        self.everybody_can_be_paid()

    # -------------------------------------------------------------------------------- internal

    def _siblings(self) -> list[Hash32]:
        """All siblings by age."""
        assertions = self.stage.chain.assertions
        return sorted((id_ for id_ in assertions if id_ != GENESIS), key=lambda id_: assertions[id_].seq)

    def _pairs(self) -> list[Pair]:
        live = [s for s in self._siblings() if self.stage.chain.get(s).status is AssertionStatus.LIVE]
        return [(older, newer) for at, older in enumerate(live) for newer in live[at + 1 :]]

    def _all_pairs(self) -> list[Pair]:
        """Pairs of live siblings, and all in a dispute: a moot one goes on until it is settled."""
        return list(dict.fromkeys([*self._pairs(), *((view.older, view.newer) for view in self._views())]))

    def _views(self) -> list[DisputeView]:
        return [dispute.view for dispute in self.stage.game.disputes.values()]

    def _window_end(self) -> int:
        return self.stage.chain.get(GENESIS).t0 + PERIOD_S

    def _play(self, who: str, action: Callable[[], GameAction]) -> None:
        self._try(lambda: self.stage.play(who, action()))

    def _try(self, call: Callable[[], object]) -> None:
        """Make a call of the adversary, which may be refused or impossible."""
        try:
            call()
        except (InvalidInput, NoDifference):
            return


class BinaryMachine(DisputeMachine):
    """The same with plain bisection."""

    LOG_ARITY = 1


def _bounded(machine: type[DisputeMachine]) -> type:
    case = machine.TestCase
    case.settings = settings(stateful_step_count=EXAMPLE_STEPS)
    return case


TestArity32 = pytest.mark.slow(_bounded(DisputeMachine))
TestArity2 = pytest.mark.slow(_bounded(BinaryMachine))
