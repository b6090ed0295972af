"""The rules of the honest player as tables: a story in, actions out."""

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
from challenger.policy import BackPolicy, Policy
from challenger.solver import next_actions, right_chain
from optimistic.protocol.dispute.actions import Open
from optimistic.protocol.records import AssertionStatus
from tests.unit.challenger.views import AIRGAP_S, EVE, GENESIS, ME, PERIOD_S, STAKE_WEI, T0, Story

POLICY = Policy(assert_after_s=50)
CLOSED = T0 + PERIOD_S
DUE = CLOSED + AIRGAP_S


def brief(story: Story, action: Action) -> tuple[object, ...]:
    """An action by the names of the story."""
    names = {value: name for name, value in story.ids.items()}
    match action:
        case AssertBatches():
            return ("assert", names[action.draft.id], action.stake_wei)
        case Back():
            return ("back", names[action.assertion], action.stake_wei)
        case Open() | KillUnopened():
            return (action.kind, names[action.older], names[action.newer])
        case Confirm() | MarkDead():
            return (action.kind, names[action.assertion])
        case Slash():
            return ("slash", names[action.assertion], action.staker)
        case WithdrawStake():
            return ("withdraw_stake",)
        case _:
            return (action.kind,)


def actions(story: Story, policy: Policy = POLICY) -> list[tuple[object, ...]]:
    return [brief(story, action) for action in next_actions(story.view(), story.known(), policy)]


def right_alone() -> Story:
    return Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "right")


def wrong_alone() -> Story:
    return Story().batches(1).right(GENESIS, "right", to=1).posted(GENESIS, "wrong")


def right_then_wrong() -> Story:
    return right_alone().posted(GENESIS, "wrong")


def wrong_then_right() -> Story:
    return wrong_alone().posted(GENESIS, "right")


def branch_below_the_dead(levels: int) -> Story:
    story = right_alone().posted(GENESIS, "level 0", status=AssertionStatus.DEAD)
    for level in range(1, levels + 1):
        story.posted(f"level {level - 1}", f"level {level}")
    return story


def confirmed_then(second: str) -> Story:
    story = right_alone().batches(1).posted(GENESIS, "right", status=AssertionStatus.CONFIRMED)
    return story.right("right", "next", to=2).posted("right", second, t0=T0)


Case = tuple[Callable[[], Story], list[tuple[object, ...]]]

CASES: dict[str, Case] = {
    "nothing_posted__fresh_batches__waits": (
        lambda: Story().batches(1).right(GENESIS, "right", to=1),
        [],
    ),
    "nothing_posted__old_batches__asserts": (
        lambda: Story(now=T0 + 50).batches(1).right(GENESIS, "right", to=1),
        [("assert", "right", STAKE_WEI)],
    ),
    "nothing_posted__replay_not_done__waits": (
        lambda: Story(now=T0 + 50).batches(2).right(GENESIS, "right", to=1),
        [],
    ),
    "nothing_posted__forced_batch__asserts_at_once": (
        lambda: Story().batches(1).batches(1, is_forced=True).right(GENESIS, "right", to=2),
        [("assert", "right", STAKE_WEI)],
    ),
    "right_alone__window_open__nothing": (right_alone, []),
    "right_alone__airgap_open__nothing": (lambda: right_alone().at(DUE - 1), []),
    "right_alone__due__confirms": (lambda: right_alone().at(DUE), [("confirm", "right")]),
    "wrong_alone__window_open__asserts_the_rival": (wrong_alone, [("assert", "right", STAKE_WEI)]),
    "wrong_alone__window_closed__too_late": (lambda: wrong_alone().at(CLOSED), []),
    "wrong_alone__dead__asserts_the_rival": (
        lambda: wrong_alone().posted(GENESIS, "other", status=AssertionStatus.DEAD),
        [("assert", "right", STAKE_WEI)],
    ),
    "right_then_wrong__window_open__backs": (right_then_wrong, [("back", "right", STAKE_WEI)]),
    "right_then_wrong__window_closed__kills_the_newcomer": (
        lambda: right_then_wrong().staked("right").at(CLOSED),
        [("kill_unopened", "right", "wrong")],
    ),
    "right_then_wrong__newcomer_opened__never_kills_or_confirms": (
        lambda: right_then_wrong().opened("right", "wrong").staked("right").at(10 * DUE),
        [],
    ),
    "wrong_then_right__window_open__opens": (
        lambda: wrong_then_right().staked("right"),
        [("open", "wrong", "right")],
    ),
    "wrong_then_right__no_stake__backs_and_opens": (
        wrong_then_right,
        [("back", "right", STAKE_WEI), ("open", "wrong", "right")],
    ),
    "wrong_then_right__opened__nothing_more": (
        lambda: wrong_then_right().opened("wrong", "right").staked("right").at(10 * DUE),
        [],
    ),
    "two_wrong_then_right__opens_against_both": (
        lambda: wrong_alone().posted(GENESIS, "other").posted(GENESIS, "right").staked("right"),
        [("open", "wrong", "right"), ("open", "other", "right")],
    ),
    "wrong_then_right__wrong_dead__confirms": (
        lambda: (
            Story(now=DUE)
            .batches(1)
            .right(GENESIS, "right", to=1)
            .posted(GENESIS, "wrong", status=AssertionStatus.DEAD)
            .posted(GENESIS, "right")
            .staked("right")
        ),
        [("confirm", "right")],
    ),
    "right_dead__does_nothing": (
        lambda: (
            Story(now=DUE)
            .batches(1)
            .right(GENESIS, "right", to=1)
            .posted(GENESIS, "right", status=AssertionStatus.DEAD)
        ),
        [],
    ),
    "children_unknown__wrong_looking__does_nothing": (lambda: wrong_alone().unknown(GENESIS), []),
    "children_unknown__due__does_nothing": (lambda: right_alone().unknown(GENESIS).at(DUE), []),
    "second_generation__wrong__asserts_there": (
        lambda: confirmed_then("wrong"),
        [("assert", "next", STAKE_WEI)],
    ),
    "second_generation__unconfirmed_parent__is_not_confirmed": (
        lambda: right_alone().batches(1).right("right", "next", to=2).posted("right", "next").at(DUE),
        [("confirm", "right")],
    ),
    "stake_on_grandparent__backs_its_way_to_the_rival": (
        lambda: (
            right_alone()
            .batches(2)
            .right("right", "second", to=2)
            .posted("right", "second")
            .right("second", "third", to=3)
            .posted("second", "wrong")
            .staked("right")
        ),
        [("back", "second", 0), ("assert", "third", 0)],
    ),
    "stake_on_confirmed__rolls_free_of_charge": (
        lambda: confirmed_then("wrong").staked("right"),
        [("assert", "next", 0)],
    ),
    "stake_on_another_branch__cannot_move": (
        lambda: wrong_alone().staked("wrong"),
        [],
    ),
    "slashed__neither_backs_nor_asserts": (
        lambda: wrong_then_right().staked("wrong", slashed=True),
        [("open", "wrong", "right")],
    ),
    "dead_parent__marks_children_dead": (
        lambda: (
            wrong_then_right()
            .posted(GENESIS, "bad", status=AssertionStatus.DEAD)
            .posted("bad", "worse")
            .posted("worse", "worst")
            .tip("worst", EVE)
            .staked("right")
            .opened("wrong", "right")
        ),
        [("mark_dead", "worse")],
    ),
    "attack__dead_branch_of_one_stake__is_not_marked_dead_one_by_one": (
        lambda: (
            right_alone()
            .posted(GENESIS, "bad", status=AssertionStatus.DEAD)
            .posted("bad", "worse")
            .posted("worse", "worst")
            .member("bad", EVE)
            .tip("worst", EVE)
        ),
        [("slash", "bad", EVE)],
    ),
    "attack__stake_far_below_the_dead__is_left_alone": (
        lambda: branch_below_the_dead(33).tip("level 33", EVE),
        [],
    ),
    "stake_near_enough_below_the_dead__marks_the_first": (
        lambda: branch_below_the_dead(32).tip("level 32", EVE),
        [("mark_dead", "level 1")],
    ),
    "dead_assertion__slashes_each_member_once": (
        lambda: (
            right_alone()
            .posted(GENESIS, "bad", status=AssertionStatus.DEAD)
            .member("bad", EVE)
            .member("bad", EVE)
        ),
        [("slash", "bad", EVE)],
    ),
    "stake_on_confirmed__nothing_to_do__withdraws": (
        lambda: confirmed_then("next").staked("right"),
        [("withdraw_stake",)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_solver__story__actions(name: str) -> None:
    build, expected = CASES[name]

    story = build()

    assert actions(story) == expected


def test_solver__watching_only__does_nothing() -> None:
    story = wrong_alone()

    assert next_actions(story.view(watching=True), story.known(), POLICY) == []


def test_solver__back_always__backs_an_uncontested_assertion() -> None:
    story = right_alone()

    assert actions(story, replace(POLICY, back=BackPolicy.ALWAYS)) == [("back", "right", STAKE_WEI)]


def test_solver__back_never__still_opens() -> None:
    story = wrong_then_right()

    assert actions(story, replace(POLICY, back=BackPolicy.NEVER)) == [("open", "wrong", "right")]


def test_solver__stake_kept__is_not_withdrawn() -> None:
    story = confirmed_then("next").staked("right")

    assert actions(story, replace(POLICY, release_stake=False)) == []


def test_solver__several_actions__most_urgent_first() -> None:
    story = wrong_then_right().posted(GENESIS, "bad", status=AssertionStatus.DEAD).member("bad", EVE)

    kinds = [kind for kind, *_ in actions(story)]

    assert kinds == ["back", "open", "slash"]


def test_solver__long_period__waits_for_its_turn_and_acts_when_urgent() -> None:
    day_s = 86_400
    story = wrong_alone()
    policy = replace(POLICY, max_delay_s=10**9)

    early = next_actions(story.view(period_s=day_s), story.known(), policy)
    late = next_actions(story.at(T0 + day_s - 43_199).view(period_s=day_s), story.known(), policy)

    assert early == []
    assert [action.kind for action in late] == ["assert"]


def test_solver__actions_against_rivals__carry_the_deadline() -> None:
    story = wrong_then_right()

    planned = next_actions(story.view(), story.known(), POLICY)

    assert [action.deadline for action in planned] == [CLOSED, CLOSED]


def test_right_chain__starts_at_the_last_confirmed__ends_at_the_newest_right() -> None:
    story = confirmed_then("next")

    chain = right_chain(story.view(), story.known())

    assert [assertion.id for assertion in chain] == [story.ids["right"], story.ids["next"]]


def test_story__me__is_the_account_under_test() -> None:
    me = right_alone().view().me

    assert me is not None
    assert me.stake.address == ME
