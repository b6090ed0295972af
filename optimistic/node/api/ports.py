"""What the API reads of the L2 chain beside what the exchange tells: limits, money in and out, gates."""

from typing import Protocol

import msgspec

from optimistic.protocol.settlement.types import Limits
from optimistic.protocol.types import Address, Hash32
from optimistic.service.outflow import Outflow
from optimistic.service.settlement_contracts import Asset


class DepositInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Cash or ether that came in."""

    subaccount: int
    asset: str
    """cash or ether"""
    amount: int
    """Units of the token, or wei."""
    block: int
    tx_hash: Hash32


class WithdrawalInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal that was requested."""

    number: int
    subaccount: int
    asset: str
    amount: int
    """Units of the token, or wei."""
    recipient: Address
    ready_at: int
    """Unix seconds from which it may be released."""
    status: str
    """pending, released or cancelled"""
    block: int
    """Of the last change."""
    message_key: Hash32 | None
    """Of the message that carries it to L1, once released."""


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """Whether something may be done now, and if not why and until when."""

    name: str
    is_open: bool
    reason: str
    opens_at: int
    """Unix seconds; 0: open, or unknown."""


class ChainView(Protocol):
    """Reads of the L2 chain; may block, is called from worker threads."""

    def limits(self, market: int) -> Limits | None:
        """Return the limits of a market; None for an unknown one."""

    def deposits(self, subaccount: int, limit: int) -> list[DepositInfo]:
        """Return the newest deposits of a subaccount, newest first."""

    def withdrawals(self, subaccount: int, limit: int) -> list[WithdrawalInfo]:
        """Return the newest withdrawals of a subaccount, newest first."""

    def withdrawable_wad(self, subaccount: int) -> int:
        """Return the cash that may leave a subaccount now."""

    def outflow(self, subaccount: int, asset: Asset) -> Outflow:
        """Return what may leave a subaccount if asked for now, and when."""

    def gates(self) -> list[Gate]:
        """Return what is closed or open: trading, deposits, withdrawals, each feed."""
