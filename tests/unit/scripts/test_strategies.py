import random
from dataclasses import replace

from optimistic.protocol.dispute.actions import (
    Commit,
    DuelKey,
    GameAction,
    ProveStep,
    Reveal,
    Settle,
    Timeout,
)
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.views import Divergence
from optimistic.protocol.types import ZERO_HASH, Hash32
from scripts.staging.strategies import (
    LAST_SECOND_S,
    STRATEGIES,
    AtRandom,
    CommitsOnly,
    LastSecond,
    OpensOnly,
    Silent,
    Strategy,
)

NOW = 1_000
KEY = DuelKey(older=ZERO_HASH, newer=ZERO_HASH)
COMMIT = Commit(
    reason="",
    deadline=NOW + 100,
    older=ZERO_HASH,
    newer=ZERO_HASH,
    side=Side.NEWER,
    depth=1,
    divergence=Divergence(pre=ZERO_HASH, nodes=(ZERO_HASH, Hash32(bytes([1]) * 32))),
    reveal=Reveal(end_state=ZERO_HASH, children=(ZERO_HASH,) * 32, last_children_root=ZERO_HASH),
    is_free=True,
    bond_wei=0,
)
ACTIONS: list[GameAction] = [
    COMMIT,
    Timeout(reason="", key=KEY),
    Settle(reason="", older=ZERO_HASH, newer=ZERO_HASH),
    ProveStep(reason="", key=KEY, divergence=COMMIT.divergence, witness=b""),
]


def test_strategies__that_leave_out__keep_what_they_are_named_for() -> None:
    assert Strategy().choose(ACTIONS, NOW) == ACTIONS
    assert Silent().choose(ACTIONS, NOW) == []
    assert OpensOnly().choose(ACTIONS, NOW) == []
    assert CommitsOnly().choose(ACTIONS, NOW) == [COMMIT]


def test_last_second__a_deadline__is_waited_for() -> None:
    early, late = (
        LastSecond().choose([COMMIT], NOW),
        LastSecond().choose([replace(COMMIT, deadline=NOW + LAST_SECOND_S)], NOW),
    )

    assert (len(early), len(late)) == (0, 1)


def test_at_random__many_turns__does_some_and_spoils_some() -> None:
    strategy = AtRandom(random.Random(1))

    chosen = [action for _ in range(100) for action in strategy.choose(ACTIONS, NOW)]

    commits = [action for action in chosen if isinstance(action, Commit)]
    assert 0 < len(chosen) < 100 * len(ACTIONS)
    assert 0 < sum(commit != COMMIT for commit in commits) < len(commits)


def test_strategies__by_name__are_all_there() -> None:
    assert {"plays", "silent", "last-second", "random"} < set(STRATEGIES)
