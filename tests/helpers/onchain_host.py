"""The one-step verifier as it would stand on L1: all its contracts, deployed in a bare EVM."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from eth_abi.abi import encode
from pyrevm import EVM, AccountInfo

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Hash32
from tests.helpers.contract_host import REVERT, Reverted, compiled

SOURCES: Final = Path("solidity") / "src" / "dispute" / "osp"
GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "basic": "OpsBasic",
        "memory_": "OpsMemory",
        "state": "OpsState",
        "call": "OpsCall",
        "pend": "PendSteps",
        "exit": "OpsExit",
        "txBegin": "TxBegin",
        "blockUnits": "BlockUnits",
    }
)
"""Contracts that know the steps, by their names in the constructor of the verifier."""
ENTRY: Final = "OspEntry"
L1_TX_GAS_CAP: Final = 1 << 24
"""No transaction on L1 has more (EIP-7825), so every step must be proven within it."""

_CALLER: Final = "0x" + "11" * 20
_INBOX: Final = "0x" + "1b" * 20
_INBOX_CODE: Final = bytes.fromhex("600435545f5260205ff3")
"""depositHash(i), and any other function, returns slot i."""
_STEP: Final = keccak256(b"step(bytes32,uint256,uint256,bytes32,bytes)")[:4]
_STEP_TYPES: Final = ("bytes32", "uint256", "uint256", "bytes32", "bytes")


@cache
def verifier_artifacts() -> Mapping[str, dict[str, Any]]:
    """Return what forge knows of each contract of the verifier, by name."""
    names = (*GROUPS.values(), ENTRY)
    artifacts = compiled(*(SOURCES / f"{name}.sol" for name in names))
    return dict(zip(names, artifacts, strict=True))


class OnchainHost:
    """The verifier of one configuration.

    Parameters
    ----------
    params : what the contracts are deployed with
    deposit_hashes : what the inbox stores, by index in the queue
    """

    def __init__(self, params: RollupParams, deposit_hashes: Mapping[int, Hash32] | None = None) -> None:
        self._evm = EVM(gas_limit=1_000_000_000)
        self._evm.insert_account_info(_INBOX, AccountInfo(code=_INBOX_CODE))
        for index, hash_ in (deposit_hashes or {}).items():
            self._evm.insert_account_storage(_INBOX, index, int.from_bytes(hash_, "big"))
        values = _arguments(params)
        values |= {field: self._deploy(name, values) for field, name in GROUPS.items()}
        self._entry = self._deploy(ENTRY, values)

    def prove_step(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> tuple[Hash32, int]:
        """Return the hash after a step and the gas of the L1 transaction, calldata included.

        Raises
        ------
        Reverted : the verifier refuses the witness
        """
        data = _STEP + encode(_STEP_TYPES, (pre, j, v, acc, witness))
        before = self._evm.snapshot()
        try:
            output = self._evm.message_call(_CALLER, self._entry, calldata=data, gas=L1_TX_GAS_CAP)
            result = self._evm.result
            assert result is not None
            return Hash32(output), result.gas_used
        except RuntimeError as exc:
            reverted = REVERT.match(str(exc))
            if reverted is None:
                raise  # out of gas is no way to refuse a witness
            raise Reverted(bytes.fromhex(reverted[1])) from exc
        finally:
            self._evm.revert(before)  # nothing stays warm for the next call

    def _deploy(self, name: str, values: Mapping[str, Any]) -> str:
        """Deploy a contract whose constructor arguments are `values` by name, and return its address."""
        artifact = verifier_artifacts()[name]
        inputs: list[Any] = next(
            (item["inputs"] for item in artifact["abi"] if item["type"] == "constructor"), []
        )
        arguments = encode([_type_of(item) for item in inputs], [_value_of(item, values) for item in inputs])
        code = bytes.fromhex(artifact["bytecode"]["object"][2:]) + arguments
        return self._evm.deploy(_CALLER, code)


def _arguments(params: RollupParams) -> dict[str, Any]:
    """Return every value that a constructor asks for by name, but for the groups."""
    return {
        "txGasCap": params.tx_gas_cap,
        "maxTxBytes": params.max_tx_bytes,
        "precompilePriceCap": params.precompile_price_cap,
        "modexpOsaka": params.modexp_osaka,
        "baseFee": params.base_fee_wei,
        "blockGasLimit": params.block_gas_limit,
        "coinbase": params.coinbase,
        "maxTimeLag": params.max_time_lag_s,
        "inbox": _INBOX,
    }


def _type_of(item: Mapping[str, Any]) -> str:
    """Return the ABI type of a parameter, structs written out."""
    if "components" not in item:
        return str(item["type"])
    return "(" + ",".join(map(_type_of, item["components"])) + ")"


def _value_of(item: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """Return the argument for a parameter, a struct's fields by their own names."""
    if "components" not in item:
        return values[item["name"]]
    return tuple(_value_of(component, values) for component in item["components"])
