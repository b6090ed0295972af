"""Plays disputes about right assertions, with the player that watchtowers use.

Each turn reads the game at the L1 block its events end with, plans every move that is worth
making, and hands them to the transaction manager, least time first. What is not known is left
alone: a dispute of two assertions of which neither is right, an assertion that is not derived
yet, a trace that is still being made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import structlog

from optimistic.node.chain_records import StoredAssertion
from optimistic.node.derived_traces import DerivedTraces
from optimistic.node.game_feed import GameFeed
from optimistic.node.right_path import RightPath, Tip
from optimistic.protocol.commitment import Node
from optimistic.protocol.dispute.actions import GameAction
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.solver import TraceMismatch, next_moves, opening
from optimistic.protocol.dispute.traces import Terms
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.types import Hash32
from optimistic.service.effect_keys import EffectKeys
from optimistic.service.game_calls import call_of, describe, gas_limit_of, key_of
from optimistic.service.game_reader import GameReader
from optimistic.service.game_readiness import GameContracts, precondition_of
from optimistic.service.l1_errors import L1Lied
from optimistic.service.l1_types import Header
from optimistic.service.metrics import Metrics, NoopMetrics
from optimistic.service.names import hex_of
from optimistic.service.tx_manager import TxManager
from optimistic.service.tx_types import IdempotencyConflict, TxRequest

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefenderOptions:
    """How much the defence may take; nothing here is consensus."""

    workers: int = 1
    """Processes that make traces at the same time."""
    cache_bytes: int = 4 << 30
    """Most that traces on disk take."""


class Defender:
    """The defender; `step` belongs to one thread.

    Parameters
    ----------
    right : compares assertions with derived batches
    feed : the game's events
    traces : of right assertions
    contracts : the game, and the account that plays
    sender : sends transactions of that account
    """

    def __init__(
        self,
        right: RightPath,
        feed: GameFeed,
        traces: DerivedTraces,
        contracts: GameContracts,
        sender: TxManager,
        *,
        metrics: Metrics | None = None,
    ) -> None:
        params = right.params
        self._right = right
        self._period_s = params.challenge_period_s
        self._store = right.store
        self._feed = feed
        self._traces = traces
        self._contracts = contracts
        self._sender = sender
        self._metrics: Metrics = metrics if metrics is not None else NoopMetrics()
        self._keys = EffectKeys(sender)
        self._reader = GameReader(contracts.game, contracts.chain)
        self._terms = Terms(
            log_arity=params.log_arity,
            challenge_period_s=params.challenge_period_s,
            bond_wei=params.commitment_bond_wei,
        )
        self._played: Hash32 | None = None

    def step(self) -> bool:
        """Ask for every move that is due; return whether another turn should follow at once.

        Raises
        ------
        TemporaryError : L1 cannot be read, or contradicts its events
        CorruptStorage, StorageFailed : traces cannot be made from this node's folder
        """
        if self._feed.refresh():
            return True
        block = self._feed.block
        if block is None:
            return False
        if block.hash != self._played:
            self._play(block)
            self._played = block.hash
        made = self._traces.shop.tend()
        if made:
            self._played = None
        return made

    def _play(self, block: Header) -> None:
        try:
            planned = list(self._plan(block))
        except L1Lied:
            self._feed.doubt()
            raise
        self._feed.trust()
        for action in sorted(planned, key=lambda action: (action.deadline is None, action.deadline or 0)):
            self._submit(action, block)

    # ------------------------------------------------------------------------------ planning

    def _plan(self, block: Header) -> Iterator[GameAction]:
        tips = self._right.tips()
        self._traces.keep({tip.id for tip in tips})
        yield from self._openings(tips, block)
        yield from self._moves(tips, block)
        yield from self._reader.claims(self._feed.index, block, self._contracts.account)

    def _openings(self, tips: list[Tip], block: Header) -> Iterator[GameAction]:
        """Open a dispute between each right assertion and its older rivals: it carries that burden."""
        for parent, tip in pairwise(tips):
            siblings = self._live_siblings(parent)
            right = next((sibling for sibling in siblings if sibling.id == tip.id), None)
            if right is None:
                continue
            first_s = min(sibling.l1_timestamp for sibling in self._store.assertion_children(parent.id))
            deadline = first_s + self._period_s
            for rival in siblings:
                if rival.id == right.id or not self._is_unopened(rival, right, block):
                    continue
                if rival.seq < right.seq and block.timestamp < deadline:
                    yield self._opening(rival, right, deadline)

    def _live_siblings(self, parent: Tip) -> list[StoredAssertion]:
        siblings = self._store.assertion_children(parent.id)
        dead = self._feed.index.dead
        return [sibling for sibling in siblings if not sibling.dead and sibling.id not in dead]

    def _is_unopened(self, rival: StoredAssertion, right: StoredAssertion, block: Header) -> bool:
        """Return whether L1, too, has no dispute between the two.

        Raises
        ------
        L1Lied : it has one, but its event was withheld
        """
        older, newer = sorted((rival, right), key=lambda assertion: assertion.seq)
        if self._feed.index.find(older.id, newer.id) is not None:
            return False
        self._reader.check_openings(self._feed.index, block, [(older.id, newer.id)])
        return True

    def _opening(self, rival: StoredAssertion, right: StoredAssertion, deadline: int) -> GameAction:
        published = self._feed.index.published.get(rival.id, {})
        return opening(
            rival.id,
            right.id,
            self._traces.units(right),
            Node(rival.end_leaf, rival.unit_root),
            published.values(),
            deadline,
        )

    def _moves(self, tips: list[Tip], block: Header) -> Iterator[GameAction]:
        """Play every dispute of which one side is right."""
        ours = self._right_assertions(tips)
        index = self._feed.index
        views = self._reader.disputes(index, block, ours) if ours else []
        player = self._reader.player(index, block, self._contracts.account) if views else None
        self._metrics.gauge("disputes", len(views))
        for view in views:
            side = Side.OLDER if view.older in ours else Side.NEWER
            traces = self._traces.of(ours[view.assertion(side)])
            try:
                assert player is not None, "there are views"
                yield from next_moves(view, side, self._terms, player, traces, block.timestamp)
            except TraceMismatch as error:
                self._metrics.count("disputes_unplayable")
                log.critical("dispute_contradicts_own_trace", **_named(view), error=str(error))

    def _right_assertions(self, tips: list[Tip]) -> dict[Hash32, StoredAssertion]:
        """Return the right ones among the assertions that are in dispute."""
        on_path = {tip.id for tip in tips}
        found: dict[Hash32, StoredAssertion] = {}
        for record in self._feed.index.pending():
            for id_ in record.siblings:
                assertion = self._store.assertion(id_)
                if assertion is not None and (assertion.confirmed or id_ in on_path):
                    found[id_] = assertion
        return found

    # ------------------------------------------------------------------------------ sending

    def _submit(self, action: GameAction, block: Header) -> None:
        key, known = self._keys.current(key_of(action), block.number)
        is_new = known is None or known.is_final
        request = TxRequest(
            key=key,
            call=call_of(self._contracts.game, action),
            precondition=precondition_of(self._contracts, action),
            gas_limit=gas_limit_of(self._contracts, action, block.hash) if is_new else None,
            deadline=action.deadline,
        )
        try:
            self._sender.submit(request)
        except IdempotencyConflict:
            log.info("dispute_move_in_flight", effect=key)  # the same effect in other words
            return
        if known is None:
            self._metrics.count("moves_total", kind=action.kind)
            log.info("dispute_move_submitted", effect=key, l1_block=block.number, **describe(action))


def _named(view: DisputeView) -> dict[str, str]:
    return {"dispute": hex_of(view.id), "older": hex_of(view.older), "newer": hex_of(view.newer)}
