"""The risk governor on a state: what is changed late, and the guardian's word about a market.

What a call does is its target's matter. Twin: solidity/src/l2/settlement/RiskGovernor.sol
"""

from typing import Final

from optimistic.protocol.constants import COLLATERAL, INSURANCE_FUND, MARKETS, PRICE_ORACLE, RISK_GOVERNOR
from optimistic.protocol.hashing import abi_words, keccak256
from optimistic.protocol.settlement.markets import status_now
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import Market, State
from optimistic.protocol.settlement.types import MarketId, MarketStatus
from optimistic.protocol.types import Address, Hash32

LONG_DELAY_S: Final = 48 * 3_600
SHORT_DELAY_S: Final = 24 * 3_600
EXECUTION_WINDOW_S: Final = 14 * 86_400
"""Calls agreed to long ago must not come into force in a world nobody thought of."""
TIGHTEN_S: Final = 24 * 3_600
COOLDOWN_S: Final = 24 * 3_600
_DELAYS: Final = {
    PRICE_ORACLE: LONG_DELAY_S,
    COLLATERAL: LONG_DELAY_S,
    RISK_GOVERNOR: LONG_DELAY_S,
    MARKETS: SHORT_DELAY_S,
    INSURANCE_FUND: SHORT_DELAY_S,
}
_SET_STATUS: Final = keccak256(b"setStatus(uint32,uint8)")[:4]
_SELECTOR_BYTES: Final = 4
_WORD_BYTES: Final = 32


def delay_s(target: Address) -> int:
    """Return how long a call of a contract waits; raises `Refused` for all that have no parameters."""
    if target not in _DELAYS:
        raise Refused("NotATarget(address)", target)
    return _DELAYS[target]


def call_id(target: Address, data: bytes, salt: Hash32) -> Hash32:
    """Return the name of a scheduled call: keccak256(abi.encode(target, data, salt))."""
    padding = bytes(-len(data) % _WORD_BYTES)
    head = abi_words(target, 3 * _WORD_BYTES, salt, len(data))
    return keccak256(head + data + padding)


def schedule(state: State, sender: Address, target: Address, data: bytes, salt: Hash32) -> Hash32:
    """Let a call wait; return its name. Raises `Refused`."""
    _require_owner(state, sender)
    ready = state.now_s + delay_s(target)
    id_, times = call_id(target, data, salt), state.governance.ready_at
    if id_ in times and state.now_s <= times[id_] + EXECUTION_WINDOW_S:
        raise Refused("AlreadyScheduled(bytes32)", id_)
    times[id_] = ready
    return id_


def execute(state: State, sender: Address, target: Address, data: bytes, salt: Hash32) -> None:
    """Take a call out of the wait whose time has come; what it does comes after it. Raises `Refused`."""
    _require_owner(state, sender)
    id_, times = call_id(target, data, salt), state.governance.ready_at
    ready = times.pop(id_, 0)
    if not ready:
        raise Refused("NotScheduled(bytes32)", id_)
    if state.now_s < ready:
        raise Refused("NotReady(uint64)", ready)
    if state.now_s > ready + EXECUTION_WINDOW_S:
        raise Refused("Expired(uint64)", ready + EXECUTION_WINDOW_S)
    _end_guardians_word(state, target, data)


def cancel(state: State, sender: Address, target: Address, data: bytes, salt: Hash32) -> None:
    """Forget a scheduled call; the guardian may, unless it is about the offices. Raises `Refused`."""
    governance, id_ = state.governance, call_id(target, data, salt)
    if sender != governance.owner and (sender != governance.guardian or target == RISK_GOVERNOR):
        raise Refused("NotOwner()")
    if id_ not in governance.ready_at:
        raise Refused("NotScheduled(bytes32)", id_)
    del governance.ready_at[id_]


def set_up(state: State, sender: Address, target: Address, data: bytes) -> None:
    """Let a call be made at once, before the governor is sealed; raises `Refused`."""
    _require_owner(state, sender)
    _require_unsealed(state)
    delay_s(target)
    _end_guardians_word(state, target, data)


def seal(state: State, sender: Address) -> None:
    """End the set-up for ever; raises `Refused`."""
    _require_owner(state, sender)
    _require_unsealed(state)
    state.governance.is_sealed = True


def tighten(state: State, sender: Address, market_id: MarketId) -> None:
    """Make an open market reduce-only for a day by the guardian's word; raises `Refused`."""
    governance = state.governance
    if sender != governance.guardian:
        raise Refused("NotGuardian()")
    cool = governance.cool_until.get(market_id, 0)
    if state.now_s < cool:
        raise Refused("InCooldown(uint64)", cool)
    if status_now(_listed(state, market_id), state.now_s) is not MarketStatus.OPEN:
        raise Refused("NotOpen(uint32)", market_id)
    until = state.now_s + TIGHTEN_S
    governance.tight_until[market_id], governance.cool_until[market_id] = until, until + COOLDOWN_S
    state.markets[market_id].status = MarketStatus.REDUCE_ONLY


def loosen(state: State, sender: Address, market_id: MarketId) -> None:
    """End the guardian's word: the guardian at any time, others when its day is over. Raises `Refused`.

    Whoever changed the status since has the last word.
    """
    governance = state.governance
    until = governance.tight_until.get(market_id)
    if until is None:
        raise Refused("NotTightened(uint32)", market_id)
    if state.now_s < until and sender != governance.guardian:
        raise Refused("StillTightened(uint64)", until)
    del governance.tight_until[market_id]
    market = state.markets[market_id]
    if status_now(market, state.now_s) is MarketStatus.REDUCE_ONLY:
        market.status = MarketStatus.OPEN


def _end_guardians_word(state: State, target: Address, data: bytes) -> None:
    """Governance's own word about a market ends the guardian's."""
    if (
        target == MARKETS
        and data[:_SELECTOR_BYTES] == _SET_STATUS
        and len(data) >= _SELECTOR_BYTES + _WORD_BYTES
    ):
        market = int.from_bytes(data[_SELECTOR_BYTES : _SELECTOR_BYTES + _WORD_BYTES], "big")
        state.governance.tight_until.pop(MarketId(market), None)


def _listed(state: State, market_id: MarketId) -> Market:
    """A market that there is."""
    if market_id not in state.markets:
        raise Refused("UnknownMarket(uint32)", market_id)
    return state.markets[market_id]


def _require_owner(state: State, sender: Address) -> None:
    """What only the owner may."""
    if sender != state.governance.owner:
        raise Refused("NotOwner()")


def _require_unsealed(state: State) -> None:
    """What nobody may once the governor is sealed."""
    if state.governance.is_sealed:
        raise Refused("AlreadySealed()")
