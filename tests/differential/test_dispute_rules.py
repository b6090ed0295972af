"""The rules of the dispute game in Python against the contracts: any calls, in any order, at any time.

After every call both must have accepted it or refused it for the same reason, and hold the same of it;
in the end everything is compared. The calls go through the typed contracts of the daemons.
"""

from collections import Counter
from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any, get_args

import pytest

from optimistic.protocol.dispute.actions import DuelKey, GameAction, Settle, Timeout
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.proofs import NoDifference
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.dispute.views import Stage as DisputeStage
from scripts.staging.lies import Fault, NoRoomForLie, StepLie, UnitLie, lying_steps
from tests.helpers.dispute_twins import AIRGAP_S, NAMES, PAYER, PERIOD_S, Twins
from tests.helpers.game_players import mutated

CALLS = 120
SEQUENCES = 8
NIGHTLY_PARTS, NIGHTLY_SEQUENCES = 4, 150


class Player:
    """Makes calls at random, most of them possible ones."""

    def __init__(self, twins: Twins) -> None:
        self.twins = twins
        self.stage = twins.stage
        self.random = twins.random

    def set_up(self) -> None:
        """Post the right sibling and some wrong ones, in any order; begin a few disputes."""
        faults = [None, Fault(unit=2), Fault(unit=3, salt=b"other")]
        self.random.shuffle(faults)
        for name, fault in zip(NAMES, faults, strict=False):
            self.twins.post(name, fault, self.stage.genesis)
        for name in NAMES:
            self.pair_call(name)

    def act(self) -> None:
        """Do something, or let time pass."""
        random, sender = self.random, self.random.choice(NAMES)
        kind = random.choices(
            (self.wait, self.post, self.chain_call, self.pair_call, self.game_call, self.strange_call),
            (3, 1, 2, 3, 28, 3),
        )[0]
        try:
            kind(sender)
        except (NoDifference, NoRoomForLie, LookupError):
            return  # the call cannot even be made up

    def wait(self, sender: str) -> None:
        """Wait a little, or until about a clock runs out."""
        now, ends = self.twins.now, list[int]()
        for dispute in self.stage.game.disputes.values():
            view = dispute.view
            ends += [view.window_end(side) for side in Side]
            ends += [search.clocks.expires_at for search in (view.walk, *view.duels.values())]
        t0 = self.stage.chain.get(self.stage.genesis).t0
        if t0:
            ends += [t0 + PERIOD_S, self.stage.chain.get(self.stage.genesis).sole_since + AIRGAP_S]
        later = [end + by for end in ends for by in (-1, 0, 1) if end + by > now]
        is_jump = later and self.random.random() < 0.15
        self.twins.now = self.random.choice(later) if is_jump else now + self.random.randint(1, 20)

    def post(self, sender: str) -> None:
        random = self.random
        parents = list(self.stage.chain.assertions)
        parent = random.choice(parents) if random.random() < 0.1 else self.stage.genesis
        lie = random.choice((UnitLie.RESULT, UnitLie.ONCE, UnitLie.ZERO, UnitLie.END_STATE))
        fault = Fault(
            unit_lie=lie, unit=random.randrange(7), level=random.randint(1, 3), salt=sender.encode()
        )
        self.twins.post(sender, random.choice((None, fault, fault)), parent)

    def chain_call(self, sender: str) -> None:
        self.twins.chain_call(sender)

    def pair_call(self, sender: str) -> None:
        """Open a dispute, or settle or claim one."""
        stage, random = self.stage, self.random
        ids = [id_ for id_ in stage.chain.assertions if id_ in stage.trees]
        older, newer = random.sample(ids, 2)
        if random.random() < 0.9 and stage.chain.get(older).seq > stage.chain.get(newer).seq:
            older, newer = newer, older
        view = stage.game.view(older, newer)
        if view is None:
            level = random.choice((0, 0, 1, random.randint(0, stage.height)))
            self._play(sender, stage.opening(older, newer, level))
        elif random.random() < 0.5:
            self.twins.play(sender, Settle(reason="", older=older, newer=newer))
        else:
            self.twins.play(PAYER, self.twins.claim(view, sender))

    def game_call(self, sender: str) -> None:
        """Do what is next somewhere in a dispute."""
        views = [dispute.view for dispute in self.stage.game.disputes.values()]
        if not views:
            self.pair_call(sender)
            return
        going_on = [view for view in views if view.stage is not DisputeStage.OVER]
        view = self.random.choice(going_on if going_on and self.random.random() < 0.95 else views)
        key = DuelKey(older=view.older, newer=view.newer)
        if view.stage is DisputeStage.WALK:
            self._search(sender, key)
        elif len(view.commitments) < 6 and self.random.random() < 0.3:
            self._commit(sender, view)
        else:
            older, newer = (list(view.live(side)) for side in Side)
            if older and newer:
                ids = self.random.choice(older), self.random.choice(newer)
                self._search(sender, replace(key, commitments=ids))
            elif self.random.random() < 0.2:
                self.twins.play(sender, Settle(reason="", older=view.older, newer=view.newer))

    def _search(self, sender: str, key: DuelKey) -> None:
        """Start, move, prove, or call the time."""
        duel = self.stage.duel(key)
        if self.random.random() < 0.1:
            self.twins.play(sender, Timeout(reason="", key=key))
        elif duel is None:
            self._play(sender, self.stage.starting(key))
        elif duel.level:
            self._play(sender, self.stage.move(key))
        else:
            self._play(sender, self.stage.proving(key))

    def _play(self, sender: str, action: GameAction, value_wei: int | None = None) -> None:
        """Make a call, sometimes with something changed in it first."""
        if self.random.random() < 0.2:
            action = self._changed(action)
        self.twins.play(sender, action, value_wei)

    def _changed(self, action: GameAction) -> GameAction:
        """Change one thing in a call, or the length of one."""
        change = self.random.choice((mutated, mutated, resized))
        changed: GameAction = change(action, self.random)
        return changed

    def _commit(self, sender: str, view: DisputeView) -> None:
        random, stage = self.random, self.stage
        side = random.choice(list(Side))
        true = stage.right.trace(view.walk.index)
        result = view.walk.divergence.nodes[side]
        tree = true
        if random.random() < 0.7 or true.root.end_state != result:
            depth = random.randint(true.height, min(stage.height, true.height + 2))
            lie = random.choice(list(StepLie))
            fault = Fault(step_lie=lie, step=random.randrange(44), depth=depth, salt=sender.encode())
            tree = lying_steps(true, result, fault)
        is_free = random.random() < 0.3
        _, action = stage.commitment((view.older, view.newer), side, tree, is_free=is_free)
        value = action.bond_wei + random.choice((0, 0, 0, 0, 0, 1))
        self._play(sender, action, value)

    def strange_call(self, sender: str) -> None:
        """Repeat a call, with something changed in it or not."""
        if self.twins.recent:
            action = self.random.choice(self.twins.recent[-12:])
            for _ in range(self.random.randint(0, 2)):
                action = self._changed(action)
            self.twins.play(sender, action)


def resized(value: Any, random: Random) -> Any:
    """Lengthen or shorten something inside a value."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        names = [name for name, part in parts.items() if isinstance(part, tuple) or is_dataclass(part)]
        if not names:
            return value
        name = random.choice(names)
        return replace(value, **{name: resized(parts[name], random)})
    if isinstance(value, tuple) and value:
        if len(value) == 2 and isinstance(value[0], tuple):
            return (resized(value[0], random), value[1])
        return value[:-1] if random.random() < 0.5 else (*value, value[-1])
    return value


def run(log_arity: int, seed: int) -> Twins:
    """Make calls at random and compare after each."""
    twins = Twins(log_arity, Random(seed))
    player = Player(twins)
    player.set_up()
    for _ in range(CALLS):
        player.act()
        twins.compare_balances()
        for dispute in twins.stage.game.disputes.values():
            twins.compare_dispute(dispute)
    twins.compare()
    return twins


@pytest.mark.slow
@pytest.mark.parametrize("log_arity", [1, 5])
def test_rules__random_calls__are_those_of_the_contract(log_arity: int) -> None:
    accepted, refused = Counter[str](), Counter[str]()

    for seed in range(SEQUENCES):
        twins = run(log_arity, seed)
        accepted += twins.accepted
        refused += twins.refusals

    assert set(accepted) == {kind.kind for kind in get_args(GameAction)}
    assert len(refused) > 15


@pytest.mark.nightly
@pytest.mark.parametrize("log_arity", [1, 5])
@pytest.mark.parametrize("part", range(NIGHTLY_PARTS))
def test_rules__many_random_calls__are_those_of_the_contract(log_arity: int, part: int) -> None:
    for seed in range(SEQUENCES + part * NIGHTLY_SEQUENCES, SEQUENCES + (part + 1) * NIGHTLY_SEQUENCES):
        run(log_arity, seed)
