"""Stories of the watchtower on the in-process L1: honest and lying asserters, real replay, real contracts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from challenger.model import Judgement
from challenger.watchtower import Watchtower
from optimistic.protocol.types import Hash32
from optimistic.service.contracts import AssertionStatus
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import Stage, wrong_gas


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    built = Stage(tmp_path)
    yield built
    built.close()


def two_batches(stage: Stage) -> Wallet:
    """A deposit, then two batches with transfers."""
    wallet = Wallet(1)
    stage.deposit(wallet.address)
    stage.append(wallet.transfer(stage.bob.address), wallet.transfer(stage.bob.address))
    stage.append(wallet.transfer(stage.bob.address))
    return wallet


def judgement(tower: Watchtower, id_: Hash32) -> Judgement:
    assert tower.monitor.findings is not None
    return tower.monitor.findings.known.judgement(id_)


def test_watchtower__right_assertion__is_valid_and_confirmed_when_due(stage: Stage) -> None:
    two_batches(stage)
    posted = stage.post(stage.alice, 2)
    tower = stage.tower()

    stage.run(tower)
    stage.l1.advance_time(stage.params.challenge_period_s + 1)
    stage.run(tower)

    assert judgement(tower, posted.id) is Judgement.VALID
    assert stage.state(posted.id).status is AssertionStatus.CONFIRMED


def test_watchtower__wrong_assertion__gets_a_rival_and_an_opening(stage: Stage) -> None:
    two_batches(stage)
    wrong = stage.post(stage.eve, 2, tamper=wrong_gas(1))
    tower = stage.tower()

    stage.run(tower)

    findings = tower.monitor.findings
    assert findings is not None
    rival = findings.known.claims[stage.genesis_id].id
    assert stage.state(rival).status is AssertionStatus.LIVE
    assert stage.state(rival).poster == stage.watcher.address
    assert stage.game.is_open(wrong.id, rival, at="latest")
    assert judgement(tower, wrong.id) is Judgement.INVALID
