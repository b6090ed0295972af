"""An exchange without log, chain and margin: a real book behind the real port, for what is in front."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from optimistic.node.api.ports import DepositInfo, Gate, WithdrawalInfo
from optimistic.node.exchange.answers import Ack, Answer, Refusal, Reject
from optimistic.node.exchange.archive import Recalled
from optimistic.node.exchange.commands import (
    Cancel,
    Command,
    DeadMan,
    MassCancel,
    Place,
    PlaceQuotes,
    Replace,
    Shrink,
)
from optimistic.node.exchange.events import (
    BookChanged,
    ExchangeEvent,
    Finality,
    HeadsMoved,
    OrderChanged,
    OrderDone,
    OrderOpened,
    Party,
    Published,
    Traded,
    TradeSettled,
)
from optimistic.node.exchange.ports import (
    AccountInfo,
    BookSnapshot,
    Listener,
    MarketInfo,
    OpenOrder,
    PositionInfo,
    Prepared,
    Status,
)
from optimistic.node.exchange.receipts import GENESIS_RECEIPT, Receipt, ReceiptSigner, SignedReceipt
from optimistic.protocol.matching.engine import Engine
from optimistic.protocol.matching.events import Done, Fill, Rejected, Requeued, Resized
from optimistic.protocol.matching.types import Order, PostOnly, Reason, Side, Terms, TimeInForce
from optimistic.protocol.settlement.orders import Order as SignedOrder
from optimistic.protocol.settlement.orders import (
    Quotes,
    Steps,
    domain_separator,
    order_digest,
    quotes_digest,
)
from optimistic.protocol.settlement.quote_trees import Leaf, QuoteTree
from optimistic.protocol.settlement.rate_line import RateLine
from optimistic.protocol.settlement.types import Limits, MarketId, SubaccountId
from optimistic.protocol.types import Address, Hash32
from optimistic.service.outflow import Outflow
from optimistic.service.settlement_contracts import Asset

CHAIN_ID = 4_201
MARKET = 1
STEPS = Steps(10**17, 10**15)
"""Ticks of 0.1, lots of 0.001."""
NOW_MS = 1_700_000_000_000
LIMITS = Limits(
    initial_pips=50_000,
    size_margin_pips=1_000,
    maintenance_pips=600_000,
    volatility_pips=1_000_000,
    mark_band_pips=30_000,
    taker_fee_pips=500,
    maker_fee_pips=100,
    open_interest_low_wad=10**24,
    open_interest_high_wad=2 * 10**24,
    open_interest_cap_wad=2 * 10**24,
    position_cap_wad=10**23,
    depth_cap_wad=10**24,
    depth_floor_wad=10**21,
    min_notional_wad=10**19,
)
_RECEIPT_KEY = bytes(31) + b"\x77"


@dataclass
class _Live:
    order_id: int
    owner: Address
    place: Place
    order_hash: Hash32
    lots_left: int


@dataclass
class FakeExchange:
    """One market; `owners` says who has which subaccount."""

    owners: dict[int, Address]
    session_keys: dict[tuple[Address, Address], int] = field(default_factory=dict)
    """The subaccount that each (owner, key) is for; 0: all."""

    def __post_init__(self) -> None:
        self.engine = Engine()
        self.group = -1
        self.seq = 0
        self.listeners: list[Listener] = []
        self.live: dict[int, _Live] = {}
        self.trades: list[Traded] = []
        self.prev = GENESIS_RECEIPT
        self.signer = ReceiptSigner(_RECEIPT_KEY, CHAIN_ID)
        self.decisions: list[int] = []
        """Sizes of the groups that were decided."""
        self.posted = self.final = 0
        self._separator = domain_separator(CHAIN_ID)
        self._depth: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._lock = threading.RLock()

    # ------------------------------------------------------------------------------ in

    def prepare(self, command: Command) -> Prepared | Reject:
        place = command.place if isinstance(command, Replace) else command
        if isinstance(place, Place):
            if place.market != MARKET:
                return Reject(refusal=Refusal.UNKNOWN_MARKET, detail=f"there is no market {place.market}")
            return Prepared(command=command, digest=order_digest(self._separator, _signed(place), STEPS))
        if isinstance(place, PlaceQuotes):
            leaves = [Leaf(i, leaf.is_buy, leaf.lots, leaf.ticks) for i, leaf in enumerate(place.leaves)]
            quotes = Quotes(
                subaccount=SubaccountId(place.subaccount),
                market=MarketId(place.market),
                max_fee_pips=place.max_fee_pips,
                expiry=place.expiry,
                nonce=place.nonce,
                root=QuoteTree(leaves).root,
            )
            return Prepared(command=command, digest=quotes_digest(self._separator, quotes))
        return Prepared(command=command)

    def decide(self, prepared: Sequence[Prepared]) -> list[Answer]:
        with self._lock:
            self.group += 1
            self.decisions.append(len(prepared))
            self._out: list[ExchangeEvent] = []
            before = self._levels()
            answers = [self._one(item) for item in prepared]
            self._note_book(before)
            published = Published(self.group, NOW_MS, tuple(self._out))
            for listener in self.listeners:
                listener(published)
            return answers

    def submit(self, commands: Sequence[Command]) -> list[Answer]:
        raise AssertionError("the API recovers signers itself")

    def _one(self, item: Prepared) -> Answer:
        command = item.command
        if isinstance(command, Place):
            return self._place(command, item)
        if isinstance(command, PlaceQuotes):
            return self._quotes(command, item)
        if isinstance(command, Replace):
            refused = self._refusal(command.place.subaccount, item)
            if refused is not None:
                return refused
            cancelled = self._cancel(command.cancel)
            return cancelled if isinstance(cancelled, Reject) else self._place(command.place, item)
        if isinstance(command, Cancel):
            return self._cancel(command)
        return self._other(command)

    def _other(self, command: Command) -> Answer:
        if isinstance(command, Shrink):
            live = self._find(command)
            if live is None:
                return Reject(refusal=Refusal.UNKNOWN_ORDER)
            self.engine.amend(live.order_id, live.place.ticks, command.lots)
            self._absorb()
            return self._ack(order_id=live.order_id)
        if isinstance(command, MassCancel):
            chosen = [live for live in self.live.values() if self._matches(live, command)]
            for live in chosen:
                self.engine.cancel(live.order_id, Reason.MASS_CANCELLED)
            self._absorb()
            return self._ack(cancelled=len(chosen))
        assert isinstance(command, DeadMan)
        return self._ack()

    def _matches(self, live: _Live, command: MassCancel) -> bool:
        place = live.place
        return (
            live.owner == command.owner
            and command.session in (None, place.session)
            and command.subaccount in (None, place.subaccount)
        )

    def _refusal(self, subaccount: int, item: Prepared) -> Reject | None:
        owner = self.owners.get(subaccount)
        if owner is None:
            return Reject(refusal=Refusal.UNKNOWN_SUBACCOUNT)
        assert item.signer is not None
        if item.signer != owner and (owner, item.signer) not in self.session_keys:
            return Reject(refusal=Refusal.BAD_SIGNATURE, digest=item.digest, recovered=item.signer)
        return None

    def _place(self, place: Place, item: Prepared) -> Answer:
        refused = self._refusal(place.subaccount, item)
        if refused is not None:
            return refused
        assert item.digest is not None
        order_id = self._enter(place, item.digest)
        receipt = self._receipt(item.digest)
        rejected = self._absorb()
        return self._ack(order_id=order_id, receipt=receipt, refused_by_book=rejected)

    def _receipt(self, digest: Hash32) -> SignedReceipt:
        receipt = Receipt(digest, self.seq + 1, self.prev, NOW_MS)
        self.prev = receipt.hash
        return self.signer.sign(receipt)

    def _quotes(self, tree: PlaceQuotes, item: Prepared) -> Answer:
        refused = self._refusal(tree.subaccount, item)
        if refused is not None:
            return refused
        assert item.digest is not None
        ids = []
        for leaf in tree.leaves:
            place = Place(
                subaccount=tree.subaccount,
                market=tree.market,
                is_buy=leaf.is_buy,
                lots=leaf.lots,
                ticks=leaf.ticks,
                max_fee_pips=tree.max_fee_pips,
                expiry=tree.expiry,
                nonce=tree.nonce,
                flags=2 if tree.post_only else 0,
                signature=tree.signature,
                session=tree.session,
            )
            ids.append(self._enter(place, item.digest))
            self._absorb()
        return self._ack(order_id=ids[0], order_ids=tuple(ids), receipt=self._receipt(item.digest))

    def _enter(self, place: Place, digest: Hash32) -> int:
        order_id = len(self.live) + len(self.trades) + self.seq * 1_000 + 1
        while order_id in self.live:
            order_id += 1
        owner = self.owners[place.subaccount]
        self.live[order_id] = _Live(order_id, owner, place, digest, place.lots)
        opened = OrderOpened(
            order_id=order_id,
            client_id=place.client_id,
            owner=owner,
            subaccount=place.subaccount,
            market=place.market,
            is_buy=place.is_buy,
            ticks=place.ticks,
            lots=place.lots,
            order_hash=digest,
            kind="limit",
            expiry=place.expiry,
        )
        self._out.append(opened)
        terms = Terms(
            time_in_force=TimeInForce.IOC if place.flags >> 2 == TimeInForce.IOC else TimeInForce.GTC,
            post_only=PostOnly.REJECT if place.flags & 2 else PostOnly.NO,
        )
        side = Side.BUY if place.is_buy else Side.SELL
        owner_number = int.from_bytes(owner, "big")
        self.engine.place(
            Order(order_id, owner_number, place.subaccount, side, place.ticks, place.lots, terms)
        )
        return order_id

    def _cancel(self, command: Cancel) -> Answer:
        live = self._find(command)
        if live is None:
            return Reject(refusal=Refusal.UNKNOWN_ORDER)
        self.engine.cancel(live.order_id)
        self._absorb()
        return self._ack(order_id=live.order_id, cancelled=1)

    def _find(self, name: Cancel | Shrink) -> _Live | None:
        for live in self.live.values():
            named = live.order_id == name.order_id or (
                name.client_id and live.place.client_id == name.client_id
            )
            own = live.owner == name.owner and name.subaccount in (None, live.place.subaccount)
            if own and named:
                return live
        return None

    def _ack(self, **values: object) -> Ack:
        self.seq += 1
        return Ack(seq=self.seq, ts_ms=NOW_MS, **values)  # type: ignore[arg-type]

    def _absorb(self) -> Reason | None:
        rejected = None
        for event in self.engine.events:
            if isinstance(event, Fill):
                self._trade(event)
            elif isinstance(event, Rejected):
                rejected = event.reason
                self._end(event.order, event.reason, self.live[event.order].lots_left)
            elif isinstance(event, Done):
                self._end(event.order, event.reason, event.lots)
            elif isinstance(event, Resized | Requeued):
                live = self.live[event.order]
                live.lots_left = event.lots
                self._out.append(
                    OrderChanged(live.order_id, live.owner, live.place.market, live.place.ticks, event.lots)
                )
        self.engine.events.clear()
        return rejected

    def _end(self, order_id: int, reason: Reason, lots: int) -> None:
        live = self.live.pop(order_id)
        place = live.place
        self._out.append(
            OrderDone(order_id, place.client_id, live.owner, place.subaccount, place.market, reason, lots)
        )

    def _trade(self, fill: Fill) -> None:
        sides = []
        for order_id, left in ((fill.maker, fill.maker_left), (fill.taker, fill.taker_left)):
            live = self.live[order_id]
            live.lots_left = left
            sides.append(Party(order_id, live.place.client_id, live.owner, live.place.subaccount, left))
        trade = Traded(
            len(self.trades) + 1,
            MARKET,
            fill.price,
            fill.lots,
            fill.taker_side is Side.BUY,
            sides[0],
            sides[1],
        )
        self.trades.append(trade)
        self._out.append(trade)

    # ------------------------------------------------------------------------------ book

    def _levels(self) -> tuple[dict[int, int], dict[int, int]]:
        return dict(self.engine.sides[0].depth(10**9)), dict(self.engine.sides[1].depth(10**9))

    def _note_book(self, before: tuple[dict[int, int], dict[int, int]]) -> None:
        after = self._levels()
        changes = [
            tuple(
                (ticks, new.get(ticks, 0))
                for ticks in sorted(old.keys() | new.keys())
                if old.get(ticks) != new.get(ticks)
            )
            for old, new in zip(before, after, strict=True)
        ]
        if any(changes):
            self._out.append(BookChanged(MARKET, changes[0], changes[1]))

    # ------------------------------------------------------------------------------ out

    def settle(self, block: int) -> None:
        """Let the chain take all trades in one block."""
        events = tuple(
            TradeSettled(
                trade.trade_id, MARKET, trade.maker.owner, trade.taker.owner, block, Hash32(bytes(32)), 7, 11
            )
            for trade in self.trades
        )
        self._publish(events)

    def move_heads(self, posted: int, final: int) -> None:
        """Let L1 know blocks."""
        self.posted, self.final = posted, final
        self._publish((HeadsMoved(posted, final),))

    def _publish(self, events: tuple[ExchangeEvent, ...]) -> None:
        with self._lock:
            self.group += 1
            for listener in self.listeners:
                listener(Published(self.group, NOW_MS, events))

    def filled_lots(self, order_hash: Hash32, index: int = 0) -> int:
        return 0

    def subscribe(self, listener: Listener) -> None:
        self.listeners.append(listener)

    def recall(self) -> Recalled:
        return Recalled(first=self.group + 1, group=self.group, told=())

    def status(self) -> Status:
        return Status(
            group=self.group,
            seq=self.seq,
            live_orders=len(self.live),
            unsettled_trades=0,
            chain_block=9,
            posted_block=self.posted,
            final_block=self.final,
            is_overloaded=False,
            is_stopped=False,
            signer=self.signer.address,
        )

    def markets(self) -> list[MarketInfo]:
        info = MarketInfo(
            market=MARKET,
            feed=1,
            kind="perpetual",
            status="open",
            expiry=0,
            tick_wad=STEPS.tick_wad,
            lot_wad=STEPS.lot_wad,
            taker_fee_pips=500,
            maker_fee_pips=100,
            index_wad=1_000 * 10**18,
            mark_wad=1_001 * 10**18,
            funding_wad=10**14,
            priced_at=NOW_MS // 1_000,
            open_interest_wad=5 * 10**18,
        )
        return [info]

    def book(self, market: int, depth: int = 50) -> BookSnapshot | None:
        if market != MARKET:
            return None
        with self._lock:
            bids, asks = (tuple(side.depth(depth)) for side in self.engine.sides)
            return BookSnapshot(
                market=market, group=self.group, bids=bids, asks=asks, last_ticks=self.engine.last_price
            )

    def open_orders(self, owner: Address) -> list[OpenOrder]:
        with self._lock:
            return [_open(live) for live in self.live.values() if live.owner == owner]

    def order(self, owner: Address, *, order_id: int = 0, client_id: bytes = b"") -> OpenOrder | None:
        with self._lock:
            live = self._find(Cancel(owner=owner, order_id=order_id, client_id=client_id))
            return None if live is None else _open(live)

    def subaccounts(self, owner: Address) -> list[int]:
        return [number for number, other in self.owners.items() if other == owner]

    def account(self, subaccount: int) -> AccountInfo | None:
        owner = self.owners.get(subaccount)
        if owner is None:
            return None
        lines = tuple(
            PositionInfo(
                market=market,
                settled_wad=10**18,
                matched_wad=2 * 10**18,
                mark_wad=1_001 * 10**18,
                unsettled_pnl_wad=-(10**18),
                notional_wad=1_000 * 10**18,
                initial_wad=50 * 10**18,
                maintenance_wad=market * 30 * 10**18,
            )
            for market in (1, 2)
        )
        return AccountInfo(
            subaccount=subaccount,
            owner=owner,
            cash_wad=1_000 * 10**18,
            equity_wad=180 * 10**18,
            initial_equity_wad=180 * 10**18,
            initial_wad=100 * 10**18,
            maintenance_wad=90 * 10**18,
            reserved_wad=5 * 10**18,
            positions=lines,
            block=9,
        )

    def owner(self, subaccount: int) -> Address | None:
        return self.owners.get(subaccount)

    def session_key(self, owner: Address, key: Address) -> int | None:
        return self.session_keys.get((owner, key))

    def finality(self, block: int) -> Finality:
        if block <= self.final:
            return Finality.FINAL
        return Finality.POSTED if block <= self.posted else Finality.SOFT


class FakeView:
    """A chain that says the same always."""

    def limits(self, market: int) -> Limits | None:
        return LIMITS if market == MARKET else None

    def deposits(self, subaccount: int, limit: int) -> list[DepositInfo]:
        deposit = DepositInfo(
            subaccount=subaccount, asset="cash", amount=10**21, block=3, tx_hash=Hash32(bytes(32))
        )
        return [deposit][:limit]

    def withdrawals(self, subaccount: int, limit: int) -> list[WithdrawalInfo]:
        withdrawal = WithdrawalInfo(
            number=1,
            subaccount=subaccount,
            asset="cash",
            amount=10**6,
            recipient=Address(bytes(20)),
            ready_at=NOW_MS // 1_000 + 60,
            status="pending",
            block=8,
            message_key=None,
        )
        return [withdrawal][:limit]

    def withdrawable_wad(self, subaccount: int) -> int:
        return 42 * 10**18

    def outflow(self, subaccount: int, asset: Asset) -> Outflow:
        """Return 42 tokens, of which two leave at once and ten in an hour."""
        unit_wad = 10**12 if asset is Asset.CASH else 1
        return Outflow(
            asset=asset,
            unit_wad=unit_wad,
            most=42 * 10**18 // unit_wad,
            reason="margin needs the rest",
            line=RateLine(10 * 10**18, 100 * 10**18, (NOW_MS // 1_000 + 2_880) * 10**18, 0),
            time_s=NOW_MS // 1_000,
        )

    def gates(self) -> list[Gate]:
        return [
            Gate(
                name="withdrawals", is_open=False, reason="hourly limit is used up", opens_at=NOW_MS // 1_000
            )
        ]


def _signed(place: Place) -> SignedOrder:
    return SignedOrder(
        subaccount=SubaccountId(place.subaccount),
        market=MarketId(place.market),
        is_buy=place.is_buy,
        lots=place.lots,
        ticks=place.ticks,
        max_fee_pips=place.max_fee_pips,
        expiry=place.expiry,
        nonce=place.nonce,
        flags=place.flags,
    )


def _open(live: _Live) -> OpenOrder:
    place = live.place
    return OpenOrder(
        order_id=live.order_id,
        client_id=place.client_id,
        subaccount=place.subaccount,
        market=place.market,
        is_buy=place.is_buy,
        ticks=place.ticks,
        lots_left=live.lots_left,
        lots=place.lots,
        flags=place.flags,
        display=place.display,
        expiry=place.expiry,
        order_hash=live.order_hash,
        kind="limit",
        ts_ms=NOW_MS,
    )
