"""What a player must know of the right computation, and the terms of the game."""

from dataclasses import dataclass
from typing import Protocol

from optimistic.protocol.commitment import Tree
from optimistic.protocol.types import Address, Hash32


class Traces(Protocol):
    """The right computation below one right assertion; None where it is not known (yet)."""

    def units(self) -> Tree | None:
        """Return the unit tree of the right assertion."""

    def steps(self, j: int) -> Tree | None:
        """Return the trace tree of least height of unit `j` of the assertion.

        It may take minutes to compute: None until it is there.
        """

    def witness(self, j: int, v: int) -> bytes | None:
        """Return the encoded witness of step `v` of unit `j`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the contracts were deployed with."""

    log_arity: int
    challenge_period_s: int
    bond_wei: int
    """s: of one commitment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """The account that would move."""

    address: Address
    staked_on: frozenset[Hash32] = frozenset()
    """Assertions it is a member of, if it still has its stake."""
    used_free: frozenset[Hash32] = frozenset()
    """Disputes in which it has used its free commitment."""
