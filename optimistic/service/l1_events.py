"""Our contracts' events as values; `event_decoder` reads them out of logs."""

from dataclasses import dataclass

from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.records import BatchRecord, Deposit
from optimistic.protocol.types import Address, Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where on L1 an event was emitted."""

    address: Address
    block_number: int
    block_hash: Hash32
    tx_hash: Hash32
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAppended:
    """Batch `index` with all its data."""

    place: Place
    index: int
    acc: Hash32
    prev_acc: Hash32
    record: BatchRecord
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DepositEnqueued:
    """Deposit `index` of the queue with all its data."""

    place: Place
    index: int
    deposit_hash: Hash32
    deposit: Deposit


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigScheduled:
    """A parameter set announced for a later time."""

    place: Place
    config: int
    config_hash: Hash32
    verifier: Address
    """One-step verifier of these parameters."""
    effective_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigPinned:
    """The first batch of a parameter set."""

    place: Place
    config: int
    first_batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A new assertion about batches [from_batch, to_batch)."""

    place: Place
    id: Hash32
    parent: Hash32
    seq: int
    poster: Address
    from_batch: int
    to_batch: int
    acc: Hash32
    unit_root: Hash32
    end_leaf: Hash32
    children_root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Backed:
    """A staker joined an assertion."""

    place: Place
    id: Hash32
    staker: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """An assertion became final."""

    place: Place
    id: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Died:
    """An assertion lost."""

    place: Place
    id: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Slashed:
    """A staker of a dead assertion lost the stake."""

    place: Place
    id: Hash32
    staker: Address
    amount: int
    burned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeWithdrawn:
    """A staker left."""

    place: Place
    staker: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLeaves:
    """Nodes of an assertion's unit tree, published by anyone: (end state, children root) each."""

    place: Place
    id: Hash32
    level: int
    first_index: int
    nodes: tuple[tuple[Hash32, Hash32], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpened:
    """A dispute between two siblings; above level 0 `Moved` follows, with the newer side's children."""

    place: Place
    dispute: Hash32
    older: Hash32
    newer: Hash32
    opener: Address
    level: int
    index: int
    divergence: Divergence
    left_older: int
    """Seconds the older side's clock begins with."""
    left_newer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPinned:
    """A dispute found its unit: the nodes are the two results."""

    place: Place
    dispute: Hash32
    index: int
    divergence: Divergence
    budget_older: int
    """Seconds the older side has from now on."""
    budget_newer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A side descended one level in a walk (the duel has the dispute's id) or in a duel."""

    place: Place
    duel: Hash32
    dispute: Hash32
    mover: Address
    """Who paid for it; anyone may move for a side."""
    side: Side
    level: int
    index: int
    divergence: Divergence
    end_state: Hash32
    """Of the side's own node; zero at level 0."""
    children: tuple[Hash32, ...]
    """Of the side's own node; none at level 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A claim about all steps of the disputed unit."""

    place: Place
    dispute: Hash32
    commitment: Hash32
    owner: Address
    side: Side
    depth: int
    root: Hash32
    no: int
    is_free: bool
    children: tuple[Hash32, ...]
    """Of the root, whose end state is the side's result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuelStarted:
    """Two commitments met; `Moved` follows."""

    place: Place
    duel: Hash32
    dispute: Hash32
    older: Hash32
    newer: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class StepProven:
    """The verifier executed the step two commitments disagreed about."""

    place: Place
    duel: Hash32
    dispute: Hash32
    prover: Address
    post: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentDied:
    """A commitment lost a duel; `stake` wei of its owner were taken if it had no bond."""

    place: Place
    dispute: Hash32
    commitment: Hash32
    stake: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeSettled:
    """A dispute is over."""

    place: Place
    dispute: Hash32
    winner: Hash32
    """Zero if neither sibling was alive."""
    killed: bool
    """Whether the other sibling died by it."""
    pool: int
    to_poster: int
    burned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """The game paid an account."""

    place: Place
    account: Address
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecompilesJudged:
    """The guard looked at L1's precompiles and found another answer than before."""

    place: Place
    is_broken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalFinalized:
    """A message was delivered on L1."""

    place: Place
    key: Hash32
    target: Address
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalDelayed:
    """A proven message waits for the rate limit."""

    place: Place
    key: Hash32
    ready_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """The guardian paused withdrawals."""

    place: Place
    paused_until: int


L1Event = (
    BatchAppended
    | DepositEnqueued
    | ConfigScheduled
    | ConfigPinned
    | Asserted
    | Backed
    | Confirmed
    | Died
    | Slashed
    | StakeWithdrawn
    | UnitLeaves
    | DisputeOpened
    | UnitPinned
    | Moved
    | Committed
    | DuelStarted
    | StepProven
    | CommitmentDied
    | DisputeSettled
    | Paid
    | PrecompilesJudged
    | WithdrawalFinalized
    | WithdrawalDelayed
    | Paused
)
