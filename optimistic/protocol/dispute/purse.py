"""The money of one dispute: what moves earn, what a death takes, who is paid from what in the end.

All amounts are wei; shares are rounded down, so that the parts never exceed the whole.

Source: docs/spec/10-dispute-game.md
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from optimistic.protocol.constants import (
    CREDIT_GAS_COMMIT_1,
    CREDIT_GAS_COMMIT_5,
    CREDIT_GAS_MOVE_1,
    CREDIT_GAS_MOVE_5,
    CREDIT_GAS_OPEN_1,
    CREDIT_GAS_OPEN_5,
    CREDIT_GAS_STEP,
    CREDIT_PRICE_CAP_WEI,
    CREDIT_TIP_WEI,
)
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.types import Address, Hash32

MAX_AMOUNT_WEI: Final = (1 << 80) - 1
"""What the counters of L1 hold: a move that would earn more earns nothing, and works all the same."""

Earner = tuple[Hash32 | Side, Address]
"""Who earned something for a commitment, or for a side as such."""
_ZERO: Final = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGas:
    """Gas that each kind of move is credited with, at most what it is measured to need."""

    open: int
    move: int
    """Of a start, too."""
    commit: int
    step: int


def credit_gas(log_arity: int) -> CreditGas:
    """Return the table for an arity of 2^`log_arity`, 1 or 5."""
    if log_arity == 1:
        found = CREDIT_GAS_OPEN_1, CREDIT_GAS_MOVE_1, CREDIT_GAS_COMMIT_1
    else:
        found = CREDIT_GAS_OPEN_5, CREDIT_GAS_MOVE_5, CREDIT_GAS_COMMIT_5
    open_, move, commit = found
    return CreditGas(open=open_, move=move, commit=commit, step=CREDIT_GAS_STEP)


def credit_price(gas_price_wei: int, base_fee_wei: int) -> int:
    """Return what one gas of a call earns: its own price, capped; at least one wei."""
    return max(1, min(gas_price_wei, base_fee_wei + CREDIT_TIP_WEI, CREDIT_PRICE_CAP_WEI))


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Where the money of a dispute goes, live bonds aside."""

    pool_wei: int
    """Pays the credits of the winner."""
    to_poster_wei: int
    burned_wei: int


def split(pool_wei: int, credits_wei: int) -> Split:
    """Pay the winner's credits from the pool; halve the rest, the odd wei burns."""
    paid = min(pool_wei, credits_wei)
    to_poster = (pool_wei - paid) // 2
    return Split(pool_wei=paid, to_poster_wei=to_poster, burned_wei=pool_wei - paid - to_poster)


def share_down(credit_wei: int, pool_wei: int, credits_wei: int) -> int:
    """Return what one credit is worth if all together are `credits_wei` and the pool pays them."""
    return credit_wei * pool_wei // credits_wei if credits_wei else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What a dispute holds and owes; the bonds of live commitments are counted with them."""

    pool_wei: int = 0
    """Bonds of dead commitments; once the dispute is over, what pays the credits of the winner."""
    forfeits_wei: tuple[int, int] = _ZERO
    """Stakes of members of each side whose free commitment died."""
    credits_wei: tuple[int, int] = _ZERO
    """Earned by each side, without what died."""
    of_commitments_wei: Mapping[Hash32, int] = field(default_factory=dict)
    """Earned for each commitment."""
    earned_wei: Mapping[Earner, int] = field(default_factory=dict)
    """The same by who earned it, and what was earned for a side as such."""

    def earn(self, side: Side, commitment: Hash32 | None, account: Address, wei: int) -> "Purse":
        """Credit an account for a move made for a commitment, or for a side as such."""
        if self.credits_wei[side] + wei > MAX_AMOUNT_WEI:
            return self
        earner = (side if commitment is None else commitment, account)
        of_commitments = dict(self.of_commitments_wei)
        if commitment is not None:
            of_commitments[commitment] = of_commitments.get(commitment, 0) + wei
        return replace(
            self,
            credits_wei=_plus(self.credits_wei, side, wei),
            of_commitments_wei=of_commitments,
            earned_wei={**self.earned_wei, earner: self.earned_wei.get(earner, 0) + wei},
        )

    def bury(self, side: Side, commitment: Hash32, bond_wei: int, seized_wei: int) -> "Purse":
        """Void the credits of a dead commitment and take its bond, or the stake behind it."""
        room_wei = MAX_AMOUNT_WEI - self.forfeits_wei[side]
        return replace(
            self,
            pool_wei=self.pool_wei + bond_wei,
            forfeits_wei=_plus(self.forfeits_wei, side, min(seized_wei, room_wei)),
            credits_wei=_plus(self.credits_wei, side, -self.of_commitments_wei.get(commitment, 0)),
        )

    def collect(self, earner: Earner) -> tuple["Purse", int]:
        """Take out a credit, which has been paid now; return it."""
        earned = dict(self.earned_wei)
        wei = earned.pop(earner, 0)
        return replace(self, earned_wei=earned), wei


def _plus(pair: tuple[int, int], side: Side, wei: int) -> tuple[int, int]:
    """Add to one of a pair."""
    return (pair[0] + wei, pair[1]) if side is Side.OLDER else (pair[0], pair[1] + wei)
