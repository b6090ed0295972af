"""Verdicts: the assertions of a view against our own replay of the same batches.

A right assertion has a right parent and exactly our unit root; everything below a wrong one is
wrong. What the replay has not reached, or cannot read, is unknown.

Where the two engines disagree, L1 will execute what the step machine does, so its result is right
and is what the replay goes on with. Whoever asserted what the transaction engine says may not have
meant to lie: until half of the window is over its assertion counts as unknown, so that people can
look into it; what neither engine says is wrong at once.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from challenger.locate import UnitSearch
from challenger.model import Assertion, ChainView, Doubt, Draft, Judgement, Knowledge, Verdict, WrongUnits
from challenger.trace import RollupTrace
from optimistic.protocol.constants import BATCH_BITS
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Hash32
from optimistic.service.unit_inputs import UnitPlace


class ReplayedChain(Protocol):
    """What the replay knows of the batches of one view."""

    @property
    def n_replayed(self) -> int:
        """Number of batches whose end state is known."""

    @property
    def start(self) -> int:
        """Number of batches taken from a snapshot of a confirmed state instead of being replayed."""

    @property
    def problem(self) -> str | None:
        """Why the replay cannot go beyond `n_replayed`, or None while it can."""

    def end_leaf(self, to_batch: int) -> Hash32 | None:
        """Return the state after batches [0, to_batch), if known."""

    def key(self, index: int) -> Hash32:
        """Return a hash of everything the replay of batches [0, index] depends on."""

    def trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        """Return our commitment to a range of batches, if all of its leaves are known."""

    def uncorrected_trace(self, from_batch: int, to_batch: int) -> RollupTrace | None:
        """Return what the transaction engine alone would commit to, if it is known."""

    def first_correction(self, from_batch: int, to_batch: int) -> UnitPlace | None:
        """Return the first unit of a range about which the engines disagree, if there is one."""


class _Range(NamedTuple):
    """A parent, the end of its children's range, and everything that led there."""

    parent: Hash32
    to_batch: int
    key: Hash32


class Judge:
    """Judges views; what was computed for a range of batches is remembered while its inputs stay the same.

    Parameters
    ----------
    replayed : our replay of the batches of the view that is judged
    genesis_end_leaf : machine state that the deployment's genesis gives
    """

    def __init__(self, replayed: ReplayedChain, genesis_end_leaf: Hash32) -> None:
        self._replayed = replayed
        self._genesis_end_leaf = genesis_end_leaf
        self._drafts: dict[_Range, Draft] = {}
        self._doubts: dict[_Range, Doubt] = {}
        self._wrong: dict[tuple[Hash32, Hash32], tuple[UnitSearch, WrongUnits]] = {}

    def judge(self, view: ChainView) -> Knowledge:
        """Return a verdict for every assertion of the view, and the right children."""
        verdicts: dict[Hash32, Verdict] = {}
        drafts: dict[Hash32, Draft] = {}
        doubts: dict[Hash32, Doubt] = {}
        used: dict[_Range, Draft] = {}
        genesis = view.assertions[view.genesis_id]
        verdicts[genesis.id] = _judge_genesis(genesis, self._genesis_end_leaf)
        queue = deque([genesis])
        while queue:
            parent = queue.popleft()
            children = view.children(parent.id)
            queue.extend(children)
            if verdicts[parent.id].judgement is not Judgement.VALID:
                verdicts.update(_inherit(verdicts[parent.id], children))
                continue
            found = self._right_draft(view, parent)
            if found is not None:
                used[found[0]] = drafts[parent.id] = found[1]
                doubt = self._doubt(*found)
                if doubt is not None:
                    doubts[parent.id] = doubt
            for child in children:
                if _is_undecided(view, parent, child, doubts.get(parent.id)):
                    verdicts[child.id] = _DOUBTFUL
                else:
                    verdicts[child.id] = self._judge(view, child, drafts.get(parent.id))
        self._drafts = used
        self._doubts = {range_: doubt for range_, doubt in self._doubts.items() if range_ in used}
        return Knowledge(verdicts=verdicts, drafts=drafts, doubts=doubts)

    def _doubt(self, range_: _Range, draft: Draft) -> Doubt | None:
        """Return what the engines disagree about in the range of a draft."""
        place = self._replayed.first_correction(draft.from_batch, draft.to_batch)
        if place is None:
            return None
        if range_ not in self._doubts:
            trace = self._replayed.uncorrected_trace(draft.from_batch, draft.to_batch)
            batches = draft.from_batch, draft.to_batch
            other = None if trace is None else _draft(draft.parent, batches, draft.acc, trace).id
            self._doubts[range_] = Doubt(batch=place.batch, unit=place.unit, other=other)
        return self._doubts[range_]

    def _right_draft(self, view: ChainView, parent: Assertion) -> tuple[_Range, Draft] | None:
        to_batch = self._range_end(view, parent)
        if not parent.to_batch < to_batch <= self._replayed.n_replayed:
            return None
        key = _Range(parent.id, to_batch, self._replayed.key(to_batch - 1))
        draft = self._drafts.get(key)
        if draft is None:
            trace = self._replayed.trace(parent.to_batch, to_batch)
            if trace is None:
                return None
            draft = _draft(parent.id, (parent.to_batch, to_batch), view.batches[to_batch - 1].acc, trace)
        return key, draft

    def _range_end(self, view: ChainView, parent: Assertion) -> int:
        """Return where the right child ends: fixed by the first child, else as far as we can see."""
        if parent.child_to:
            return parent.child_to
        return min(len(view.batches), self._replayed.n_replayed, parent.to_batch + (1 << BATCH_BITS))

    def _judge(self, view: ChainView, child: Assertion, draft: Draft | None) -> Verdict:
        if draft is None:
            return _judge_without_draft(child, self._replayed)
        if (child.unit_root, child.end_leaf) == (draft.unit_root, draft.end_leaf):
            return Verdict(judgement=Judgement.VALID, reason="equals our replay")
        other_end = child.end_leaf != draft.end_leaf
        reason = "another end state" if other_end else "the right end state by a wrong way"
        return Verdict(judgement=Judgement.INVALID, reason=reason, wrong=self._locate(view, child))

    def _locate(self, view: ChainView, child: Assertion) -> WrongUnits | None:
        key = (child.id, self._replayed.key(child.to_batch - 1))
        search, wrong = self._wrong.get(key, (UnitSearch(), None))
        news = search.news(view.published.get(child.id, ()))
        if wrong is None or news:
            trace = self._replayed.trace(child.from_batch, child.to_batch)
            if trace is None:
                return None
            for nodes in news:
                search.add(trace, nodes)
            wrong = search.bounds(trace)
            self._wrong[key] = search, wrong
        return wrong


_DOUBTFUL = Verdict(
    judgement=Judgement.UNKNOWN,
    reason="what the transaction engine says; the step machine differs, and wins after half of the window",
)


def _is_undecided(view: ChainView, parent: Assertion, child: Assertion, doubt: Doubt | None) -> bool:
    """Whether a child is what the transaction engine says, and it is too early to act against it."""
    if doubt is None or child.id != doubt.other or child.status is not AssertionStatus.LIVE:
        return False
    return view.now < parent.t0 + view.challenge_period_s // 2


def _draft(parent: Hash32, batches: tuple[int, int], acc: Hash32, trace: RollupTrace) -> Draft:
    return Draft(
        parent=parent,
        from_batch=batches[0],
        to_batch=batches[1],
        acc=acc,
        unit_root=trace.unit_root,
        end_leaf=trace.end_leaf,
        children_root=trace.children_root(),
    )


def _judge_genesis(genesis: Assertion, end_leaf: Hash32) -> Verdict:
    if genesis.end_leaf == end_leaf:
        return Verdict(judgement=Judgement.VALID, reason="the deployment's genesis")
    return Verdict(judgement=Judgement.INVALID, reason="the genesis on L1 is not the deployment's")


def _inherit(parent: Verdict, children: Iterable[Assertion]) -> dict[Hash32, Verdict]:
    reason = "its parent is wrong" if parent.judgement is Judgement.INVALID else "its parent is unknown"
    return {child.id: Verdict(judgement=parent.judgement, reason=reason) for child in children}


def _judge_without_draft(child: Assertion, replayed: ReplayedChain) -> Verdict:
    own = replayed.end_leaf(child.to_batch)
    if own is not None and own != child.end_leaf:
        return Verdict(judgement=Judgement.INVALID, reason="another end state")
    if child.status is AssertionStatus.CONFIRMED and (own is not None or child.to_batch <= replayed.start):
        return Verdict(judgement=Judgement.VALID, reason="confirmed before the replay starts")
    if replayed.problem is not None:
        return Verdict(judgement=Judgement.UNKNOWN, reason=replayed.problem)
    return Verdict(
        judgement=Judgement.UNKNOWN, reason=f"replay is at batch {replayed.n_replayed} of {child.to_batch}"
    )
