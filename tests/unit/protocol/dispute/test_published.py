"""What published nodes let a player know of a rival's tree: never more than L1 will believe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimistic.protocol.commitment import CommitmentTree, Tree, UnitTree, leaf
from optimistic.protocol.dispute import published
from optimistic.protocol.dispute.divergence import check_divergence, check_reveal
from optimistic.protocol.dispute.ids import Side
from optimistic.protocol.dispute.proofs import Inside, inside
from optimistic.protocol.dispute.published import PublishedNodes, known_path
from optimistic.protocol.dispute.solver import opening
from optimistic.protocol.hashing import keccak256
from optimistic.protocol.types import Hash32
from scripts.staging.lies import AlteredTree

HEIGHT = 5
OWN_LEAVES = [[keccak256(bytes([batch, unit])) for unit in range(40)] for batch in range(3)]
OWN = UnitTree(5, OWN_LEAVES)
SECOND = 1 << 15
OLDER, NEWER = keccak256(b"older"), keccak256(b"newer")
PRE = keccak256(b"end leaf of the parent")


def wrong_from(index: int) -> list[list[Hash32]]:
    """Unit leaves that are wrong from one of the first batch on."""
    first = [*OWN_LEAVES[0][:index], *(keccak256(state) for state in OWN_LEAVES[0][index:])]
    return [first, *([keccak256(state) for state in batch] for batch in OWN_LEAVES[1:])]


def wrong_once(index: int) -> list[list[Hash32]]:
    """Unit leaves of which one of the first batch is wrong."""
    changed = [*OWN_LEAVES[0]]
    changed[index] = keccak256(changed[index])
    return [changed, *OWN_LEAVES[1:]]


def group(tree: Tree, level: int, first: int, count: int) -> PublishedNodes:
    return PublishedNodes(
        level=level, first_index=first, nodes=tuple(tree.node(level, first + i) for i in range(count))
    )


def check_path(own: Tree, rival: Tree, path: list[Inside]) -> None:
    """Every node is what the rival has there, and the next one is the first different child."""
    index = 0
    for level, node in zip(range(own.height, 0, -1), path, strict=False):
        assert node == inside(rival, level, index)
        mine = inside(own, level, index).children
        digit = next(i for i, pair in enumerate(zip(mine, node.children, strict=True)) if pair[0] != pair[1])
        index = (index << own.log_arity) + digit


def depth_known(rival: Tree, *groups: PublishedNodes, own: Tree = OWN) -> int:
    path = known_path(own, rival.root, groups)
    check_path(own, rival, path)
    return len(path)


@pytest.mark.parametrize("index", [0, 7, 31, 32, 39])
def test_known_path__all_leaves_published__ends_at_the_unit(index: int) -> None:
    rival = UnitTree(5, wrong_from(index))

    groups = [group(rival, 0, batch * SECOND, 40) for batch in range(3)]

    assert depth_known(rival, *groups) == HEIGHT


def test_known_path__nothing_published__is_empty() -> None:
    assert depth_known(UnitTree(5, wrong_from(7))) == 0


def test_known_path__wrong_from_a_batch_on__needs_the_leaves_of_the_wrong_batches_only() -> None:
    rival = UnitTree(5, [OWN_LEAVES[0], *wrong_from(0)[1:]])

    assert depth_known(rival, group(rival, 0, SECOND, 40), group(rival, 0, 2 * SECOND, 40)) == HEIGHT


def test_known_path__one_wrong_unit__needs_the_leaves_around_it_only() -> None:
    rival = UnitTree(5, wrong_once(7))

    assert depth_known(rival, group(rival, 0, 0, 32)) == HEIGHT
    assert depth_known(rival, group(rival, 0, 7, 1)) == HEIGHT


def test_known_path__of_a_wrong_batch_only_the_top__ends_there() -> None:
    rival = UnitTree(5, wrong_once(7))

    assert depth_known(rival, group(rival, 3, 0, 1)) == 2
    assert depth_known(rival, group(rival, 1, 0, 1)) == 4


def test_known_path__a_batch_of_the_rival_is_missing__is_empty() -> None:
    rival = UnitTree(5, wrong_from(7))

    assert depth_known(rival, group(rival, 0, 0, 40), group(rival, 0, 2 * SECOND, 40)) == 0


def test_known_path__children_of_the_root_only__is_one_step() -> None:
    rival = UnitTree(5, wrong_from(7))

    assert depth_known(rival, group(rival, HEIGHT - 1, 0, 32)) == 1


def test_known_path__nested_groups__uses_the_deepest() -> None:
    rival = UnitTree(5, wrong_from(7))
    tops = [group(rival, 3, 0, 32), group(rival, 4, 0, 32)]

    assert depth_known(rival, *tops) == 2
    assert depth_known(rival, *tops, group(rival, 0, 0, 40)) == HEIGHT


def test_known_path__false_inner_end_state__stops_where_no_child_differs() -> None:
    rival = AlteredTree(OWN, 2, 0, keccak256(b"false"))
    published = [
        group(rival, 4, 0, 32),
        group(rival, 3, 0, 32),
        group(rival, 2, 0, 32),
        group(rival, 0, 0, 40),
    ]

    assert depth_known(rival, *published) == 3


@pytest.mark.parametrize(
    "nodes",
    [
        PublishedNodes(level=0, first_index=0, nodes=()),
        PublishedNodes(level=6, first_index=0, nodes=(OWN.root,)),
        PublishedNodes(level=0, first_index=1, nodes=(leaf(PRE),) * 2),
        PublishedNodes(level=0, first_index=1 << 25, nodes=(leaf(PRE),)),
        PublishedNodes(level=4, first_index=32, nodes=(leaf(PRE),)),
        PublishedNodes(level=4, first_index=0, nodes=(leaf(PRE),) * 33),
    ],
)
def test_known_path__a_group_without_a_place__is_ignored(nodes: PublishedNodes) -> None:
    rival = UnitTree(5, wrong_once(7))

    assert depth_known(rival, nodes) == 0
    assert depth_known(rival, nodes, group(rival, 0, 0, 32)) == HEIGHT


def test_attack__more_nodes_than_are_worth_hashing__are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Publishing is paid for once, hashing is not: a flood of nodes only costs the walk."""
    rival = UnitTree(5, wrong_once(7))
    monkeypatch.setattr(published, "MAX_NODES", 64)

    assert depth_known(rival, group(rival, 0, 0, 32), group(rival, 0, 32, 32)) == HEIGHT
    assert depth_known(rival, group(rival, 0, 0, 32), group(rival, 0, 32, 32), group(rival, 0, 64, 1)) == 0


@given(data=st.data())
def test_known_path__any_groups_of_any_small_tree__are_what_the_rival_has(data: st.DataObject) -> None:
    states = st.lists(st.sampled_from([keccak256(bytes([i])) for i in range(3)]), min_size=16, max_size=16)
    own, rival = (
        CommitmentTree(1, 4, [leaf(state) for state in data.draw(states)], leaf(PRE)) for _ in range(2)
    )
    if own.root == rival.root:
        return
    groups = []
    for _ in range(data.draw(st.integers(0, 4))):
        level = data.draw(st.integers(0, 4))
        height = data.draw(st.integers(0, 4 - level))
        first = data.draw(st.integers(0, (1 << 4 - level - height) - 1)) << height
        groups.append(group(rival, level, first, 1 << height))

    depth_known(rival, *groups, own=own)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_opening__as_deep_as_the_rival_is_known__is_what_l1_accepts(count: int) -> None:
    rival = UnitTree(5, wrong_from(7))
    groups = [group(rival, 0, batch * SECOND, 40) for batch in range(count)]
    groups += [group(rival, 4, 0, 32)] if count == 1 else []

    action = opening(OLDER, NEWER, OWN, rival.root, groups, 77)

    assert action.level == {0: 5, 1: 4, 3: 0}[count]
    assert (action.older, action.newer, action.deadline) == (OLDER, NEWER, 77)
    upper, pre = check_divergence(action.proof, 5, action.level, HEIGHT - action.level, PRE)
    assert upper == (rival.root.hash, OWN.root.hash)
    assert pre == (PRE if action.level else OWN_LEAVES[0][6])
    if action.level:
        assert action.reveal is not None
        check_reveal(action.proof.nodes[Side.NEWER], action.level, action.reveal, 5)
    else:
        assert action.reveal is None
        assert action.proof.index == 7


def test_opening__in_the_middle__reveals_the_node_there() -> None:
    rival = UnitTree(5, wrong_from(7))

    action = opening(OLDER, NEWER, OWN, rival.root, [group(rival, 4, 0, 32), group(rival, 3, 0, 32)], 77)

    assert action.level == 3
    assert action.reveal is not None
    check_reveal(action.proof.nodes[Side.NEWER], 3, action.reveal, 5)
