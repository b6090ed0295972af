"""The ledger on a state: settle legs, change sizes, move cash. It knows no rule of trading.

Cash of all subaccounts, the pots included, and what their legs have gained since they were settled sum to
zero before and after each of these.
Twin: solidity/src/l2/settlement/Ledger.sol
"""

from collections.abc import Sequence
from typing import NamedTuple

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.state import State, Subaccount
from optimistic.protocol.settlement.types import (
    FEES,
    MAX_LEGS,
    LegChange,
    MarketId,
    Position,
    SubaccountId,
)
from optimistic.protocol.settlement.units import LOT_WAD, OffQuantum, exact
from optimistic.protocol.types import ZERO_ADDRESS, Address


class NotBalanced(InvalidInput):
    """Changes of a market do not sum to zero, or the fees would fall."""


class TooManyLegs(InvalidInput):
    """A subaccount would hold more legs than it may."""


class InvalidOwner(InvalidInput):
    """Nobody owns the zero address."""


class SubaccountChange(NamedTuple):
    """All changes of one subaccount in one transaction, netted."""

    id: SubaccountId
    cash_delta_wad: int
    """Beyond what the settlement of the legs moves: trade price against mark, fees."""
    legs: tuple[LegChange, ...]


def open_subaccount(state: State, owner: Address, margin_mode: int = 0) -> SubaccountId:
    """Open a subaccount and return its number.

    Raises
    ------
    InvalidOwner : the owner is the zero address
    """
    if owner == ZERO_ADDRESS:
        raise InvalidOwner("zero")
    id_ = state.next_subaccount
    state.subaccounts[id_] = Subaccount(owner=owner, margin_mode=margin_mode)
    state.next_subaccount = SubaccountId(id_ + 1)
    return id_


def move(state: State, from_: SubaccountId, to: SubaccountId, amount_wad: int) -> None:
    """Move cash between two subaccounts; either may be below zero.

    Raises
    ------
    UnknownSubaccount : one of them is not there
    """
    source, target = state.subaccount(from_), state.subaccount(to)
    source.cash_wad -= amount_wad
    target.cash_wad += amount_wad


def settle(state: State, changes: Sequence[SubaccountChange]) -> None:
    """Settle legs up to the indices given, change sizes and cash; what cash is left goes to the fees.

    Raises
    ------
    UnknownSubaccount : a change of one that is not there
    OffQuantum : a size is no whole number of lots
    TooManyLegs : of one subaccount
    NotBalanced : sizes of a market do not sum to zero, or the fees would fall
    """
    net_wad: dict[MarketId, int] = {}
    fees_wad = 0
    for change in changes:
        subaccount = state.subaccount(change.id)
        subaccount.cash_wad += change.cash_delta_wad
        fees_wad -= change.cash_delta_wad
        for leg in change.legs:
            _change_leg(state, subaccount, leg)
            net_wad[leg.market] = net_wad.get(leg.market, 0) + leg.size_delta_wad
        if len(subaccount.legs) > MAX_LEGS:
            raise TooManyLegs(str(change.id))
    if fees_wad < 0 or any(net_wad.values()):
        raise NotBalanced(f"fees {fees_wad}")
    state.subaccounts[FEES].cash_wad += fees_wad


def _change_leg(state: State, subaccount: Subaccount, leg: LegChange) -> None:
    """Settle one leg, change its size, and count it in the open interest."""
    if leg.size_delta_wad % LOT_WAD:
        raise OffQuantum(str(leg.size_delta_wad))
    held = subaccount.legs.get(leg.market)
    size = 0
    if held is not None:
        size = held.size_wad
        subaccount.cash_wad += exact(size, leg.index_wad - held.index_wad)
    after = size + leg.size_delta_wad
    if after:
        subaccount.legs[leg.market] = Position(after, leg.index_wad)
    elif held is not None:
        del subaccount.legs[leg.market]
    grown = max(after, 0) - max(size, 0)
    if grown:
        state.market(leg.market).open_interest_wad += grown
