"""Logs of all that is not trading: what comes in and goes out, the insurance fund, keepers, governance.

The turn of a withdrawal is worked out anew, and compared.
"""

from typing import Final

from optimistic.protocol.constants import COLLATERAL, INSURANCE_FUND, LIQUIDATOR, RISK_GOVERNOR
from optimistic.protocol.settlement import collateral
from optimistic.protocol.settlement.governor import COOLDOWN_S
from optimistic.protocol.settlement.log_words import Event, Words
from optimistic.protocol.settlement.state import CloseRequest, Flag, State
from optimistic.protocol.settlement.types import VAULT, Asset
from optimistic.protocol.types import Hash32

_WITHDRAWAL: Final = "(uint64,uint8,uint128,address,uint64)"


def _deposited(state: State, words: Words) -> None:
    """Collateral came in; the first cash says what a unit of the token is worth."""
    _, asset, amount = words.subaccount(), Asset(words.uint()), words.uint()
    queue = state.queue
    if asset is Asset.ETHER:
        queue.total_ether_wei += amount
    elif amount and not queue.token_unit_wad:
        queue.token_unit_wad = -state.subaccounts[VAULT].cash_wad // amount


def _requested(state: State, words: Words) -> None:
    """A withdrawal joined the line; its turn is worked out anew."""
    number, id_, asset, amount = words.uint(), words.subaccount(), Asset(words.uint()), words.uint()
    recipient, ready_at = words.address(), words.uint()
    joined = collateral.enqueue(state, id_, asset, amount, recipient)
    if joined != number or state.queue.waiting[number].ready_at != ready_at:
        raise LookupError("another turn")


def _released(state: State, words: Words) -> None:
    """A withdrawal has left."""
    collateral.forget_released(state, words.uint())


def _cancelled(state: State, words: Words) -> None:
    """A withdrawal came back."""
    collateral.forget_cancelled(state, words.uint())


def _backstop(state: State, words: Words) -> None:
    """A new cap on the positions of the insurance fund."""
    id_ = words.market()
    state.fund.backstops_wad[id_] = words.uint()


def _global_left(state: State, words: Words) -> None:
    """The global tranche paid, and what it may still pay on this day."""
    state.fund.day, state.fund.left_wad = words.uint(), words.uint()


def _flagged(state: State, words: Words) -> None:
    """A subaccount had too little margin."""
    id_, _ = words.subaccount(), words.address()
    state.flags[id_] = Flag(words.uint(), words.uint())


def _unflagged(state: State, words: Words) -> None:
    """A subaccount has enough again, or nothing left."""
    del state.flags[words.subaccount()]


def _close_requested(state: State, words: Words) -> None:
    """An owner asked for a position to be closed, or a part of it was: what is left."""
    key = words.subaccount(), words.market()
    request = CloseRequest(words.int(), words.uint())
    if request.size_wad:
        state.close_requests[key] = request
    else:
        del state.close_requests[key]


def _scheduled(state: State, words: Words) -> None:
    """A call of the governor waits."""
    id_ = Hash32(words.word())
    words.address(), words.word()
    state.governance.ready_at[id_] = words.uint()


def _unscheduled(state: State, words: Words) -> None:
    """A call was made or cancelled."""
    del state.governance.ready_at[Hash32(words.word())]


def _sealed(state: State, _: Words) -> None:
    """The set-up is over."""
    state.governance.is_sealed = True


def _tightened(state: State, words: Words) -> None:
    """The guardian made a market reduce-only."""
    id_, until = words.market(), words.uint()
    state.governance.tight_until[id_], state.governance.cool_until[id_] = until, until + COOLDOWN_S


def _loosened(state: State, words: Words) -> None:
    """The guardian's word about a market is over."""
    del state.governance.tight_until[words.market()]


def _owner(state: State, words: Words) -> None:
    """Somebody else governs."""
    state.governance.owner = words.address()


def _guardian(state: State, words: Words) -> None:
    """Somebody else guards."""
    state.governance.guardian = words.address()


OFFICE_EVENTS: Final = (
    Event(COLLATERAL, "Deposited(uint64,uint8,uint256)", _deposited),
    Event(COLLATERAL, f"WithdrawalRequested(uint256,{_WITHDRAWAL})", _requested),
    Event(COLLATERAL, "WithdrawalReleased(uint256,bytes32)", _released),
    Event(COLLATERAL, "WithdrawalCancelled(uint256)", _cancelled),
    Event(INSURANCE_FUND, "CapsChanged(uint32,uint256)", _backstop),
    Event(INSURANCE_FUND, "GlobalLeft(uint64,uint256)", _global_left),
    Event(LIQUIDATOR, "Flagged(uint64,address,uint64,uint64)", _flagged),
    Event(LIQUIDATOR, "Unflagged(uint64)", _unflagged),
    Event(LIQUIDATOR, "CloseRequested(uint64,uint32,int256,uint64)", _close_requested),
    Event(RISK_GOVERNOR, "Scheduled(bytes32,address,bytes,uint64)", _scheduled),
    Event(RISK_GOVERNOR, "Executed(bytes32,address,bytes)", _unscheduled),
    Event(RISK_GOVERNOR, "Cancelled(bytes32)", _unscheduled),
    Event(RISK_GOVERNOR, "Sealed()", _sealed),
    Event(RISK_GOVERNOR, "Tightened(uint32,uint64)", _tightened),
    Event(RISK_GOVERNOR, "Loosened(uint32)", _loosened),
    Event(RISK_GOVERNOR, "OwnerChanged(address)", _owner),
    Event(RISK_GOVERNOR, "GuardianChanged(address)", _guardian),
)
"""Of Collateral, InsuranceFund, Liquidator and RiskGovernor; what a trade depends on is in `events`."""
