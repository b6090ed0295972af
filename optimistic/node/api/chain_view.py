"""Answers the API's questions about the chain: limits, money in and out, gates."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from optimistic.node.api.ports import DepositInfo, Gate, WithdrawalInfo
from optimistic.protocol.predeploys import SETTLEMENT_CONTRACTS
from optimistic.protocol.settlement.types import Limits, MarketStatus, PriceUse, SubaccountId
from optimistic.protocol.types import Address, Hash32
from optimistic.service.clock import Clock
from optimistic.service.contract import load_abi
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import Log, LogFilter
from optimistic.service.outflow import NOTHING_UNPROMISED, Outflow, Outflows
from optimistic.service.settlement_contracts import Asset, Markets, MarketView, PriceOracle, StandardMargin

_MARKETS_AGE_S: Final = 5
_RANGE: Final = 5_000
"""Blocks read at once."""


@dataclass(slots=True)
class _Money:
    """Deposits and withdrawals up to a block."""

    deposits: dict[int, list[DepositInfo]]
    withdrawals: dict[int, WithdrawalInfo]
    next_block: int = 0

    def copy(self) -> "_Money":
        deposits = {id_: list(found) for id_, found in self.deposits.items()}
        return replace(self, deposits=deposits, withdrawals=dict(self.withdrawals))


class NodeView:
    """Reads of a rollup node; safe from any thread.

    Money in and out is read from logs. What is on L1 is remembered, the blocks after it are read
    anew each time, because they may still change.

    Parameters
    ----------
    node : a client of the node, usually of the same process
    clock : of the age of remembered markets
    """

    def __init__(self, node: L1Client, clock: Clock) -> None:
        self._node = node
        self._clock = clock
        self._markets = Markets.of(node)
        self._oracle = PriceOracle.of(node)
        self._margin = StandardMargin.of(node)
        self._outflows = Outflows(node)
        self._events = load_abi("Collateral").events
        self._lock = threading.Lock()
        self._settled = _Money({}, {})
        self._known: list[MarketView] = []
        self._known_until_s = 0.0

    # ------------------------------------------------------------------------------ markets

    def limits(self, market: int) -> Limits | None:
        """Return the limits of a market, at most some seconds old; None for an unknown one."""
        for found in self._all():
            if found.number == market:
                return found.limits
        return None

    def _all(self) -> list[MarketView]:
        with self._lock:
            if self._clock.monotonic_s() >= self._known_until_s:
                self._known = self._markets.all("latest")
                self._known_until_s = self._clock.monotonic_s() + _MARKETS_AGE_S
            return self._known

    def gates(self) -> list[Gate]:
        """Return what is open and closed in each market and of money in and out, and why."""
        markets = [gate for market in self._all() for gate in self._gates(market)]
        head = self._node.head()
        time_s = max(head.timestamp, self._clock.time_s()) + 1
        return [*markets, *self._line_gates(head.number, time_s), *self._stock_gates(head.number)]

    def _gates(self, market: MarketView) -> Iterable[Gate]:
        is_open = market.status is MarketStatus.OPEN
        name = f"market {market.number}"
        status = market.status.name.lower().replace("_", "-")
        yield Gate(name=name, is_open=is_open, reason="" if is_open else f"it is {status}", opens_at=0)
        for use in PriceUse:
            fresh = self._oracle.is_fresh(market.terms.feed, use, "latest")
            reason = (
                "" if fresh else f"the last price of feed {market.terms.feed} is too old: wait for a push"
            )
            yield Gate(name=f"{name}: {use.name.lower()}", is_open=fresh, reason=reason, opens_at=0)

    def _line_gates(self, at: int, time_s: int) -> Iterable[Gate]:
        """Yield whether anything may leave without waiting."""
        for asset in Asset:
            line = self._outflows.line(asset, at)
            if not line.hourly_limit:  # nothing is held
                continue
            is_open = line.at_once(time_s) > 0
            yield Gate(
                name=f"withdrawals: {asset.name.lower()} at once",
                is_open=is_open,
                reason="" if is_open else "what may leave in an hour or a day is taken: more waits in line",
                opens_at=0 if is_open else line.ready_at(1, time_s),
            )

    def _stock_gates(self, at: int) -> Iterable[Gate]:
        """Yield the gates that a number closes which others change."""
        gates = (
            ("withdrawals: cash", self._outflows.unpromised_cash_wad(at), NOTHING_UNPROMISED),
            ("deposits: ether", self._outflows.ether_room_wei(at), "the cap of ether is reached"),
        )
        for name, room, reason in gates:
            yield Gate(name=name, is_open=room > 0, reason="" if room > 0 else reason, opens_at=0)

    def outflow(self, subaccount: int, asset: Asset) -> Outflow:
        """Return what may leave a subaccount if asked for now, and when."""
        return self._outflows.of(SubaccountId(subaccount), asset, self._clock.time_s())

    def withdrawable_wad(self, subaccount: int) -> int:
        """Return the cash that may leave a subaccount now; 0 while a price is too old to tell."""
        try:
            return self._margin.withdrawable_cash_wad(SubaccountId(subaccount), "latest")
        except ContractReverted:
            return 0

    # ------------------------------------------------------------------------------ money

    def deposits(self, subaccount: int, limit: int) -> list[DepositInfo]:
        """Return the newest deposits of a subaccount, newest first."""
        return self._money().deposits.get(subaccount, [])[: -limit - 1 : -1]

    def withdrawals(self, subaccount: int, limit: int) -> list[WithdrawalInfo]:
        """Return the newest withdrawals of a subaccount, newest first."""
        found = [item for item in self._money().withdrawals.values() if item.subaccount == subaccount]
        return sorted(found, key=lambda item: -item.number)[:limit]

    def _money(self) -> _Money:
        head = self._node.head().number
        posted = self._node.tagged("safe")
        with self._lock:
            self._read(self._settled, head if posted is None else min(head, posted.number))
            money = self._settled.copy()
        self._read(money, head)
        return money

    def _read(self, money: _Money, up_to: int) -> None:
        """Take the logs of the blocks up to one over."""
        names = ("Deposited", "WithdrawalRequested", "WithdrawalReleased", "WithdrawalCancelled")
        topics = tuple(self._events[name].topic for name in names)
        wanted = LogFilter(addresses=(SETTLEMENT_CONTRACTS["Collateral"],), topics0=topics)
        while money.next_block <= up_to:
            end = min(up_to, money.next_block + _RANGE - 1)
            for log in self._node.logs(wanted, money.next_block, end):
                self._take(money, log)
            money.next_block = end + 1

    def _take(self, money: _Money, log: Log) -> None:
        name = next(name for name, event in self._events.items() if event.topic == log.topics[0])
        values = self._events[name].decode(log)
        if name == "Deposited":
            deposit = DepositInfo(
                subaccount=values["id"],
                asset=Asset(values["asset"]).name.lower(),
                amount=values["amount"],
                block=log.block_number,
                tx_hash=log.tx_hash,
            )
            money.deposits.setdefault(values["id"], []).append(deposit)
        elif name == "WithdrawalRequested":
            money.withdrawals[values["number"]] = _withdrawal(values, log)
        else:
            self._end(money, name, values, log)

    def _end(self, money: _Money, name: str, values: dict[str, Any], log: Log) -> None:
        found = money.withdrawals[values["number"]]
        is_released = name == "WithdrawalReleased"
        money.withdrawals[values["number"]] = msgspec.structs.replace(
            found,
            status="released" if is_released else "cancelled",
            block=log.block_number,
            message_key=Hash32(bytes(values["messageKey"])) if is_released else None,
        )


def _withdrawal(values: dict[str, Any], log: Log) -> WithdrawalInfo:
    subaccount, asset, amount, recipient, ready_at = values["withdrawal"]
    return WithdrawalInfo(
        number=values["number"],
        subaccount=subaccount,
        asset=Asset(asset).name.lower(),
        amount=amount,
        recipient=Address(recipient),
        ready_at=ready_at,
        status="pending",
        block=log.block_number,
        message_key=None,
    )
