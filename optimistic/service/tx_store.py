"""The transaction manager's tables: intents, and the signed attempts for each."""

from dataclasses import dataclass
from typing import Final

from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Address, Hash32
from optimistic.service.database import Database, Row
from optimistic.service.l1_types import Call, Receipt
from optimistic.service.tx_fees import Fees
from optimistic.service.tx_types import TxOutcome, TxRequest, TxState, TxStatus

_INTENT: Final = (
    "key, state, outcome, detail, nonce, tx_hash, block_hash, block_number, target, data, value_wei, "
    "gas_limit, guarded, payload_hash"
)
_ATTEMPT: Final = "hash, nonce, raw, gas_limit, max_fee_wei, tip_wei, cancels, signed_at_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One row of tx_intent."""

    status: TxStatus
    call: Call
    gas_limit: int | None
    guarded: bool
    """Its owner gave a precondition, so it is not sent without one."""
    payload_hash: Hash32

    @property
    def key(self) -> str:
        """The idempotency key."""
        return self.status.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One row of tx_attempt."""

    hash: Hash32
    nonce: int
    raw: bytes
    gas_limit: int
    fees: Fees
    cancels: bool
    signed_at_ms: int


def payload_hash(call: Call) -> Hash32:
    """Return what tells two messages apart: target, value and data."""
    target = b"" if call.to is None else call.to
    return keccak256(bytes([len(target)]) + target + call.value_wei.to_bytes(32, "big") + call.data)


class TxStore:
    """Rows of one sender."""

    def __init__(self, database: Database, sender: Address) -> None:
        self.database = database
        self._sender = sender

    # ------------------------------------------------------------------------------ intents

    def find(self, key: str) -> Intent | None:
        """Return the intent of a key."""
        row = self.database.query_one(
            f"SELECT {_INTENT} FROM tx_intent WHERE sender = ? AND key = ?",  # noqa: S608
            (self._sender, key),
        )
        return None if row is None else _intent(row)

    def in_state(self, state: TxState) -> list[Intent]:
        """Return intents in a state, by nonce, then in the order they were asked for."""
        rows = self.database.query(
            f"SELECT {_INTENT} FROM tx_intent WHERE sender = ? AND state = ? ORDER BY nonce, seq",  # noqa: S608
            (self._sender, state.value),
        )
        return [_intent(row) for row in rows]

    def done_since(self, block_number: int) -> list[Intent]:
        """Return finished intents mined at or after a block: a reorganisation may revive them."""
        rows = self.database.query(
            f"SELECT {_INTENT} FROM tx_intent WHERE sender = ? AND state = 'done' AND block_number >= ? "  # noqa: S608
            "ORDER BY nonce",
            (self._sender, block_number),
        )
        return [_intent(row) for row in rows]

    def insert(self, request: TxRequest) -> None:
        """Queue a new intent, or one that ended without a transaction of ours, again."""
        call = request.call
        self.database.execute(
            "INSERT INTO tx_intent (sender, key, seq, payload_hash, target, data, value_wei, gas_limit, "
            "guarded, state) "
            "VALUES (?, ?, (SELECT 1 + coalesce(max(seq), 0) FROM tx_intent), ?, ?, ?, ?, ?, ?, 'queued') "
            "ON CONFLICT (sender, key) DO UPDATE SET seq = excluded.seq, "
            "payload_hash = excluded.payload_hash, target = excluded.target, "
            "data = excluded.data, value_wei = excluded.value_wei, "
            "gas_limit = excluded.gas_limit, guarded = excluded.guarded, state = 'queued', outcome = NULL, "
            "detail = '', nonce = NULL, tx_hash = NULL, block_hash = NULL, block_number = NULL",
            (
                self._sender,
                request.key,
                payload_hash(call),
                call.to,
                call.data,
                str(call.value_wei),
                request.gas_limit,
                int(request.precondition is not None),
            ),
        )

    def set_mined(self, key: str, receipt: Receipt) -> None:
        """Record the block of a pending or mined intent."""
        self.database.execute(
            "UPDATE tx_intent SET state = 'mined', outcome = NULL, tx_hash = ?, block_hash = ?, "
            "block_number = ? WHERE sender = ? AND key = ?",
            (receipt.tx_hash, receipt.block_hash, receipt.block_number, self._sender, key),
        )

    def set_done(self, key: str, outcome: TxOutcome, detail: str) -> None:
        """Record how an intent ended; its block, if any, stays."""
        self.database.execute(
            "UPDATE tx_intent SET state = 'done', outcome = ?, detail = ? WHERE sender = ? AND key = ?",
            (outcome.value, detail, self._sender, key),
        )

    def set_pending_again(self, key: str) -> None:
        """Take an intent's block back: it was reorganised away."""
        self.database.execute(
            "UPDATE tx_intent SET state = 'pending', outcome = NULL, detail = '', block_hash = NULL, "
            "block_number = NULL WHERE sender = ? AND key = ?",
            (self._sender, key),
        )

    def set_queued_again(self, key: str) -> None:
        """Take an intent's nonce away: another transaction used it for good."""
        self.database.execute(
            "UPDATE tx_intent SET state = 'queued', nonce = NULL, tx_hash = NULL "
            "WHERE sender = ? AND key = ?",
            (self._sender, key),
        )

    def drop_payloads(self, before_block: int) -> None:
        """Free the bytes of intents too old to be revived; their keys and outcomes stay."""
        with self.database.transaction():
            self.database.execute(
                "DELETE FROM tx_attempt WHERE sender = ? AND key IN "
                "(SELECT key FROM tx_intent WHERE sender = ? AND state = 'done' AND block_number < ? "
                "AND length(data) > 0)",
                (self._sender, self._sender, before_block),
            )
            self.database.execute(
                "UPDATE tx_intent SET data = x'' WHERE sender = ? AND state = 'done' AND block_number < ? "
                "AND length(data) > 0",
                (self._sender, before_block),
            )

    def count(self, state: TxState) -> int:
        """Return the number of intents in a state."""
        row = self.database.query_one(
            "SELECT count(*) FROM tx_intent WHERE sender = ? AND state = ?", (self._sender, state.value)
        )
        return int(row[0]) if row is not None else 0

    def next_nonce(self, chain_nonce: int) -> int:
        """Return the lowest nonce neither used on chain nor given to an intent."""
        row = self.database.query_one(
            "SELECT max(nonce) FROM tx_intent WHERE sender = ? "
            "AND (state = 'pending' OR block_hash IS NOT NULL)",
            (self._sender,),
        )
        highest = row[0] if row is not None else None
        return chain_nonce if highest is None else max(chain_nonce, highest + 1)

    # ------------------------------------------------------------------------------ attempts

    def add_attempt(self, key: str, attempt: Attempt) -> None:
        """Store a signed transaction and make its intent pending: call before sending."""
        with self.database.transaction():
            self.database.execute(
                "UPDATE tx_intent SET state = 'pending', nonce = ?, tx_hash = ? WHERE sender = ? AND key = ?",
                (attempt.nonce, attempt.hash, self._sender, key),
            )
            self.database.execute(
                f"INSERT OR IGNORE INTO tx_attempt (sender, key, seq, {_ATTEMPT}) VALUES "  # noqa: S608
                "(?, ?, (SELECT 1 + coalesce(max(seq), 0) FROM tx_attempt), ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._sender,
                    key,
                    attempt.hash,
                    attempt.nonce,
                    attempt.raw,
                    attempt.gas_limit,
                    str(attempt.fees.max_fee_wei),
                    str(attempt.fees.tip_wei),
                    int(attempt.cancels),
                    attempt.signed_at_ms,
                ),
            )

    def add_first_attempt(self, intent: Intent, attempt: Attempt) -> bool:
        """Store the first signed transaction of a queued intent, unless its owner changed it meanwhile."""
        with self.database.transaction():
            known = self.find(intent.key)
            if (
                known is None
                or known.status.state is not TxState.QUEUED
                or known.payload_hash != intent.payload_hash
            ):
                return False
            self.add_attempt(intent.key, attempt)
            return True

    def attempts(self, intent: Intent) -> list[Attempt]:
        """Return the signed transactions for an intent's present nonce, oldest first."""
        rows = self.database.query(
            f"SELECT {_ATTEMPT} FROM tx_attempt WHERE sender = ? AND key = ? AND nonce = ? ORDER BY seq",  # noqa: S608
            (self._sender, intent.key, intent.status.nonce),
        )
        return [_attempt(row) for row in rows]


def _intent(row: Row) -> Intent:
    key, state, outcome, detail, nonce, tx_hash, block_hash, block_number = row[:8]
    target, data, value_wei, gas_limit, guarded, payload = row[8:]
    return Intent(
        status=TxStatus(
            key=key,
            state=TxState(state),
            outcome=None if outcome is None else TxOutcome(outcome),
            detail=detail,
            nonce=nonce,
            tx_hash=None if tx_hash is None else Hash32(tx_hash),
            block_hash=None if block_hash is None else Hash32(block_hash),
            block_number=block_number,
        ),
        call=Call(to=None if target is None else Address(target), data=data, value_wei=int(value_wei)),
        gas_limit=gas_limit,
        guarded=bool(guarded),
        payload_hash=Hash32(payload),
    )


def _attempt(row: Row) -> Attempt:
    tx_hash, nonce, raw, gas_limit, max_fee_wei, tip_wei, cancels, signed_at_ms = row
    return Attempt(
        hash=Hash32(tx_hash),
        nonce=nonce,
        raw=raw,
        gas_limit=gas_limit,
        fees=Fees(max_fee_wei=int(max_fee_wei), tip_wei=int(tip_wei)),
        cancels=bool(cancels),
        signed_at_ms=signed_at_ms,
    )
