"""Liars of every kind against one who is right, on the contracts, move by move."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from challenger.config import ChallengerConfig, Mode
from challenger.model import Draft
from challenger.watchtower import Watchtower, Wiring
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.signer import Signer
from scripts.staging.direct_traces import DirectTraces
from scripts.staging.liar import Liar, WrongDraft
from scripts.staging.lies import Fault, LyingTraces, StepLie, UnitLie
from scripts.staging.onlooker import Onlooker
from scripts.staging.strategies import STRATEGIES, CommitsOnly, Strategy
from scripts.staging.world import USER_KEY, WATCHTOWER_KEY, World

pytestmark = pytest.mark.slow

FIRST_LIAR = 4
TRANSACTION = 3
"""Unit of the newest batch that is a transaction."""
FAULTS = {
    "result-last-step": Fault(unit=TRANSACTION),
    "result-first-step": Fault(unit=TRANSACTION, step=0, salt=b"2"),
    "once": Fault(unit_lie=UnitLie.ONCE, unit=TRANSACTION, step=1),
    "first-unit": Fault(unit=0, step_lie=StepLie.ONCE, step=0),
    "padding": Fault(unit_lie=UnitLie.ONCE, unit=700, step=40),
}
COUNTS = {
    "extra-unit": Fault(unit_lie=UnitLie.EXTRA, unit=2, step_lie=StepLie.EXTRA, step=0),
    "missing-unit": Fault(unit_lie=UnitLie.MISSING, unit=3, step_lie=StepLie.MISSING, step=0),
    "false-end-state": Fault(unit_lie=UnitLie.END_STATE, unit=3),
    "false-end-state-of-steps": Fault(
        unit=TRANSACTION, step_lie=StepLie.END_STATE, step=0, depth=2, salt=b"3"
    ),
    "zero": Fault(unit_lie=UnitLie.ZERO, step_lie=StepLie.ZERO),
}


CROWD_PERIOD_S, DUEL_PERIOD_S = 900, 60
"""This L1 mines each transaction in a block of its own, a second later than the one before."""


class Ring:
    """A rollup whose aggregator has gone, one who is right, and liars around him."""

    def __init__(self, period_s: int) -> None:
        self.period_s = period_s
        self.world = World(replace(DEVNET, challenge_period_s=period_s))
        self._post_batches()
        config = ChallengerConfig(
            l1_rpc_url="http://embedded",
            deployment=self.world.deployment_file,
            data_dir=self.world.folder / "knowing",
            mode=Mode.WATCH_ONLY,
            l1_confirmations=0,
        )
        wiring = Wiring(connect=lambda *_: self.world.l1.client(), clock=self.world.clock)
        self.tower = Watchtower(config, wiring, None)
        self.tower.catch_up()
        findings = self.tower.monitor.findings
        assert findings is not None
        self.draft: Draft = next(iter(findings.known.drafts.values()))
        self.right = DirectTraces(self.tower, self.draft.from_batch, self.draft.to_batch)
        self.eyes = Onlooker(self.world.client, self.world.deployment)
        self.players: list[Liar] = []

    def _post_batches(self) -> None:
        world = self.world
        world.start_node(asserts=False)
        user = world.signers[USER_KEY].address
        call = world.bridge.deposit_call(to=user, value=10**19, gas_limit=21_000)
        world.send_l1(USER_KEY, call)
        world.turn_until(lambda: world.node.head_state.account(user).balance > 0, "the deposit")
        for n in range(3):
            world.send_l2(world.l1.keys[USER_KEY], n + 1, to=user, value=1)
        world.turn_until(lambda: world.node.store.batch_count() == 1, "the batch")
        world.stop_node()

    def close(self) -> None:
        self.tower.close()
        self.world.__exit__()

    def signer(self, number: int) -> Signer:
        return self.world.signers[number]

    def join_right(self) -> Liar:
        """The one who is right posts and plays; he needs no more than the solver."""
        own = self.right.units()
        assert own is not None
        lie_free = WrongDraft(draft=self.draft, units=own, traces=LyingTraces(self.right, own, Fault()))
        lie_free.post(self.eyes, self.signer(WATCHTOWER_KEY), self.world.clock)
        return self._add(WATCHTOWER_KEY, self.draft.id, self.right)

    def join_liar(self, number: int, fault: Fault, strategy: Strategy | None = None) -> Liar:
        lie = WrongDraft.about(self.draft, self.right, fault)
        lie.post(self.eyes, self.signer(number), self.world.clock)
        liar = self._add(number, lie.draft.id, lie.traces, strategy)
        liar.rivals = frozenset([self.draft.id])
        return liar

    def join_for_the_right(
        self, number: int, traces: LyingTraces | DirectTraces, strategy: Strategy | None = None
    ) -> Liar:
        return self._add(number, self.draft.id, traces, strategy)

    def _add(
        self,
        number: int,
        assertion: Hash32,
        traces: LyingTraces | DirectTraces,
        strategy: Strategy | None = None,
    ) -> Liar:
        player = Liar(
            self.eyes, self.signer(number), assertion, traces, strategy=strategy, clock=self.world.clock
        )
        self.players.append(player)
        return player

    def turn(self) -> None:
        self.world.clock.advance(1)
        self.world.l1.mine()
        for player in self.players:
            player.turn()

    def play(self, turns: int) -> None:
        for _ in range(turns):
            self.turn()

    def skip(self, seconds: int) -> None:
        self.world.l1.advance_time(seconds)

    def status(self, assertion: Hash32) -> AssertionStatus:
        return self.world.assertions.assertion(assertion, at="latest").status

    @property
    def now(self) -> int:
        return self.world.client.head().timestamp


@pytest.fixture
def crowd() -> Iterator[Ring]:
    built = Ring(CROWD_PERIOD_S)
    yield built
    built.close()


@pytest.fixture
def ring() -> Iterator[Ring]:
    built = Ring(DUEL_PERIOD_S)
    yield built
    built.close()


@pytest.mark.parametrize("faults", [FAULTS, COUNTS], ids=["places", "counts"])
@pytest.mark.parametrize("is_first", [True, False], ids=["right-first", "lies-first"])
def test_attack__many_different_lies__each_loses_to_the_one_who_is_right(
    crowd: Ring, faults: dict[str, Fault], is_first: bool
) -> None:
    if is_first:
        crowd.join_right()
    liars = [crowd.join_liar(FIRST_LIAR + n, fault) for n, fault in enumerate(faults.values())]
    if not is_first:
        crowd.join_right()

    crowd.play(12)
    crowd.skip(crowd.period_s)
    crowd.play(6)

    assert crowd.status(crowd.draft.id) is AssertionStatus.LIVE
    assert [crowd.status(liar.assertion) for liar in liars] == [AssertionStatus.DEAD] * len(liars)


@pytest.mark.parametrize("name", ["opens-only", "last-second", "random"])
def test_attack__a_liar_who_stalls__dies_within_two_periods(ring: Ring, name: str) -> None:
    ring.join_right()
    liar = ring.join_liar(FIRST_LIAR, FAULTS["once"], STRATEGIES[name])
    t0 = ring.world.assertions.assertion(ring.draft.parent, at="latest").t0

    while (
        ring.status(liar.assertion) is AssertionStatus.LIVE
        and ring.world.clock.time_s() < t0 + 2 * ring.period_s
    ):
        ring.turn()
    if ring.status(liar.assertion) is AssertionStatus.LIVE:
        ring.turn()
        _kill_if_unopened(ring, liar)

    assert ring.status(ring.draft.id) is AssertionStatus.LIVE
    assert ring.status(liar.assertion) is AssertionStatus.DEAD


def _kill_if_unopened(ring: Ring, liar: Liar) -> None:
    if not ring.eyes.game.is_open(ring.draft.id, liar.assertion, at="latest"):
        call = ring.world.assertions.kill_unopened_call(ring.draft.id, liar.assertion)
        ring.world.send_l1(WATCHTOWER_KEY, call)


def test_attack__wrong_traces_for_the_right_result__do_not_harm_the_right_side(ring: Ring) -> None:
    ring.join_right()
    liar = ring.join_liar(FIRST_LIAR, FAULTS["result-last-step"])
    units = ring.right.units()
    assert units is not None
    sabotage = Fault(unit_lie=UnitLie.NONE, step_lie=StepLie.ONCE, step=0)
    saboteurs = [
        ring.join_for_the_right(FIRST_LIAR + 1, LyingTraces(ring.right, units, sabotage)),
        ring.join_for_the_right(FIRST_LIAR + 2, ring.right, CommitsOnly()),
    ]
    ring.players.reverse()  # they are faster than the one who is right

    ring.play(12)
    ring.skip(ring.period_s)
    ring.play(4)

    assert ring.status(ring.draft.id) is AssertionStatus.LIVE
    assert ring.status(liar.assertion) is AssertionStatus.DEAD
    assert any(played.action.kind == "commit" for saboteur in saboteurs for played in saboteur.played)


def test_attack__a_lie_in_the_last_second_of_the_window__gains_nothing(ring: Ring) -> None:
    ring.join_right()
    t0 = ring.world.assertions.assertion(ring.draft.parent, at="latest").t0
    ring.skip(t0 + ring.period_s - ring.now - 3)

    liar = ring.join_liar(FIRST_LIAR, FAULTS["once"])
    liar.turn()
    ring.play(8)
    ring.skip(ring.period_s)
    ring.play(4)

    assert ring.status(ring.draft.id) is AssertionStatus.LIVE
    assert ring.status(liar.assertion) is AssertionStatus.DEAD
