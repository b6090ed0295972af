"""What to do next: a pure function of the pinned view and of what was found out about it.

The rules, for every right assertion from the oldest on:

1. Its right child gets our stake: asserted if a rival or a silent asserter makes it necessary
   and the window is open, backed if it is there and the policy says so.
2. The right child is defended against every live wrong sibling: a dispute is opened against an
   older one while the window is open, a newer one that opened none is killed when it has closed,
   and every dispute is played (`defence`).
3. The right child is confirmed when it is due.

Besides: stakes on dead assertions are slashed, children of dead assertions marked dead where that
lets a stake be slashed, and the own stake comes home when nothing needs it. Nothing is done about
children of an assertion whose right child is unknown.

Source: docs/spec/06-assertions.md
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from challenger.actions import (
    Action,
    AssertBatches,
    Back,
    Confirm,
    KillUnopened,
    MarkDead,
    Slash,
    WithdrawStake,
)
from challenger.defence import is_our_turn, open_against
from challenger.model import Assertion, ChainView, Draft, Identity, Knowledge
from challenger.policy import BackPolicy, Policy
from optimistic.protocol.constants import BATCH_BITS
from optimistic.protocol.dispute.actions import Commit, GameAction
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import Address, Hash32

_MAX_MARKS: Final = 32
"""A stake further below a dead assertion is left alone. Its owner never gets it back either way, and one
stake pays for a branch of any length: marking all of it would cost us without end."""


def next_actions(
    view: ChainView, known: Knowledge, policy: Policy, moves: Sequence[GameAction] = ()
) -> list[Action]:
    """Return everything worth doing now, most urgent first.

    Parameters
    ----------
    view : L1 at one block
    known : verdicts and right children; what is missing there is unknown and stays untouched
    policy : the operator's choices
    moves : what is worth doing in the disputes that are open
    """
    if view.me is None:
        return []
    plan = _StakePlan(view, view.me)
    actions: list[Action] = []
    for parent in right_chain(view, known):
        draft = known.drafts.get(parent.id)
        if draft is not None:
            actions += _about_children(view, known, parent, policy, plan)
    actions += [move for move in moves if not _can_be_free_soon(view, actions, move)]
    actions += _about_the_dead(view)
    if not plan.is_used and plan.is_free and policy.release_stake and policy.back is not BackPolicy.ALWAYS:
        actions.append(WithdrawStake(reason="no assertion needs the stake"))
    return sorted(actions, key=lambda action: (action.deadline is None, action.deadline or 0))


def right_chain(view: ChainView, known: Knowledge) -> list[Assertion]:
    """Return the live right assertions from the last confirmed one on, oldest first."""
    chain: list[Assertion] = []
    current = view.assertions.get(view.latest_confirmed)
    while current is not None and current.is_alive and known.is_right(current.id):
        chain.append(current)
        draft = known.drafts.get(current.id)
        current = None if draft is None else view.assertions.get(draft.id)
    return chain


def needs_assertion(view: ChainView, parent: Assertion, policy: Policy) -> tuple[str, int] | None:
    """Return why and since when batches after a childless `parent` should be asserted by us, or None."""
    waiting = view.batches[parent.to_batch :]
    forced = next((batch for batch in waiting if batch.is_forced), None)
    if forced is not None:
        return "a forced batch waits for an assertion", forced.l1_timestamp
    if waiting and view.now - waiting[0].l1_timestamp >= policy.assert_after_s:
        return "batches wait too long for an assertion", waiting[0].l1_timestamp + policy.assert_after_s
    return None


def _can_be_free_soon(view: ChainView, planned: Sequence[Action], move: GameAction) -> bool:
    """Whether a commitment would cost a bond only because our stake is still on its way."""
    if not isinstance(move, Commit) or move.is_free or move.deadline is None:
        return False
    staking = {action.assertion for action in planned if isinstance(action, Back)}
    staking |= {action.draft.id for action in planned if isinstance(action, AssertBatches)}
    has_time = move.deadline - view.now > view.challenge_period_s // 2
    return has_time and (move.older, move.newer)[move.side] in staking


def _about_children(
    view: ChainView, known: Knowledge, parent: Assertion, policy: Policy, plan: "_StakePlan"
) -> Iterator[Action]:
    draft, children = known.drafts[parent.id], view.children(parent.id)
    right = next((child for child in children if child.id == draft.id), None)
    live = [child for child in children if child.id != draft.id and child.status is AssertionStatus.LIVE]
    wrong = [child for child in live if known.is_wrong(child.id)]
    may_stake = not _waits_for_both_engines(view, known, parent, wrong)
    if right is None:
        if may_stake:
            yield from _post(view, parent, draft, policy, plan)
        return
    if right.status is not AssertionStatus.LIVE:
        return
    if may_stake and (policy.back is BackPolicy.ALWAYS or (wrong and policy.back is BackPolicy.CONTESTED)):
        yield from plan.back(right, view.window_end(parent), "the assertion is right")
    yield from _defend(view, known, parent, right, wrong, policy)
    if not live:
        yield from _confirm(view, parent, right, policy)


def _waits_for_both_engines(
    view: ChainView, known: Knowledge, parent: Assertion, wrong: Sequence[Assertion]
) -> bool:
    """Whether it is too early for a stake: the engines disagree, or may do.

    Where they are known to disagree, what neither of them says has to be contradicted at once.
    """
    if parent.child_to and view.now >= parent.t0 + view.challenge_period_s // 2:
        return False
    doubt = known.doubts.get(parent.id)
    return parent.id in known.unchecked or (doubt is not None and not wrong)


def _post(
    view: ChainView, parent: Assertion, draft: Draft, policy: Policy, plan: "_StakePlan"
) -> Iterator[Action]:
    if not parent.child_to:
        needed = needs_assertion(view, parent, policy)
        if draft.to_batch < min(len(view.batches), parent.to_batch + (1 << BATCH_BITS)):
            return  # the replay is not done: a later draft covers more
        if needed is not None and is_our_turn(view, policy, draft.id, needed[1], None):
            yield from plan.post(draft, None, needed[0])
        return
    deadline = view.window_end(parent)
    if view.now < deadline and is_our_turn(view, policy, draft.id, parent.t0, deadline):
        yield from plan.post(draft, deadline, "only wrong assertions cover these batches")


def _defend(
    view: ChainView,
    known: Knowledge,
    parent: Assertion,
    right: Assertion,
    rivals: list[Assertion],
    policy: Policy,
) -> Iterator[Action]:
    window_end = view.window_end(parent)
    for rival in rivals:
        is_older = rival.seq < right.seq
        older, newer = (rival, right) if is_older else (right, rival)
        if view.is_open(older, newer):
            continue
        if is_older and view.now < window_end:
            if is_our_turn(view, policy, newer.id, parent.t0, window_end):
                yield from open_against(view, known, rival, right, window_end)
        elif not is_older and view.now >= window_end:
            yield KillUnopened(older=older.id, newer=newer.id, reason="a wrong newcomer opened no dispute")


def _confirm(view: ChainView, parent: Assertion, right: Assertion, policy: Policy) -> Iterator[Action]:
    due = max(view.window_end(parent), parent.sole_since + view.airgap_s)
    is_due = parent.status is AssertionStatus.CONFIRMED and parent.live_children == 1 and view.now >= due
    if is_due and is_our_turn(view, policy, right.id, due, None):
        yield Confirm(assertion=right.id, reason="window and airgap are over")


def _about_the_dead(view: ChainView) -> Iterator[Action]:
    slashable = {staker.address for stakers in view.members.values() for staker in stakers}
    strays = (_below_the_dead(view, tip) for staker, tip in view.tips.items() if staker not in slashable)
    for child in sorted({child.id for child in strays if child is not None}):
        yield MarkDead(assertion=child, reason="its parent is dead and a stake lies below")
    slashed: set[Address] = set()
    for assertion, stakers in sorted(view.members.items()):
        for staker in stakers:
            if staker.address not in slashed:
                slashed.add(staker.address)
                yield Slash(assertion=assertion, staker=staker.address, reason="stake on a dead assertion")


def _below_the_dead(view: ChainView, tip: Hash32) -> Assertion | None:
    """Return the live child of a dead assertion on the way up from a stake, if it is near."""
    current = view.assertions.get(tip)
    for _ in range(_MAX_MARKS):
        if current is None or current.status is not AssertionStatus.LIVE:
            return None
        parent = view.assertions.get(current.parent)
        if parent is not None and parent.status is AssertionStatus.DEAD:
            return current
        current = parent
    return None


class _StakePlan:
    """Where the own stake lies as the planned actions move it: it rolls along one branch."""

    def __init__(self, view: ChainView, me: Identity) -> None:
        self._view = view
        self._memberships = set(me.memberships)
        self._stake = me.stake
        self.is_used = False

    @property
    def is_free(self) -> bool:
        """Whether there is a stake that could be withdrawn."""
        tip = self._view.assertions.get(self._stake.tip)
        return bool(self._stake.amount) and tip is not None and tip.status is AssertionStatus.CONFIRMED

    def post(self, draft: Draft, deadline: int | None, reason: str) -> Iterator[Action]:
        """Plan to assert `draft`, backing what lies between the stake and its parent."""
        path = self._path_to(draft.parent)
        if path is None:
            return
        yield from self._backs(path, deadline)
        yield AssertBatches(draft=draft, stake_wei=self._move(draft.id), deadline=deadline, reason=reason)

    def back(self, assertion: Assertion, deadline: int | None, reason: str) -> Iterator[Action]:
        """Plan to back `assertion` unless the account is a member."""
        if assertion.id in self._memberships:
            self.is_used = True
            return
        path = self._path_to(assertion.parent)
        if path is None:
            return
        yield from self._backs(path, deadline)
        yield Back(
            assertion=assertion.id, stake_wei=self._move(assertion.id), deadline=deadline, reason=reason
        )

    def _backs(self, path: list[Assertion], deadline: int | None) -> Iterator[Action]:
        for step in path:
            yield Back(
                assertion=step.id,
                stake_wei=self._move(step.id),
                deadline=deadline,
                reason="the stake moves one assertion at a time",
            )

    def _path_to(self, parent: Hash32) -> list[Assertion] | None:
        """Return what to back first, oldest first; None if the stake cannot get there."""
        if self._stake.is_slashed:
            return None
        tip = self._view.assertions.get(self._stake.tip)
        if not self._stake.amount or (tip is not None and tip.status is AssertionStatus.CONFIRMED):
            return []
        path: list[Assertion] = []
        current = self._view.assertions.get(parent)
        while current is not None and current.id != self._stake.tip:
            if current.status is AssertionStatus.CONFIRMED:
                return None
            path.append(current)
            current = self._view.assertions.get(current.parent)
        return None if current is None else path[::-1]

    def _move(self, to: Hash32) -> int:
        """Put the stake on `to`; return the wei to send along."""
        self.is_used = True
        self._memberships.add(to)
        payment = 0 if self._stake.amount else self._view.stake_wei
        self._stake = replace(self._stake, amount=self._view.stake_wei, tip=to)
        return payment
