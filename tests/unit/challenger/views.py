"""A small language for views: assertions by name, so that rules read as stories.

>>> story = Story().batches(2)
>>> story.child("genesis", "right", to=1).child("genesis", "wrong", to=1)
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Self

from challenger.model import (
    Assertion,
    BatchHead,
    ChainView,
    Doubt,
    Draft,
    Identity,
    Judgement,
    Knowledge,
    L1Block,
    Staker,
    Verdict,
)
from optimistic.protocol.commitment import Tree, UnitTree
from optimistic.protocol.dispute.actions import Claim, Open
from optimistic.protocol.dispute.proofs import prove_roots
from optimistic.protocol.dispute.traces import Terms
from optimistic.protocol.dispute.views import DisputeView
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32

T0 = 1_000_000
PERIOD_S = 100
AIRGAP_S = 10
STAKE_WEI = 2 * 10**18
ME = Address(b"\x11" * 20)
EVE = Address(b"\xee" * 20)
GENESIS = "genesis"
TERMS = Terms(log_arity=5, challenge_period_s=PERIOD_S, bond_wei=STAKE_WEI // 10)


def ident(name: str) -> Hash32:
    """A 32-byte hash that stands for a name."""
    return keccak256(name.encode())


def batch(index: int, *, timestamp: int = T0, is_forced: bool = False) -> BatchHead:
    return BatchHead(
        index=index,
        acc=ident(f"acc {index}"),
        input_hash=ident(f"input {index}"),
        l1_timestamp=timestamp,
        is_forced=is_forced,
    )


@cache
def unit_tree() -> UnitTree:
    """The right computation of every story."""
    return UnitTree(TERMS.log_arity, [[ident("unit 0"), ident("unit 1")]])


class ToyTraces:
    """Knows the unit tree, and steps of units as far as told."""

    def __init__(self, steps: Mapping[int, Tree] | None = None) -> None:
        self._steps = steps or {}

    def units(self) -> Tree | None:
        return unit_tree()

    def steps(self, j: int) -> Tree | None:
        return self._steps.get(j)

    def witness(self, j: int, v: int) -> bytes | None:
        return None


def opening_of(older: Hash32, newer: Hash32, deadline: int | None = None) -> Open:
    """Open a dispute from the roots on."""
    return Open(
        older=older,
        newer=newer,
        level=5,
        proof=prove_roots((ident("root of the older"), ident("root of the newer"))),
        reveal=None,
        reason="a test",
        deadline=deadline,
    )


def draft_of(parent: Hash32, from_batch: int, to_batch: int, name: str) -> Draft:
    return Draft(
        parent=parent,
        from_batch=from_batch,
        to_batch=to_batch,
        acc=ident(f"acc {to_batch - 1}"),
        unit_root=ident(f"root {name}"),
        end_leaf=ident(f"leaf {name}"),
        children_root=ident(f"children {name}"),
    )


class Story:
    """Builds a view and what is known about it; the right child of a parent is named, others are wrong."""

    def __init__(self, *, now: int = T0) -> None:
        self.now = now
        self.ids: dict[str, Hash32] = {GENESIS: ident(GENESIS)}
        self._assertions: dict[Hash32, Assertion] = {
            ident(GENESIS): _genesis(),
        }
        self._batches: list[BatchHead] = []
        self._openings: set[tuple[Hash32, Hash32]] = set()
        self._disputes: list[DisputeView] = []
        self._settled: dict[tuple[Hash32, Hash32], Hash32 | None] = {}
        self._claims: list[Claim] = []
        self._has_broken_precompiles = False
        self._doubts: dict[Hash32, Doubt] = {}
        self._unchecked: set[Hash32] = set()
        self._steps: dict[int, Tree] = {}
        self._verdicts = {ident(GENESIS): Verdict(judgement=Judgement.VALID, reason="genesis")}
        self._drafts: dict[Hash32, Draft] = {}
        self._latest = ident(GENESIS)
        self._members: dict[Hash32, tuple[Staker, ...]] = {}
        self._tips: dict[Address, Hash32] = {}
        self._me = Identity(stake=Staker(address=ME, amount=0, tip=ZERO_HASH), balance_wei=100 * STAKE_WEI)

    def batches(self, count: int, *, timestamp: int = T0, is_forced: bool = False) -> Self:
        for _ in range(count):
            self._batches.append(batch(len(self._batches), timestamp=timestamp, is_forced=is_forced))
        return self

    def right(self, parent: str, name: str, *, to: int) -> Self:
        """Know the right child of `parent`, asserted or not."""
        owner = self._assertions[self.ids[parent]]
        draft = draft_of(owner.id, owner.to_batch, to, name)
        self.ids[name] = draft.id
        self._drafts[owner.id] = draft
        return self

    def posted(
        self,
        parent: str,
        name: str,
        *,
        status: AssertionStatus = AssertionStatus.LIVE,
        t0: int = T0,
        poster: Address = EVE,
    ) -> Self:
        """Put a child on L1: the right one if it was declared by `right`, else a wrong one."""
        owner = self._assertions[self.ids[parent]]
        draft = self._drafts.get(owner.id)
        is_right = draft is not None and self.ids.get(name) == draft.id
        to = draft.to_batch if draft is not None else owner.to_batch + 1
        child_id = self.ids.setdefault(name, ident(name))
        siblings = [a for a in self._assertions.values() if a.parent == owner.id and a.id != owner.id]
        live = sum(a.status is not AssertionStatus.DEAD for a in siblings) + (
            status is not AssertionStatus.DEAD
        )
        self._assertions[owner.id] = replace(
            owner,
            t0=owner.t0 or t0,
            sole_since=owner.sole_since or t0 + PERIOD_S,
            live_children=live,
            child_to=to,
        )
        self._assertions[child_id] = _assertion(child_id, owner, len(siblings) + 1, to, status, poster)
        judgement = Judgement.VALID if is_right else Judgement.INVALID
        self._verdicts[child_id] = Verdict(judgement=judgement, reason="story")
        if status is AssertionStatus.CONFIRMED:
            self._latest = child_id
        return self

    def unknown(self, parent: str) -> Self:
        """Know nothing about the children of `parent`."""
        owner = self.ids[parent]
        self._drafts.pop(owner, None)
        for child in self._assertions.values():
            if child.parent == owner and child.id != owner:
                self._verdicts[child.id] = Verdict(judgement=Judgement.UNKNOWN, reason="story")
        return self

    def opened(self, older: str, newer: str) -> Self:
        self._openings.add((self.ids[older], self.ids[newer]))
        return self

    def disputed(self, dispute: DisputeView) -> Self:
        """A dispute that is not over."""
        self._openings.add((dispute.older, dispute.newer))
        self._disputes.append(dispute)
        return self

    def settled(self, older: str, newer: str, winner: str | None) -> Self:
        """A dispute that is over."""
        pair = self.ids[older], self.ids[newer]
        self._openings.add(pair)
        self._settled[pair] = None if winner is None else self.ids[winner]
        return self

    def owed(self, *claims: Claim) -> Self:
        """What would pay somebody."""
        self._claims += claims
        return self

    def with_broken_precompiles(self) -> Self:
        """The guard on L1 found one."""
        self._has_broken_precompiles = True
        return self

    def doubted(self, parent: str, other: str) -> Self:
        """The engines disagree below `parent`; the transaction engine says `other`."""
        self._doubts[self.ids[parent]] = Doubt(batch=0, unit=3, other=self.ids[other])
        self._verdicts[self.ids[other]] = Verdict(judgement=Judgement.UNKNOWN, reason="story")
        return self

    def unchecked(self, parent: str) -> Self:
        """The step machine did not run the batches below `parent` yet."""
        self._unchecked.add(self.ids[parent])
        return self

    def steps(self, j: int, tree: Tree) -> Self:
        """Know the right trace of a unit."""
        self._steps[j] = tree
        return self

    def staked(self, tip: str, *members: str, slashed: bool = False) -> Self:
        """My stake lies on `tip`; I am a member of it and of `members`."""
        stake = Staker(address=ME, amount=STAKE_WEI, tip=self.ids[tip], is_slashed=slashed)
        ids = frozenset(self.ids[name] for name in (tip, *members))
        self._me = replace(self._me, stake=stake, memberships=ids)
        return self

    def member(self, name: str, staker: Address) -> Self:
        """A member of a dead assertion who still has a stake."""
        stake = Staker(address=staker, amount=STAKE_WEI, tip=self.ids[name])
        self._members[self.ids[name]] = (*self._members.get(self.ids[name], ()), stake)
        return self

    def tip(self, name: str, staker: Address) -> Self:
        """The stake of somebody else lies here."""
        self._tips[staker] = self.ids[name]
        return self

    def poor(self, balance_wei: int = STAKE_WEI - 1) -> Self:
        self._me = replace(self._me, balance_wei=balance_wei)
        return self

    def at(self, now: int) -> Self:
        self.now = now
        return self

    def view(self, *, watching: bool = False, period_s: int = PERIOD_S) -> ChainView:
        return ChainView(
            block=L1Block(number=7, hash=ident("block"), timestamp=self.now),
            challenge_period_s=period_s,
            airgap_s=AIRGAP_S,
            stake_wei=STAKE_WEI,
            terms=replace(TERMS, challenge_period_s=period_s),
            batches=self._batches,
            assertions=self._assertions,
            genesis_id=ident(GENESIS),
            latest_confirmed=self._latest,
            openings=frozenset(self._openings),
            disputes=tuple(self._disputes),
            settled=self._settled,
            claims=tuple(self._claims),
            has_broken_precompiles=self._has_broken_precompiles,
            members=self._members,
            tips=self._tips,
            me=None if watching else self._me,
        )

    def known(self) -> Knowledge:
        return Knowledge(
            verdicts=self._verdicts,
            drafts=self._drafts,
            traces={parent: ToyTraces(self._steps) for parent in self._drafts},
            doubts=self._doubts,
            unchecked=frozenset(self._unchecked),
        )


def _genesis() -> Assertion:
    return Assertion(
        id=ident(GENESIS),
        parent=ZERO_HASH,
        seq=0,
        poster=ZERO_ADDRESS,
        from_batch=0,
        to_batch=0,
        acc=ZERO_HASH,
        unit_root=ZERO_HASH,
        end_leaf=ident("leaf genesis"),
        status=AssertionStatus.CONFIRMED,
    )


def _assertion(
    child: Hash32, parent: Assertion, seq: int, to: int, status: AssertionStatus, poster: Address
) -> Assertion:
    return Assertion(
        id=child,
        parent=parent.id,
        seq=seq,
        poster=poster,
        from_batch=parent.to_batch,
        to_batch=to,
        acc=ident(f"acc {to - 1}"),
        unit_root=ident(f"root of {child.hex()}"),
        end_leaf=ident(f"leaf of {child.hex()}"),
        status=status,
    )
