"""Consensus parameters and the profiles they come in.

Everything here is hashed into `config_hash`, which the inbox writes into every
batch record: nothing of it can change under a live dispute. Operator options
(URLs, keys, intervals) live elsewhere and are never consensus.

Source: docs/spec/01-constants-and-params.md
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from optimistic.protocol.constants import FEE_VAULT, STEP_BITS, TAG_CONFIG, UNIT_BITS
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.hashing import struct_hash
from optimistic.protocol.types import Address, Hash32

UNLIMITED_GAS: Final = (1 << 64) - 1
HIGHEST_TX_GAS_CAP: Final = 1 << 23
"""More would pay for more memory than the 2 MiB that the step machine has."""
HIGHEST_PRECOMPILE_PRICE: Final = 1 << 21
"""L1 runs a precompile to prove it, with four times its price within the gas of one transaction."""
_DAY_S: Final = 86_400
_ETHER_WEI: Final = 10**18


class InvalidParams(InvalidInput):
    """A parameter set that no deployment can run with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupParams:
    """One rollup's consensus parameters; equal sets have equal `config_hash`."""

    l1_chain_id: int
    l2_chain_id: int
    tx_gas_cap: int
    """Highest gas limit of a valid transaction or deposit."""
    max_tx_bytes: int
    """A longer transaction in a batch is skipped."""
    precompile_price_cap: int
    """A precompile call priced above it fails; 0 means no cap."""
    modexp_osaka: bool
    """MODEXP by EIP-7823 and EIP-7883 instead of EIP-2565."""
    log_arity: int
    """Bits resolved by one move of a dispute: 1 or 5."""
    base_fee_wei: int
    block_gas_limit: int
    """What the GASLIMIT opcode returns; work is bounded by the lanes' budgets."""
    coinbase: Address
    challenge_period_s: int
    """T of the protocol."""
    airgap_s: int
    force_delay_s: int
    """Age at which a deposit entitles anyone to force a batch."""
    min_batch_interval_s: int
    max_time_lag_s: int
    """How far an L2 timestamp may lie behind the L1 block that carries it."""
    gas_rate: int
    """Execution gas per second of the general lane."""
    system_gas_rate: int
    deposit_gas_rate: int
    gas_burst: int
    """Capacity of the general lane's bucket."""
    system_gas_burst: int
    stake_wei: int
    """S0: what one identity stakes once."""
    commitment_bond_wei: int
    withdrawal_rate_wei_per_s: int
    pause_max_s: int
    config_delay_s: int
    """Notice before a scheduled configuration takes effect."""

    def config_hash(self) -> Hash32:
        """Return the hash that names this parameter set in every batch record."""
        return struct_hash(TAG_CONFIG, *(getattr(self, field.name) for field in fields(self)))

    def check(self) -> None:
        """Raise InvalidParams unless the set satisfies the protocol's bounds."""
        problems = []
        if self.log_arity not in (1, 5) or UNIT_BITS % self.log_arity or STEP_BITS % self.log_arity:
            problems.append("log_arity must be 1 or 5")
        for name, rate in (("gas_burst", self.gas_rate), ("system_gas_burst", self.system_gas_rate)):
            burst, floor = getattr(self, name), 2 * self.tx_gas_cap
            if self.tx_gas_cap != UNLIMITED_GAS and not floor <= burst <= max(600 * rate, floor):
                problems.append(
                    f"{name} must lie between 2·tx_gas_cap and the larger of that and 600 s of its rate"
                )
        if self.l1_chain_id == self.l2_chain_id:
            problems.append("l1_chain_id and l2_chain_id must differ")
        if self.max_tx_bytes > 65_536:
            problems.append("max_tx_bytes must be at most 65,536")
        if self.tx_gas_cap != UNLIMITED_GAS:
            problems += self._unprovable()
        if problems:
            raise InvalidParams("; ".join(problems))

    def _unprovable(self) -> list[str]:
        """Return what would let a transaction make a step that L1 judges otherwise or cannot take."""
        problems = []
        if self.tx_gas_cap > HIGHEST_TX_GAS_CAP:
            problems.append(f"tx_gas_cap must be at most {HIGHEST_TX_GAS_CAP:,}, or none")
        if not 0 < self.precompile_price_cap <= HIGHEST_PRECOMPILE_PRICE:
            problems.append(f"precompile_price_cap must lie between 1 and {HIGHEST_PRECOMPILE_PRICE:,}")
        if not self.modexp_osaka:
            problems.append("modexp_osaka must be set: by EIP-2565, an input of any length can be cheap")
        return problems

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; bytes as 0x-hex, wei as decimal strings."""
        values = asdict(self)
        for name, value in values.items():
            if isinstance(value, bytes):
                values[name] = "0x" + value.hex()
            elif name.endswith(("_wei", "_wei_per_s")):
                values[name] = str(value)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RollupParams":
        """Read what `to_json` wrote.

        Raises
        ------
        InvalidParams : a field is missing, unknown or of the wrong kind
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            raise InvalidParams(f"parameter names differ: {sorted(set(values) ^ names)}")
        try:
            parsed: dict[str, Any] = {name: _parse(name, value) for name, value in values.items()}
        except (TypeError, ValueError) as error:
            raise InvalidParams(str(error)) from error
        return cls(**parsed)


def _parse(name: str, value: object) -> bool | int | Address:
    """Convert the JSON value of one field; raises TypeError or ValueError."""
    if name == "modexp_osaka":
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be a boolean")
        return value
    if name == "coinbase":
        address = bytes.fromhex(str(value).removeprefix("0x"))
        if len(address) != 20:
            raise ValueError(f"{name} must be 20 bytes")
        return Address(address)
    number = int(str(value))
    if number < 0:
        raise ValueError(f"{name} must not be negative")
    return number


DEVNET: Final = RollupParams(
    l1_chain_id=31_337,
    l2_chain_id=420_420,
    tx_gas_cap=1 << 23,
    max_tx_bytes=65_536,
    precompile_price_cap=1 << 21,
    modexp_osaka=True,
    log_arity=5,
    base_fee_wei=0,
    block_gas_limit=30_000_000,
    coinbase=FEE_VAULT,
    challenge_period_s=60,
    airgap_s=0,
    force_delay_s=60,
    min_batch_interval_s=1,
    max_time_lag_s=600,
    gas_rate=800_000,
    system_gas_rate=1_800_000,
    deposit_gas_rate=200_000,
    gas_burst=1 << 24,
    system_gas_burst=1 << 24,
    stake_wei=2 * _ETHER_WEI,
    commitment_bond_wei=_ETHER_WEI // 5,
    withdrawal_rate_wei_per_s=1_000 * _ETHER_WEI,
    pause_max_s=3_600,
    config_delay_s=600,
)
"""One machine, one-second blocks, windows a person can wait for."""

MINIMAL: Final = replace(
    DEVNET,
    log_arity=1,
    challenge_period_s=300,
    force_delay_s=30,
    max_time_lag_s=60,
    config_delay_s=60,
    stake_wei=_ETHER_WEI // 10,
    commitment_bond_wei=_ETHER_WEI // 100,
)
"""Plain bisection and small stakes, for tests."""

STAGE1: Final = replace(
    DEVNET,
    challenge_period_s=7 * _DAY_S // 2,
    airgap_s=7 * _DAY_S // 2,
    force_delay_s=_DAY_S // 2,
    min_batch_interval_s=12,
    gas_rate=800_000,
    system_gas_rate=4_500_000,
    deposit_gas_rate=250_000,
    withdrawal_rate_wei_per_s=_ETHER_WEI // 10,
    pause_max_s=7 * _DAY_S,
    config_delay_s=14 * _DAY_S,
)
"""A public network whose guardian may delay withdrawals."""

STAGE2: Final = replace(
    STAGE1, challenge_period_s=7 * _DAY_S, airgap_s=0, pause_max_s=0, config_delay_s=30 * _DAY_S
)
"""A public network without a guardian's pause."""

CONFORMANCE: Final = replace(
    DEVNET,
    l2_chain_id=1,
    tx_gas_cap=UNLIMITED_GAS,
    precompile_price_cap=0,
    modexp_osaka=False,
    gas_burst=UNLIMITED_GAS,
    system_gas_burst=UNLIMITED_GAS,
)
"""A stock Cancun EVM, for the official state tests."""

PROFILES: Final[Mapping[str, RollupParams]] = MappingProxyType(
    {"minimal": MINIMAL, "devnet": DEVNET, "stage1": STAGE1, "stage2": STAGE2, "conformance": CONFORMANCE}
)
