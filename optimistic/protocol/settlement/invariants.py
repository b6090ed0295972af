"""What holds of every state of settlement, and of every step from one to the next, as executable checks.

====  ===================================================================================================
I1    cash of all subaccounts and pots, and what their legs gained since they were settled, sum to zero
I2    the sizes of a market sum to zero until it is closed, and its open interest is that of the longs
I3    what a step gives some in equity it takes from others
I4    no tranche of the insurance fund is below zero, they are its cash unless it holds positions
I5    a subaccount that traded meets its initial margin, or has only become safer
I6    numbers that only grow: subaccounts, nonce floors, filled lots, times of prices and of funding
I7    a new index takes from one side of a market what it gives to the other
I8    what an exit from a frozen state pays all subaccounts together is at most what the vault holds
I9    the state rebuilt from the logs is the state
I10   a subaccount that nobody touched has the cash and the positions it had
====  ===================================================================================================
"""

from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from optimistic.protocol.settlement.acceptance import is_accepted, is_reducing
from optimistic.protocol.settlement.portfolio import margin_of
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import (
    BAD_DEBT,
    FIRST_SUBACCOUNT,
    INSURANCE,
    MAX_LEGS,
    VAULT,
    MarketId,
    Position,
    SubaccountId,
)
from optimistic.protocol.settlement.units import LOT_WAD, QUANTUM_WAD, WAD

Broken = Iterator[str]
"""What does not hold, each with the number of its invariant in front."""


def broken(state: State) -> list[str]:
    """Return every invariant that a state alone can break, and breaks: I1, I2, I4, I8 and the quanta."""
    checks = (_conservation, _markets, _pots, _exits, _quanta)
    return [what for check in checks for what in check(state)]


def broken_by_step(before: State, after: State, touched: Container[SubaccountId]) -> list[str]:
    """Return every invariant that the way from one state to the next breaks: I3, I6, I7 and I10.

    Parameters
    ----------
    before, after : two states that share nothing
    touched : subaccounts whose cash or legs the step may have changed
    """
    found = [*_zero_sum(before, after), *_growth(before, after), *_index_moves(before, after)]
    return [*found, *_untouched(before, after, touched)]


def broken_by_trade(before: State, after: State, id_: SubaccountId) -> list[str]:
    """Return I5 if a trade took a subaccount where it must not be; both states have the same prices."""
    then, now = before.subaccount(id_).legs, after.subaccount(id_).legs
    markets = [*then, *(market for market in now if market not in then)]
    sizes = [(_size(then, market), _size(now, market)) for market in markets]
    margins = margin_of(before, id_), margin_of(after, id_)
    return [] if is_accepted(*margins, reducing=is_reducing(sizes)) else [f"I5 {id_}: {margins[1]}"]


def exit_payments(state: State) -> dict[SubaccountId, int]:
    """Return what each user's subaccount would be paid if the state froze, in WAD.

    A claim is cash and unsettled gain, at least zero; where the vault holds less than all claims together,
    each is paid the same part of it, rounded down.
    """
    claims = {
        id_: max(0, subaccount.cash_wad + state.unsettled_wad(id_))
        for id_, subaccount in state.subaccounts.items()
        if id_ >= FIRST_SUBACCOUNT
    }
    held, owed = max(0, -state.subaccounts[VAULT].cash_wad), sum(claims.values())
    if owed <= held:
        return claims
    return {id_: claim * held // owed for id_, claim in claims.items()}


def differences(one: State, other: State) -> list[str]:
    """Return where two states differ in what the ledger, the markets and the orders of both say: I9."""
    found = []
    for name, view in _VIEWS.items():
        mine, theirs = view(one), view(other)
        keys = [*mine, *(key for key in theirs if key not in mine)]
        found += [
            f"I9 {name} {key}: {mine.get(key)} {theirs.get(key)}"
            for key in keys
            if mine.get(key) != theirs.get(key)
        ]
    return found


def _conservation(state: State) -> Broken:
    """I1."""
    total = sum(_equity(state, id_) for id_ in state.subaccounts)
    if total:
        yield f"I1 {total}"


def _markets(state: State) -> Broken:
    """I2."""
    for id_, market in state.markets.items():
        sizes = [position.size_wad for _, position in state.positions(id_)]
        longs = sum(size for size in sizes if size > 0)
        balance = 0 if id_ in state.closed_at else sum(sizes)
        if balance or longs != market.open_interest_wad:
            yield f"I2 market {id_}: {balance} {longs} {market.open_interest_wad}"


def _pots(state: State) -> Broken:
    """I4."""
    for id_, amount in state.tranches_wad.items():
        if amount < 0:
            yield f"I4 tranche {id_}: {amount}"
    fund, total = state.subaccounts[INSURANCE], sum(state.tranches_wad.values())
    if not fund.legs and total != fund.cash_wad:
        yield f"I4 tranches {total} {fund.cash_wad}"
    if state.subaccounts[BAD_DEBT].cash_wad > 0:
        yield f"I4 bad debt {state.subaccounts[BAD_DEBT].cash_wad}"


def _exits(state: State) -> Broken:
    """I8."""
    paid, held = sum(exit_payments(state).values()), -state.subaccounts[VAULT].cash_wad
    if paid > max(0, held):
        yield f"I8 {paid} {held}"


def _quanta(state: State) -> Broken:
    """Sizes and indices are on their quanta, or nothing above would be exact."""
    for id_, subaccount in state.subaccounts.items():
        if len(subaccount.legs) > MAX_LEGS:
            yield f"I2 {id_}: {len(subaccount.legs)} legs"
        for market, (size, index) in subaccount.legs.items():
            if not size or size % LOT_WAD or index % QUANTUM_WAD:
                yield f"I2 {id_} market {market}: {size} {index}"


def _zero_sum(before: State, after: State) -> Broken:
    """I3: the vault counts, so deposits and withdrawals are no exception."""
    ids = [*before.subaccounts, *(id_ for id_ in after.subaccounts if id_ not in before.subaccounts)]
    gains = sum(
        (_equity(after, id_) if id_ in after.subaccounts else 0)
        - (_equity(before, id_) if id_ in before.subaccounts else 0)
        for id_ in ids
    )
    if gains:
        yield f"I3 {gains}"


def _growth(before: State, after: State) -> Broken:
    """I6."""
    for name, view in _GROWING.items():
        mine, theirs = view(before), view(after)
        for key, value in mine.items():
            if theirs.get(key, -1) < value:
                yield f"I6 {name} {key}: {value} {theirs.get(key)}"


def _index_moves(before: State, after: State) -> Broken:
    """I7: of the positions as they were."""
    for id_, market in before.markets.items():
        moved = after.markets[id_].settle_index_wad - market.settle_index_wad
        gains = [position.size_wad * moved // WAD for _, position in before.positions(id_)]
        if sum(gains):
            yield f"I7 market {id_}: {sum(gains)}"


def _untouched(before: State, after: State, touched: Container[SubaccountId]) -> Broken:
    """I10."""
    for id_, then in before.subaccounts.items():
        now = after.subaccounts.get(id_)
        if id_ not in touched and (now is None or (now.cash_wad, now.legs) != (then.cash_wad, then.legs)):
            yield f"I10 {id_}"


def _equity(state: State, id_: SubaccountId) -> int:
    """Cash and unsettled gain."""
    return state.subaccounts[id_].cash_wad + state.unsettled_wad(id_)


def _size(legs: Mapping[MarketId, Position], market: MarketId) -> int:
    """Size of a leg, or 0."""
    return legs[market].size_wad if market in legs else 0


def _market_fields(market: Market) -> tuple[Any, ...]:
    """What must be the same of a market."""
    return (
        market.terms,
        market.limits,
        market.status,
        market.open_interest_wad,
        market.index_price_wad,
        market.mark_wad,
        market.settle_index_wad,
        market.funding.rate_wad,
        market.priced_at,
        market.report,
        market.last_trade_wad,
        market.basis_wad,
    )


_VIEWS: dict[str, Callable[[State], Mapping[Any, Any]]] = {
    "subaccount": lambda state: {
        id_: (one.owner, one.margin_mode, one.cash_wad, one.legs, one.ether_wei)
        for id_, one in state.subaccounts.items()
    },
    "next": lambda state: {"": state.next_subaccount},
    "market": lambda state: {id_: _market_fields(market) for id_, market in state.markets.items()},
    "floor": lambda state: {owner: floor for owner, floor in state.nonce_floors.items() if floor},
    "session": lambda state: state.session_keys,
    "tranche": lambda state: {id_: amount for id_, amount in state.tranches_wad.items() if amount},
    "price": lambda state: {id_: (feed.price_wad, feed.timestamp) for id_, feed in state.feeds.items()},
    "fund": lambda state: {"": state.fund},
    "queue": lambda state: {"": state.queue},
    "flag": lambda state: state.flags,
    "close": lambda state: state.close_requests,
    "governance": lambda state: {"": state.governance},
}

_GROWING: dict[str, Callable[[State], Mapping[Any, int]]] = {
    "subaccounts": lambda state: {"": state.next_subaccount},
    "floor": lambda state: state.nonce_floors,
    "filled": lambda state: state.filled_lots,
    "price": lambda state: {id_: feed.timestamp for id_, feed in state.feeds.items()},
    "mark": lambda state: {id_: market.priced_at for id_, market in state.markets.items()},
}
