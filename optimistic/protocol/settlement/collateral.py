"""What comes in and goes out, on a state: withdrawals wait for their turn and are judged again then.

Twin: solidity/src/l2/settlement/Collateral.sol
"""

from typing import Final

from optimistic.protocol.settlement.bounds import (
    MIN_DAILY_PIPS,
    MIN_HOURLY_PIPS,
    collateral_out_of_bounds,
)
from optimistic.protocol.settlement.ledger import move, open_subaccount
from optimistic.protocol.settlement.markets import refresh
from optimistic.protocol.settlement.portfolio import collateral_values, withdrawable_now
from optimistic.protocol.settlement.rate_line import RateLine
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import State, Subaccount, Withdrawal
from optimistic.protocol.settlement.types import (
    INSURANCE,
    PENDING,
    VAULT,
    Asset,
    CollateralSettings,
    FeedId,
    SubaccountId,
)
from optimistic.protocol.settlement.units import pips_up
from optimistic.protocol.types import ZERO_ADDRESS, Address

MAX_WITHDRAWALS: Final = 8
"""Of one subaccount: the most a liquidation may have to cancel."""


def credit_token(state: State, owner: Address, id_: SubaccountId, amount: int) -> None:
    """Credit units of the token that the gateway took; to a new subaccount if `id_` is another's.

    Raises
    ------
    InvalidOwner : the owner is the zero address
    """
    if owner == ZERO_ADDRESS or state.owner_of(id_) != owner:
        id_ = open_subaccount(state, owner)
    move(state, VAULT, id_, amount * state.queue.token_unit_wad)


def deposit_ether(state: State, sender: Address, id_: SubaccountId, amount_wei: int) -> None:
    """Make ether of the sender collateral of its own subaccount, or of a new one if `id_` is 0.

    Raises
    ------
    Refused
    """
    if not state.governance.is_sealed:
        raise Refused("NotSealed()")
    if not amount_wei:
        raise Refused("ZeroAmount()")
    if not id_:
        id_ = open_subaccount(state, sender)
    _require_owner(state, sender, id_)
    total = state.queue.total_ether_wei + amount_wei
    if state.collateral is None or total > state.collateral.ether_cap_wei:
        raise Refused("OverCap(uint256)", total)
    state.queue.total_ether_wei = total
    state.subaccounts[id_].ether_wei += amount_wei


def request(
    state: State, sender: Address, id_: SubaccountId, asset: Asset, amount: int, recipient: Address
) -> int:
    """Ask for a withdrawal; what is asked for is no margin any more.

    Parameters
    ----------
    amount : in units of the token, or in wei

    Returns
    -------
    Its number

    Raises
    ------
    Refused
    """
    _require_owner(state, sender, id_)
    if not amount:
        raise Refused("ZeroAmount()")
    if recipient == ZERO_ADDRESS:
        raise Refused("InvalidRecipient()")
    if len(pending_of(state, id_)) == MAX_WITHDRAWALS:
        raise Refused("TooManyWithdrawals(uint64)", id_)
    _require_may_leave(state, id_, asset, amount)
    if asset is Asset.CASH:
        move(state, id_, PENDING, amount * state.queue.token_unit_wad)
    else:
        state.subaccounts[id_].ether_wei -= amount
    return enqueue(state, id_, asset, amount, recipient)


def enqueue(state: State, id_: SubaccountId, asset: Asset, amount: int, recipient: Address) -> int:
    """Give a withdrawal a place in the line of its asset; return its number.

    Its turn is never in the second of the request: prices move between the two checks.
    """
    queue, line, time = state.queue, line_of(state, asset), state.now_s + 1
    counted = amount * queue.token_unit_wad if asset is Asset.CASH else amount
    place, ready_at = line.place_of(counted), line.ready_at(counted, time)
    _set_line(state, asset, line.joined(place, time))
    queue.last_number += 1
    queue.waiting[queue.last_number] = Withdrawal(id_, asset, amount, recipient, ready_at, place)
    return queue.last_number


def line_of(state: State, asset: Asset) -> RateLine:
    """Return the line of an asset; settings that were never made count as the least there may be."""
    settings, ends = state.collateral or _UNSET, state.queue.line_ends_wad[asset]
    hourly = max(settings.hourly_pips, MIN_HOURLY_PIPS)
    daily = max(settings.daily_pips, MIN_DAILY_PIPS)
    if asset is Asset.ETHER:
        base = max(state.queue.total_ether_wei, settings.ether_cap_wei)
        return RateLine(pips_up(base, hourly), pips_up(base, daily), *ends)
    held = -state.subaccounts[VAULT].cash_wad
    hourly_limit = max(settings.hourly_floor_wad, pips_up(held, hourly))
    return RateLine(hourly_limit, max(settings.daily_floor_wad, pips_up(held, daily)), *ends)


def release(state: State, number: int) -> Withdrawal:
    """Let a withdrawal leave whose turn has come, if it might be asked for now; return it.

    Raises
    ------
    Refused
    """
    withdrawal = _find(state, number)
    if state.now_s < withdrawal.ready_at:
        raise Refused("NotReady(uint64)", withdrawal.ready_at)
    _give_back(state, withdrawal)
    _require_may_leave(state, withdrawal.subaccount, withdrawal.asset, withdrawal.amount)
    if withdrawal.asset is Asset.CASH:
        move(state, withdrawal.subaccount, VAULT, withdrawal.amount * state.queue.token_unit_wad)
    else:
        state.subaccounts[withdrawal.subaccount].ether_wei -= withdrawal.amount
    forget_released(state, number)
    return withdrawal


def forget_released(state: State, number: int) -> None:
    """Take a withdrawal that has left out of the queue; its place in the line stays taken."""
    withdrawal = state.queue.waiting.pop(number)
    if withdrawal.asset is Asset.ETHER:
        state.queue.total_ether_wei -= withdrawal.amount


def cancel(state: State, sender: Address, number: int) -> None:
    """Put a withdrawal back into the subaccount it came from; raises `Refused`."""
    withdrawal = _find(state, number)
    _require_owner(state, sender, withdrawal.subaccount)
    _give_back(state, withdrawal)
    forget_cancelled(state, number)


def cancel_all(state: State, id_: SubaccountId) -> None:
    """Put all pending withdrawals back into a subaccount."""
    for number, withdrawal in pending_of(state, id_).items():
        _give_back(state, withdrawal)
        forget_cancelled(state, number)


def forget_cancelled(state: State, number: int) -> None:
    """Take a withdrawal out of the queue and give its place in the line back."""
    withdrawal = state.queue.waiting.pop(number)
    _set_line(state, withdrawal.asset, line_of(state, withdrawal.asset).left(withdrawal.place))


def transfer(state: State, sender: Address, from_: SubaccountId, to: SubaccountId, amount_wad: int) -> None:
    """Move cash between two subaccounts of the sender, bounded like a withdrawal; raises `Refused`."""
    _require_owner(state, sender, from_)
    _require_owner(state, sender, to)
    if amount_wad <= 0:
        raise Refused("ZeroAmount()")
    _require_cash_may_leave(state, from_, amount_wad)
    move(state, from_, to, amount_wad)


def seize_ether(state: State, id_: SubaccountId) -> None:
    """Make all ether of a subaccount ether of the insurance fund."""
    subaccount = state.subaccounts[id_]
    state.queue.total_ether_wei -= subaccount.ether_wei
    state.subaccounts[INSURANCE].ether_wei += subaccount.ether_wei
    subaccount.ether_wei = 0


def set_settings(state: State, settings: CollateralSettings) -> None:
    """Let ether count, and cash and ether leave, as governance says; raises `Refused`."""
    parameter = collateral_out_of_bounds(settings)
    if parameter is not None:
        raise Refused("OutOfBounds(bytes32)", parameter)
    counts = settings.ether_cap_wei or state.queue.total_ether_wei
    if counts and settings.ether_feed not in state.feeds:
        raise Refused("UnknownFeed(uint32)", settings.ether_feed)
    state.collateral = settings


def pending_of(state: State, id_: SubaccountId) -> dict[int, Withdrawal]:
    """Return what a subaccount has asked for and not got, by number."""
    return {number: one for number, one in state.queue.waiting.items() if one.subaccount == id_}


def refresh_legs(state: State, id_: SubaccountId) -> bool:
    """Refresh the markets a subaccount holds; return whether there are any."""
    legs = state.subaccounts[id_].legs
    for market in legs:
        refresh(state, market)
    return bool(legs)


def _find(state: State, number: int) -> Withdrawal:
    """A withdrawal that waits."""
    withdrawal = state.queue.waiting.get(number)
    if withdrawal is None:
        raise Refused("UnknownWithdrawal(uint256)", number)
    return withdrawal


def _set_line(state: State, asset: Asset, line: RateLine) -> None:
    """Keep the ends of a line."""
    state.queue.line_ends_wad[asset] = line.hour_end_wad, line.day_end_wad


def _give_back(state: State, withdrawal: Withdrawal) -> None:
    """Put what waits back where it came from."""
    if withdrawal.asset is Asset.CASH:
        move(state, PENDING, withdrawal.subaccount, withdrawal.amount * state.queue.token_unit_wad)
    else:
        state.subaccounts[withdrawal.subaccount].ether_wei += withdrawal.amount


def _require_owner(state: State, sender: Address, id_: SubaccountId) -> None:
    """Subaccounts are their owner's."""
    if state.owner_of(id_) != sender:
        raise Refused("NotOwner()")


def _require_may_leave(state: State, id_: SubaccountId, asset: Asset, amount: int) -> None:
    """No more is promised than the gateway holds: profits of some are paid by others' cash."""
    if asset is Asset.ETHER:
        _require_ether_may_leave(state, id_, amount)
        return
    amount_wad = amount * state.queue.token_unit_wad
    free = -state.subaccounts[VAULT].cash_wad - state.subaccounts[PENDING].cash_wad
    if amount_wad > free:
        raise Refused("NotWithdrawable(int256)", free)
    _require_cash_may_leave(state, id_, amount_wad)


def _require_cash_may_leave(state: State, id_: SubaccountId, amount_wad: int) -> None:
    """Without positions all cash may leave, whatever the prices."""
    limit = state.subaccounts[id_].cash_wad
    if refresh_legs(state, id_):
        _, limit = withdrawable_now(state, id_)
    if amount_wad > limit:
        raise Refused("NotWithdrawable(int256)", limit)


def _require_ether_may_leave(state: State, id_: SubaccountId, amount_wei: int) -> None:
    """Without value to spare nothing leaves, not even what counts for nothing: margin may be missing."""
    subaccount = state.subaccounts[id_]
    held = subaccount.ether_wei
    if amount_wei > held:
        raise Refused("NotWithdrawable(int256)", held)
    if not refresh_legs(state, id_) and subaccount.cash_wad >= 0:
        return
    lost = _initial_value(state, held) - _initial_value(state, held - amount_wei)
    limit, _ = withdrawable_now(state, id_)
    if lost >= limit:
        raise Refused("NotWithdrawable(int256)", limit)


def _initial_value(state: State, amount_wei: int) -> int:
    """What ether counts in initial margin now."""
    return collateral_values(state, Subaccount(ether_wei=amount_wei))[0]


_UNSET: Final = CollateralSettings(
    ether_feed=FeedId(0), **dict.fromkeys(tuple(CollateralSettings.__dataclass_fields__)[1:], 0)
)
