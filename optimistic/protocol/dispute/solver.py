"""What an honest player does in a dispute: a pure function of one view and of the right traces.

Only for the right side, and only where something is gained by it:

- walk: move when on turn;
- unit pinned: commit to the right trace unless it is there already, and fight every opposing
  commitment with it: start the duel if ours is the newer one, move when on turn, have the step
  executed at the end;
- kill whatever let its clock run out, and settle what is decided.

Wrong commitments on the own side neither help nor harm and are left alone. Liars play well with
the same code and wrong traces.

Source: docs/spec/10-dispute-game.md
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

from optimistic.protocol.commitment import Node, Tree
from optimistic.protocol.dispute.actions import (
    Commit,
    DivergenceProof,
    DuelKey,
    GameAction,
    Move,
    Open,
    ProveStep,
    Reveal,
    Settle,
    Start,
    Timeout,
)
from optimistic.protocol.dispute.clocks import is_closed, loser
from optimistic.protocol.dispute.divergence import lift, lifted_children, padding
from optimistic.protocol.dispute.ids import Ids, Side
from optimistic.protocol.dispute.proofs import (
    Inside,
    LiftedTree,
    NoDifference,
    prove_divergence,
    prove_roots,
    reveal,
)
from optimistic.protocol.dispute.published import PublishedNodes, known_path
from optimistic.protocol.dispute.searches import newer_side
from optimistic.protocol.dispute.traces import Player, Terms, Traces
from optimistic.protocol.dispute.views import CommitmentView, DisputeView, DuelView, Life, Stage
from optimistic.protocol.errors import TemporaryError
from optimistic.protocol.types import Hash32


class TraceMismatch(TemporaryError):
    """The view has other nodes of the player's own side than the player: one of them is not what it seems.

    Nothing is done about that dispute; somebody has to be told.
    """


def opening(
    older: Hash32, newer: Hash32, own: Tree, rival: Node, published: Iterable[PublishedNodes], deadline: int
) -> Open:
    """Return how the newer of two siblings opens the dispute, as far down as the rival's tree is known.

    Parameters
    ----------
    own : unit tree of the newer sibling
    rival : unit root and end leaf of the older one
    published : nodes of the older one's unit tree
    deadline : L1 time t0 + T
    """
    path = known_path(own, rival, published)
    level = own.height - len(path)
    if path:
        proof = prove_divergence(own, Side.NEWER, own.height, 0, path)
    else:
        proof = prove_roots((rival.hash, own.root.hash))
    return Open(
        reason="an older sibling is wrong",
        deadline=deadline,
        older=older,
        newer=newer,
        level=level,
        proof=proof,
        reveal=reveal(own, level, proof.index) if level else None,
    )


def next_moves(
    view: DisputeView, right: Side, terms: Terms, player: Player, traces: Traces, now: int
) -> list[GameAction]:
    """Return everything worth doing now in one dispute, most urgent first.

    What rests on a trace that is not known yet is left out. Bonds and credits of a dispute that
    is over are for whoever knows what is still unpaid.

    Parameters
    ----------
    right : the side whose assertion is right
    traces : the right computation
    now : L1 time of the view

    Raises
    ------
    TraceMismatch : the view and the traces contradict each other
    """
    found = list(_Turn(view, right, terms, player, traces, now).actions())
    return sorted(found, key=lambda action: (action.deadline is None, action.deadline or 0))


@dataclass(frozen=True, slots=True)
class _Turn:
    """One look at a dispute."""

    view: DisputeView
    right: Side
    terms: Terms
    player: Player
    traces: Traces
    now: int

    def actions(self) -> Iterator[GameAction]:
        """Yield what to do."""
        if self.view.stage not in (Stage.WALK, Stage.TRACE):
            return
        if self.view.is_moot:
            yield from self._close()
        elif self.view.stage is Stage.WALK:
            yield from self._walk()
        elif self._is_decided():
            yield self._settle("the other side has no commitment left")
        else:
            yield from self._duels()

    # ------------------------------------------------------------------------------ walk and end

    def _walk(self) -> Iterator[GameAction]:
        """Move in the walk, or end it."""
        walk, units = self.view.walk, self.traces.units()
        if walk.clocks.turn is not self.right:
            if self._is_expired(walk):
                yield Timeout(key=self._key(None), reason="the other side stopped walking")
        elif units is not None and not self._is_expired(walk):
            yield from self._move(None, walk, units)

    def _is_decided(self) -> bool:
        """Return whether the other side has lost."""
        closed, live = zip(*(self._standing(side) for side in Side), strict=True)
        return loser((closed[0], closed[1]), (live[0], live[1])) is self.right.other

    def _standing(self, side: Side) -> tuple[bool, int]:
        """Return whether a side can commit no more, and how many live commitments it has."""
        clocks = self.view.walk.clocks
        return is_closed(clocks.left[side], clocks.since, self.now), len(self.view.live(side))

    def _close(self) -> Iterator[GameAction]:
        """Settle a moot dispute if there is money in it.

        It decides nothing any more, but its duels go on until then: silence would cost the bond or the
        stake behind a commitment of ours.
        """
        if any(self._has_money(commitment) for commitment in self.view.commitments.values()):
            yield replace(self._settle("a sibling died elsewhere"), deadline=self._silent_until())

    def _has_money(self, commitment: CommitmentView) -> bool:
        """Return whether somebody of ours can still lose by a commitment, or its bond is to be shared."""
        if commitment.life is Life.LIVE:
            defends = commitment.is_free and commitment.side is self.right
            return defends or commitment.owner == self.player.address
        return commitment.life is Life.DEAD and not commitment.is_free

    def _silent_until(self) -> int | None:
        """Return when a clock of a commitment of the own side runs out; None while none runs."""
        view, right = self.view, self.right
        ends = [duel.clocks.expires_at for duel in view.duels.values() if duel.clocks.turn is right]
        if view.live(right) and view.live(right.other):
            ends.append(view.window_end(right))
        return min(ends, default=None)

    # ------------------------------------------------------------------------------ duels

    def _duels(self) -> Iterator[GameAction]:
        """Have the right trace on the own side, and let it fight every commitment of the other one."""
        own = self._own_steps()
        champion = None if own is None else self._id_of(own)
        if own is not None and champion not in self.view.commitments:
            yield from self._commit(own)
        is_alive = champion in self.view.live(self.right)
        expired = self._expired()
        for rival in self.view.live(self.right.other):
            if rival in expired:
                yield Timeout(
                    key=self._key(expired[rival]), reason="the other side's commitment let its clock run out"
                )
            elif own is not None and champion is not None and is_alive:
                yield from self._fight(self.right.pair(champion, rival), own)

    def _own_steps(self) -> Tree | None:
        """Return the right trace of the pinned unit, if it is known."""
        walk = self.view.walk
        steps = self.traces.steps(walk.index)
        if steps is not None and steps.root.end_state != walk.divergence.nodes[self.right]:
            raise TraceMismatch(f"unit {walk.index} does not end where its own side says")
        return steps

    def _id_of(self, steps: Tree) -> Hash32:
        """Return the commitment to a trace of the own side."""
        return self.view.commitment_id(self.right, steps.height, steps.root.hash)

    def _commit(self, steps: Tree) -> Iterator[GameAction]:
        """Commit to the right trace while the window is open."""
        deadline = self.view.window_end(self.right)
        if self.now >= deadline:
            return
        view, player = self.view, self.player
        is_free = view.assertion(self.right) in player.staked_on and view.id not in player.used_free
        yield Commit(
            reason="the right trace is not there",
            deadline=deadline,
            older=view.older,
            newer=view.newer,
            side=self.right,
            depth=steps.height,
            divergence=view.walk.divergence,
            reveal=reveal(steps, steps.height, 0),
            is_free=is_free,
            bond_wei=0 if is_free else self.terms.bond_wei,
        )

    def _expired(self) -> dict[Hash32, Ids]:
        """Return the live opposing commitments that have lost a duel by their clock, each with such a duel.

        Both sides may have any number of commitments: not every pair is looked at.
        """
        view, other, found = self.view, self.right.other, dict[Hash32, Ids]()
        for ids, duel in view.duels.items():
            both = self._both(ids)
            is_live = all(commitment.life is Life.LIVE for commitment in both)
            if is_live and duel.clocks.turn is other and self._is_expired(duel):
                found.setdefault(ids[other], ids)
        if self.now < view.window_end(other):
            return found
        own = view.live(self.right)
        for rival in view.live(other):
            unstarted = self._never_started(rival, own)
            if unstarted is not None:
                found.setdefault(rival, unstarted)
        return found

    def _never_started(self, rival: Hash32, own: Iterable[Hash32]) -> Ids | None:
        """Return a duel that an opposing commitment should have started against one of ours, oldest first."""
        no = self.view.commitments[rival].no
        for id_ in takewhile(lambda id_: self.view.commitments[id_].no < no, own):
            ids = self.right.pair(id_, rival)
            if ids not in self.view.duels:
                return ids
        return None

    def _fight(self, ids: Ids, steps: Tree) -> Iterator[GameAction]:
        """Do what is to be done in the duel of the right trace against another commitment."""
        both, duel = self._both(ids), self.view.duels.get(ids)
        own = LiftedTree(steps, max(commitment.depth for commitment in both))
        if duel is None:
            if newer_side(both) is self.right and self.now < self.view.window_end(self.right):
                yield from self._start(ids, own)
        elif duel.level == 0:
            yield from self._prove_step(ids, duel)
        elif duel.clocks.turn is self.right and not self._is_expired(duel):
            yield from self._move(ids, duel, own)

    def _start(self, ids: Ids, own: Tree) -> Iterator[GameAction]:
        """Make the first move of a duel in which ours is the newer commitment."""
        both, divergence = self._both(ids), self.view.walk.divergence
        rival, result = both[self.right.other], divergence.nodes[self.right.other]
        found = self._step_down(own, own.height, 0, _root_inside(rival, result, own))
        if found is not None:
            yield Start(
                reason="ours is the newer commitment",
                deadline=self.view.window_end(self.right),
                older=self.view.older,
                newer=self.view.newer,
                commitments=ids,
                depths=(both[0].depth, both[1].depth),
                roots=(both[0].root, both[1].root),
                divergence=divergence,
                proof=found[0],
                reveal=found[1],
            )

    def _prove_step(self, ids: Ids, duel: DuelView) -> Iterator[GameAction]:
        """Have the one step executed, whoever is on turn."""
        witness = self.traces.witness(self.view.walk.index, duel.index)
        if witness is None:
            return
        has_deadline = duel.clocks.turn is self.right and not self._is_expired(duel)
        yield ProveStep(
            reason="one step is left",
            deadline=duel.clocks.expires_at if has_deadline else None,
            key=self._key(ids),
            divergence=duel.divergence,
            witness=witness,
        )

    # ------------------------------------------------------------------------------ moves

    def _move(self, ids: Ids | None, duel: DuelView, own: Tree) -> Iterator[GameAction]:
        """Make the one move there is for the own side, if what it takes was revealed."""
        if own.node(duel.level, duel.index).hash != duel.divergence.nodes[self.right]:
            raise TraceMismatch(f"another node at level {duel.level}, index {duel.index}")
        other = self.right.other
        children, end_state = duel.children[other], duel.end_states[other]
        if children is None or end_state is None:
            return
        found = self._step_down(own, duel.level, duel.index, Inside(end_state, children))
        if found is not None:
            yield Move(
                reason="our turn",
                deadline=duel.clocks.expires_at,
                key=self._key(ids),
                side=self.right,
                level=duel.level,
                pre=duel.divergence.pre,
                proof=found[0],
                reveal=found[1],
            )

    def _step_down(
        self, own: Tree, level: int, index: int, theirs: Inside
    ) -> tuple[DivergenceProof, Reveal | None] | None:
        """Return the proof of the first different child and what is below ours.

        None if no child differs: only a liar, whose own node has a false end state, ever gets there.
        """
        try:
            proof = prove_divergence(own, self.right, level, index, [theirs])
        except NoDifference:
            return None
        below = (index << own.log_arity) + proof.index
        return proof, reveal(own, level - 1, below) if level > 1 else None

    # ------------------------------------------------------------------------------ small things

    def _both(self, ids: Ids) -> tuple[CommitmentView, CommitmentView]:
        """Return two commitments."""
        return self.view.commitments[ids[0]], self.view.commitments[ids[1]]

    def _is_expired(self, duel: DuelView) -> bool:
        """Return whether the side on turn has no time left."""
        return duel.clocks.remaining(self.now) == 0

    def _key(self, ids: Ids | None) -> DuelKey:
        """Name a duel, or the walk."""
        return DuelKey(older=self.view.older, newer=self.view.newer, commitments=ids)

    def _settle(self, reason: str) -> Settle:
        """Close the dispute."""
        return Settle(reason=reason, older=self.view.older, newer=self.view.newer)


def _root_inside(rival: CommitmentView, result: Hash32, own: Tree) -> Inside:
    """Return a commitment's root from within, lifted to the height of our tree."""
    if rival.depth == own.height:
        return Inside(result, rival.children)
    below = own.height - 1
    pad = padding(result, below, own.log_arity)[below]
    return Inside(
        result,
        lifted_children(lift(rival.root, result, rival.depth, below, own.log_arity), pad, own.log_arity),
    )
