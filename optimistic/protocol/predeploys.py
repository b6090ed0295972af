"""Contracts that exist from genesis, and the storage they are born with.

Predeploys have no constructor: genesis writes runtime code and storage. Those
in the system range run on the system lane; the keyless contracts that ordinary
tools expect stand outside it.

Source: docs/spec/04-execution.md; storage layouts: solidity/snapshots/storage
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from optimistic.protocol.constants import (
    CLEARING,
    COLLATERAL,
    CREATE2_FACTORY,
    FEE_VAULT,
    INSURANCE_FUND,
    LEDGER,
    LIQUIDATOR,
    MARKETS,
    MESSAGE_PASSER,
    MULTICALL3,
    PRICE_ORACLE,
    RISK_GOVERNOR,
    RISK_MANAGER,
)
from optimistic.protocol.hashing import abi_word
from optimistic.protocol.settlement.types import FIRST_SUBACCOUNT
from optimistic.protocol.types import ZERO_ADDRESS, Address, Hash32

MESSAGE_PASSER_SENT_SLOT = 0
MESSAGE_PASSER_NONCE_SLOT = 1
MESSAGE_PASSER_L1_CHAIN_SLOT = 2
MESSAGE_PASSER_BRIDGE_SLOT = 3
FEE_VAULT_RECIPIENT_SLOT = 0
LEDGER_NEXT_SUBACCOUNT_SLOT = 0
COLLATERAL_GATEWAY_SLOT = 0
COLLATERAL_TOKEN_UNIT_SLOT = 1
RISK_GOVERNOR_OWNER_SLOT = 0
RISK_GOVERNOR_GUARDIAN_SLOT = 1

SETTLEMENT_CONTRACTS: Final[Mapping[str, Address]] = MappingProxyType(
    {
        "Ledger": LEDGER,
        "Clearing": CLEARING,
        "Markets": MARKETS,
        "PriceOracle": PRICE_ORACLE,
        "StandardMargin": RISK_MANAGER,
        "Liquidator": LIQUIDATOR,
        "InsuranceFund": INSURANCE_FUND,
        "Collateral": COLLATERAL,
        "RiskGovernor": RISK_GOVERNOR,
    }
)
"""Predeploys that settle derivatives, by the contract that stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesisAccount:
    """A contract of the genesis state; nonce 1, no ether."""

    code: bytes
    storage: Mapping[Hash32, int] = field(default_factory=dict)
    """32-byte slot -> non-zero value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemCode:
    """Runtime bytecode of every genesis contract."""

    message_passer: bytes
    fee_vault: bytes
    create2_factory: bytes
    multicall3: bytes
    settlement: Mapping[str, bytes] = field(default_factory=dict)
    """By the names of `SETTLEMENT_CONTRACTS`; empty in a world without derivatives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementSetup:
    """What the settlement predeploys are born with; all zero where there is no cash token.

    Attributes
    ----------
    gateway : L1 contract that holds the cash token
    token_unit_wad : what one unit of the token is worth in cash
    owner, guardian : L2 accounts that govern risk
    """

    gateway: Address = ZERO_ADDRESS
    token_unit_wad: int = 0
    owner: Address = ZERO_ADDRESS
    guardian: Address = ZERO_ADDRESS


def genesis_accounts(
    code: SystemCode,
    *,
    l1_chain_id: int,
    bridge: Address,
    fee_recipient: Address,
    settlement: SettlementSetup = SettlementSetup(),
) -> dict[Address, GenesisAccount]:
    """Return the genesis contracts.

    Parameters
    ----------
    code : their runtime bytecode
    l1_chain_id, bridge : what MessagePasser mixes into message keys
    fee_recipient : L1 address that FeeVault pays to
    settlement : what the settlement predeploys are born with
    """
    passer_storage = {
        storage_slot(MESSAGE_PASSER_L1_CHAIN_SLOT): l1_chain_id,
        storage_slot(MESSAGE_PASSER_BRIDGE_SLOT): int.from_bytes(bridge, "big"),
    }
    vault_storage = {storage_slot(FEE_VAULT_RECIPIENT_SLOT): int.from_bytes(fee_recipient, "big")}
    return {
        MESSAGE_PASSER: GenesisAccount(code=code.message_passer, storage=passer_storage),
        FEE_VAULT: GenesisAccount(code=code.fee_vault, storage=vault_storage),
        CREATE2_FACTORY: GenesisAccount(code=code.create2_factory),
        MULTICALL3: GenesisAccount(code=code.multicall3),
        **_settlement_accounts(code.settlement, settlement),
    }


def _settlement_accounts(code: Mapping[str, bytes], setup: SettlementSetup) -> dict[Address, GenesisAccount]:
    """Return the settlement predeploys that there is code for."""
    words: dict[Address, dict[int, int]] = {
        LEDGER: {LEDGER_NEXT_SUBACCOUNT_SLOT: FIRST_SUBACCOUNT},
        COLLATERAL: {
            COLLATERAL_GATEWAY_SLOT: int.from_bytes(setup.gateway, "big"),
            COLLATERAL_TOKEN_UNIT_SLOT: setup.token_unit_wad,
        },
        RISK_GOVERNOR: {
            RISK_GOVERNOR_OWNER_SLOT: int.from_bytes(setup.owner, "big"),
            RISK_GOVERNOR_GUARDIAN_SLOT: int.from_bytes(setup.guardian, "big"),
        },
    }
    accounts = {}
    for name, runtime in code.items():
        address = SETTLEMENT_CONTRACTS[name]
        storage = {storage_slot(slot): word for slot, word in words.get(address, {}).items() if word}
        accounts[address] = GenesisAccount(code=runtime, storage=storage)
    return accounts


def storage_slot(number: int) -> Hash32:
    """Return a slot number as the 32-byte storage key."""
    return Hash32(abi_word(number))
