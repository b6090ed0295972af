"""How the disputes of right assertions stand: what alerts, metrics and people want to know of each."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from challenger.defence import right_side
from challenger.model import ChainView, Knowledge
from optimistic.protocol.dispute.forecast import can_hold, latest_end, seconds_left
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.searches import newer_side
from optimistic.protocol.dispute.views import DisputeView, Life, Stage
from optimistic.protocol.types import Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One dispute that is not over, of which one side is right."""

    dispute: DisputeView
    right: Side
    champion: Hash32 | None
    """The commitment to the right trace, posted or not; None while the trace is not known."""
    left_s: int | None
    """Until a clock of the right side runs out; None while none runs."""
    holds: bool
    """Whether the right side still wins if it plays on."""
    ends_by: int
    """L1 time at which it can be ended at the latest."""

    @property
    def has_champion(self) -> bool:
        """Whether the right trace was committed to."""
        return self.champion is not None and self.champion in self.dispute.commitments


@dataclass(frozen=True, slots=True, kw_only=True)
class DuelCounts:
    """The walks and duels of these disputes, started or not."""

    my_turn: int = 0
    their_turn: int = 0
    expired_unclaimed: int = 0
    """Their clocks ran out, and nobody has said so yet."""

    @property
    def open(self) -> int:
        """All of them."""
        return self.my_turn + self.their_turn + self.expired_unclaimed


def standings(view: ChainView, known: Knowledge) -> list[Standing]:
    """Return how every dispute of a right assertion stands, the one with the least time first."""
    found = [_standing(view, known, dispute) for dispute in view.disputes if not dispute.is_moot]
    kept = [standing for standing in found if standing is not None]
    return sorted(kept, key=lambda standing: (standing.left_s is None, standing.left_s or 0))


def count_duels(disputes: Sequence[Standing], now: int) -> DuelCounts:
    """Count walks and duels by whose turn it is."""
    mine = theirs = expired = 0
    for standing in disputes:
        for turn, expires_at, count in _turns(standing.dispute):
            if turn is standing.right:
                mine += count
            elif expires_at <= now:
                expired += count
            else:
                theirs += count
    return DuelCounts(my_turn=mine, their_turn=theirs, expired_unclaimed=expired)


def _turns(dispute: DisputeView) -> Iterator[tuple[Side, int, int]]:
    """Yield (side on turn, when its clock runs out, how many such walks or duels).

    Both sides may have any number of commitments: duels that have not started are not told apart.
    """
    if dispute.stage is Stage.WALK:
        yield dispute.walk.clocks.turn, dispute.walk.clocks.expires_at, 1
        return
    numbers = [[dispute.commitments[id_].no for id_ in dispute.live(side)] for side in Side]
    unstarted = [sum(bisect(numbers[side.other], no) for no in numbers[side]) for side in Side]
    for ids, duel in dispute.duels.items():
        both = dispute.commitments[ids[Side.OLDER]], dispute.commitments[ids[Side.NEWER]]
        if all(commitment.life is Life.LIVE for commitment in both):
            unstarted[newer_side(both)] -= 1
            yield duel.clocks.turn, duel.clocks.expires_at, 1
    yield from ((side, dispute.window_end(side), unstarted[side]) for side in Side)


def lost_by_right(view: ChainView, known: Knowledge) -> list[tuple[Hash32, Hash32]]:
    """Return the pairs (winner, loser) of disputes that a right assertion has lost."""
    found = []
    for pair, winner in view.settled.items():
        if winner is None:
            continue
        loser = pair[0] if winner == pair[1] else pair[1]
        if known.is_right(loser) and not known.is_right(winner):
            found.append((winner, loser))
    return found


def own_bonds(view: ChainView) -> int:
    """Return how many bonds of ours lie in disputes that are not over."""
    if view.me is None:
        return 0
    own = view.me.stake.address
    found = (commitment for dispute in view.disputes for commitment in dispute.commitments.values())
    return sum(1 for commitment in found if commitment.owner == own and not commitment.is_free)


def _standing(view: ChainView, known: Knowledge, dispute: DisputeView) -> Standing | None:
    right = right_side(known, dispute)
    if right is None:
        return None
    champion = _champion(view, known, dispute, right)
    return Standing(
        dispute=dispute,
        right=right,
        champion=champion,
        left_s=seconds_left(dispute, right, champion, view.now),
        holds=can_hold(dispute, right, champion, view.now),
        ends_by=latest_end(dispute),
    )


def _champion(view: ChainView, known: Knowledge, dispute: DisputeView, right: Side) -> Hash32 | None:
    traces = known.traces.get(view.assertions[dispute.assertion(right)].parent)
    if traces is None or dispute.stage is not Stage.TRACE:
        return None
    steps = traces.steps(dispute.walk.index)
    return None if steps is None else dispute.commitment_id(right, steps.height, steps.root.hash)
