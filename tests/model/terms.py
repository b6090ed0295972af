"""What a model is built with: the scaled-down game, and its rules of time, which a mutant may replace.

One tick is δ, the time in which the honest party answers if nobody excludes it from L1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from optimistic.protocol.dispute import clocks
from optimistic.protocol.dispute.ids import Side

Pair = tuple[int, int]
OLDER, NEWER = int(Side.OLDER), int(Side.NEWER)
T0 = 0
"""The first sibling is posted at tick 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of time that the model asks: those of production, unless a mutant replaces one."""

    opening_clocks: Callable[[int, int, int], Pair] = clocks.opening_clocks
    booked: Callable[[Pair, int, int, int], Pair] = clocks.booked
    remaining: Callable[[int, int, int], int] = clocks.remaining
    duel_clock: Callable[[int, int, int], int] = clocks.duel_clock
    is_closed: Callable[[int, int, int], bool] = clocks.is_closed
    loser: Callable[[tuple[bool, bool], Pair], Side | None] = clocks.loser
    is_window_open: Callable[[int, int, int], bool] = clocks.is_window_open
    sole_since: Callable[[int, int, int], int] = clocks.sole_since
    is_confirmable: Callable[[int, int, int, int], bool] = clocks.is_confirmable


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A scaled-down game.

    Attributes
    ----------
    censored : ticks for which the honest party is excluded from L1, at moments its enemy chooses
    planned : Cmax, with which the period was chosen
    spare : ticks of the period above the least one
    depth : levels of the unit tree and of the highest trace tree
    rivals : siblings besides the right one
    commitments : how many a side may have, the right one included
    prompt : whether the honest party may also answer at once
    rules : of time
    """

    censored: int = 1
    planned: int = 1
    spare: int = 0
    depth: int = 2
    rivals: int = 1
    commitments: int = 1
    prompt: bool = False
    rules: Rules = field(default_factory=Rules)

    @property
    def period(self) -> int:
        """T, the least one that is safe unless `spare` says otherwise."""
        return self.planned + deltas(self.depth) + self.spare


def deltas(depth: int) -> int:
    """Return how many δ a period must have besides Cmax.

    As the newcomer the honest party posts, opens, makes every second move of the walk (not the first
    one), commits, and as the newer of two commitments makes every second move of the duel, the first
    one included; if their number is even, it proves the step on its own clock, too. All of that is on
    one clock, and some time must be left at the end. As the older one it neither posts nor opens on its
    clock and has at most one move more in the walk.
    """
    post, open_, walk, commit, duel = 1, 1, depth // 2, 1, depth // 2 + 1
    return post + open_ + walk + commit + duel + 1


# ----------------------------------------------------------------------------------------- mutants


def _older_inherits_lateness(t0: int, period: int, now: int) -> Pair:
    left = period - (now - t0)
    return left, left


def _newcomer_gets_a_fresh_clock(t0: int, period: int, now: int) -> Pair:
    return period, period


def _settled_with_open_windows(closed: tuple[bool, bool], live: Pair) -> Side | None:
    return clocks.loser((True, True), live)


def _booked_to_the_other_side(left: Pair, turn: int, since: int, now: int) -> Pair:
    return clocks.booked(left, 1 - turn, since, now)


def mutants(terms: Terms) -> dict[str, Terms]:
    """The same game with one mistake in it, by name."""
    return {
        "older side inherits lateness": _with(terms, rules=Rules(opening_clocks=_older_inherits_lateness)),
        "newcomer gets a fresh clock": _with(terms, rules=Rules(opening_clocks=_newcomer_gets_a_fresh_clock)),
        "Cmax too large": _with(terms, censored=terms.censored + 1),
        "T one delta too small": _with(terms, spare=-1),
        "settled with open windows": _with(terms, rules=Rules(loser=_settled_with_open_windows)),
        "time is booked to the other side": _with(terms, rules=Rules(booked=_booked_to_the_other_side)),
    }


def _with(terms: Terms, **changes: object) -> Terms:
    return replace(terms, **changes)  # type: ignore[arg-type] # the callers know the fields
