"""What the transaction manager takes and tells."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from optimistic.protocol.errors import InvalidInput, TemporaryError
from optimistic.protocol.types import Hash32
from optimistic.service.l1_types import BlockId, Call


class Readiness(StrEnum):
    """Whether a transaction makes sense in the state after one block."""

    READY = "ready"
    NOT_YET = "not_yet"
    """Something else must happen first; ask again."""
    DONE = "done"
    """The effect is there already, whoever caused it."""
    LOST = "lost"
    """It can never happen any more: somebody else was first, or the window closed."""


Precondition = Callable[[BlockId], Readiness]
"""Reads the chain at the block given (a hash) and says whether the transaction makes sense there."""


class TxState(StrEnum):
    """How far a transaction got; a reorganisation of L1 may set it back."""

    QUEUED = "queued"
    """Accepted here; nothing is signed."""
    PENDING = "pending"
    """Signed, stored, and sent until it is in a block."""
    MINED = "mined"
    """In a block that is not deep enough yet."""
    DONE = "done"
    """Over; see the outcome."""


class TxOutcome(StrEnum):
    """How a transaction ended."""

    CONFIRMED = "confirmed"
    """Our transaction did it."""
    ALREADY_DONE = "already_done"
    """The effect was there without it: as good as confirmed."""
    LOST_RACE = "lost_race"
    """Somebody else made it impossible; nothing is wrong with us."""
    FAILED = "failed"
    """It reverts although its precondition holds: a bug of ours. Look at `detail`."""


class IdempotencyConflict(InvalidInput):
    """The same key was used for another message that is already signed."""


class TxNotAccepted(TemporaryError):
    """The endpoint refuses a transaction of ours, or the account cannot pay for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TxRequest:
    """A message to be sent once.

    `key` names the effect ("append:17"): asking again with the same key does nothing new.
    Without a `precondition` the message is sent as soon as its simulation succeeds.
    """

    key: str
    call: Call
    precondition: Precondition | None = None
    gas_limit: int | None = None
    """None estimates it."""
    deadline: int | None = None
    """L1 time at which it is too late: what has less time is signed first, what has no limit last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TxStatus:
    """What is known about one key."""

    key: str
    state: TxState
    outcome: TxOutcome | None
    detail: str
    nonce: int | None
    tx_hash: Hash32 | None
    """The mined transaction, or the newest one sent."""
    block_hash: Hash32 | None
    block_number: int | None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will be done, reorganisations aside."""
        return self.state is TxState.DONE

    @property
    def succeeded(self) -> bool:
        """Whether the effect is on chain: "already done" is success."""
        return self.outcome in (TxOutcome.CONFIRMED, TxOutcome.ALREADY_DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TxOptions:
    """How transactions are paid for and how long they are watched."""

    confirmations: int = 1
    """Blocks, the including one counted, until an outcome is final."""
    watch_blocks: int = 64
    """Depth down to which a reorganisation brings a finished transaction back to life."""
    bump_after_ms: int = 15_000
    """Age at which an unmined transaction is replaced by a dearer one."""
    max_fee_wei: int = 500 * 10**9
    """Never offer more than this per gas."""
    min_tip_wei: int = 1
    max_in_flight: int = 16
    gas_margin_percent: int = 25
    max_gas: int = 1 << 24
    """Margins never lift a gas limit over this (EIP-7825)."""
