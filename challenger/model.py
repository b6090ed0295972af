"""What the watchtower knows of L1 at one block, and what it thinks about it: plain values.

The loader fills a `ChainView`, the judge turns it into `Knowledge`, the solver turns both
into actions. Nothing here reads a clock, a disk or a network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from optimistic.protocol.commitment import assertion_id
from optimistic.protocol.constants import BATCH_BITS, UNIT_BITS
from optimistic.protocol.dispute.actions import Claim
from optimistic.protocol.dispute.published import PublishedNodes
from optimistic.protocol.dispute.traces import Player, Terms, Traces
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Block:
    """The block a view is pinned to."""

    number: int
    hash: Hash32
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHead:
    """What the decisions need of one batch; its bytes stay with the loader."""

    index: int
    acc: Hash32
    """Inbox accumulator after this batch."""
    input_hash: Hash32
    """Fixes everything the replay of batches 0 … index reads, deposits included."""
    l1_timestamp: int
    is_forced: bool
    """Appended by somebody other than the sequencer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One assertion with the state of its children's window."""

    id: Hash32
    parent: Hash32
    seq: int
    """Order among the children of the parent, from 1."""
    poster: Address
    from_batch: int
    to_batch: int
    acc: Hash32
    unit_root: Hash32
    end_leaf: Hash32
    status: AssertionStatus
    t0: int = 0
    """L1 time of the first child; 0 without children."""
    sole_since: int = 0
    live_children: int = 0
    child_to: int = 0
    """What `to_batch` of every child must be; 0 before the first child."""

    @property
    def is_alive(self) -> bool:
        """Whether children may still be added below it."""
        return self.status in (AssertionStatus.LIVE, AssertionStatus.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staker:
    """An account's stake."""

    address: Address
    amount: int
    """Wei; S0 or zero."""
    tip: Hash32
    """The assertion the stake lies on; meaningless without a stake."""
    is_slashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The watchtower's own account, as L1 sees it."""

    stake: Staker
    balance_wei: int
    memberships: frozenset[Hash32] = frozenset()
    """Assertions it posted or backed."""
    used_free: frozenset[Hash32] = frozenset()
    """Disputes in which it has used its free commitment."""

    @property
    def player(self) -> Player:
        """The account as a player of the dispute game."""
        return Player(
            address=self.stake.address,
            staked_on=self.memberships if self.stake.amount else frozenset(),
            used_free=self.used_free,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainView:
    """Everything a decision may depend on, read at one block."""

    block: L1Block
    challenge_period_s: int
    airgap_s: int
    stake_wei: int
    terms: Terms
    batches: Sequence[BatchHead]
    assertions: Mapping[Hash32, Assertion]
    genesis_id: Hash32
    latest_confirmed: Hash32
    openings: frozenset[tuple[Hash32, Hash32]] = frozenset()
    """Pairs (older, newer) with a dispute, over or not."""
    disputes: Sequence[DisputeView] = ()
    """Those that are not over, oldest first; those below wrong assertions may be left out."""
    settled: Mapping[tuple[Hash32, Hash32], Hash32 | None] = field(default_factory=dict)
    """Pairs (older, newer) whose dispute is over -> the winner, if there was one."""
    claims: Sequence[Claim] = ()
    """What would pay the accounts that are claimed for."""
    claimable_wei: int = 0
    """What they would pay together."""
    has_broken_precompiles: bool = False
    """Whether the guard on L1 found a precompile that runs otherwise than the one-step verifier counts on."""
    waiting_since: int | None = None
    """L1 time of the oldest deposit that no batch has taken."""
    members: Mapping[Hash32, tuple[Staker, ...]] = field(default_factory=dict)
    """Members of dead assertions who still have a stake."""
    tips: Mapping[Address, Hash32] = field(default_factory=dict)
    """Where the stakes of others lie."""
    published: Mapping[Hash32, tuple[PublishedNodes, ...]] = field(default_factory=dict)
    me: Identity | None = None
    """None in watch-only mode."""
    _children: dict[Hash32, list[Assertion]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        children: dict[Hash32, list[Assertion]] = {}
        for assertion in sorted(self.assertions.values(), key=lambda a: a.seq):
            if assertion.id != self.genesis_id:
                children.setdefault(assertion.parent, []).append(assertion)
        object.__setattr__(self, "_children", children)

    @property
    def now(self) -> int:
        """L1 time of the view, in seconds."""
        return self.block.timestamp

    def children(self, parent: Hash32) -> list[Assertion]:
        """Return the children of an assertion, oldest first."""
        return self._children.get(parent, [])

    def window_end(self, parent: Assertion) -> int:
        """Return when the window for rivals and openings below `parent` closes (meaningful with a child)."""
        return parent.t0 + self.challenge_period_s

    def disputed_unit(self, dispute: DisputeView) -> tuple[int, int]:
        """Return (batch from the genesis on, unit in the batch) that a dispute is pinned to."""
        offset, unit = split_unit(dispute.walk.index)
        return self.assertions[dispute.older].from_batch + offset, unit

    def is_open(self, older: Assertion, newer: Assertion) -> bool:
        """Return whether there is a dispute between two siblings."""
        return (older.id, newer.id) in self.openings


class Judgement(StrEnum):
    """What a watchtower says about an assertion. Unknown never acts."""

    VALID = "valid"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongUnits:
    """Where the first wrong unit of an assertion lies, as far as L1 lets anybody know.

    Indexes count units of the assertion: batch offset · 2^15 + unit. An assertion commits to
    one root; without published nodes only that follows from it: some unit is wrong.
    """

    first: int
    """No unit before this one is wrong."""
    last: int
    """The first wrong unit is not after this one."""
    proven: int | None = None
    """Lowest unit whose published leaf differs from ours."""

    @property
    def unit(self) -> int | None:
        """The first wrong unit, or None while several could be it."""
        return self.first if self.first == self.last else None

    @property
    def named(self) -> int | None:
        """The unit to name: the first wrong one, else the lowest that is proven to be wrong."""
        return self.first if self.first == self.last else self.proven

    @property
    def source(self) -> str:
        """What the bounds rest on."""
        if self.unit is not None:
            return "published_leaves"
        return "unit_root" if self.is_everything else "published_nodes"

    @property
    def is_everything(self) -> bool:
        """Whether nothing but the root is known."""
        return self.first == 0 and self.last == (1 << UNIT_BITS + BATCH_BITS) - 1


def split_unit(index: int) -> tuple[int, int]:
    """Return (batch offset, unit in the batch) of a unit index of an assertion."""
    return index >> UNIT_BITS, index & ((1 << UNIT_BITS) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The watchtower's opinion of one assertion."""

    judgement: Judgement
    reason: str
    wrong: WrongUnits | None = None
    """Only of an assertion whose parent is right and that itself is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The right child of a parent about a range of batches: what we would assert."""

    parent: Hash32
    from_batch: int
    to_batch: int
    acc: Hash32
    unit_root: Hash32
    end_leaf: Hash32
    children_root: Hash32

    @property
    def id(self) -> Hash32:
        """The id L1 gives this content."""
        return assertion_id(self.parent, self.acc, self.unit_root, self.end_leaf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """The two engines disagree about a unit of a range; what the step machine says is right."""

    batch: int
    unit: int
    """The first of them: batch from the genesis on, unit of the batch."""
    other: Hash32 | None
    """The child that the transaction engine would assert, if it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """The outcome of judging one view."""

    verdicts: Mapping[Hash32, Verdict]
    drafts: Mapping[Hash32, Draft]
    """Right parent -> its right child, asserted or not; only where the replay is complete."""
    traces: Mapping[Hash32, Traces] = field(default_factory=dict)
    """Right parent -> the computation of its right child."""
    unchecked: frozenset[Hash32] = frozenset()
    """Right parents with contested batches that the step machine did not run yet."""
    doubts: Mapping[Hash32, Doubt] = field(default_factory=dict)
    """Right parent -> what the engines disagree about below it."""

    def judgement(self, assertion: Hash32) -> Judgement:
        """Return what is known of an assertion."""
        verdict = self.verdicts.get(assertion)
        return Judgement.UNKNOWN if verdict is None else verdict.judgement

    def is_right(self, assertion: Hash32) -> bool:
        """Return whether an assertion is known to be right."""
        return self.judgement(assertion) is Judgement.VALID

    def is_wrong(self, assertion: Hash32) -> bool:
        """Return whether an assertion is known to be wrong."""
        return self.judgement(assertion) is Judgement.INVALID
