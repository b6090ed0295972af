"""Why a fill was left out of a batch.

Twin: enum Bust of solidity/src/types/Settlement.sol
"""

from enum import IntEnum


class Bust(IntEnum):
    """The reason of a fill that took no effect: the first that applies, in this order."""

    NONE = 0
    """The fill took effect."""
    MARKET_NOT_OPEN = 1
    STALE_PRICE = 2
    """No price is fresh enough, or it is fresh enough for fills that only reduce and this one is not."""
    MARKETS_DIFFER = 3
    SAME_SIDE = 4
    SELF_TRADE = 5
    """Maker and taker have one owner."""
    BAD_SIGNATURE = 6
    """Neither the owner nor a session key of the owner signed."""
    UNKNOWN_SUBACCOUNT = 7
    EXPIRED = 8
    NONCE_BELOW_FLOOR = 9
    PRICE = 10
    """The maker's price is zero or worse than the taker's limit."""
    POST_ONLY = 11
    """The taker's order may only make."""
    FEE_CAP = 12
    """The market's fee is above what the order allows."""
    OVERFILLED = 13
    NOT_REDUCING = 14
    OPEN_INTEREST = 15
    """Open interest or a position would grow beyond its cap."""
    TOO_MANY_LEGS = 16
    MARGIN = 17
    """The batch would leave a subaccount of the fill in a state that its margin engine refuses."""
