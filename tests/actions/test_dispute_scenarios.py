"""The scenarios of the toy machine once more, with the real step machine, verifier and watchtower."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from challenger.policy import BackPolicy
from challenger.watchtower import Watchtower
from optimistic.protocol.commitment import Tree
from optimistic.protocol.dispute.traces import Traces
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.stepper.trace_tree import TraceTree
from optimistic.service.l1_errors import JsonRpcError
from optimistic.service.l1_events import (
    Committed,
    DisputeOpened,
    DuelStarted,
    L1Event,
    Moved,
    StepProven,
    UnitPinned,
)
from optimistic.service.l1_types import Call
from scripts.staging.direct_traces import DirectTraces
from scripts.staging.liar import Liar
from scripts.staging.lies import Fault, LyingTraces, StepLie, UnitLie, states_of
from scripts.staging.strategies import AtRandom, CommitsOnly, LastSecond, OpensOnly, Silent, Strategy
from tests.helpers.fight_stage import CALL, PERIOD_S, Fight
from tests.helpers.watchtower_stage import ETHER, L1Account

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

LIE = Fault(unit=CALL, step=7)
STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "plays": Strategy,
    "silent": Silent,
    "opens only": OpensOnly,
    "last second": LastSecond,
    "commits only": CommitsOnly,
    **{f"random {n}": lambda n=n: AtRandom(random.Random(n)) for n in range(5)},  # type: ignore[misc]
}
UNIT_LIES = {
    "result": Fault(unit=CALL),
    "once": Fault(unit_lie=UnitLie.ONCE, unit=CALL),
    "extra": Fault(unit_lie=UnitLie.EXTRA, unit=CALL),
    "missing": Fault(unit_lie=UnitLie.MISSING, unit=CALL),
    "end state": Fault(unit_lie=UnitLie.END_STATE, unit=CALL),
    "zero": Fault(unit_lie=UnitLie.ZERO),
    "first batch": Fault(unit=2),
    "last unit": Fault(unit=CALL + 3),
}
ANSWERS = 12
"""Calls of the right side, a second each, that the period must have room for besides an exclusion."""
Stager = Callable[..., Fight]


@pytest.fixture
def fights(tmp_path: Path) -> Iterator[Stager]:
    made: list[Fight] = []

    def build(fault: Fault = LIE, **options: object) -> Fight:
        made.append(Fight(tmp_path / str(len(made)), fault, **options))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for fight in made:
        fight.close()


def newcomer(fight: Fight, name: str) -> L1Account:
    account = L1Account(fight.stage.client, keccak256(name.encode()))
    fight.stage.sequencer.send(Call(to=account.address, value_wei=fight.params.stake_wei + ETHER))
    return account


def right_traces(fight: Fight) -> DirectTraces:
    findings = fight.insider.monitor.findings
    assert findings is not None
    draft = findings.known.drafts[fight.stage.genesis_id]
    return DirectTraces(fight.insider, draft.from_batch, draft.to_batch)


def join_the_right(
    fight: Fight, name: str, traces: Traces | None = None, strategy: Strategy | None = None
) -> Liar:
    """Somebody else who plays for the right assertion, before the watchtower in each round."""
    who, stage = newcomer(fight, name), fight.stage
    player = Liar(
        fight.eyes,
        who.signer,
        fight.right_id,
        traces if traces is not None else right_traces(fight),
        strategy=strategy,
        clock=stage.clock,
    )
    fight.liars.append(player)
    return player


def play_to_the_end(fight: Fight, *towers: Watchtower) -> None:
    """Let everybody play until twice the period has passed and all windows are closed."""
    for _ in range(4):
        fight.play(*towers, rounds=8)
        fight.stage.l1.advance_time(PERIOD_S // 2 + 1)
    fight.play(*towers, rounds=8)


def check_right_won(fight: Fight) -> None:
    wrong = {liar.assertion for liar in fight.liars} - {fight.right_id}
    assert {fight.status(assertion) for assertion in wrong} <= {AssertionStatus.DEAD}
    assert fight.status(fight.right_id) is AssertionStatus.CONFIRMED
    assert not fight.stage.chain.is_slashed(fight.stage.watcher.address, at="latest")


# ---------------------------------------------------------------------------------- opponents


@pytest.mark.parametrize("is_older", [True, False], ids=["right_is_older", "right_is_newer"])
@pytest.mark.parametrize("name", STRATEGIES)
def test_opponent__of_every_style__loses(fights: Stager, name: str, is_older: bool) -> None:
    fight = fights(is_older=is_older, strategy=STRATEGIES[name]())
    tower = fight.tower()

    play_to_the_end(fight, tower)

    check_right_won(fight)


@pytest.mark.parametrize("step_lie", StepLie)
@pytest.mark.parametrize("name", UNIT_LIES)
def test_dispute__every_kind_of_lie__is_lost(fights: Stager, name: str, step_lie: StepLie) -> None:
    unit_fault = UNIT_LIES[name]
    fault = Fault(
        unit_lie=unit_fault.unit_lie, unit=unit_fault.unit, step_lie=step_lie, step=0, depth=2, salt=b"x"
    )
    fight = fights(fault, is_older=True)
    tower = fight.tower()

    play_to_the_end(fight, tower)

    check_right_won(fight)


def test_attack__front_runner_sends_every_call_first__only_pays_the_gas(fights: Stager) -> None:
    fight = fights(is_older=True)
    runner = join_the_right(fight, "runner")
    tower = fight.tower()

    play_to_the_end(fight, tower)

    check_right_won(fight)
    assert len(runner.played) >= 4
    assert 'tx_ended_total{outcome="failed"} 0.0' in tower.metrics.exposition().decode()


class Higher:
    """The right traces, but one level higher than needed."""

    def __init__(self, right: DirectTraces) -> None:
        self._right = right

    def units(self) -> Tree | None:
        return self._right.units()

    def steps(self, j: int) -> Tree | None:
        tree = self._right.steps(j)
        return None if tree is None else TraceTree(tree.log_arity, states_of(tree), tree.height + 1)

    def witness(self, j: int, v: int) -> bytes | None:
        return self._right.witness(j, v)


def test_attack__freeloader_commits_the_same_trace_higher__takes_nothing_from_the_defender(
    fights: Stager,
) -> None:
    fight = fights(is_older=True)
    join_the_right(fight, "freeloader", Higher(right_traces(fight)), CommitsOnly())
    tower = fight.tower()
    before = fight.stage.client.balance_wei(fight.stage.watcher.address, "latest")

    play_to_the_end(fight, tower)

    check_right_won(fight)
    assert fight.count(Committed) == 3
    after = fight.stage.client.balance_wei(fight.stage.watcher.address, "latest")
    stake = fight.stage.chain.stake_of(fight.stage.watcher.address, at="latest").amount_wei
    assert before - after - stake < ETHER // 20


def test_attack__self_play__costs_half_a_stake(fights: Stager) -> None:
    """Two liars of one owner fight: one dies, and half of its stake is gone."""
    fight = fights(is_older=False)
    second = newcomer(fight, "second")
    owner = (fight.stage.eve.address, second.address)
    other = fight.join(second, Fault(unit=CALL, salt=b"other"))
    fight.liar.rivals, other.rivals = frozenset([other.assertion]), frozenset([fight.liar.assertion])
    spent = sum(fight.stage.client.balance_wei(account, "latest") for account in owner)
    fight.play(rounds=10)
    fight.stage.l1.advance_time(PERIOD_S)
    fight.play(rounds=6)

    statuses = sorted(fight.status(liar.assertion) for liar in fight.liars)
    got_back = sum(fight.stage.client.balance_wei(account, "latest") for account in owner) - spent
    assert statuses == [AssertionStatus.LIVE, AssertionStatus.DEAD]
    assert got_back <= fight.params.stake_wei // 2


# ---------------------------------------------------------------------------------- crowds


def test_sybils__fifty__all_die(fights: Stager) -> None:
    """Five play as well as they can, the others open and are silent from then on."""
    fight = fights(is_older=True)
    silent: list[Liar] = []
    for number in range(49):
        fault = Fault(unit=(2, CALL)[number % 2], step=number % 3, salt=b"%d" % number)
        liar = fight.join(newcomer(fight, f"sybil {number}"), fault)
        if number % 12:
            liar.turn()
            fight.liars.remove(liar)
            silent.append(liar)
    tower = fight.tower()

    for _ in range(4):
        fight.play(tower, rounds=4)
        fight.stage.l1.advance_time(PERIOD_S // 2 + 1)
    fight.play(tower, rounds=8)

    assert {fight.status(liar.assertion) for liar in silent} == {AssertionStatus.DEAD}
    check_right_won(fight)


@pytest.mark.parametrize("is_older", [True, False], ids=["right_is_older", "right_is_newer"])
def test_attack__many_commitments_in_one_dispute__are_all_beaten_in_time(
    fights: Stager, is_older: bool
) -> None:
    """Traces of the wrong result of different heights, and of the right one with sabotage in them."""
    fight = fights(is_older=is_older)
    traces = right_traces(fight)
    units = traces.units()
    assert units is not None
    for number in range(4):
        name = f"helper {number}"
        fault = Fault(unit=CALL, step=number * 3, depth=2 + number, salt=name.encode())
        helper = LyingTraces(traces, fight.liar.traces.units() or units, fault)
        signer, wrong = newcomer(fight, name).signer, fight.liar.assertion
        fight.liars.append(Liar(fight.eyes, signer, wrong, helper, clock=fight.stage.clock))
        sabotage = replace(fault, unit_lie=UnitLie.NONE)
        join_the_right(fight, f"saboteur {number}", LyingTraces(traces, units, sabotage))
    tower = fight.tower()

    play_to_the_end(fight, tower)

    check_right_won(fight)
    assert fight.count(StepProven) >= 4


def test_sybils__fight_each_other_while_nobody_is_honest__lose_to_the_right_one(fights: Stager) -> None:
    fight = fights(is_older=False)
    for number in range(2):
        fight.join(newcomer(fight, f"sybil {number}"), Fault(unit=CALL - number, salt=b"%d" % number))
    for liar in fight.liars:
        liar.rivals = None
    fight.play(rounds=6)
    tower = fight.tower()

    play_to_the_end(fight, tower)

    check_right_won(fight)


# ---------------------------------------------------------------------------------- no money


def test_watcher__spent_everything_in_the_middle_of_a_dispute__says_so_and_wins_once_it_has_money(
    fights: Stager,
) -> None:
    fight = fights(is_older=True)
    watcher, stage = fight.stage.watcher, fight.stage
    tower = fight.tower(back=BackPolicy.NEVER)
    while not fight.count(UnitPinned):
        fight.play(tower, rounds=1)
    left = stage.client.balance_wei(watcher.address, "latest")
    watcher.send(Call(to=stage.bob.address, value_wei=left - fight.params.commitment_bond_wei // 2))

    for _ in range(6):
        with suppress(TemporaryError):  # the daemon is loud and tries again
            fight.play(tower, rounds=1)
    findings = tower.monitor.findings
    assert findings is not None
    alerts = {alert.kind for alert in findings.alerts}
    commitments = [event for event in fight.events() if isinstance(event, Committed)]
    stage.bob.send(Call(to=watcher.address, value_wei=10 * ETHER))
    play_to_the_end(fight, tower)

    assert "bond_collateral_missing" in alerts
    assert watcher.address not in {event.owner for event in commitments}
    check_right_won(fight)


# ---------------------------------------------------------------------------------- exclusion


@pytest.mark.parametrize("event", [DisputeOpened, Moved, Committed, DuelStarted])
@pytest.mark.parametrize("is_older", [True, False], ids=["right_is_older", "right_is_newer"])
def test_censorship__as_long_as_is_promised__is_survived(
    fights: Stager, is_older: bool, event: type[L1Event]
) -> None:
    fight = fights(is_older=is_older)
    tower = fight.tower()
    begun = fight.stage.client.head().timestamp
    while not fight.count(event):
        fight.play(tower, rounds=1)

    fight.liar.turn()
    used = fight.stage.client.head().timestamp - begun
    fight.stage.l1.advance_time(PERIOD_S - used - 2 * ANSWERS)
    play_to_the_end(fight, tower)

    check_right_won(fight)


# ---------------------------------------------------------------------------------- reorganisations


class Raws:
    """Remembers the bytes of every transaction that L1 took, to bring some back after a reorganisation."""

    def __init__(self, fight: Fight, monkeypatch: pytest.MonkeyPatch) -> None:
        self._by_hash: dict[bytes, str] = {}
        self._l1 = fight.stage.l1
        self._request = self._l1.request
        monkeypatch.setattr(self._l1, "request", self._keep)

    def _keep(self, method: str, params: Any) -> Any:
        answer = self._request(method, params)
        if method == "eth_sendRawTransaction":
            self._by_hash[keccak256(bytes.fromhex(params[0][2:]))] = params[0]
        return answer

    def reorder(self, depth: int) -> None:
        """Replace the newest blocks by one in which their transactions stand the other way round."""
        dropped = [self._by_hash[transaction.hash] for transaction in self._l1.reorg(depth)]
        self._l1.set_auto_mine(False)
        left = dropped[::-1]
        for _ in dropped:  # a sender's own stay in the order of their nonces
            left = [raw for raw in left if not self._is_taken(raw)]
        self._l1.mine(depth + 1)
        self._l1.set_auto_mine(True)

    def _is_taken(self, raw: str) -> bool:
        try:
            self._request("eth_sendRawTransaction", [raw])
        except JsonRpcError:
            return False
        return True


@pytest.mark.parametrize("way", ["removed", "reordered"])
@pytest.mark.parametrize("is_older", [True, False], ids=["right_is_older", "right_is_newer"])
def test_reorg__after_each_move_of_anybody__changes_nothing_in_the_end(
    fights: Stager, monkeypatch: pytest.MonkeyPatch, is_older: bool, way: str
) -> None:
    fight = fights(is_older=is_older)
    raws, tower, hit = Raws(fight, monkeypatch), fight.tower(), set[tuple[str, int]]()
    fight.stage.l1.mine(4)  # what stands so far is deeper than any reorganisation below
    kinds = (DisputeOpened, Moved, Committed, DuelStarted, StepProven)

    for _ in range(60):
        fight.play(tower, rounds=1)
        events = [event for event in fight.events() if isinstance(event, kinds)]
        newest = max(events, key=lambda event: event.place.block_number, default=None)
        place = (type(newest).__name__, len(events))
        if newest is None or place in hit:
            continue
        hit.add(place)
        depth = min(fight.stage.client.head().number - newest.place.block_number + 2, 6)
        if way == "reordered":
            raws.reorder(depth)
        else:
            fight.stage.l1.reorg(depth, empty_blocks=depth + 1)
    play_to_the_end(fight, tower)

    check_right_won(fight)
    assert len(hit) > 4
