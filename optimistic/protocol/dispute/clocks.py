"""What time decides in the game: each rule once, as a function of seconds.

The rules, the players and the checked model all ask these. Pairs are indexed by `Side`; `now` and
everything that is compared with it are L1 times, everything else is a duration.

Source: docs/spec/10-dispute-game.md
"""

from optimistic.protocol.dispute.ids import Side

Seconds = tuple[int, int]
"""One duration of each side."""


def is_window_open(t0: int, period_s: int, now: int) -> bool:
    """Return whether siblings may still be posted and disputes opened, the first one came at `t0`."""
    return now < t0 + period_s


def opening_clocks(t0: int, period_s: int, now: int) -> Seconds:
    """Return the clocks of a dispute opened now: that of the newcomer has run since the first sibling."""
    return period_s, period_s - (now - t0)


def remaining(left_s: int, since: int, now: int) -> int:
    """Return what is left of a clock that has run since `since`, at least 0."""
    return max(0, left_s - (now - since))


def booked(left: Seconds, turn: int, since: int, now: int) -> Seconds:
    """Return both clocks after a move by the side on turn, whose clock has run since `since`."""
    spent = now - since
    return (left[0] - spent, left[1]) if turn == Side.OLDER else (left[0], left[1] - spent)


def is_closed(budget_s: int, pinned_at: int, now: int) -> bool:
    """Return whether a side can commit no more to the traces of the unit pinned at `pinned_at`."""
    return now >= pinned_at + budget_s


def duel_clock(budget_s: int, pinned_at: int, joined_at: int) -> int:
    """Return the clock that a commitment has in each of its duels."""
    return budget_s - (joined_at - pinned_at)


def loser(closed: tuple[bool, bool], live: tuple[int, int]) -> Side | None:
    """Return the side that has lost a dispute whose unit is pinned; None while it is undecided.

    Parameters
    ----------
    closed : whether each side can commit no more
    live : how many live commitments each side has
    """
    for side in Side:
        if closed[side] and not live[side] and live[side.other]:
            return side
    return Side.NEWER if all(closed) and not any(live) else None


def sole_since(t0: int, period_s: int, now: int) -> int:
    """Return from when on a child counts as the only one, if all others are dead now."""
    return max(now, t0 + period_s)


def is_confirmable(live_children: int, sole_since: int, airgap_s: int, now: int) -> bool:
    """Return whether the last live child can be confirmed; its parent is, and the window is over."""
    return live_children == 1 and now >= sole_since + airgap_s
