"""The watchtower wins disputes on the contracts: opening, moves, executed step, settlement, confirmation."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from challenger.config import Mode
from challenger.policy import BackPolicy
from challenger.watchtower import Watchtower, Wiring
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.params import DEVNET, MINIMAL
from optimistic.protocol.records import AssertionStatus
from optimistic.service.contract import load_abi
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_events import Committed, DisputeOpened, DisputeSettled, Moved, Paid, StepProven
from optimistic.service.tx_types import TxNotAccepted
from scripts.staging.direct_traces import DirectTraces
from scripts.staging.liar import Liar
from scripts.staging.lies import Fault, LyingTraces, StepLie, UnitLie
from scripts.staging.strategies import LastSecond
from tests.helpers.fight_stage import CALL, PERIOD_S, Fight
from tests.helpers.killing import Fuse, Killed, KillingTransport
from tests.helpers.watchtower_stage import ETHER, L1Account

pytestmark = pytest.mark.slow

FAULTS = {
    "last step": Fault(unit=CALL),
    "first step": Fault(unit=CALL, step=0),
    "step in the middle": Fault(unit=CALL, step=7, step_lie=StepLie.ONCE),
    "begin batch": Fault(unit=0, step=0),
    "padding": Fault(unit_lie=UnitLie.ONCE, unit=700),
}
BOND_WEI = DEVNET.commitment_bond_wei
Stager = Callable[..., Fight]


@pytest.fixture
def fights(tmp_path: Path) -> Iterator[Stager]:
    """Stages fights, and closes them."""
    made: list[Fight] = []

    def build(fault: Fault = FAULTS["step in the middle"], **options: object) -> Fight:
        made.append(Fight(tmp_path / str(len(made)), fault, **options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for fight in made:
        fight.close()


def alerts(tower: Watchtower) -> set[str]:
    assert tower.monitor.findings is not None
    return {alert.kind for alert in tower.monitor.findings.alerts}


def step(tower: Watchtower) -> bool:
    """Let the transaction manager work once; a lost race for a block is nothing to stop at."""
    assert tower.manager is not None
    try:
        return tower.manager.step()
    except TxNotAccepted:
        return True


def check_won(fight: Fight) -> None:
    assert [fight.status(liar.assertion) for liar in fight.liars] == [AssertionStatus.DEAD] * len(fight.liars)
    assert fight.status(fight.right_id) is AssertionStatus.CONFIRMED


@pytest.mark.parametrize("is_older", [True, False], ids=["right_is_older", "right_is_newer"])
@pytest.mark.parametrize("publishes", [True, False], ids=["published", "withheld"])
@pytest.mark.parametrize("params", [DEVNET, MINIMAL], ids=["k32", "k2"])
def test_dispute__liar_who_plays_to_the_end__dies_by_one_step(
    fights: Stager, is_older: bool, publishes: bool, params: object
) -> None:
    fight = fights(is_older=is_older, publishes=publishes, params=params)
    tower = fight.tower()

    fight.play(tower, rounds=12 if params is DEVNET else 40)
    fight.finish(tower)

    check_won(fight)
    assert fight.count(StepProven) == 1
    assert (fight.count(DisputeOpened), fight.count(DisputeSettled)) == (1, 1)
    skips_the_walk = publishes and not is_older
    assert fight.count(Committed) == 2
    assert fight.count(Moved) < (5 if skips_the_walk else 12) if params is DEVNET else True
    assert fight.count(Paid) >= 1
    assert not alerts(tower)


@pytest.mark.parametrize("name", FAULTS)
def test_dispute__fault_anywhere__is_found_and_proven(fights: Stager, name: str) -> None:
    fight = fights(FAULTS[name], is_older=True)
    tower = fight.tower()

    fight.play(tower)
    fight.finish(tower)

    check_won(fight)
    assert fight.count(StepProven) == 1


# ---------------------------------------------------------------------------------- several of them


def test_dispute__five_liars_at_once__each_dies_by_a_step_of_its_own(fights: Stager) -> None:
    fight = fights(is_older=True)
    for account, name in zip(
        (fight.stage.bob, fight.stage.sequencer, fight.stage.deployer),
        ("last step", "begin batch", "padding"),
        strict=True,
    ):
        fight.join(account, replace(FAULTS[name], salt=name.encode()))
    extra = L1Account(fight.stage.client, fight.stage.l1.keys[6])
    fight.join(extra, replace(FAULTS["first step"], salt=b"slow"), strategy=LastSecond())
    tower = fight.tower()

    fight.play(tower, rounds=20)
    fight.finish(tower)

    check_won(fight)
    assert fight.count(StepProven) == 4  # nobody fights the one who waited for his last second


def test_dispute__two_watchers__race_without_a_failure(fights: Stager) -> None:
    fight = fights(is_older=False)
    towers = fight.tower("first"), fight.tower("second", who=fight.stage.bob)

    for _ in range(20):
        fight.liar.turn()
        for tower in towers:
            tower.catch_up()  # both plan on the same block
        for tower in towers:
            step(tower)
        fight.stage.l1.mine()
    fight.finish(*towers)

    check_won(fight)
    assert fight.count(StepProven) == 1
    assert fight.count(Committed) == 2
    exposed = "".join(tower.metrics.exposition().decode() for tower in towers)
    assert exposed.count('tx_ended_total{outcome="failed"} 0.0') == len(towers)


def test_attack__saboteur_on_our_side__is_left_alone_and_changes_nothing(fights: Stager) -> None:
    fight = fights(is_older=True)
    findings = fight.insider.monitor.findings
    assert findings is not None
    draft = findings.known.drafts[fight.stage.genesis_id]
    right = DirectTraces(fight.insider, draft.from_batch, draft.to_batch)
    units = right.units()
    assert units is not None
    sabotage = Fault(unit_lie=UnitLie.NONE, step_lie=StepLie.ONCE, step=3)
    traces = LyingTraces(right, units, sabotage)
    clock, eyes = fight.stage.clock, fight.eyes
    saboteur = Liar(eyes, fight.stage.bob.signer, draft.id, traces, clock=clock)
    fight.liars.append(saboteur)
    tower = fight.tower()

    fight.play(tower, rounds=16)
    fight.stage.l1.advance_time(PERIOD_S + 1)
    fight.play(tower, rounds=6)

    assert fight.status(fight.liar.assertion) is AssertionStatus.DEAD
    assert fight.status(draft.id) is AssertionStatus.CONFIRMED
    assert any(played.action.kind == "commit" for played in saboteur.played)


# ---------------------------------------------------------------------------------- sudden deaths


@pytest.mark.parametrize("is_older", [True, False], ids=["right_is_older", "right_is_newer"])
def test_dispute__killed_with_its_disk_after_every_single_move__wins_all_the_same(
    fights: Stager, is_older: bool
) -> None:
    fight = fights(is_older=is_older)
    deaths = 0

    for _ in range(40):
        fight.liar.turn()
        deaths += fight.live_for_one_move()
        fight.stage.l1.mine()
    survivor = fight.tower()
    fight.finish(survivor)

    check_won(fight)
    assert deaths >= 5
    assert fight.count(StepProven) == 1


def test_dispute__killed_in_the_middle_of_sending__moves_once(fights: Stager) -> None:
    fight, fuse = fights(is_older=False), Fuse()
    client = L1Client(KillingTransport(fight.stage.l1, fuse), chain_id=fight.params.l1_chain_id)
    wiring = Wiring(connect=lambda *_: client, clock=fight.stage.clock)
    deaths = 0

    for turn in range(40):
        fight.liar.turn()
        tower = fight.tower(wiring=wiring)
        fuse.light(20 + 7 * turn % 60)
        try:
            fight.stage.run(tower, rounds=2)
        except Killed:
            deaths += 1
        fuse._left = None
        fight.stage.close_tower(tower)
        fight.stage.l1.mine()
    fight.finish(fight.tower())

    check_won(fight)
    assert deaths >= 5
    assert fight.count(StepProven) == 1


# ---------------------------------------------------------------------------------- endpoints


class Censor:
    """An endpoint that leaves out events, or is stuck at a block."""

    def __init__(self, fight: Fight) -> None:
        self._l1 = fight.stage.l1
        self.hides: bytes | None = None
        """Topic of the events left out."""
        self.stuck_at: int | None = None

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if self.stuck_at is not None and method == "eth_getBlockByNumber" and params[0] == "latest":
            return self._l1.request(method, [hex(self.stuck_at), *params[1:]])
        answer = self._l1.request(method, params)
        if method == "eth_getLogs" and self.hides is not None:
            hidden = "0x" + self.hides.hex()
            return [entry for entry in answer if _text(entry["topics"][0]) != hidden]
        return answer

    def wiring(self, fight: Fight) -> Wiring:
        client = L1Client(self, chain_id=fight.params.l1_chain_id)
        return Wiring(connect=lambda *_: client, clock=fight.stage.clock)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "0x" + bytes(value).hex()


@pytest.mark.parametrize("event", ["Opened", "Moved", "Committed", "UnitPinned", "Started"])
def test_attack__endpoint_hides_events_of_the_game__does_nothing_until_it_is_honest(
    fights: Stager, event: str
) -> None:
    fight = fights(is_older=True)
    censor = Censor(fight)
    censor.hides = load_abi("DisputeGame").events[event].topic
    tower = fight.tower(wiring=censor.wiring(fight))
    refused = 0

    for turn in range(40):
        fight.liar.turn()
        if turn == 16:
            censor.hides = None
        try:
            fight.stage.run(tower, rounds=1)
        except TemporaryError:
            refused += 1
        fight.stage.l1.mine()
    fight.finish(tower)

    check_won(fight)
    assert refused


def test_attack__endpoint_stuck__says_so_and_goes_on_in_time(fights: Stager) -> None:
    fight = fights(is_older=True)
    censor = Censor(fight)
    tower = fight.tower(wiring=censor.wiring(fight), stale_after_ms=20_000)
    fight.play(tower, rounds=3)
    censor.stuck_at = fight.stage.client.head().number

    fight.stage.clock.advance(60)
    fight.stage.run(tower, rounds=2)
    stuck = alerts(tower)
    censor.stuck_at = None
    fight.play(tower)
    fight.finish(tower)

    assert "l1_head_stale" in stuck
    check_won(fight)


# ---------------------------------------------------------------------------------- choices


def test_dispute__without_a_stake__pays_the_bond_and_gets_it_back(fights: Stager) -> None:
    fight = fights(is_older=True)
    tower = fight.tower(back=BackPolicy.NEVER)

    fight.play(tower)
    commitments = [event for event in fight.events() if isinstance(event, Committed)]
    fight.finish(tower)

    check_won(fight)
    ours = [event for event in commitments if event.owner == fight.stage.watcher.address]
    assert [event.is_free for event in ours] == [False]
    assert sum(event.amount for event in fight.events() if isinstance(event, Paid)) >= BOND_WEI
    assert not alerts(tower)


def test_dispute__with_a_stake__commits_for_free(fights: Stager) -> None:
    fight = fights(is_older=True)
    tower = fight.tower()

    fight.play(tower)

    ours = [event for event in fight.events() if isinstance(event, Committed)]
    assert [event.is_free for event in ours if event.owner == fight.stage.watcher.address] == [True]


def test_dispute__claim_for__pays_who_has_left(fights: Stager) -> None:
    fight = fights(is_older=True)
    poster = fight.stage.alice.address
    tower = fight.tower(claim_for=(poster,))

    fight.play(tower)
    before = fight.stage.client.balance_wei(poster, "latest")
    fight.finish(tower)

    check_won(fight)
    assert fight.stage.client.balance_wei(poster, "latest") > before


@pytest.mark.parametrize("mode", [Mode.DRY_RUN, Mode.WATCH_ONLY])
def test_dispute__not_acting__plans_or_watches(fights: Stager, mode: Mode) -> None:
    fight = fights(is_older=True)
    tower = fight.tower(mode=mode)

    fight.liar.turn()
    fight.stage.run(tower)

    findings = tower.monitor.findings
    assert findings is not None
    planned = [action.kind for action in findings.actions]
    assert planned == ([] if mode is Mode.WATCH_ONLY else ["back", "move"])
    assert [standing.holds for standing in findings.disputes] == [True]
    assert fight.stage.client.nonce(fight.stage.watcher.address, "latest") == 0


def test_dispute__response_delay__waits_while_there_is_time(fights: Stager) -> None:
    fight = fights(is_older=True)
    fight.liar.turn()
    tower = fight.tower(response_delay_ms=100_000)

    fight.stage.run(tower)
    early = fight.count(Moved)
    fight.stage.l1.advance_time(101)
    fight.stage.run(tower)

    assert early == 1  # the reveal that belongs to the opening
    assert fight.count(Moved) == 2


def test_dispute__nobody_answers_for_us__alerts_follow_the_clock(fights: Stager) -> None:
    fight = fights(is_older=True)
    fight.liar.turn()
    tower = fight.tower(mode=Mode.WATCH_ONLY)

    fight.stage.run(tower)
    fresh = alerts(tower)
    fight.stage.l1.advance_time(PERIOD_S * 4 // 5)
    fight.stage.run(tower)
    low = alerts(tower)
    fight.stage.l1.advance_time(PERIOD_S // 5)
    fight.stage.run(tower)
    lost = alerts(tower)
    fight.liar.turn()
    fight.stage.run(tower)
    over = alerts(tower)

    assert not {"clock_low", "dispute_forecast_lost"} & fresh
    assert "clock_low" in low
    assert "dispute_forecast_lost" in lost
    assert {"dispute_resolved_against_right", "right_assertion_died"} <= over


def test_dispute__spending_limit__keeps_what_the_defence_takes(fights: Stager) -> None:
    fight = fights(is_older=True)
    limit_wei = fight.params.stake_wei + ETHER // 10
    tower = fight.tower(max_spend_wei=limit_wei)

    fight.play(tower)
    fight.finish(tower)

    check_won(fight)
    assert tower.store.fees_wei() < ETHER // 10


# ---------------------------------------------------------------------------------- real processes


def test_dispute__traces_made_by_another_process__wins(fights: Stager) -> None:
    fight = fights(is_older=True)
    tower = fight.tower(trace_workers=1)

    for _ in range(200):
        fight.liar.turn()
        fight.stage.run(tower, rounds=1)
        if fight.count(StepProven):
            break
        time.sleep(0.1)
        fight.stage.clock.advance(0)
    fight.finish(tower)

    check_won(fight)
    assert list((tower.config.data_dir / "traces").glob("*.trace"))
