import json
from typing import Any

import pytest

from optimistic.node.chain_store import ChainStore
from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.node.rpc.eth_logs import EthLogs
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.filters import Filters
from optimistic.node.rpc.options import RpcLimits
from tests.helpers.chain_builder import ALICE, BOB, make_block, make_log, make_unit
from tests.helpers.rpc_messages import answer_to

LIMITS = RpcLimits(max_log_blocks=5, max_log_results=3, max_log_topics=2, max_filters=3, filter_expiry_s=60)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Rpc:
    def __init__(self, store: ChainStore) -> None:
        self.store = store
        self.clock = Clock()
        logs = EthLogs(store, LIMITS)
        filters = Filters(ChainFeed(store), logs, LIMITS, self.clock)
        self._dispatcher = Dispatcher({**logs.methods(), **filters.methods()}, LIMITS)

    def __call__(self, method: str, *params: object) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = json.loads(answer_to(self._dispatcher, json.dumps(request).encode()))
        return answer["result"] if "result" in answer else answer["error"]

    def extend(self, name: str, *topics: int) -> str:
        logs = [make_log(BOB, *topics)] if topics else []
        executed = make_block(self.store.heads().unsafe, make_unit(name, logs))
        self.store.append_blocks([executed])
        return "0x" + executed.block.hash.hex()


@pytest.fixture
def rpc(store: ChainStore) -> Rpc:
    return Rpc(store)


def word(number: int) -> str:
    return f"0x{number:064x}"


def address(raw: bytes) -> str:
    return "0x" + raw.hex()


def test_get_logs__one_log__every_field(rpc: Rpc) -> None:
    block_hash = rpc.extend("a", 1, 2)

    (log,) = rpc("eth_getLogs", {"fromBlock": "0x0"})

    assert log["address"] == address(BOB)
    assert log["topics"] == [word(1), word(2)]
    assert log["data"] == "0x"
    assert log["blockHash"] == block_hash
    assert log["blockNumber"] == "0x1"
    assert log["transactionIndex"] == log["logIndex"] == "0x0"
    assert log["removed"] is False
    assert len(log["transactionHash"]) == 66


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [2]),
        ({"fromBlock": "earliest"}, [1, 2]),
        ({"fromBlock": "0x1", "toBlock": "0x1"}, [1]),
        ({"fromBlock": "0x3", "toBlock": "0x9"}, []),
        ({"fromBlock": "earliest", "toBlock": "safe"}, []),
        ({"fromBlock": "0x0", "address": address(BOB)}, [1, 2]),
        ({"fromBlock": "0x0", "address": [address(ALICE)]}, []),
        ({"fromBlock": "0x0", "topics": [word(1)]}, [1]),
        ({"fromBlock": "0x0", "topics": [[word(1), word(2)]]}, [1, 2]),
        ({"fromBlock": "0x0", "topics": [None, word(5)]}, [1]),
        ({"fromBlock": "0x0", "topics": [None]}, [1, 2]),
        ({"fromBlock": "0x0", "topics": [None, None]}, [1]),
        ({"fromBlock": "0x0", "topics": []}, [1, 2]),
    ],
)
def test_get_logs__query__matching_blocks(rpc: Rpc, query: dict[str, object], found: list[int]) -> None:
    rpc.extend("a", 1, 5)
    rpc.extend("b", 2)

    assert [int(log["blockNumber"], 16) for log in rpc("eth_getLogs", query)] == found


def test_get_logs__block_hash__that_block(rpc: Rpc) -> None:
    first = rpc.extend("a", 1)
    rpc.extend("b", 2)

    assert [log["blockHash"] for log in rpc("eth_getLogs", {"blockHash": first})] == [first]
    assert rpc("eth_getLogs", {"blockHash": word(7)}) == {"code": -32000, "message": "unknown block"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"fromBlock": "0x2", "toBlock": "0x1"}, -32602),
        ({"fromBlock": "x"}, -32602),
        ({"fromBlock": 1}, -32602),
        ({"address": "0x12"}, -32602),
        ({"address": [5]}, -32602),
        ({"topics": ["0x12"]}, -32602),
        ({"topics": [word(1)] * 5}, -32602),
        ({"topics": [[word(1)] * 3]}, -32602),
        ({"blockHash": word(1), "fromBlock": "0x0"}, -32602),
        ("0x0", -32602),
        ({"fromBlock": "0x0", "toBlock": "0x9"}, -32005),
    ],
)
def test_get_logs__bad_query__error_code(rpc: Rpc, query: object, code: int) -> None:
    for name in "abcdef":
        rpc.extend(name, 1)

    assert rpc("eth_getLogs", query)["code"] == code


def test_get_logs__too_many_results__says_limit(rpc: Rpc) -> None:
    for name in "abcd":
        rpc.extend(name, 1)

    error = rpc("eth_getLogs", {"fromBlock": "0x1"})

    assert error == {"code": -32005, "message": "query returned more than 3 results"}


def test_block_filter__new_blocks__hashes_once(rpc: Rpc) -> None:
    rpc.extend("before")
    filter_id = rpc("eth_newBlockFilter")
    hashes = [rpc.extend("a"), rpc.extend("b")]

    assert rpc("eth_getFilterChanges", filter_id) == hashes
    assert rpc("eth_getFilterChanges", filter_id) == []


def test_log_filter__reorg__removed_then_new(rpc: Rpc) -> None:
    filter_id = rpc("eth_newFilter", {"topics": [[word(1), word(2)]]})
    rpc.extend("a", 1)
    rpc.extend("x", 3)
    rpc("eth_getFilterChanges", filter_id)
    rpc.store.rewind(0, requeue=False)
    rpc.extend("b", 2)

    changes = rpc("eth_getFilterChanges", filter_id)

    assert [(log["topics"][0], log["removed"]) for log in changes] == [(word(1), True), (word(2), False)]


def test_log_filter__numbered_range__only_its_blocks(rpc: Rpc) -> None:
    filter_id = rpc("eth_newFilter", {"fromBlock": "0x2", "toBlock": "0x2"})
    for name in "abc":
        rpc.extend(name, 1)

    assert [log["blockNumber"] for log in rpc("eth_getFilterChanges", filter_id)] == ["0x2"]


def test_filter_logs__log_filter__all_from_its_range(rpc: Rpc) -> None:
    rpc.extend("a", 1)
    filter_id = rpc("eth_newFilter", {"fromBlock": "0x0"})
    rpc.extend("b", 2)

    assert len(rpc("eth_getFilterLogs", filter_id)) == 2
    assert rpc("eth_getFilterLogs", rpc("eth_newBlockFilter"))["message"] == "filter not found"


def test_uninstall__twice__true_then_false(rpc: Rpc) -> None:
    filter_id = rpc("eth_newBlockFilter")

    assert rpc("eth_uninstallFilter", filter_id) is True
    assert rpc("eth_uninstallFilter", filter_id) is False
    assert rpc("eth_getFilterChanges", filter_id) == {"code": -32000, "message": "filter not found"}


def test_filter__not_polled__expires(rpc: Rpc) -> None:
    filter_id = rpc("eth_newBlockFilter")
    rpc.clock.now = 50
    rpc("eth_getFilterChanges", filter_id)
    rpc.clock.now = 100
    assert rpc("eth_getFilterChanges", filter_id) == []
    rpc.clock.now = 161

    assert rpc("eth_getFilterChanges", filter_id)["message"] == "filter not found"


def test_filters__more_than_allowed__refused(rpc: Rpc) -> None:
    for _ in range(3):
        rpc("eth_newPendingTransactionFilter")

    assert rpc("eth_newBlockFilter")["code"] == -32005
