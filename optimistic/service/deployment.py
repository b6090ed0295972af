"""A deployment: the one file every daemon takes, and its verification against L1.

The file is not trusted. What it says about parameters and genesis is recomputed, what it
says about contracts is compared with their code and immutable values on L1.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from optimistic import artifacts
from optimistic.protocol.constants import TAG_GENESIS
from optimistic.protocol.errors import CriticalError, InvalidInput
from optimistic.protocol.genesis import Genesis, build_genesis
from optimistic.protocol.hashing import struct_hash
from optimistic.protocol.params import RollupParams
from optimistic.protocol.predeploys import GenesisAccount, SystemCode, genesis_accounts
from optimistic.protocol.types import Address, Hash32
from optimistic.service.abi import Abi
from optimistic.service.files import read_json_object, replace_json
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_types import BlockId, Call
from optimistic.service.names import camel_case, hex_of
from optimistic.service.one_step import GROUPS, GUARD, PROBE, VERIFIER, group_values
from optimistic.service.settlement_section import (
    GATEWAY,
    NO_SETTLEMENT,
    RECEIPT_BOND,
    InvalidToken,
    Settlement,
    receipt_bond_delay_s,
    settlement_code,
    token_decimals,
)

INBOX: Final = "Inbox"
ASSERTION_CHAIN: Final = "AssertionChain"
DISPUTE_GAME: Final = "DisputeGame"
BRIDGE: Final = "Bridge"


class InvalidDeployment(InvalidInput):
    """A deployment file that is malformed or contradicts itself."""


class DeploymentMismatch(CriticalError):
    """L1 does not hold what the deployment file says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAddresses:
    """Where the contracts are on L1, 20 bytes each."""

    inbox: Address
    assertion_chain: Address
    dispute_game: Address
    bridge: Address
    one_step_verifier: Address
    """Names the contracts that know the steps."""
    precompile_probe: Address
    precompile_guard: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisIds:
    """What identifies the genesis, 32 bytes each."""

    state_root: Hash32
    block_hash: Hash32
    end_leaf: Hash32
    assertion_id: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One rollup on one L1."""

    params: RollupParams
    contracts: ContractAddresses
    deploy_block: int
    """L1 block before which there are no events of the contracts."""
    sequencer: Address
    governance: Address
    """May schedule configurations; zero if nobody may."""
    guardian: Address
    """May delay withdrawals; zero if nobody may."""
    fee_recipient: Address
    """L1 account that the fee vault pays to."""
    settlement: Settlement
    genesis: GenesisIds

    @property
    def config_hash(self) -> Hash32:
        """Hash of the parameters, 32 bytes."""
        return self.params.config_hash()

    def build_genesis(self) -> Genesis:
        """Build the genesis state.

        Raises
        ------
        InvalidDeployment : it is not the one this deployment names
        """
        genesis = rollup_genesis(self.params, self.contracts.bridge, self.fee_recipient, self.settlement)
        found = genesis_ids(genesis, self.params, self.contracts.assertion_chain)
        if found != self.genesis:
            raise InvalidDeployment(
                f"the genesis built here has end leaf 0x{found.end_leaf.hex()}, the deployment names "
                f"0x{self.genesis.end_leaf.hex()}: use the software version it was deployed with"
            )
        return genesis

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; bytes as 0x-hex."""
        return {
            "l1ChainId": self.params.l1_chain_id,
            "l2ChainId": self.params.l2_chain_id,
            "params": self.params.to_json(),
            "configHash": hex_of(self.config_hash),
            "contracts": _hex_fields(self.contracts),
            "deployBlock": self.deploy_block,
            "sequencer": hex_of(self.sequencer),
            "governance": hex_of(self.governance),
            "guardian": hex_of(self.guardian),
            "feeRecipient": hex_of(self.fee_recipient),
            "settlement": self.settlement.to_json(),
            "genesis": _hex_fields(self.genesis),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Deployment":
        """Read what `to_json` wrote.

        Raises
        ------
        InvalidDeployment : a field is missing or malformed, or parameters and hash disagree
        """
        try:
            params = RollupParams.from_json(values["params"])
            deployment = cls(
                params=params,
                contracts=ContractAddresses(**_read_fields(ContractAddresses, values["contracts"], 20)),
                deploy_block=int(values["deployBlock"]),
                sequencer=Address(_bytes(values["sequencer"], 20)),
                governance=Address(_bytes(values["governance"], 20)),
                guardian=Address(_bytes(values["guardian"], 20)),
                fee_recipient=Address(_bytes(values["feeRecipient"], 20)),
                settlement=Settlement.from_json(values["settlement"]),
                genesis=GenesisIds(**_read_fields(GenesisIds, values["genesis"], 32)),
            )
            named_hash = _bytes(values["configHash"], 32)
        except (KeyError, TypeError, ValueError, InvalidInput) as error:
            raise InvalidDeployment(f"the deployment is malformed: {error!r}") from error
        if named_hash != deployment.config_hash:
            raise InvalidDeployment(
                f"configHash is {hex_of(named_hash)}, "
                f"but the parameters hash to {hex_of(deployment.config_hash)}"
            )
        if (values.get("l1ChainId"), values.get("l2ChainId")) != (params.l1_chain_id, params.l2_chain_id):
            raise InvalidDeployment("the chain ids differ from those of the parameters")
        return deployment

    def save(self, path: Path) -> None:
        """Write the deployment file.

        Raises
        ------
        DiskFull, StorageFailed : it cannot be written
        """
        replace_json(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> "Deployment":
        """Read a deployment file.

        Raises
        ------
        InvalidDeployment : it cannot be read or is malformed
        """
        try:
            values = read_json_object(path)
        except (OSError, ValueError) as error:
            raise InvalidDeployment(f"cannot read the deployment {path}: {error}") from error
        return cls.from_json(values)


def rollup_genesis(
    params: RollupParams, bridge: Address, fee_recipient: Address, settlement: Settlement = NO_SETTLEMENT
) -> Genesis:
    """Build the genesis with the committed predeploys."""
    return build_genesis(params, rollup_accounts(params, bridge, fee_recipient, settlement))


def rollup_accounts(
    params: RollupParams, bridge: Address, fee_recipient: Address, settlement: Settlement
) -> dict[Address, GenesisAccount]:
    """Return the genesis contracts with the committed code."""
    code = SystemCode(
        message_passer=artifacts.load("MessagePasser").deployed_bytecode,
        fee_vault=artifacts.load("FeeVault").deployed_bytecode,
        create2_factory=artifacts.load("Create2Factory").deployed_bytecode,
        multicall3=artifacts.load("Multicall3").deployed_bytecode,
        settlement=settlement_code(),
    )
    return genesis_accounts(
        code,
        l1_chain_id=params.l1_chain_id,
        bridge=bridge,
        fee_recipient=fee_recipient,
        settlement=settlement.setup(),
    )


def genesis_ids(genesis: Genesis, params: RollupParams, assertion_chain: Address) -> GenesisIds:
    """Return what identifies a genesis on a given assertion chain."""
    return GenesisIds(
        state_root=genesis.state.unit.state_root,
        block_hash=genesis.block_hash,
        end_leaf=genesis.end_leaf,
        assertion_id=struct_hash(
            TAG_GENESIS, params.l1_chain_id, assertion_chain, params.config_hash(), genesis.end_leaf
        ),
    )


def verify_against_l1(deployment: Deployment, client: L1Client, at: BlockId = "latest") -> None:
    """Compare a deployment with what L1 holds.

    Parameters
    ----------
    at : block to read at; the contracts never change, so any block after the deployment does

    Raises
    ------
    DeploymentMismatch : other code, other parameters, another genesis; all differences are named
    InvalidDeployment : the genesis cannot be rebuilt
    WrongL1Chain : the endpoint serves another chain
    """
    deployment.build_genesis()
    if client.chain_id != deployment.params.l1_chain_id:
        raise DeploymentMismatch(
            f"the deployment is on chain {deployment.params.l1_chain_id}, the endpoint on {client.chain_id}"
        )
    problems: list[str] = []
    for name, address, expected in _expectations(deployment):
        if not artifacts.load(name).matches(client.code(address, at)):
            problems.append(f"{name} at {hex_of(address)} has other code")
            continue
        problems += _differences(client, name, address, expected, at)
        if name == VERIFIER:
            problems += _group_problems(deployment, client, at)
        if name == INBOX:
            problems += _first_config_problems(deployment, client, at)
        if name == GATEWAY:
            problems += _token_problems(deployment.settlement, client, at)
    if problems:
        raise DeploymentMismatch("; ".join(problems))


def _group_problems(deployment: Deployment, client: L1Client, at: BlockId) -> list[str]:
    """Return what is wrong with the contracts that the one-step verifier names."""
    verifier = deployment.contracts.one_step_verifier
    values = group_values(deployment.params, deployment.contracts.inbox)
    problems = []
    for getter, name in GROUPS.items():
        group = Address(_get(client, VERIFIER, verifier, getter, at))
        if artifacts.load(name).matches(client.code(group, at)):
            problems += _differences(client, name, group, values.get(name, {}), at)
        else:
            problems.append(f"{name} at {hex_of(group)} has other code")
    return problems


def _first_config_problems(deployment: Deployment, client: L1Client, at: BlockId) -> list[str]:
    """Return what is wrong with the configuration the inbox was deployed with.

    Later ones do not make the deployment another.
    """
    function = Abi.parse(artifacts.load(INBOX).abi).functions["config"]
    call = Call(to=deployment.contracts.inbox, data=function.encode((0,)))
    ((config_hash, verifier, *_),) = function.decode(client.call(call, at))
    problems = []
    if config_hash != deployment.config_hash:
        problems.append(
            f"the inbox began with configuration {hex_of(config_hash)}, not {hex_of(deployment.config_hash)}"
        )
    if verifier != (expected := deployment.contracts.one_step_verifier):
        problems.append(f"the inbox began with verifier {hex_of(verifier)}, not {hex_of(expected)}")
    return problems


def _token_problems(settlement: Settlement, client: L1Client, at: BlockId) -> list[str]:
    """Return what is wrong with the decimals of the cash token, on which the genesis depends."""
    try:
        found = token_decimals(client, settlement.token, at)
    except InvalidToken as error:
        return [str(error)]
    if found == settlement.token_decimals:
        return []
    return [f"the token has {found} decimals, not {settlement.token_decimals}"]


def _expectations(deployment: Deployment) -> Iterable[tuple[str, Address, Mapping[str, Any]]]:
    params, at = deployment.params, deployment.contracts
    yield (
        INBOX,
        at.inbox,
        {
            "SEQUENCER": deployment.sequencer,
            "GOVERNANCE": deployment.governance,
            "BRIDGE": at.bridge,
            "GUARD": at.precompile_guard,
            "CONFIG_DELAY": params.config_delay_s,
            "FORCE_DELAY": params.force_delay_s,
            "MIN_BATCH_INTERVAL": params.min_batch_interval_s,
            "TX_GAS_CAP": params.tx_gas_cap,
            "GAS_RATE": params.gas_rate,
            "SYSTEM_GAS_RATE": params.system_gas_rate,
            "DEPOSIT_GAS_RATE": params.deposit_gas_rate,
            "GAS_BURST": params.gas_burst,
            "SYSTEM_GAS_BURST": params.system_gas_burst,
        },
    )
    yield (
        ASSERTION_CHAIN,
        at.assertion_chain,
        {
            "INBOX": at.inbox,
            "GAME": at.dispute_game,
            "CHALLENGE_PERIOD": params.challenge_period_s,
            "AIRGAP": params.airgap_s,
            "STAKE": params.stake_wei,
            "LOG_ARITY": params.log_arity,
            "genesisId": deployment.genesis.assertion_id,
        },
    )
    yield (
        DISPUTE_GAME,
        at.dispute_game,
        {
            "CHAIN": at.assertion_chain,
            "BOND": params.commitment_bond_wei,
            "CHALLENGE_PERIOD": params.challenge_period_s,
            "LOG_ARITY": params.log_arity,
        },
    )
    yield (
        BRIDGE,
        at.bridge,
        {
            "INBOX": at.inbox,
            "CHAIN": at.assertion_chain,
            "GUARD": at.precompile_guard,
            "GUARDIAN": deployment.guardian,
            "L2_CHAIN_ID": params.l2_chain_id,
            "PAUSE_MAX": params.pause_max_s,
            "WITHDRAWAL_RATE": params.withdrawal_rate_wei_per_s,
        },
    )
    yield VERIFIER, at.one_step_verifier, {}
    yield PROBE, at.precompile_probe, {}
    yield GUARD, at.precompile_guard, {"PROBE": at.precompile_probe}
    settlement = deployment.settlement
    if settlement.has_token:
        yield GATEWAY, settlement.gateway, {"BRIDGE": at.bridge, "TOKEN": settlement.token}
        delay_s = receipt_bond_delay_s(params)
        yield (
            RECEIPT_BOND,
            settlement.receipt_bond,
            {"L2_CHAIN_ID": params.l2_chain_id, "WITHDRAWAL_DELAY": delay_s},
        )


def _differences(
    client: L1Client, name: str, address: Address, expected: Mapping[str, Any], at: BlockId
) -> list[str]:
    problems = []
    for getter, value in expected.items():
        found = _get(client, name, address, getter, at)
        if found != value:
            problems.append(f"{name}.{getter} is {_show(found)}, not {_show(value)}")
    return problems


def _get(client: L1Client, name: str, address: Address, getter: str, at: BlockId) -> Any:
    """Return what a getter without arguments answers."""
    function = Abi.parse(artifacts.load(name).abi).functions[getter]
    (found,) = function.decode(client.call(Call(to=address, data=function.encode(())), at))
    return found


def _show(value: object) -> str:
    return hex_of(value) if isinstance(value, bytes) else str(value)


def _hex_fields(value: ContractAddresses | GenesisIds) -> dict[str, str]:
    return {camel_case(field.name): hex_of(getattr(value, field.name)) for field in fields(value)}


def _read_fields(kind: type[ContractAddresses | GenesisIds], values: Mapping[str, Any], size: int) -> Any:
    return {field.name: _bytes(values[camel_case(field.name)], size) for field in fields(kind)}


def _bytes(text: object, size: int) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not 0x-hex")
    value = bytes.fromhex(text.removeprefix("0x"))
    if len(value) != size:
        raise ValueError(f"{text} is not {size} bytes")
    return value
