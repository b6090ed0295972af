"""`challenger run` as a process on anvil: killed, reorganised away, behind a faulty endpoint."""

import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from optimistic.protocol.commitment import UnitTree, assertion_id
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import Header
from tests.helpers.anvil import Anvil
from tests.helpers.daemons import Daemon, wait_for
from tests.helpers.faulty_proxy import Fault, FaultyProxy
from tests.helpers.l2_wallet import Wallet
from tests.helpers.watchtower_stage import Posted, Stage, wrong_gas

pytestmark = pytest.mark.slow

SEEDS = [pytest.param(seed, marks=[] if seed < 1 else [pytest.mark.nightly]) for seed in range(20)]


class AnvilChain:
    """An anvil that is driven like the embedded chain."""

    def __init__(self, anvil: Anvil) -> None:
        self._anvil = anvil
        self.keys = dev_keys()

    def client(self) -> L1Client:
        return L1Client.connect(self._anvil.url)

    def time_s(self) -> int:
        return self.client().head().timestamp

    def advance_time(self, seconds: int) -> Header:
        self._anvil.advance_time(seconds)
        return self.client().head()


def tower_process(stage: Stage, url: str) -> Daemon:
    """A watchtower in a folder of its own, not started."""
    environment = {
        "CHALLENGER_PRIVATE_KEY": dev_keys()[5].hex(),
        "CHALLENGER_L1_RPC_URL": url,
        "CHALLENGER_L1_TIMEOUT": "1s",
        "CHALLENGER_L1_CONFIRMATIONS": "0",
        "CHALLENGER_DEPLOYMENT": str(stage.deployment_file),
        "CHALLENGER_DATA_DIR": str(stage.folder / "tower"),
        "CHALLENGER_POLL_INTERVAL": "100ms",
    }
    return Daemon(stage.folder, "tower", [sys.executable, "-m", "challenger", "run"], environment)


class Scene:
    """A wrong assertion over two batches on anvil, and a watchtower to come."""

    def __init__(self, folder: Path, anvil: Anvil, url: str) -> None:
        self.stage = Stage(folder, l1=AnvilChain(anvil))
        wallet = Wallet(1)
        self.stage.deposit(wallet.address)
        self.stage.append(wallet.transfer(self.stage.bob.address))
        self.stage.append(wallet.transfer(self.stage.bob.address))
        self.wrong: Posted = self.stage.post(self.stage.eve, 2, tamper=wrong_gas(1))
        tree = UnitTree(self.stage.params.log_arity, self.stage.leaves(2))
        acc = self.stage.inbox.acc(1, at="latest")
        self.rival: Hash32 = assertion_id(self.stage.genesis_id, acc, tree.unit_root, tree.end_leaf)
        self.tower = tower_process(self.stage, url)

    def is_posted(self) -> bool:
        return self.stage.state(self.rival).status is AssertionStatus.LIVE

    def is_open(self) -> bool:
        return self.stage.game.is_open(self.wrong.id, self.rival, at="latest")

    @property
    def sent(self) -> int:
        """Transactions of the watchtower so far."""
        return self.stage.client.nonce(self.stage.watcher.address, "latest")


@pytest.fixture
def scene(tmp_path: Path, anvil: Anvil) -> Iterator[Scene]:
    built = Scene(tmp_path, anvil, anvil.url)
    yield built
    built.tower.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_process__killed_at_random_moments__posts_and_opens_once(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(3):
        scene.tower.start()
        time.sleep(chance.uniform(0.5, 4.0))
        scene.tower.kill()
        if chance.random() < 0.5:
            shutil.rmtree(scene.stage.folder / "tower", ignore_errors=True)

    scene.tower.start()
    wait_for(lambda: scene.tower.events("assertion_judged"), "verdicts of the last run")
    wait_for(scene.is_open, "the opening")
    code = scene.tower.end()

    assert code == 0
    assert scene.is_posted()
    assert scene.sent == 2


def test_process__reorg_drops_the_rival__posts_and_opens_again(scene: Scene, anvil: Anvil) -> None:
    scene.tower.start()
    wait_for(scene.is_open, "the opening")

    anvil.reorg(2)
    was_gone = not scene.is_open()
    anvil.mine()
    wait_for(scene.is_open, "the opening")

    assert was_gone
    assert scene.is_posted()


def test_process__faulty_endpoint__acts_when_it_recovers(tmp_path: Path, anvil: Anvil) -> None:
    with FaultyProxy(anvil.url, seed=1) as proxy:
        scene = Scene(tmp_path, anvil, proxy.url)
        try:
            proxy.set(Fault.ERROR)
            scene.tower.start()
            wait_for(lambda: len(proxy.requests) > 3, "requests")
            silent = scene.sent == 0
            proxy.heal()
            proxy.mix({Fault.ERROR: 0.02, Fault.DISCONNECT: 0.02, Fault.HEAD_AHEAD: 0.2, Fault.GARBAGE: 0.02})
            wait_for(scene.is_open, "the opening")
        finally:
            scene.tower.close()

    assert silent
    assert scene.is_posted()
    assert scene.sent == 2
