"""A dispute as a player sees it at one L1 block: plain values, filled from events and storage.

Times are seconds of L1, wei are wei. Pairs are indexed by `Side`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from optimistic.protocol.dispute.clocks import remaining
from optimistic.protocol.dispute.ids import Ids, Side, commitment_id, dispute_id, duel_id
from optimistic.protocol.types import Address, Hash32


class Stage(IntEnum):
    """Where a dispute or a duel stands; numbers are those of Dispute.sol."""

    NONE = 0
    WALK = 1
    TRACE = 2
    OVER = 3


class Life(IntEnum):
    """Life of a commitment; numbers are those of Dispute.sol."""

    NONE = 0
    LIVE = 1
    DEAD = 2
    PAID = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """An agreed state and the two nodes that follow it, which differ."""

    pre: Hash32
    nodes: tuple[Hash32, Hash32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Two chess clocks of which the one of the side on turn runs."""

    left: tuple[int, int]
    """Seconds each side had left when the present turn began."""
    since: int
    turn: Side

    def remaining(self, now: int) -> int:
        """Return the seconds the side on turn has left, at least 0."""
        return remaining(self.left[self.turn], self.since, now)

    @property
    def expires_at(self) -> int:
        """The first second at which the side on turn has nothing left."""
        return self.since + self.left[self.turn]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuelView:
    """A search for the first difference: the walk of a dispute, or the duel of two commitments."""

    stage: Stage
    clocks: Clocks
    level: int
    """Of the nodes in `divergence`; 0 when they are leaves."""
    index: int
    divergence: Divergence
    children: tuple[tuple[Hash32, ...] | None, tuple[Hash32, ...] | None]
    """Revealed children of each side's node; None where nobody revealed them."""
    end_states: tuple[Hash32 | None, Hash32 | None]
    """Of each side's node, revealed together with its children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentView:
    """A claim about all steps of the disputed unit."""

    side: Side
    depth: int
    root: Hash32
    owner: Address
    joined_at: int
    no: int
    """Order among the commitments of the dispute, from 1."""
    life: Life
    is_free: bool
    """Without a bond: the owner's stake answers for it."""
    children: tuple[Hash32, ...]
    """Of the root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """One dispute with everything in it."""

    older: Hash32
    newer: Hash32
    opened_at: int
    walk: DuelView
    """In stage TRACE: `left` are the budgets B, `since` is u, `index` is j, the nodes are the two results."""
    commitments: Mapping[Hash32, CommitmentView] = field(default_factory=dict)
    duels: Mapping[Ids, DuelView] = field(default_factory=dict)
    """Those that have started, by their commitments (older side's, newer side's)."""
    winner: Hash32 | None = None
    """Of a dispute that is over; None too if neither side was alive."""
    is_moot: bool = False
    """Whether a sibling is not alive any more: nobody dies by this dispute."""

    @property
    def id(self) -> Hash32:
        """Name of the dispute."""
        return dispute_id(self.older, self.newer)

    @property
    def stage(self) -> Stage:
        """Where the dispute stands."""
        return self.walk.stage

    def assertion(self, side: Side) -> Hash32:
        """Return the assertion of a side."""
        return (self.older, self.newer)[side]

    def window_end(self, side: Side) -> int:
        """Return u + B[side]: until then a side may commit (meaningful once the unit is pinned)."""
        return self.walk.clocks.since + self.walk.clocks.left[side]

    def live(self, side: Side) -> list[Hash32]:
        """Return the live commitments of a side, oldest first."""
        found = [id_ for id_, c in self.commitments.items() if c.side is side and c.life is Life.LIVE]
        return sorted(found, key=lambda id_: self.commitments[id_].no)

    def pairs(self) -> Iterator[Ids]:
        """Yield all pairs of live opposing commitments; attackers decide how many there are."""
        newer = self.live(Side.NEWER)
        for id_ in self.live(Side.OLDER):
            yield from ((id_, rival) for rival in newer)

    def commitment_id(self, side: Side, depth: int, root: Hash32) -> Hash32:
        """Return the id that a commitment of this dispute has or would have."""
        return commitment_id(self.id, side, depth, root)

    def duel_id(self, commitments: Ids) -> Hash32:
        """Return the id of the duel of two commitments, by side."""
        return duel_id(self.id, commitments)
