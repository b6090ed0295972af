"""Foreign clients against a node's real port: web3.py, cast, ethers, viem."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError, ContractLogicError, ContractPanicError, Web3RPCError

from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import USER, RollupOnAnvil
from tests.helpers.foreign_clients import FORGE, ROOT, Cast, run_json

CLIENTS = Path(__file__).parent / "clients"
ARTIFACT = ROOT / "tests" / "helpers" / "counter" / "Counter.json"
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


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """An aggregator's process on anvil, with a deposit already on L2."""
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    folder = tmp_path_factory.mktemp("node")
    with RollupOnAnvil(folder) as rollup:
        aggregator = rollup.aggregator("--no-fsync").start()
        rollup.deposit(rollup.node_of(aggregator), 100 * 10**18)
        user = rollup.signers[USER].address
        key = "0x" + rollup.keys[USER].hex()
        yield Endpoint(http=rollup.url_of(aggregator), key=key, address="0x" + user.hex())


@pytest.mark.parametrize("client", ["ethers", "viem"])
def test_node__javascript_client__whole_story(endpoint: Endpoint, client: str) -> None:
    script = CLIENTS / f"{client}_client.mjs"

    result = run_json("node", script, endpoint.http, endpoint.ws, endpoint.key, ARTIFACT)

    assert result["ok"] is True
    assert result["sawDeposit"] is True


# ------------------------------------------------------------------------------ web3.py


@pytest.fixture
def web3(endpoint: Endpoint) -> Web3:
    return Web3(Web3.HTTPProvider(endpoint.http))


@pytest.fixture
def counter(web3: Web3, endpoint: Endpoint) -> Any:
    """A Counter at 5."""
    artifact = json.loads(ARTIFACT.read_text())
    factory = web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    receipt = transact(web3, endpoint, factory.constructor(5))
    return web3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])


def transact(web3: Web3, endpoint: Endpoint, call: Any, **fields: Any) -> Any:
    """Sign a contract call with web3.py's own gas and fee choices, and wait for it."""
    sender = web3.to_checksum_address(endpoint.address)
    nonce = web3.eth.get_transaction_count(sender, "pending")
    transaction = call.build_transaction({"from": sender, "nonce": nonce, **fields})
    signed = Account.sign_transaction(transaction, endpoint.key)
    return web3.eth.wait_for_transaction_receipt(web3.eth.send_raw_transaction(signed.raw_transaction))


def test_node__web3_py__transactions_and_events(web3: Web3, endpoint: Endpoint, counter: Any) -> None:
    watched = web3.eth.filter({"address": counter.address})
    heads = web3.eth.filter("latest")

    receipt = transact(web3, endpoint, counter.functions.setNumber(77))

    assert receipt["status"] == 1
    assert counter.functions.number().call() == 77
    (event,) = counter.events.NumberSet().process_receipt(receipt)
    assert event["args"]["newNumber"] == 77
    (found,) = counter.events.NumberSet.get_logs(from_block=0)
    assert found["transactionHash"] == receipt["transactionHash"]
    assert [log["transactionHash"] for log in watched.get_new_entries()] == [receipt["transactionHash"]]
    assert receipt["blockHash"] in heads.get_new_entries()
    assert web3.eth.get_block_receipts(receipt["blockNumber"])[-1]["blockHash"] == receipt["blockHash"]


def test_node__web3_py__reverts_are_decoded(web3: Web3, endpoint: Endpoint, counter: Any) -> None:
    with pytest.raises(ContractLogicError, match="unlucky number"):
        counter.functions.setNumber(13).call()
    with pytest.raises(ContractCustomError):
        counter.functions.setNumber(5000).call()
    with pytest.raises(ContractPanicError):
        counter.functions.divideBy(0).call()
    with pytest.raises(ContractLogicError, match="unlucky number"):
        counter.functions.setNumber(13).estimate_gas()
    receipt = transact(web3, endpoint, counter.functions.setNumber(13), gas=100_000)
    assert receipt["status"] == 0


def test_node__web3_py__state_blocks_and_fees(web3: Web3, endpoint: Endpoint, counter: Any) -> None:
    sender = web3.to_checksum_address(endpoint.address)
    eth: Any = web3.eth  # its annotations of these calls are narrower than what it takes

    assert web3.is_connected()
    assert web3.client_version.startswith("optimistic/")
    assert not web3.eth.syncing
    assert web3.eth.get_balance(sender) > 0
    assert web3.eth.get_storage_at(counter.address, 0)[-1] == 5
    assert len(web3.eth.get_code(web3.to_checksum_address(MULTICALL3))) > 1_000
    assert eth.get_proof(counter.address, [0])["storageProof"][0]["value"] == b"\x05"
    for tag in ("earliest", "finalized", "safe", "latest", "pending"):
        assert web3.eth.get_block(tag, full_transactions=True)["number"] >= 0
    assert web3.eth.fee_history(5, "latest", [25, 75])["baseFeePerGas"][-1] == 0
    assert web3.eth.gas_price >= web3.eth.max_priority_fee >= 0
    listed = eth.create_access_list({"from": sender, "to": counter.address, "data": "0x8381f58a"})
    assert listed["accessList"][0]["address"] == counter.address


def test_node__web3_py__raw_refusals(web3: Web3, endpoint: Endpoint) -> None:
    poor = Account.create()
    signed = poor.sign_transaction(
        {
            "to": STRANGER,
            "value": 1,
            "gas": 21_000,
            "gasPrice": 10**9,
            "nonce": 0,
            "chainId": web3.eth.chain_id,
        }
    )

    with pytest.raises(Web3RPCError, match="insufficient funds for gas"):
        web3.eth.send_raw_transaction(signed.raw_transaction)
    with pytest.raises(Web3RPCError, match="invalid argument 0"):
        web3.manager.request_blocking("eth_getBalance", ["0x12"])  # type: ignore[arg-type]


def test_node__web3_py_websocket__heads_and_logs(web3: Web3, endpoint: Endpoint, counter: Any) -> None:
    async def story() -> list[Any]:
        async with AsyncWeb3(WebSocketProvider(endpoint.ws)) as socket:
            heads = await socket.eth.subscribe("newHeads")
            logs = await socket.eth.subscribe("logs", {"address": counter.address})
            await asyncio.to_thread(transact, web3, endpoint, counter.functions.setNumber(9))
            seen: dict[Any, Any] = {}
            async for message in socket.socket.process_subscriptions():
                seen.setdefault(message["subscription"], message["result"])
                if len(seen) == 2:
                    break
            assert await socket.eth.unsubscribe(heads)
            return [seen[heads], seen[logs]]

    head, log = asyncio.run(asyncio.wait_for(story(), 30))

    assert head["number"] > 0
    assert int.from_bytes(log["data"], "big") == 9


# ------------------------------------------------------------------------------ cast


@pytest.fixture
def cast(endpoint: Endpoint) -> Cast:
    return Cast(endpoint.http, endpoint.key)


def test_node__cast__transactions(cast: Cast, endpoint: Endpoint) -> None:
    artifact = json.loads(ARTIFACT.read_text())
    start = f"{5:064x}"

    created = cast.send("--create", artifact["bytecode"] + start)
    counter = created["contractAddress"]
    sent = cast.send(counter, "setNumber(uint256)", "55")
    legacy = cast.send("--legacy", STRANGER, "--value", "1")

    assert created["status"] == sent["status"] == legacy["status"] == "0x1"
    assert legacy["type"] == "0x0"
    assert cast("call", counter, "number()(uint256)") == "55"
    assert "unlucky number" in cast.fails("call", counter, "setNumber(uint256)", "13")
    assert int(cast("estimate", counter, "setNumber(uint256)", "1")) > 21_000
    assert int(cast("storage", counter, "0"), 16) == 55
    assert cast("code", counter).startswith("0x60")
    logs = json.loads(cast("logs", "--json", "--address", counter, "--from-block", "0"))
    assert len(logs) == 1
    assert json.loads(cast("receipt", "--json", sent["transactionHash"]))["blockHash"] == sent["blockHash"]
    assert json.loads(cast("tx", "--json", sent["transactionHash"]))["to"] == counter
    assert counter in cast("access-list", counter, "number()(uint256)").lower()
    assert json.loads(cast("proof", counter, "0"))["storageProof"][0]["value"] == "0x37"
    trace = json.loads(
        cast("rpc", "debug_traceTransaction", sent["transactionHash"], '{"tracer":"callTracer"}')
    )
    assert trace["to"] == counter


def test_node__cast__chain_and_deposit(cast: Cast, endpoint: Endpoint) -> None:
    assert int(cast("chain-id")) == 420_420
    assert int(cast("balance", endpoint.address)) > 0
    assert int(cast("nonce", endpoint.address)) >= 0
    assert int(cast("gas-price")) >= 0
    assert cast("client").startswith("optimistic/")
    head = int(cast("block-number"))
    deposits = []
    for number in range(head + 1):
        block = json.loads(cast("rpc", "eth_getBlockByNumber", hex(number), "true"))
        deposits += [tx["hash"] for tx in block["transactions"] if tx["type"] == "0x7e"]
        if deposits:
            assert json.loads(cast("block", "--json", "--full", str(number)))["number"] == hex(number)
            break
    assert json.loads(cast("receipt", "--json", deposits[0]))["status"] == "0x1"
    assert deposits[0] in cast("tx", deposits[0])
    for tag in ("earliest", "finalized", "safe", "latest", "pending"):
        cast("block", tag)
    assert "insufficient funds" in cast.fails(
        "send", "--private-key", f"0x{0xBAD:064x}", "--gas-limit", "21000", STRANGER, "--value", "1"
    )


# ------------------------------------------------------------------------------ forge


def test_node__forge_script__broadcasts(endpoint: Endpoint, tmp_path: Path) -> None:
    if FORGE is None:
        pytest.skip("forge is not installed (make setup)")
    for source in (CLIENTS / "Deploy.s.sol", ARTIFACT.with_name("Counter.sol")):
        shutil.copy(source, tmp_path)
    settings = {"src": ".", "script": ".", "solc": str(ROOT / "scripts" / "solc"), "evm_version": "cancun"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (tmp_path / "foundry.toml").write_text("\n".join(["[profile.default]", "offline = true", *lines]))
    command = [str(FORGE), "script", "Deploy.s.sol", "--rpc-url", endpoint.http, "--broadcast"]

    done = subprocess.run(
        [*command, "--private-key", endpoint.key], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = tmp_path.glob("broadcast/Deploy.s.sol/*/run-latest.json")
    receipts = json.loads(record.read_text())["receipts"]
    assert [receipt["status"] for receipt in receipts] == ["0x1"] * 4
