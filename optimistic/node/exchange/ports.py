"""What the exchange offers to the API in front of it, and what it needs of the chain behind it."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from optimistic.node.exchange.answers import Answer, Reject
from optimistic.node.exchange.archive import Recalled
from optimistic.node.exchange.commands import Command, Place, PlaceQuotes, Replace
from optimistic.node.exchange.events import Finality, Published
from optimistic.protocol.types import Address, Hash32

# ---------------------------------------------------------------------------------- snapshots


class MarketInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What traders need to know about a market."""

    market: int
    feed: int
    kind: str
    """perpetual or future"""
    status: str
    """open, reduce_only, halted (by the chain or the operator) or expired"""
    expiry: int
    """Unix seconds; 0 for a perpetual."""
    tick_wad: int
    lot_wad: int
    taker_fee_pips: int
    maker_fee_pips: int
    index_wad: int
    mark_wad: int
    funding_wad: int
    """Rate per 8 hours."""
    priced_at: int
    open_interest_wad: int


class BookSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Visible lots per level, best first."""

    market: int
    group: int
    """`Published.group` of the last change in it."""
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]
    last_ticks: int | None


class OpenOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A live order."""

    order_id: int
    client_id: bytes
    subaccount: int
    market: int
    is_buy: bool
    ticks: int
    lots_left: int
    lots: int
    """At first."""
    flags: int
    display: int
    """Lots of an iceberg that show at a time; 0: all."""
    expiry: int
    order_hash: Hash32
    kind: str
    """limit, stop or twap"""
    ts_ms: int


class PositionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A position: what the chain holds, and what trades on their way to it will make of it."""

    market: int
    settled_wad: int
    matched_wad: int
    """With the trades that are not settled yet."""
    mark_wad: int
    unsettled_pnl_wad: int
    """Moves to cash at the next touch."""
    notional_wad: int
    initial_wad: int
    maintenance_wad: int


class AccountInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A subaccount with the breakdown of its margin; amounts in WAD."""

    subaccount: int
    owner: Address
    cash_wad: int
    equity_wad: int
    initial_equity_wad: int
    initial_wad: int
    maintenance_wad: int
    reserved_wad: int
    """Initial margin with the worst of the open orders filled, beyond `initial_wad`."""
    positions: tuple[PositionInfo, ...]
    block: int
    """L2 block of the settled part."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """How the exchange fares."""

    group: int
    seq: int
    live_orders: int
    unsettled_trades: int
    chain_block: int
    posted_block: int
    final_block: int
    is_overloaded: bool
    is_stopped: bool
    signer: Address
    """Of receipts."""


Listener = Callable[[Published], None]
"""Called in order, from one thread at a time; must return at once."""


class Prepared(msgspec.Struct, kw_only=True):
    """A command on its way in."""

    command: Command
    digest: Hash32 | None = None
    """What was signed (for `Replace`, of its `place`); None if the command carries no signature."""
    signer: Address | None = None
    """Whom the signature recovers to; to be filled in by who prepared it. Zero: nobody."""

    @property
    def signature(self) -> bytes:
        """64 bytes, EIP-2098; empty if the command carries none."""
        command = self.command.place if isinstance(self.command, Replace) else self.command
        return command.signature if isinstance(command, Place | PlaceQuotes) else b""


# ---------------------------------------------------------------------------------- the API's side


class ExchangePort(Protocol):
    """The exchange; every method may be called from any thread.

    Who sends what (a logged-in owner) is checked by the caller for commands that carry no signature.
    """

    def prepare(self, command: Command) -> Prepared | Reject:
        """Work out what the signer of a command must have signed; reads no clock, takes no lock."""

    def decide(self, prepared: Sequence[Prepared]) -> list[Answer]:
        """Check, log and apply commands whose signers are known, as one group; answers in their order.

        One write; microseconds per command, so an event loop may call it.
        """

    def submit(self, commands: Sequence[Command]) -> list[Answer]:
        """Prepare, recover the signers here and decide: for callers without workers of their own."""

    def filled_lots(self, order_hash: Hash32, index: int = -1) -> int:
        """Return the lots of an order that are settled; `index` is that of a quote."""

    def subscribe(self, listener: Listener) -> None:
        """Hear of everything from the next group on."""

    def recall(self) -> Recalled:
        """Return what owners were told up to the last group, as far back as it is kept."""

    def status(self) -> Status:
        """Return counters and heads."""

    def markets(self) -> list[MarketInfo]:
        """Return all markets."""

    def book(self, market: int, depth: int = 50) -> BookSnapshot | None:
        """Return the best levels; None for an unknown market."""

    def open_orders(self, owner: Address) -> list[OpenOrder]:
        """Return an owner's live orders, oldest first."""

    def order(self, owner: Address, *, order_id: int = 0, client_id: bytes = b"") -> OpenOrder | None:
        """Return a live order of an owner."""

    def subaccounts(self, owner: Address) -> list[int]:
        """Return the subaccounts of an owner."""

    def account(self, subaccount: int) -> AccountInfo | None:
        """Return a subaccount with positions and margin; None if there is none."""

    def owner(self, subaccount: int) -> Address | None:
        """Return whose a subaccount is; None if nobody has opened it."""

    def session_key(self, owner: Address, key: Address) -> int | None:
        """Return the subaccount of `owner` that `key` may trade for now, 0 for all; None for none."""

    def finality(self, block: int) -> Finality:
        """Return how final what happened in an L2 block is."""


# ---------------------------------------------------------------------------------- the chain's side


class ChainHeads(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of L2 blocks."""

    unsafe: int
    posted: int
    """In data on L1 (safe head)."""
    final: int
    """Covered by a confirmed assertion."""


class ChainLog(msgspec.Struct, frozen=True):
    """A log of an executed transaction."""

    address: Address
    topics: tuple[Hash32, ...]
    data: bytes
    tx_hash: Hash32


class ChainBlock(msgspec.Struct, frozen=True, kw_only=True):
    """What the exchange reads of an L2 block."""

    number: int
    hash: Hash32
    parent: Hash32
    timestamp: int
    logs: tuple[ChainLog, ...]


class TxResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a transaction ended."""

    block: int
    succeeded: bool
    gas_used: int
    logs: tuple[ChainLog, ...]


class ChainPort(Protocol):
    """The node's L2 chain."""

    def heads(self) -> ChainHeads:
        """Return the present heads."""

    def block(self, number: int) -> ChainBlock | None:
        """Return a block of the unsafe chain with the logs of settlement contracts."""

    def blocks(self, first: int, last: int) -> list[ChainBlock]:
        """Return blocks first..last inclusive, as far as they exist, in order."""

    def result(self, tx_hash: Hash32) -> TxResult | None:
        """Return how a transaction ended; None while it waits or is unknown."""

    def next_nonce(self) -> int:
        """Return the nonce of the exchange's account after its executed transactions."""

    def submit(self, raw: bytes) -> None:
        """Hand a signed transaction to the node; durable when it returns; harmless if it is known.

        Raises
        ------
        InvalidInput : it can never be executed
        TemporaryError : not now
        """
