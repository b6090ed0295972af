"""An aggregator with its exchange as a process that is started on one folder again and again.

Processes are forked from one that has imported everything, so a start costs what the exchange takes to
recover.
"""

import multiprocessing
import os
import socket
import sys
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from optimistic.node.api.options import ApiLimits, ApiOptions
from optimistic.node.batcher import BatcherOptions
from optimistic.node.config import NodeConfig
from optimistic.node.exchange.options import ExchangeOptions, SettlementOptions
from optimistic.node.node import Node, Signers, Surroundings
from optimistic.node.rpc.options import RpcOptions
from optimistic.node.sequencer import SequencerOptions
from optimistic.node.trading import TradingFloor, TradingOptions
from optimistic.service.deployment import Deployment
from optimistic.service.embedded_chain import dev_keys
from optimistic.service.l1_client import L1Client
from optimistic.service.logging import configure_logging
from optimistic.service.signer import Signer

SEQUENCER: Final = 0
EXCHANGE_KEY: Final = bytes(31) + b"\x12"
EXCHANGE: Final = ExchangeOptions(
    snapshot_every=300,
    segment_bytes=64_000,
    settlement=SettlementOptions(max_trades=12, max_age_ms=20, resend_ms=500),
)
_forks: Final = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, kw_only=True)
class Seat:
    """Where an aggregator works."""

    folder: Path
    deployment_file: Path
    l1_url: str
    rpc_port: int
    api_port: int

    def open(self) -> tuple[Node, TradingFloor]:
        """Put the parts together; the caller closes the node."""
        deployment = Deployment.load(self.deployment_file)
        config = NodeConfig(
            data_dir=self.folder / "data",
            asserts=False,
            l1_poll_ms=100,
            sequencer=SequencerOptions(block_interval_ms=100),
            batcher=BatcherOptions(max_delay_s=1),
            rpc=RpcOptions(port=self.rpc_port),
        )
        client = L1Client.connect(self.l1_url, chain_id=deployment.params.l1_chain_id)
        signers = Signers(sequencer=Signer(dev_keys()[SEQUENCER]))
        node = Node(deployment, config, Surroundings(client=client, signers=signers))
        limits = ApiLimits(anonymous_per_s=100_000, anonymous_burst=100_000)
        api = ApiOptions(port=self.api_port, limits=limits)
        return node, TradingFloor(node, EXCHANGE_KEY, TradingOptions(exchange=EXCHANGE, api=api))

    def start(self) -> BaseProcess:
        """Start a process there."""
        _forks.set_forkserver_preload([__name__])
        process = _forks.Process(target=_serve, args=(self,))
        process.start()
        return process


def _serve(seat: Seat) -> None:
    """Run until told to stop, or killed."""
    with (seat.folder / "aggregator.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    configure_logging(level="info", log_format="json")
    node, floor = seat.open()
    floor.start()
    sys.exit(node.run())


def free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
