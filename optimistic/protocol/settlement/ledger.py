"""The ledger on a state: settle legs, change sizes, move cash. It knows no rule of trading.

Cash of all subaccounts, the pots included, and what their legs have gained since they were settled sum to
zero before and after each of these. A state on which one of them has failed is not to be used any more.
Twin: solidity/src/l2/settlement/Ledger.sol
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import POTS, State, Subaccount, UnknownSubaccount
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    FEES,
    INSURANCE,
    MAX_LEGS,
    PENDING,
    VAULT,
    LegChange,
    MarketId,
    Position,
    SubaccountId,
)
from optimistic.protocol.settlement.units import LOT_WAD, QUANTUM_WAD, OffQuantum, exact
from optimistic.protocol.types import ZERO_ADDRESS, Address


class NotBalanced(InvalidInput):
    """The sizes of a market, or the cash, do not sum to zero."""


class TooManyLegs(InvalidInput):
    """A subaccount would hold more legs than it may."""


class InvalidOwner(InvalidInput):
    """Nobody owns the zero address."""


class IndicesDiffer(InvalidInput):
    """Two settlement indices of one market in one call, or another than the last one of a closed market."""


class NegativeAmount(InvalidInput):
    """Cash moves forward only."""


class WrongSign(InvalidInput):
    """A pot would hold what it never holds."""


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
    Refused : there is no such margin mode
    """
    if margin_mode:
        raise Refused("InvalidMarginMode(uint8)", margin_mode)
    if owner == ZERO_ADDRESS:
        raise InvalidOwner("zero")
    id_ = state.next_subaccount
    state.subaccounts[id_] = Subaccount(owner=owner, margin_mode=margin_mode)
    state.next_subaccount = SubaccountId(id_ + 1)
    return id_


def move(state: State, from_: SubaccountId, to: SubaccountId, amount_wad: int) -> None:
    """Move cash between two subaccounts; a user's may fall below zero.

    Raises
    ------
    NegativeAmount, UnknownSubaccount
    WrongSign : VAULT or BAD_DEBT would be above zero, FEES or PENDING below
    """
    if amount_wad < 0:
        raise NegativeAmount(str(amount_wad))
    source, target = state.subaccount(from_), state.subaccount(to)
    source.cash_wad -= amount_wad
    target.cash_wad += amount_wad
    for id_ in (from_, to):
        cash = state.subaccounts[id_].cash_wad
        if cash * _SIGNS.get(id_, 0) < 0:
            raise WrongSign(str(id_))


def settle(state: State, changes: Sequence[SubaccountChange]) -> None:
    """Settle legs up to the indices given, change sizes and cash; what cash is missing to zero goes to FEES.

    Raises
    ------
    UnknownSubaccount : a change of one that is not there, or of a pot other than INSURANCE
    OffQuantum : a size is no whole number of lots, an index off its quantum
    TooManyLegs : of one subaccount
    IndicesDiffer : value would come out of nothing
    NotBalanced : sizes of a market do not sum to zero, or the fees would fall
    """
    net_wad: dict[MarketId, int] = {}
    indices: dict[MarketId, int] = dict(state.closed_at)
    sum_wad = 0
    for change in changes:
        subaccount = state.subaccount(change.id)
        if change.id in _NEVER_TRADE:
            raise UnknownSubaccount(str(change.id))
        for leg in change.legs:
            if indices.setdefault(leg.market, leg.index_wad) != leg.index_wad:
                raise IndicesDiffer(str(leg.market))
            subaccount.cash_wad += _change_leg(state, subaccount, leg)
            net_wad[leg.market] = net_wad.get(leg.market, 0) + leg.size_delta_wad
        if len(subaccount.legs) > MAX_LEGS:
            raise TooManyLegs(str(change.id))
        subaccount.cash_wad += change.cash_delta_wad
        sum_wad += change.cash_delta_wad
    if sum_wad > 0 or any(net_wad.values()):
        raise NotBalanced(str(sum_wad))
    state.subaccounts[FEES].cash_wad -= sum_wad


def close(state: State, market: MarketId, index_wad: int, ids: Sequence[SubaccountId]) -> None:
    """Settle and end positions of a market that has ended; each by itself, because the index is the last.

    Raises
    ------
    IndicesDiffer : the market was closed at another index
    """
    if state.closed_at.setdefault(market, index_wad) != index_wad:
        raise IndicesDiffer(str(market))
    for id_ in ids:
        subaccount = state.subaccounts.get(id_)
        if subaccount is not None and market in subaccount.legs:
            leg = LegChange(market, -subaccount.legs[market].size_wad, index_wad)
            subaccount.cash_wad += _change_leg(state, subaccount, leg)


def _change_leg(state: State, subaccount: Subaccount, leg: LegChange) -> int:
    """Settle one leg, change its size, count it in the open interest; return what it gained."""
    if leg.size_delta_wad % LOT_WAD or leg.index_wad % QUANTUM_WAD:
        raise OffQuantum(f"{leg.size_delta_wad} at {leg.index_wad}")
    held = subaccount.legs.get(leg.market)
    size, gain = 0, 0
    if held is not None:
        size = held.size_wad
        gain = exact(size, leg.index_wad - held.index_wad)
    after = size + leg.size_delta_wad
    if after:
        subaccount.legs[leg.market] = Position(after, leg.index_wad)
    elif held is not None:
        del subaccount.legs[leg.market]
    grown = max(after, 0) - max(size, 0)
    if grown:
        state.market(leg.market).open_interest_wad += grown
    return gain


_SIGNS: Final = {VAULT: -1, BAD_DEBT: -1, FEES: 1, PENDING: 1}
"""Which sign the cash of a pot has, if it is not zero."""
_NEVER_TRADE: Final = tuple(pot for pot in POTS if pot != INSURANCE)
