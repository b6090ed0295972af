"""Moves of the game as data: what a player wants to happen, with all the proofs it takes.

Each names the state it answers to, so that after a reorganisation or a faster player it fails
harmlessly.
"""

from dataclasses import dataclass
from typing import ClassVar

from optimistic.protocol.commitment import PathStep
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.types import Address, Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A node opened: H(TAG_NODE, end_state, children_root), or a leaf with a zero children_root."""

    end_state: Hash32
    children_root: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergenceProof:
    """That two nodes are the first difference below two other ones; twin of Divergences.sol."""

    index: int
    nodes: tuple[Hash32, Hash32]
    paths: tuple[tuple[PathStep, ...], tuple[PathStep, ...]]
    """By side, bottom up."""
    left: Opening
    """The common node at index - 1; all zero at index 0."""
    left_path: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """The children of a node."""

    end_state: Hash32
    children: tuple[Hash32, ...]
    last_children_root: Hash32
    """Opens the last child; zero if the children are leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuelKey:
    """Names a duel; without commitments the walk of the dispute."""

    older: Hash32
    newer: Hash32
    commitments: tuple[Hash32, Hash32] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """What every move says besides."""

    reason: str
    deadline: int | None = None
    """L1 time at which it is too late; None without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open(_Planned):
    """Open the dispute between an older and a newer sibling at a level of the unit tree."""

    kind: ClassVar = "open"
    older: Hash32
    newer: Hash32
    level: int
    proof: DivergenceProof
    reveal: Reveal | None
    """None at level 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move(_Planned):
    """Descend to the first different child, in a walk or a duel."""

    kind: ClassVar = "move"
    key: DuelKey
    side: Side
    level: int
    pre: Hash32
    proof: DivergenceProof
    reveal: Reveal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit(_Planned):
    """Commit to the right trace of the pinned unit."""

    kind: ClassVar = "commit"
    older: Hash32
    newer: Hash32
    side: Side
    depth: int
    divergence: Divergence
    reveal: Reveal
    is_free: bool
    bond_wei: int
    """Zero if free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start(_Planned):
    """The first move of a duel, by the newer of two commitments."""

    kind: ClassVar = "start"
    older: Hash32
    newer: Hash32
    commitments: tuple[Hash32, Hash32]
    depths: tuple[int, int]
    roots: tuple[Hash32, Hash32]
    divergence: Divergence
    proof: DivergenceProof
    reveal: Reveal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveStep(_Planned):
    """Have the one disputed step executed."""

    kind: ClassVar = "prove_step"
    key: DuelKey
    divergence: Divergence
    witness: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout(_Planned):
    """End a walk or a duel against the side whose clock ran out."""

    kind: ClassVar = "timeout"
    key: DuelKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle(_Planned):
    """Close a dispute that is decided."""

    kind: ClassVar = "settle"
    older: Hash32
    newer: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(_Planned):
    """Collect bonds, credits and shares."""

    kind: ClassVar = "claim"
    older: Hash32
    newer: Hash32
    commitments: tuple[Hash32, ...]
    account: Address


GameAction = Open | Move | Commit | Start | ProveStep | Timeout | Settle | Claim
