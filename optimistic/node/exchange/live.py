"""What the exchange holds in memory: live orders, and trades on their way to the chain."""

from dataclasses import dataclass, field
from enum import IntEnum

from optimistic.node.exchange.commands import Place, PlaceQuotes
from optimistic.protocol.settlement.orders import leaf_key
from optimistic.protocol.types import Address, Hash32


class Kind(IntEnum):
    """How an order came into the book."""

    LIMIT = 0
    STOP = 1
    TWAP = 2


@dataclass(slots=True, eq=False)
class Message:
    """What an owner signed once: an order, or the root of many."""

    command: Place | PlaceQuotes
    owner: Address
    owner_key: int
    """The owner's number in the engine."""
    digest: Hash32


@dataclass(slots=True, eq=False)
class LiveOrder:
    """One order from its number in the log to the settlement of its last trade."""

    id: int
    message: Message
    leaf: int
    """Index among the quotes of the message; -1: the message is this order."""
    kind: Kind
    is_buy: bool
    ticks: int
    lots: int
    """At first."""
    open: int
    """Lots that may still trade."""
    reserved: tuple[int, int] = (0, 0)
    """(lots, ticks) counted against its subaccount."""
    shown: tuple[int, int] = (0, 0)
    """(ticks, lots) counted in its level of the visible book."""
    ts_ms: int = 0

    @property
    def owner(self) -> Address:
        """Whose it is."""
        return self.message.owner

    @property
    def subaccount(self) -> int:
        """Whose position it changes."""
        return self.message.command.subaccount

    @property
    def market(self) -> int:
        """Where it trades."""
        return self.message.command.market

    @property
    def key(self) -> Hash32:
        """What names it on the chain."""
        digest = self.message.digest
        return digest if self.leaf < 0 else leaf_key(digest, self.leaf)

    @property
    def client_id(self) -> bytes:
        """The owner's own name for it; of quotes only the first has one."""
        return self.message.command.client_id if self.leaf <= 0 else b""

    @property
    def is_reduce_only(self) -> bool:
        """Whether it may only reduce."""
        command = self.message.command
        return isinstance(command, Place) and bool(command.flags & 1)


@dataclass(slots=True, eq=False)
class Trade:
    """A match."""

    id: int
    market: int
    ticks: int
    lots: int
    taker_is_buy: bool
    maker: LiveOrder
    taker: LiveOrder

    @property
    def taker_lots(self) -> int:
        """Change of the taker's position."""
        return self.lots if self.taker_is_buy else -self.lots


@dataclass(slots=True, eq=False)
class Batch:
    """Trades in one transaction."""

    number: int
    nonce: int
    tx_hash: Hash32
    raw: bytes
    trades: list[Trade]
    """None left: it did nothing, and only its nonce still matters."""
    block: int | None = None
    """In which its nonce was used, or a later one; None while it waits."""
    busted: frozenset[int] = field(default_factory=frozenset)
    """Ids of the trades the chain left out."""
