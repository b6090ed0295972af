"""Transactions that cannot run now but may soon: kept, tried again ever more rarely, given up in the end.

A deposit that L1 reorganised away usually returns some blocks later. What its
owner sent in between was acknowledged, so it is not dropped at once.
"""

from dataclasses import dataclass
from typing import Final

from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock

TEMPORARY: Final = frozenset({"insufficient_funds", "nonce_too_high"})
"""Reasons that other transactions or deposits can remove."""

_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0
_GIVE_UP_AFTER_S: Final = 1_800.0
_MOST: Final = 50_000


@dataclass(slots=True)
class _Wait:
    since_s: float
    pause_s: float
    next_s: float


class Patience:
    """Belongs to the sequencer's thread.

    Parameters
    ----------
    clock : monotonic time
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: dict[Hash32, _Wait] = {}

    def may_try(self, tx_hash: Hash32) -> bool:
        """Return whether a transaction did not fail just now."""
        wait = self._waits.get(tx_hash)
        return wait is None or wait.next_s <= self._clock.monotonic_s()

    def is_exhausted_by(self, tx_hash: Hash32, reason: str) -> bool:
        """Note a failure; return whether the transaction should be given up."""
        now_s = self._clock.monotonic_s()
        wait = self._waits.get(tx_hash)
        too_long = wait is not None and now_s - wait.since_s > _GIVE_UP_AFTER_S
        if reason not in TEMPORARY or too_long or (wait is None and len(self._waits) >= _MOST):
            self._waits.pop(tx_hash, None)
            return True
        if wait is None:
            self._waits[tx_hash] = _Wait(now_s, _FIRST_PAUSE_S, now_s + _FIRST_PAUSE_S)
        else:
            wait.pause_s = min(2 * wait.pause_s, _LONGEST_PAUSE_S)
            wait.next_s = now_s + wait.pause_s
        return False

    def ended(self, tx_hash: Hash32) -> None:
        """Forget a transaction that ran."""
        self._waits.pop(tx_hash, None)

    def hurry(self) -> None:
        """Let everything be tried again now: balances changed from outside."""
        now_s = self._clock.monotonic_s()
        for wait in self._waits.values():
            wait.next_s = now_s
