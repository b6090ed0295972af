"""The rules of the dispute game, call by call: what each does, and what it refuses.

A dispute is kept as a player sees it, together with its money; L1 keeps hashes of the same.

Twin: solidity/src/dispute/DisputeGame.sol
Source: docs/spec/10-dispute-game.md
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from optimistic.protocol.commitment import merkle_root, node_hash
from optimistic.protocol.constants import BATCH_BITS, STEP_BITS, UNIT_BITS
from optimistic.protocol.dispute.actions import (
    Claim,
    Commit,
    DuelKey,
    GameAction,
    Move,
    Open,
    ProveStep,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.chain import AssertionChain, Call, Siblings
from optimistic.protocol.dispute.clocks import (
    is_closed,
    is_window_open,
    loser,
    opening_clocks,
)
from optimistic.protocol.dispute.divergence import InvalidDivergence, InvalidReveal, check_divergence
from optimistic.protocol.dispute.divergence import check_reveal as check_children
from optimistic.protocol.dispute.ids import Ids, Side, dispute_id
from optimistic.protocol.dispute.purse import CreditGas
from optimistic.protocol.dispute.refusals import (
    AlreadyOpen,
    ClockRunning,
    CommitmentExists,
    CommitmentNotLive,
    InvalidDepth,
    NoFreeCommitment,
    NotLiveSiblings,
    NotOnTurn,
    Undecided,
    WindowClosed,
    WrongBond,
    WrongDivergence,
    WrongStage,
)
from optimistic.protocol.dispute.searches import descend, newer_side, started, walk_from
from optimistic.protocol.dispute.state import Dispute
from optimistic.protocol.dispute.traces import Terms
from optimistic.protocol.dispute.views import (
    Clocks,
    CommitmentView,
    DisputeView,
    DuelView,
    Life,
    Stage,
)
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_HASH, Address, Hash32

Verifier = Callable[[Hash32, int, int, Hash32, bytes], Hash32]
"""(pre, j, v, acc, witness) -> post: the one-step verifier; it raises what it does not accept."""


class Inbox(Protocol):
    """What the game asks the inbox."""

    def acc(self, index: int) -> Hash32:
        """Return the accumulator after batch `index`."""

    def verifier(self, config: int) -> Verifier:
        """Return the verifier bound to a configuration."""


class DisputeGame:
    """All disputes; `play` changes all that a call says or nothing.

    Parameters
    ----------
    terms, credit_gas : what the contracts were deployed with
    chain : the assertion chain, whose game this becomes
    """

    def __init__(self, *, terms: Terms, credit_gas: CreditGas, chain: AssertionChain, inbox: Inbox) -> None:
        self.terms: Final = terms
        self.credit_gas: Final = credit_gas
        self.chain: Final = chain
        self.disputes: dict[Hash32, Dispute] = {}
        self.owed_wei: dict[Address, int] = {}
        """Posters' shares that wait for a claim."""
        self.balance_wei = 0
        self.burned_wei = 0
        """Part of the balance that nothing can pay out."""
        self._inbox: Final = inbox
        self._heights: Final = (UNIT_BITS + BATCH_BITS) // terms.log_arity, STEP_BITS // terms.log_arity
        chain.is_open = self.is_open

    def is_open(self, older: Hash32, newer: Hash32) -> bool:
        """Return whether a dispute between two siblings was ever opened."""
        return dispute_id(older, newer) in self.disputes

    def view(self, older: Hash32, newer: Hash32) -> DisputeView | None:
        """Return a dispute as a player sees it."""
        dispute = self.disputes.get(dispute_id(older, newer))
        return dispute.view if dispute else None

    def claimable_wei(self, claim: Claim) -> int:
        """Return what a claim would pay now."""
        _, amount = self._get(claim.older, claim.newer).collect(claim, self.terms.bond_wei)
        return amount + self.owed_wei.get(claim.account, 0)

    def play(self, call: Call, action: GameAction) -> int:
        """Make a call of the game; return the wei it pays out.

        Raises
        ------
        InvalidInput : what the contract would revert with, `Refused` or a refused proof
        """
        chain = self.chain
        before = (dict(self.disputes), dict(self.owed_wei), self.balance_wei, self.burned_wei)
        chain_before = (dict(chain.assertions), dict(chain.tips), chain.balance_wei)
        is_done = False
        try:
            paid = self._play(call, action)
            is_done = True
        finally:
            if not is_done:
                self.disputes, self.owed_wei, self.balance_wei, self.burned_wei = before
                chain.assertions, chain.tips, chain.balance_wei = chain_before
        return paid

    def _play(self, call: Call, action: GameAction) -> int:
        """Make a call, perhaps only half if it is refused."""
        match action:
            case Open():
                self._open(call, action)
            case Move():
                self._move(call, action)
            case Commit():
                self._commit(call, action)
            case Start():
                self._start(call, action)
            case ProveStep():
                self._prove_step(call, action)
            case Timeout():
                self._time_out(call, action.key)
            case Settle():
                self._settle(call.now, self._get(action.older, action.newer))
            case Claim():
                return self._claim(action)
        return 0

    # ------------------------------------------------------------------------ opening and walk

    def _open(self, call: Call, action: Open) -> None:
        """Open the dispute between two live siblings: begin the walk, or pin the unit at once."""
        if self.is_open(action.older, action.newer):
            raise AlreadyOpen
        siblings, now = self._live_siblings(action.older, action.newer), call.now
        t0, period = siblings.parent.t0, self.terms.challenge_period_s
        if not is_window_open(t0, period, now):
            raise WindowClosed
        log_arity, level, proof = self.terms.log_arity, action.level, action.proof
        levels = self._heights[0] - level
        if not 0 <= level <= self._heights[0]:
            raise InvalidDivergence(f"no node is at level {level}")
        uppers, pre = check_divergence(proof, log_arity, level, levels, siblings.parent.end_leaf)
        if uppers != (siblings.pair[0].unit_root, siblings.pair[1].unit_root):
            raise InvalidDivergence("the paths lead to other unit roots")
        clocks = Clocks(left=opening_clocks(t0, period, now), since=now, turn=Side.OLDER)
        walk = walk_from(level, proof, pre, action.reveal, clocks, log_arity)
        view = DisputeView(older=action.older, newer=action.newer, opened_at=now, walk=walk)
        wei = self.credit_gas.open * call.price_wei
        self._put(Dispute(view=view).with_credit(Side.NEWER, None, call.sender, wei))

    def _move(self, call: Call, action: Move) -> None:
        """Descend in a walk or in a duel."""
        key = action.key
        dispute = self._get(key.older, key.newer)
        duel = self._duel(dispute, key)
        if (duel.clocks.turn, duel.level) != (action.side, action.level):
            raise NotOnTurn
        moved = descend(duel, call.now, action.pre, action, self.terms.log_arity)
        self._put(self._after_move(call, dispute, key.commitments, action.side, moved))

    def _after_move(
        self, call: Call, dispute: Dispute, ids: Ids | None, side: Side, duel: DuelView
    ) -> Dispute:
        """Return a dispute with a moved duel, and what the move has earned."""
        wei = self.credit_gas.move * call.price_wei
        commitment = ids[side] if ids else None
        return dispute.with_duel(ids, duel).with_credit(side, commitment, call.sender, wei)

    def _duel(self, dispute: Dispute, key: DuelKey) -> DuelView:
        """Return the duel that a key names, which must still go on."""
        if key.commitments is None:
            dispute.require(Stage.WALK)
            self._live_siblings(key.older, key.newer)
            return dispute.view.walk
        dispute.require(Stage.TRACE)
        dispute.live(key.commitments)
        duel = dispute.view.duels.get(key.commitments)
        if duel is None:
            raise WrongStage
        return duel

    # ------------------------------------------------------------------- commitments and duels

    def _commit(self, call: Call, action: Commit) -> None:
        """Add a commitment to all steps of the pinned unit."""
        dispute = self._get(action.older, action.newer)
        view, side, reveal = dispute.view, Side(action.side), action.reveal
        walk, clocks = view.walk, view.walk.clocks
        dispute.require(Stage.TRACE)
        if action.divergence != walk.divergence:
            raise WrongDivergence
        if is_closed(clocks.left[side], clocks.since, call.now):
            raise WindowClosed
        if not 0 < action.depth <= self._heights[1]:
            raise InvalidDepth
        if reveal.end_state != walk.divergence.nodes[side]:
            raise InvalidReveal("the trace ends in another state than the unit")
        if len(reveal.children) != 1 << self.terms.log_arity:
            raise InvalidReveal(f"a node does not have {len(reveal.children)} children")
        root = node_hash(reveal.end_state, merkle_root(reveal.children))
        check_children(root, action.depth, reveal, self.terms.log_arity)
        id_ = view.commitment_id(side, action.depth, root)
        if id_ in view.commitments:
            raise CommitmentExists
        self._require_bond(call, dispute, action)
        commitment = CommitmentView(
            side=side,
            depth=action.depth,
            root=root,
            owner=call.sender,
            joined_at=call.now,
            no=len(view.commitments) + 1,
            life=Life.LIVE,
            is_free=action.is_free,
            children=reveal.children,
        )
        used = ((side, call.sender),) if action.is_free else ()
        wei = self.credit_gas.commit * call.price_wei
        self.balance_wei += call.value_wei
        joined = dispute.with_commitment(id_, commitment).with_credit(side, id_, call.sender, wei)
        self._put(replace(joined, used_free=(*dispute.used_free, *used)))

    def _require_bond(self, call: Call, dispute: Dispute, action: Commit) -> None:
        """Refuse a commitment without its bond, or a free one that the caller may not have."""
        due_wei = 0 if action.is_free else self.terms.bond_wei
        if call.value_wei != due_wei:
            raise WrongBond(f"{due_wei} wei are due")
        if not action.is_free:
            return
        chain, sender, side = self.chain, call.sender, Side(action.side)
        is_staked = chain.is_member(dispute.view.assertion(side), sender) and chain.has_stake(sender)
        if not is_staked or (side, sender) in dispute.used_free:
            raise NoFreeCommitment

    def _start(self, call: Call, action: Start) -> None:
        """Make the first move of a duel, for the newer of two commitments."""
        dispute = self._get(action.older, action.newer)
        view, walk = dispute.view, dispute.view.walk
        dispute.require(Stage.TRACE)
        if action.divergence != walk.divergence:
            raise WrongDivergence
        older, newer = (view.commitment_id(s, action.depths[s], action.roots[s]) for s in Side)
        ids = older, newer
        both = dispute.live(ids)
        if ids in view.duels:
            raise WrongStage
        duel = started(walk, both, call.now, action, self.terms.log_arity)
        self._put(self._after_move(call, dispute, ids, newer_side(both), duel))

    def _prove_step(self, call: Call, action: ProveStep) -> None:
        """Execute the one step two commitments disagree about; whoever is wrong dies."""
        key, divergence = action.key, action.divergence
        dispute = self._get(key.older, key.newer)
        if key.commitments is None:
            dispute.require(Stage.TRACE)
            raise CommitmentNotLive
        duel = self._duel(dispute, key)
        if duel.level:
            raise WrongStage
        if divergence != duel.divergence:
            raise WrongDivergence
        post = self._step(dispute.view, duel, action.witness)
        for side in Side:
            if divergence.nodes[side] != post:
                dispute = self._bury(dispute, key.commitments[side])
            else:
                wei = self.credit_gas.step * call.price_wei
                dispute = dispute.with_credit(side, key.commitments[side], call.sender, wei)
        self._put(dispute.with_duel(key.commitments, replace(duel, stage=Stage.OVER)))

    def _step(self, view: DisputeView, duel: DuelView, witness: bytes) -> Hash32:
        """Return what the machine makes of the step that a duel names."""
        assertion = self.chain.get(view.older)
        parent = self.chain.get(assertion.parent)
        j = view.walk.index
        batch = parent.to + (j >> UNIT_BITS)
        acc = self._inbox.acc(batch) if batch < assertion.to else ZERO_HASH
        verifier = self._inbox.verifier(assertion.config)
        return verifier(duel.divergence.pre, j, duel.index, acc, witness)

    def _bury(self, dispute: Dispute, id_: Hash32) -> Dispute:
        """Return a dispute after the death of a commitment, whose bond or stake is taken."""
        dead = dispute.view.commitments[id_]
        if not dead.is_free:
            return dispute.bury(id_, self.terms.bond_wei, 0)
        if not self._are_live(dispute.view):
            return dispute.bury(id_, 0, 0)
        seized = self.chain.seize(dispute.view.assertion(dead.side), dead.owner)
        self.balance_wei += seized
        return dispute.bury(id_, 0, seized)

    # --------------------------------------------------------------------------------- endings

    def _time_out(self, call: Call, key: DuelKey) -> None:
        """End a walk or a duel against the side whose clock ran out."""
        dispute = self._get(key.older, key.newer)
        view, now, ids = dispute.view, call.now, key.commitments
        if ids is None:
            dispute.require(Stage.WALK)
            clocks = view.walk.clocks
            if clocks.remaining(now):
                raise ClockRunning
            self._end(now, dispute, clocks.turn)
            return
        dispute.require(Stage.TRACE)
        both = dispute.live(ids)
        duel = view.duels.get(ids)
        if duel is not None:
            side, is_out = duel.clocks.turn, duel.clocks.remaining(now) == 0
        else:
            side, clocks = newer_side(both), view.walk.clocks
            is_out = is_closed(clocks.left[side], clocks.since, now)
        if not is_out:
            raise ClockRunning
        dispute = self._bury(dispute, ids[side])
        self._put(dispute if duel is None else dispute.with_duel(ids, replace(duel, stage=Stage.OVER)))

    def _settle(self, now: int, dispute: Dispute) -> None:
        """Close a dispute that is decided, or in which a sibling is no longer live."""
        view = dispute.view
        if view.stage not in (Stage.WALK, Stage.TRACE):
            raise WrongStage
        clocks = view.walk.clocks
        older, newer = (is_closed(clocks.left[side], clocks.since, now) for side in Side)
        lost = loser((older, newer), dispute.counts()) if view.stage is Stage.TRACE else None
        self._end(now, dispute, lost)

    def _end(self, now: int, dispute: Dispute, lost: Side | None) -> None:
        """Close a dispute against a side, or as moot if a sibling is not alive any more."""
        ids = dispute.view.older, dispute.view.newer
        seized, won = 0, None
        are_live = self._are_live(dispute.view)
        if are_live:
            if lost is None:
                raise Undecided
            won = lost.other
            _, seized = self.chain.kill(ids[lost], ids[won], now)
            self.balance_wei += seized
        else:
            won = next((side for side in Side if self._is_standing(ids[side])), None)
        closed, parts = dispute.close(won, seized, is_won=are_live)
        if won is not None:
            poster = self.chain.get(ids[won]).poster
            self.owed_wei[poster] = self.owed_wei.get(poster, 0) + parts.to_poster_wei
        self.burned_wei += parts.burned_wei
        self._put(closed)

    def _are_live(self, view: DisputeView) -> bool:
        """Return whether both siblings are alive: else the dispute is moot."""
        return all(self.chain.get(id_).status is AssertionStatus.LIVE for id_ in (view.older, view.newer))

    def _is_standing(self, id_: Hash32) -> bool:
        """Return whether an assertion is alive or confirmed."""
        return self.chain.get(id_).status in (AssertionStatus.LIVE, AssertionStatus.CONFIRMED)

    def _claim(self, action: Claim) -> int:
        """Pay an account what it is owed."""
        dispute, amount = self._get(action.older, action.newer).collect(action, self.terms.bond_wei)
        amount += self.owed_wei.pop(action.account, 0)
        self.balance_wei -= amount
        self._put(dispute)
        return amount

    # -------------------------------------------------------------------------------- internal

    def _get(self, older: Hash32, newer: Hash32) -> Dispute:
        """Return a dispute that was opened."""
        dispute = self.disputes.get(dispute_id(older, newer))
        if dispute is None:
            raise WrongStage
        return dispute

    def _put(self, dispute: Dispute) -> None:
        """Store what has become of a dispute."""
        self.disputes[dispute.view.id] = dispute

    def _live_siblings(self, older: Hash32, newer: Hash32) -> Siblings:
        """Return two siblings in order of age, both of which must be alive."""
        siblings = self.chain.siblings(older, newer)
        if siblings is None or not siblings.are_live:
            raise NotLiveSiblings
        return siblings
