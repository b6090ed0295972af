"""Deploys a rollup: contracts that name each other, at addresses predicted from the deployer's nonce.

Those of the one-step verifier come first, because the inbox refuses a verifier without code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.params import RollupParams
from optimistic.protocol.transactions import create_address
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock
from optimistic.service.contract import creation_call
from optimistic.service.deployment import (
    ASSERTION_CHAIN,
    BRIDGE,
    DISPUTE_GAME,
    INBOX,
    ContractAddresses,
    Deployment,
    genesis_ids,
    rollup_genesis,
    verify_against_l1,
)
from optimistic.service.l1_client import L1Client
from optimistic.service.names import hex_of
from optimistic.service.one_shot import OneShotSender
from optimistic.service.one_step import GROUPS, GUARD, PROBE, group_creations, verifier_creation
from optimistic.service.settlement_section import (
    DEV_CASH,
    GATEWAY,
    NO_SETTLEMENT,
    RECEIPT_BOND,
    Settlement,
    SettlementRoles,
    receipt_bond_delay_s,
    token_decimals,
)
from optimistic.service.signer import Signer


class DeploymentFailed(TemporaryError):
    """A contract could not be deployed; what was deployed before it is useless, start again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """Accounts on L1 with a part in the rollup; zero means nobody, where allowed."""

    sequencer: Address
    governance: Address
    guardian: Address
    fee_recipient: Address


def deploy(
    client: L1Client,
    signer: Signer,
    params: RollupParams,
    roles: Roles,
    clock: Clock | None = None,
    *,
    settlement: SettlementRoles | None = None,
) -> Deployment:
    """Deploy a rollup and verify it.

    Parameters
    ----------
    settlement : the cash token and who governs risk; None for a rollup without a cash token

    Raises
    ------
    InvalidParams : the parameters break a bound
    InvalidToken : the cash token is none
    ContractReverted, SendRefused, TransactionFailed, NotMinedInTime : a creation did not come through
    DeploymentFailed : the account sent something else meanwhile
    """
    params.check()
    return _Deployer(client, signer, clock).run(params, roles, settlement)


def deploy_dev_token(client: L1Client, signer: Signer, clock: Clock | None = None) -> Address:
    """Create a token of which anybody may mint any amount, for devnets.

    Raises
    ------
    ContractReverted, SendRefused, TransactionFailed, NotMinedInTime : the creation did not come through
    DeploymentFailed : it has no address
    """
    receipt = OneShotSender(client, signer, clock=clock).send(creation_call(DEV_CASH, ()))
    if receipt.contract_address is None:
        raise DeploymentFailed(f"{DEV_CASH} was not created; start again")
    return receipt.contract_address


class _Deployer:
    """Sends one creation after the other."""

    def __init__(self, client: L1Client, signer: Signer, clock: Clock | None) -> None:
        self._client = client
        self._signer = signer
        self._sender = OneShotSender(client, signer, clock=clock)

    def run(self, params: RollupParams, roles: Roles, settlement: SettlementRoles | None) -> Deployment:
        nonce = self._client.nonce(self._signer.address, "latest")
        first_block = self._client.head().number + 1
        addresses = [create_address(self._signer.address, nonce + i) for i in range(9 + len(GROUPS))]
        *groups, verifier, probe, guard, inbox, chain, game, bridge, gateway, receipt_bond = addresses
        contracts = ContractAddresses(
            inbox=inbox,
            assertion_chain=chain,
            dispute_game=game,
            bridge=bridge,
            one_step_verifier=verifier,
            precompile_probe=probe,
            precompile_guard=guard,
        )
        section = self._section(settlement, gateway, receipt_bond)
        genesis = rollup_genesis(params, bridge, roles.fee_recipient, section)
        creations = [
            *group_creations(params, inbox),
            verifier_creation(groups),
            (PROBE, ()),
            (GUARD, (hex_of(probe),)),
            (INBOX, (_inbox_setup(params, roles, contracts),)),
            (ASSERTION_CHAIN, (_chain_setup(params, contracts, genesis.end_leaf),)),
            (DISPUTE_GAME, (hex_of(chain), params.commitment_bond_wei)),
            (BRIDGE, (_bridge_setup(params, roles, contracts),)),
        ]
        if section.has_token:
            creations += [
                (GATEWAY, (hex_of(bridge), hex_of(section.token))),
                (RECEIPT_BOND, (params.l2_chain_id, receipt_bond_delay_s(params))),
            ]
        for offset, (name, arguments) in enumerate(creations):
            self._create(name, arguments, nonce + offset)
        deployment = Deployment(
            params=params,
            contracts=contracts,
            deploy_block=first_block,
            sequencer=roles.sequencer,
            governance=roles.governance,
            guardian=roles.guardian,
            fee_recipient=roles.fee_recipient,
            settlement=section,
            genesis=genesis_ids(genesis, params, chain),
        )
        verify_against_l1(deployment, self._client)
        return deployment

    def _section(self, roles: SettlementRoles | None, gateway: Address, receipt_bond: Address) -> Settlement:
        if roles is None:
            return NO_SETTLEMENT
        return Settlement(
            token=roles.token,
            token_decimals=token_decimals(self._client, roles.token),
            gateway=gateway,
            receipt_bond=receipt_bond,
            owner=roles.owner,
            guardian=roles.guardian,
        )

    def _create(self, name: str, arguments: Sequence[Any], nonce: int) -> None:
        receipt = self._sender.send(creation_call(name, arguments), nonce=nonce)
        if receipt.contract_address != create_address(self._signer.address, nonce):
            raise DeploymentFailed(f"{name} was created at another address than planned; start again")


def _inbox_setup(params: RollupParams, roles: Roles, contracts: ContractAddresses) -> tuple[Any, ...]:
    return (
        hex_of(roles.sequencer),
        hex_of(roles.governance),
        hex_of(contracts.bridge),
        hex_of(contracts.precompile_guard),
        hex_of(contracts.one_step_verifier),
        params.config_hash(),
        params.config_delay_s,
        params.force_delay_s,
        params.min_batch_interval_s,
        params.tx_gas_cap,
        params.gas_rate,
        params.system_gas_rate,
        params.deposit_gas_rate,
        params.gas_burst,
        params.system_gas_burst,
    )


def _chain_setup(params: RollupParams, contracts: ContractAddresses, end_leaf: bytes) -> tuple[Any, ...]:
    return (
        hex_of(contracts.inbox),
        hex_of(contracts.dispute_game),
        end_leaf,
        params.challenge_period_s,
        params.airgap_s,
        params.stake_wei,
        params.log_arity,
    )


def _bridge_setup(params: RollupParams, roles: Roles, contracts: ContractAddresses) -> tuple[Any, ...]:
    return (
        hex_of(contracts.inbox),
        hex_of(contracts.assertion_chain),
        hex_of(contracts.precompile_guard),
        hex_of(roles.guardian),
        params.l2_chain_id,
        params.pause_max_s,
        params.withdrawal_rate_wei_per_s,
    )
