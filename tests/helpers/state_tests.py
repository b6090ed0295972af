"""State tests of our own, in the form of the official ones."""

import json
from collections.abc import Mapping
from typing import Any

from optimistic.protocol.params import CONFORMANCE
from optimistic.protocol.types import Address
from tests.helpers.evm_world import Alloc, make_state, sign_tx

NO_LOGS = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
GAS_LIMIT = 10**12


def hex_of(value: int | bytes) -> str:
    """Write a number or bytes as such a file does."""
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def entry(raw: bytes, alloc: Mapping[Address, Alloc], exception: str | None = None) -> dict[str, Any]:
    """Return the post-state entry of a transaction that logs nothing and leaves these accounts."""
    post = {
        "hash": hex_of(make_state(alloc)[1]),
        "logs": NO_LOGS,
        "indexes": {"data": 0, "gas": 0, "value": 0},
        "txbytes": hex_of(raw),
    }
    return {**post, "expectException": exception} if exception else post


def state_test(name: str, pre: Mapping[Address, Alloc], *posts: dict[str, Any]) -> str:
    """Return the JSON of a test with one entry for each transaction."""
    env = {
        "currentBaseFee": "0x0",
        "currentCoinbase": hex_of(b"\xfe" * 20),
        "currentGasLimit": hex(GAS_LIMIT),
        "currentNumber": "0x1",
        "currentRandom": "0x2",
        "currentTimestamp": "0x3e8",
    }
    accounts = {
        hex_of(address): {
            "balance": hex(start.balance),
            "nonce": hex(start.nonce),
            "code": hex_of(start.code),
            "storage": {hex(slot): hex(value) for slot, value in start.storage.items()},
        }
        for address, start in pre.items()
    }
    numbered = [{**post, "indexes": {**post["indexes"], "data": at}} for at, post in enumerate(posts)]
    test = {"file": f"own/{name}.json", "name": name, "env": env, "pre": accounts, "transaction": {}}
    return json.dumps({**test, "post": {"Cancun": numbered}})


def transfer(**fields: Any) -> bytes:
    """Sign a transaction of 7 wei to BOB."""
    return sign_tx(chainId=CONFORMANCE.l2_chain_id, value=7, **fields)
