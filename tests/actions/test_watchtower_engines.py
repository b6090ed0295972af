"""A watchtower whose transaction engine has a bug: L1 decides as the step machine does, so it does, too."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from challenger.model import Judgement
from challenger.watchtower import Watchtower
from optimistic.protocol.engine import Outcome
from optimistic.protocol.execution import EvmEngine
from optimistic.protocol.params import DEVNET
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32
from tests.helpers.fight_stage import CALL_NONCE, PERIOD_S, post_two_batches
from tests.helpers.watchtower_stage import Posted, Stage, wrong_gas

pytestmark = pytest.mark.slow


def break_engine(monkeypatch: pytest.MonkeyPatch, sender: Address, nonce: int) -> None:
    """Have the transaction engine report one gas too much for one transaction."""
    real = EvmEngine._outcome

    def wrong(self: EvmEngine, *arguments: Any, **values: Any) -> Outcome:
        outcome = real(self, *arguments, **values)
        is_it = (outcome.sender, outcome.nonce) == (sender, nonce)
        return replace(outcome, gas_used=outcome.gas_used + 1) if is_it else outcome

    monkeypatch.setattr(EvmEngine, "_outcome", wrong)


class TwoOpinions:
    """Two batches; what the machine says, and what the engine with its bug says about the second."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stage = Stage(folder, replace(DEVNET, challenge_period_s=PERIOD_S))
        wallet = post_two_batches(self.stage)
        self._by_machine = self.stage.leaves(2)
        break_engine(monkeypatch, wallet.address, CALL_NONCE)
        self._by_engine = self.stage.leaves(2)
        assert self._by_machine[0] == self._by_engine[0]
        assert self._by_machine[1] != self._by_engine[1]

    def post_engines(self) -> Posted:
        return self.stage.post_leaves(self.stage.alice, 2, self._by_engine, self.stage.genesis_id)

    def post_machines(self) -> Posted:
        return self.stage.post_leaves(self.stage.bob, 2, self._by_machine, self.stage.genesis_id)

    def post_lie(self) -> Posted:
        return self.stage.post(self.stage.eve, 2, tamper=wrong_gas(0, 7))

    def half_the_window(self) -> None:
        self.stage.l1.advance_time(PERIOD_S // 2)

    def status(self, posted: Posted) -> AssertionStatus:
        return self.stage.state(posted.id).status

    def n_sent(self) -> int:
        return self.stage.client.nonce(self.stage.watcher.address, "latest")


@pytest.fixture
def opinions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoOpinions]:
    built = TwoOpinions(tmp_path, monkeypatch)
    yield built
    built.stage.close()


def judgement(tower: Watchtower, id_: Hash32) -> Judgement:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.judgement(id_)


def alerts(tower: Watchtower) -> set[str]:
    assert tower.monitor.findings is not None
    return {alert.kind for alert in tower.monitor.findings.alerts}


def test_engines__disagree__nothing_is_staked_before_half_of_the_window(opinions: TwoOpinions) -> None:
    engines, machines = opinions.post_engines(), opinions.post_machines()
    tower = opinions.stage.tower()

    opinions.stage.run(tower)

    assert judgement(tower, machines.id) is Judgement.VALID
    assert judgement(tower, engines.id) is Judgement.UNKNOWN
    assert {"engines_disagree", "verdict_unknown"} <= alerts(tower)
    assert opinions.n_sent() == 0


def test_attack__assertion_by_the_step_machine_against_a_buggy_engine__is_played_for(
    opinions: TwoOpinions,
) -> None:
    # Frozen by the disagreement, every honest watcher would lose to the clock whatever was asserted.
    engines, machines = opinions.post_engines(), opinions.post_machines()
    tower = opinions.stage.tower()
    opinions.stage.run(tower)

    opinions.half_the_window()
    opinions.stage.run(tower)
    opened = opinions.stage.game.is_open(engines.id, machines.id, at="latest")
    opinions.stage.l1.advance_time(PERIOD_S + 1)
    opinions.stage.run(tower, rounds=6)

    assert opened
    assert opinions.status(engines) is AssertionStatus.DEAD
    assert opinions.status(machines) is AssertionStatus.CONFIRMED


def test_attack__third_opinion_while_the_engines_disagree__is_disputed_at_once(opinions: TwoOpinions) -> None:
    lie, engines = opinions.post_lie(), opinions.post_engines()
    tower = opinions.stage.tower()

    opinions.stage.run(tower, rounds=8)

    assert tower.monitor.findings is not None
    right = tower.monitor.findings.known.drafts[opinions.stage.genesis_id].id
    assert opinions.stage.state(right).poster == opinions.stage.watcher.address
    assert opinions.stage.game.is_open(lie.id, right, at="latest")
    assert not opinions.stage.game.is_open(engines.id, right, at="latest")
    assert opinions.stage.chain.stake_of(opinions.stage.watcher.address, at="latest").tip == right


def test_engines__only_the_engines_result_is_there__the_machines_follows_after_half_of_the_window(
    opinions: TwoOpinions,
) -> None:
    engines = opinions.post_engines()
    tower = opinions.stage.tower()
    opinions.stage.run(tower)
    before = opinions.n_sent()

    # A second opinion is asked for only where somebody disagrees: here a liar does.
    lie = opinions.post_lie()
    opinions.stage.run(tower)
    opinions.half_the_window()
    opinions.stage.run(tower, rounds=6)

    assert before == 0
    assert tower.monitor.findings is not None
    right = tower.monitor.findings.known.drafts[opinions.stage.genesis_id].id
    assert {judgement(tower, engines.id), judgement(tower, lie.id)} == {Judgement.INVALID}
    assert opinions.stage.game.is_open(engines.id, right, at="latest")


def test_engines__disagreement_found__survives_a_restart_with_and_without_the_disk(
    opinions: TwoOpinions,
) -> None:
    opinions.post_engines()
    machines = opinions.post_machines()
    first = opinions.stage.tower("first")
    opinions.stage.run(first)
    opinions.stage.close_tower(first)

    again, fresh = opinions.stage.tower("first"), opinions.stage.tower("second", who=opinions.stage.eve)
    again.turn()
    again.turn()
    opinions.stage.run(fresh)

    for tower in (again, fresh):
        assert judgement(tower, machines.id) is Judgement.VALID
        assert "engines_disagree" in alerts(tower)


def test_engines__cross_check_off__the_disputed_unit_tells(
    opinions: TwoOpinions,
) -> None:
    engines, machines = opinions.post_engines(), opinions.post_machines()
    tower = opinions.stage.tower(cross_checks=False)
    opinions.stage.run(tower)
    mistaken = judgement(tower, engines.id)

    open_at_the_unit(opinions, engines, machines)
    opinions.stage.run(tower)

    assert mistaken is Judgement.VALID
    assert judgement(tower, machines.id) is Judgement.VALID
    assert "engines_disagree" in alerts(tower)


def open_at_the_unit(opinions: TwoOpinions, older: Posted, newer: Posted) -> None:
    """Open the dispute at the very unit in which the two differ first."""
    from optimistic.protocol.dispute.actions import Open
    from optimistic.protocol.dispute.ids import Side
    from optimistic.protocol.dispute.proofs import inside, prove_divergence

    index = newer.tree.first_difference(older.tree)
    assert index is not None
    arity, height = newer.tree.log_arity, newer.tree.height
    theirs = [inside(older.tree, level, index >> arity * level) for level in range(height, 0, -1)]
    opinions.stage.bob.send(
        opinions.stage.game.open_call(
            Open(
                reason="a test",
                older=older.id,
                newer=newer.id,
                level=0,
                proof=prove_divergence(newer.tree, Side.NEWER, height, 0, theirs),
                reveal=None,
            )
        )
    )
