"""From the opening of a dispute to the executed step, with real daemons on a devnet of one-second blocks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from challenger.watchtower import Wiring
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.l1_events import DisputeOpened, L1Event, StepProven
from scripts.staging.insider import Insider, Target
from scripts.staging.liar import Liar, WrongDraft
from scripts.staging.lies import Fault
from scripts.staging.onlooker import Onlooker
from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import SEQUENCER, USER, WATCHTOWER, Daemon, RollupOnAnvil, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LIAR = 4
MOST_S = 60
"""From the opening to the executed step, at arity 32 and with published leaves."""
PERIOD_S = 90


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[RollupOnAnvil]:
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with RollupOnAnvil(tmp_path, challenge_period_s=PERIOD_S) as built:
        yield built


@pytest.fixture
def insider(rollup: RollupOnAnvil) -> Iterator[Insider]:
    built = Insider(rollup.deployment_file, rollup.folder / "insider", Wiring(), rollup.anvil.url)
    yield built
    built.close()


class Scene:
    """A rollup in use, an account that lies about it, and what L1 saw of it."""

    def __init__(self, rollup: RollupOnAnvil, insider: Insider) -> None:
        self.rollup = rollup
        self.insider = insider
        self.eyes = Onlooker(rollup.l1, rollup.deployment)

    def use(self, aggregator: Daemon) -> Target:
        """Transfer something on L2; return the transfer's unit once its batch is on L1."""
        node = self.rollup.node_of(aggregator)
        self.rollup.deposit(node)
        user = self.rollup.signers[USER].address
        self.rollup.transfer(node, node.nonce(user, "latest"), b"\x77" * 20)
        return wait_for(lambda: self.insider.target("newest"), "the batch")

    def lie(self, target: Target) -> Liar:
        """Assert that the transfer ends otherwise, and publish the leaves."""
        traces, signer = self.insider.traces(target.draft), self.rollup.signers[LIAR]
        lie = WrongDraft.about(target.draft, traces, Fault(unit=target.unit, step=5))
        lie.post(self.eyes, signer)
        lie.publish(self.eyes, signer)
        return Liar(self.eyes, signer, lie.draft.id, lie.traces)

    def play(self, liar: Liar, kind: type[L1Event]) -> None:
        """Let the liar play as well as he can until something happens."""

        def has_happened() -> bool:
            liar.turn()
            return bool(self.events(kind))

        wait_for(has_happened, kind.__name__, patience_s=3 * PERIOD_S)

    def events(self, kind: type[L1Event]) -> list[L1Event]:
        return [event for event in self.eyes.events(self.rollup.l1.head()) if isinstance(event, kind)]

    def time_of(self, kind: type[L1Event]) -> int:
        [event] = self.events(kind)
        return self.rollup.l1.header(event.place.block_number).timestamp

    def seconds(self) -> int:
        """L1 time from the opening to the executed step."""
        return self.time_of(StepProven) - self.time_of(DisputeOpened)

    def status(self, assertion: Hash32) -> AssertionStatus:
        return self.rollup.assertions.assertion(assertion, at="latest").status


@pytest.fixture
def scene(rollup: RollupOnAnvil, insider: Insider) -> Scene:
    return Scene(rollup, insider)


def test_dispute__watchtower_opens_against_a_lie__has_the_step_executed_within_a_minute(scene: Scene) -> None:
    target = scene.use(scene.rollup.aggregator("--no-assert").start())
    scene.rollup.watchtower().start()
    liar = scene.lie(target)

    scene.play(liar, StepProven)

    assert scene.seconds() < MOST_S
    [proof] = scene.events(StepProven)
    assert isinstance(proof, StepProven)
    assert proof.prover == scene.rollup.signers[WATCHTOWER].address
    assert scene.status(target.draft.id) is AssertionStatus.LIVE


def test_dispute__aggregator_alone_is_opened_against__has_the_step_executed_within_a_minute(
    scene: Scene,
) -> None:
    aggregator = scene.rollup.aggregator("--publish-leaves").start()
    target = scene.use(aggregator)
    wait_for(lambda: scene.status(target.draft.id) is AssertionStatus.LIVE, "the right assertion")
    liar = scene.lie(target)

    scene.play(liar, StepProven)

    assert scene.seconds() < MOST_S
    [proof] = scene.events(StepProven)
    assert isinstance(proof, StepProven)
    assert proof.prover == scene.rollup.signers[SEQUENCER].address
    assert scene.status(target.draft.id) is AssertionStatus.LIVE
