"""Verdicts: the assertions of a view against our own replay of the same batches.

A right assertion has a right parent and exactly our unit root; everything below a wrong one is
wrong. What the replay has not reached, or cannot read, is unknown.
"""

from collections import deque
from collections.abc import Iterable
from typing import Protocol

from challenger.locate import locate_wrong_units
from challenger.model import Assertion, ChainView, Claim, Judgement, Knowledge, Status, Verdict
from challenger.trace import RollupTrace
from optimistic.protocol.constants import BATCH_BITS
from optimistic.protocol.types import Hash32


class ReplayedChain(Protocol):
    """What the replay knows of the batches of one view."""

    @property
    def position(self) -> int:
        """Number of batches whose end state is known."""

    @property
    def start(self) -> int:
        """Number of batches taken from a snapshot of a confirmed state instead of being replayed."""

    @property
    def problem(self) -> str | None:
        """Why the replay cannot go beyond `position`, or None while it can."""

    def end_leaf(self, to_batch: int) -> Hash32 | None:
        """Return the state after batches [0, to_batch), if known."""

    def trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        """Return our commitment to a range of batches, if all of its leaves are known."""


def judge(view: ChainView, replayed: ReplayedChain, genesis_end_leaf: Hash32) -> Knowledge:
    """Return a verdict for every assertion of the view, and the right children.

    Parameters
    ----------
    view : L1 at one block
    replayed : our replay of the batches of this very view
    genesis_end_leaf : machine state that the deployment's genesis gives
    """
    verdicts: dict[Hash32, Verdict] = {}
    claims: dict[Hash32, Claim] = {}
    genesis = view.assertions[view.genesis_id]
    verdicts[genesis.id] = _judge_genesis(genesis, genesis_end_leaf)
    queue = deque([genesis])
    while queue:
        parent = queue.popleft()
        children = view.children(parent.id)
        queue.extend(children)
        if verdicts[parent.id].judgement is not Judgement.VALID:
            verdicts.update(_inherit(verdicts[parent.id], children))
            continue
        trace = _right_trace(view, replayed, parent)
        if trace is not None:
            claims[parent.id] = _claim(view, parent, trace, replayed)
        for child in children:
            verdicts[child.id] = _judge(view, child, trace, replayed)
    return Knowledge(verdicts=verdicts, claims=claims)


def _judge_genesis(genesis: Assertion, end_leaf: Hash32) -> Verdict:
    if genesis.end_leaf == end_leaf:
        return Verdict(judgement=Judgement.VALID, reason="the deployment's genesis")
    return Verdict(judgement=Judgement.INVALID, reason="the genesis on L1 is not the deployment's")


def _inherit(parent: Verdict, children: Iterable[Assertion]) -> dict[Hash32, Verdict]:
    reason = "its parent is wrong" if parent.judgement is Judgement.INVALID else "its parent is unknown"
    return {child.id: Verdict(judgement=parent.judgement, reason=reason) for child in children}


def _range_end(view: ChainView, replayed: ReplayedChain, parent: Assertion) -> int:
    """Return where the right child ends: fixed by the first child, else as far as we can see."""
    if parent.child_to:
        return parent.child_to
    return min(len(view.batches), replayed.position, parent.to_batch + (1 << BATCH_BITS))


def _right_trace(view: ChainView, replayed: ReplayedChain, parent: Assertion) -> RollupTrace | None:
    to_batch = _range_end(view, replayed, parent)
    if not parent.to_batch < to_batch <= replayed.position:
        return None
    return replayed.trace(parent.to_batch, to_batch)


def _claim(view: ChainView, parent: Assertion, trace: RollupTrace, replayed: ReplayedChain) -> Claim:
    to_batch = _range_end(view, replayed, parent)
    return Claim(
        parent=parent.id,
        from_batch=parent.to_batch,
        to_batch=to_batch,
        acc=view.batches[to_batch - 1].acc,
        unit_root=trace.unit_root,
        end_leaf=trace.end_leaf,
        children_root=trace.children_root(),
    )


def _judge(view: ChainView, child: Assertion, trace: RollupTrace | None, replayed: ReplayedChain) -> Verdict:
    if trace is None:
        return _judge_without_trace(child, replayed)
    if child.unit_root == trace.unit_root and child.end_leaf == trace.end_leaf:
        return Verdict(judgement=Judgement.VALID, reason="equals our replay")
    reason = "another end state" if child.end_leaf != trace.end_leaf else "the right end state by a wrong way"
    wrong = locate_wrong_units(trace, view.published.get(child.id, ()))
    return Verdict(judgement=Judgement.INVALID, reason=reason, wrong=wrong)


def _judge_without_trace(child: Assertion, replayed: ReplayedChain) -> Verdict:
    own = replayed.end_leaf(child.to_batch)
    if own is not None and own != child.end_leaf:
        return Verdict(judgement=Judgement.INVALID, reason="another end state")
    if child.status is Status.CONFIRMED and (own is not None or child.to_batch <= replayed.start):
        return Verdict(judgement=Judgement.VALID, reason="confirmed before the replay starts")
    if replayed.problem is not None:
        return Verdict(judgement=Judgement.UNKNOWN, reason=replayed.problem)
    return Verdict(
        judgement=Judgement.UNKNOWN, reason=f"replay is at batch {replayed.position} of {child.to_batch}"
    )
