"""Fees of L1 transactions (EIP-1559): pure arithmetic in wei per gas."""

from dataclasses import dataclass

from optimistic.service.tx_types import TxOptions

_BUMP_NUMERATOR = 9
_BUMP_DENOMINATOR = 8
"""Pools take a replacement from 10 % more; 12.5 % leaves room for their rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a transaction offers."""

    max_fee_wei: int
    tip_wei: int


def first_fees(base_fee_wei: int, suggested_tip_wei: int, options: TxOptions) -> Fees | None:
    """Return the fees of a first attempt, or None while the base fee is above the cap.

    The offer covers a doubling of the base fee, cut to the cap.
    """
    tip = max(suggested_tip_wei, options.min_tip_wei)
    if base_fee_wei + options.min_tip_wei > options.max_fee_wei:
        return None
    max_fee = min(2 * base_fee_wei + tip, options.max_fee_wei)
    return Fees(max_fee_wei=max_fee, tip_wei=min(tip, max_fee))


def bumped_fees(previous: Fees, base_fee_wei: int, suggested_tip_wei: int, options: TxOptions) -> Fees | None:
    """Return the fees of a replacement, or None when the cap leaves no room for one."""
    tip = max(_bump(previous.tip_wei), suggested_tip_wei, options.min_tip_wei)
    max_fee = max(_bump(previous.max_fee_wei), 2 * base_fee_wei + tip)
    max_fee = min(max_fee, options.max_fee_wei)
    if max_fee < _bump(previous.max_fee_wei):
        return None
    tip = min(tip, max_fee)
    return Fees(max_fee_wei=max_fee, tip_wei=tip) if tip >= _bump(previous.tip_wei) else None


def gas_with_margin(estimate: int, block_gas_limit: int, options: TxOptions) -> int:
    """Return the gas limit for an estimate: plus the margin, but within the limits the margin may reach."""
    wanted = estimate * (100 + options.gas_margin_percent) // 100
    return max(estimate, min(wanted, options.max_gas, block_gas_limit))


def _bump(wei: int) -> int:
    return max(wei + 1, -(-wei * _BUMP_NUMERATOR // _BUMP_DENOMINATOR))
