"""Holds the mirror to the invariants of settlement while the exchange runs.

The contracts keep them; if they ever do not, or the mirror has lost something, an operator must know at once.
"""

from typing import Final

import structlog

from optimistic.protocol.settlement import invariants
from optimistic.protocol.settlement.state import State
from optimistic.service.metrics import Metrics

log = structlog.get_logger(__name__)

_BLOCKS_BETWEEN: Final = 16


class Auditor:
    """Checks every so many blocks; says what is broken when that changes.

    The metric `settlement_invariants_broken` counts what does not hold: anything above zero is an emergency.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._last_block = -_BLOCKS_BETWEEN
        self._broken: list[str] = []

    def look(self, state: State, block: int) -> None:
        """Check a state that is complete up to a block, unless a check is recent."""
        if 0 <= block - self._last_block < _BLOCKS_BETWEEN:
            return
        self._last_block = block
        broken = invariants.broken(state)
        self._metrics.gauge("settlement_invariants_broken", len(broken))
        if broken == self._broken:
            return
        self._broken = broken
        for what in broken:
            log.critical("settlement_invariant_broken", block=block, what=what)
