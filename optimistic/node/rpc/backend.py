"""Puts the RPC together from the parts of a node.

A node calls :func:`make_server`, then tells the server about chain changes and
the feed about transactions that the pool took::

    server = make_server(backend, options)
    chain.on_change(lambda change: server.chain_changed())
    gateway.on_accepted(server.transaction_accepted)
    server.start()
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from optimistic.node.chain_reader import ChainReader
from optimistic.node.rpc.debug import Debug
from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.node.rpc.eth_blocks import EthBlocks
from optimistic.node.rpc.eth_call import EthCall
from optimistic.node.rpc.eth_fees import EthFees
from optimistic.node.rpc.eth_logs import EthLogs
from optimistic.node.rpc.eth_state import EthState
from optimistic.node.rpc.eth_tx import EthTx
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.filters import Filters
from optimistic.node.rpc.net import Net
from optimistic.node.rpc.options import RpcOptions
from optimistic.node.rpc.ports import SyncSource, TransactionPool
from optimistic.node.rpc.registry import MethodTable
from optimistic.node.rpc.rollup import Rollup
from optimistic.node.rpc.server import RpcServer
from optimistic.node.rpc.simulation import Simulator
from optimistic.node.rpc.subscriptions import SubscriptionHub
from optimistic.node.rpc.withdrawals import Withdrawals
from optimistic.protocol.mpt import NodeStore
from optimistic.protocol.params import RollupParams


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcBackend:
    """The parts of a node that answer its clients."""

    reader: ChainReader
    nodes: NodeStore
    """Trie nodes and code."""
    pool: TransactionPool
    sync: SyncSource
    rollup: RollupParams


def method_table(
    backend: RpcBackend, options: RpcOptions, feed: ChainFeed, clock: Callable[[], float] = time.monotonic
) -> MethodTable:
    """Every method by name.

    Parameters
    ----------
    backend : the node's parts
    options : limits
    feed : what happens on the chain
    clock : monotonic seconds, for the expiry of filters
    """
    reader, pool, rollup, limits = backend.reader, backend.pool, backend.rollup, options.limits
    logs = EthLogs(reader, limits)
    simulator = Simulator(reader, backend.nodes, rollup)
    groups = (
        Net(rollup, backend.sync),
        EthBlocks(reader, rollup),
        EthState(reader, backend.nodes, pool, limits),
        EthTx(reader, pool, rollup),
        EthFees(reader, pool, rollup, limits),
        EthCall(simulator),
        logs,
        Filters(feed, logs, limits, clock),
        Debug(reader, simulator, limits),
        Rollup(reader, pool, rollup),
        Withdrawals(reader, backend.nodes),
    )
    return {name: method for group in groups for name, method in group.methods().items()}


def make_server(backend: RpcBackend, options: RpcOptions) -> RpcServer:
    """A server over `backend`, not yet started.

    Raises
    ------
    InvalidRpcOptions : the options contradict themselves.
    """
    options.check()
    feed = ChainFeed(backend.reader)
    dispatcher = Dispatcher(method_table(backend, options, feed), options.limits)
    hub = SubscriptionHub(backend.rollup, options.limits)
    return RpcServer(dispatcher, hub, feed, options)
