"""An aggregator's exchange with its API: the parts put together on a node."""

import gc
from dataclasses import dataclass, field
from typing import Final

import structlog

from optimistic.node.api.bond import BondReader
from optimistic.node.api.chain_view import NodeView
from optimistic.node.api.intake import UnsignedReceipts
from optimistic.node.api.options import ApiOptions
from optimistic.node.api.server import ApiServer
from optimistic.node.exchange.exchange import Around
from optimistic.node.exchange.house import ExchangeHouse, ExchangeKeys
from optimistic.node.exchange.node_chain import NodeChain
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.node import Node
from optimistic.node.rpc.backend import RpcBackend, method_table
from optimistic.node.rpc.dispatch import Dispatcher
from optimistic.node.rpc.feed import ChainFeed
from optimistic.node.rpc.local import LocalTransport
from optimistic.node.rpc.options import RpcOptions
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.l1_client import L1Client
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.receipt_bond import NoReceiptBond, ReceiptBond
from optimistic.service.signer import Signer
from optimistic.service.wal import SyncPolicy

log = structlog.get_logger(__name__)

_FOLDER: Final = "exchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingOptions:
    """What the operator may set."""

    exchange: ExchangeOptions = field(default_factory=ExchangeOptions)
    api: ApiOptions = field(default_factory=ApiOptions)


class TradingFloor:
    """Exchange and API of a node; they run with the node and end with it.

    Parameters
    ----------
    node : an aggregator that is not running yet
    key : 32 bytes; signs receipts and pays for settlement on L2, nobody else may use it
    """

    def __init__(
        self,
        node: Node,
        key: bytes,
        options: TradingOptions,
        *,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        clock = clock if clock is not None else SystemClock()
        metrics = metrics if metrics is not None else NoopMetrics()
        chain_id, account = node.params.l2_chain_id, Signer(key)
        self.account: Address = account.address
        """Needs ether on L2."""
        self.house = ExchangeHouse(
            node.config.data_dir / _FOLDER,
            NodeChain(node.store, node.head_state, node.gateway, account.address),
            ExchangeKeys(receipts=UnsignedReceipts(key, chain_id), settlement=account),
            options.exchange,
            Around(clock=clock, metrics=metrics),
        )
        node.on_close(self.house.close)
        self._bond = _bond_of(node, account.address, clock)
        self._sync = options.exchange.sync_policy
        view = NodeView(local_client(node, clock), clock)
        self.api = ApiServer(
            self.house.service,
            view,
            chain_id,
            options.api,
            clock=clock,
            metrics=metrics,
            receipt_key=key,
            bond=self._bond,
        )
        node.on_close(self.api.stop)
        for name, step, interval_s in self.house.loops():
            node.add_loop(name, step, interval_s)

    def start(self) -> None:
        """Catch up with the chain and open the API.

        Raises
        ------
        PortTaken : the API cannot listen where the options say
        ApiNotStarted : its workers did not come up
        """
        while self.house.follower.step():
            pass
        # What lives as long as the process need not be looked through while orders wait.
        gc.collect()
        gc.freeze()
        self._warn_of_power_cuts()
        self.api.start()

    def _warn_of_power_cuts(self) -> None:
        """Log what is at stake if the log may lose what has receipts."""
        bond = None if self._bond is None else self._bond.read()
        if bond is not None and int(bond.amount_wei) and self._sync is not SyncPolicy.EACH:
            log.warning(
                "receipt_bond_at_risk",
                amount_wei=bond.amount_wei,
                reason="a power cut may take orders that have receipts: run with --exchange-sync each",
            )


def _bond_of(node: Node, signer: Address, clock: Clock) -> BondReader | None:
    """Return what reads the bond of the exchange's key; None if the rollup has no contract for it."""
    try:
        return BondReader(ReceiptBond.of(node.client, node.deployment), signer, clock)
    except NoReceiptBond:
        return None


def local_client(node: Node, clock: Clock) -> L1Client:
    """Return a client of a node of the same process, which needs no socket."""
    options = RpcOptions()
    backend = RpcBackend(
        reader=node.store, nodes=node.nodes, pool=node.pool, sync=node.deriver, rollup=node.params
    )
    methods = method_table(backend, options, ChainFeed(node.store))
    return L1Client(LocalTransport(Dispatcher(methods, options.limits)), clock=clock)
