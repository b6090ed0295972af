"""The assertion chain as the game sees it; tests/differential/test_dispute_rules.py compares it with L1."""

from collections.abc import Callable

import pytest

from optimistic.protocol.dispute.chain import AssertionChain, Claimed
from optimistic.protocol.dispute.refusals import (
    AirgapOpen,
    AssertionExists,
    NoStake,
    NotDead,
    NotLive,
    NotMember,
    NotSiblings,
    ParentNotAlive,
    ParentNotConfirmed,
    Refused,
    RivalsAlive,
    StakeElsewhere,
    StakerSlashed,
    WindowClosed,
    WindowOpen,
    WrongStake,
)
from optimistic.protocol.records import AssertionStatus
from optimistic.protocol.types import ZERO_HASH, Hash32
from scripts.staging.lies import Fault
from tests.helpers.dispute_stage import ACCS, GENESIS, Stage, account


def family() -> tuple[Stage, Hash32, Hash32]:
    """Two children of the genesis assertion."""
    stage = Stage()
    return stage, stage.post("a", stage.right.units()), stage.post("b", stage.lie(Fault(unit=3)))


def refused(refusal: type[Refused], call: Callable[[], object]) -> None:
    with pytest.raises(refusal):
        call()


def after_window(stage: Stage) -> AssertionChain:
    stage.now += stage.period_s
    return stage.chain


def test_assert__children__are_ordered_and_counted() -> None:
    stage, a, b = family()

    parent = stage.chain.get(GENESIS)

    assert (stage.chain.get(a).seq, stage.chain.get(b).seq) == (1, 2)
    assert (parent.t0, parent.live_children, parent.children) == (stage.now, 2, 2)
    assert stage.chain.balance_wei == 2 * stage.stake_wei


def test_assert__against_the_rules__is_refused() -> None:
    stage, a, _ = family()
    chain, tree = stage.chain, stage.lie(Fault(unit=1))
    claimed = Claimed(
        parent=GENESIS, acc=ACCS[0], to=1, unit_root=tree.root.hash, end_leaf=tree.root.end_state
    )
    unknown = Claimed(
        parent=ZERO_HASH, acc=ACCS[0], to=1, unit_root=tree.root.hash, end_leaf=tree.root.end_state
    )

    refused(AssertionExists, lambda: stage.post("c", stage.right.units()))
    refused(ParentNotAlive, lambda: chain.assert_batches(stage.call("c", stage.stake_wei), unknown))
    refused(WrongStake, lambda: chain.assert_batches(stage.call("c", 1), claimed))
    refused(WrongStake, lambda: chain.assert_batches(stage.call("a", stage.stake_wei), claimed))
    refused(StakeElsewhere, lambda: chain.assert_batches(stage.call("a"), claimed))
    after_window(stage)
    refused(WindowClosed, lambda: chain.assert_batches(stage.call("c", stage.stake_wei), claimed))
    assert chain.get(a).status is AssertionStatus.LIVE


def test_back__a_live_one__makes_a_member() -> None:
    stage, a, b = family()

    stage.chain.back(stage.call("c", stage.stake_wei), a)

    assert stage.chain.is_member(a, account("c"))
    assert not stage.chain.is_member(b, account("c"))
    refused(StakeElsewhere, lambda: stage.chain.back(stage.call("c"), b))
    refused(NotLive, lambda: stage.chain.back(stage.call("d", stage.stake_wei), GENESIS))


def test_confirm__conditions__are_checked_one_by_one() -> None:
    stage, a, b = family()
    child = stage.post("a", stage.lie(Fault(unit=1)), a)
    refused(WindowOpen, lambda: stage.chain.confirm(stage.call("x"), a))
    chain = after_window(stage)
    refused(RivalsAlive, lambda: chain.confirm(stage.call("x"), a))
    chain.kill_unopened(stage.call("x"), a, b)
    refused(ParentNotConfirmed, lambda: chain.confirm(stage.call("x"), child))
    stage.now += stage.airgap_s - 1
    refused(AirgapOpen, lambda: chain.confirm(stage.call("x"), a))
    stage.now += 1

    chain.confirm(stage.call("x"), a)

    assert chain.latest_confirmed == a
    refused(NotLive, lambda: chain.confirm(stage.call("x"), a))
    refused(StakeElsewhere, lambda: chain.withdraw_stake(stage.call("a")))
    chain.confirm(stage.call("x"), child)
    assert chain.withdraw_stake(stage.call("a")) == stage.stake_wei
    refused(NoStake, lambda: chain.withdraw_stake(stage.call("a")))
    assert chain.balance_wei == stage.stake_wei


def test_kill_unopened__wrong_order_or_dead__is_refused() -> None:
    stage, a, b = family()
    chain = after_window(stage)
    refused(NotSiblings, lambda: chain.kill_unopened(stage.call("x"), b, a))
    refused(NotSiblings, lambda: chain.kill_unopened(stage.call("x"), a, a))
    refused(NotLive, lambda: chain.kill_unopened(stage.call("x"), GENESIS, a))
    chain.kill_unopened(stage.call("x"), a, b)
    refused(NotLive, lambda: chain.kill_unopened(stage.call("x"), a, b))
    assert chain.get(GENESIS).sole_since == stage.now


def test_kill__by_the_game__needs_a_living_winner() -> None:
    stage, a, b = family()
    chain = stage.chain

    refused(NotSiblings, lambda: chain.kill(a, a, stage.now))
    refused(NotSiblings, lambda: chain.kill(a, GENESIS, stage.now))
    refused(NotSiblings, lambda: chain.kill(GENESIS, GENESIS, stage.now))
    assert chain.kill(b, a, stage.now) == (True, stage.stake_wei)
    assert chain.kill(b, a, stage.now) == (False, 0)
    assert chain.kill(a, b, stage.now) == (False, 0)
    assert chain.get(GENESIS).live_children == 1
    assert chain.get(GENESIS).sole_since == stage.now + stage.period_s


def test_dead_parent__its_children__can_be_marked_and_slashed() -> None:
    stage, a, b = family()
    child = stage.post("b", stage.lie(Fault(unit=1)), b)
    chain = stage.chain
    refused(NotDead, lambda: chain.mark_dead(child))
    refused(NotDead, lambda: chain.slash(b, account("b")))
    chain.kill(b, a, stage.now)
    assert not chain.has_stake(account("b"))
    chain.back(stage.call("c", stage.stake_wei), a)
    refused(ParentNotAlive, lambda: chain.back(stage.call("d", stage.stake_wei), child))

    chain.mark_dead(child)

    refused(NotMember, lambda: chain.slash(child, account("c")))
    refused(NoStake, lambda: chain.slash(child, account("b")))
    refused(StakerSlashed, lambda: stage.post("b", stage.lie(Fault(unit=2)), a))


def test_seize__of_a_member__takes_the_stake_once() -> None:
    stage, a, b = family()
    chain = stage.chain

    refused(NotMember, lambda: chain.seize(a, account("b")))
    refused(NotLive, lambda: chain.seize(GENESIS, account("b")))
    assert chain.seize(b, account("b")) == stage.stake_wei
    assert chain.seize(b, account("b")) == 0
    assert chain.balance_wei == stage.stake_wei
    assert chain.get(a).status is AssertionStatus.LIVE
