"""Names of transactions for effects that are asked for again until they are seen.

A transaction may end without what it was for: it failed although it should not have, or it was
mined and the effect is missing. Whoever plans from what L1 shows asks for the effect again; it then
gets a new name, and a new transaction, after a pause that doubles.
"""

from typing import Final

from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import TxOutcome, TxStatus

_MAX_WAIT_EXPONENT: Final = 8


class EffectKeys:
    """Gives each effect the key of its present transaction."""

    def __init__(self, manager: TxManager) -> None:
        self._manager = manager
        self._generations: dict[str, int] = {}
        self._ended: dict[str, int] = {}

    def current(self, effect: str, block_number: int) -> tuple[str, TxStatus | None]:
        """Return the key to submit an effect under, and what is known about it.

        Parameters
        ----------
        block_number : of the L1 block in which the effect was found missing
        """
        while True:
            key = f"{effect}#{self._generations.get(effect, 0)}"
            status = self._manager.status(key)
            if status is None or not self._is_spent(status, effect, block_number):
                return key, status
            self._ended.pop(key, None)
            self._generations[effect] = self._generations.get(effect, 0) + 1

    def _is_spent(self, status: TxStatus, effect: str, block_number: int) -> bool:
        """Whether a finished transaction evidently did not have its effect, so that a new one is due.

        The effect of a mined transaction must be visible in the present view; a failed one is tried
        again after a pause that doubles. What ended without a transaction is evaluated anew anyway.
        """
        if not status.is_final or status.outcome in (TxOutcome.ALREADY_DONE, TxOutcome.LOST_RACE):
            return False
        pause = 1 << min(self._generations.get(effect, 0), _MAX_WAIT_EXPONENT)
        ended_at = status.block_number
        if ended_at is None:
            ended_at = self._ended.setdefault(status.key, block_number)
        return block_number >= ended_at + pause
