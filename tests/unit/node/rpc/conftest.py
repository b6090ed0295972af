import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from optimistic.node.chain_store import CHAIN_MIGRATIONS, ChainStore
from optimistic.node.rpc.backend import RpcBackend, method_table
from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.options import RpcOptions
from optimistic.service.database import Database
from tests.helpers.chain_builder import make_genesis
from tests.helpers.l2_wallet import Wallet
from tests.helpers.live_chain import LiveChain
from tests.helpers.rpc_messages import answer_to


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChainStore]:
    path = tmp_path / "chain.db"
    opened = ChainStore(Database(path, CHAIN_MIGRATIONS), path)
    opened.initialize({"config": "0x01"}, make_genesis())
    yield opened
    opened.close()


class Sync:
    """A node that is up to date unless told otherwise."""

    def __init__(self) -> None:
        self.progress: tuple[int, int, int] | None = None

    def syncing(self) -> tuple[int, int, int] | None:
        return self.progress


class Rpc:
    """Every method over a live chain, asked in bytes."""

    def __init__(self, live: LiveChain) -> None:
        self.live = live
        self.sync = Sync()
        self.backend = RpcBackend(
            reader=live.store, nodes=live.nodes, pool=live.pool, sync=self.sync, rollup=live.params
        )
        self.feed = ChainFeed(live.store)
        live.pool.on_accepted(self.feed.add_pending)
        options = RpcOptions()
        self.methods = method_table(self.backend, options, self.feed)
        self._dispatcher = Dispatcher(self.methods, options.limits)

    def __call__(self, method: str, *params: object) -> Any:
        """The result of a call that succeeds."""
        answer = self.ask(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def error(self, method: str, *params: object) -> Any:
        """The error of a call that fails."""
        return self.ask(method, *params)["error"]

    def ask(self, method: str, *params: object) -> Any:
        """The whole answer."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return json.loads(answer_to(self._dispatcher, json.dumps(request).encode()))

    def send(self, raw: bytes) -> str:
        """Send a transaction, make a block of it, return its hash."""
        tx_hash: str = self("eth_sendRawTransaction", "0x" + raw.hex())
        self.live.mine()
        return tx_hash


@pytest.fixture
def alice() -> Wallet:
    return Wallet(1)


@pytest.fixture
def rpc(tmp_path: Path, alice: Wallet) -> Iterator[Rpc]:
    """The methods over a chain on which Alice has ten ether, from block 1."""
    live = LiveChain(tmp_path)
    live.deposit(alice.address)
    yield Rpc(live)
    live.close()
