"""The aggregator's process under kill -9, L1 reorganisations and an endpoint that fails and lies."""

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from optimistic.protocol.errors import RollupError
from optimistic.protocol.types import Address, Hash32
from optimistic.service.l1_client import L1Client
from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import USER, Daemon, RollupOnAnvil, wait_for
from tests.helpers.faulty_proxy import Fault, FaultyProxy

RECEIVER = Address(b"\x77" * 20)
DISK_BYTES = 2 << 20
NIGHTLY = pytest.mark.nightly
SEEDS = [pytest.param(seed, marks=[] if seed < 1 else [NIGHTLY]) for seed in range(20)]
DEPTHS = [pytest.param(depth, marks=[] if depth == 3 else [NIGHTLY]) for depth in range(1, 9)]


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[RollupOnAnvil]:
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with RollupOnAnvil(tmp_path) as built:
        yield built


class Traffic:
    """Transfers of one wei each, by nonce; an acknowledged one must take effect exactly once."""

    def __init__(self, rollup: RollupOnAnvil, node: L1Client) -> None:
        self._rollup = rollup
        self._nonce = node.nonce(rollup.signers[USER].address, "latest")
        self.acknowledged: list[Hash32] = []

    def send(self, node: L1Client) -> None:
        """Send the next transfer; a failure leaves its nonce for the next try."""
        self.acknowledged.append(self._rollup.transfer(node, self._nonce, RECEIVER))
        self._nonce += 1

    def require_all(self, node: L1Client, tag: str = "latest") -> None:
        """Wait until all acknowledged transfers, and nothing else, took effect."""
        wanted = len(self.acknowledged)
        wait_for(lambda: int(_balance(node, tag), 16) >= wanted, f"{wanted} transfers in {tag}")
        assert int(_balance(node, tag), 16) == wanted
        assert all(node.receipt(tx_hash) is not None for tx_hash in self.acknowledged)


def _balance(node: L1Client, tag: str) -> str:
    return str(node.raw_request("eth_getBalance", ["0x" + RECEIVER.hex(), tag]))


def started(daemon: Daemon, rollup: RollupOnAnvil) -> L1Client:
    daemon.start()
    return rollup.node_of(daemon)


@pytest.mark.parametrize("seed", SEEDS)
def test_aggregator__killed_at_random__nothing_lost_nothing_doubled(rollup: RollupOnAnvil, seed: int) -> None:
    rng = random.Random(seed)
    aggregator = rollup.aggregator()
    node = started(aggregator, rollup)
    rollup.deposit(node)
    traffic = Traffic(rollup, node)

    for _ in range(3):
        for _ in range(rng.randrange(5, 40)):
            traffic.send(node)
        if rng.random() < 0.7:
            wait_for(lambda: rng.random() < 0.2, "a random moment")
        aggregator.kill()
        node = started(aggregator, rollup)

    traffic.send(node)
    traffic.require_all(node)
    traffic.require_all(node, "safe")
    replica = started(rollup.replica(), rollup)
    traffic.require_all(replica)


@pytest.mark.parametrize("depth", DEPTHS)
def test_aggregator__l1_reorganised__converges_with_a_replica(rollup: RollupOnAnvil, depth: int) -> None:
    node = started(rollup.aggregator(), rollup)
    replica = started(rollup.replica(), rollup)
    rollup.deposit(node)
    settled = rollup.l1.head().number  # a deposit that falls out of L1 takes the user's ether with it
    wait_for(lambda: rollup.l1.head().number > settled + depth, "blocks to reorganise")
    traffic = Traffic(rollup, node)

    for _ in range(3):
        for _ in range(5):
            traffic.send(node)
        rollup.anvil.reorg(depth)
        rollup.anvil.mine()

    traffic.require_all(node)
    traffic.require_all(node, "safe")
    traffic.require_all(replica)
    safe = node.tagged("safe")
    assert safe is not None
    wait_for(lambda: replica.head().number >= safe.number, "the replica")
    assert replica.header(safe.number).hash == node.header(safe.number).hash


def test_aggregator__endpoint_fails_and_lies__goes_on_afterwards(rollup: RollupOnAnvil) -> None:
    with FaultyProxy(rollup.anvil.url, seed=1) as proxy:
        aggregator = rollup.aggregator("--l1-timeout", "1s", l1_url=proxy.url)
        node = started(aggregator, rollup)
        rollup.deposit(node)
        traffic = Traffic(rollup, node)
        parts = {Fault.TIMEOUT: 0.02, Fault.ERROR: 0.1, Fault.HTTP_500: 0.05, Fault.GARBAGE: 0.05}
        lies = {Fault.HEAD_AHEAD: 0.05, Fault.HEAD_BEHIND: 0.05, Fault.NULL: 0.05, Fault.ANSWER_LOST: 0.05}

        proxy.mix(parts | lies)
        for _ in range(20):
            traffic.send(node)
        traffic.require_all(node)
        assert aggregator.is_running
        proxy.heal()

        traffic.require_all(node, "safe")
        assert len(proxy.faults) > 0


def test_aggregator__wrong_configuration__says_so_and_ends(rollup: RollupOnAnvil) -> None:
    text = rollup.deployment_file.read_text()
    rollup.deployment_file.write_text(text.replace('"gas_rate": ', '"gas_rate": 1'))

    aggregator = rollup.aggregator().start()

    wait_for(lambda: not aggregator.is_running, "its end")
    assert "configHash" in aggregator.log_path.read_text()
    assert aggregator.end() != 0


def test_aggregator__disk_full__stops_with_a_clear_error_and_loses_nothing(rollup: RollupOnAnvil) -> None:
    aggregator = rollup.aggregator()
    node = started(aggregator, rollup)
    rollup.deposit(node)
    traffic = Traffic(rollup, node)
    traffic.send(node)
    traffic.require_all(node)

    aggregator.limit_files(DISK_BYTES)
    with suppress(RollupError):
        while aggregator.is_running:
            traffic.send(node)
    wait_for(lambda: not aggregator.is_running, "its end")

    assert "no space left" in aggregator.log_path.read_text().lower()
    node = started(aggregator, rollup)
    traffic.send(node)
    traffic.require_all(node)


def test_aggregator__corrupt_database__names_the_remedy_and_a_new_folder_recovers(
    rollup: RollupOnAnvil,
) -> None:
    aggregator = rollup.aggregator()
    node = started(aggregator, rollup)
    rollup.deposit(node)
    traffic = Traffic(rollup, node)
    traffic.send(node)
    traffic.require_all(node, "safe")
    aggregator.kill()
    folder = rollup.folder / "aggregator"
    for path in folder.glob("chain.db*"):
        path.write_bytes(b"not a database" * 1_000)

    aggregator.start()
    wait_for(lambda: not aggregator.is_running, "its end")
    assert aggregator.end() != 0
    assert str(folder) in aggregator.log_path.read_text()
    folder.rename(folder.with_suffix(".broken"))

    traffic.require_all(started(aggregator, rollup))
