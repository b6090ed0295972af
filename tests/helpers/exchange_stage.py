"""An exchange in front of a real node with the real contracts."""

from pathlib import Path
from typing import Any

from optimistic.node.exchange.exchange import Around
from optimistic.node.exchange.house import ExchangeHouse, ExchangeKeys
from optimistic.node.exchange.node_chain import NodeChain
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.node.exchange.signed_messages import place_of
from optimistic.service.signer import Signer
from tests.helpers.settlement_setup import PERPETUAL
from tests.helpers.settlement_world import SettlementWorld, Trader
from tests.helpers.watchtower_stage import ETHER

RECEIPT_KEY = bytes(31) + b"\x11"
SETTLEMENT_KEY = bytes(31) + b"\x12"


class ExchangeStage:
    """A settlement world whose trades come from an exchange."""

    def __init__(self, world: SettlementWorld, folder: Path, options: ExchangeOptions | None = None) -> None:
        self.world = world
        self.folder = folder
        self.options = options if options is not None else ExchangeOptions()
        self.events: list[Any] = []
        self.settlement = Signer(SETTLEMENT_KEY)
        world.deposit(self.settlement.address, 10 * ETHER)
        world.turn(world.node, times=2)
        self.house = self.open()

    def open(self) -> ExchangeHouse:
        """Start the exchange, again on the same log."""
        node = self.world.node
        chain = NodeChain(node.store, node.head_state, node.gateway, self.settlement.address)
        keys = ExchangeKeys(
            receipts=ReceiptSigner(RECEIPT_KEY, self.world.params.l2_chain_id), settlement=self.settlement
        )
        house = ExchangeHouse(self.folder, chain, keys, self.options, Around(clock=self.world.clock))
        house.core.subscribe(lambda published: self.events.extend(published.events))
        while house.follower.step():
            pass
        return house

    def place(self, trader: Trader, lots: int, ticks: int, **extras: Any) -> Any:
        """Send an order of a trader; positive lots buy."""
        signed = self.world.signed(
            trader, abs(lots), ticks, is_buy=lots > 0, market=extras.pop("market", PERPETUAL)
        )
        [answer] = self.house.core.submit([place_of(signed, **extras)])
        return answer

    def turn(self, times: int = 1) -> None:
        """Let the exchange and the node take turns."""
        for _ in range(times):
            self.house.turn()
            self.world.turn(self.world.node)
            self.house.turn()
