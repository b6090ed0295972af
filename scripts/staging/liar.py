"""A player who lies: posts a wrong assertion, or supports a right one with wrong traces, and plays.

He plays with the solver of the honest player on wrong trees, so he plays as well as anybody can
who is wrong. What he does not do is up to his strategy.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from challenger.model import Draft
from optimistic.node.leaf_publisher import leaf_calls
from optimistic.protocol.commitment import Node, Tree
from optimistic.protocol.dispute.actions import GameAction, Open
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import TraceMismatch, next_moves, opening
from optimistic.protocol.dispute.traces import Traces
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.errors import InvalidInput
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.clock import Clock
from optimistic.service.game_calls import call_of
from optimistic.service.l1_errors import ContractReverted
from optimistic.service.l1_types import Receipt
from optimistic.service.one_shot import OneShotSender, TransactionFailed
from optimistic.service.signer import Signer
from scripts.staging.lies import Fault, LyingTraces, lying_units, unit_leaves
from scripts.staging.onlooker import Look, Onlooker
from scripts.staging.strategies import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A move that L1 took."""

    action: GameAction
    receipt: Receipt


class NothingKnown(InvalidInput):
    """The batches to lie about are not replayed."""


class Liar:
    """Plays for one assertion, in all of its disputes.

    Parameters
    ----------
    onlooker : reads L1
    signer : whose stake and bonds are lost
    assertion : what he plays for
    traces : what he takes, or gives out, for the right computation of it
    strategy : what he leaves out
    """

    def __init__(
        self,
        onlooker: Onlooker,
        signer: Signer,
        assertion: Hash32,
        traces: Traces,
        *,
        strategy: Strategy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.assertion: Final = assertion
        self.traces: Final = traces
        self.signer: Final = signer
        self.rivals: frozenset[Hash32] | None = None
        """The assertions he fights; None for all."""
        self.played: list[Played] = []
        self.refused: list[GameAction] = []
        """What L1 did not take."""
        self._onlooker = onlooker
        self._strategy = strategy if strategy is not None else Strategy()
        self._sender = OneShotSender(onlooker.client, signer, clock=clock)

    def plan(self) -> list[GameAction]:
        """Look at L1 once and return what the strategy says to do."""
        look = self._onlooker.look(self.signer.address)
        actions = [*self._openings(look), *self._moves(look), *look.claims]
        return self._strategy.choose(actions, look.block.timestamp)

    def turn(self) -> list[Played]:
        """Do what is planned; return what L1 took."""
        done = (self.play(action) for action in self.plan())
        return [played for played in done if played is not None]

    def play(self, action: GameAction) -> Played | None:
        """Make one move; None if L1 refuses it, as it refuses most of what is wrong."""
        try:
            receipt = self._sender.send(call_of(self._onlooker.game, action))
        except (ContractReverted, TransactionFailed):
            self.refused.append(action)
            return None
        self.played.append(Played(action=action, receipt=receipt))
        return self.played[-1]

    # ------------------------------------------------------------------------------ parts

    def _openings(self, look: Look) -> Iterator[Open]:
        """Yield an opening against every older live sibling."""
        own, units = look.asserted.get(self.assertion), self.traces.units()
        if own is None or units is None:
            return
        parent = self._onlooker.state(own.parent, look.block)
        deadline = parent.t0 + self._onlooker.terms.challenge_period_s
        if look.block.timestamp >= deadline or not self._is_live(own.id, look):
            return
        for rival in look.siblings(own.id):
            if not self._fights(rival.id):
                continue
            is_open = self._onlooker.game.is_open(rival.id, own.id, at=look.block.hash)
            if rival.seq < own.seq and not is_open and self._is_live(rival.id, look):
                root = Node(rival.end_leaf, rival.unit_root)
                published = look.published.get(rival.id, ())
                yield opening(rival.id, own.id, units, root, published, deadline)

    def _moves(self, look: Look) -> Iterator[GameAction]:
        """Yield what the solver would do in every dispute of the assertion."""
        for view in look.disputes:
            side = side_of(view, self.assertion)
            if side is None or not self._fights(view.assertion(side.other)):
                continue
            now = look.block.timestamp
            with suppress(TraceMismatch):  # a liar need not agree with himself
                yield from next_moves(view, side, self._onlooker.terms, look.player, self.traces, now)

    def _fights(self, rival: Hash32) -> bool:
        return self.rivals is None or rival in self.rivals

    def _is_live(self, assertion: Hash32, look: Look) -> bool:
        return self._onlooker.state(assertion, look.block).status is AssertionStatus.LIVE


def side_of(view: DisputeView, assertion: Hash32) -> Side | None:
    """Return the side that an assertion has in a dispute, None if it takes no part."""
    return next((side for side in Side if view.assertion(side) == assertion), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongDraft:
    """A wrong assertion, ready to be posted.

    Attributes
    ----------
    draft : what it says; its id is the assertion's
    traces : what its author plays with
    """

    draft: Draft
    units: Tree
    traces: LyingTraces

    @classmethod
    def about(cls, draft: Draft, right: Traces, fault: Fault) -> "WrongDraft":
        """Return the right draft with a lie in it.

        Raises
        ------
        NothingKnown : its batches are not replayed
        NoRoomForLie : there is no place for it
        """
        tree = right.units()
        if tree is None:
            raise NothingKnown(f"batches {draft.from_batch} to {draft.to_batch} are not replayed yet")
        leaves = unit_leaves(tree, draft.to_batch - draft.from_batch)
        return cls.of(draft, right, lying_units(tree.log_arity, leaves, fault), fault)

    @classmethod
    def of(cls, draft: Draft, right: Traces, units: Tree, fault: Fault) -> "WrongDraft":
        """Return the assertion that a wrong unit tree makes; the fault tells how its traces are wrong."""
        wrong = replace(
            draft,
            unit_root=units.root.hash,
            end_leaf=units.root.end_state,
            children_root=units.children_root(),
        )
        return cls(draft=wrong, units=units, traces=LyingTraces(right, units, fault))

    def post(self, onlooker: Onlooker, signer: Signer, clock: Clock | None = None) -> Receipt:
        """Assert it under the signer's stake.

        Raises
        ------
        ContractReverted : L1 refuses it
        """
        staked = onlooker.chain.stake_of(signer.address, at="latest").amount_wei
        stake_wei = 0 if staked else onlooker.chain.stake_wei(at="latest")
        draft = self.draft
        call = onlooker.chain.assert_call(
            parent=draft.parent,
            to_batch=draft.to_batch,
            expected_acc=draft.acc,
            roots=(draft.unit_root, draft.end_leaf, draft.children_root),
            stake_wei=stake_wei,
        )
        return OneShotSender(onlooker.client, signer, clock=clock).send(call)

    def publish(self, onlooker: Onlooker, signer: Signer, clock: Clock | None = None) -> None:
        """Publish its unit leaves."""
        n_batches = self.draft.to_batch - self.draft.from_batch
        leaves: Sequence[Sequence[Hash32]] = unit_leaves(self.units, n_batches)
        sender = OneShotSender(onlooker.client, signer, clock=clock)
        for _, call in leaf_calls(onlooker.chain, self.draft.id, self.units.log_arity, leaves):
            sender.send(call)
