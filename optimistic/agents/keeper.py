"""Looks for subaccounts below their maintenance margin, and liquidates them against its own quotes.

The position taken over stands in the keeper's own subaccount, at the worst price the contract
allows to the liquidated, which is below the mark for longs and above it for shorts.
"""

from collections import Counter
from typing import Any, Final, NamedTuple, Self

import structlog

from optimistic.agents.risk_watch import Patient, RiskWatch
from optimistic.client.keys import TradingKey
from optimistic.protocol.settlement.batch_codec import NO_TAKER, Batch, Fill, SignedOrder, encode
from optimistic.protocol.settlement.orders import Order, Steps, domain_separator, order_digest
from optimistic.protocol.settlement.types import SubaccountId
from optimistic.protocol.settlement.units import ceil_div
from optimistic.service.clock import Clock
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.one_shot import OneShotSender
from optimistic.service.settlement_contracts import Liquidator, Markets, MarketView
from optimistic.service.signer import Signer

log = structlog.get_logger(__name__)

_ORDER_LIFE_S: Final = 600
TREATMENTS: Final = ("flagged", "liquidated", "resolved", "waiting", "unpriced", "reverted")
"""What may come of a subaccount in a turn. It waits for the end of its grace, or for a price to close at."""


class ClosingQuote(NamedTuple):
    """What takes a closing over."""

    is_buy: bool
    lots: int
    ticks: int

    @classmethod
    def of(cls, steps: Steps, size_wad: int, limit_wad: int) -> Self | None:
        """Return the quote for a closing at the worst price allowed; None if it comes to nothing.

        Parameters
        ----------
        size_wad : change of the liquidated's size: below zero closes a long, which the quote buys
        limit_wad : least price for a long, rounded up to the tick; greatest for a short, rounded down
        """
        is_buy, lots = size_wad < 0, abs(size_wad) // steps.lot_wad
        ticks = ceil_div(limit_wad, steps.tick_wad) if is_buy else limit_wad // steps.tick_wad
        return cls(is_buy, lots, ticks) if lots and ticks > 0 else None


def makers_of(signed: SignedOrder) -> bytes:
    """Return the batch of makers of a liquidation that one order takes over whole."""
    return encode(Batch(orders=(signed,), fills=(Fill(0, NO_TAKER, signed.order.lots),)))


class Keeper:
    """Watches all subaccounts of a chain.

    Parameters
    ----------
    node : where the chain is read and written
    key : signs quotes and transactions
    subaccount : of the key's account; takes positions over and gets the rewards
    """

    def __init__(self, node: L1Client, key: bytes, subaccount: SubaccountId, clock: Clock) -> None:
        self._key = TradingKey(key)
        self._subaccount = subaccount
        self._clock = clock
        self._sender = OneShotSender(node, Signer(key), clock=clock)
        self._separator = domain_separator(node.chain_id)
        self._watch = RiskWatch(node)
        self._markets, self._liquidator = Markets.of(node), Liquidator.of(node)
        self._nonce = clock.time_ms()

    def patients(self) -> list[Patient]:
        """Return everybody else with positions or debt, who is worst off first."""
        return [patient for patient in self._watch.patients() if patient.id != self._subaccount]

    def step(self) -> dict[str, Any]:
        """Do one turn, the worst off first; return what was done, how long it took and who is next."""
        began_s = self._clock.monotonic_s()
        patients = self.patients()
        looked_s = self._clock.monotonic_s()
        ill = [patient for patient in patients if patient.is_below]
        done = Counter(self._treat(patient) for patient in ill)
        next_ = next((patient for patient in patients if not patient.is_below), None)
        return {
            "watched": len(patients),
            "below": len(ill),
            **{what: done[what] for what in TREATMENTS},
            "nextSubaccount": None if next_ is None else next_.id,
            "nextHealthPips": None if next_ is None else next_.health_pips,
            "lookedMs": int((looked_s - began_s) * 1_000),
            "tookMs": int((self._clock.monotonic_s() - began_s) * 1_000),
        }

    def _treat(self, patient: Patient) -> str:
        """Do the next thing about a subaccount; what somebody else did before is no error."""
        try:
            return self.treat(patient)
        except ContractReverted as error:
            log.warning("keeper_reverted", subaccount=patient.id, error=str(error))
            return "reverted"

    def treat(self, patient: Patient) -> str:
        """Do the next thing about a subaccount below its maintenance margin; return what it was.

        Raises
        ------
        ContractReverted : it recovered, somebody else was faster, or the keeper's margin is used up
        """
        if not patient.is_below:
            return "healthy"
        if not self._watch.is_priced(patient.id):
            return "unpriced"
        if not patient.legs:
            self._sender.send(self._liquidator.resolve_call(patient.id))
            return "resolved"
        if not self._liquidator.is_liquidatable(patient.id, "latest"):
            if self._liquidator.flagged_at(patient.id, "latest"):
                return "waiting"
            self._sender.send(self._liquidator.flag_call(patient.id))
            return "flagged"
        return "liquidated" if self._liquidate(patient) else "waiting"

    def _liquidate(self, patient: Patient) -> bool:
        """Close a part of the first leg that can be closed."""
        for market in patient.legs:
            size_wad, limit_wad = self._liquidator.close_terms(patient.id, market, "latest")
            makers = self._makers(self._markets.market(market, "latest"), size_wad, limit_wad)
            if makers is None:
                continue
            call = self._liquidator.liquidate_call(patient.id, market, self._subaccount, makers)
            receipt = self._sender.send(call)
            log.info(
                "keeper_liquidated",
                subaccount=patient.id,
                market=market,
                size_wad=size_wad,
                transaction=receipt.tx_hash.hex(),
            )
            return True
        return False

    def _makers(self, market: MarketView, size_wad: int, limit_wad: int) -> bytes | None:
        """Return the batch of our own quote for a closing."""
        steps = Steps(market.terms.tick_wad, market.terms.lot_wad)
        quote = ClosingQuote.of(steps, size_wad, limit_wad)
        if quote is None:
            return None
        self._nonce += 1
        order = Order(
            subaccount=self._subaccount,
            market=market.number,
            **quote._asdict(),
            max_fee_pips=market.limits.highest_fee_pips,
            expiry=self._clock.time_s() + _ORDER_LIFE_S,
            nonce=self._nonce,
        )
        digest = order_digest(self._separator, order, steps)
        return makers_of(SignedOrder(order=order, signature=self._key.sign(digest)))
