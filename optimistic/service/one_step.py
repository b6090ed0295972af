"""The one-step verifier's contracts: what each is created with, and what it must hold on L1."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from optimistic.protocol.params import RollupParams
from optimistic.protocol.types import Address
from optimistic.service.names import hex_of

VERIFIER: Final = "OspEntry"
PROBE: Final = "PrecompileProbe"
GUARD: Final = "PrecompileGuard"
L1_TX_GAS_CAP: Final = 1 << 24
"""No transaction on L1 has more (EIP-7825), so every step must be proven within it."""
GROUPS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "OPS_BASIC": "OpsBasic",
        "OPS_MEMORY": "OpsMemory",
        "OPS_STATE": "OpsState",
        "OPS_CALL": "OpsCall",
        "PEND_STEPS": "PendSteps",
        "OPS_EXIT": "OpsExit",
        "TX_BEGIN": "TxBegin",
        "BLOCK_UNITS": "BlockUnits",
    }
)
"""The contracts that know the steps, by the verifier's getter; in the order of its constructor."""

Creation = tuple[str, tuple[Any, ...]]
"""Name of a contract and the arguments of its constructor."""


def group_creations(params: RollupParams, inbox: Address) -> tuple[Creation, ...]:
    """Return how to create the contracts that know the steps, in the order of `GROUPS`."""
    values = (
        params.tx_gas_cap,
        params.max_tx_bytes,
        params.precompile_price_cap,
        params.modexp_osaka,
        params.base_fee_wei,
        params.block_gas_limit,
        hex_of(params.coinbase),
        params.max_time_lag_s,
    )
    arguments: dict[str, tuple[Any, ...]] = {
        "OpsExit": (values,),
        "TxBegin": (values,),
        "BlockUnits": (values, hex_of(inbox)),
    }
    return tuple((name, arguments.get(name, ())) for name in GROUPS.values())


def verifier_creation(groups: Sequence[Address]) -> Creation:
    """Return how to create the verifier in front of `groups`."""
    return VERIFIER, (tuple(hex_of(group) for group in groups),)


def group_values(params: RollupParams, inbox: Address) -> Mapping[str, Mapping[str, Any]]:
    """Return what the getters of each group must answer, by contract."""
    return {
        "OpsExit": {
            "PRECOMPILE_PRICE_CAP": params.precompile_price_cap,
            "MODEXP_OSAKA": params.modexp_osaka,
        },
        "TxBegin": {"TX_GAS_CAP": params.tx_gas_cap, "MAX_TX_BYTES": params.max_tx_bytes},
        "BlockUnits": {
            "INBOX": inbox,
            "BASE_FEE": params.base_fee_wei,
            "BLOCK_GAS_LIMIT": params.block_gas_limit,
            "COINBASE": params.coinbase,
            "MAX_TIME_LAG": params.max_time_lag_s,
        },
    }
