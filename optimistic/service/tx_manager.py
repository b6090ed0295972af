"""Sends the transactions of one key: each effect once, through restarts, races and reorganisations.

The rules:

- What is signed is stored before it is sent. A killed process finds it again and sends the
  same bytes: the same hash, so no double effect.
- What has least time left is signed first.
- Nonces are given in order. A nonce is never given up: a transaction that lost its sense, or that
  the endpoint keeps refusing, is replaced by an empty one to oneself: nothing behind it is mined
  before.
- Nothing is signed that the account cannot pay for besides what is in flight.
- Race or bug: the precondition is checked at one block, and the message is simulated at the
  same block. A transaction that reverts is a lost race if its precondition no longer holds,
  and a bug of ours if it does. "Already done" is success.
"""

import threading
from collections.abc import Iterable

import structlog

from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.types import Address
from optimistic.service.clock import Clock, SystemClock
from optimistic.service.contract import explain_revert
from optimistic.service.database import Database
from optimistic.service.l1_client import L1Client
from optimistic.service.l1_errors import ContractReverted, L1Lied
from optimistic.service.l1_replies import SendStatus
from optimistic.service.l1_types import BlockId, Call, Header, Receipt
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.signer import Signer
from optimistic.service.tx_fees import Fees, bumped_fees, first_fees, gas_with_margin
from optimistic.service.tx_store import Attempt, Intent, TxStore, payload_hash
from optimistic.service.tx_types import (
    IdempotencyConflict,
    Precondition,
    Readiness,
    TxNotAccepted,
    TxOptions,
    TxOutcome,
    TxRequest,
    TxState,
    TxStatus,
)

log = structlog.get_logger(__name__)

_TRANSFER_GAS = 21_000
_PRECONDITIONS_KEPT = 1_000
"""Old ones are dropped when there are more."""
_STRIKES = 2
"""Turns in a row with a true precondition and a reverting simulation until it counts as a bug."""
_REFUSALS = 20
"""Times in a row that an endpoint refuses a transaction until it is withdrawn."""
_REFUSALS_OF_THE_POOR = 10
"""As many refusals is one for want of funds: that does not pass by itself."""
_FOREIGN_SIGHTINGS = 3
"""Turns in a row without a receipt until a used nonce counts as used by somebody else."""


class TxManager:
    """The one sender of a key; safe from any thread of one process.

    Run `step` in a loop of its own; `submit` from anywhere.

    Parameters
    ----------
    database : opened with `SERVICE_MIGRATIONS`
    """

    def __init__(
        self,
        client: L1Client,
        signer: Signer,
        database: Database,
        *,
        options: TxOptions | None = None,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._client = client
        self._signer = signer
        self._store = TxStore(database, signer.address)
        self._options = options if options is not None else TxOptions()
        self._clock = clock if clock is not None else SystemClock()
        self._metrics = metrics if metrics is not None else NoopMetrics()
        self._lock = threading.RLock()
        self._preconditions: dict[str, Precondition] = {}
        self._deadlines: dict[str, int] = {}
        self._strikes: dict[str, int] = {}
        self._sightings: dict[str, int] = {}
        self._underpriced: set[str] = set()
        self._refusals: dict[str, int] = {}
        """In a row, by key."""
        self._last_head: Header | None = None
        for outcome in TxOutcome:  # a counter that begins with its first event never seems to rise
            self._metrics.count("tx_ended", 0, outcome=outcome.value)

    @property
    def sender(self) -> Address:
        """The account all transactions come from."""
        return self._signer.address

    # ------------------------------------------------------------------------------ the owner's side

    def submit(self, request: TxRequest) -> TxStatus:
        """Ask for a message to be sent once; nothing is sent yet.

        A known key returns its present status and attaches the precondition again (after a
        restart, do this for every guarded key). A key that ended without a transaction of ours
        having the effect (already done, lost race) is evaluated anew.

        Raises
        ------
        IdempotencyConflict : the key stands for another message, which is signed already
        """
        with self._store.database.transaction():
            known = self._store.find(request.key)
            if known is None or self._may_restart(known, request):
                self._store.insert(request)
                self._strikes.pop(request.key, None)
            if request.precondition is not None:
                self._preconditions[request.key] = request.precondition
            if request.deadline is not None:
                self._deadlines[request.key] = request.deadline
            return self._require(request.key).status

    def status(self, key: str) -> TxStatus | None:
        """Return what is known about a key."""
        known = self._store.find(key)
        return None if known is None else known.status

    def step(self) -> bool:
        """Do everything that can be done now; return whether anything changed.

        Raises
        ------
        TemporaryError : the endpoint failed or refused; the next step goes on
        """
        with self._lock:
            head = self._client.head()
            previous, self._last_head = self._last_head, None
            same_chain = previous is not None and self._is_canonical(previous.number, previous.hash)
            if previous is not None and same_chain and head.number < previous.number:
                self._last_head = previous
                log.debug("l1_endpoint_lagged", head=head.number, seen=previous.number)
                return False
            changed = self._watch_mined(head)
            if not same_chain:
                changed |= self._revive_done(head)
            self._last_head = head
            changed |= self._advance_pending(head)
            changed |= self._send_queued(head)
            self._store.drop_payloads(head.number - self._options.watch_blocks)
            self._drop_preconditions(head)
            self._metrics.gauge("tx_in_flight", self._store.count(TxState.PENDING))
            return changed

    def _may_restart(self, known: Intent, request: TxRequest) -> bool:
        status = known.status
        if status.state is TxState.QUEUED:
            return known.payload_hash != payload_hash(request.call)
        if status.outcome in (TxOutcome.ALREADY_DONE, TxOutcome.LOST_RACE):
            return True
        if known.payload_hash != payload_hash(request.call):
            raise IdempotencyConflict(f"{request.key} was signed with another message already")
        return False

    def _require(self, key: str) -> Intent:
        known = self._store.find(key)
        if known is None:
            raise KeyError(f"nothing was submitted under {key}")
        return known

    # ------------------------------------------------------------------------------ mined and done

    def _watch_mined(self, head: Header) -> bool:
        changed = False
        for intent in self._store.in_state(TxState.MINED):
            receipt = self._receipt_again(intent)
            if receipt is None:
                changed = True
            elif head.number - receipt.block_number + 1 >= self._options.confirmations:
                if not self._is_canonical(receipt.block_number, receipt.block_hash):
                    raise L1Lied(
                        f"the receipt of 0x{receipt.tx_hash.hex()} names a block that is not canonical"
                    )
                self._finish(intent, receipt)
                changed = True
        return changed

    def _revive_done(self, head: Header) -> bool:
        """Take up finished transactions whose block a reorganisation took away."""
        changed = False
        for intent in self._store.done_since(head.number - self._options.watch_blocks):
            status = intent.status
            if not self._is_canonical(status.block_number, status.block_hash):
                changed |= self._receipt_again(intent) is None
        return changed

    def _receipt_again(self, intent: Intent) -> Receipt | None:
        """Return a mined transaction's receipt, from another block if it moved; None: it is pending again."""
        status = intent.status
        assert status.tx_hash is not None, "a mined intent has a transaction"
        receipt = self._client.receipt(status.tx_hash)
        if receipt is None:
            if self._is_canonical(status.block_number, status.block_hash):
                raise L1Lied(f"the receipt of 0x{status.tx_hash.hex()} vanished, but its block did not")
            self._store.set_pending_again(intent.key)
            log.warning("tx_reorganised_away", effect=intent.key, nonce=status.nonce, tx=status.tx_hash)
        elif receipt.block_hash != status.block_hash:
            self._store.set_mined(intent.key, receipt)
            log.info("tx_block_changed", effect=intent.key, tx=status.tx_hash, l1_block=receipt.block_number)
        return receipt

    def _is_canonical(self, number: int | None, block_hash: bytes | None) -> bool:
        if number is None:
            return False
        header = self._client.find_header(number)
        return header is not None and header.hash == block_hash

    def _finish(self, intent: Intent, receipt: Receipt) -> None:
        attempts = {attempt.hash: attempt for attempt in self._store.attempts(intent)}
        attempt = attempts.get(receipt.tx_hash)
        if attempt is not None and attempt.cancels:
            readiness = self._readiness(intent, receipt.block_hash)
            if readiness in (Readiness.READY, Readiness.NOT_YET):
                self._store.set_queued_again(intent.key)
                self._forget(intent.key)
                return
            done = readiness is Readiness.DONE
            outcome, detail = (
                (TxOutcome.ALREADY_DONE if done else TxOutcome.LOST_RACE),
                "withdrawn before it was mined",
            )
        elif receipt.succeeded:
            outcome, detail = TxOutcome.CONFIRMED, ""
        else:
            outcome, detail = self._judge_revert(intent, receipt)
        self._end(intent, outcome, detail)
        self._metrics.observe("tx_fee_wei", receipt.gas_used * receipt.effective_gas_price_wei)

    def _judge_revert(self, intent: Intent, receipt: Receipt) -> tuple[TxOutcome, str]:
        """Tell a lost race from a bug, in the state after the block of a reverted transaction."""
        reason = self._simulate(intent.call, receipt.block_hash)
        detail = f"reverted in block {receipt.block_number}: {reason or 'reason unknown'}"
        match self._readiness(intent, receipt.block_hash):
            case Readiness.DONE:
                return TxOutcome.ALREADY_DONE, detail
            case Readiness.LOST | Readiness.NOT_YET:
                return TxOutcome.LOST_RACE, detail
            case _:
                return TxOutcome.FAILED, detail

    def _end(self, intent: Intent, outcome: TxOutcome, detail: str) -> None:
        self._store.set_done(intent.key, outcome, detail)
        self._forget(intent.key)
        self._metrics.count("tx_ended", outcome=outcome.value)
        level = log.error if outcome is TxOutcome.FAILED else log.info
        level("tx_ended", effect=intent.key, outcome=outcome.value, detail=detail, nonce=intent.status.nonce)

    def _drop_preconditions(self, head: Header) -> None:
        """Forget the preconditions of transactions too old to be revived."""
        if len(self._preconditions) <= _PRECONDITIONS_KEPT:
            return
        kept = {intent.key for intent in self._store.done_since(head.number - self._options.watch_blocks)}
        for state in (TxState.QUEUED, TxState.PENDING, TxState.MINED):
            kept |= {intent.key for intent in self._store.in_state(state)}
        for key in [key for key in list(self._preconditions) if key not in kept]:
            del self._preconditions[key]

    def _forget(self, key: str) -> None:
        self._strikes.pop(key, None)
        self._sightings.pop(key, None)
        self._underpriced.discard(key)
        self._refusals.pop(key, None)
        self._deadlines.pop(key, None)

    # ------------------------------------------------------------------------------ pending

    def _advance_pending(self, head: Header) -> bool:
        pending = self._store.in_state(TxState.PENDING)
        if not pending:
            return False
        used = self._client.nonce(self.sender, head.hash)
        changed = False
        for intent in pending:
            attempts = self._store.attempts(intent)
            if intent.status.nonce is not None and intent.status.nonce < used:
                changed |= self._find_mined(intent, attempts, head)
            else:
                changed |= self._keep_alive(intent, attempts, head)
        return changed

    def _find_mined(self, intent: Intent, attempts: Iterable[Attempt], head: Header) -> bool:
        """Find the transaction that used an intent's nonce."""
        for attempt in attempts:
            receipt = self._client.receipt(attempt.hash)
            if receipt is not None:
                self._store.set_mined(intent.key, receipt)
                log.info("tx_mined", effect=intent.key, tx=receipt.tx_hash, l1_block=receipt.block_number)
                self._sightings.pop(intent.key, None)
                return True
        sightings = self._sightings.get(intent.key, 0) + 1
        self._sightings[intent.key] = sightings
        deep = self._client.nonce(self.sender, max(0, head.number - self._options.confirmations))
        if sightings < _FOREIGN_SIGHTINGS or deep <= (intent.status.nonce or 0):
            return False
        log.error(
            "tx_nonce_taken", effect=intent.key, nonce=intent.status.nonce, hint="is the key used elsewhere?"
        )
        self._store.set_queued_again(intent.key)
        self._forget(intent.key)
        return True

    def _keep_alive(self, intent: Intent, attempts: list[Attempt], head: Header) -> bool:
        """Send again, replace by a dearer one, or by an empty one if it lost its sense or is refused."""
        newest = attempts[-1]
        senseless = self._readiness(intent, head.hash) in (Readiness.DONE, Readiness.LOST)
        senseless |= self._refusals.get(intent.key, 0) >= _REFUSALS
        age_ms = self._clock.time_ms() - newest.signed_at_ms
        old = age_ms >= self._options.bump_after_ms or intent.key in self._underpriced
        if (senseless and not newest.cancels) or old:
            replacement = self._replacement(intent, newest, head, cancels=senseless or newest.cancels)
            if replacement is not None:
                self._underpriced.discard(intent.key)
                self._store.add_attempt(intent.key, replacement)
                self._metrics.count("tx_replaced")
                log.info("tx_replaced", effect=intent.key, nonce=newest.nonce, cancels=replacement.cancels)
                self._broadcast(intent.key, replacement)
                return True
            log.warning("tx_not_replaced", effect=intent.key, max_fee_wei=self._options.max_fee_wei)
        if self._client.transaction(newest.hash) is None:
            self._broadcast(intent.key, newest)
            return True
        return False

    def _replacement(self, intent: Intent, newest: Attempt, head: Header, *, cancels: bool) -> Attempt | None:
        tip = self._client.priority_fee_wei()
        fees = bumped_fees(newest.fees, head.base_fee_wei, tip, self._options)
        if fees is None:
            return None
        call = Call(to=self.sender) if cancels else intent.call
        gas_limit = _TRANSFER_GAS if cancels else newest.gas_limit
        dearer_wei = gas_limit * fees.max_fee_wei - newest.gas_limit * newest.fees.max_fee_wei
        if not cancels and dearer_wei > self._free_wei(head):
            return None
        return self._sign(call, nonce=newest.nonce, gas_limit=gas_limit, fees=fees, cancels=cancels)

    # ------------------------------------------------------------------------------ queued

    def _send_queued(self, head: Header) -> bool:
        """Sign and send what is ready, least time first; what cannot be simulated blocks nothing."""
        changed = False
        trouble: TemporaryError | None = None
        for intent in sorted(self._store.in_state(TxState.QUEUED), key=self._urgency):
            if self._store.count(TxState.PENDING) >= self._options.max_in_flight:
                break
            if intent.guarded and intent.key not in self._preconditions:
                continue  # its owner has not asked for it again since the restart
            try:
                gas_limit = self._prepare(intent, head)
            except TemporaryError as error:
                trouble = trouble or error
                continue
            if gas_limit is None:
                changed |= self._require(intent.key).status.is_final
                continue
            fees = first_fees(head.base_fee_wei, self._client.priority_fee_wei(), self._options)
            if fees is None:
                log.warning("tx_held_back", effect=intent.key, base_fee_wei=head.base_fee_wei)
                break
            cost_wei, free_wei = intent.call.value_wei + gas_limit * fees.max_fee_wei, self._free_wei(head)
            if cost_wei > free_wei:
                log.error("tx_unaffordable", effect=intent.key, cost_wei=cost_wei, free_wei=free_wei)
                trouble = trouble or TxNotAccepted(f"{intent.key}: the account cannot pay for it now")
                continue
            self._sign_and_send(intent, gas_limit, fees, head)
            changed = True
        if trouble is not None:
            raise trouble
        return changed

    def _urgency(self, intent: Intent) -> tuple[bool, int]:
        """Sort by the time left, then in the order of asking."""
        deadline = self._deadlines.get(intent.key)
        return deadline is None, deadline or 0

    def _prepare(self, intent: Intent, head: Header) -> int | None:
        """Return an intent's gas limit if it is ready at `head`, else None; record its end if it has one."""
        readiness = self._readiness(intent, head.hash)
        if readiness is Readiness.DONE:
            self._end(intent, TxOutcome.ALREADY_DONE, f"was done in block {head.number}")
            return None
        if readiness is Readiness.LOST:
            self._end(intent, TxOutcome.LOST_RACE, f"impossible since block {head.number} or earlier")
            return None
        if readiness is Readiness.NOT_YET:
            return None
        try:
            estimate = self._client.estimate_gas(self._from_us(intent.call), head.hash)
        except ContractReverted as error:
            self._strike(intent, explain_revert(error), head)
            return None
        self._strikes.pop(intent.key, None)
        return intent.gas_limit or gas_with_margin(estimate, head.gas_limit, self._options)

    def _strike(self, intent: Intent, error: ContractReverted, head: Header) -> None:
        """Count a simulation that reverts in the very state in which the precondition holds."""
        strikes = self._strikes.get(intent.key, 0) + 1
        self._strikes[intent.key] = strikes
        log.warning(
            "tx_simulation_reverted",
            effect=intent.key,
            error=str(error),
            l1_block=head.number,
            strikes=strikes,
        )
        if strikes >= _STRIKES:
            self._end(intent, TxOutcome.FAILED, f"simulation at block {head.number}: {error}")

    def _free_wei(self, head: Header) -> int:
        """Return what the account has after `head` beyond all that transactions in flight may take."""
        taken_wei = 0
        for intent in self._store.in_state(TxState.PENDING):
            newest = self._store.attempts(intent)[-1]
            taken_wei += newest.gas_limit * newest.fees.max_fee_wei
            taken_wei += 0 if newest.cancels else intent.call.value_wei
        return self._client.balance_wei(self.sender, head.hash) - taken_wei

    def _sign_and_send(self, intent: Intent, gas_limit: int, fees: Fees, head: Header) -> None:
        """Store, then send."""
        nonce = self._store.next_nonce(self._client.nonce(self.sender, head.hash))
        attempt = self._sign(intent.call, nonce=nonce, gas_limit=gas_limit, fees=fees, cancels=False)
        if not self._store.add_first_attempt(intent, attempt):
            return  # its owner replaced the message meanwhile
        self._metrics.count("tx_sent")
        log.info("tx_signed", effect=intent.key, nonce=nonce, tx=attempt.hash, gas_limit=gas_limit)
        self._broadcast(intent.key, attempt)

    # ------------------------------------------------------------------------------ parts

    def _readiness(self, intent: Intent, at: BlockId) -> Readiness:
        precondition = self._preconditions.get(intent.key)
        return Readiness.READY if precondition is None else precondition(at)

    def _simulate(self, call: Call, at: BlockId) -> str | None:
        """Return why `call` reverts after block `at`, or None."""
        try:
            self._client.call(self._from_us(call), at)
        except ContractReverted as error:
            return str(explain_revert(error))
        return None

    def _from_us(self, call: Call) -> Call:
        return Call(to=call.to, data=call.data, sender=self.sender, value_wei=call.value_wei)

    def _sign(self, call: Call, *, nonce: int, gas_limit: int, fees: Fees, cancels: bool) -> Attempt:
        raw, tx_hash = self._signer.sign_transaction(
            {
                "type": 2,
                "chainId": self._client.chain_id,
                "nonce": nonce,
                "gas": gas_limit,
                "maxFeePerGas": fees.max_fee_wei,
                "maxPriorityFeePerGas": fees.tip_wei,
                "to": None if call.to is None else bytes(call.to),
                "value": call.value_wei,
                "data": call.data,
            }
        )
        return Attempt(
            hash=tx_hash,
            nonce=nonce,
            raw=raw,
            gas_limit=gas_limit,
            fees=fees,
            cancels=cancels,
            signed_at_ms=self._clock.time_ms(),
        )

    def _broadcast(self, key: str, attempt: Attempt) -> None:
        reply = self._client.send_raw(attempt.raw)
        match reply.status:
            case SendStatus.ACCEPTED | SendStatus.KNOWN:
                self._refusals.pop(key, None)
                log.debug("tx_broadcast", effect=key, nonce=attempt.nonce, tx=attempt.hash)
            case SendStatus.NONCE_TOO_LOW:
                log.info("tx_nonce_used", effect=key, nonce=attempt.nonce)  # the next step finds out by what
            case SendStatus.UNDERPRICED:
                self._underpriced.add(key)
                log.info("tx_underpriced", effect=key, nonce=attempt.nonce, message=reply.message)
            case _:
                weight = _REFUSALS_OF_THE_POOR if reply.status is SendStatus.NO_FUNDS else 1
                self._refusals[key] = self._refusals.get(key, 0) + weight
                self._metrics.count("tx_refused")
                log.error("tx_refused", effect=key, nonce=attempt.nonce, message=reply.message)
                raise TxNotAccepted(f"{key}: {reply.message}")
