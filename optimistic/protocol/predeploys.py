"""Contracts that exist from genesis, and the storage they are born with.

Predeploys have no constructor: genesis writes runtime code and storage. Those
in the system range run on the system lane; the keyless contracts that ordinary
tools expect stand outside it.

Source: docs/spec/04-execution.md; storage layouts: solidity/snapshots/storage
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimistic.protocol.constants import CREATE2_FACTORY, FEE_VAULT, MESSAGE_PASSER, MULTICALL3
from optimistic.protocol.hashing import abi_word
from optimistic.protocol.types import Address, Hash32

MESSAGE_PASSER_SENT_SLOT = 0
MESSAGE_PASSER_NONCE_SLOT = 1
MESSAGE_PASSER_L1_CHAIN_SLOT = 2
MESSAGE_PASSER_BRIDGE_SLOT = 3
FEE_VAULT_RECIPIENT_SLOT = 0


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


def genesis_accounts(
    code: SystemCode, *, l1_chain_id: int, bridge: Address, fee_recipient: Address
) -> dict[Address, GenesisAccount]:
    """Return the genesis contracts.

    Parameters
    ----------
    code : their runtime bytecode
    l1_chain_id, bridge : what MessagePasser mixes into message keys
    fee_recipient : L1 address that FeeVault pays to
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
    }


def storage_slot(number: int) -> Hash32:
    """Return a slot number as the 32-byte storage key."""
    return Hash32(abi_word(number))
