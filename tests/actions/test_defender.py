"""The aggregator alone against liars, on real contracts: no watchtower is there to help it."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from challenger.model import Draft
from optimistic.node.chain_records import StoredAssertion
from optimistic.node.derived_traces import DerivedRange
from optimistic.node.node import Node, worker_processes
from optimistic.protocol.commitment import Tree
from optimistic.protocol.constants import UNIT_BITS
from optimistic.protocol.params import HIGHEST_PRECOMPILE_PRICE, MINIMAL
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.stepper.opcode_table import Op
from optimistic.protocol.stepper.trace import next_state
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32
from optimistic.protocol.unit import Phase
from optimistic.service.game_index import GameIndex
from optimistic.service.game_reader import GameReader
from optimistic.service.l1_events import (
    CommitmentDied,
    Committed,
    DisputeSettled,
    DuelStarted,
    Moved,
    Paid,
    StepProven,
    UnitPinned,
)
from optimistic.service.trace_job import make_trace, make_witness
from optimistic.service.unit_run import open_unit
from scripts.staging.liar import Liar, WrongDraft
from scripts.staging.lies import Fault, LyingTraces, StepLie, UnitLie
from scripts.staging.onlooker import Onlooker
from scripts.staging.strategies import OpensOnly, Strategy
from tests.helpers.assembly import call, store
from tests.helpers.node_world import NodeWorld
from tests.helpers.precompile_cases import modexp_input
from tests.helpers.watchtower_stage import L1Account

pytestmark = pytest.mark.slow

BOB = Address(b"\xb0" * 20)
TRANSFER = 6
"""A unit of the first batch that executes a transaction."""
FAULTS = {
    "last step": Fault(unit=TRANSFER),
    "first step": Fault(unit=TRANSFER, step=0),
    "beginning of the batch": Fault(unit=0, step_lie=StepLie.ONCE, step=0),
    "one unit too many": Fault(unit_lie=UnitLie.EXTRA, unit=2, step_lie=StepLie.EXTRA, step=0),
    "behind the last unit": Fault(unit_lie=UnitLie.ONCE, unit=700, step=40),
}


class RightTraces:
    """`Traces` of the first batch, as a node derived it, made in the caller's time."""

    def __init__(self, node: Node, assertion: StoredAssertion) -> None:
        genesis = node.deployment.build_genesis().state
        self._range = DerivedRange(node.params, node.store, genesis, assertion)
        self._nodes = node.nodes
        self._made: dict[int, Tree] = {}

    def units(self) -> Tree:
        return self._range.units()

    def steps(self, j: int) -> Tree:
        if j not in self._made:
            self._made[j] = make_trace(self._range.inputs(0, j % (1 << UNIT_BITS)), self._nodes)
        return self._made[j]

    def find(self, phase: Phase) -> tuple[int, int]:
        """The first unit and step at which the machine is in a phase."""
        for unit in range(len(self._range.leaves(0))):
            run = open_unit(self._range.inputs(0, unit), self._nodes)
            m, v = next_state(run.full, unit, 0, run.acc, run.start()), 1
            while m.phase not in (Phase.BOUNDARY, Phase.IDLE):
                if m.phase is phase:
                    return unit, v
                m, v = next_state(run.full, unit, v, run.acc, m), v + 1
        raise AssertionError("no step is in that phase")

    def witness(self, j: int, v: int) -> bytes:
        return make_witness(self._range.inputs(0, j % (1 << UNIT_BITS)), v, self._nodes)


class Scene:
    """A rollup with one batch, an aggregator who is right about it, and a liar, Eve."""

    def __init__(self, world: NodeWorld, initcode: bytes | None = None) -> None:
        self.world = world
        self.eyes = Onlooker(world.client, world.deployment)
        node = world.aggregator(asserts=False)
        alice = world.funded(node)
        raw = alice.transfer(BOB, 5) if initcode is None else alice.deploy(initcode, gas=3_000_000)
        node.gateway.submit(raw)
        world.turn(node)
        world.until_safe(node)
        knowing = world.replica("knowing")
        world.catch_up(knowing)
        self.right = self._assertion(knowing)
        self.traces = RightTraces(knowing, self.right)
        self.node = node
        self.checks_views = False

    def _assertion(self, node: Node) -> StoredAssertion:
        """The right assertion about the first batch, whoever posts it."""
        draft = node.right.draft(0, 1)
        assert draft is not None
        values = {name: getattr(draft, name) for name in ("acc", "unit_root", "end_leaf", "children_root")}
        id_ = Draft(parent=self.world.genesis_id, from_batch=0, to_batch=1, **values).id
        return StoredAssertion(
            id=id_,
            parent=self.world.genesis_id,
            seq=0,
            poster=ZERO_ADDRESS,
            from_batch=0,
            to_batch=1,
            l1_timestamp=0,
            l1_block_number=0,
            confirmed=False,
            dead=False,
            **values,
        )

    def defend(self, **changes: Any) -> None:
        """Start the aggregator that asserts and defends."""
        self.node.close()
        self.node = self.world.aggregator(**changes)

    def lie(self, fault: Fault, strategy: Strategy | None = None, who: L1Account | None = None) -> Liar:
        """Post a wrong assertion of the same batch."""
        signer = (self.world.eve if who is None else who).signer
        draft = Draft(
            parent=self.right.parent,
            from_batch=0,
            to_batch=1,
            acc=self.right.acc,
            unit_root=self.right.unit_root,
            end_leaf=self.right.end_leaf,
            children_root=self.right.children_root,
        )
        lie = WrongDraft.about(draft, self.traces, fault)
        lie.post(self.eyes, signer, self.world.clock)
        return Liar(self.eyes, signer, lie.draft.id, lie.traces, strategy=strategy, clock=self.world.clock)

    def play(self, *liars: Liar, until: Callable[[], bool], limit: int = 80) -> None:
        """Take turns until something is so."""
        for _ in range(limit):
            if until():
                return
            self.world.turn(self.node)
            if self.checks_views:
                self._check_views()
            for liar in liars:
                liar.turn()
        raise AssertionError("it did not come so far")

    def _check_views(self) -> None:
        """What the aggregator remembers of disputes is what a stranger reads at the same block."""
        feed, reader = self.node.defender._feed, self.node.defender._reader
        if feed.block is not None:
            stranger = GameReader(self.eyes.game, self.eyes.chain)
            index = GameIndex(self.world.params.log_arity)
            for event in self.eyes.events(feed.block):
                index.apply(event)
            fresh = stranger.disputes(index, feed.block)
            assert reader.disputes(feed.index, feed.block) == fresh
            for record in index.disputes.values():
                assert stranger.view(index, record, feed.block).stage is record.walk.stage

    def status(self, assertion: Hash32) -> AssertionStatus:
        return self.world.state(assertion).status

    def is_dead(self, liar: Liar) -> bool:
        return self.status(liar.assertion) is AssertionStatus.DEAD

    def events(self, kind: type) -> list[Any]:
        head = self.world.client.head()
        return [event for event in self.eyes.events(head) if isinstance(event, kind)]


@pytest.fixture
def scene(world: NodeWorld) -> Scene:
    return Scene(world)


@pytest.mark.parametrize("name", FAULTS)
def test_aggregator_alone__liar_opens_and_plays_well__dies_by_one_step(scene: Scene, name: str) -> None:
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS[name])

    scene.play(liar, until=lambda: scene.is_dead(liar))

    check_won_by_a_step(scene)


@pytest.mark.parametrize("name", ["last step", "behind the last unit"])
def test_aggregator_alone__liar_was_there_first_and_plays_well__dies_by_one_step(
    scene: Scene, name: str
) -> None:
    liar = scene.lie(FAULTS[name])
    scene.defend()

    scene.play(liar, until=lambda: scene.is_dead(liar))

    check_won_by_a_step(scene)


def check_won_by_a_step(scene: Scene) -> None:
    """The aggregator moved, committed without a bond and had the step executed, nobody else did."""
    bob = scene.world.bob.address
    assert scene.status(scene.right.id) is AssertionStatus.LIVE
    [settled] = scene.events(DisputeSettled)
    assert (settled.winner, settled.killed) == (scene.right.id, True)
    assert [proof.prover for proof in scene.events(StepProven)] == [bob]
    assert {move.mover for move in scene.events(Moved)} == {bob, scene.world.eve.address}
    [own] = [event for event in scene.events(Committed) if event.owner == bob]
    assert own.is_free


def test_attack__liar_disputes_the_dearest_precompile_call__step_gets_all_the_gas_it_must_forward(
    world: NodeWorld,
) -> None:
    operands = b"\xff" * 160
    data = modexp_input(operands, operands, operands[:-1] + b"\xfd")
    code = store(data) + call(Op.STATICCALL, b"\x05", gas=HIGHEST_PRECOMPILE_PRICE, args=(0, len(data)))
    scene = Scene(world, code)
    unit, step = scene.traces.find(Phase.PRECOMPILE)
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(Fault(unit=unit, step=step))

    scene.play(liar, until=lambda: scene.is_dead(liar))

    [proof] = scene.events(StepProven)
    receipt = scene.world.client.receipt(proof.place.tx_hash)
    query = "SELECT gas_limit FROM tx_intent WHERE key LIKE 'prove_step:%'"
    [(gas_limit,)] = scene.node.database.query(query)
    assert receipt is not None
    assert 1 << 24 >= gas_limit > 7_000_000 > 2 * receipt.gas_used, "much is forwarded and comes back"


def test_aggregator_alone__dispute_won__collects_and_confirms(scene: Scene) -> None:
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS["last step"])
    scene.checks_views = True

    scene.play(liar, until=lambda: scene.is_dead(liar) and bool(scene.events(Paid)))
    scene.world.l1.advance_time(scene.world.params.challenge_period_s)
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.CONFIRMED)

    assert {paid.account for paid in scene.events(Paid)} == {scene.world.bob.address}


def test_aggregator_alone__liar_opens_and_falls_silent__dies_by_the_clock(scene: Scene) -> None:
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS["last step"], OpensOnly())

    scene.play(liar, until=lambda: len(liar.played) == 1)
    scene.play(until=lambda: len(scene.events(Moved)) == 2)
    scene.world.l1.advance_time(scene.world.params.challenge_period_s)
    scene.play(until=lambda: scene.is_dead(liar))

    assert scene.status(scene.right.id) is AssertionStatus.LIVE


def test_aggregator_alone__traces_made_by_processes__wins(scene: Scene) -> None:
    scene.defend(build_workers=worker_processes)
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS["last step"])
    scene.play(liar, until=lambda: bool(scene.events(UnitPinned)))

    def wait(kind: type) -> None:
        give_up_s = time.monotonic() + 60
        while not scene.events(kind) and time.monotonic() < give_up_s:
            scene.node.tick()
            time.sleep(0.05)

    wait(Committed)
    scene.play(liar, until=lambda: bool(scene.events(DuelStarted)))
    wait(StepProven)
    scene.play(liar, until=lambda: scene.is_dead(liar))

    check_won_by_a_step(scene)


def test_aggregator_alone__plain_bisection__wins(tmp_path: Path) -> None:
    world = NodeWorld(tmp_path, MINIMAL)
    scene = Scene(world)
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS["first step"])

    scene.play(liar, until=lambda: bool(scene.events(StepProven)))
    world.l1.advance_time(MINIMAL.challenge_period_s)
    scene.play(liar, until=lambda: scene.is_dead(liar))

    check_won_by_a_step(scene)
    world.close()


def test_aggregator_alone__killed_after_each_of_its_moves_without_its_caches__still_wins(
    scene: Scene,
) -> None:
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS["last step"])
    seen = 0

    def restart() -> bool:
        nonlocal seen
        own = [event for event in scene.events(Moved) if event.mover == scene.world.bob.address]
        count = len(own) + len(scene.events(Committed))
        if count > seen:
            shutil.rmtree(scene.node.config.data_dir / "traces")
            scene.defend()
            seen = count
        return scene.is_dead(liar)

    scene.play(liar, until=restart)

    assert scene.status(scene.right.id) is AssertionStatus.LIVE
    assert seen > 4


def test_aggregator_alone__l1_reorganised_after_each_of_its_moves__still_wins(scene: Scene) -> None:
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS["last step"])
    scene.checks_views = True
    scene.world.l1.mine(4)  # what stands so far is deeper than any reorganisation below
    hit: set[tuple[type, int]] = set()

    def reorganise() -> bool:
        events = [*scene.events(Moved), *scene.events(Committed), *scene.events(StepProven)]
        newest = max(events, key=lambda event: event.place.block_number, default=None)
        place = (type(newest), len(events))
        if newest is not None and place not in hit:
            hit.add(place)
            head = scene.world.client.head().number
            scene.world.l1.reorg(head - newest.place.block_number + 1, empty_blocks=4)
        return scene.is_dead(liar)

    scene.play(liar, until=reorganise, limit=200)

    assert scene.status(scene.right.id) is AssertionStatus.LIVE
    assert len(hit) > 6


def test_attack__sabotage_on_the_right_side__does_no_harm(scene: Scene) -> None:
    scene.defend()
    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    liar = scene.lie(FAULTS["last step"])
    wrong = LyingTraces(scene.traces, scene.traces.units(), Fault(unit_lie=UnitLie.NONE, step=0))
    saboteur = Liar(scene.eyes, scene.world.alice.signer, scene.right.id, wrong, clock=scene.world.clock)

    scene.play(saboteur, liar, until=lambda: scene.is_dead(liar), limit=120)

    assert scene.status(scene.right.id) is AssertionStatus.LIVE
    assert scene.events(CommitmentDied)


def test_aggregator__told_not_to_defend__leaves_it_to_others(scene: Scene) -> None:
    liar = scene.lie(FAULTS["last step"])
    scene.defend(defends=False)

    scene.play(until=lambda: scene.status(scene.right.id) is AssertionStatus.LIVE)
    scene.world.turn(scene.node, times=4)

    assert not scene.world.game.is_open(liar.assertion, scene.right.id, at="latest")
