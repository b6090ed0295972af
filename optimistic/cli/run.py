"""`optimistic run` and `optimistic follow`: the node daemons."""

from collections.abc import Callable
from typing import Any

import click

from optimistic.cli.node_options import (
    Options,
    aggregator_config,
    follower_options,
    replica_config,
    sequencing_options,
    trading_config,
    trading_options,
)
from optimistic.cli.session import KEY_VARIABLE, load_signer
from optimistic.node.config import NodeConfig
from optimistic.node.node import Node, Signers, Surroundings
from optimistic.node.trading import TradingFloor
from optimistic.service.deployment import Deployment
from optimistic.service.health import Health, HealthServer
from optimistic.service.l1_client import L1Client
from optimistic.service.logging import configure_logging
from optimistic.service.metrics import PrometheusMetrics
from optimistic.service.options import FlatEnvCommand, health_of, option
from optimistic.service.signer import Signer, read_key
from optimistic.service.terminal import emit, reports_errors, say


@click.command(cls=FlatEnvCommand)
@follower_options
@sequencing_options
@trading_options
@click.pass_context
@reports_errors
def run(context: click.Context, /, **values: Any) -> None:
    """Run the aggregator: sequence transactions, post batches, assert their state.

    The key is the sequencer's; it is read from --key-file or OPTIMISTIC_PRIVATE_KEY.
    """
    staker = values["staker_key_file"]
    signers = Signers(
        sequencer=load_signer(values["key_file"]),
        staker=None if staker is None else Signer.from_file(staker),
    )
    _serve(context, aggregator_config(values), values, signers, _open_floor(values))


@click.command(cls=FlatEnvCommand)
@follower_options
@option("--confirmations", type=click.IntRange(0, 1_000), default=0, help="Blocks on top before L1 counts.")
@click.pass_context
@reports_errors
def follow(context: click.Context, /, **values: Any) -> None:
    """Run a replica: the same chain and JSON-RPC, rebuilt from L1 alone."""
    _serve(context, replica_config(values), values, None)


def _open_floor(values: Options) -> Callable[[Node, PrometheusMetrics], None]:
    """Return what puts an exchange on a node, if the options ask for one."""

    def add(node: Node, metrics: PrometheusMetrics) -> None:
        file = values["exchange_key_file"]
        if file is None:
            return
        key = read_key(file, KEY_VARIABLE)
        floor = TradingFloor(node, key, trading_config(values), clock=node.clock, metrics=metrics)
        floor.start()
        say(f"exchange at {floor.api.url}; its account 0x{floor.account.hex()} needs ether on L2")

    return add


def _serve(
    context: click.Context,
    config: NodeConfig,
    values: Options,
    signers: Signers | None,
    add: Callable[[Node, PrometheusMetrics], None] | None = None,
) -> None:
    configure_logging(level=values["log_level"], log_format=values["log_format"])
    deployment = Deployment.load(values["deployment"])
    metrics, health = PrometheusMetrics("optimistic"), Health()
    chain_id = deployment.params.l1_chain_id
    client = L1Client.connect(
        values["l1_rpc_url"], chain_id=chain_id, timeout_ms=values["l1_timeout"], metrics=metrics
    )
    around = Surroundings(client=client, signers=signers, metrics=metrics, health=health)
    node = Node(deployment, config, around)
    options = health_of(values)
    if options is not None:
        server = HealthServer(options, health, metrics)
        server.start()
        node.on_close(server.close)
        say(f"health and metrics on port {server.port}")
    if add is not None:
        try:
            add(node, metrics)
        except BaseException:
            node.close()
            raise
    code = node.run()
    if values["as_json"]:
        emit({"exitCode": code})
    context.exit(code)
