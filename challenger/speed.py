"""How fast batches are replayed, lane by lane, against what the sequencer may post.

A chain can only be watched if replaying it takes less time than it took to be made: at most half,
by the rates that its parameters promise.
"""

from dataclasses import dataclass
from typing import Final

from optimistic.protocol.derivation import UnitKind, UnitResult
from optimistic.protocol.engine import Lane, Outcome
from optimistic.protocol.params import RollupParams
from optimistic.service.clock import Clock

GENERAL: Final = "general"
SYSTEM: Final = "system"
DEPOSIT: Final = "deposit"
LANES: Final = (GENERAL, SYSTEM, DEPOSIT)

LIMIT_PERCENT: Final = 50
"""Share of the time that replaying may take."""
_MEANINGFUL_GAS: Final = 10_000_000
"""With less gas measured a speed says more about single units than about the lane."""
_MEMORY_GAS: Final = 1_000_000_000
"""After so much gas what was measured before counts half."""


@dataclass(slots=True)
class _Lane:
    gas: int = 0
    seconds: float = 0.0

    def add(self, gas: int, seconds: float) -> None:
        if self.gas > _MEMORY_GAS:
            self.gas //= 2
            self.seconds /= 2
        self.gas += gas
        self.seconds += seconds

    @property
    def gas_per_s(self) -> float | None:
        if self.gas < _MEANINGFUL_GAS or self.seconds <= 0:
            return None
        return self.gas / self.seconds


class SpeedMeter:
    """Measures units as they are replayed; hand `unit` to the replay."""

    def __init__(self, params: RollupParams, clock: Clock) -> None:
        self._rates = {
            GENERAL: params.gas_rate,
            SYSTEM: params.system_gas_rate,
            DEPOSIT: params.deposit_gas_rate,
        }
        self._clock = clock
        self._lanes = {lane: _Lane() for lane in LANES}
        self._last_s = clock.monotonic_s()

    def start(self) -> None:
        """Begin to measure: what passed until now belongs to no unit."""
        self._last_s = self._clock.monotonic_s()

    def unit(self, unit: UnitResult) -> None:
        """Take note of a unit that was just done."""
        now_s = self._clock.monotonic_s()
        seconds, self._last_s = now_s - self._last_s, now_s
        effect = unit.effect
        if not isinstance(effect, Outcome):
            return
        if unit.kind is UnitKind.DEPOSIT:
            self._lanes[DEPOSIT].add(effect.gas_used, seconds)
        elif effect.execution_gas:
            lane = SYSTEM if effect.lane is Lane.SYSTEM else GENERAL
            self._lanes[lane].add(effect.execution_gas, seconds)

    def speeds(self) -> dict[str, float]:
        """Return the gas per second of each lane that was measured long enough."""
        found = {lane: measured.gas_per_s for lane, measured in self._lanes.items()}
        return {lane: speed for lane, speed in found.items() if speed is not None}

    def load_percent(self) -> float:
        """Return the share of time that replaying would take if all lanes were full.

        Sum of rate / speed over the lanes that were measured long enough.
        """
        return 100 * sum(self._rates[lane] / speed for lane, speed in self.speeds().items())
