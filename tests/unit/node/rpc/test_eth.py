"""Every eth, net, web3 and txpool method over a real chain: results and their JSON form."""

import re
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import decode as abi_decode

from optimistic.node.rpc.registry import SESSION_METHODS
from optimistic.protocol.accounts import Account
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.mpt import read
from optimistic.protocol.types import Address
from tests.helpers.l2_wallet import Wallet
from tests.helpers.live_chain import call_data, counter_initcode
from tests.helpers.offline_node import ETHER
from tests.unit.node.rpc.conftest import Rpc

QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)")
HASH = re.compile(r"0x[0-9a-f]{64}")
ADDRESS = re.compile(r"0x[0-9a-f]{40}")
DATA = re.compile(r"0x([0-9a-f]{2})*")
BLOOM = re.compile(r"0x[0-9a-f]{512}")
ROOT = Path(__file__).parents[4]
TO = Address(b"\x77" * 20)
NOBODY = "0x" + "99" * 20

BLOCK_FORM = {
    **dict.fromkeys(("number", "gasLimit", "gasUsed", "timestamp", "size"), QUANTITY),
    **dict.fromkeys(("difficulty", "baseFeePerGas"), QUANTITY),
    **dict.fromkeys(("hash", "parentHash", "stateRoot", "receiptsRoot", "transactionsRoot", "mixHash"), HASH),
    "sha3Uncles": HASH,
    "miner": ADDRESS,
    "logsBloom": BLOOM,
    "extraData": DATA,
    "nonce": re.compile(r"0x[0-9a-f]{16}"),
}
TRANSACTION_FORM = {
    **dict.fromkeys(("type", "nonce", "value", "gas", "gasPrice"), QUANTITY),
    **dict.fromkeys(("blockNumber", "transactionIndex", "v", "r", "s"), QUANTITY),
    **dict.fromkeys(("hash", "blockHash"), HASH),
    "from": ADDRESS,
    "input": DATA,
}
RECEIPT_FORM = {
    **dict.fromkeys(("type", "status", "gasUsed", "cumulativeGasUsed", "effectiveGasPrice"), QUANTITY),
    **dict.fromkeys(("blockNumber", "transactionIndex"), QUANTITY),
    **dict.fromkeys(("transactionHash", "blockHash"), HASH),
    "from": ADDRESS,
    "logsBloom": BLOOM,
}


def check_form(value: dict[str, Any], form: dict[str, re.Pattern[str]]) -> None:
    for name, pattern in form.items():
        assert pattern.fullmatch(value[name]), (name, value[name])


def hex_address(wallet: Wallet) -> str:
    return "0x" + wallet.address.hex()


@pytest.fixture
def counter(rpc: Rpc, alice: Wallet) -> str:
    """A Counter at 5, deployed in block 2."""
    receipt = rpc("eth_getTransactionReceipt", rpc.send(alice.deploy(counter_initcode(5), gas=500_000)))
    return str(receipt["contractAddress"])


# ------------------------------------------------------------------------------ the node


def test_net__identity__values(rpc: Rpc) -> None:
    assert rpc("eth_chainId") == hex(rpc.live.params.l2_chain_id)
    assert rpc("net_version") == str(rpc.live.params.l2_chain_id)
    assert rpc("net_listening") is True
    assert rpc("web3_clientVersion").startswith("optimistic/v")
    assert rpc("web3_sha3", "0x68656c6c6f") == "0x" + keccak256(b"hello").hex()
    assert rpc("eth_accounts") == []


def test_syncing__behind_l1__positions(rpc: Rpc) -> None:
    assert rpc("eth_syncing") is False
    rpc.sync.progress = (1, 5, 100)
    assert rpc("eth_syncing") == {"startingBlock": "0x1", "currentBlock": "0x5", "highestBlock": "0x64"}


@pytest.mark.parametrize("method", ["eth_chainId", "eth_blockNumber", "eth_gasPrice", "eth_syncing"])
def test_no_argument_methods__an_argument__refused(rpc: Rpc, method: str) -> None:
    assert rpc.error(method, "0x1") == {"code": -32602, "message": "too many arguments, want at most 0"}


# ------------------------------------------------------------------------------ blocks


def test_get_block__by_number_hash_and_tag__same_block_in_standard_form(rpc: Rpc) -> None:
    block = rpc("eth_getBlockByNumber", "0x1", False)

    check_form(block, BLOCK_FORM)
    assert block["uncles"] == []
    assert HASH.fullmatch(block["transactions"][0])
    assert rpc("eth_getBlockByHash", block["hash"], False) == block
    assert rpc("eth_getBlockByNumber", "latest", False) == block
    assert rpc("eth_getBlockByNumber", "pending") == block
    assert rpc("eth_getBlockByNumber", "earliest")["number"] == "0x0"
    assert rpc("eth_blockNumber") == "0x1"


def test_get_block__safe_and_finalized__genesis_until_l1_says_more(rpc: Rpc) -> None:
    assert rpc("eth_getBlockByNumber", "safe")["number"] == "0x0"
    assert rpc("eth_getBlockByNumber", "finalized")["number"] == "0x0"


def test_get_block__unknown__null(rpc: Rpc) -> None:
    assert rpc("eth_getBlockByNumber", "0x99", True) is None
    assert rpc("eth_getBlockByNumber", "0xffffffffffffffff", True) is None
    assert rpc("eth_getBlockByHash", "0x" + "12" * 32, True) is None
    assert rpc("eth_getBlockTransactionCountByNumber", "0x99") is None
    assert rpc("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x5") is None
    assert rpc("eth_getBlockReceipts", "0x99") is None


def test_get_block__full__deposit_with_op_fields(rpc: Rpc, alice: Wallet) -> None:
    (deposit,) = rpc("eth_getBlockByNumber", "0x1", True)["transactions"]

    check_form(deposit, TRANSACTION_FORM)
    assert deposit["type"] == "0x7e"
    assert deposit["to"] == hex_address(alice)
    assert deposit["mint"] == hex(10 * ETHER)
    assert HASH.fullmatch(deposit["sourceHash"])
    assert rpc("eth_getTransactionReceipt", deposit["hash"])["type"] == "0x7e"


def test_transaction_lookups__by_hash_and_place__same_transaction(rpc: Rpc, alice: Wallet) -> None:
    tx_hash = rpc.send(alice.transfer(TO, 5))

    transaction = rpc("eth_getTransactionByHash", tx_hash)

    check_form(transaction, TRANSACTION_FORM)
    assert transaction["type"] == "0x2"
    assert transaction["value"] == "0x5"
    assert transaction["yParity"] == transaction["v"]
    block_hash = transaction["blockHash"]
    assert rpc("eth_getTransactionByBlockHashAndIndex", block_hash, "0x0") == transaction
    assert rpc("eth_getTransactionByBlockNumberAndIndex", "0x2", "0x0") == transaction
    assert rpc("eth_getBlockByHash", block_hash, True)["transactions"] == [transaction]
    assert rpc("eth_getBlockTransactionCountByHash", block_hash) == "0x1"
    assert rpc("eth_getUncleCountByBlockHash", block_hash) == "0x0"


def test_legacy_and_access_list_transactions__json__own_fields(rpc: Rpc, alice: Wallet) -> None:
    price = {"gasPrice": 10**9}
    keys = [{"address": "0x" + "11" * 20, "storageKeys": ["0x" + "22" * 32]}]
    legacy = rpc("eth_getTransactionByHash", rpc.send(alice.transfer(TO, 1, **price)))
    listed = alice.transfer(TO, 1, **price, accessList=keys, gas=30_000)
    with_list = rpc("eth_getTransactionByHash", rpc.send(listed))

    assert legacy["type"] == "0x0"
    assert int(legacy["v"], 16) in {35 + 2 * rpc.live.params.l2_chain_id + parity for parity in (0, 1)}
    assert "maxFeePerGas" not in legacy
    assert "accessList" not in legacy
    assert with_list["type"] == "0x1"
    assert with_list["accessList"] == keys


def test_receipt__contract_creation_and_event__standard_form(rpc: Rpc, alice: Wallet, counter: str) -> None:
    tx_hash = rpc.send(alice.call(Address(bytes.fromhex(counter[2:])), call_data("setNumber(uint256)", 42)))

    receipt = rpc("eth_getTransactionReceipt", tx_hash)

    check_form(receipt, RECEIPT_FORM)
    assert receipt["status"] == "0x1"
    assert receipt["to"] == counter
    assert receipt["contractAddress"] is None
    (log,) = receipt["logs"]
    assert log["topics"][0] == "0x" + keccak256(b"NumberSet(address,uint256,uint256)").hex()
    assert abi_decode(["uint256"], bytes.fromhex(log["data"][2:])) == (42,)
    assert receipt["logsBloom"] == rpc("eth_getBlockByNumber", "latest")["logsBloom"] != "0x" + "00" * 256
    assert rpc("eth_getBlockReceipts", "latest") == [receipt]
    assert rpc("eth_getLogs", {"address": counter}) == [log]


def test_receipt__unknown_or_waiting__null(rpc: Rpc, alice: Wallet) -> None:
    waiting = rpc("eth_sendRawTransaction", "0x" + alice.transfer(TO).hex())

    assert rpc("eth_getTransactionReceipt", waiting) is None
    assert rpc("eth_getTransactionReceipt", "0x" + "00" * 32) is None


# ------------------------------------------------------------------------------ state


def test_state__at_blocks__values_of_that_block(rpc: Rpc, alice: Wallet, counter: str) -> None:
    address = hex_address(alice)

    assert rpc("eth_getBalance", address, "0x0") == "0x0"
    assert rpc("eth_getBalance", address, "0x1") == hex(10 * ETHER)
    assert int(rpc("eth_getBalance", address, "latest"), 16) < 10 * ETHER
    assert rpc("eth_getBalance", address) == rpc("eth_getBalance", address, "latest")
    assert rpc("eth_getTransactionCount", address, "0x1") == "0x0"
    assert rpc("eth_getTransactionCount", address, "latest") == "0x1"
    assert rpc("eth_getCode", counter, "0x1") == "0x"
    assert len(rpc("eth_getCode", counter)) > 100
    assert rpc("eth_getStorageAt", counter, "0x0", "latest") == f"0x{5:064x}"
    assert rpc("eth_getStorageAt", counter, "0x" + "00" * 32, "0x1") == f"0x{0:064x}"


def test_state__eip_1898__hash_and_number(rpc: Rpc, alice: Wallet) -> None:
    block_hash = rpc("eth_getBlockByNumber", "0x1")["hash"]
    address = hex_address(alice)

    for block_id in ({"blockHash": block_hash, "requireCanonical": True}, {"blockNumber": "0x1"}, block_hash):
        assert rpc("eth_getBalance", address, block_id) == hex(10 * ETHER)


@pytest.mark.parametrize("block_id", ["0x50", "0x" + "34" * 32, {"blockHash": "0x" + "34" * 32}])
def test_state__unknown_block__header_not_found(rpc: Rpc, block_id: object) -> None:
    assert rpc.error("eth_getBalance", NOBODY, block_id) == {"code": -32000, "message": "header not found"}


def test_pending_nonce__waiting_transactions__counted(rpc: Rpc, alice: Wallet) -> None:
    for _ in range(2):
        rpc("eth_sendRawTransaction", "0x" + alice.transfer(TO).hex())

    assert rpc("eth_getTransactionCount", hex_address(alice), "pending") == "0x2"
    assert rpc("eth_getTransactionCount", hex_address(alice), "latest") == "0x0"


def test_get_proof__account_and_slots__verify_against_state_root(rpc: Rpc, counter: str) -> None:
    block = rpc("eth_getBlockByNumber", "latest")

    proof = rpc("eth_getProof", counter, ["0x0", "0x" + "00" * 31 + "09"], "latest")

    nodes = [bytes.fromhex(node[2:]) for node in proof["accountProof"]]
    raw = read(bytes.fromhex(block["stateRoot"][2:]), keccak256(bytes.fromhex(counter[2:])), nodes)
    assert raw is not None
    account = Account.decode(raw)
    assert proof["storageHash"] == "0x" + account.storage_root.hex()
    assert proof["codeHash"] == "0x" + account.code_hash.hex()
    assert (proof["nonce"], proof["balance"]) == ("0x1", "0x0")
    present, absent = proof["storageProof"]
    assert (present["key"], present["value"]) == ("0x0", "0x5")
    assert (absent["key"], absent["value"]) == ("0x" + "00" * 31 + "09", "0x0")
    for slot, value in ((0, b"\x05"), (9, None)):
        path = [bytes.fromhex(node[2:]) for node in proof["storageProof"][bool(slot)]["proof"]]
        assert read(account.storage_root, keccak256(slot.to_bytes(32, "big")), path) == value


def test_get_proof__absent_account__empty_account(rpc: Rpc) -> None:
    proof = rpc("eth_getProof", NOBODY, [], "latest")

    assert proof["balance"] == proof["nonce"] == "0x0"
    assert proof["accountProof"]
    assert proof["storageProof"] == []


# ------------------------------------------------------------------------------ calls


def call_object(to: str, signature: str, *values: Any, **fields: object) -> dict[str, object]:
    return {"to": to, "data": "0x" + call_data(signature, *values).hex(), **fields}


def test_call__view_function__output(rpc: Rpc, counter: str) -> None:
    assert rpc("eth_call", call_object(counter, "number()"), "latest") == f"0x{5:064x}"
    assert rpc("eth_call", call_object(counter, "number()"), "0x1") == "0x"


def test_call__reverts__code_3_with_data_and_reason(rpc: Rpc, counter: str) -> None:
    unlucky = rpc.error("eth_call", call_object(counter, "setNumber(uint256)", 13))
    too_big = rpc.error("eth_call", call_object(counter, "setNumber(uint256)", 2000))
    panic = rpc.error("eth_call", call_object(counter, "divideBy(uint256)", 0))

    assert (unlucky["code"], unlucky["message"]) == (3, "execution reverted: unlucky number")
    assert unlucky["data"].startswith("0x08c379a0")
    assert (too_big["code"], too_big["message"]) == (3, "execution reverted")
    assert too_big["data"] == "0x" + call_data("TooBig(uint256,uint256)", 2000, 1000).hex()
    assert panic["message"] == "execution reverted: division or modulo by zero"


def test_call__out_of_gas__said_so(rpc: Rpc, counter: str) -> None:
    error = rpc.error("eth_call", call_object(counter, "spin(uint256)", 10_000, gas=hex(50_000)))

    assert error == {"code": -32000, "message": "out of gas"}


def test_call__value_beyond_balance__insufficient_funds(rpc: Rpc, counter: str) -> None:
    error = rpc.error("eth_call", {"from": NOBODY, "to": counter, "value": "0x1"})

    assert error["code"] == -32000
    assert error["message"].startswith("insufficient funds for gas * price + value")


def test_call__state_override__assumed_state(rpc: Rpc, counter: str) -> None:
    view = call_object(counter, "number()")

    changed = rpc("eth_call", view, "latest", {counter: {"stateDiff": {f"0x{0:064x}": f"0x{77:064x}"}}})
    whole = rpc("eth_call", call_object(counter, "owner()"), "latest", {counter: {"state": {}}})
    coded = rpc("eth_call", {"to": NOBODY}, "latest", {NOBODY: {"code": "0x60015f5260205ff3"}})
    payment = {"from": NOBODY, "to": counter, "value": "0x5"}
    paid = rpc("eth_call", payment, "latest", {NOBODY: {"balance": "0x9"}})

    assert changed == f"0x{77:064x}"
    assert whole == f"0x{0:064x}"
    assert coded == f"0x{1:064x}"
    assert paid == "0x"


def test_call__block_override__assumed_block(rpc: Rpc) -> None:
    code = {NOBODY: {"code": "0x425f5260205ff3"}}  # returns the timestamp

    plain = rpc("eth_call", {"to": NOBODY}, "latest", code)
    later = rpc("eth_call", {"to": NOBODY}, "latest", code, {"time": "0x1234"})

    assert int(plain, 16) == int(rpc("eth_getBlockByNumber", "latest")["timestamp"], 16)
    assert int(later, 16) == 0x1234


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ((), "missing value for required argument 0"),
        (({"to": "0x12"},), "invalid argument 0: to: hex string has length 2, want 40"),
        (({"gas": "0x01"},), "invalid argument 0: gas: hex number with leading zero digits"),
        (({"value": 5},), "invalid argument 0: value: expected a hex string, got number"),
        (({"gasPrice": "0x1", "maxFeePerGas": "0x1"},), "invalid argument 0: both gasPrice and"),
        (({"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"},), "invalid argument 0: maxFeePerGas (1) <"),
        (({"data": "0x1"},), "invalid argument 0: data: hex string of odd length"),
        (({"data": "0x11", "input": "0x22"},), 'invalid argument 0: both "data" and "input"'),
        ((5,), "invalid argument 0: expected an object, got number"),
        (({}, "newest"), "invalid argument 1: hex string without 0x prefix"),
        (({}, "latest", {"0x12": {}}), "invalid argument 2: hex string has length 2, want 40"),
        (({}, "latest", {NOBODY: {"state": {}, "stateDiff": {}}}), "invalid argument 2: account has both"),
        (({}, "latest", {}, {}, {}), "too many arguments, want at most 4"),
    ],
)
def test_call__malformed__says_which_argument(rpc: Rpc, params: tuple[object, ...], message: str) -> None:
    error = rpc.error("eth_call", *params)

    assert error["code"] == -32602
    assert error["message"].startswith(message)


def test_estimate_gas__transfer_and_call__enough_and_tight(rpc: Rpc, alice: Wallet, counter: str) -> None:
    assert rpc("eth_estimateGas", {"from": hex_address(alice), "to": NOBODY, "value": "0x1"}) == hex(21_000)

    call = call_object(counter, "setNumber(uint256)", 9, **{"from": hex_address(alice)})
    gas = int(rpc("eth_estimateGas", call), 16)

    assert rpc("eth_call", {**call, "gas": hex(gas)}) == "0x"
    assert rpc.error("eth_call", {**call, "gas": hex(gas - 1)})["code"] == -32000


def test_estimate_gas__reverts_or_too_little_gas__errors(rpc: Rpc, counter: str) -> None:
    revert = rpc.error("eth_estimateGas", call_object(counter, "setNumber(uint256)", 13))
    short = rpc.error("eth_estimateGas", call_object(counter, "spin(uint256)", 10_000, gas=hex(60_000)))

    assert (revert["code"], revert["message"]) == (3, "execution reverted: unlucky number")
    assert short == {"code": -32000, "message": "gas required exceeds allowance (60000)"}


def test_create_access_list__call__slots_of_contract(rpc: Rpc, alice: Wallet, counter: str) -> None:
    call = call_object(counter, "increment()", **{"from": hex_address(alice)})

    result = rpc("eth_createAccessList", call, "latest")

    assert result["accessList"] == [{"address": counter, "storageKeys": [f"0x{0:064x}"]}]
    assert QUANTITY.fullmatch(result["gasUsed"])


# ------------------------------------------------------------------------------ fees


def test_fees__quotes__quantities(rpc: Rpc) -> None:
    assert QUANTITY.fullmatch(rpc("eth_gasPrice"))
    assert QUANTITY.fullmatch(rpc("eth_maxPriorityFeePerGas"))


def test_fee_history__blocks_with_and_without_fees__rewards(rpc: Rpc, alice: Wallet) -> None:
    rpc.send(alice.transfer(TO))

    history = rpc("eth_feeHistory", "0x2", "latest", [10, 50.5, 100])

    assert history["oldestBlock"] == "0x1"
    assert history["baseFeePerGas"] == ["0x0"] * 3
    assert len(history["gasUsedRatio"]) == 2
    assert history["reward"][1] == [hex(10**9)] * 3
    assert "reward" not in rpc("eth_feeHistory", 2, "latest")
    assert rpc("eth_feeHistory", "0xffff", "latest", [])["oldestBlock"] == "0x0"


@pytest.mark.parametrize("percentiles", [[101], [-1], [50, 10], ["x"], [True], 5])
def test_fee_history__bad_percentiles__refused(rpc: Rpc, percentiles: object) -> None:
    assert rpc.error("eth_feeHistory", "0x1", "latest", percentiles)["code"] == -32602


# ------------------------------------------------------------------------------ sending


def test_send__waiting__visible_with_null_place(rpc: Rpc, alice: Wallet) -> None:
    filter_id = rpc("eth_newPendingTransactionFilter")
    tx_hash = rpc("eth_sendRawTransaction", "0x" + alice.transfer(TO).hex())
    rpc("eth_sendRawTransaction", "0x" + alice.transfer(TO, nonce=5).hex())

    transaction = rpc("eth_getTransactionByHash", tx_hash)

    assert transaction["blockHash"] is transaction["blockNumber"] is transaction["transactionIndex"] is None
    assert rpc("txpool_status") == {"pending": "0x1", "queued": "0x1"}
    content = rpc("txpool_content")
    assert content["pending"][hex_address(alice)]["0"] == transaction
    assert list(content["queued"][hex_address(alice)]) == ["5"]
    assert rpc("eth_getFilterChanges", filter_id)[0] == tx_hash


def test_send__refused__texts_that_tools_parse(rpc: Rpc, alice: Wallet) -> None:
    poor = Wallet(7)
    first = alice.transfer(TO)
    rpc("eth_sendRawTransaction", "0x" + first.hex())

    def refusal(raw: bytes) -> str:
        error = rpc.error("eth_sendRawTransaction", "0x" + raw.hex())
        assert error["code"] == -32000
        return str(error["message"])

    assert refusal(first) == "already known"
    assert refusal(alice.transfer(TO, 2, nonce=0)) == "replacement transaction underpriced"
    assert refusal(poor.transfer(TO)).startswith("insufficient funds for gas * price + value")
    assert "intrinsic gas too low" in refusal(alice.transfer(TO, gas=20_000))
    assert "invalid chain id for signer" in refusal(Wallet(1, chain_id=1).transfer(TO))
    assert refusal(b"\x05\xc0") == "transaction type not supported"
    rpc.live.mine()
    assert refusal(alice.transfer(TO, nonce=0, value=9)).startswith("nonce too low")


@pytest.mark.parametrize("raw", [None, "0x1", "hello", 5])
def test_send__not_data__invalid_params(rpc: Rpc, raw: object) -> None:
    assert rpc.error("eth_sendRawTransaction", raw)["code"] == -32602


ISSUE_METHODS = """
    eth_chainId net_version web3_clientVersion eth_syncing eth_blockNumber eth_getBlockByNumber
    eth_getBlockByHash eth_getTransactionCount eth_getBalance eth_getCode eth_getStorageAt eth_call
    eth_estimateGas eth_gasPrice eth_maxPriorityFeePerGas eth_feeHistory eth_sendRawTransaction
    eth_getTransactionByHash eth_getTransactionReceipt eth_getBlockReceipts eth_getLogs eth_newFilter
    eth_newBlockFilter eth_newPendingTransactionFilter eth_getFilterChanges eth_getFilterLogs
    eth_uninstallFilter eth_getProof eth_createAccessList debug_traceTransaction debug_traceCall web3_sha3
    rollup_status rollup_batch rollup_assertion rollup_deriveCursor rollup_withdrawalProof
"""


def test_method_table__promised_methods__all_there(rpc: Rpc) -> None:
    assert set(ISSUE_METHODS.split()) - set(rpc.methods) == set()


def test_json_rpc_page__each_method__is_listed_and_exists(rpc: Rpc) -> None:
    page = (ROOT / "docs" / "json-rpc.md").read_text()
    listed = set(re.findall(r"`((?:eth|net|web3|txpool|debug|rollup)_\w+)`", page))

    assert listed == set(rpc.methods) | set(SESSION_METHODS)
