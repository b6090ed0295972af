"""The whole way through the bridge and back with foreign clients only: viem, cast."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.abi import abi_to_signature

from optimistic.protocol.constants import MESSAGE_PASSER
from tests.helpers.anvil import anvil_binary
from tests.helpers.daemons import USER, RollupOnAnvil, wait_for
from tests.helpers.foreign_clients import ROOT, Cast, run_json

VIEM_BRIDGE = Path(__file__).parent / "clients" / "viem_bridge.mjs"
ARTIFACT = ROOT / "optimistic" / "artifacts" / "Bridge.json"
IS_FINALIZED = "isFinalized(bytes32)(bool)"
DEPOSITED_WEI = 2 * 10**18
WITHDRAWN_WEI = 10**18 + 1


@dataclass(frozen=True)
class Endpoints:
    """What a user is told: two chains and the bridge; and an account with ether on L1."""

    l1: str
    l2: str
    bridge: str
    key: str
    address: str


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """An aggregator's process on anvil, alone: it asserts and confirms."""
    if anvil_binary() is None:
        pytest.skip("anvil is not installed (make setup)")
    with RollupOnAnvil(tmp_path_factory.mktemp("rollup"), challenge_period_s=2) as rollup:
        aggregator = rollup.aggregator(
            "--no-fsync", "--batch-delay", "500ms", "--assert-interval", "1s"
        ).start()
        yield Endpoints(
            l1=rollup.anvil.url,
            l2=rollup.url_of(aggregator),
            bridge="0x" + rollup.deployment.contracts.bridge.hex(),
            key="0x" + rollup.keys[USER].hex(),
            address="0x" + rollup.signers[USER].address.hex(),
        )


def test_bridge__viem__deposit_and_withdrawal(endpoints: Endpoints) -> None:
    arguments = (endpoints.l1, endpoints.l2, endpoints.bridge, endpoints.key, ARTIFACT)

    result = run_json("node", VIEM_BRIDGE, *arguments)

    assert result["ok"] is True
    assert Cast(endpoints.l1, endpoints.key)("call", endpoints.bridge, IS_FINALIZED, result["key"]) == "true"


def test_bridge__cast__deposit_and_withdrawal(endpoints: Endpoints) -> None:
    l1, l2 = Cast(endpoints.l1, endpoints.key), Cast(endpoints.l2, endpoints.key)
    receiver = Account.create().address
    deposit = ("deposit(address,uint256,uint64,bool,bytes)", endpoints.address, str(DEPOSITED_WEI), "21000")
    message = ("sendMessage(address,uint256,bytes)", receiver, "0", "0x")
    before = int(l2("balance", endpoints.address))

    l1.send("--value", str(DEPOSITED_WEI), endpoints.bridge, *deposit, "false", "0x")
    wait_for(lambda: int(l2("balance", endpoints.address)) == before + DEPOSITED_WEI, "the deposit on L2")
    sent = l2.send("--value", str(WITHDRAWN_WEI), "0x" + MESSAGE_PASSER.hex(), *message)
    proof = wait_for(lambda: confirmed_proof(l2, sent["transactionHash"]), "the confirmation") or {}
    finalized = l1.send(endpoints.bridge, *finalize_arguments(proof))

    assert sent["status"] == finalized["status"] == "0x1"
    assert l1("call", endpoints.bridge, IS_FINALIZED, proof["key"]) == "true"
    assert int(l1("balance", receiver)) == WITHDRAWN_WEI


def confirmed_proof(l2: Cast, tx_hash: str) -> dict[str, Any] | None:
    found: dict[str, Any] = json.loads(l2("rpc", "rollup_withdrawalProof", tx_hash))
    return found if found["status"] == "confirmed" else None


def finalize_arguments(proof: dict[str, Any]) -> list[str]:
    """Signature and arguments as cast reads them: a struct is its values, in their order, in parentheses."""
    abi = json.loads(ARTIFACT.read_text())["abi"]
    signature = next(abi_to_signature(item) for item in abi if item.get("name") == "finalizeWithdrawal")
    message, unit = (f"({','.join(proof[name].values())})" for name in ("message", "unit"))
    account, storage = (f"[{','.join(proof[name])}]" for name in ("accountProof", "storageProof"))
    return [signature, message, proof["assertionId"], unit, account, storage]
