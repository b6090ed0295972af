"""Contracts compiled by forge; those of solidity/test/helpers are called in a bare EVM."""

import fcntl
import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from pyrevm import EVM, AccountInfo

from optimistic.protocol.hashing import keccak256
from tests.contracts.forge_report import REPORT

ROOT = Path(__file__).parents[2]
HELPERS = Path("solidity") / "test" / "helpers"
REVERT = re.compile(r"^Revert .*output: 0x([0-9a-f]*)")
CALLER = "0x" + "11" * 20
CONTRACT = "0x" + "22" * 20


class Reverted(Exception):
    """The call reverted with an output; `selector` are its first four bytes."""

    def __init__(self, output: bytes) -> None:
        super().__init__(output.hex())
        self.output, self.selector = output, output[:4]


def compiled(*sources: Path) -> list[dict[str, Any]]:
    """Return what forge knows of the contracts named like these files; it compiles what is not compiled."""
    out = ROOT / os.environ.get("FOUNDRY_OUT", "build/forge")
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [ROOT / "node_modules" / ".bin" / "forge", "build", *sources],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        return [json.loads((out / path.name / f"{path.stem}.json").read_text()) for path in sources]


@cache
def deployed_bytecode(name: str) -> bytes:
    """Runtime code of the harness contract `name`."""
    (artifact,) = compiled(HELPERS / f"{name}.sol")
    return bytes.fromhex(artifact["deployedBytecode"]["object"][2:])


class ContractHost:
    """One contract without storage, called like a pure function."""

    def __init__(self, name: str) -> None:
        self._evm = EVM(gas_limit=1_000_000_000)
        self._evm.insert_account_info(CONTRACT, AccountInfo(code=deployed_bytecode(name)))

    def call(self, signature: str, *args: Any) -> tuple[Any, ...]:
        """Call e.g. ``"root(bytes,uint256)->(bytes32)"`` and decode what it returns; raises `Reverted`."""
        function, returned = signature.split("->")
        types = _split(function[function.index("(") :])
        data = keccak256(function.encode())[:4] + encode(types, args)
        try:
            output = self._evm.message_call(CALLER, CONTRACT, calldata=data, is_static=True)
        except RuntimeError as exc:
            reverted = REVERT.match(str(exc))
            if reverted is None:
                raise  # out of gas or an invalid opcode is no way to refuse an input
            raise Reverted(bytes.fromhex(reverted[1])) from exc
        return tuple(decode(_split(returned), output))


def _split(types: str) -> list[str]:
    """Types of a parenthesised list, nested tuples kept together."""
    parts, depth = [""], 0
    for char in types[1:-1]:
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part for part in parts if part]
