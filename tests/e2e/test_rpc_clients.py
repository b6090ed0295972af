"""Foreign clients against a node's real port: web3.py, cast, ethers, viem."""

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from optimistic.node.rpc.backend import RpcBackend, make_server
from optimistic.node.rpc.options import RpcOptions
from tests.helpers.l2_wallet import Wallet
from tests.helpers.live_chain import ETHER, LiveChain

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
ARTIFACT = ROOT / "tests" / "helpers" / "counter" / "Counter.json"
CAST = ROOT / "node_modules" / ".bin" / "cast"
MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
STRANGER = "0x7777777777777777777777777777777777777777"


@dataclass(frozen=True)
class Endpoint:
    """A running node and an account with ether on it."""

    http: str
    key: str
    address: str

    @property
    def ws(self) -> str:
        return self.http.replace("http", "ws")


class UpToDate:
    def syncing(self) -> None:
        return None


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A chain that makes five blocks a second, behind a real port."""
    live = LiveChain(tmp_path_factory.mktemp("chain"))
    wallet = Wallet(0xA11CE)
    live.deposit(wallet.address, 100 * ETHER)
    backend = RpcBackend(
        reader=live.store, nodes=live.nodes, pool=live.pool, sync=UpToDate(), rollup=live.params
    )
    server = make_server(backend, RpcOptions(port=0))
    live.chain.on_change(lambda _: server.chain_changed())
    live.pool.on_accepted(server.transaction_accepted)
    stop = threading.Event()

    def produce() -> None:
        while not stop.wait(0.2):
            live.mine()

    producer = threading.Thread(target=produce)
    server.start()
    producer.start()
    yield Endpoint(http=server.url, key=f"0x{0xA11CE:064x}", address="0x" + wallet.address.hex())
    stop.set()
    producer.join()
    server.stop()
    live.close()


def run_json(*command: str | Path, timeout_s: int = 90) -> Any:
    """Run a program; its last line on stdout is JSON."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("client", ["ethers", "viem"])
def test_node__javascript_client__whole_story(endpoint: Endpoint, client: str) -> None:
    script = CLIENTS / f"{client}_client.mjs"

    result = run_json("node", script, endpoint.http, endpoint.ws, endpoint.key, ARTIFACT)

    assert result["ok"] is True
    assert result["sawDeposit"] is True
