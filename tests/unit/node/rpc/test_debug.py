from typing import Any

import pytest

from optimistic.node.rpc.debug import Debug
from optimistic.node.rpc.errors import RpcError
from optimistic.node.rpc.options import RpcLimits
from optimistic.node.rpc.params import Params
from optimistic.node.rpc.simulation import Simulator
from optimistic.protocol.types import Address
from tests.helpers.l2_wallet import Wallet
from tests.helpers.live_chain import call_data, counter_initcode
from tests.helpers.offline_node import ETHER
from tests.unit.node.rpc.conftest import Rpc

CALLS = {"tracer": "callTracer"}
NOBODY = "0x" + "99" * 20
TIGHT = RpcLimits(max_trace_bytes=20_000_000)


@pytest.fixture
def counter(rpc: Rpc, alice: Wallet) -> str:
    receipt = rpc("eth_getTransactionReceipt", rpc.send(alice.deploy(counter_initcode(5), gas=500_000)))
    return str(receipt["contractAddress"])


def to_counter(rpc: Rpc, alice: Wallet, counter: str, signature: str, *values: Any) -> str:
    payload = call_data(signature, *values)
    return rpc.send(alice.call(Address(bytes.fromhex(counter[2:])), payload))


def test_call_tracer__creation__gas_of_receipt(rpc: Rpc, alice: Wallet) -> None:
    tx_hash = rpc.send(alice.deploy(counter_initcode(5), gas=500_000))
    receipt = rpc("eth_getTransactionReceipt", tx_hash)

    trace = rpc("debug_traceTransaction", tx_hash, CALLS)

    assert trace["type"] == "CREATE"
    assert trace["from"] == "0x" + alice.address.hex()
    assert trace["to"] == receipt["contractAddress"]
    assert trace["gas"] == hex(500_000)
    assert trace["gasUsed"] == receipt["gasUsed"]
    assert "calls" not in trace


def test_call_tracer__inner_call_fails__nested_with_reason(rpc: Rpc, alice: Wallet, counter: str) -> None:
    tx_hash = to_counter(rpc, alice, counter, "payOut(address,uint256)", "0x" + "77" * 20, ETHER)

    trace = rpc("debug_traceTransaction", tx_hash, CALLS)

    assert trace["error"] == "execution reverted"
    assert trace["revertReason"] == "payment failed"
    assert (
        rpc("debug_traceTransaction", tx_hash, {**CALLS, "tracerConfig": {"onlyTopCall": True}})["to"]
        == counter
    )


def test_call_tracer__with_log__logs_of_frame(rpc: Rpc, alice: Wallet, counter: str) -> None:
    tx_hash = to_counter(rpc, alice, counter, "setNumber(uint256)", 8)

    trace = rpc("debug_traceTransaction", tx_hash, {**CALLS, "tracerConfig": {"withLog": True}})

    (log,) = trace["logs"]
    assert log["address"] == counter
    assert "logs" not in rpc("debug_traceTransaction", tx_hash, CALLS)


def test_struct_logs__call__steps_in_geth_form(rpc: Rpc, alice: Wallet, counter: str) -> None:
    tx_hash = to_counter(rpc, alice, counter, "setNumber(uint256)", 8)
    receipt = rpc("eth_getTransactionReceipt", tx_hash)

    trace = rpc("debug_traceTransaction", tx_hash, {"enableMemory": True})

    assert trace["gas"] == int(receipt["gasUsed"], 16)
    assert trace["failed"] is False
    assert trace["returnValue"] == "0x"
    first = trace["structLogs"][0]
    assert (first["pc"], first["op"], first["depth"]) == (0, "PUSH1", 1)
    assert first["gasCost"] == 3
    store = next(step for step in trace["structLogs"] if step["op"] == "SSTORE")
    assert store["storage"] == {f"{0:064x}": f"{8:064x}"}
    assert all(len(word) == 64 for word in store["memory"])
    assert store["stack"][-2:] == ["0x8", "0x0"]


def test_struct_logs__limit_and_switches__less(rpc: Rpc, alice: Wallet, counter: str) -> None:
    tx_hash = to_counter(rpc, alice, counter, "setNumber(uint256)", 8)

    trace = rpc("debug_traceTransaction", tx_hash, {"limit": 5, "disableStack": True, "disableStorage": True})

    assert len(trace["structLogs"]) == 5
    assert trace["truncated"] is True
    assert "stack" not in trace["structLogs"][0]


def test_trace__second_transaction_of_a_block__sees_the_first(rpc: Rpc, alice: Wallet, counter: str) -> None:
    address = Address(bytes.fromhex(counter[2:]))
    first = alice.call(address, call_data("setNumber(uint256)", 100))
    second = alice.call(address, call_data("increment()"))
    hashes = [rpc("eth_sendRawTransaction", "0x" + raw.hex()) for raw in (first, second)]
    rpc.live.mine()

    trace = rpc("debug_traceTransaction", hashes[1])

    store = next(step for step in trace["structLogs"] if step["op"] == "SSTORE")
    assert store["storage"][f"{0:064x}"] == f"{101:064x}"


def test_trace__deposit__traced(rpc: Rpc) -> None:
    (tx_hash,) = rpc("eth_getBlockByNumber", "0x1")["transactions"]

    trace = rpc("debug_traceTransaction", tx_hash, CALLS)

    assert trace["value"] == hex(10 * ETHER)


def test_trace_call__with_overrides__traced(rpc: Rpc, counter: str) -> None:
    call = {"to": counter, "data": "0x" + call_data("number()").hex()}
    assumed = {"stateOverrides": {counter: {"stateDiff": {"0x0": "0x9"}}}}

    calls = rpc("debug_traceCall", call, "latest", {**CALLS, **assumed})
    steps = rpc("debug_traceCall", call, "latest")

    assert calls["output"] == f"0x{9:064x}"
    assert steps["returnValue"] == f"0x{5:064x}"


@pytest.mark.parametrize("config", [{"tracer": "prestateTracer"}, {"limit": "5"}, {"enableMemory": 1}, 5])
def test_trace__bad_options__invalid_params(rpc: Rpc, config: object) -> None:
    (tx_hash,) = rpc("eth_getBlockByNumber", "0x1")["transactions"]

    assert rpc.error("debug_traceTransaction", tx_hash, config)["code"] == -32602


def test_trace__unknown_transaction__not_found(rpc: Rpc) -> None:
    error = rpc.error("debug_traceTransaction", "0x" + "00" * 32)

    assert error == {"code": -32000, "message": "transaction not found"}


BIG_MEMORY = "5f620fffe052"
"""MSTORE at the end of the first megabyte."""


def test_struct_logs__memory_of_a_megabyte_at_each_step__cut_in_time(rpc: Rpc) -> None:
    loop = {"code": "0x" + BIG_MEMORY + "5b600656"}
    options = {"enableMemory": True, "stateOverrides": {NOBODY: loop}}
    debug = Debug(rpc.backend.reader, Simulator(rpc.live.store, rpc.live.nodes, rpc.live.params), TIGHT)

    trace: Any = debug.trace_call(Params([{"to": NOBODY, "gas": hex(4_000_000)}, "latest", options]))

    assert trace["truncated"] is True
    assert len(trace["structLogs"]) < 20


def test_call_tracer__a_megabyte_passed_on_by_each_call__refused(rpc: Rpc) -> None:
    caller = {"code": "0x" + BIG_MEMORY + "5b" + "5f5f620fffff5f5f60015af150" + "600656"}
    options = {**CALLS, "stateOverrides": {NOBODY: caller}}
    debug = Debug(rpc.backend.reader, Simulator(rpc.live.store, rpc.live.nodes, rpc.live.params), TIGHT)

    with pytest.raises(RpcError, match="trace too large"):
        debug.trace_call(Params([{"to": NOBODY, "gas": hex(8_000_000)}, "latest", options]))
