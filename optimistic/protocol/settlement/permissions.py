"""What an owner says about its orders without a trade: which are dead, and who else may sign them.

Twin: `raiseNonceFloor` and `setSessionKey` of solidity/src/libraries/settlement/SignedEntries.sol
"""

from optimistic.protocol.settlement.clearing import SCOPE_TRADE
from optimistic.protocol.settlement.refusals import Refused
from optimistic.protocol.settlement.state import SessionKey, State
from optimistic.protocol.types import ZERO_ADDRESS, Address


def raise_nonce_floor(state: State, owner: Address, floor: int) -> None:
    """Kill all orders of an owner with a nonce below the floor; raises `Refused`."""
    last = state.nonce_floors.get(owner, 0)
    if floor <= last:
        raise Refused("FloorNotRaised(uint64)", last)
    state.nonce_floors[owner] = floor


def set_session_key(state: State, owner: Address, key: Address, session: SessionKey) -> None:
    """Let another key sign for an owner, or no longer; raises `Refused`."""
    if key == ZERO_ADDRESS or session.scope > SCOPE_TRADE:
        raise Refused("InvalidSessionKey()")
    state.session_keys[owner, key] = session
