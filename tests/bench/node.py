"""The aggregator end to end: a real process on anvil, loaded over JSON-RPC from loopback."""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from optimistic.protocol.batch import EndItem, TxItem, next_item
from optimistic.protocol.constants import MAX_BATCH_BYTES, MESSAGE_PASSER
from optimistic.protocol.params import DEVNET
from optimistic.protocol.types import Address
from optimistic.service.event_decoder import decode_event
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_events import Asserted, BatchAppended, Confirmed, L1Event
from optimistic.service.l1_types import LogFilter
from optimistic.service.names import hex_of
from tests.bench.peers import L1_COSTS
from tests.bench.replay import address_of, signed, wallet
from tests.helpers.daemons import USER, RollupOnAnvil, wait_for

SENDERS: Final = 200
PER_SENDER: Final = 50
RPC_BATCH: Final = 100
LATENCY_CALLS: Final = 400
PATIENCE_S: Final = 180
OPTIONS: Final = (
    *("--block-interval", "1s", "--batch-delay", "2s", "--assert-interval", "5s"),
    *("--pool-size", "50000", "--no-empty-blocks"),
)


class Rpc:
    """A JSON-RPC client that sends what it is told and nothing else."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=60)

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one request."""
        answer = self._http.post("/", json=_request(0, method, params)).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def batch(self, requests: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Return the results of one batch."""
        body = [_request(i, method, params) for i, (method, params) in enumerate(requests)]
        answers = self._http.post("/", json=body).json()
        failed = [answer["error"] for answer in answers if "error" in answer]
        if failed:
            raise RuntimeError(f"{len(failed)} of {len(answers)} failed: {failed[0]}")
        return [answer["result"] for answer in answers]


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def measure() -> dict[str, Any]:
    """Run the whole section on a fresh rollup."""
    with TemporaryDirectory() as folder, RollupOnAnvil(Path(folder)) as rollup:
        aggregator = rollup.aggregator(*OPTIONS).start()
        rollup.deposit(rollup.node_of(aggregator), 100 * 10**18)
        rpc = Rpc(rollup.url_of(aggregator))
        _fund(rpc, rollup)
        result = _throughput(rpc)
        result |= {"latency_ms": _latencies(rpc, rollup.signers[USER].address)}
        result |= _l1_costs(rollup, rpc)
    return {**result, "peers": L1_COSTS}


def _fund(rpc: Rpc, rollup: RollupOnAnvil) -> None:
    """Give every sender ether on L2."""
    user = rollup.signers[USER]
    nonce = int(rpc.call("eth_getTransactionCount", hex_of(user.address), "latest"), 16)
    raws = []
    for i in range(SENDERS):
        fields = {
            "type": 2,
            "chainId": DEVNET.l2_chain_id,
            "nonce": nonce + i,
            "gas": 21_000,
            "to": address_of(wallet(1 + i)),
            "value": 10**17,
            "maxFeePerGas": 10**6,
            "maxPriorityFeePerGas": 10**6,
        }
        raws.append(user.sign_transaction(fields)[0])
    rpc.batch([("eth_sendRawTransaction", [hex_of(raw)]) for raw in raws])
    last = hex_of(address_of(wallet(SENDERS)))
    wait_for(lambda: int(rpc.call("eth_getBalance", last, "latest"), 16), "the senders' ether")


def _throughput(rpc: Rpc) -> dict[str, Any]:
    """Send signed transfers as fast as the node takes them; time until executed and posted."""
    receiver = Address(b"\xee" * 20)
    raws = [
        signed(wallet(1 + i), nonce, to=receiver, gas=21_000, value=1)
        for nonce in range(PER_SENDER)
        for i in range(SENDERS)
    ]
    requests = [("eth_sendRawTransaction", [hex_of(raw)]) for raw in raws]
    started = time.monotonic()
    for first in range(0, len(requests), RPC_BATCH):
        rpc.batch(requests[first : first + RPC_BATCH])
    accepted_s = time.monotonic() - started
    wanted = len(raws)
    _await_balance(rpc, receiver, wanted, "latest")
    executed_s = time.monotonic() - started
    _await_balance(rpc, receiver, wanted, "safe")
    posted_s = time.monotonic() - started
    return {
        "transfers": wanted,
        "accepted_tx_s": wanted / accepted_s,
        "executed_tx_s": wanted / executed_s,
        "posted_tx_s": wanted / posted_s,
    }


def _latencies(rpc: Rpc, account: Address) -> dict[str, dict[str, float]]:
    """Measure p50 and p99 of small requests, one after the other."""
    methods: dict[str, list[Any]] = {
        "eth_blockNumber": [],
        "eth_getBalance": [hex_of(account), "latest"],
        "eth_call": [{"to": hex_of(account), "data": "0x"}, "latest"],
        "eth_getBlockByNumber": ["latest", False],
        "eth_estimateGas": [{"to": hex_of(account), "value": "0x0"}],
        "eth_getProof": [hex_of(MESSAGE_PASSER), [], "latest"],
    }
    found = {}
    for method, params in methods.items():
        samples = []
        for _ in range(LATENCY_CALLS):
            started = time.perf_counter()
            rpc.call(method, *params)
            samples.append((time.perf_counter() - started) * 1_000)
        samples.sort()
        found[method] = {"p50": statistics.median(samples), "p99": samples[len(samples) * 99 // 100]}
    return found


def _l1_costs(rollup: RollupOnAnvil, rpc: Rpc) -> dict[str, Any]:
    """Read gas and bytes from L1 receipts; make one withdrawal to have its gas, too."""
    withdrawal_gas = _withdraw(rollup, rpc)
    client, deployment = rollup.l1, rollup.deployment
    contracts = deployment.contracts
    wanted = LogFilter(addresses=(contracts.inbox, contracts.assertion_chain))
    logs = client.logs(wanted, deployment.deploy_block, client.head().number)
    events = [event for event in map(decode_event, logs) if event is not None]
    batches = [event for event in events if isinstance(event, BatchAppended) and len(event.data) > 50_000]
    gas = sum(_gas(client, event) for event in batches)
    size = sum(len(event.data) for event in batches)
    transactions = sum(_transactions(event.data) for event in batches)
    confirmed = [e for e in events if isinstance(e, Confirmed) and e.id != deployment.genesis.assertion_id]
    return {
        "l1_gas_per_batch": gas / len(batches),
        "l1_bytes_per_batch": size / len(batches),
        "l1_bytes_per_tx": size / transactions,
        "l1_gas_per_tx_calldata": gas / transactions,
        "l1_gas_per_assertion": max(_gas(client, e) for e in events if isinstance(e, Asserted)),
        "l1_gas_per_confirmation": max(_gas(client, e) for e in confirmed),
        "l1_gas_per_withdrawal": withdrawal_gas,
    }


def _withdraw(rollup: RollupOnAnvil, rpc: Rpc) -> int:
    """Withdraw a gwei with the command line and return the gas of its delivery on L1."""
    at_node = ["--l2-rpc-url", rpc.url]
    key = rollup.cli("optimistic", "withdraw", "start", "1gwei", *at_node)["key"]
    wait_for(
        lambda: rpc.call("rollup_withdrawalProof", key).get("status") == "confirmed",
        "the confirmation",
        PATIENCE_S,
    )
    done = rollup.cli("optimistic", "withdraw", "finalize", key, *at_node, *rollup.on_l1)
    assert done["delivered"], "the bench waits for the confirmation first"
    return int(done["gasUsed"])


def _transactions(data: bytes) -> int:
    count, item = 0, next_item(data, 0, MAX_BATCH_BYTES)
    while not isinstance(item, EndItem):
        count += isinstance(item, TxItem)
        item = next_item(data, item.end, MAX_BATCH_BYTES)
    return count


def _gas(client: L1Client, event: L1Event) -> int:
    receipt = client.receipt(event.place.tx_hash)
    assert receipt is not None, "a logged transaction has a receipt"
    return receipt.gas_used


def _await_balance(rpc: Rpc, account: Address, wei: int, tag: str) -> None:
    def has_it() -> bool:
        return int(rpc.call("eth_getBalance", hex_of(account), tag), 16) == wei

    wait_for(has_it, f"the {tag} balance", PATIENCE_S)
