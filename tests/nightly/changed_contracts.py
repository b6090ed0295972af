"""Contracts compiled from changed sources, run in a bare EVM against the corpus."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from pyrevm import EVM, AccountInfo

from tests.helpers.contract_host import CONTRACT, HELPERS, ROOT
from tests.helpers.onchain_host import (
    CALLER,
    ENTRY,
    GROUPS,
    INBOX,
    INBOX_CODE,
    SOURCES,
    constructor_values,
    creation_code,
)
from tests.nightly.corpus import Case, Setting

LOOP: Final = ROOT / "tests" / "nightly" / "solc_loop.js"
GAS: Final = 1 << 28
"""Far more than a step needs even without the optimizer; a loop that a change made endless meets it soon."""
ADDRESSES: Final = {name: f"0x{at:040x}" for at, name in enumerate((*GROUPS.values(), ENTRY), 0xC0DE00)}


class DoesNotCompile(Exception):
    """The changed source is no program."""


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A contract: the types of its constructor's arguments, and its creation code."""

    abi: list[dict[str, Any]]
    bytecode: bytes


class Compiler:
    """One process that compiles contract after contract."""

    @cached_property
    def _process(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(["node", LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def compile(self, contract: str, changed: Mapping[str, str]) -> Compiled:
        """Compile a harness or a contract of the verifier, `changed` being the texts of some sources."""
        folder = SOURCES if contract in ADDRESSES else HELPERS
        request = {"path": str(folder / f"{contract}.sol"), "changed": dict(changed)}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "error" in answer:
            raise DoesNotCompile(answer["error"])
        return Compiled(answer["abi"], bytes.fromhex(answer["bytecode"]))


@cache
def runtime(contract: Compiled, setting: Setting | None) -> bytes:
    """Return what a constructor returns: run as plain code, that may be longer than a chain allows."""
    values: dict[str, Any] = {field: ADDRESSES[name] for field, name in GROUPS.items()}
    if setting is not None:
        values |= constructor_values(setting.params)
    evm = EVM(gas_limit=2 * GAS)
    code = creation_code(contract.abi, contract.bytecode, values)
    evm.insert_account_info(CONTRACT, AccountInfo(code=code))
    return bytes(evm.message_call(CALLER, CONTRACT, calldata=b"", gas=GAS))


class Chain:
    """EVMs with contracts by name: one EVM for each harness, one for each setting of the verifier."""

    def __init__(self, contracts: Mapping[str, Compiled]) -> None:
        self._contracts = contracts
        self._evms: dict[tuple[str, Setting | None], EVM] = {}

    def call(self, case: Case) -> bytes | None:
        """Return what the contract returns in a recorded call; None if it refuses."""
        key = "" if case.setting else case.contract, case.setting
        if key not in self._evms:
            self._evms[key] = self._new_evm(case)
        address = ADDRESSES[ENTRY] if case.setting else CONTRACT
        try:
            output = self._evms[key].message_call(
                CALLER, address, calldata=case.calldata, gas=GAS, is_static=True
            )
            return bytes(output)
        except RuntimeError:
            return None

    def _new_evm(self, case: Case) -> EVM:
        evm = EVM(gas_limit=2 * GAS)
        if case.setting is None:
            code = runtime(self._contracts[case.contract], None)
            evm.insert_account_info(CONTRACT, AccountInfo(code=code))
            return evm
        evm.insert_account_info(INBOX, AccountInfo(code=INBOX_CODE))
        for index, hash_ in case.setting.deposits:
            evm.insert_account_storage(INBOX, index, int.from_bytes(hash_, "big"))
        for name, address in ADDRESSES.items():
            code = runtime(self._contracts[name], case.setting)
            evm.insert_account_info(address, AccountInfo(code=code))
        return evm
