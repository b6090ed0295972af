"""The exchange of one aggregator, complete: core, settlement, follower, and the loops that drive them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optimistic.node.exchange.exchange import Around, Exchange
from optimistic.node.exchange.follower import Follower
from optimistic.node.exchange.options import ExchangeOptions
from optimistic.node.exchange.ports import ChainPort
from optimistic.node.exchange.receipts import ReceiptSigner
from optimistic.node.exchange.service import ExchangeService
from optimistic.node.exchange.settler import Settler
from optimistic.protocol.settlement.state import State
from optimistic.service.lifecycle import Step
from optimistic.service.signer import Signer

_TICK_S: Final = 0.01
_SETTLE_S: Final = 0.02
_FOLLOW_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeKeys:
    """What the exchange signs with."""

    receipts: ReceiptSigner
    settlement: Signer
    """Pays for transactions on L2; nobody else may use it."""


class ExchangeHouse:
    """Puts the parts together.

    Parameters
    ----------
    folder : of the exchange's log; one process at a time (the node's data folder is locked)
    chain : the node
    keys, options, around : see the parts

    Raises
    ------
    CorruptStorage : the log is damaged
    """

    def __init__(
        self,
        folder: Path,
        chain: ChainPort,
        keys: ExchangeKeys,
        options: ExchangeOptions,
        around: Around,
    ) -> None:
        self.core = Exchange(folder, State(), keys.receipts, options, around)
        self.service = ExchangeService(self.core)
        self.settler = Settler(self.core, chain, keys.settlement)
        self.follower = Follower(self.core, chain, self.settler)
        self.follower.start()
        self.core.end_connections()

    def loops(self) -> list[tuple[str, Step, float]]:
        """Return (name, one turn, seconds between turns) of each part that runs by itself."""
        return [
            ("exchange", self.core.tick, _TICK_S),
            ("exchange_settler", self.settler.step, _SETTLE_S),
            ("exchange_follower", self.follower.step, _FOLLOW_S),
        ]

    def turn(self) -> bool:
        """Let every part take one turn, and the follower all it can; return whether any did something."""
        progressed = [self.core.tick()]
        while self.follower.step():
            progressed.append(True)
        progressed.append(self.settler.step())
        return any(progressed)

    def close(self) -> None:
        """Release the log."""
        self.core.close()
