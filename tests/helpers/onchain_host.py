"""The one-step verifier as it would stand on L1: all its contracts, deployed in a bare EVM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from eth_abi.abi import encode
from pyrevm import EVM, AccountInfo

from optimistic.protocol.hashing import WORD_BYTES, abi_words, keccak256
from optimistic.protocol.params import RollupParams
from optimistic.protocol.stepper.abi import string
from optimistic.protocol.types import Hash32
from optimistic.service.one_step import L1_TX_GAS_CAP
from tests.helpers.contract_host import REVERT, Reverted, compiled
from tests.helpers.stepper_batch import Proven

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
L1_TX_BYTES: Final = 1 << 17
"""Nodes of L1 pass on no larger transaction, so the call with a witness must be shorter."""

CALLER: Final = "0x" + "11" * 20
INBOX: Final = "0x" + "1b" * 20
INBOX_CODE: Final = bytes.fromhex("600435545f5260205ff3")
"""depositHash(i), and any other function, returns slot i."""
_STEP: Final = keccak256(b"step(bytes32,uint256,uint256,bytes32,bytes)")[:4]
_WITNESS_AT: Final = 5 * WORD_BYTES
_TX_GAS: Final = 21_000
_FLOOR_GAS: Final = 10
"""Least price of a zero byte of calldata; any other is four times as dear (EIP-7623)."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """Contracts that stand on a chain: where to call, and every code by its address."""

    entry: str
    codes: tuple[tuple[str, bytes], ...]


@cache
def verifier_artifacts() -> Mapping[str, dict[str, Any]]:
    """Return what forge knows of each contract of the verifier, by name."""
    names = (*GROUPS.values(), ENTRY)
    artifacts = compiled(*(SOURCES / f"{name}.sol" for name in names))
    return dict(zip(names, artifacts, strict=True))


@cache
def deploy(params: RollupParams) -> Deployment:
    """Run the constructors of the verifier of one configuration."""
    evm = EVM(gas_limit=1_000_000_000)
    evm.insert_account_info(INBOX, AccountInfo(code=INBOX_CODE))
    values = constructor_values(params)
    values |= {field: _deploy(evm, name, values) for field, name in GROUPS.items()}
    entry = _deploy(evm, ENTRY, values)
    addresses = (INBOX, entry, *(values[field] for field in GROUPS))
    return Deployment(entry, tuple((address, bytes(evm.get_code(address) or b"")) for address in addresses))


def _deploy(evm: EVM, name: str, values: Mapping[str, Any]) -> str:
    """Deploy a contract whose constructor arguments are `values` by name, and return its address."""
    artifact = verifier_artifacts()[name]
    bytecode = bytes.fromhex(artifact["bytecode"]["object"][2:])
    return evm.deploy(CALLER, creation_code(artifact["abi"], bytecode, values))


def creation_code(abi: Sequence[Mapping[str, Any]], bytecode: bytes, values: Mapping[str, Any]) -> bytes:
    """Append the arguments of a constructor, taken from `values` by name."""
    inputs: list[Any] = next((item["inputs"] for item in abi if item["type"] == "constructor"), [])
    return bytecode + encode(
        [_type_of(item) for item in inputs], [_value_of(item, values) for item in inputs]
    )


def step_calldata(pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> bytes:
    """Encode the call of the verifier."""
    return _STEP + abi_words(pre, j, v, acc, _WITNESS_AT) + string(witness)


class OnchainHost:
    """The verifier in an EVM of its own, called like a pure function.

    Parameters
    ----------
    verifier : the contracts, or what to deploy them with
    deposit_hashes : what the inbox stores, by index in the queue
    """

    def __init__(
        self, verifier: RollupParams | Deployment, deposit_hashes: Mapping[int, Hash32] | None = None
    ) -> None:
        deployment = verifier if isinstance(verifier, Deployment) else deploy(verifier)
        self._entry = deployment.entry
        self._evm = EVM(gas_limit=1_000_000_000)
        for address, code in deployment.codes:
            self._evm.insert_account_info(address, AccountInfo(code=code))
        for index, hash_ in (deposit_hashes or {}).items():
            self._evm.insert_account_storage(INBOX, index, int.from_bytes(hash_, "big"))

    def prove_step(self, pre: Hash32, j: int, v: int, acc: Hash32, witness: bytes) -> tuple[Hash32, int]:
        """Return the hash after a step and the gas of the L1 transaction.

        The gas is what a receipt would show: 21,000, the calldata and the execution, or the
        floor of EIP-7623 (21,000 and 10 for a zero byte of calldata, 40 for another) if that is
        more. The EVM knows no floor, so it is applied here.

        Raises
        ------
        Reverted : the verifier refuses the witness
        RuntimeError : it needs more gas than a transaction may have
        """
        return self.call(step_calldata(pre, j, v, acc, witness))

    def prove(self, step: Proven, witness: bytes | None = None) -> Hash32:
        """Like `prove_step`, of a step with its own or another witness; return only the hash."""
        encoded = step.witness.encode() if witness is None else witness
        return self.prove_step(step.pre, step.j, step.v, step.acc, encoded)[0]

    def call(self, data: bytes) -> tuple[Hash32, int]:
        """Like `prove_step`, with any encoding of the call."""
        before = self._evm.snapshot()
        try:
            output = self._evm.message_call(CALLER, self._entry, calldata=data, gas=L1_TX_GAS_CAP)
            result = self._evm.result
            assert result is not None
            return Hash32(output), max(result.gas_used, _floor_gas(data))
        except RuntimeError as exc:
            reverted = REVERT.match(str(exc))
            if reverted is None:
                raise  # out of gas is no way to refuse a witness
            raise Reverted(bytes.fromhex(reverted[1])) from exc
        finally:
            self._evm.revert(before)  # nothing stays warm for the next call


@cache
def host_of(params: RollupParams, deposit_hashes: tuple[Hash32, ...] = ()) -> OnchainHost:
    """Return the verifier of a configuration behind an inbox that stores these deposits."""
    return OnchainHost(params, dict(enumerate(deposit_hashes)))


def _floor_gas(calldata: bytes) -> int:
    """Return the least gas of a transaction with this calldata."""
    return _TX_GAS + _FLOOR_GAS * (4 * len(calldata) - 3 * calldata.count(0))


def constructor_values(params: RollupParams) -> dict[str, Any]:
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
        "inbox": INBOX,
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
