from collections.abc import Callable
from dataclasses import replace

import pytest

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
from challenger.preconditions import precondition_of
from optimistic.protocol.records import AssertionStatus
from optimistic.service.contracts import AssertionState, Stake
from optimistic.service.tx_types import Readiness
from tests.unit.challenger.contracts import NOTHING, FakeL1
from tests.unit.challenger.views import EVE, ME, PERIOD_S, STAKE_WEI, T0, draft_of, ident, opening_of

LIVE, DEAD, CONFIRMED = AssertionStatus.LIVE, AssertionStatus.DEAD, AssertionStatus.CONFIRMED
READY, NOT_YET, DONE, LOST = Readiness.READY, Readiness.NOT_YET, Readiness.DONE, Readiness.LOST
CLOSED = T0 + PERIOD_S
PARENT, OLDER, NEWER = ident("parent"), ident("older"), ident("newer")
DRAFT = draft_of(PARENT, 0, 2, "right")

ASSERT = AssertBatches(draft=DRAFT, stake_wei=STAKE_WEI, reason="")
ROLL = AssertBatches(draft=DRAFT, stake_wei=0, reason="")
BACK = Back(assertion=OLDER, stake_wei=STAKE_WEI, reason="")
OPEN = opening_of(OLDER, NEWER)
KILL = KillUnopened(older=OLDER, newer=NEWER, reason="")
CONFIRM = Confirm(assertion=OLDER, reason="")
MARK = MarkDead(assertion=OLDER, reason="")
SLASH = Slash(assertion=OLDER, staker=EVE, reason="")
WITHDRAW = WithdrawStake(reason="")


def state(status: AssertionStatus, **changes: object) -> AssertionState:
    return replace(NOTHING, parent=PARENT, status=status, **changes)  # type: ignore[arg-type]


def world(**changes: object) -> FakeL1:
    """A confirmed parent with two live children, our draft not among them."""
    parent = state(CONFIRMED, t0=T0, children=2, live_children=2, child_to=2)
    built = FakeL1(assertions={PARENT: parent, OLDER: state(LIVE), NEWER: state(LIVE)}, accs={1: DRAFT.acc})
    for name, value in changes.items():
        setattr(built, name, value)
    return built


def having(**assertions: AssertionState) -> Callable[[], FakeL1]:
    def build() -> FakeL1:
        built = world()
        for name, value in assertions.items():
            built.assertions[DRAFT.id if name == "drafted" else ident(name)] = value
        return built

    return build


def staked(amount: int, tip: str, status: AssertionStatus = LIVE) -> Callable[[], FakeL1]:
    def build() -> FakeL1:
        built = world(stakes={ME: Stake(amount_wei=amount, tip=ident(tip))})
        built.assertions.setdefault(ident(tip), state(status))
        return built

    return build


def at(now: int) -> Callable[[], FakeL1]:
    return lambda: world(now=now)


def sole_child() -> FakeL1:
    parent = state(CONFIRMED, t0=T0, children=2, live_children=1, child_to=2)
    return having(parent=parent)()


CASES: dict[str, tuple[Action, Callable[[], FakeL1], Readiness]] = {
    "assert__window_open": (ASSERT, world, READY),
    "assert__is_there": (ASSERT, having(drafted=state(LIVE)), DONE),
    "assert__window_closed": (ASSERT, at(CLOSED), LOST),
    "assert__no_child_yet": (ASSERT, having(parent=state(LIVE)), READY),
    "assert__parent_dead": (ASSERT, having(parent=state(DEAD)), LOST),
    "assert__other_range": (ASSERT, having(parent=state(LIVE, child_to=3)), LOST),
    "assert__other_batches": (ASSERT, lambda: world(accs={}), LOST),
    "assert__stake_there_already": (ASSERT, staked(STAKE_WEI, "parent"), LOST),
    "roll__stake_gone": (ROLL, world, LOST),
    "roll__stake_on_parent": (ROLL, staked(STAKE_WEI, "parent"), READY),
    "roll__stake_on_confirmed": (ROLL, staked(STAKE_WEI, "old", CONFIRMED), READY),
    "roll__stake_behind": (ROLL, staked(STAKE_WEI, "grandparent"), NOT_YET),
    "back__live": (BACK, world, READY),
    "back__member": (BACK, lambda: world(members={(OLDER, ME)}), DONE),
    "back__dead": (BACK, having(older=state(DEAD)), LOST),
    "open__both_live": (OPEN, world, READY),
    "open__open": (OPEN, lambda: world(openings={(OLDER, NEWER)}), DONE),
    "open__one_dead": (OPEN, having(older=state(DEAD)), LOST),
    "open__window_closed": (OPEN, at(CLOSED), LOST),
    "kill__window_closed": (KILL, at(CLOSED), READY),
    "kill__window_open": (KILL, world, NOT_YET),
    "kill__is_dead": (KILL, having(newer=state(DEAD)), DONE),
    "kill__older_dead": (KILL, having(older=state(DEAD)), LOST),
    "kill__was_opened": (KILL, lambda: world(now=CLOSED, openings={(OLDER, NEWER)}), LOST),
    "confirm__alone": (CONFIRM, sole_child, READY),
    "confirm__rivals": (CONFIRM, world, LOST),
    "confirm__is_confirmed": (CONFIRM, having(older=state(CONFIRMED)), DONE),
    "confirm__is_dead": (CONFIRM, having(older=state(DEAD)), LOST),
    "mark__parent_dead": (MARK, having(parent=state(DEAD)), READY),
    "mark__parent_alive": (MARK, world, LOST),
    "mark__is_dead": (MARK, having(older=state(DEAD)), DONE),
    "slash__no_stake": (SLASH, having(older=state(DEAD)), DONE),
    "slash__stake": (
        SLASH,
        lambda: world(stakes={EVE: Stake(amount_wei=1, tip=OLDER)}, assertions={OLDER: state(DEAD)}),
        READY,
    ),
    "slash__alive": (SLASH, lambda: world(stakes={EVE: Stake(amount_wei=1, tip=OLDER)}), LOST),
    "withdraw__confirmed": (WITHDRAW, staked(STAKE_WEI, "old", CONFIRMED), READY),
    "withdraw__live": (WITHDRAW, staked(STAKE_WEI, "old"), LOST),
    "withdraw__nothing": (WITHDRAW, world, DONE),
}


@pytest.mark.parametrize("name", CASES)
def test_precondition__case__readiness(name: str) -> None:
    action, build, expected = CASES[name]

    assert precondition_of(build().contracts(), action)(ident("block")) is expected
