import json
from typing import Any

import pytest

from optimistic.node.chain_store import ChainStore
from optimistic.node.rpc.errors import RpcError
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.subscriptions import SubscriptionHub
from optimistic.node.rpc.websocket import WebSocketSession
from optimistic.protocol.params import DEVNET
from tests.helpers.chain_builder import BOB, make_block, make_log, make_unit

LIMITS = RpcLimits(max_subscriptions=2, max_ws_queue=3)


class Client:
    """A connection whose outgoing messages are kept."""

    def __init__(self, hub: SubscriptionHub) -> None:
        self.session = WebSocketSession(hub, LIMITS)

    def subscribe(self, *params: object) -> str:
        subscription = self.session.subscribe(Params(list(params)))
        self.session.respond(b"")
        return subscription

    def received(self) -> list[Any]:
        waiting = self.session._waiting
        return [json.loads(waiting.get_nowait()) for _ in range(waiting.qsize())]


@pytest.fixture
def hub() -> SubscriptionHub:
    return SubscriptionHub(DEVNET, LIMITS)


@pytest.fixture
def client(hub: SubscriptionHub) -> Client:
    return Client(hub)


@pytest.fixture
def feed(store: ChainStore, hub: SubscriptionHub) -> ChainFeed:
    made = ChainFeed(store)
    made.refresh()
    made.on_blocks(hub.publish_blocks)
    return made


def extend(store: ChainStore, name: str, *topics: int) -> str:
    logs = [make_log(BOB, *topics)] if topics else []
    executed = make_block(store.heads().unsafe, make_unit(name, logs))
    store.append_blocks([executed])
    return "0x" + executed.block.hash.hex()


def test_new_heads__block_added__header(store: ChainStore, feed: ChainFeed, client: Client) -> None:
    subscription = client.subscribe("newHeads")
    block_hash = extend(store, "a")
    feed.refresh()

    (message,) = client.received()

    assert message["method"] == "eth_subscription"
    assert message["params"]["subscription"] == subscription
    assert message["params"]["result"]["hash"] == block_hash
    assert message["params"]["result"]["baseFeePerGas"] == "0x0"


def test_logs__reorg__removed_flag(store: ChainStore, feed: ChainFeed, client: Client) -> None:
    client.subscribe("logs", {"topics": [f"0x{1:064x}"]})
    extend(store, "a", 1)
    feed.refresh()
    store.rewind(0, requeue=False)
    extend(store, "b", 2)
    feed.refresh()

    results = [message["params"]["result"] for message in client.received()]

    assert [(log["blockNumber"], log["removed"]) for log in results] == [("0x1", False), ("0x1", True)]


def test_subscription__before_its_id_is_sent__silent(
    store: ChainStore, feed: ChainFeed, client: Client
) -> None:
    client.session.subscribe(Params(["newHeads"]))
    extend(store, "a")
    feed.refresh()

    assert client.received() == []


def test_unsubscribe__own_and_foreign__true_and_error(
    store: ChainStore, feed: ChainFeed, hub: SubscriptionHub, client: Client
) -> None:
    subscription = client.subscribe("newHeads")
    with pytest.raises(RpcError, match="subscription not found"):
        Client(hub).session.unsubscribe(Params([subscription]))

    assert client.session.unsubscribe(Params([subscription])) is True
    extend(store, "a")
    feed.refresh()
    assert client.received() == []


def test_close__open_subscriptions__stop(store: ChainStore, feed: ChainFeed, client: Client) -> None:
    client.subscribe("newHeads")
    client.session.close()
    extend(store, "a")
    feed.refresh()

    assert client.received() == []


def test_push__queue_full__connection_cut(store: ChainStore, feed: ChainFeed, client: Client) -> None:
    client.subscribe("newHeads")
    for name in "abcd":
        extend(store, name)
    feed.refresh()

    assert client.session.cut.is_set()
    assert len(client.received()) == 3


@pytest.mark.parametrize(
    "params",
    [(), ("blocks",), ("newHeads", {}), ("logs", 5), ("newPendingTransactions", "x"), (["newHeads"],)],
)
def test_subscribe__malformed__invalid_params(client: Client, params: tuple[object, ...]) -> None:
    with pytest.raises(RpcError) as caught:
        client.subscribe(*params)

    assert caught.value.code == -32602


def test_subscribe__more_than_allowed__refused(client: Client) -> None:
    client.subscribe("newHeads")
    client.subscribe("newHeads")

    with pytest.raises(RpcError) as caught:
        client.subscribe("logs")

    assert caught.value.code == -32005
