"""The executable specification of Ethereum (EELS) as a third opinion on transactions, where it is installed.

It needs an environment of its own, as its packages do not fit ours: EELS_PYTHON names the
interpreter of one in which `ethereum-execution` was installed.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from optimistic.protocol.types import Address, Hash32
from optimistic.protocol.unit import Unit
from tests.helpers.evm_world import Alloc

PYTHON: Final = "EELS_PYTHON"
WORKER: Final = Path(__file__).with_name("eels_worker.py")

Log = tuple[bytes, tuple[bytes, ...], bytes]


@dataclass(frozen=True)
class Executed:
    """What a transaction leaves besides the state."""

    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...]


class Eels:
    """A running interpreter of the specification."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={}
        )

    def run(
        self, alloc: Mapping[Address, Alloc], unit: Unit, raw: Sequence[bytes]
    ) -> tuple[Hash32, list[Executed | None]]:
        """Run transactions in the block of a unit, which has one ancestor.

        Returns
        -------
        state root after them, and what each leaves; None for an invalid one
        """
        request = {"alloc": _alloc(alloc), "block": _block(unit), "raw": [item.hex() for item in raw]}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        return Hash32(bytes.fromhex(answer["state_root"])), [_executed(item) for item in answer["results"]]


@cache
def installed() -> Eels | None:
    """Return the specification, None if it is not installed."""
    python = os.environ.get(PYTHON)
    return Eels(python) if python else None


def _alloc(alloc: Mapping[Address, Alloc]) -> dict[str, Any]:
    return {
        address.hex(): {
            "nonce": account.nonce,
            "balance": account.balance,
            "code": account.code.hex(),
            "storage": account.storage,
        }
        for address, account in alloc.items()
    }


def _block(unit: Unit) -> dict[str, Any]:
    return {
        "chain_id": unit.chain_id,
        "gas_limit": unit.gas_limit,
        "coinbase": unit.coinbase.hex(),
        "number": unit.number,
        "base_fee": unit.base_fee,
        "timestamp": unit.timestamp,
        "prev_randao": unit.prev_randao.hex(),
        "parent_hash": unit.parent_hash.hex(),
    }


def _executed(result: dict[str, Any]) -> Executed | None:
    if "invalid" in result:
        return None
    logs = tuple(
        (bytes.fromhex(address), tuple(map(bytes.fromhex, topics)), bytes.fromhex(data))
        for address, topics, data in result["logs"]
    )
    return Executed(result["succeeded"], result["gas_used"], logs)
