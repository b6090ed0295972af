"""Answers to questions: markets, orders, positions, margin, fills, money in and out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, TypeVar

from optimistic.node.api.bond import BondReader, ExchangeOut
from optimistic.node.api.channels import unknown_market
from optimistic.node.api.errors import ApiError, Code
from optimistic.node.api.history import Entry, History, sequence_of
from optimistic.node.api.own_events import fills
from optimistic.node.api.ports import ChainView, DepositInfo, WithdrawalInfo
from optimistic.node.api.replies import (
    DepositOut,
    FillOut,
    GateOut,
    LimitsOut,
    MarginOut,
    MarketOut,
    MarketsOut,
    OrderOut,
    PositionOut,
    StatusOut,
    WithdrawableOut,
    WithdrawalOut,
    done_out,
    hex_of,
)
from optimistic.node.api.sessions import Rights, not_covered
from optimistic.node.exchange.events import OrderDone
from optimistic.node.exchange.ports import AccountInfo, ExchangePort, MarketInfo, OpenOrder, PositionInfo
from optimistic.protocol.constants import CLEARING
from optimistic.protocol.settlement.orders import POST_ONLY, REDUCE_ONLY, TIME_IN_FORCE_SHIFT
from optimistic.protocol.settlement.types import Limits
from optimistic.protocol.settlement.units import LOT_WAD, PIPS, QUANTUM_WAD
from optimistic.service.settlement_contracts import Asset

_TIMES_IN_FORCE: Final = ("gtc", "gtd", "ioc", "fok")
_Own = TypeVar("_Own", OrderOut, FillOut)


class Queries:
    """Reads for the API; each may block for a moment, so they run on worker threads.

    Parameters
    ----------
    exchange, view : whom to ask
    history : what happened lately
    chain_id : of L2
    bond : of the exchange's key; None if L1 has no contract for it
    """

    def __init__(
        self,
        exchange: ExchangePort,
        view: ChainView,
        history: History,
        chain_id: int,
        bond: BondReader | None = None,
    ) -> None:
        self._exchange = exchange
        self._view = view
        self._history = history
        self._chain_id = chain_id
        self._bond = bond

    def markets(self) -> MarketsOut:
        """Return all markets with their limits."""
        found = [_market_out(info, self._view.limits(info.market)) for info in self._exchange.markets()]
        return MarketsOut(
            chain_id=self._chain_id,
            clearing=hex_of(CLEARING),
            receipt_signer=hex_of(self._exchange.status().signer),
            markets=found,
        )

    def exchange(self) -> ExchangeOut:
        """Return who signs receipts, and what it has at stake."""
        return ExchangeOut(
            chain_id=self._chain_id,
            clearing=hex_of(CLEARING),
            receipt_signer=hex_of(self._exchange.status().signer),
            bond=None if self._bond is None else self._bond.read(),
        )

    def market(self, number: int) -> MarketOut:
        """Return one market."""
        for info in self._exchange.markets():
            if info.market == number:
                return _market_out(info, self._view.limits(number))
        raise unknown_market(number)

    def status(self) -> StatusOut:
        """Return heads, counters and gates."""
        status = self._exchange.status()
        gates = [
            GateOut(name=gate.name, is_open=gate.is_open, reason=gate.reason, opens_at=gate.opens_at)
            for gate in self._view.gates()
        ]
        return StatusOut(
            sequence=sequence_of(status.group),
            live_orders=status.live_orders,
            unsettled_trades=status.unsettled_trades,
            chain_block=status.chain_block,
            posted_block=status.posted_block,
            final_block=status.final_block,
            is_overloaded=status.is_overloaded,
            is_stopped=status.is_stopped,
            gates=gates,
        )

    # ------------------------------------------------------------------------------ own

    def subaccounts(self, rights: Rights) -> list[int]:
        """Return the subaccounts of a caller."""
        return [number for number in self._exchange.subaccounts(rights.owner) if rights.cover(number)]

    def orders(
        self, rights: Rights, entries: Sequence[Entry], market: int | None, limit: int
    ) -> list[OrderOut]:
        """Return open orders, oldest first, then those that are over by `entries`."""
        live = (_open_out(order) for order in self._exchange.open_orders(rights.owner))
        return list(islice(_of_caller(chain(live, _over(entries)), rights, market), limit))

    def order(self, rights: Rights, entries: Sequence[Entry], order_id: int) -> OrderOut:
        """Return one order, open or over."""
        live = self._exchange.order(rights.owner, order_id=order_id)
        for order in _of_caller(_over(entries) if live is None else [_open_out(live)], rights):
            if order.order_id == order_id:
                return order
        raise ApiError(Code.UNKNOWN_ORDER, f"{hex_of(rights.owner)} has had no order {order_id} lately")

    def fills(
        self, rights: Rights, entries: Sequence[Entry], market: int | None, limit: int
    ) -> list[FillOut]:
        """Return the fills among an owner's events, in their order."""
        found = fills(self._history, rights.owner, entries)
        return list(islice(_of_caller(found, rights, market), limit))

    def account(self, rights: Rights, subaccount: int) -> AccountInfo:
        """Return a subaccount of the caller.

        Raises
        ------
        ApiError : there is none, it is somebody else's, or the login is not for it
        """
        found = self._exchange.account(subaccount)
        if found is None:
            raise ApiError(Code.UNKNOWN_SUBACCOUNT, f"there is no subaccount {subaccount}")
        if found.owner != rights.owner:
            raise ApiError(Code.NOT_AUTHORISED, f"subaccount {subaccount} is not of {hex_of(rights.owner)}")
        if not rights.cover(subaccount):
            raise not_covered(f"subaccount {subaccount}", rights)
        return found

    def positions(self, rights: Rights, subaccount: int) -> list[PositionOut]:
        """Return the positions of a subaccount."""
        return [_position_out(position) for position in self.account(rights, subaccount).positions]

    def margin(self, rights: Rights, subaccount: int) -> MarginOut:
        """Return the margin of a subaccount, line by line."""
        return margin_out(self.account(rights, subaccount), self._view.withdrawable_wad(subaccount))

    def deposits(self, rights: Rights, subaccount: int, limit: int) -> list[DepositOut]:
        """Return deposits of a subaccount, newest first."""
        self.account(rights, subaccount)
        return [self._deposit_out(info) for info in self._view.deposits(subaccount, limit)]

    def withdrawals(self, rights: Rights, subaccount: int, limit: int) -> list[WithdrawalOut]:
        """Return withdrawals of a subaccount, newest first."""
        self.account(rights, subaccount)
        return [self._withdrawal_out(info) for info in self._view.withdrawals(subaccount, limit)]

    def withdrawable(
        self, rights: Rights, subaccount: int, asset: Asset, amount: int | None
    ) -> WithdrawableOut:
        """Return what may leave a subaccount, and when an amount (the most, if None) could."""
        self.account(rights, subaccount)
        found = self._view.outflow(subaccount, asset)
        amount = found.most if amount is None else amount
        return WithdrawableOut(
            subaccount=subaccount,
            asset=asset.name.lower(),
            most=str(found.most),
            at_once=str(found.at_once),
            reason=found.reason,
            amount=str(amount),
            ready_at=found.ready_at(amount),
        )

    def _deposit_out(self, info: DepositInfo) -> DepositOut:
        return DepositOut(
            subaccount=info.subaccount,
            asset=info.asset,
            amount=str(info.amount),
            block=info.block,
            transaction_hash=hex_of(info.tx_hash),
            finality=self._exchange.finality(info.block).value,
        )

    def _withdrawal_out(self, info: WithdrawalInfo) -> WithdrawalOut:
        return WithdrawalOut(
            number=info.number,
            subaccount=info.subaccount,
            asset=info.asset,
            amount=str(info.amount),
            recipient=hex_of(info.recipient),
            ready_at=info.ready_at,
            status=info.status,
            block=info.block,
            message_key=None if info.message_key is None else hex_of(info.message_key),
            finality=self._exchange.finality(info.block).value,
        )


def _of_caller(found: Iterable[_Own], rights: Rights, market: int | None = None) -> Iterator[_Own]:
    """Yield what a caller may see, of one market if it is named."""
    return (item for item in found if rights.cover(item.subaccount) and market in (None, item.market))


def _over(entries: Iterable[Entry]) -> Iterator[OrderOut]:
    """Yield the orders that ended among an owner's events."""
    return (
        done_out(entry.event, entry.sequence, entry.ts_ms)
        for entry in entries
        if isinstance(entry.event, OrderDone)
    )


def margin_out(account: AccountInfo, withdrawable_wad: int) -> MarginOut:
    """Return the margin of a subaccount; health is rounded down."""
    lines = account.positions
    worst = max(lines, key=lambda line: line.maintenance_wad, default=None)
    maintenance_wad = account.maintenance_wad
    return MarginOut(
        subaccount=account.subaccount,
        cash_wad=str(account.cash_wad),
        equity_wad=str(account.equity_wad),
        initial_equity_wad=str(account.initial_equity_wad),
        initial_wad=str(account.initial_wad),
        maintenance_wad=str(maintenance_wad),
        reserved_wad=str(account.reserved_wad),
        free_wad=str(account.initial_equity_wad - account.initial_wad - account.reserved_wad),
        health_pips=account.equity_wad * PIPS // maintenance_wad if maintenance_wad else None,
        withdrawable_wad=str(withdrawable_wad),
        worst_market=None if worst is None else worst.market,
        lines=[_position_out(line) for line in lines],
        block=account.block,
    )


def _position_out(position: PositionInfo) -> PositionOut:
    return PositionOut(
        market=position.market,
        settled_wad=str(position.settled_wad),
        matched_wad=str(position.matched_wad),
        mark_wad=str(position.mark_wad),
        unsettled_pnl_wad=str(position.unsettled_pnl_wad),
        notional_wad=str(position.notional_wad),
        initial_wad=str(position.initial_wad),
        maintenance_wad=str(position.maintenance_wad),
    )


def _open_out(order: OpenOrder) -> OrderOut:
    return OrderOut(
        order_id=order.order_id,
        client_id=order.client_id.decode(errors="replace"),
        subaccount=order.subaccount,
        market=order.market,
        state="open",
        side="buy" if order.is_buy else "sell",
        ticks=order.ticks,
        lots=order.lots,
        lots_left=order.lots_left,
        kind=order.kind,
        time_in_force=_TIMES_IN_FORCE[order.flags >> TIME_IN_FORCE_SHIFT],
        post_only=bool(order.flags & POST_ONLY),
        reduce_only=bool(order.flags & REDUCE_ONLY),
        display_lots=order.display,
        expiry=order.expiry,
        order_hash=hex_of(order.order_hash),
        time_ms=order.ts_ms,
    )


def _market_out(info: MarketInfo, limits: Limits | None) -> MarketOut:
    return MarketOut(
        market=info.market,
        feed=info.feed,
        kind=info.kind,
        status=info.status,
        expiry=info.expiry,
        tick_wad=str(info.tick_wad),
        lot_wad=str(info.lot_wad),
        price_quantum_wad=str(QUANTUM_WAD),
        size_quantum_wad=str(LOT_WAD),
        taker_fee_pips=info.taker_fee_pips,
        maker_fee_pips=info.maker_fee_pips,
        index_wad=str(info.index_wad),
        mark_wad=str(info.mark_wad),
        funding_8h_wad=str(info.funding_wad),
        priced_at=info.priced_at,
        open_interest_wad=str(info.open_interest_wad),
        limits=None if limits is None else _limits_out(limits),
    )


def _limits_out(limits: Limits) -> LimitsOut:
    return LimitsOut(
        initial_pips=limits.initial_pips,
        size_margin_pips=limits.size_margin_pips,
        maintenance_pips=limits.maintenance_pips,
        volatility_pips=limits.volatility_pips,
        mark_band_pips=limits.mark_band_pips,
        open_interest_cap_wad=str(limits.open_interest_cap_wad),
        position_cap_wad=str(limits.position_cap_wad),
        min_notional_wad=str(limits.min_notional_wad),
    )
