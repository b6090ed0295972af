"""The insurance fund on a state: a tranche per market and a global one, which is number 0.

Their sum is the cash of the pot INSURANCE but for what the fund's own positions have made since they were
last reconciled. Twin: solidity/src/l2/settlement/InsuranceFund.sol
"""

from typing import Final

from optimistic.protocol.settlement.ledger import move
from optimistic.protocol.settlement.portfolio import withdrawable_now
from optimistic.protocol.settlement.rate_line import DAY_S
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import State
from optimistic.protocol.settlement.types import BAD_DEBT, INSURANCE, MarketId, SubaccountId
from optimistic.protocol.settlement.units import WAD
from optimistic.protocol.types import Address

GLOBAL: Final = MarketId(0)
"""The tranche that stands behind all markets."""
DAILY_DIVISOR: Final = 2
"""The global tranche pays at most half of itself per day."""
BACKSTOP_LEVERAGE: Final = 10
"""Positions of the fund are worth at most ten times what stands behind them."""
MAX_BACKSTOP_WAD: Final = 10**9 * WAD


def receive(state: State, market: MarketId, from_: SubaccountId, amount_wad: int) -> None:
    """Take a penalty into the tranche of a market."""
    _add(state, market, amount_wad)
    move(state, from_, INSURANCE, amount_wad)


def cover(state: State, market: MarketId, to: SubaccountId, loss_wad: int) -> int:
    """Pay a loss: first the market's tranche, then the global one within what is left of its day.

    Returns
    -------
    What was paid
    """
    paid = 0 if market == GLOBAL else _take(state, market, loss_wad)
    paid += _take_global(state, loss_wad - paid)
    move(state, INSURANCE, to, paid)
    return paid


def reconcile(state: State, market: MarketId) -> None:
    """Bring the tranches to the cash of the pot, after a position of the fund was settled.

    A gain is the market's; so is a loss, then it is the global tranche's; what neither has is bad debt.
    """
    gain = state.subaccounts[INSURANCE].cash_wad - sum(state.tranches_wad.values())
    if gain >= 0:
        _add(state, market, gain)
        return
    loss = -gain - _take(state, market, -gain)
    loss -= _take(state, GLOBAL, loss)
    move(state, BAD_DEBT, INSURANCE, loss)


def donate(state: State, sender: Address, market: MarketId, from_: SubaccountId, amount_wad: int) -> None:
    """Give cash of a subaccount of the sender to a tranche, as much as might be withdrawn.

    Raises
    ------
    Refused
    """
    if state.owner_of(from_) != sender:
        raise Refused("NotOwner()")
    _, most = withdrawable_now(state, from_)
    if amount_wad > most:
        raise Refused("NotWithdrawable(int256)", most)
    receive(state, market, from_, amount_wad)


def set_backstop(state: State, market: MarketId, notional_wad: int) -> None:
    """Cap the notional of the fund's own positions in a market; raises `Refused`."""
    if notional_wad > MAX_BACKSTOP_WAD:
        raise Refused("OutOfBounds(bytes32)", "backstopNotionalWad")
    state.fund.backstops_wad[market] = notional_wad


def backstop(state: State, market: MarketId) -> int:
    """Return the greatest notional the fund's own position in a market may have."""
    backed = state.tranches_wad.get(market, 0) + state.tranches_wad.get(GLOBAL, 0)
    return min(state.fund.backstops_wad.get(market, 0), BACKSTOP_LEVERAGE * backed)


def _add(state: State, market: MarketId, amount_wad: int) -> None:
    """Change a tranche."""
    state.tranches_wad[market] = state.tranches_wad.get(market, 0) + amount_wad


def _take(state: State, market: MarketId, wanted_wad: int) -> int:
    """Take what there is of an amount; return it."""
    taken = min(wanted_wad, state.tranches_wad.get(market, 0))
    _add(state, market, -taken)
    return taken


def _take_global(state: State, wanted_wad: int) -> int:
    """The same of the global tranche, within what it may pay today."""
    if not wanted_wad:
        return 0
    fund, today = state.fund, state.now_s // DAY_S
    held = state.tranches_wad.get(GLOBAL, 0)
    left = fund.left_wad if fund.day == today else held // DAILY_DIVISOR
    taken = _take(state, GLOBAL, min(wanted_wad, left))
    fund.day, fund.left_wad = today, left - taken
    return taken
