"""The right trace against every wrong one of four steps, on the real rules and with real hashes.

The model of tests/model leaves trees out. What it relies on is shown here: whatever the other side
commits to, false end states of inner nodes included, the right side can always move when it is on turn,
and the step or the clock decides for it.
"""

from collections.abc import Iterator
from itertools import product

import pytest

from optimistic.protocol.commitment import Node, Tree, merkle_root, node_hash
from optimistic.protocol.dispute.actions import DuelKey
from optimistic.protocol.dispute.divergence import InvalidReveal
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.proofs import NoDifference
from optimistic.protocol.dispute.views import Life
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32
from scripts.staging.lies import Fault
from tests.helpers.dispute_stage import Computation, Stage

FALSE = keccak256(b"a state of no machine")
UNITS = {"short": 0, "of two": 1, "of seven": 2}
"""Units with 1, 2 and 7 steps: the trees of the former must be lifted, the latter is higher than four."""


class FreeTree(Tree):
    """A tree of arity 2 and two levels in which every inner node may name any end state."""

    def __init__(self, leaves: tuple[Hash32, ...], ends: tuple[Hash32, Hash32]) -> None:
        super().__init__(1, 2)
        leaf_nodes = [Node(state, state) for state in leaves]
        inner = [
            Node(end, node_hash(end, merkle_root([child.hash for child in leaf_nodes[first : first + 2]])))
            for first, end in zip((0, 2), ends, strict=True)
        ]
        root = Node(ends[1], node_hash(ends[1], merkle_root([child.hash for child in inner])))
        self._levels = (leaf_nodes, inner, [root])

    def node(self, level: int, index: int) -> Node:
        return self._levels[level][index]


def wrong_trees(states: list[Hash32], result: Hash32) -> Iterator[FreeTree]:
    """Every tree that ends in the wrong result: each leaf right or wrong, each end state true or false."""
    padded = (states + states[-1:] * 4)[:4]
    choices = [(state, FALSE) for state in padded[:3]]
    for leaves in product(*choices, (result, padded[3], FALSE)):
        for end in {leaves[1], padded[1], FALSE}:
            yield FreeTree(leaves, (end, result))


def pinned_unit(unit: int, right: Side) -> tuple[Stage, tuple[Hash32, Hash32], Hash32]:
    """A dispute about a unit, and the wrong result."""
    stage = Stage(log_arity=1)
    pair = stage.dispute(Fault(unit=unit), right=right, level=0)
    return stage, pair, stage.divergence(pair).nodes[right.other]


def play(stage: Stage, key: DuelKey, right: Side) -> None:
    """Both sides move at once as long as they can; a side that cannot lets its clock run out."""
    assert key.commitments is not None
    view = stage.game.view(key.older, key.newer)
    assert view is not None
    is_ours = view.commitments[key.commitments[right]].no == 2
    try:
        stage.play("anyone", stage.starting(key))
        while (duel := stage.duel(key)) is not None and duel.level:
            is_ours = duel.clocks.turn is right
            stage.play("anyone", stage.move(key))
    except (NoDifference, InvalidReveal):
        assert not is_ours, "the right side always has a move"
        stage.now += 2 * stage.period_s
        stage.time_out(key)
    else:
        stage.play("anyone", stage.proving(key))


@pytest.mark.parametrize("right", Side)
@pytest.mark.parametrize("is_first", [True, False], ids=["right one first", "wrong one first"])
@pytest.mark.parametrize("unit", UNITS.values(), ids=list(UNITS))
def test_right_trace__against_every_wrong_tree__wins(unit: int, is_first: bool, right: Side) -> None:
    states = Computation(1).states(unit)
    stage, pair, result = pinned_unit(unit, right)
    trees = {tree.root.hash: tree for tree in wrong_trees(states, result)}
    before = stage.game.disputes.copy(), stage.now

    for tree in trees.values():
        stage.game.disputes, stage.now = before[0].copy(), before[1]
        sides = [(right, stage.right.trace(unit)), (right.other, tree)]
        ids = dict[Side, Hash32]()
        for side, trace in sides if is_first else reversed(sides):
            ids[side] = stage.commit("somebody", pair, side, trace)
        key = DuelKey(older=pair[0], newer=pair[1], commitments=(ids[Side.OLDER], ids[Side.NEWER]))

        play(stage, key, right)

        view = stage.game.view(*pair)
        assert view is not None
        assert view.commitments[ids[right]].life is Life.LIVE
        assert view.commitments[ids[right.other]].life is Life.DEAD

    assert len(trees) > 40
