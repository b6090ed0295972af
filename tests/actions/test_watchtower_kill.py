"""The watchtower dies at arbitrary moments, sometimes with its disk; the job is done all the same, once."""

import random
import shutil

import pytest

from challenger.watchtower import Watchtower, Wiring
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.records import AssertionStatus
from optimistic.service.l1_client import L1Client
from tests.helpers.killing import Fuse, Killed, KillingTransport
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import Stage, wrong_gas

SEEDS = [pytest.param(seed, marks=[] if seed < 4 else [pytest.mark.nightly]) for seed in range(24)]
ROUNDS = 40


class MortalTower:
    """A watchtower that is started again whenever it dies."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage = stage
        self.chance = chance
        self.fuse = Fuse()
        self.deaths = 0
        self.tower: Watchtower | None = None

    def live(self) -> None:
        """Do a round of work, or die in it."""
        self.fuse.light(self.chance.randrange(90))
        try:
            self._work()
        except Killed:
            self.deaths += 1
            if self.tower is not None:
                self.stage.close_tower(self.tower)
                self.tower = None
            if self.chance.random() < 0.3:
                shutil.rmtree(self.stage.folder / "mortal", ignore_errors=True)
        except TemporaryError:
            pass  # a reorganisation in the middle of a turn looks like a lie; the loop tries again

    def _work(self) -> None:
        if self.tower is None:
            transport = KillingTransport(self.stage.l1, self.fuse)
            client = L1Client(transport, chain_id=self.stage.params.l1_chain_id)
            wiring = Wiring(connect=lambda *_: client, clock=self.stage.clock)
            self.tower = self.stage.tower("mortal", wiring=wiring, batches_per_turn=1)
        self.tower.catch_up()
        assert self.tower.manager is not None
        self.tower.manager.step()


@pytest.mark.parametrize("seed", SEEDS)
def test_watchtower__killed_at_random_moments__one_rival_one_opening(stage: Stage, seed: int) -> None:
    chance, wallet = random.Random(seed), Wallet(1)
    stage.deposit(wallet.address)
    for _ in range(3):
        stage.append(wallet.transfer(stage.bob.address))
    wrong = stage.post(stage.eve, 3, tamper=wrong_gas(1))
    stage.l1.mine(4)  # what stands so far is deeper than any reorganisation below
    mortal = MortalTower(stage, chance)

    for _ in range(ROUNDS):
        mortal.live()
        if chance.random() < 0.1:
            stage.l1.reorg(chance.randrange(1, 4), empty_blocks=4)
    mortal.fuse = Fuse()
    if mortal.tower is not None:
        stage.close_tower(mortal.tower)
    survivor = stage.tower("mortal")
    stage.run(survivor, rounds=10)

    assert mortal.deaths >= 3
    findings = survivor.monitor.findings
    assert findings is not None
    rival = findings.known.drafts[stage.genesis_id].id
    children = findings.view.children(stage.genesis_id)
    assert [child.id for child in children] == [wrong.id, rival]
    assert stage.state(rival).status is AssertionStatus.LIVE
    assert stage.game.is_open(wrong.id, rival, at="latest")
    assert stage.chain.stake_of(stage.watcher.address, at="latest").tip == rival
