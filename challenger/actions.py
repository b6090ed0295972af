"""What a watchtower can do on L1, as data.

The solver makes actions, the responder sends them. Every action names all it depends on, so
that a reorganisation or a faster watcher makes it fail harmlessly instead of doing something else.
"""

from dataclasses import dataclass
from typing import ClassVar

from challenger.model import Draft
from optimistic.protocol.dispute.actions import GameAction
from optimistic.protocol.types import Address, Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    reason: str
    deadline: int | None = None
    """L1 time after which the action is too late; None without a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertBatches(_Planned):
    """Post the right assertion."""

    kind: ClassVar = "assert"
    draft: Draft
    stake_wei: int
    """S0 for an account without a stake, else zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back(_Planned):
    """Move the stake onto the right assertion."""

    kind: ClassVar = "back"
    assertion: Hash32
    stake_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KillUnopened(_Planned):
    """Kill a newcomer that opened no dispute against the older sibling in time."""

    kind: ClassVar = "kill_unopened"
    older: Hash32
    newer: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(_Planned):
    """Confirm the right assertion."""

    kind: ClassVar = "confirm"
    assertion: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkDead(_Planned):
    """Record the death of a child of a dead assertion."""

    kind: ClassVar = "mark_dead"
    assertion: Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Slash(_Planned):
    """Take the stake of a member of a dead assertion."""

    kind: ClassVar = "slash"
    assertion: Hash32
    staker: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawStake(_Planned):
    """Take the own stake back."""

    kind: ClassVar = "withdraw_stake"


AssertionAction = AssertBatches | Back | KillUnopened | Confirm | MarkDead | Slash | WithdrawStake

Action = AssertionAction | GameAction
