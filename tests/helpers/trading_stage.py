"""What traders' programs need of a settlement world: a client of its node, and a clock that makes blocks."""

import threading

from optimistic.node.rpc.backend import RpcBackend, method_table
from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.local import LocalTransport
from optimistic.node.rpc.options import RpcOptions
from optimistic.service.clock import Clock
from optimistic.service.l1_client import L1Client
from tests.helpers.exchange_stage import ExchangeStage
from tests.helpers.settlement_world import SettlementWorld


def node_client(world: SettlementWorld) -> L1Client:
    """A client of the world's node, without a socket."""
    node, options = world.node, RpcOptions()
    backend = RpcBackend(
        reader=node.store, nodes=node.nodes, pool=node.pool, sync=node.deriver, rollup=world.params
    )
    methods = method_table(backend, options, ChainFeed(node.store))
    return L1Client(LocalTransport(Dispatcher(methods, options.limits)), clock=world.clock)


class WorldClock:
    """The time of the world's last L2 block; who waits lets the world take a turn."""

    def __init__(self, world: SettlementWorld, stage: ExchangeStage | None = None) -> None:
        self._world = world
        self._stage = stage
        self._clock: Clock = world.clock

    def time_s(self) -> int:
        return self._world.node.chain.head.timestamp

    def time_ms(self) -> int:
        return self.time_s() * 1_000

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        if self._stage is not None:
            self._stage.turn()
        else:
            self._world.turn(self._world.node)
        return stop.is_set()
