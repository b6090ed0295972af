"""Sends matched trades to Clearing, from the exchange's own account.

A batch is written to the log with its signed transaction before the node gets it. Its nonce is used for
nothing else, so however often it is handed over, it takes effect once or never.
"""

from itertools import islice

import structlog
from eth_abi.abi import encode as abi_encode

from optimistic.node.exchange import records as rec
from optimistic.node.exchange.batches import draft
from optimistic.node.exchange.exchange import Exchange
from optimistic.node.exchange.live import Batch
from optimistic.node.exchange.ports import ChainPort
from optimistic.protocol.constants import CLEARING
from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.hashing import keccak256
from optimistic.service.signer import Signer

log = structlog.get_logger(__name__)

_SETTLE_BATCH = keccak256(b"settleBatch(bytes)")[:4]
_GAS_OF_NOTHING = 21_000


class Settler:
    """Gathers trades into transactions; `step` belongs to one thread.

    Parameters
    ----------
    exchange : the core
    chain : the node
    signer : of the account that pays for the transactions
    """

    def __init__(self, exchange: Exchange, chain: ChainPort, signer: Signer) -> None:
        self._exchange = exchange
        self._chain = chain
        self._signer = signer
        self._options = exchange.options.settlement
        self._limit = self._options.max_trades
        """Trades of one batch; halved by one that did nothing, until one does something again."""
        self._waiting_since_ms: int | None = None
        self._sent_ms: dict[int, int] = {}
        """Batch -> when the node got it last."""

    def step(self) -> bool:
        """Send a batch if one is due, and again what has waited long; return whether one was sent."""
        now_ms = int(self._exchange.clock.monotonic_s() * 1_000)
        batch = self._make(now_ms)
        if batch is not None:
            self._hand_over(batch, now_ms)
        self._repeat(now_ms)
        self._exchange.metrics.gauge("exchange_unsettled_trades", self._exchange.machine.settling.n_unsettled)
        return batch is not None

    def batch_failed(self, n_trades: int) -> None:
        """Note that a transaction with so many trades did nothing."""
        self._limit = max(1, n_trades // 2)

    def batch_settled(self) -> None:
        """Note that a transaction was executed."""
        self._limit = min(self._options.max_trades, 2 * self._limit)

    def _make(self, now_ms: int) -> Batch | None:
        """Write the next batch to the log, if one is due."""
        exchange, settling = self._exchange, self._exchange.machine.settling
        with exchange.lock:
            if not self._is_due(now_ms) or len(settling.in_flight()) >= self._options.max_in_flight:
                return None
            nonce = max(self._chain.next_nonce(), settling.next_nonce())
            chosen = draft(islice(settling.waiting, self._limit), exchange.state, self._options, self._limit)
            data = _SETTLE_BATCH + abi_encode(["bytes"], [chosen.payload])
            raw, tx_hash = self._signer.sign_transaction(
                {**self._fields(nonce), "gas": self._options.gas_limit, "to": CLEARING, "data": data}
            )
            number = settling.next_batch
            record = rec.BatchSent(
                number, chosen.trades[0].id, len(chosen.trades), nonce, bytes(tx_hash), raw
            )
            exchange.commit(lambda _: [record])
            self._waiting_since_ms = now_ms if settling.waiting else None
            log.info(
                "settlement_batch_made",
                batch=number,
                trades=len(chosen.trades),
                bytes=len(chosen.payload),
                gas_estimate=chosen.gas,
                nonce=nonce,
            )
            exchange.metrics.count("exchange_batches_sent")
            return settling.batches[number]

    def _is_due(self, now_ms: int) -> bool:
        waiting = self._exchange.machine.settling.waiting
        if not waiting:
            self._waiting_since_ms = None
            return False
        if self._waiting_since_ms is None:
            self._waiting_since_ms = now_ms
        is_old = now_ms - self._waiting_since_ms >= self._options.max_age_ms
        return is_old or len(waiting) >= self._limit

    def _fields(self, nonce: int) -> dict[str, object]:
        return {
            "type": 2,
            "chainId": self._exchange.signer.chain_id,
            "nonce": nonce,
            "maxFeePerGas": self._options.max_fee_wei,
            "maxPriorityFeePerGas": 0,
            "value": 0,
        }

    def _empty(self, nonce: int) -> bytes:
        """Return a transaction that only uses a nonce, and is preferred to what it replaces."""
        fields = self._fields(nonce) | {"gas": _GAS_OF_NOTHING, "to": self._signer.address, "data": b""}
        fees = {"maxFeePerGas": 2 * self._options.max_fee_wei, "maxPriorityFeePerGas": 1}
        raw, _ = self._signer.sign_transaction(fields | fees)
        return raw

    def _hand_over(self, batch: Batch, now_ms: int) -> None:
        self._sent_ms[batch.number] = now_ms
        try:
            self._chain.submit(batch.raw if batch.trades else self._empty(batch.nonce))
        except (InvalidInput, TemporaryError) as error:
            log.warning("settlement_batch_refused", batch=batch.number, nonce=batch.nonce, error=str(error))
            self._exchange.metrics.count("exchange_batches_refused")

    def _repeat(self, now_ms: int) -> None:
        """Hand over again what has no block yet: the node may have been restarted, or refused it."""
        with self._exchange.lock:
            waiting = self._exchange.machine.settling.in_flight()
        due_ms = now_ms - self._options.resend_ms
        self._sent_ms = {batch.number: self._sent_ms.get(batch.number, due_ms) for batch in waiting}
        for batch in waiting:
            if self._sent_ms[batch.number] <= due_ms:
                self._hand_over(batch, now_ms)
