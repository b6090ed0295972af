"""What traders' programs need of a settlement world: a client of its node, and a clock that makes blocks."""

import threading

from optimistic.node.trading import local_client
from optimistic.service.clock import Clock
from optimistic.service.l1_client import L1Client
from tests.helpers.settlement_world import SettlementWorld


def node_client(world: SettlementWorld) -> L1Client:
    """A client of the world's node, without a socket."""
    return local_client(world.node, world.clock)


class WorldClock:
    """The time of the world's last L2 block; who waits lets the world take a turn."""

    def __init__(self, world: SettlementWorld) -> None:
        self._world = world
        self._clock: Clock = world.clock

    def time_s(self) -> int:
        return self._world.node.chain.head.timestamp

    def time_ms(self) -> int:
        return self.time_s() * 1_000

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self._world.turn(self._world.node)
        return stop.is_set()
