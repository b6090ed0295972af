"""One dispute with its money: what changes in it, and what an account takes out of it in the end.

Source: docs/spec/10-dispute-game.md
"""

from dataclasses import dataclass, field, replace

from optimistic.protocol.dispute.actions import Claim
from optimistic.protocol.dispute.ids import Ids, Side
from optimistic.protocol.dispute.purse import Purse, Split, share_down, split
from optimistic.protocol.dispute.refusals import CommitmentNotLive, WrongStage
from optimistic.protocol.dispute.searches import Both
from optimistic.protocol.dispute.views import CommitmentView, DisputeView, DuelView, Life, Stage
from optimistic.protocol.types import Address, Hash32


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A dispute as a player sees it, and what L1 knows besides."""

    view: DisputeView
    purse: Purse = field(default_factory=Purse)
    used_free: tuple[tuple[Side, Address], ...] = ()
    """Who has used its free commitment, on which side."""

    def require(self, stage: Stage) -> None:
        """Refuse a call that belongs to another stage."""
        if self.view.stage is not stage:
            raise WrongStage

    def live(self, ids: Ids) -> Both:
        """Return two opposing commitments, both of which must be alive."""
        found = []
        for side in Side:
            commitment = self.view.commitments.get(ids[side])
            if commitment is None or commitment.life is not Life.LIVE or commitment.side is not side:
                raise CommitmentNotLive
            found.append(commitment)
        return found[0], found[1]

    def counts(self) -> tuple[int, int]:
        """Return how many live commitments each side has."""
        return len(self.view.live(Side.OLDER)), len(self.view.live(Side.NEWER))

    def with_duel(self, ids: Ids | None, duel: DuelView) -> "Dispute":
        """Return the dispute with a new or changed duel; None names the walk."""
        if ids is None:
            return replace(self, view=replace(self.view, walk=duel))
        return replace(self, view=replace(self.view, duels={**self.view.duels, ids: duel}))

    def with_commitment(self, id_: Hash32, commitment: CommitmentView) -> "Dispute":
        """Return the dispute with a new or changed commitment."""
        commitments = {**self.view.commitments, id_: commitment}
        return replace(self, view=replace(self.view, commitments=commitments))

    def with_credit(self, side: Side, id_: Hash32 | None, account: Address, wei: int) -> "Dispute":
        """Return the dispute after a move that earned something for a commitment or for a side as such."""
        return replace(self, purse=self.purse.earn(side, id_, account, wei))

    def bury(self, id_: Hash32, bond_wei: int, seized_wei: int) -> "Dispute":
        """Return the dispute after the death of a commitment and of what answered for it."""
        dead = self.view.commitments[id_]
        purse = self.purse.bury(dead.side, id_, bond_wei, seized_wei)
        return replace(self.with_commitment(id_, replace(dead, life=Life.DEAD)), purse=purse)

    def close(self, won: Side | None, seized_wei: int, *, is_won: bool) -> tuple["Dispute", Split]:
        """Return the dispute over, and where its money goes.

        Parameters
        ----------
        won : the side that still stands, if any does
        seized_wei : stake of the loser's poster
        is_won : whether the other sibling died by this dispute; else it is moot
        """
        purse, pool, burned = self.purse, self.purse.pool_wei + seized_wei, sum(self.purse.forfeits_wei)
        if won is not None and is_won:
            pool += purse.forfeits_wei[won.other]
            burned = purse.forfeits_wei[won]
        parts = split(pool, 0 if won is None else purse.credits_wei[won])
        to_poster = 0 if won is None else parts.to_poster_wei
        burned += pool - parts.pool_wei - to_poster
        winner = None if won is None else self.view.assertion(won)
        over = replace(self.view.walk, stage=Stage.OVER)
        closed = replace(
            self,
            view=replace(self.view, walk=over, winner=winner),
            purse=replace(purse, pool_wei=parts.pool_wei, forfeits_wei=(0, 0)),
        )
        return closed, Split(pool_wei=parts.pool_wei, to_poster_wei=to_poster, burned_wei=burned)

    def collect(self, claim: Claim, bond_wei: int) -> tuple["Dispute", int]:
        """Return the dispute, which is over, after a claim, and the wei it pays: bonds and credits."""
        self.require(Stage.OVER)
        winner = self.view.winner
        won = None if winner is None else Side(winner == self.view.newer)
        after, amount = self, 0
        for id_ in claim.commitments:
            commitment = after.view.commitments.get(id_)
            if commitment is None or commitment.life is Life.DEAD:
                continue
            if commitment.owner == claim.account and commitment.life is Life.LIVE:
                amount += 0 if commitment.is_free else bond_wei
                after = after.with_commitment(id_, replace(commitment, life=Life.PAID))
            if commitment.side is won:
                after, credit = _take_credit(after, id_, won, claim.account)
                amount += credit
        if won is not None:
            after, credit = _take_credit(after, won, won, claim.account)
            amount += credit
        return after, amount


def _take_credit(dispute: Dispute, of: Hash32 | Side, won: Side, account: Address) -> tuple[Dispute, int]:
    """Return a dispute without a credit of the winner, and what that is worth."""
    purse, credit = dispute.purse.collect((of, account))
    worth = share_down(credit, purse.pool_wei, purse.credits_wei[won])
    return replace(dispute, purse=purse), worth
